"""Buffers: what is open in the editor, as it stands there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lsprotocol import types

from rke2_lint.lsp.coordinates import Coordinates

Changes = Iterable[types.TextDocumentContentChangeEvent]
_MARK = "\ufeff"


class Buffer(NamedTuple):
    """One open document. Its text is the editor's, with a byte order mark if that shows one."""

    uri: str
    text: str
    version: int

    @property
    def marked(self) -> bool:
        """Whether it starts with a byte order mark."""
        return self.text.startswith(_MARK)

    @property
    def data(self) -> bytes:
        """The bytes of it, were it saved as UTF-8."""
        return self.text.encode("utf-8", "replace")

    def changed(self, changes: Changes, version: int, encoding: str) -> Buffer:
        """Return what changes make of it, one after the other."""
        text = self.text
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                coordinates = Coordinates(text, encoding)
                start = coordinates.offset(change.range.start)
                end = max(coordinates.offset(change.range.end), start)
                text = text[:start] + change.text + text[end:]
            else:
                text = change.text
        return Buffer(self.uri, whole(text), version)


def whole(text: str) -> str:
    """Return a text with the halves of characters put together that were typed one by one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text
