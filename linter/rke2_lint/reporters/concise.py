"""One line a finding, as compilers write them: editors and grep understand it."""

from __future__ import annotations

from rke2_lint.outcome import Outcome
from rke2_lint.paint import Paint, harmless


def render(outcome: Outcome, paint: Paint) -> str:
    """Return the findings, a line each; `[*]` marks those that `--fix` mends."""
    lines = []
    for one in outcome.remarks:
        where = f"{harmless(one.path)}:{one.region.line}:{one.region.column}"
        star = " [*]" if one.fixable else ""
        severity = paint(one.severity, one.severity)
        rule = paint("dim", f"({one.rule})")
        lines.append(f"{paint('bold', where)}: {severity}: {harmless(one.message)} {rule}{star}\n")
    return "".join(lines)
