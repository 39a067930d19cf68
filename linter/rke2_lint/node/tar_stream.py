"""Tar archives as a stream: read once from front to end, by the three formats that tar writes.

POSIX.1-1988 (ustar), POSIX.1-2001 (pax) and GNU tar. Python's `tarfile` trusts the sizes that an
archive says, wants to go back in it, and keeps silent where one is cut off; what people send needs
a reader that does none of this, and whoever means harm gets nowhere with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

_BLOCK = 512
_CHUNK = 1 << 20
_MOST_OF_HEADER = 1 << 20
"""A long name, or the attributes of a member, are not larger."""
_REGULAR = (b"0", b"\0", b"7")


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""


class DamagedError(Exception):
    """The archive is no archive from some place on; the message says how that shows."""


class Member(NamedTuple):
    """One file of an archive. Its content has to be read, or left, before the next one comes."""

    name: str
    is_file: bool
    """A plain one: no folder, link or device."""
    content: Content


class Content:
    """The bytes of one member, in pieces."""

    def __init__(self, stream: Readable, size: int) -> None:
        self._stream = stream
        self._left = size
        self._padding = -size % _BLOCK

    def __iter__(self) -> Iterator[bytes]:
        while self._left:
            chunk = self._stream.read(min(_CHUNK, self._left))
            if not chunk:
                raise DamagedError("it is cut off")
            self._left -= len(chunk)
            yield chunk

    def skip(self) -> None:
        """Leave what has not been read."""
        for _ in self:
            pass
        if self._padding and len(_exactly(self._stream, self._padding)) < self._padding:
            raise DamagedError("it is cut off")
        self._padding = 0


def members(stream: Readable) -> Iterator[Member]:
    """Yield the members of an archive. Raises DamagedError where it does not go on."""
    name = ""
    size: int | None = None
    first = True
    while True:
        header = _exactly(stream, _BLOCK)
        if not header and not first:
            # It should end with two empty blocks, and some collectors write none.
            return
        if len(header) < _BLOCK:
            raise DamagedError(_too_short(header) if first else "it is cut off")
        if not any(header):
            return
        if not _is_header(header):
            raise DamagedError("it is no tar archive" if first else "it is damaged")
        first = False
        kind = header[156:157]
        here = _number(header[124:136])
        if kind in (b"L", b"x", b"g", b"K"):
            extension = _extension(stream, here)
            if kind == b"L":
                name = _text(extension)
            elif kind == b"x":
                attributes = _attributes(extension)
                name = attributes.get("path", name)
                size = _decimal(attributes.get("size"), size)
                if "GNU.sparse.major" in attributes or "GNU.sparse.map" in attributes:
                    kind = b"S"
            continue
        content = Content(stream, here if size is None else size)
        yield Member(name or _name(header), kind in _REGULAR, content)
        content.skip()
        name, size = "", None


def _too_short(begin: bytes) -> str:
    return "it is no tar archive" if begin else "it is empty"


def _is_header(header: bytes) -> bool:
    """Return whether the checksum is right, in which its own field counts as blanks."""
    try:
        said = _number(header[148:156])
    except DamagedError:
        return False
    return said == sum(header[:148]) + sum(header[156:]) + 8 * 0x20


def _number(field: bytes) -> int:
    if field[:1] == b"\x80":  # GNU writes what is large as it is, and not in octal
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    try:
        number = int(digits or b"0", 8)
    except ValueError:
        raise DamagedError("it is damaged") from None
    if number < 0:
        raise DamagedError("it is damaged")
    return number


def _decimal(text: str | None, otherwise: int | None) -> int | None:
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise DamagedError("it is damaged")
    return int(text)


def _extension(stream: Readable, size: int) -> bytes:
    if size > _MOST_OF_HEADER:
        raise DamagedError("it has a header that is larger than any")
    padded = size + -size % _BLOCK
    read = _exactly(stream, padded)
    if len(read) < padded:
        raise DamagedError("it is cut off")
    return read[:size]


def _attributes(extension: bytes) -> dict[str, str]:
    """Read pax attributes: lines of `LENGTH NAME=VALUE`."""
    found: dict[str, str] = {}
    while extension:
        length, space, _ = extension.partition(b" ")
        if not (space and length.isdigit() and len(length) < 8):
            break
        line, extension = extension[: int(length)], extension[int(length) :]
        name, _, value = line[len(length) + 1 :].removesuffix(b"\n").partition(b"=")
        found[_text(name)] = _text(value)
        if not int(length):
            break
    return found


def _name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode(errors="replace")


def _exactly(stream: Readable, size: int) -> bytes:
    """Read as many bytes as that, or up to the end."""
    found = b""
    while len(found) < size and (chunk := stream.read(size - len(found))):
        found += chunk
    return found
