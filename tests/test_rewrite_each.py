"""Does `rewrite_each` say of every change what `rewrite` would do, with few readings?"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rke2_policies.edits import Append, EditError, Remove, Set, as_text
from rke2_policies.edits.as_text import Change, rewrite, rewrite_each
from rke2_policies.yaml_source import Source

TEXT = """\
a:
  l: [x, y]   # c
  m:
    - p
    - q
b: {k: v, n: &z 1}
# d
c: text
e: *z
---
a: {l: []}
m: null
"""
ROUTES = st.sampled_from(
    [
        ("a",), ("a", "l"), ("a", "m"), ("a", "m", 0), ("a", "m", 1), ("b",), ("b", "k"), ("b", "n"),
        ("c",), ("e",), ("m",), ("new",), ("a", "new"),
    ]
)  # fmt: skip
EDITS = st.one_of(
    st.builds(Set, ROUTES, st.sampled_from(["x", "v", ["p"], {"q": 1}])),
    st.builds(Append, ROUTES, st.sampled_from(["x", "q"])),
    st.builds(Remove, ROUTES, st.booleans()),
)
CHANGES = st.builds(Change, st.integers(0, 1), st.lists(EDITS, min_size=1, max_size=2).map(tuple))


@given(st.lists(CHANGES, max_size=6))
@settings(max_examples=150, deadline=None)
def test_each_change_is_told_as_if_it_were_alone(changes: list[Change]) -> None:
    source = Source.read("a.yaml", TEXT.encode())
    for change, told in zip(changes, rewrite_each(source, changes), strict=True):
        try:
            wanted = rewrite(source, change.number, change.edits)
        except EditError:
            assert isinstance(told, EditError)
            continue
        assert not isinstance(told, EditError)
        text = source.text
        for start, end, new in reversed(told):
            text = text[:start] + new + text[end:]
        assert text == wanted.source.text


def test_changes_in_different_places_take_one_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source.read("a.yaml", b"".join(b"k%d: {a: 1}\n" % n for n in range(50)))
    readings: list[str] = []
    read = Source.with_text
    monkeypatch.setattr(
        Source, "with_text", lambda self, text: readings.append(text) or read(self, text)
    )
    changes = [Change(0, (Set((f"k{n}", "b"), 2),)) for n in range(50)]
    told = rewrite_each(source, changes)
    assert len(readings) == 1
    assert [splices[0].text for splices in told if not isinstance(splices, EditError)] == [
        ", b: 2"
    ] * 50


@pytest.mark.parametrize("limit", ["_MOST_READ", "_MOST_EFFORT"])
def test_patience_ends(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_text, limit, 200)
    source = Source.read("a.yaml", b"a:\n" + b"- b\n" * 20)
    told = rewrite_each(source, [Change(0, (Remove(("a", n)),)) for n in range(20)])
    assert not isinstance(told[0], EditError)
    assert isinstance(told[-1], EditError)
    assert "too large to try so many" in str(told[-1])
