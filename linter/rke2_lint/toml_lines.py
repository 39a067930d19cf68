"""The lines on which the keys and items of a TOML file stand: `tomllib` does not tell.

It reads what `tomllib` has taken before, so nothing is checked here (https://toml.io/en/v1.0.0).
"""

from __future__ import annotations

import re

Route = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'(?s)"""(?:\\.|[^\\])*?"{3,5}(?!")' r"|'''.*?'{3,5}(?!')" r'|"(?:\\.|[^"\\])*"' r"|'[^']*'"
)
_BARE_KEY = re.compile(r"[\w-]+")
_OTHER_VALUE = re.compile(r"[^\],}#\r\n]+")


def lines(text: str) -> dict[Route, int]:
    """Return the line, from 1, of every key and item, by its route."""
    return _Reader(text).lines


class _Reader:
    """Reads a text once, from its begin to its end."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Route, int] = {}
        self._text = text
        self._at = 0
        self._counted, self._line = 0, 1
        table: Route = ()
        last: dict[Route, int] = {}
        """The number of the last entry of each array of tables."""
        while self._skip():
            if self._takes("[["):
                array = self._key((), last)
                last[array] = last.get(array, -1) + 1
                table = (*array, last[array])
                self._note(table)
                self._takes("]]")
            elif self._takes("["):
                table = self._key((), last)
                self._takes("]")
            else:
                self._pair(table)

    def _pair(self, table: Route) -> None:
        route = self._key(table, {})
        self._skip()
        self._takes("=")
        self._value(route)

    def _key(self, above: Route, last: dict[Route, int]) -> Route:
        """Read a key, dots and all. A name within it may stand for the last entry of an array."""
        route = above
        while self._skip():
            found = _STRING.match(self._text, self._at) or _BARE_KEY.match(self._text, self._at)
            name = found[0] if found else self._text[self._at]
            self._at += len(name)
            route = (*route, name.strip("\"'"))
            self._note(route)
            self._skip()
            if not self._takes("."):
                break
            route = (*route, last[route]) if route in last else route
        return route

    def _value(self, route: Route) -> None:
        self._skip()
        if self._takes("["):
            number = 0
            while self._skip() and not self._takes("]"):
                self._note((*route, number))
                self._value((*route, number))
                number += 1
                self._skip()
                self._takes(",")
        elif self._takes("{"):
            while self._skip() and not self._takes("}"):
                self._pair(route)
                self._skip()
                self._takes(",")
        else:
            found = _STRING.match(self._text, self._at) or _OTHER_VALUE.match(self._text, self._at)
            self._at = found.end() if found else self._at + 1

    def _skip(self) -> bool:
        """Go to what is neither blank nor comment. Return False at the end."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at < len(self._text)

    def _takes(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _note(self, route: Route) -> None:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        self.lines.setdefault(route, self._line)
