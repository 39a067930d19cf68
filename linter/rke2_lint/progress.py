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

    __slots__ = ("_last", "_next", "_total")

    def __init__(self, total: int) -> None:
        self._total = total
        self._last = 0
        """How many columns of the line are written on."""
        self._next = 0.0

    def show(self, done: int) -> None:
        """Show how many files are done."""
        now = monotonic()
        if now < self._next:
            return
        self._next = now + _PAUSE
        line = self._line(min(done, self._total))
        sys.stderr.write(f"\r{line.ljust(self._last)}")
        sys.stderr.flush()
        self._last = len(line)

    def clear(self) -> None:
        """Leave the line as it was before."""
        if self._last:
            sys.stderr.write(f"\r{' ' * self._last}\r")
            sys.stderr.flush()
            self._last = 0

    def _line(self, done: int) -> str:
        text = f"{done:,} of {self._total:,} files"
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
