"""Text out of bytes, as files of evidence really are: any encoding gives one, and says what was odd."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # PowerShell's `>` writes UTF-16.
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def text_of(data: bytes, *, nuls: bool = False) -> tuple[str, tuple[str, ...]]:
    """Return the text, without its mark, and what was wrong with it. `nuls`: they belong there."""
    faults: list[str] = []
    encoding = "utf-8"
    for mark, named in _MARKS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], named
            break
    text = data.decode(encoding, errors="replace")
    if "\ufffd" in text:
        faults.append("it is no text, or is damaged: some bytes are no characters")
    if "\0" in text and not nuls:
        faults.append("it holds NUL bytes")
        text = text.replace("\0", "")
    return text, tuple(faults)
