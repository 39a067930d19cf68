"""Configurations: the policy that is nearest to a file, and which files it wants looked at.

Where one is looked for, and that it is there, `files.Lookup` knows: this module is imported where
there is one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence

from rke2_lint.files import (
    CONFIGURATIONS,
    PYPROJECT,
    File,
    NotAFileError,
    TooLargeError,
    UsageError,
    absolute,
    has_table,
    read,
    why,
)
from rke2_policies.path_glob import PathGlob, problem
from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.policy_file import PolicyError, bases, read_policy
from rke2_policies.route import Json, Route

TABLE = "tool.rke2-lint"
MOST_BYTES = 1 << 20
"""A configuration is not larger: whoever writes more than that does not mean a configuration."""


class Configurations:
    """The configurations that were found, and what they say about files. Paths are in full.

    `nearest` tells the folder of the configuration that is nearest to a folder, or "".
    """

    def __init__(self, nearest: Callable[[str], str]) -> None:
        self._nearest = nearest
        self._here = absolute(".")
        self._files: dict[str, str] = {}
        self._policies: dict[str, Policy] = {}
        """By folder. The one of "" is for all files without another."""
        self._left_out: dict[tuple[str, str], str] = {}
        """Why folders with a configuration are left out, by those and the folder that was named."""
        self._exclude: tuple[PathGlob, ...] = ()

    def begin(self, config: str | None, exclude: Sequence[str]) -> None:
        """Take in what the command line says. Raises UsageError."""
        for pattern in exclude:
            if wrong := problem(pattern):
                raise UsageError(f"--exclude {pattern}: {wrong}")
        self._exclude = tuple(PathGlob(pattern, self._here) for pattern in exclude)
        if config is not None:
            path = config.replace(os.sep, "/")
            self._files[""] = path
            self._policies[""] = _policy(path, self._here, self._here)

    def load(self, folder: str) -> None:
        """Take in the configuration that is in a folder. Raises UsageError."""
        if folder not in self._policies:
            path = _only([self._told(f"{folder}/{name}") for name in _names(folder)])
            self._policies[folder] = _policy(path, folder, self._here)
            self._files[folder] = path

    def policy_for(self, path: str) -> Policy:
        """Return the policy for a file or folder; the engine minds its overrides. Raises UsageError."""
        folder = self._folder(path)
        if folder:
            self.load(folder)
        return self._policies.get(folder, DEFAULT)

    def file_for(self, path: str) -> str:
        """Return the configuration that is in force for a file, as people are told it; "" for none."""
        return self._files.get(self._folder(path), "")

    def names(self, path: str) -> bool:
        """Return whether a file is included by its name, whatever its suffix is."""
        return any(glob.names(path) for glob in self.policy_for(path).include)

    def excluded(self, path: str, within: str = "") -> str:
        """Return why a file is not looked at, or a folder, whose path ends in `/`; "" if it is.

        What keeps `within` out, a folder that somebody has named, does not count. Raises UsageError.
        """
        if glob := _first(self._exclude, path, within):
            return f"excluded by --exclude {glob.pattern}"
        if reason := self._excluded_above(self._folder(path), within):
            return reason
        policy = self.policy_for(path)
        if glob := _first(policy.exclude, path, within):
            return f"excluded by {glob.place} ({glob.pattern})"
        if policy.include and not path.endswith("/") and not _first(policy.include, path, ""):
            return f"not included by {policy.include[0].place}"
        return ""

    def _excluded_above(self, folder: str, within: str) -> str:
        """Return why the folder of a configuration is left out by one above it; "" if it is not."""
        known = self._left_out.get((folder, within))
        if known is None:
            known = ""
            above = self._folder(folder) if folder and not os.path.lexists(f"{folder}/.git") else ""
            if above:
                known = self._excluded_above(above, within)
            if above and not known:
                glob = _first(self.policy_for(folder).exclude, f"{folder}/", within)
                known = f"excluded by {glob.place} ({glob.pattern})" if glob else ""
            self._left_out[folder, within] = known
        return known

    def _folder(self, path: str) -> str:
        """Return the folder of the configuration for a file or folder."""
        return self._nearest(path.rstrip("/").rpartition("/")[0] or "/")

    def _told(self, path: str) -> str:
        """Return a path as people are told it: from where they stand, if that is shorter."""
        try:
            seen = os.path.relpath(path, self._here).replace(os.sep, "/")
        except ValueError:  # another drive
            return path
        return min(seen, path, key=len)


def _first(globs: Sequence[PathGlob], path: str, within: str) -> PathGlob | None:
    """Return the first glob that means a path and, where one is given, not all that is `within`."""
    return next(
        (one for one in globs if one.matches(path) and not (within and one.matches(within))), None
    )


def _names(folder: str) -> Iterator[str]:
    """Yield the names of the configurations in a folder."""
    yield from (name for name in CONFIGURATIONS if os.path.lexists(f"{folder}/{name}"))
    if has_table(folder):
        yield PYPROJECT


def _only(paths: Sequence[str]) -> str:
    if len(paths) > 1:
        raise UsageError(f"{' and '.join(paths)}: a folder has one configuration; keep one of them")
    return paths[0]


def _policy(path: str, folder: str, here: str) -> Policy:
    """Read a configuration, and what it extends. `folder` is the one that its globs count from."""
    try:
        data = _read(path)
    except OSError as error:
        raise UsageError(f"{path}: {why(error)}") from None
    base = bases(path, _read_base, standing=here)
    try:
        if not path.endswith(".toml"):
            return read_policy(path, data, base, folder=folder)
        table, lines = _table(path, data)
        return read_policy(path, table, base, folder=folder, table=TABLE, lines=lines)
    except PolicyError as error:
        raise UsageError(str(error)) from None


def _read(path: str) -> bytes:
    """Return what a configuration holds. Raises OSError."""
    try:
        data = read(File(path))
    except NotAFileError:
        raise OSError(errno.EINVAL, "is not a file") from None
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error)) from None
    except TooLargeError:
        data = bytes(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(errno.EFBIG, "is larger than 1 MiB, which no configuration is")
    return data


def _read_base(path: str) -> bytes:
    """Return what a policy holds that is extended. Raises OSError."""
    if path.endswith(".toml"):
        raise OSError(errno.EINVAL, "only YAML is extended, and this is TOML")
    return _read(path)


def _table(path: str, data: bytes) -> tuple[Json, dict[Route, int]]:
    """Return the table `tool.rke2-lint`, and the lines of what is in it. Raises UsageError."""
    import tomllib

    from rke2_lint.toml_lines import lines

    try:
        text = data.decode()
        tree = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        said, _, where = str(error).partition(" (at line ")
        place = f"{path}:{where.partition(',')[0]}" if where else path
        raise UsageError(f"{place}: {said}") from None
    except RecursionError:
        raise UsageError(f"{path}: is nested too deeply") from None
    tool = tree.get("tool")
    table = tool.get("rke2-lint") if isinstance(tool, dict) else None
    if table is None:
        raise UsageError(f"{path}: has no table {TABLE}")
    steps = tuple(TABLE.split("."))
    inside: dict[Route, int] = {
        route[len(steps) :]: line
        for route, line in lines(text).items()
        if route[: len(steps)] == steps
    }
    return table, inside
