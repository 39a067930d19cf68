"""The table of `rke2-lint effective`: what each machine runs with, and who says so."""

from __future__ import annotations

from rke2_lint.outcome import Outcome
from rke2_lint.paint import Paint, harmless

_HEADS = ("MACHINE", "VERDICT", "VALUE", "DECIDED BY", "REASON")


def render(outcome: Outcome, paint: Paint) -> str:
    """Return a row a machine, and what each file was taken for."""
    rows = [
        (
            harmless(one.name),
            one.verdict,
            "-" if one.value is None else harmless(one.value) or '""',
            "-" if one.decided_by is None else harmless("{}:{}:{}".format(*one.decided_by)),
            harmless(one.reason),
        )
        for one in outcome.rows
    ]
    if not rows:
        return ""
    widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
    lines = [paint("bold", _joined(_HEADS, widths))]
    for row in rows:
        name, verdict, *others = (
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        )
        lines.append("  ".join((name, paint(row[1], verdict), *others)).rstrip())
    lines += ["", *(paint("dim", f"{harmless(path)}: {kind}") for path, kind in outcome.kinds)]
    return "".join(f"{line}\n" for line in lines)


def _joined(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
