"""Markdown for comments on pull requests and merge requests, and for the summary of a GitHub job.

What files and paths say is shown as it is: it makes no table, no link, no HTML, and calls nobody.
"""

from __future__ import annotations

import re

from rke2_lint.outcome import Outcome
from rke2_lint.paint import harmless
from rke2_lint.remarks import Change, Remark

_MOST = 60_000
"""Characters. GitHub takes 65,536 for a comment, GitLab a million."""

_MOST_UNREADABLE = 10

_SIGNS = {"error": "🔴", "warning": "🟡", "note": "🔵"}
_HOW = {
    "safe": "`rke2-lint --fix` makes it",
    "unsafe": "`rke2-lint --fix --unsafe-fixes` makes it: look whether it is what was meant",
    "shown": "by hand: it deletes something, or reaches further than this place",
}
_MEANT = re.compile(r"([\\`*_\[\]<>~#!$&])")
# What GitHub and GitLab look for in text, whatever it was in Markdown: @names, #123, !123, %names,
# :emoji:, addresses.
_SOUGHT = re.compile(r"([@#!$%&~^](?=[\w\"])|:(?=//|[a-z+-][\w+-]*:)|\bwww(?=\.))")
_NOTHING = "&#8203;"
"""A sign without width: what stands before it and behind it is no longer one word."""

_TICKS = re.compile(r"`+")


def render(outcome: Outcome) -> str:
    """Return a heading that counts, a table of all findings, and the fixes as diffs.

    The first line, a comment, tells a program which of its comments to write anew.
    """
    text = f"<!-- rke2-lint -->\n### rke2-lint: {counted(outcome)}\n"
    if outcome.unreadable:
        text += f"\n{_listed(outcome.unreadable)}"
    if not outcome.remarks:
        return text
    text += "\n| | Where | What | Rule |\n|---|---|---|---|\n"
    rows = [_row(one) for one in outcome.remarks]
    shown = _fitting(rows, _MOST - len(text))
    text += "".join(rows[:shown])
    if shown < len(rows):
        return f"{text}\n… and {len(rows) - shown:,} more.\n"
    fixes = _fixes(outcome.remarks)
    shown = _fitting(fixes, _MOST - len(text))
    text += "".join(fixes[:shown])
    if shown < len(fixes):
        text += f"\n… and {len(fixes) - shown:,} more fixes: `rke2-lint --diff` shows them.\n"
    return text


def counted(outcome: Outcome) -> str:
    """Return how many findings there are of each severity, in words."""
    counts = [(outcome.count(severity), severity) for severity in _SIGNS]
    said = [f"{count:,} {name}{'s' if count > 1 else ''}" for count, name in counts if count]
    if outcome.unreadable:
        files = len(outcome.unreadable)
        said.append(f"{files:,} {'file' if files == 1 else 'files'} not read")
    return ", ".join(said) or "nothing found ✅"


def _listed(unreadable: list[str]) -> str:
    lines = [f"- not read: {plain(line)}\n" for line in unreadable[:_MOST_UNREADABLE]]
    if len(unreadable) > _MOST_UNREADABLE:
        lines.append(f"- … and {len(unreadable) - _MOST_UNREADABLE:,} more\n")
    return "".join(lines)


def _fitting(parts: list[str], room: int) -> int:
    """Return how many of the parts fit, so that a line about the others does, too."""
    for number, part in enumerate(parts):
        room -= len(part)
        if room < 100:
            return number
    return len(parts)


def _row(one: Remark) -> str:
    where = _code(f"{one.path}:{one.region.line}")
    star = " 🔧" if one.change is not None and not one.refusal else ""
    return f"| {_SIGNS[one.severity]} | {_cell(where)} | {plain(one.message)}{star} | {_code(one.rule)} |\n"


def _fixes(remarks: list[Remark]) -> list[str]:
    """Return the fixes as diffs, each once however many findings it mends."""
    seen: set[tuple[str, Change]] = set()
    parts = []
    for one in remarks:
        change = one.change
        if change is None or one.refusal or not change.picture or (one.path, change) in seen:
            continue
        seen.add((one.path, change))
        lines = "\n".join(f"{line.sign}{harmless(line.text)}".rstrip() for line in change.picture)
        parts.append(
            f"\n<details><summary>🔧 {_html(change.title)}: <code>{_html(one.path)}</code></summary>\n\n"
            f"{fenced(lines, 'diff')}\n{_HOW[change.safety]}\n</details>\n"
        )
    return parts


def fenced(text: str, language: str) -> str:
    """Return a block of code that ends where it is meant to, whatever is in the text."""
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    end = "" if not text or text.endswith("\n") else "\n"
    return f"{fence}{language}\n{text}{end}{fence}\n"


def _code(text: str) -> str:
    """Return text as code within a line."""
    text = harmless(text)
    fence = "`" * (1 + max(map(len, _TICKS.findall(text)), default=0))
    room = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{fence}{room}{text}{room}{fence}"


def _cell(text: str) -> str:
    # The one sign that tables read before everything else, in code, too.
    return text.replace("|", "\\|")


def plain(text: str) -> str:
    """Return text that is nothing but text, within a line of Markdown."""
    return (
        _MEANT.sub(r"\\\1", _apart(harmless(text))).replace("|", "&#124;").replace("\0", _NOTHING)
    )


def _html(text: str) -> str:
    """Return text that is nothing but text, between tags."""
    text = _apart(harmless(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\0", _NOTHING)


def _apart(text: str) -> str:
    # NUL, of which a harmless text has none, stands for the sign until everything else is written.
    return _SOUGHT.sub("\\1\0", text)
