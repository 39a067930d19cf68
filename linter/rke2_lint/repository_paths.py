"""Paths as review tools know them: from the top of the repository, wherever the linter was started."""

from __future__ import annotations

import os
import posixpath


class RepositoryPaths:
    """Names files as the repository does that the current folder is part of.

    Where there is no repository, that folder is taken for its top.
    """

    __slots__ = ("_inside",)

    def __init__(self) -> None:
        here = os.getcwd()
        self._inside = _inside(here).replace(os.sep, "/")
        """The current folder, from the top; "" at the top."""

    def __call__(self, path: str) -> str:
        """Return a path from the top; one that leads out of the repository stays as it is."""
        if os.path.isabs(path):
            try:
                inside = os.path.relpath(path, os.getcwd()).replace(os.sep, "/")
            except ValueError:  # another drive of Windows
                return path
            known = posixpath.normpath(posixpath.join(self._inside, inside))
            return path if known.startswith("../") else known
        known = posixpath.normpath(posixpath.join(self._inside, path))
        return path.removeprefix("./") if known.startswith("../") else known


def _inside(here: str) -> str:
    folder, inside = here, ""
    while True:
        if os.path.exists(os.path.join(folder, ".git")):
            return inside
        above, name = os.path.split(folder)
        if above == folder or not name:
            return ""
        folder, inside = above, os.path.join(name, inside) if inside else name
