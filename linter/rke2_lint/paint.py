"""Colours, where there is a terminal that shows them and nobody who minds."""

from __future__ import annotations

import os
from typing import TextIO

_CODES = {
    "error": "1;31", "warning": "1;33", "note": "1;36", "bold": "1", "dim": "2",
    "frame": "34", "+": "32", "-": "31", "pinned": "32", "unpinned": "1;31", "legacy": "1;31",
    "broken": "1;31", "unknown": "1;33", "not-applicable": "2",
}  # fmt: skip
_SPECIAL = {chr(code): chr(0x2400 + code) for code in range(32)} | {
    "\x7f": "␡", "\t": "    ",
    **{chr(code): "\ufffd" for code in (*range(0x80, 0xA0), *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF)},
    **{chr(code): "\ufffd" for code in range(0xD800, 0xE000)},
}  # fmt: skip
_PLAIN = str.maketrans(_SPECIAL)


class Paint:
    """Paints text, or leaves it as it is."""

    __slots__ = ("_colours",)

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def __call__(self, style: str, text: str) -> str:
        """Return text in a style: a severity, a verdict, `bold`, `dim`, `frame`, `+` or `-`."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self._colours and text else text


def wanted(stream: TextIO, *, no_color: bool) -> bool:
    """Tell whether a stream is a terminal for colours, and they are not declined (no-color.org)."""
    if no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    if os.name == "nt" and not (os.environ.get("WT_SESSION") or os.environ.get("TERM")):
        return False  # the old console shows the codes themselves
    return stream.isatty()


def harmless(text: str) -> str:
    """Return text of a file with nothing in it that a terminal would act upon."""
    return text.translate(_PLAIN)


def without_commands(text: str) -> str:
    """Return text for people in which no CI system finds a command, whatever names and files say.

    GitHub's runner reads `::…` at the start of a line and `##[…` anywhere (actions/runner
    src/Runner.Common/ActionCommand.cs), the agent of Azure Pipelines `##vso[…` anywhere.
    """
    if "##" not in text and "::" not in text:
        return text
    import re

    text = re.sub(r"(?i)(##(?:vso)?)\[", r"\1(", text)
    return re.sub(r"(?im)^(\s*)::(?=[a-z])", r"\1: :", text)
