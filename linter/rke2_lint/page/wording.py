"""Words for people: numbers with their nouns, lists, and messages as sentences."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, what: str) -> str:
    """Return a number with its noun."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def joined(parts: Sequence[str]) -> str:
    """Return some words as a list: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def sentence(said: str) -> str:
    """Return a message as it starts a sentence: with a capital, but for names of settings and files."""
    first = said.partition(" ")[0]
    return said[:1].upper() + said[1:] if first.isalpha() and first.islower() else said
