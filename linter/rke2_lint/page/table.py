"""Tables that are tables on a wide screen and cards on a phone, and stay tables for a screen reader.

Each group of rows is drawn when it comes into view, which browsers do not do for parts of a table;
so rows are laid out as grids. That takes a table's meaning away, and the roles give it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One row, its cells as HTML. The first names it."""

    cells: Sequence[str]
    attributes: str = ""


class Group(NamedTuple):
    """Rows that belong together, below a heading; as HTML, "" for none."""

    rows: Sequence[Row]
    heading: str = ""
    attributes: str = ""


def table(name: str, caption: str, heads: Sequence[str], groups: Iterable[Group]) -> str:
    """Return a table. `name` is its class: the page's style says how wide its columns are."""
    parts = [
        f'<table role="table" class="table {name}"><caption>{caption}</caption>'
        '<thead role="rowgroup"><tr role="row">',
        *(f'<th role="columnheader" scope="col">{head}</th>' for head in heads),
        "</tr></thead>\n",
    ]
    for group in groups:
        parts.append(f'<tbody role="rowgroup"{group.attributes}>')
        if group.heading:
            parts.append(
                f'<tr role="row" class="head"><th role="rowheader" scope="rowgroup" data-heading'
                f' colspan="{len(heads)}" aria-colspan="{len(heads)}">{group.heading}</th></tr>'
            )
        parts += map(_row, group.rows)
        parts.append("</tbody>\n")
    parts.append("</table>\n")
    return "".join(parts)


def _row(row: Row) -> str:
    first, *others = row.cells
    cells = "".join(f'<td role="cell">{cell}</td>' for cell in others)
    return (
        f'<tr role="row"{row.attributes}><th role="rowheader" scope="row">{first}</th>{cells}</tr>'
    )
