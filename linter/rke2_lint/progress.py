"""A progress bar for people at a terminal. It leaves no trace."""

from __future__ import annotations

import os
import sys
from time import monotonic

_PAUSE = 0.1
"""Seconds between two looks at it."""
_WIDEST = 40
_NARROWEST = 10


class Bar:
    """One line on standard error, which is written over and over."""

    __slots__ = ("_last", "_next", "_total", "_what")

    def __init__(self, total: int, what: str = "files") -> None:
        self._total = total
        self._what = what
        self._last = 0
        """How many columns of the line are written on."""
        self._next = 0.0

    def show(self, done: int) -> None:
        """Show how many are done."""
        now = monotonic()
        if now < self._next:
            return
        self._next = now + _PAUSE
        line = self._line(min(done, self._total))
        sys.stderr.write(f"\r{line.ljust(self._last)}")
        sys.stderr.flush()
        self._last = len(line)

    def grow(self, total: int) -> None:
        """Count with so many instead: it was not known before how many there are."""
        self._total = total

    def clear(self) -> None:
        """Leave the line as it was before."""
        if self._last:
            sys.stderr.write(f"\r{' ' * self._last}\r")
            sys.stderr.flush()
            self._last = 0

    def _line(self, done: int) -> str:
        text = f"{done:,} of {self._total:,} {self._what}"
        # The last column stays free: some terminals begin a new line when it is written on.
        room = _columns() - 1
        width = min(room - len(text) - len("[] "), _WIDEST)
        if width < _NARROWEST:
            return text[:room]
        full = width * done // self._total
        return f"[{'=' * full}{' ' * (width - full)}] {text}"


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
