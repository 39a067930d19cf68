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

_SIGNS = {"error": "❌", "warning": "⚠️", "note": "ℹ️"}
_HOW = {
    "safe": "`rke2-lint --fix` makes it",
    "unsafe": "`rke2-lint --fix --unsafe-fixes` makes it: look whether it is what was meant",
    "shown": "by hand: it deletes something, or reaches further than this place",
}
_MEANT = re.compile(r"([\\`*_{}\[\]()<>|~#!$&:@+.=-])")
_TICKS = re.compile(r"`+")


def render(outcome: Outcome) -> str:
    """Return a heading that counts, a table of all findings, and the fixes as diffs.

    The first line, a comment, tells a program which of its comments to write anew.
    """
    text = f"<!-- rke2-lint -->\n### rke2-lint: {_counts(outcome)}\n"
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


def _counts(outcome: Outcome) -> str:
    counts = [(outcome.count(severity), severity) for severity in _SIGNS]
    said = [f"{count:,} {name}{'s' if count > 1 else ''}" for count, name in counts if count]
    return ", ".join(said) or "nothing found ✅"


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
    return f"| {_SIGNS[one.severity]} | {_cell(where)} | {_plain(one.message)}{star} | {_code(one.rule)} |\n"


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
            f"\n<details><summary>🔧 {_plain(change.title)}: {_html_code(one.path)}</summary>\n\n"
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


def _plain(text: str) -> str:
    """Return text that is nothing but text: a sign that could mean something is written as a number.

    Names after `@` and numbers after `#` are looked for in what has become of the Markdown, too. An
    invisible sign behind these keeps anybody from being called.
    """
    numbered = _MEANT.sub(lambda found: f"&#{ord(found[1])};", harmless(text))
    for sign in ("@", "#", "!", "$", "~"):
        numbered = numbered.replace(f"&#{ord(sign)};", f"&#{ord(sign)};&#8203;")
    return numbered.replace("www&#46;", "www&#8203;&#46;").replace("&#58;//", "&#58;&#8203;//")


def _html_code(text: str) -> str:
    return f"<code>{_plain(text)}</code>"
