"""What was read, what it was taken for, what the pin means nothing for, and what could not be read."""

from __future__ import annotations

from rke2_lint.outcome import Outcome
from rke2_lint.page.escape import path, text
from rke2_lint.page.section import folded, listed, section
from rke2_lint.page.table import Group, Row, table
from rke2_lint.page.wording import counted

STYLE = """\
.pairs { --columns: minmax(0, 1fr) minmax(0, 1.2fr); }
"""


def render_unreadable(outcome: Outcome) -> str:
    """Return what keeps the report from being complete; "" where it is."""
    unreadable = outcome.unreadable
    if not unreadable:
        return ""
    said = f"{counted(len(unreadable), 'path')} could not be read: this report is not complete"
    return (
        '<section class="alert error" aria-labelledby="unreadable">'
        f'<h2 id="unreadable">{said}</h2>{listed(unreadable)}</section>\n'
    )


def render_outside(outcome: Outcome) -> str:
    """Return the objects for which the pin means nothing; "" where there are none."""
    outside = outcome.outside
    if not outside:
        return ""
    rows = [Row((f"<code>{path(one.path)}</code>", text(one.reason))) for one in outside]
    inside = table("pairs", "Objects the pin means nothing for", ("File", "Why"), [Group(rows)])
    intro = "Objects that look like ours, and for which the pin means nothing."
    return section("outside", "Not RKE2, or not applicable", len(outside), intro, inside)


def render(outcome: Outcome) -> str:
    """Return the section of files."""
    inside = ""
    if outcome.warnings:
        said = counted(len(outcome.warnings), "warning")
        inside += f'<div class="alert warning"><h3>{said}</h3>{listed(outcome.warnings)}</div>\n'
    if outcome.kinds:
        rows = [Row((f"<code>{path(where)}</code>", text(kind))) for where, kind in outcome.kinds]
        shown = table("pairs", "What files were taken for", ("File", "Taken for"), [Group(rows)])
        were = "was" if len(rows) == 1 else "were"
        inside += folded(f"What {counted(len(rows), 'file')} {were} taken for", shown)
    if outcome.notes:
        said = f"{counted(len(outcome.notes), 'remark')} on what was left out"
        inside += folded(said, listed(outcome.notes))
    read = f"{counted(outcome.files, 'file')} read."
    return section("files", "Files", outcome.files, read, inside)
