"""Bytes in, documents out: encodings, places, merges, repeated keys, refusals."""

from __future__ import annotations

import codecs
import gc
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rke2_policies.document import Document, DocumentId, Place, Span
from rke2_policies.nodes import Alias, Mapping, Node, Scalar, Sequence
from rke2_policies.route import Repeated, Route, Templated
from rke2_policies.yaml_source import MAX_BYTES, Position, Source

CLUSTER = "apiVersion: provisioning.cattle.io/v1\nkind: Cluster\n"


def read(text: str) -> Source:
    source = Source.read("x.yaml", text.encode())
    assert source.data == text.encode()
    return source


def only(text: str) -> Document:
    source = read(text)
    assert source.problems == ()
    (document,) = source.documents
    return document


def tree(text: str) -> object:
    return only(text).tree


def at(text: str, *route: object, on_key: bool = False) -> str | None:
    """Return the stretch of text to which a route leads, or its key."""
    found = only(text)._locate(route, on_key)  # type: ignore[misc,arg-type]
    return None if found is None else text[found.start : found.end]


# ---------------------------------------------------------------- encodings and line ends

ENCODINGS = [
    pytest.param(b"", "utf-8", id="UTF-8"),
    pytest.param(codecs.BOM_UTF8, "utf-8", id="UTF-8 with its mark"),
    pytest.param(codecs.BOM_UTF16_LE, "utf-16-le", id="UTF-16 LE"),
    pytest.param(codecs.BOM_UTF16_BE, "utf-16-be", id="UTF-16 BE"),
]


@pytest.mark.parametrize(("mark", "encoding"), ENCODINGS)
def test_every_encoding_that_rke2_reads_is_read(mark: bytes, encoding: str) -> None:
    text = "a: ä\nb: 😀 # ü\nc: [1]\n"
    data = mark + text.encode(encoding)

    source = Source.read("x.yaml", data)

    assert source.text == text
    assert source.data == data
    assert source.problems == ()
    assert source.documents[0].tree == {"a": "ä", "b": "😀", "c": [1]}
    span = source.documents[0].span(source.documents[0].at("c"))
    assert span == Span(17, 20)
    assert source.position(17) == Position(3, 4)


@pytest.mark.parametrize(("mark", "encoding"), ENCODINGS)
def test_another_text_keeps_the_encoding(mark: bytes, encoding: str) -> None:
    source = Source.read("x.yaml", mark + "a: 1\n".encode(encoding))

    other = source.with_text("a: ü\n")

    assert other.data == mark + "a: ü\n".encode(encoding)
    assert other.path == "x.yaml"
    assert other.documents[0].tree == {"a": "ü"}


@pytest.mark.parametrize(
    ("data", "at"),
    [
        pytest.param(b"a: 1\nb: \xff\n", 8, id="no UTF-8"),
        pytest.param(b"a: \xc3", 3, id="half a character"),
        pytest.param(b"a: \xed\xa0\x80", 3, id="a surrogate in UTF-8"),
        pytest.param(b"a: \xc0\xaf", 3, id="too long a form"),
        pytest.param(codecs.BOM_UTF8 + b"a: \xff", 3, id="behind a byte order mark"),
        pytest.param(codecs.BOM_UTF16_LE + b"a\0:\0 \0b", 3, id="half a unit of UTF-16"),
        pytest.param(codecs.BOM_UTF16_LE + b"a\0:\0 \0\x00\xd8b\0", 3, id="half a pair of UTF-16"),
        pytest.param("a: 1\n".encode("utf-16-le"), 1, id="UTF-16 without its mark"),
        pytest.param(b"a: \0", 3, id="NUL"),
        pytest.param(b"a: 1 # \x1b[0m", 7, id="escape, in a comment"),
        pytest.param(b"a: '\x7f'", 4, id="delete, in quotes"),
        pytest.param("a: \ufffe".encode(), 3, id="no character"),
    ],
)
def test_what_is_no_text_is_a_problem_at_its_place(data: bytes, at: int) -> None:
    source = Source.read("x.yaml", data)

    (problem,) = source.problems
    assert (problem.document, problem.span) == (0, Span(at, at + 1))
    assert source.documents[0].tree is None
    assert source.data == data


def test_documents_above_what_is_no_text_are_read() -> None:
    source = Source.read("x.yaml", b"a: 1\n---\nb: 2\n---\nc: \0\n---\nd: 4\n")

    assert [document.tree for document in source.documents] == [{"a": 1}, {"b": 2}, None]
    assert [problem.document for problem in source.problems] == [2]


def test_a_document_that_says_its_end_is_read_though_nonsense_follows() -> None:
    source = Source.read("x.yaml", b"a: 1\n...\n\0")

    assert [document.tree for document in source.documents] == [{"a": 1}, None]
    assert [problem.document for problem in source.problems] == [1]


@pytest.mark.parametrize(
    ("text", "newline"),
    [
        ("", "\n"),
        ("a: 1", "\n"),
        ("a: 1\nb: 2\n", "\n"),
        ("a: 1\r\nb: 2\r\n", "\r\n"),
        ("a: 1\rb: 2\r", "\r"),
        ("a: 1\r\nb: 2\r\nc: 3\n", "\r\n"),
        ("a: 1\nb: 2\nc: 3\r\n", "\n"),
    ],
)
def test_the_line_ending_is_the_one_used_most(text: str, newline: str) -> None:
    assert read(text).newline == newline


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_end_as_in_editors(newline: str) -> None:
    # libyaml would count U+2028 and U+0085 as line ends, too.
    text = newline.join(["a: '\u2028'", "b: '\u0085'", "c: 3", ""])
    source = read(text)

    assert source.documents[0].tree == {"a": "\u2028", "b": " ", "c": 3}
    assert source.position(text.index("c")) == Position(3, 1)
    assert source.position(text.index("3")) == Position(3, 4)
    assert source.position(len(text)) == Position(4, 1)
    assert source.position(0) == Position(1, 1)


def test_a_byte_order_mark_in_the_middle_is_text_as_it_is_to_go_yaml() -> None:
    text = "a: 1\n\ufeffb: 2\nc: \ufeff3\n"

    assert tree(text) == {"a": 1, "\ufeffb": 2, "c": "\ufeff3"}
    assert at(text, "\ufeffb", on_key=True) == "\ufeffb"
    assert at(text, "c") == "\ufeff3"


# ---------------------------------------------------------------- where nodes stand


def outline(node: Node, text: str) -> Iterator[str]:
    """Yield every node as its kind and its stretch of text, those in it behind it."""
    start, end = node.start, node.end
    before = text[node.outer : start]
    yield f"{type(node).__name__[0]} {before + '|' if before else ''}{text[start:end]}"
    match node:
        case Mapping():
            for pair in node.pairs:
                for part in pair:
                    yield from outline(part, text)
        case Sequence():
            for item in node.items:
                yield from outline(item, text)


SHAPES = [
    pytest.param("a: 1  # c\n\n# c\n", ["M a: 1", "S a", "S 1"], id="the end is the last leaf's"),
    pytest.param(
        "a:\n  b: 1\n\n# c\nd: 2\n",
        ["M a:\n  b: 1\n\n# c\nd: 2", "S a", "M b: 1", "S b", "S 1", "S d", "S 2"],
        id="comments and blank lines belong to nobody",
    ),
    pytest.param("a:  # c\nb: 1", ["M a:  # c\nb: 1", "S a", "S ", "S b", "S 1"], id="null"),
    pytest.param("a:  # c\n\n", ["M a:", "S a", "S "], id="null at the end"),
    pytest.param("a: ~ # c\n", ["M a: ~", "S a", "S ~"], id="a null that is written"),
    pytest.param("- 1\n-\n\n# c", ["S - 1\n-", "S 1", "S "], id="null in a list"),
    pytest.param("-\n- 1", ["S -\n- 1", "S ", "S 1"], id="null at the start of a list"),
    pytest.param("a:\n- 1\n- 2\nb: 3", ["M a:\n- 1\n- 2\nb: 3", "S a", "S - 1\n- 2", "S 1", "S 2", "S b", "S 3"], id="a list that is not indented"),
    pytest.param("a:\n    -   x # c\n\n", ["M a:\n    -   x", "S a", "S -   x", "S x"], id="a wide dash"),
    pytest.param("- - x\n  - y", ["S - - x\n  - y", "S - x\n  - y", "S x", "S y"], id="a list in a list"),
    pytest.param("- a: 1\n  b: 2\n", ["S - a: 1\n  b: 2", "M a: 1\n  b: 2", "S a", "S 1", "S b", "S 2"], id="a mapping in a list"),
    pytest.param("a: 'x' # c\nb: \"y\"\n", ["M a: 'x' # c\nb: \"y\"", "S a", "S 'x'", "S b", 'S "y"'], id="quotes"),
    pytest.param("a: x\n  y # c\n", ["M a: x\n  y", "S a", "S x\n  y"], id="text over two lines"),
    pytest.param("a: 'x\n\n  # y' # c\n", ["M a: 'x\n\n  # y'", "S a", "S 'x\n\n  # y'"], id="quoted text over lines"),
    pytest.param("a: |  # c\n  x\n  # y\n\n\nb: 1", ["M a: |  # c\n  x\n  # y\n\n\nb: 1", "S a", "S |  # c\n  x\n  # y", "S b", "S 1"], id="a block scalar, clipped"),
    pytest.param("a: |-\n  x\n\n# c\n", ["M a: |-\n  x", "S a", "S |-\n  x"], id="a block scalar, stripped"),
    pytest.param("a: |+\n  x\n\n\nb: 1", ["M a: |+\n  x\n\n\nb: 1", "S a", "S |+\n  x\n\n", "S b", "S 1"], id="a block scalar that keeps its blank lines"),
    pytest.param("a: >+\n  x\n\n", ["M a: >+\n  x\n", "S a", "S >+\n  x\n"], id="kept to the end of the file"),
    pytest.param("a: |\n  x", ["M a: |\n  x", "S a", "S |\n  x"], id="a block scalar without a last line break"),
    pytest.param("a: |\n  x\n    \n   \n  \n \n", ["M a: |\n  x\n    \n   ", "S a", "S |\n  x\n    \n   "], id="blanks beyond the indent are text"),
    pytest.param("a: |2\n    x\n   \n  \nb:", ["M a: |2\n    x\n   \n  \nb:", "S a", "S |2\n    x\n   ", "S b", "S "], id="an indent that is said"),
    pytest.param("a: | # c\n\nb: 1", ["M a: | # c\n\nb: 1", "S a", "S |", "S b", "S 1"], id="a block scalar with nothing in it"),
    pytest.param("- |\n  x\n- >-\n  y\n", ["S - |\n  x\n- >-\n  y", "S |\n  x", "S >-\n  y"], id="block scalars in a list"),
    pytest.param("{a: 1, b: [x, y], }  # c", ["M {a: 1, b: [x, y], }", "S a", "S 1", "S b", "S [x, y]", "S x", "S y"], id="flow"),
    pytest.param("{a , b: , c : ,d: ~}", ["M {a , b: , c : ,d: ~}", "S a", "S ", "S b", "S ", "S c", "S ", "S d", "S ~"], id="nulls in flow"),
    pytest.param("[a: 1, b, c: ]", ["S [a: 1, b, c: ]", "M a: 1", "S a", "S 1", "S b", "M c:", "S c", "S "], id="mappings without braces"),
    pytest.param("[{a: b}: c]", ["S [{a: b}: c]", "M {a: b}: c", "M {a: b}", "S a", "S b", "S c"], id="a mapping without braces, its key with"),
    pytest.param("[? a : b]", ["S [? a : b]", "M ? a : b", "S a", "S b"], id="an explicit key in brackets"),
    pytest.param("? a\n: 1\n? b # c\n# d\n? c\n", ["M ? a\n: 1\n? b # c\n# d\n? c", "S a", "S 1", "S b", "S ", "S c", "S "], id="explicit keys"),
    pytest.param("? a # x:\n\n", ["M ? a", "S a", "S "], id="an explicit key alone"),
    pytest.param("? a # c\n: # d\n", ["M ? a # c\n:", "S a", "S "], id="an explicit key with nothing behind its colon"),
    pytest.param("?\n: 1", ["M ?\n: 1", "S ", "S 1"], id="a key that is not written"),
    pytest.param("a: &x 1\nb: *x # c\n", ["M a: &x 1\nb: *x", "S a", "S &x |1", "S b", "A *x"], id="an alias"),
    pytest.param("- &x 1\n- *x\n\n", ["S - &x 1\n- *x", "S &x |1", "A *x"], id="an alias at the end of a list"),
    pytest.param("&k a: 1\nb: {*k : 2}", ["M &k a: 1\nb: {*k : 2}", "S &k |a", "S 1", "S b", "M {*k : 2}", "A *k", "S 2"], id="properties of a key"),
    pytest.param("a: !!str\nb: &x\nc: 1", ["M a: !!str\nb: &x\nc: 1", "S a", "S !!str|", "S b", "S &x|", "S c", "S 1"], id="properties of nothing"),
    pytest.param("a: &x !!str 'y'", ["M a: &x !!str 'y'", "S a", "S &x !!str |'y'"], id="anchor and tag"),
    pytest.param("a: !!str &x\n\n  # c !t\n  y", ["M a: !!str &x\n\n  # c !t\n  y", "S a", "S !!str &x\n\n  # c !t\n  |y"], id="properties on the line above"),
    pytest.param("a: !<tag:yaml.org,2002:str> |\n  y\n", ["M a: !<tag:yaml.org,2002:str> |\n  y", "S a", "S !<tag:yaml.org,2002:str> ||\n  y"], id="a tag in full"),
    pytest.param("a: &x\n  b: 1", ["M a: &x\n  b: 1", "S a", "M &x\n  |b: 1", "S b", "S 1"], id="an anchor on a mapping"),
    pytest.param("a: &x\n- 1", ["M a: &x\n- 1", "S a", "S &x\n|- 1", "S 1"], id="an anchor on a list that is not indented"),
    pytest.param("a: &x # c\n  - 1", ["M a: &x # c\n  - 1", "S a", "S &x # c\n  |- 1", "S 1"], id="an anchor on a list"),
    pytest.param("a: !!map {b: 1}\nc: &x [2]", ["M a: !!map {b: 1}\nc: &x [2]", "S a", "M !!map |{b: 1}", "S b", "S 1", "S c", "S &x |[2]", "S 2"], id="properties in front of brackets"),
    pytest.param("--- # c\n", ["S "], id="a document with nothing in it"),
    pytest.param("--- x\n...\n", ["S x"], id="a document of one word"),
    pytest.param("---\na: 1\n...\n# c\n", ["M a: 1", "S a", "S 1"], id="a document between marks"),
    pytest.param('{"a": 1,\n "b": [\n  "x"\n ]\n}\n', ['M {"a": 1,\n "b": [\n  "x"\n ]\n}', 'S "a"', "S 1", 'S "b"', 'S [\n  "x"\n ]', 'S "x"'], id="JSON"),
    pytest.param("a:\t1\t# c\nb: 25%\t# d", ["M a:\t1\t# c\nb: 25%", "S a", "S 1", "S b", "S 25%"], id="tabs"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "nodes"), SHAPES)
def test_every_node_stands_where_its_characters_stand(text: str, nodes: list[str]) -> None:
    (root,) = read(text).roots
    assert root is not None
    assert list(outline(root, text)) == nodes


@pytest.mark.parametrize(("text", "nodes"), SHAPES)
def test_carriage_returns_count(text: str, nodes: list[str]) -> None:
    text = text.replace("\n", "\r\n")
    (root,) = read(text).roots
    assert root is not None
    assert list(outline(root, text)) == [node.replace("\n", "\r\n") for node in nodes]


@pytest.mark.parametrize(("text", "nodes"), SHAPES)
def test_offsets_count_characters_and_earlier_documents(text: str, nodes: list[str]) -> None:
    text = "😀: ä\n--- # ö\n" + text.removeprefix("---")
    root = read(text).roots[1]
    assert root is not None
    assert list(outline(root, text)) == nodes


def test_a_list_below_its_dash_begins_at_the_dash() -> None:
    (root,) = read("a: [x]\nb:\n  -\n    - y\n").roots
    assert isinstance(root, Mapping)
    outer = root.pairs[1][1]
    assert isinstance(outer, Sequence)
    assert not outer.flow
    assert outer.start == 12
    inner = root.pairs[0][1]
    assert isinstance(inner, Sequence)
    assert inner.flow


def test_an_alias_knows_its_target() -> None:
    (root,) = read("a: &x [1]\nb: *x\n").roots
    assert isinstance(root, Mapping)
    alias = root.pairs[1][1]
    assert isinstance(alias, Alias)
    assert alias.name == "x"
    assert alias.target is root.pairs[0][1]


def test_scalars_know_their_style_and_tag() -> None:
    (root,) = read("- a\n- 'b'\n- \"c\"\n- |\n  d\n- >\n  e\n- !!int f\n- !g h\n").roots
    assert isinstance(root, Sequence)
    said = [(s.value, s.style, s.tag) for s in root.items if isinstance(s, Scalar)]
    assert said == [
        ("a", "", None),
        ("b", "'", None),
        ("c", '"', None),
        ("d\n", "|", None),
        ("e\n", ">", None),
        ("f", "", "tag:yaml.org,2002:int"),
        ("h", "", "!g"),
    ]


# ---------------------------------------------------------------- trees


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param("# only a comment\n", None, id="a comment"),
        pytest.param(
            "a: yes\nb: 0600\nc: ~\nd: '1'\n",
            {"a": True, "b": 384, "c": None, "d": "1"},
            id="scalars",
        ),
        pytest.param("- 1\n- [2, {a: 3}]\n", [1, [2, {"a": 3}]], id="collections"),
        pytest.param(
            "[HTTP_PROXY=http://p:3128]", ["HTTP_PROXY=http://p:3128"], id="a colon in a list (C40)"
        ),
        pytest.param(
            "{k: fd00::1, host:6443: }",
            {"k": "fd00::1", "host:6443": None},
            id="colons in a mapping",
        ),
        pytest.param("[host:, {a:}]", ["host:", {"a:": None}], id="colons that libyaml refuses"),
        pytest.param(
            'a: "it\\\'s {b:,}"\n', {"a": "it's {b:,}"}, id="an escape that libyaml refuses"
        ),
        pytest.param(
            "a: &x 1\nb: *x\nc: &x 2\nd: *x\n",
            {"a": 1, "b": 1, "c": 2, "d": 2},
            id="an anchor said twice",
        ),
        pytest.param(
            "y: 1\n1: 2\n1.5: 3\n~: 4\n",
            {"true": 1, "1": 2, "1.5": 3, "": 4},
            id="keys that are no text",
        ),
        pytest.param(
            "a: !!binary bmZ0\nb: !mine x\nc: !!str 12\n",
            {"a": "nft", "b": "x", "c": "12"},
            id="tags",
        ),
        pytest.param("a: x # not # text\nb: x#y\n", {"a": "x", "b": "x#y"}, id="comments"),
        pytest.param("%YAML 1.1\n---\na: 1\n", {"a": 1}, id="YAML 1.1"),
    ],
)
def test_a_tree_is_what_go_yaml_reads(text: str, value: object) -> None:
    assert tree(text) == value


def test_aliases_share_what_they_stand_for() -> None:
    value = tree("a: &x [1]\nb: *x\n")
    assert isinstance(value, dict)
    assert value["a"] is value["b"]


def test_every_document_of_a_file_is_read() -> None:
    source = read("a: 1\n---\n- 2\n---\n# nothing\n---\n...\n---\nx\n")
    assert [document.tree for document in source.documents] == [{"a": 1}, [2], None, None, "x"]
    assert [document.id for document in source.documents] == [
        DocumentId("x.yaml", number) for number in range(5)
    ]


MERGES = [
    pytest.param("a: {<<: *b}", {"x": 1, "w": 2}, id="merged"),
    pytest.param(
        "a: {x: 9, <<: *b}", {"x": 1, "w": 2}, id="a merge overrides what stands above it"
    ),
    pytest.param("a: {<<: *b, x: 9}", {"x": 9, "w": 2}, id="what stands below overrides a merge"),
    pytest.param(
        "a: {<<: [*b, *c]}", {"x": 1, "w": 2, "z": 3}, id="the first in a list is in force"
    ),
    pytest.param(
        "a: {<<: *b, <<: *c}", {"x": 8, "w": 2, "z": 3}, id="the last of two merges is in force"
    ),
    pytest.param("a: {<<: {u: 0}, v: 1}", {"u": 0, "v": 1}, id="a mapping in place"),
    pytest.param("a: {'<<': 1}", {"<<": 1}, id="no merge in quotes"),
    pytest.param("a: {<<: []}", {}, id="an empty list"),
    pytest.param("d: &d {<<: *b, x: 5}\na: {<<: *d}", {"x": 5, "w": 2}, id="a merge in a merge"),
]
ANCHORS = "b: &b {x: 1, w: 2}\nc: &c {x: 8, z: 3}\n"


@pytest.mark.parametrize(("text", "value"), MERGES)
def test_kubernetes_objects_merge(text: str, value: object) -> None:
    document = only("kind: X\n" + ANCHORS + text)
    assert document[("a",)] == value
    assert document.lost_merges == {}


def test_rke2s_own_files_lose_their_merges() -> None:
    document = only(ANCHORS + "<<: *b\na:\n  <<: [*b, *c]\n  v: 1\n")
    assert document.tree == {"b": {"x": 1, "w": 2}, "c": {"x": 8, "z": 3}, "a": {"v": 1}}
    assert document.lost_merges == {
        ("<<",): {"x": 1, "w": 2},
        ("a", "<<"): {"x": 1, "w": 2, "z": 3},
    }


@pytest.mark.parametrize(
    "kind", ["apiVersion: v1", "kind: X", "type: provisioning.cattle.io.cluster"]
)
def test_what_names_its_kind_is_for_kubernetes(kind: str) -> None:
    assert only(f"{kind}\na: {{<<: {{x: 1}}}}\n")[("a",)] == {"x": 1}


def test_the_last_of_repeated_keys_is_in_force() -> None:
    document = only("a: 1\nb: {c: 1, d: 2, c: 3}\na: {e: 4}\na: 5\n")
    assert document.tree == {"b": {"d": 2, "c": 3}, "a": 5}
    assert list(document.repeated.items()) == [
        ((Repeated("a", 0),), 1),
        (("b", Repeated("c", 0)), 1),
        ((Repeated("a", 1),), {"e": 4}),
    ]
    # RKE2 goes through a file by the places of the last entries.
    assert isinstance(document.tree, dict)
    assert list(document.tree) == ["b", "a"]


def test_a_repeated_key_below_a_repeated_key_is_found() -> None:
    text = "a:\n  b: 1\n  b: 2\na: 3\n"
    assert only(text).repeated == {
        (Repeated("a", 0),): {"b": 2},
        (Repeated("a", 0), Repeated("b", 0)): 1,
    }
    assert at(text, Repeated("a", 0), Repeated("b", 0)) == "1"


def test_a_merged_key_that_is_said_is_not_repeated() -> None:
    assert only("kind: X\nb: {<<: {x: 1}, x: 2}\n").repeated == {}


# ---------------------------------------------------------------- routes to places

PLACES: list[tuple[str, Route, str | None, str | None]] = [
    ("a: {b: [x, 'y']}", ("a",), "{b: [x, 'y']}", "a"),
    ("a: {b: [x, 'y']}", ("a", "b"), "[x, 'y']", "b"),
    ("a: {b: [x, 'y']}", ("a", "b", 1), "'y'", None),
    ("a: {b: [x, 'y']}", ("a", "b", 2), None, None),
    ("a: {b: [x, 'y']}", ("a", "b", -1), None, None),
    ("a: {b: [x, 'y']}", ("a", "b", "c"), None, None),
    ("a: {b: [x, 'y']}", ("a", 0), None, None),
    ("a: {b: [x, 'y']}", ("a", "b", 0, 0), None, None),
    ("a: {b: [x, 'y']}", (), "a: {b: [x, 'y']}", None),
    ("yes: 1", ("true",), "1", "yes"),
    ("a: 1\na: 2\na: 3", ("a",), "3", "a"),
    ("a: 1\na: 2\na: 3", (Repeated("a", 0),), "1", "a"),
    ("a: 1\na: 2\na: 3", (Repeated("a", 1),), "2", "a"),
    ("a: 1\na: 2\na: 3", (Repeated("a", 3),), None, None),
    ("a: &x {b: 1}\nc: *x", ("c",), "*x", "c"),
    ("a: &x {b: 1}\nc: *x", ("c", "b"), "1", "b"),
    ("kind: X\na: &x {b: 1}\nc: {<<: *x, d: 2}", ("c", "b"), "1", "b"),
    ("kind: X\na: &x {b: 1}\nc: {b: 3, <<: *x}", ("c", "b"), "1", "b"),
    ("kind: X\na: &x {b: 1}\nc: {<<: *x, b: 3}", ("c", "b"), "3", "b"),
    ("kind: X\na: &x {b: 1}\nc: {<<: [{b: 7}, *x]}", ("c", "b"), "7", "b"),
    ("a: &x {b: 1}\nc: {<<: *x, d: 2}", ("c", "b"), None, None),
    ("a: &x {b: 1}\nc: {<<: *x, d: 2}", ("c", "<<"), "*x", "<<"),
]


@pytest.mark.parametrize(("text", "route", "value", "key"), PLACES)
def test_a_route_leads_to_its_place(
    text: str, route: Route, value: str | None, key: str | None
) -> None:
    assert at(text, *route) == value
    assert at(text, *route, on_key=True) == key


def test_a_place_that_is_not_there_is_shown_by_what_is_above_it() -> None:
    document = only("a:\n  b: 1\n")
    assert document.span(Place(document.id, ("a", "c", "d"))) == Span(0, 1)


# ---------------------------------------------------------------- what is refused

REFUSED = [
    ("%YAML 1.2\n---\na: 1\n", 0, "YAML 1.1"),
    ('a: "x\\/y"\n', 3, "escape \\/"),
    ('a: "\\\\\\/"\n', 3, "escape \\/"),
    ("a: [http://x/?q=1]\n", 4, "?"),
    ("a: {b?: 1}\n", 4, "?"),
    ("a: *b\n", 3, "no anchor &b"),
    ("a: &a [*a]\n", 7, "contains itself"),
    ("a: &a {b: {<<: *a}}\n", 15, "contains itself"),
    ("a: !!int x\n", 3, "!!int"),
    ("a: {<<: 1}\n", 8, "only mappings can be merged"),
    ("b: &b [{x: 1}]\na: {<<: *b}\n", 23, "only mappings can be merged"),
    ("a: {<<: [{x: 1}, 2]}\n", 8, "only mappings can be merged"),
    ("kind: X\n~: 1\n", 8, "Kubernetes refuses this key"),
    ("kind: X\n[a]: 1\n", 8, "Kubernetes refuses this key"),
    ("kind: X\na: .inf\n", 11, "JSON"),
    ("a: b: c\n", 4, "mapping values are not allowed"),
    ("a:\n\t- b\n", 3, "indented with a tab: YAML is indented with spaces"),
    ("a:\n  b: c\n\tc: d\n", 10, "indented with a tab: YAML is indented with spaces"),
    ("a: 'x\nb: 1\n", 3, "end of stream"),
    ("a: 1\nb\nc: 2\n", 5, "could not find expected ':'"),
    ("a: @b\n", 3, "no value begins with @: put it in quotes"),
    ("a: [b\n", 6, "did not find expected"),
]


@pytest.mark.parametrize(("text", "offset", "message"), REFUSED, ids=[t for t, _, _ in REFUSED])
def test_what_rke2_refuses_is_a_problem_at_its_place(text: str, offset: int, message: str) -> None:
    problem = read(text).problems[0]
    assert message in problem.message
    assert problem.span.start == offset
    assert problem.document == 0


@pytest.mark.parametrize(
    "text", ['a: "\\\\/"\n', "a: 'x\\/y'\n", "a: x?y\n", "[a, '?b']", "a: |\n  \\/\n"]
)
def test_what_only_looks_alike_is_read(text: str) -> None:
    assert read(text).problems == ()


def test_a_broken_document_does_not_hide_the_others() -> None:
    source = read("a: 1\n---\nb: [\n---\nc: 3\n---\nd: *x\n---\ne: 5\n")

    assert [d.tree for d in source.documents] == [{"a": 1}, None, {"c": 3}, None, {"e": 5}]
    assert [root is None for root in source.roots] == [False, True, False, True, False]
    assert [p.document for p in source.problems] == [1, 3]
    assert source.position(source.problems[1].span.start) == Position(7, 4)
    assert source.documents[4].span(source.documents[4].at("e")) == Span(40, 41)


def test_aliases_that_go_yaml_finds_excessive_are_refused_and_never_expanded() -> None:
    lines = ["a0: &a0 x"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    (problem,) = read("\n".join(lines)).problems
    assert "excessive aliasing" in problem.message


def test_aliases_in_moderation_are_read() -> None:
    text = "a: &a {x: 1, y: [1, 2]}\n" + "".join(f"b{i}: *a\n" for i in range(150))
    assert read(text).problems == ()


def test_a_file_of_a_single_alias_too_deep_is_refused() -> None:
    deep = "[" * 150 + "x" + "]" * 150
    (problem,) = read(f"a: &a {deep}\nb: {deep.replace('x', '*a')}\n").problems
    assert "stand in each other" in problem.message


def test_a_file_that_is_too_large_is_not_read() -> None:
    data = b"#" * (MAX_BYTES + 1)
    source = Source.read("x.yaml", data)
    (problem,) = source.problems
    assert "16 MiB" in problem.message
    assert source.documents == ()
    assert source.data == data


def test_reading_leaves_the_garbage_collector_as_it_was() -> None:
    assert gc.isenabled()
    read("a: [\n")
    assert gc.isenabled()
    gc.disable()
    try:
        read("a: 1\n")
        assert not gc.isenabled()
    finally:
        gc.enable()


# ---------------------------------------------------------------- placeholders that are YAML

OPEN = [
    "${CLUSTER_NAME}", "${VERSION:=v1.33.4+rke2r1}", "v${VERSION}", "<required>",
    "<replace_with_cluster_name>", "<the name of it>", "https://<host>:9345", "%K8S_VERSION%",
    "x-%HOST%", "@TOKEN@", "{{ x }}", "{{ .Values.x }}-y", "{% if x %}y{% endif %}",
]  # fmt: skip
KNOWN = [
    "50%", "5% of 10%", "%20a%20b", "a@b", "me@example.com", "a@b@c", "$(VAR)", "$VAR", "$${X}", "${",
    "a < b", "<", "<>", "a <b and c> d", "<<", "<b>bold</b>", "<me@example.com>", "IPTABLES_MODE=nft",
    "x -> y", "%d", "{{", "}} {{",
]  # fmt: skip


@pytest.mark.parametrize("value", OPEN)
def test_a_value_that_waits_to_be_filled_in_is_templated(value: str) -> None:
    source = read(f"a: '{value}'\nb:\n  - \"{value}\"\n'{value}': 1\nc: |\n  {value}\n")
    assert source.problems == ()
    assert source.masked is None
    found = source.documents[0].tree
    assert isinstance(found, dict)
    assert found["a"] == value
    assert type(found["a"]) is Templated
    assert type(found["b"][0]) is Templated
    assert found[value] == 1
    assert type(found["c"]) is str, "in a block scalar it is data"


@pytest.mark.parametrize("value", KNOWN)
def test_ordinary_text_is_not_templated(value: str) -> None:
    found = tree(f"a: '{value}'\nb: ${{X}}\n")
    assert isinstance(found, dict)
    assert found["a"] == value
    assert type(found["a"]) is str
    assert type(found["b"]) is Templated


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a: [${X}, b]\n", {"a": ["${X}", "b"]}, id="in brackets"),
        pytest.param(
            "a: %X1%\nb: @Y1@\n", {"a": "%X1%", "b": "@Y1@"}, id="at the start of a value"
        ),
        pytest.param("a:\n${X}\n  b: 1\nc: 2\n", {"a": {"b": 1}, "c": 2}, id="on its own line"),
    ],
)
def test_a_placeholder_that_is_no_yaml_is_masked(text: str, value: object) -> None:
    source = read(text)
    assert source.problems == ()
    assert source.masked == "text with placeholders"
    assert source.documents[0].tree == value


JSON = [
    pytest.param(r'{"a": "x\ud83d\ude00y"}', "x\N{GRINNING FACE}y", id="a pair"),
    pytest.param(
        r'{"a": "\uD83D\uDE00\ud83d\ude00"}', "\N{GRINNING FACE}" * 2, id="in two spellings"
    ),
    pytest.param(r'{"a": "\ud83dx"}', "\ufffdx", id="half a pair"),
    pytest.param(r'{"a": "\ude00\ud83d"}', "\ufffd\ufffd", id="the wrong way round"),
    pytest.param(r'{"a": "x\/y"}', "x/y", id="a slash"),
    pytest.param(r'{"a": "\\ud83d\\/"}', r"\ud83d\/", id="no escapes"),
    pytest.param(r'{"a": "\u00fc\n"}', "ü\n", id="what YAML knows, too"),
]


@pytest.mark.parametrize(("text", "meant"), JSON)
def test_json_is_read_with_its_own_escapes(text: str, meant: str) -> None:
    source = Source.read("x.json", text.encode())
    assert source.problems == ()
    assert source.documents[0].tree == {"a": meant}
    assert source.data == text.encode()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("config.yaml", r'{"a": "\ud83d\ude00"}', id="what RKE2 reads as YAML"),
        pytest.param("x.json", r'- "\ud83d\ude00"', id="YAML in a file for JSON"),
    ],
)
def test_what_is_read_as_yaml_has_no_escapes_of_json(path: str, text: str) -> None:
    (problem,) = Source.read(path, text.encode()).problems
    assert "invalid Unicode character" in problem.message


# kubectl takes a delete character for text; YAML has none.
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x7f"), max_size=9)


@given(st.dictionaries(TEXT, TEXT))
def test_json_says_what_json_says(tree: dict[str, str]) -> None:
    source = Source.read("x.json", json.dumps(tree).encode())
    assert source.problems == ()
    assert source.documents[0].tree == tree


@pytest.mark.parametrize(
    ("path", "text", "meant"),
    [
        pytest.param("x.json", r'{"a": "\ud83d\ude00\uE000\ue001"}', "😀\ue000\ue001", id="JSON"),
        pytest.param("x.yaml", 'a: "x\ufeff\\U0000E000"', "x\ufeff\ue000", id="YAML"),
    ],
)
def test_an_escaped_character_stands_for_itself_alone(path: str, text: str, meant: str) -> None:
    source = Source.read(path, text.encode())
    assert source.problems == ()
    assert source.documents[0].tree == {"a": meant}


EVERY_PRIVATE = "".join(map(chr, range(0xE000, 0xF900)))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("b: [a:]\n", id="a colon in brackets"),
        pytest.param('b: "\\\'"\n', id="an escaped quote"),
        pytest.param("b: x\ufeffy\n", id="a byte order mark"),
    ],
)
def test_a_text_that_leaves_no_character_to_stand_for_another_is_read_somehow(text: str) -> None:
    Source.read("x.yaml", f"a: {EVERY_PRIVATE}\n{text}".encode())


def test_more_escapes_than_there_are_stand_ins_are_a_problem() -> None:
    text = json.dumps({"a": "".join(map(chr, range(0x1F300, 0x1F600)))})
    (problem,) = Source.read("x.json", text.encode()).problems
    assert "invalid Unicode character" in problem.message
