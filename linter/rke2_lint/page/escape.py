"""Text of files, and of people who may mean harm, as HTML that only says what it says.

What nobody would see is written out: a control character as its picture, any other character
without a shape (bidirectional controls, zero widths, lone surrogates of odd file names) as U+202E.
The result is ASCII only, so that no code page can spoil it.
"""

from __future__ import annotations

from html import escape

_MOST_PLAIN = 300
_LEFT_OF_MARK = 60


def text(said: str) -> str:
    """Return text as HTML; also fit for the value of an attribute, if nothing in it is unseen."""
    if not said.isprintable():
        return "".join(map(_shown, said))
    return _ascii(escape(said))


def path(said: str) -> str:
    """Return a path as HTML that may break behind each slash."""
    return "/<wbr>".join(map(text, said.split("/")))


def prose(said: str) -> str:
    """Return text in which backticks stand around code, as in the pages of rules."""
    pieces = text(said).split("`")
    if len(pieces) % 2 == 0:
        return text(said)
    return "".join(
        f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces)
    )


def line(said: str, marked: tuple[int, int] | None = None) -> str:
    """Return a line of source, with the characters from `marked[0]` to `marked[1]` marked.

    Of a line that is longer than anybody reads, what lies around the mark.
    """
    start, end = marked or (0, 0)
    left = 0 if start <= _MOST_PLAIN - _LEFT_OF_MARK else start - _LEFT_OF_MARK
    right = left + _MOST_PLAIN
    before, after = "\u2026" if left else "", "\u2026" if len(said) > right else ""
    if marked is None:
        return _ascii(before) + text(said[:right]) + _ascii(after)
    end = min(max(end, start), right)
    inner = text(said[start:end]) or " "
    return (
        f"{_ascii(before)}{text(said[left:start])}<mark>{inner}</mark>"
        f"{text(said[end:right])}{_ascii(after)}"
    )


def _shown(character: str) -> str:
    if character.isprintable():
        return _ascii(escape(character))
    if character == "\t":
        return '<b class="unseen">&#8594;</b>   '
    code = ord(character)
    picture = f"&#{0x2400 + code};" if code < 0x20 else f"U+{code:04X}"
    return f'<b class="unseen">{picture}</b>'


def _ascii(html: str) -> str:
    return html if html.isascii() else html.encode("ascii", "xmlcharrefreplace").decode()
