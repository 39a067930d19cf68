"""Files of nodes, wherever they lie: in a folder, or in a tarball that is read and never unpacked."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from typing import Protocol

from rke2_lint.files import why
from rke2_lint.node.wanted import COMPLAINTS, keep

MOST_BYTES = 64 << 20
"""No dump is larger: a cluster of 10,000 Services has 20 MiB of rules."""
_MOST_OF_LOGS = 1 << 30
_MOST_COMPLAINTS = 1 << 20
_CHUNK = 1 << 20
_DEEPEST = 6
_TARBALLS = (".tar.gz", ".tgz", ".tar", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst")
_MOST_FILES = 100_000


class UnreadableError(Exception):
    """A file that cannot be read, or not all of it; the message says why."""


class Files(Protocol):
    """Files below one path, by their paths from there, with `/`."""

    @property
    def paths(self) -> Iterable[str]:
        """All that may be evidence, and what else may hold some (tarballs), sorted."""

    @property
    def damages(self) -> Mapping[str, str]:
        """What could not be read, by path, and why; "" is the whole."""

    def read(self, path: str) -> bytes:
        """Return a file, or what of it is kept. Raises UnreadableError."""


class Folder:
    """The files of a folder. Links are followed to files, never to folders."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.damages: dict[str, str] = {}
        self.paths: list[str] = sorted(self._walk())

    def _walk(self) -> list[str]:
        found: list[str] = []
        pending = [("", 0)]
        while pending and len(found) < _MOST_FILES:
            here, depth = pending.pop()
            try:
                entries = list(os.scandir(os.path.join(self._path, here)))
            except OSError as error:
                self.damages[here] = why(error)
                continue
            for entry in entries:
                path = f"{here}/{entry.name}" if here else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if depth < _DEEPEST and not entry.name.startswith("."):
                        pending.append((path, depth + 1))
                elif keep(path) or ending_of_tarball(path):
                    found.append(path)
        return found

    def where(self, path: str) -> str:
        """Return the path of a file as the system knows it."""
        return os.path.join(self._path, path)

    def read(self, path: str) -> bytes:
        """Return a file, or what of it is kept. Raises UnreadableError."""
        return read_file(self.where(path), complaints=keep(path) == "complaints")


def read_file(where: str, *, complaints: bool = False) -> bytes:
    """Return a file, or the lines in which RKE2 complains. Raises UnreadableError."""
    try:
        # A FIFO that nobody writes to must not keep us waiting.
        handle = os.open(
            where, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
        with open(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableError("is not a file")
            if complaints:
                return complaints_in(iter(lambda: file.read(_CHUNK), b""))
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UnreadableError(why(error)) from None
    if len(data) > MOST_BYTES:
        raise UnreadableError(f"is larger than {MOST_BYTES >> 20} MiB")
    return data


def complaints_in(chunks: Iterable[bytes]) -> bytes:
    """Return the lines in which RKE2 complains, of a log that comes in pieces."""
    kept: list[bytes] = []
    rest, seen, size = b"", 0, 0
    for chunk in chunks:
        seen += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[-_CHUNK:]
        for line in lines:
            if any(mark in line for mark in COMPLAINTS) and size < _MOST_COMPLAINTS:
                kept.append(line[-_CHUNK:])
                size += len(line)
        if seen > _MOST_OF_LOGS:
            break
    if any(mark in rest for mark in COMPLAINTS):
        kept.append(rest)
    return b"".join(line + b"\n" for line in kept)


def ending_of_tarball(path: str) -> str:
    """Return the ending by which a file is called a tarball; "" where it is not.

    It may be one that somebody has to unpack first: that is told, and not passed over.
    """
    return next((ending for ending in _TARBALLS if path.lower().endswith(ending)), "")


class Part:
    """The files below one folder of others. `paths` are theirs, as the others have them."""

    def __init__(self, files: Files, folder: str, paths: Iterable[str]) -> None:
        self._files = files
        self._begin = f"{folder}/" if folder else ""
        self.paths: list[str] = [path.removeprefix(self._begin) for path in paths]

    @property
    def damages(self) -> dict[str, str]:
        """What could not be read below it, and what concerns the whole."""
        return {
            path.removeprefix(self._begin): said
            for path, said in self._files.damages.items()
            if path.startswith(self._begin) or not path
        }

    def read(self, path: str) -> bytes:
        """Return a file, or what of it is kept. Raises UnreadableError."""
        return self._files.read(self._begin + path)
