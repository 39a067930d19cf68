"""Do we count lines and characters as editors do, in whatever units they count?"""

from __future__ import annotations

import pytest
from editor import UTF8, UTF16, UTF32
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import Position

from rke2_lint.lsp.coordinates import Coordinates

ENCODINGS = (UTF8, UTF16, UTF32)
# What LSP takes for the end of a line, what only Python does, and characters of every length.
TEXTS = st.lists(
    st.sampled_from(
        ["\n", "\r", "\r\n", "\u2028", "\x0b", "\x0c", "\x85", "a", "é", "中", "😀", " "]
    )
).map("".join)


@pytest.mark.parametrize(
    ("encoding", "characters"), [(UTF8, [0, 1, 3, 7, 8]), (UTF16, [0, 1, 2, 4, 5]), (UTF32, [0, 1, 2, 3, 4])]
)  # fmt: skip
def test_characters_are_counted_in_the_units_that_were_agreed_on(
    encoding: str, characters: list[int]
) -> None:
    coordinates = Coordinates("x\naé😀b", encoding)
    found = [coordinates.position(offset) for offset in range(2, 7)]
    assert found == [Position(1, character) for character in characters]


@given(TEXTS, st.sampled_from(ENCODINGS), st.booleans())
def test_there_and_back_leads_to_the_same_place(text: str, encoding: str, marked: object) -> None:
    coordinates = Coordinates(text, encoding, marked=bool(marked))
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] != "\r\n":  # nobody can point between the two
            assert coordinates.offset(coordinates.position(offset)) == offset


@given(TEXTS, st.sampled_from(ENCODINGS), st.integers(0, 40), st.integers(0, 40))
def test_a_place_that_is_not_there_is_the_nearest_before(
    text: str, encoding: str, line: int, character: int
) -> None:
    coordinates = Coordinates(text, encoding)
    offset = coordinates.offset(Position(line, character))
    found = coordinates.position(offset)
    assert 0 <= offset <= len(text)
    assert (found.line, found.character) <= (line, character)


@pytest.mark.parametrize(("encoding", "inside"), [(UTF8, (1, 2, 3)), (UTF16, (1,))])
def test_inside_a_character_is_before_it(encoding: str, inside: tuple[int, ...]) -> None:
    coordinates = Coordinates("😀b", encoding)
    assert [coordinates.offset(Position(0, one)) for one in inside] == [0] * len(inside)


def test_a_byte_order_mark_counts_in_the_first_line() -> None:
    first, second = (
        Coordinates("ab\ncd", UTF16, marked=True),
        Coordinates("ab\ncd", UTF8, marked=True),
    )
    assert [first.position(1), first.position(4)] == [Position(0, 2), Position(1, 1)]
    assert [second.position(1), second.position(4)] == [Position(0, 4), Position(1, 1)]
    assert first.offset(Position(0, 0)) == 0
