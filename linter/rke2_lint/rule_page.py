"""The pages of rules for other programs: Markdown for sites and wikis, JSON for whatever else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rke2_policies import catalog
from rke2_policies.rule import AnyRule, Example

VERSION = 1
"""Of the JSON. Version 1 never loses or changes a field."""


def markdown(names: Iterable[str]) -> str:
    """Return the pages of these rules in Markdown, each under a heading of its own."""
    return "\n".join("\n\n".join(_markdown(catalog.rule(name))) + "\n" for name in names)


def as_json(names: Iterable[str]) -> str:
    """Return the pages of these rules in JSON, with their examples apart from the prose."""
    rules = [_json(catalog.rule(name)) for name in names]
    return json.dumps({"version": VERSION, "rules": rules}, indent=2) + "\n"


def _markdown(rule: AnyRule) -> Iterator[str]:
    yield f"# {rule.id}"
    yield f"**{rule.severity.name.lower()}**: {rule.summary}"
    for part in rule.parts:
        if isinstance(part, str):
            yield part
        elif part.before:
            yield from _files("Found", part.before)
            yield from _files("After the fix", part.after)
        else:
            yield from _files("Nothing is found", part.after)


def _files(what: str, files: Mapping[str, str]) -> Iterator[str]:
    for path, text in files.items():
        yield f"{what}, in `{path}`:"
        yield f"```yaml\n{text}```"


def _json(rule: AnyRule) -> dict[str, Any]:
    return {
        "name": rule.id,
        "severity": rule.severity.name.lower(),
        "summary": rule.summary,
        "explanation": "\n\n".join(part for part in rule.parts if isinstance(part, str)),
        "examples": [_example(part) for part in rule.parts if isinstance(part, Example)],
    }


def _example(one: Example) -> dict[str, Any]:
    if not one.before:
        return {"kind": "good", "files": dict(one.after), "fixed": None}
    return {"kind": "bad", "files": dict(one.before), "fixed": dict(one.after) or None}
