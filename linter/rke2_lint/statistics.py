"""Statistics: how often each rule has something to say."""

from __future__ import annotations

from rke2_lint.outcome import Outcome
from rke2_lint.paint import Paint

_RANKS = {"error": 0, "warning": 1, "note": 2}


def render(outcome: Outcome, paint: Paint) -> str:
    """Return a line for each rule and severity, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    fixable: dict[tuple[str, str], int] = {}
    for one in outcome.remarks:
        key = one.severity, one.rule
        counts[key] = counts.get(key, 0) + 1
        fixable[key] = fixable.get(key, 0) + one.fixable
    width = max(len(f"{count:,}") for count in counts.values())
    lines = []
    for key, count in sorted(
        counts.items(), key=lambda item: (-item[1], _RANKS[item[0][0]], item[0])
    ):
        severity, rule = key
        told = f"{count:{width},}  {paint(severity, severity.ljust(7))}  {rule}"
        lines.append(f"{told}  [*] {fixable[key]:,} with --fix\n" if fixable[key] else f"{told}\n")
    return "".join(lines)
