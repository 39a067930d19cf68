"""The pages of rules for other programs: Markdown for sites and wikis, JSON for whatever else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rke2_policies import catalog
from rke2_policies.rule import AnyRule, Example

VERSION = 1
"""Of the JSON. Version 1 never loses or changes a field."""


# Blocks that are no examples of files: what holds for them all, and what a node says of itself.
_BLOCK = re.compile(r"^```(?:yaml (policy)|dump (found|good) (\S+))$", re.MULTILINE)


def markdown(names: Iterable[str]) -> str:
    """Return the pages of these rules in Markdown, each under a heading of its own."""
    return "\n".join(f"# {name}\n\n{explained(catalog.rule(name))}" for name in names)


def explained(rule: AnyRule) -> str:
    """Return a rule's page in Markdown, without a heading."""
    first = f"**{rule.severity.name.lower()}**: {rule.summary}"
    return "\n\n".join([first, *paragraphs(rule)]) + "\n"


def as_json(names: Iterable[str]) -> str:
    """Return the pages of these rules in JSON, with their examples apart from the prose."""
    rules = [_json(catalog.rule(name)) for name in names]
    return json.dumps({"version": VERSION, "rules": rules}, indent=2) + "\n"


def readable(prose: str) -> str:
    """Return paragraphs of a page with words for the marks on their blocks, which only we know."""

    def said(found: re.Match[str]) -> str:
        policy, kind, name = found.groups()
        if policy:
            return "Under this policy:\n\n```yaml"
        return f"{'Found' if kind == 'found' else 'Nothing is found'}, in `{name}`:\n\n```text"

    return _BLOCK.sub(said, prose)


def paragraphs(rule: AnyRule) -> Iterator[str]:
    """Yield what a rule's page says below its summary, with words for the marks on its blocks."""
    for part in rule.parts:
        if isinstance(part, str):
            yield readable(part)
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
    explanation: list[str] = []
    examples: list[dict[str, Any]] = []
    about = ""
    for part in rule.parts:
        if not isinstance(part, str):
            examples.append(_example(part, about))
            about = ""
        elif examples:
            about = readable(part)
        else:
            explanation.append(readable(part))
    return {
        "name": rule.id,
        "severity": rule.severity.name.lower(),
        "summary": rule.summary,
        "explanation": "\n\n".join([*explanation, about] if about else explanation),
        "examples": examples,
    }


def _example(one: Example, about: str) -> dict[str, Any]:
    """Return an example, with what the page says right before it."""
    told = {"about": about or None}
    if not one.before:
        return {**told, "kind": "good", "files": dict(one.after), "fixed": None}
    return {**told, "kind": "bad", "files": dict(one.before), "fixed": dict(one.after) or None}
