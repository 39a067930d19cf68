"""Tarballs as people send them: read once from front to end, into memory, and never unpacked.

Nothing in one can name a place on this machine: paths are names in a table, links and devices are
passed over, and bytes are counted as they come, not as the tarball says.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable

from rke2_lint.files import why
from rke2_lint.node.files_of_nodes import MOST_BYTES, UnreadableError, complaints_in
from rke2_lint.node.tar_stream import DamagedError, Readable, members
from rke2_lint.node.wanted import keep

_MOST_READ = 8 << 30
"""A bundle with logs of many days has some GiB; what gives more is made to."""
_MOST_KEPT = 512 << 20
_MOST_MEMBERS = 500_000
_GZIP = b"\x1f\x8b"
_OTHERS = (
    (re.compile(rb"PK\x03\x04"), "it is a ZIP archive"),
    (re.compile(rb"\xfd7zXZ\0"), "it is compressed with xz"),
    (re.compile(rb"BZh\d1AY&SY"), "it is compressed with bzip2"),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "it is compressed with zstd"),
    (re.compile(rb"7z\xbc\xaf"), "it is a 7z archive"),
)
"""What people send instead, by its first bytes: the log collector writes gzip."""
_MISSING = "what lies behind that place is missing"


class Tarball:
    """The files of a tarball that may be evidence. Raises UnreadableError where there is none."""

    def __init__(self, path: str) -> None:
        self.damages: dict[str, str] = {}
        self._kept: dict[str, bytes] = {}
        self._size = 0
        try:
            with open(path, "rb") as raw:
                begin = raw.read(10)
                raw.seek(0)
                for mark, what in _OTHERS:
                    if mark.match(begin):
                        raise UnreadableError(f"{what}: unpack it, and name its folder")
                if begin.startswith(_GZIP):
                    with gzip.GzipFile(fileobj=raw) as unpacked:
                        self._take(_Counted(unpacked))
                else:
                    self._take(_Counted(raw))
        except EOFError:
            self.damages[""] = f"it is cut off: {_MISSING}"
        except (zlib.error, gzip.BadGzipFile):
            self.damages[""] = f"its compression is damaged: {_MISSING}"
        except DamagedError as error:
            self.damages[""] = f"{error}: {_MISSING}"
        except OSError as error:
            raise UnreadableError(why(error)) from None
        self.paths: list[str] = sorted(self._kept)
        if not self.paths and self.damages:
            path, said = next(iter(self.damages.items()))
            # What lies behind a place is no news where nothing lies before it.
            said = said.removesuffix(f": {_MISSING}")
            raise UnreadableError(f"{path} {said}".lstrip())

    def _take(self, stream: _Counted) -> None:
        for number, member in enumerate(members(stream)):
            if number >= _MOST_MEMBERS:
                raise DamagedError(f"it holds more than {_MOST_MEMBERS:,} files")
            path = _path(member.name)
            how = keep(path) if member.is_file and path else ""
            if how == "complaints":
                self._keep(path, complaints_in(member.content))
            elif how == "whole":
                self._keep(path, self._whole(path, member.content))

    def _whole(self, path: str, content: Iterable[bytes]) -> bytes | None:
        chunks: list[bytes] = []
        size = 0
        try:
            for chunk in content:
                size += len(chunk)
                if size > MOST_BYTES:
                    self.damages[path] = f"is larger than {MOST_BYTES >> 20} MiB"
                    return None
                chunks.append(chunk)
        except (EOFError, zlib.error, gzip.BadGzipFile, DamagedError):
            # What is there of it says something, too.
            self._keep(path, b"".join(chunks))
            raise
        return b"".join(chunks)

    def _keep(self, path: str, data: bytes | None) -> None:
        if data is None:
            return
        self._size += len(data) - len(self._kept.get(path, b""))
        if self._size > _MOST_KEPT:
            raise DamagedError(f"it holds more than {_MOST_KEPT >> 20} MiB of dumps")
        self._kept[path] = data

    def read(self, path: str) -> bytes:
        """Return a file, or what of it is kept."""
        return self._kept[path]


class _Counted:
    """A stream that does not give more than there can sensibly be."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._left = _MOST_READ

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        chunk = self._stream.read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise DamagedError(f"it holds more than {_MOST_READ >> 30} GiB")
        return chunk


def _path(name: str) -> str:
    """Return the path of a member; "" where it leads out of the tarball."""
    steps = [step for step in name.split("/") if step not in ("", ".")]
    return "" if ".." in steps or name.startswith("/") else "/".join(steps)
