"""What an edit does not say stays as it was, byte for byte."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rke2_policies.document import Document, DocumentId
from rke2_policies.edits import Append, EditError, Remove, Rename, Set
from rke2_policies.edits.as_text import (
    Change,
    RewriteError,
    Splice,
    _means,
    compose,
    rewrite,
    rewrite_all,
)
from rke2_policies.edits.comments import comments, prove_comments
from rke2_policies.edits.fragments import Style, _dumped, _flow_in_words, _in_words, entry, flow
from rke2_policies.edits.splices import Splicer
from rke2_policies.route import Repeated, Templated
from rke2_policies.yaml_source import Source

PIN = "IPTABLES_MODE=nft"


def made(before: bytes, *edits, number=0, path="t.yaml"):
    source = Source.read(path, before)
    done = rewrite(source, number, edits)
    prove_comments(source, done.source, done.dropped)
    assert applied(source.text, done.splices) == done.source.text
    return done.source.data


def applied(text, splices):
    for start, end, new in reversed(splices):
        text = text[:start] + new + text[end:]
    return text


CASES = [
    pytest.param(b"a: 1\n", [Set(("a",), 1)], b"a: 1\n", id="nothing to do"),
    pytest.param(
        b"a:  'x'\n", [Set(("a",), "x")], b"a:  'x'\n", id="nothing to do, written otherwise"
    ),
    pytest.param(b"a: 1\n", [Set(route=("a",), value=True)], b"a: true\n", id="1 is not true"),
    pytest.param(b"a: 1\n", [Remove(("b",))], b"a: 1\n", id="nothing to remove"),
    pytest.param(b"a: 1\n", [Rename(("b",), "c")], b"a: 1\n", id="nothing to rename"),
    pytest.param(b"a: 1 # c\n", [Set(("a",), 2)], b"a: 2 # c\n", id="a comment beside the value"),
    pytest.param(
        b"a: 1\r\nb: 2\r\n", [Set(("c",), 3)], b"a: 1\r\nb: 2\r\nc: 3\r\n", id="lines end in CRLF"
    ),
    pytest.param(
        b"a: 1\r\nb:\n- x\nc: 3\r\n",
        [Append(("b",), "z"), Set(("d",), 4)],
        b"a: 1\r\nb:\n- x\n- z\nc: 3\r\nd: 4\r\n",
        id="lines end in both ways: as the line above",
    ),
    pytest.param(b"a: 1\rb: 2\r", [Set(("c",), 3)], b"a: 1\rb: 2\rc: 3\r", id="lines end in CR"),
    pytest.param(
        b"a: 1\xc2\x85b: 2\n", [Set(("a",), 2)], b"a: 2\xc2\x85b: 2\n", id="a line ends in NEL"
    ),
    pytest.param(b"a: 1", [Set(("b",), 2)], b"a: 1\nb: 2", id="no newline at the end"),
    pytest.param(b"a: 1\n\n\n", [Set(("b",), 2)], b"a: 1\nb: 2\n\n\n", id="blank lines at the end"),
    pytest.param(b"a: 1  \n", [Set(("b",), 2)], b"a: 1  \nb: 2\n", id="blanks at the end of lines"),
    pytest.param(
        b"\xef\xbb\xbfa: 1\n", [Set(("a",), 2)], b"\xef\xbb\xbfa: 2\n", id="a byte order mark"
    ),
    pytest.param(
        "a: 'ü'\n# ä\nb: 1\n".encode(),
        [Set(("b",), "é")],
        "a: 'ü'\n# ä\nb: é\n".encode(),
        id="letters of more than one byte",
    ),
    pytest.param(b'a: "x"\n', [Set(("a",), "y")], b'a: "y"\n', id="the quotes that were there"),
    pytest.param(
        b"a: 'x'\n", [Set(("a",), "it's")], b"a: 'it''s'\n", id="quotes inside the quotes"
    ),
    pytest.param(
        b"a: 1\n---\nb: 1\n", [Set(("a",), 2)], b"a: 2\n---\nb: 1\n", id="its own document only"
    ),
    pytest.param(b"a:\n  b: 1\n", [Remove(("a", "b"))], b"a: {}\n", id="the last key goes"),
    pytest.param(
        b"a: x\nb: |\n  c",
        [Set(("d",), 1)],
        b"a: x\nd: 1\nb: |\n  c",
        id="a block of text ends the file, and no line can follow it",
    ),
    pytest.param(
        b"b: |\n  c",
        [Set(("d",), 1)],
        b"d: 1\nb: |\n  c",
        id="a block of text is the whole file, and no line can follow it",
    ),
    pytest.param(
        b"b: |-\n  c",
        [Set(("d",), 1)],
        b"b: |-\n  c\nd: 1",
        id="a block of text ends the file, and says that its end does not count",
    ),
    pytest.param(
        b"a: 0\nb: 1\n", [Remove(("b",))], b"a: 0\n", id="a line goes, and its newline with it"
    ),
    pytest.param(
        b"a: 0\nb: 1", [Remove(("b",))], b"a: 0", id="the last line goes, and had no newline"
    ),
    pytest.param(b"", [Append(("k",), PIN)], b"k:\n  - IPTABLES_MODE=nft\n", id="an empty file"),
    pytest.param(
        b"# to do\n#k: x\n",
        [Append(("k",), PIN)],
        b"# to do\n#k: x\nk:\n  - IPTABLES_MODE=nft\n",
        id="a file of comments",
    ),
    pytest.param(
        b"# to do",
        [Append(("k",), PIN)],
        b"# to do\nk:\n  - IPTABLES_MODE=nft",
        id="a file of comments without a newline at its end",
    ),
    pytest.param(
        b"--- # first\n# to do\n---\nb: 1\n",
        [Append(("k",), PIN)],
        b"--- # first\nk:\n  - IPTABLES_MODE=nft\n# to do\n---\nb: 1\n",
        id="a document of comments",
    ),
    pytest.param(
        b"a: 1\n",
        [Set(("b", "c"), 1), Set(("b", "d"), 2), Append(("e",), "x"), Append(("e",), "y")],
        b'a: 1\nb:\n  c: 1\n  d: 2\ne:\n  - x\n  - "y"\n',
        id="edits that build on one another",
    ),
    pytest.param(
        b"a: [x]  # a\nb: 1\n",
        [Append(("a",), "w"), Append(("a",), "z"), Rename(("b",), "c")],
        b"a: [x, w, z]  # a\nc: 1\n",
        id="edits side by side",
    ),
    pytest.param(
        b"a: 1\r\nb: 2",
        [Remove(("b",)), Set(("b", "c"), 3)],
        b"a: 1\r\nb:\r\n  c: 3",
        id="the last line break goes and comes again",
    ),
    pytest.param(
        b"a: 1\n", [Set(("b",), 1), Remove(("b",))], b"a: 1\n", id="one edit undoes the other"
    ),
]


@pytest.mark.parametrize(("before", "edits", "after"), CASES)
def test_only_what_the_edits_say_changes(before, edits, after):
    assert made(before, *edits) == after


WRONG = [
    pytest.param("a: 1\n", [(3, 4, "3")], "more would change", id="another value"),
    pytest.param("a: 1\nb: 1\n", [(3, 4, "2"), (8, 9, "2")], "more would", id="another key, too"),
    pytest.param("a: 1\n---\n1\n", [(3, 4, "2"), (9, 10, "2")], "more", id="another document, too"),
    pytest.param("b: 1\na: 1\nc: 0\n", [(0, 15, "c: 0\nb: 1\na: 2\n")], "more", id="the order"),
    pytest.param("a: 1\n", [(5, 5, "a: 2\n")], "a key would be said twice", id="a key twice"),
    pytest.param("a: 1\n", [(3, 4, "2\n---")], "other documents", id="one document more"),
    pytest.param("a: 1\n", [(3, 4, "[2")], "could not be read", id="nothing that can be read"),
    pytest.param("a: 1\n", [(3, 4, "2 # two")], "a comment would become", id="a comment more"),
    pytest.param("a: 1 # c\n", [(3, 8, "2")], "a comment stands in the way", id="a comment less"),
    pytest.param("a: 1 # c\n", [(3, 4, "2"), (6, 6, "d")], "a comment stands", id="in a comment"),
    pytest.param('{"a": 1}', [(1, 7, "a: 2")], "JSON no more", id="no JSON"),
    pytest.param("a: 1\n", [(3, 4, "2"), (2, 4, " 2")], "meet in one place", id="two in one place"),
]


@pytest.mark.parametrize(("text", "splices", "reason"), WRONG)
def test_splices_that_do_anything_but_the_edit_are_refused(text, splices, reason, monkeypatch):
    wrong = [Splice(*splice) for splice in splices]
    monkeypatch.setattr(Splicer, "candidates", lambda *_: iter([wrong]))
    with pytest.raises(RewriteError, match=reason):
        made(text.encode(), Set(("a",), 2))


def test_the_second_way_to_write_an_edit_is_taken_where_the_first_one_is_refused(monkeypatch):
    ways = [[Splice(3, 4, "3")], [Splice(3, 4, "[")], [Splice(3, 4, "2")]]
    monkeypatch.setattr(Splicer, "candidates", lambda *_: iter(ways))
    assert made(b"a: 1\n", Set(("a",), 2)) == b"a: 2\n"


def test_a_block_of_text_that_nothing_can_follow_or_go_before_refuses():
    with pytest.raises(RewriteError):
        made(b"# b says why\nb: |\n  c", Set(("d",), 1))


def test_a_template_is_never_changed():
    with pytest.raises(RewriteError, match="template"):
        made(b"a: {{ .Values.a }}\nb: 1\n", Set(("b",), 2))


def test_a_value_that_a_template_decides_is_never_changed():
    source = Source.read("t.yaml", b"a: x\nb: [y]\n")
    tree = {"a": Templated("x"), "b": Templated("y")}
    source.documents = (Document(DocumentId("t.yaml"), tree),)
    for edit in (Set(("a",), "z"), Set(("a",), ["x", "z"])):
        with pytest.raises(RewriteError, match="a template decides the value"):
            rewrite(source, 0, [edit])


def test_an_earlier_entry_of_a_repeated_key_is_never_changed():
    with pytest.raises(EditError, match="a is said again further down"):
        made(b"a: 1\na: 2\n", Set((Repeated("a", 0),), 3))


def test_a_document_is_changed_though_another_one_cannot_be_read():
    assert made(b"a: 1\n---\nb: [\n", Set(("a",), 2)) == b"a: 2\n---\nb: [\n"


def test_a_document_that_is_not_there_is_refused():
    with pytest.raises(RewriteError, match="there is no such document"):
        made(b"a: 1\n", Set(("a",), 2), number=1)


@pytest.mark.parametrize("path", ["t.yaml", "t.json"])
def test_braces_alone_are_json_where_the_name_of_the_file_says_so(path):
    quote = b'"' if path == "t.json" else b""
    after = b"{" + quote + b"a" + quote + b": " + quote + b"x" + quote + b"}\n"
    assert made(b"{}\n", Set(("a",), "x"), path=path) == after


def test_json_stays_json():
    before = b'{"a":[true,null],\n "b":{"c":1}}'
    after = b'{"a":[true,null,"x"],\n "b":{"c":1,"d":["yes",1.5]},\n "e":"\xc3\xa9"}'
    edits = [Append(("a",), "x"), Set(("b", "d"), ["yes", 1.5]), Set(("e",), "é")]
    assert made(before, *edits, path="t.json") == after


def test_trees_that_share_their_parts_are_compared_without_writing_them_out():
    def shared(leaf):
        tree = {"a": leaf}
        for _ in range(60):
            tree = {"a": tree, "b": tree}
        return tree

    assert _means(shared(1), shared(1), [("b", "b")])
    assert not _means(shared(1), shared(1.0), [("b", "b")])


def test_the_order_of_keys_is_part_of_what_is_proved():
    assert not _means({"a": 1, "b": 2}, {"b": 2, "a": 1}, [])
    assert not _means(
        {"x": {"a": 1, "b": 2, "c": 3}}, {"x": {"b": 2, "a": 1, "c": 3}}, [("x", "c")]
    )
    assert _means({"x": {"c": 3, "a": 1, "b": 2}}, {"x": {"a": 1, "b": 2, "c": 3}}, [("x", "c")])


def test_the_changes_of_a_file_are_made_together_and_each_of_them_whole():
    source = Source.read("t.yaml", b"a: &x 1\nb: *x\nc: []\n---\nd:  # d\n")
    changes = [
        Change(0, (Set(("b",), 2),)),
        Change(0, (Append(("c",), "x"),)),
        Change(1, (Append(("d",), "y z"),)),
        Change(0, (Append(("c",), "z"), Set(("a",), 3))),
        Change(1, (Set(("d", 0), "w"),)),
        Change(1, (Append(("b", 0), 1),)),
    ]
    done = rewrite_all(source, changes)
    assert done.source.text == "a: &x 1\nb: *x\nc: [x]\n---\nd:  # d\n  - w\n"
    assert applied(source.text, done.splices) == done.source.text
    assert [place for place, _ in done.refused] == [0, 3, 5]


def test_one_wrong_splice_among_many_is_found_and_the_others_are_made(monkeypatch):
    source = Source.read(
        "t.yaml", b"".join(b"a%d: &x%d []\n" % (n, n) for n in range(20)) + b"b: *x7\n"
    )
    done = rewrite_all(source, [Change(0, (Append((f"a{n}",), "x"),)) for n in range(20)])
    assert done.source.text.count("[x]") == 19
    assert done.refused == ((7, "it would change everything that says *x7, too"),)


def test_splices_are_given_in_offsets_of_the_text_before_and_apart_from_each_other():
    source = Source.read("t.yaml", b"a: 1\nb: 2\n")
    edits = [Set(("c", "d"), 1), Set(("c", "e"), 2), Set(("a",), 3), Remove(("b",))]
    assert rewrite(source, 0, edits).splices == (
        Splice(3, 4, "3"),
        Splice(5, 10, "c:\n  d: 1\n  e: 2\n"),
    )


@given(st.data())
@settings(max_examples=200)
def test_composed_splices_do_what_their_parts_do_one_after_the_other(data):
    def splices(text):
        ends = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
        pairs = zip(ends[::2], ends[1::2], strict=False)
        return [Splice(a, b, data.draw(st.text("xyz", max_size=3))) for a, b in pairs]

    before = data.draw(st.text("abc", max_size=12))
    first = splices(before)
    between = applied(before, first)
    second = splices(between)
    composed = compose(compose((), first), second)
    assert applied(before, composed) == applied(between, second)
    assert all(one.end < other.start for one, other in pairwise(composed))


# Comments


def test_comments_are_what_stands_outside_scalars():
    text = """\
# head
--- # mark
a: "# no" # one
b: 'x
  # no'   # two
c: | # three
  # no
# four
d: x#no
e: [ # five
  &a#b y, # six
  *a ]\t# seven
f: plain
  text # eight
"""
    found = comments(Source.read("t.yaml", text.replace("&a#b", "&a").encode()))
    words = ["head", "mark", "one", "two", "three", "four", "five", "six", "seven", "eight"]
    assert [comment.text for comment in found] == [f"# {word}" for word in words]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(b"a: 1\n", id="a comment is lost"),
        pytest.param(b"a: 1 # one\n# two\n", id="a comment is new"),
        pytest.param(b"a: '1 # one'\n", id="a comment is text"),
        pytest.param(b"a: 1 # won\n", id="a comment is another"),
    ],
)
def test_a_change_of_comments_is_noticed(after):
    with pytest.raises(RewriteError, match="comments"):
        prove_comments(Source.read("t.yaml", b"a: 1 # one\n"), Source.read("t.yaml", after))


def test_comments_are_proved_where_ruamel_cannot_read():
    before = Source.read("t.yaml", b"a: 25%\t# one\na: 2\n")
    prove_comments(before, Source.read("t.yaml", b"a: 25%\t# one\na: 3\n"))
    with pytest.raises(RewriteError):
        prove_comments(before, Source.read("t.yaml", b"a: 25%\na: 3\n"))


# Fragments

WORDS = st.sampled_from(["x", "A=1", "yes", "No", "null", "a/b.c-d_e", "e1", "IPTABLES_MODE=nft"])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
STYLES = st.builds(
    Style,
    st.integers(1, 5),
    st.integers(0, 4),
    st.integers(1, 3),
    st.sampled_from(["", "'", '"']),
    st.sampled_from(["", "'", '"']),
)


@given(WORDS, PLAIN, STYLES)
@settings(max_examples=300, deadline=None)
def test_plain_words_are_written_as_ruamel_writes_them(key, value, style):
    ours = _in_words({key: value}, style)
    assert ours is None or "\n".join(ours) == _dumped({key: value}, style, in_flow=False)
    style = Style(quotes=style.quotes, key_quotes=style.key_quotes)
    ours = _flow_in_words([value], style)
    assert ours is None or ours == _dumped([value], style, in_flow=True)


TEXTS = st.text(
    st.sampled_from(" \t\n\r\x85\u2028:#-?,[]{}&*!|>'\"%@`~=ay01.\\é🎉")
    | st.characters(codec="utf-8"),
    max_size=8,
)


@given(TEXTS, STYLES)
@settings(max_examples=300, deadline=None)
def test_any_text_that_yaml_can_hold_is_read_as_it_was_meant(text, style):
    written = Source.read("t.yaml", "\n".join(entry("k", [text], style)).encode("utf-8", "replace"))
    in_flow = Source.read("t.yaml", f"k: [{flow(text, style)}]\n".encode("utf-8", "replace"))
    for source in (written, in_flow):
        assert source.problems or source.documents[0].tree == {"k": [text]}


def test_ruamel_is_not_loaded_for_a_pin():
    script = (
        "import sys\n"
        "from rke2_policies.edits import Append\n"
        "from rke2_policies.edits.as_text import rewrite\n"
        "from rke2_policies.yaml_source import Source\n"
        "source = Source.read('t.yaml', b'a: 1\\n')\n"
        "rewrite(source, 0, [Append(('kube-proxy-extra-env',), 'IPTABLES_MODE=nft')])\n"
        "sys.exit('ruamel.yaml' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
