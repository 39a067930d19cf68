"""Source as it is shown on a page: a few lines with a stretch marked, or a change of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rke2_lint.page.escape import line, text
from rke2_lint.remarks import Line, Region

_MOST_LINES = 40
_ENDS_OF_SIGNS = {"+": ("<ins>", "</ins>"), "-": ("<del>", "</del>")}


def excerpt(lines: Iterable[Line], region: Region) -> str:
    """Return lines of source, with what is meant on the region's first line marked."""
    rows = []
    for one in lines:
        marked = None
        if one.number == region.line:
            end = region.end_column - 1 if region.end_line == region.line else len(one.text)
            marked = region.column - 1, end
        rows.append(f"<span><i>{one.number}</i>{line(one.text, marked)}\n</span>")
    return f'<pre class="source"><code>{"".join(rows)}</code></pre>\n'


def change(picture: Sequence[Line]) -> str:
    """Return a change, each line with the sign of what becomes of it."""
    rows = []
    for one in picture[:_MOST_LINES]:
        begin, end = _ENDS_OF_SIGNS.get(one.sign, ("<span>", "</span>"))
        rows.append(f"{begin}<i>{one.number}</i><b>{one.sign}</b>{line(one.text)}\n{end}")
    if len(picture) > _MOST_LINES:
        more = text(f"\u2026 {len(picture) - _MOST_LINES:,} more lines")
        rows.append(f"<span><i></i><b> </b>{more}\n</span>")
    return f'<pre class="source diff"><code>{"".join(rows)}</code></pre>\n'
