"""Globs of paths: `clusters/lab/`, `*.generated.yaml`, `**/charts/*/templates/**`.

They mean what they mean in .gitignore (https://git-scm.com/docs/gitignore#_pattern_format): without
a `/` inside, a glob is the name of a file or folder at any depth; with one, it is a path from the
folder of the file that says it. `*` and `?` stand for anything but `/`, `**` for any folders, `[…]`
for one of some characters, and a `/` at the end for a folder. A folder stands for all that is in it.
Unlike there, `../` at the beginning leads to the folder above, and nothing begins with `!`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_MOST_CHARACTERS = 1000


class PathGlob(NamedTuple):
    """A glob, and the folder that it counts from."""

    pattern: str
    folder: str = ""
    """The folder that it is seen from, in full; "" where paths are seen from there, too."""
    place: str = ""
    """The file and line that say it, for people."""

    @property
    def is_name(self) -> bool:
        """Whether it is a name, which counts at any depth, and no path."""
        return "/" not in self.pattern.rstrip("/")

    def taken_over(self, folder: str) -> PathGlob:
        """Return it as a policy in `folder` takes it over: a name counts there, too, a path stays."""
        there = counts_there(self.pattern, self.folder, folder)
        return self if there else self._replace(folder=folder)

    def matches(self, path: str) -> bool:
        """Return whether it means a path or a folder above it. A folder's own path ends in `/`."""
        pattern, folder = self.pattern, self.folder.rstrip("/")
        while pattern.startswith(("./", "../")):
            step, _, pattern = pattern.partition("/")
            if step == "..":
                folder = folder.rpartition("/")[0]
        if self.folder:
            if not path.startswith(f"{folder}/"):
                return False
            path = path[len(folder) + 1 :]
        if pattern != self.pattern:
            pattern = f"/{pattern}"
        return path != "" and _expression(pattern).match(path) is not None

    def names(self, path: str) -> bool:
        """Return whether it means a file by (a part of) its name, and not as one of a folder."""
        if self.pattern.rpartition("/")[2].strip("*") == "":
            return False
        return self.matches(path) and not self.matches(path[: path.rfind("/") + 1])


def counts_there(pattern: str, origin: str, folder: str) -> bool:
    """Return whether a policy in `folder` takes a glob over from `origin` as it stands.

    A path does not move. A name counts at any depth: below its origin, it counts in `folder` already,
    where it may also mean one of the folders in between.
    """
    return not PathGlob(pattern).is_name or f"{folder}/".startswith(f"{origin.rstrip('/')}/")


def problem(pattern: str) -> str:
    """Return what is wrong with a glob, and "" where nothing is."""
    if len(pattern) > _MOST_CHARACTERS:
        return f"a glob has at most {_MOST_CHARACTERS} characters"
    if pattern.startswith("!"):
        return "a glob does not begin with !: nothing is taken back"
    if "\\" in pattern:
        return "a glob has no backslashes: / separates folders, and [*] is an asterisk"
    rest = pattern
    while rest.startswith(("./", "../")):
        rest = rest.partition("/")[2]
    steps = rest.removeprefix("/").removesuffix("/").split("/")
    if "" in steps:
        return "a glob is a name, or names with one / between them"
    if "." in steps or ".." in steps:
        return "a glob has ./ and ../ at its beginning only"
    try:
        _expression(rest)
    except re.error:
        return "a glob has its ranges in order, as in [a-z]"
    return ""


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    """Return the expression that a path below the glob's folder has to begin with.

    What follows a `*` or `**` is looked for once, from left to right, and never again (`(?>…)`):
    where it fits first is as good as anywhere else. So no glob takes long, however it is written.
    """
    steps = pattern.strip("/").split("/")
    if "/" not in pattern.rstrip("/"):
        steps.insert(0, "**")
    end = "/" if pattern.endswith("/") else r"(?:/|\Z)"
    if _is_any_folders(steps[-1]) and len(steps) > 1:
        # What is in a folder, and not the folder; or the folders in it.
        end = "/[^/]*/" if pattern.endswith("/") else "/"
    runs: list[list[str]] = [[]]
    for step in steps:
        if _is_any_folders(step):
            runs.append([])
        else:
            runs[-1].append(_name(step))
    first, *others = runs
    others = [run for run in others if run]
    expression = "/".join(first)
    if first:
        expression += "/" if others else end
    for i, run in enumerate(others, start=1):
        close = end if i == len(others) else "/"
        expression += f"(?>(?:[^/]*/)*?{'/'.join(run)}{close})"
    if not (first or others):
        expression = "[^/]*/" if pattern.endswith("/") else ""
    return re.compile(expression)


def _is_any_folders(step: str) -> bool:
    return len(step) > 1 and not step.strip("*")


def _name(part: str) -> str:
    """Return the expression of one name."""
    pieces = [""]
    at = 0
    while at < len(part):
        character = part[at]
        at += 1
        close = part.find("]", at + 1 + (part[at : at + 1] in ("!", "^")))
        if character == "*":
            pieces.append("")
        elif character == "?":
            pieces[-1] += "[^/]"
        elif character == "[" and close > 0:
            pieces[-1] += _one_of(part[at:close])
            at = close + 1
        else:
            pieces[-1] += re.escape(character)
    begin, *others = pieces
    if not others:
        return begin
    *between, last = others
    return begin + "".join(f"(?>[^/]*?{piece})" for piece in between if piece) + f"[^/]*{last}"


def _one_of(text: str) -> str:
    """Return the expression of one of the characters between brackets, which is never a `/`."""
    others = text[:1] in ("!", "^")
    characters = re.findall("(?s)(.)-(.)|(.)", text[others:])
    said = "".join(
        f"{re.escape(low)}-{re.escape(high)}" if low else re.escape(one)
        for low, high, one in characters
    )
    return f"(?!/)[{'^' if others else ''}{said}]"
