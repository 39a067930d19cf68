"""Badges: a verdict or a severity as a word in its colour, with a sign for those who see none."""

from __future__ import annotations

VERDICTS = {
    "broken": "bad", "unpinned": "bad", "legacy": "bad", "unknown": "warn", "pinned": "good", "not-applicable": "none",
}  # fmt: skip
"""What is said of machines, in the order of the need to act, and the class of its badge."""
SEVERITIES = ("error", "warning", "note")


def verdict(name: str, count: int | None = None) -> str:
    """Return the badge of a verdict, with a number where it stands for several machines."""
    number = "" if count is None else f"{count:,} "
    return f'<span class="badge {VERDICTS[name]}">{number}{name.replace("-", " ")}</span>'


def severity(name: str) -> str:
    """Return the badge of a severity."""
    return f'<span class="badge {name}">{name}</span>'
