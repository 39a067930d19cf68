"""What is told on hovering: a heading, a table, remarks; as Markdown or as plain text."""

from __future__ import annotations

import re
from typing import NamedTuple

from rke2_lint.paint import harmless

_MEANINGFUL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")


class Cell(NamedTuple):
    """A piece of text. `code`: it is from a file; `link`: where it leads."""

    text: str
    code: bool = False
    link: str | None = None


class Told(NamedTuple):
    """What is told of one thing. The notes stand below the table."""

    heading: tuple[Cell, ...]
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    notes: tuple[tuple[Cell, ...], ...] = ()

    def markdown(self) -> str:
        """Return it as Markdown with a table, which is GitHub's and nearly every editor's."""
        parts = [f"**{_markdown(self.heading)}**" if self.heading else ""]
        if self.rows:
            lines = [f"| {' | '.join(self.heads)} |", f"|{'---|' * len(self.heads)}"]
            lines += [f"| {' | '.join(_markdown((cell,)) for cell in row)} |" for row in self.rows]
            parts.append("\n".join(lines))
        parts += [_markdown(note) for note in self.notes]
        return "\n\n".join(part for part in parts if part)

    def plain(self) -> str:
        """Return it as text without any signs."""
        lines = [_plain(self.heading)]
        for row in self.rows:
            said = zip(self.heads, row, strict=True)
            lines.append("; ".join(f"{head.lower()}: {_plain((c,))}" for head, c in said if c.text))
        lines += [_plain(note) for note in self.notes]
        return "\n".join(line for line in lines if line)


def _markdown(cells: tuple[Cell, ...]) -> str:
    return "".join(map(_in_markdown, cells))


def _in_markdown(cell: Cell) -> str:
    text = harmless(cell.text)
    if not text:
        return ""
    if cell.code:
        # A fence is longer than any run of backticks in the text; a bar would end the table's cell.
        fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
        pad = " " if "`" in text else ""
        text = f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")
    else:
        text = _MEANINGFUL.sub(r"\\\1", text)
    if cell.link is None:
        return text
    return f"[{text}]({cell.link.replace('(', '%28').replace(')', '%29')})"


def _plain(cells: tuple[Cell, ...]) -> str:
    return "".join(harmless(cell.text) for cell in cells)
