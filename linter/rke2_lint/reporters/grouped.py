"""The findings of each file below its name: for people who go through one file after the other."""

from __future__ import annotations

from itertools import groupby

from rke2_lint.outcome import Outcome
from rke2_lint.paint import Paint, harmless
from rke2_lint.remarks import Remark


def render(outcome: Outcome, paint: Paint) -> str:
    """Return the files that have findings, an empty line after each."""
    parts = []
    for path, remarks in groupby(outcome.remarks, key=lambda one: one.path):
        parts += [f"{paint('bold', harmless(path))}\n", _table(list(remarks), paint), "\n"]
    return "".join(parts)


def _table(remarks: list[Remark], paint: Paint) -> str:
    places = [f"{one.region.line}:{one.region.column}" for one in remarks]
    most = max(map(len, places))
    widest = max(len(one.severity) for one in remarks)
    lines = []
    for one, place in zip(remarks, places, strict=True):
        severity = paint(one.severity, one.severity.ljust(widest))
        star = " [*]" if one.fixable else ""
        rule = paint("dim", f"({one.rule})")
        lines.append(f"  {place.rjust(most)}  {severity}  {harmless(one.message)} {rule}{star}\n")
    return "".join(lines)
