"""Patterns that are compiled when they are first used.

Compiling them all would be a tenth of the time that one Cluster file takes, and most files need few.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Lazy:
    """Stands for a compiled pattern; each of its methods is looked up once."""

    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        method = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, method)
        return method


def lazily(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return what `re.compile` returns, and compile it at the first use of one of its methods."""
    return cast("re.Pattern[str]", _Lazy(text, int(flags)))
