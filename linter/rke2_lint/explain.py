"""Explaining rules: `rke2-lint rule`, and the reason that stands below a finding."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rke2_lint.paint import Paint
from rke2_policies import catalog
from rke2_policies.rule import AnyRule

_ENOUGH = 350
_SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z`])")


def why(name: str) -> str:
    """Return why a rule matters: what its page says first, below the summary."""
    paragraphs = catalog.rule(name).doc.strip().split("\n\n")[1:2]
    if not paragraphs or paragraphs[0].startswith("```"):
        return ""
    first, *others = _SENTENCE_END.split(" ".join(paragraphs[0].split()))
    for sentence in others:
        if len(first) + len(sentence) > _ENOUGH:
            break
        first += f" {sentence}"
    return first


def page(name: str, paint: Paint) -> str:
    """Return a rule's page."""
    from rke2_lint.rule_page import paragraphs

    rule = catalog.rule(name)
    heading = f"{paint('bold', rule.id)} ({_severity(rule, paint)})"
    return "\n\n".join([heading, rule.summary, *paragraphs(rule)]) + "\n"


def index(paint: Paint) -> str:
    """Return all rules, a line each: those about files, then those about live nodes."""
    about_files, live = catalog.rules().values(), catalog.live_rules().values()
    width = max(len(rule.id) for rule in (*about_files, *live))

    def listed(rules: Iterable[AnyRule]) -> str:
        return "".join(
            f"{paint('bold', rule.id.ljust(width))}  {_severity(rule, paint, 7)}  {rule.summary}\n"
            for rule in rules
        )

    return f"{listed(about_files)}\nAbout live nodes (rke2-lint node):\n\n{listed(live)}"


def _severity(rule: AnyRule, paint: Paint, width: int = 0) -> str:
    name = rule.severity.name.lower()
    return paint(name, name.ljust(width))
