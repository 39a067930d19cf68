"""Mishaps: errors of ours. They are told once each, by type and place, and serving goes on.

What an error says may hold what a file says, secrets among it, and logs of editors end up in bug
reports. So neither its message nor any value is told.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

_INNERMOST = 3


class Mishaps:
    """Tells what went wrong, through `tell`."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told: set[str] = set()

    def report(self, doing: str, error: BaseException) -> None:
        """Tell that an error happened while something was done, unless it was told before."""
        text = f"rke2-lint: {doing}: {type(error).__name__} in {_where(error)}. This is a bug: please report it."
        if text not in self._told:
            self._told.add(text)
            self._tell(text)


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_INNERMOST:]
    places = [f"{_module(one.filename)}:{one.lineno} ({one.name})" for one in frames]
    return " > ".join(places) or "code that left no trace"


def _module(filename: str) -> str:
    """Return the part of a file's path that says whose it is, without anybody's home folder."""
    return "/".join(filename.replace("\\", "/").split("/")[-2:])
