"""The file of a baseline: how it is read, compared with what is found, and written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rke2_lint.files import UsageError, why
from rke2_lint.remarks import Remark
from rke2_lint.work import node_of
from rke2_lint.writing import put
from rke2_policies import baseline
from rke2_policies.baseline import Entry, Known, Match

DEFAULT = ".rke2-lint-baseline.json"
_FIELDS = ("path", "object", "place", "rule", "count")


class Baseline:
    """A baseline, and which files this run looks at."""

    def __init__(self, path: str, entries: Sequence[Entry], data: bytes = b"") -> None:
        self.path = path
        self.entries = entries
        self.data = data
        """The bytes of the file."""
        self._folder = os.path.dirname(os.path.abspath(path))
        self._seen: frozenset[str] = frozenset()
        self._folders: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: str, *, is_rewritten: bool = False) -> Baseline:
        """Read a baseline. Raises UsageError, but for one that is written anew.

        Only what was a baseline is: another file keeps what it holds.
        """
        data = b""
        try:
            with open(path, "rb") as file:
                data = file.read()
            return cls(path, read_entries(path, data), data)
        except FileNotFoundError as error:
            if not is_rewritten:
                message = f"{path}: there is no such baseline; --write-baseline writes it"
                raise UsageError(message) from error
        except OSError as error:
            raise UsageError(f"{path}: the baseline cannot be read: {why(error)}") from error
        except UsageError as error:
            if not is_rewritten:
                raise
            if not _was_a_baseline(path, data):
                message = f"{path} is there, and is no baseline: name another file"
                raise UsageError(message) from error
        return cls(path, ())

    def look_at(self, paths: Iterable[str], folders: Iterable[str]) -> None:
        """Say which files are looked at, and in which folders nothing is left out but by wish."""
        self._seen = frozenset(map(self.seen_from_here, paths))
        self._folders = tuple(self.seen_from_here(folder) for folder in folders)

    def known(self, rule: str, object: str, pointer: str, path: str) -> Known:
        """Return what a finding is known by."""
        home = self.seen_from_here(path)
        about = self.seen_from_here(object) if object == node_of(path) else object
        return Known(rule, about, baseline.place_of(pointer), home)

    def accepts(self, found: Sequence[Known]) -> tuple[bool, ...]:
        """Return for each finding whether the baseline has it."""
        return baseline.match(self.entries, found, self._has_moved).accepted

    def match(self, remarks: Sequence[Remark]) -> Match:
        """Compare remarks with the baseline."""
        return baseline.match(self.entries, list(map(self._known, remarks)), self._has_moved)

    def is_looked_at(self, path: str) -> bool:
        """Return whether a file is among those of this run, or would be if it were still there.

        The path is seen from the baseline's folder.
        """
        if path in self._seen:
            return True
        inside = any(
            (folder == "." and not path.startswith("../")) or path.startswith(f"{folder}/")
            for folder in self._folders
        )
        return inside and not self._exists(path)

    def rewritten(
        self, remarks: Iterable[Remark], is_known: Callable[[Known], bool]
    ) -> list[Entry]:
        """Return what the file is to hold: what is found now, and what nobody looked for."""
        kept = [known for known, count in self.entries if not is_known(known) for _ in range(count)]
        return baseline.entries_of([*map(self._known, remarks), *kept])

    def write(self, entries: Iterable[Entry]) -> str:
        """Write the file, whole or not at all; return why that cannot be, or ""."""
        try:
            put(self.path, written(entries))
        except OSError as error:
            return f"{self.path}: the baseline is not written: {why(error)}"
        return ""

    def _known(self, remark: Remark) -> Known:
        return self.known(remark.rule, remark.object, remark.pointer, remark.path)

    def seen_from_here(self, path: str) -> str:
        """Return a path as seen from the baseline's folder."""
        return os.path.relpath(os.path.abspath(path), self._folder).replace(os.sep, "/")

    def _exists(self, path: str) -> bool:
        return os.path.lexists(os.path.join(self._folder, path))

    def _has_moved(self, path: str) -> bool:
        return path in self._seen or not self._exists(path)


def written(entries: Iterable[Entry]) -> bytes:
    """Write a baseline: JSON, one entry a line, so that a diff shows what came and went."""
    lines = list(map(line_of, entries))
    listed = "[\n" + ",\n".join(lines) + "\n  ]" if lines else "[]"
    return f'{{\n  "version": {baseline.VERSION},\n  "findings": {listed}\n}}\n'.encode()


def line_of(entry: Entry) -> str:
    """Write an entry, without the comma and the end of its line."""
    said = json.dumps(dict(zip(_FIELDS, _values(entry), strict=True)), ensure_ascii=False)
    # A path need not be UTF-8. What Python makes of such bytes, JSON writes by its number.
    return "    " + said.encode("utf-8", "backslashreplace").decode()


def _values(entry: Entry) -> tuple[object, ...]:
    known = entry.known
    return known.path, known.object, known.place, known.rule, entry.times


def read_entries(path: str, data: bytes) -> list[Entry]:
    """Return the entries of a baseline's file, in its order. Raises UsageError."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError) as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UsageError(f"{path}{line}: a baseline is JSON, and this is not; {_ANEW}") from error
    match tree:
        case {"version": baseline.VERSION, "findings": list(findings)}:
            return [_entry(path, number, one) for number, one in enumerate(findings)]
        case {"version": version} if version != baseline.VERSION:
            raise UsageError(
                f"{path}: a baseline of version {baseline.VERSION} is needed, not {version}; {_ANEW}"
            )
        case _:
            raise UsageError(f'{path}: a baseline has a "version" and "findings"; {_ANEW}')


def _was_a_baseline(path: str, data: bytes) -> bool:
    """Tell whether a file that is none now may have been one, before a merge or an older version."""
    is_usual = os.path.basename(path) == DEFAULT and not os.path.islink(path)
    begin = data.lstrip()[:100]
    # Reports of ours have a version, too, and severities.
    looks_so = begin.startswith(b"{") and b'"version"' in begin and b'"severity"' not in data
    return is_usual or not begin or looks_so


_ANEW = "--write-baseline writes it anew"


def _entry(path: str, number: int, tree: Any) -> Entry:
    match tree:
        case {
            "path": str(home),
            "object": str(about),
            "place": str(place),
            "rule": str(rule),
            **others,
        } if set(others) <= {"count"}:
            count = others.get("count", 1)
            if isinstance(count, int) and not isinstance(count, bool) and count > 0:
                return Entry(Known(rule, about, place, home), count)
    fields = ", ".join(_FIELDS)
    raise UsageError(f"{path}: findings[{number}] of a baseline has {fields}; {_ANEW}")
