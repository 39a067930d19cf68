"""Path globs: which files a pattern of a policy file means, seen from the folder of that file."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple


class PathGlob(NamedTuple):
    """A pattern as `.gitignore` has them, without its `!` and its brackets.

    `*` and `?` stand for characters of one name, `**` for any folders. A pattern with a `/` in
    front or inside starts at the folder; any other one fits at every depth. What fits a folder
    fits all that is in it.
    """

    pattern: str
    folder: str = ""
    """The folder that the pattern is seen from, in full; "" where paths are seen from there, too."""

    def matches(self, path: str) -> bool:
        """Return whether a path, written as the folder is, is meant."""
        inside = self.folder.rstrip("/")
        if self.folder:
            if not path.startswith(f"{inside}/"):
                return False
            path = path[len(inside) + 1 :]
        return _expression(self.pattern).match(path) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    folder_only = pattern.endswith("/")
    steps = [step for step in pattern.split("/") if step not in ("", ".")]
    anchored = "/" in pattern.removesuffix("/")
    text = "" if anchored else "(?:.*/)?"
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        if step == "**":
            text += ".+" if last else "(?:.*/)?"
        else:
            text += "".join(map(_one, step)) + ("" if last else "/")
    # What fits a folder fits all that is in it; a `/` at the end asks for a folder.
    text += "/.*" if folder_only else "(?:/.*)?"
    return re.compile(rf"(?s:{text})\Z")


def _one(character: str) -> str:
    return {"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character))
