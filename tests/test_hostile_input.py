"""Reading never raises, and never takes long, whatever the bytes are."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rke2_policies import environment_file
from rke2_policies.nodes import Alias, Mapping, Node, Sequence
from rke2_policies.yaml_source import Source

N = 200_000


def bomb() -> bytes:
    lines = ["a0: &a0 x"] + [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    return "\n".join(lines).encode()


def noise(characters: bytes) -> bytes:
    return bytes(random.Random(1).choices(characters, k=N))


REFUSED = {
    "200 KB of [": b"[" * N,
    "400 KB of dashes": b"- " * N,
    "400 KB of question marks": b"? " * N,
    "nested braces": b"{a: " * N,
    "nested mappings": b"".join(b" " * i + b"a:\n" for i in range(600)),
    "a bomb of aliases": bomb(),
    "a chain of aliases": b"a0: &a0 [x]\n"
    + b"".join(b"a%d: &a%d [*a%d]\n" % (i, i, i - 1) for i in range(1, 3000)),
    "50 MB": b"a" * 50_000_000,
    "NULs": b"\0" * N,
    "a NUL behind much": b"a: 1\n" * 40_000 + b"\0",
    "15 MB of brackets": b"[" + b"[]," * 5_000_000 + b"]",
    "many broken documents": b"---\n[\n" * (N // 6),
    "invalid UTF-8": b"\xff" * N,
    "UTF-16 of nothing but surrogates": b"\xff\xfe" + b"\x00\xd8" * N,
    "UTF-32": b"\xff\xfe\0\0" + "a: 1".encode("utf-32-le") * 100,
    "noise": noise(bytes(range(256))),
    "noise of indicators": noise(b" \n\t:-?,[]{}#&*!|>'\"%@`\\=~.0ae<+$"),
    "an open quote": b"a: '" + b"x\n" * N,
    "slashes": b'"' + b"\\/" * N + b'"',
    "quotes that go-yaml escapes": b'["\\\'", ' * 20_000,
    "colons in brackets": b"[a:," * 20_000,
    "hashes in braces": b"{a " + b"#x" * N + b"\n, b: [",
    "directives": b"%FOO bar\n" * (N // 9),
    "tabs": b"\t" * N,
}
READ = {
    "line ends": b"\r" * N,
    "a tag and a comment": b"!a #" * N,
    "byte order marks": "\ufeff".encode() * N,
    "empty documents": b"---\n" * (N // 4),
    "comments": b"#\n" * N,
    "repeated keys": b"a: 1\n" * (N // 5),
    "merges": b"a: &a {x: 1}\nb:\n" + b" <<: *a\n" * (N // 8),
    "anchors": b"".join(b"- &a%d x\n" % i for i in range(20_000)),
    "blank lines of a block scalar": b"a: |\n  x\n" + b" \n" * N,
    "a long word": b"a: " + b"x" * N,
    "a long number": b"- " + b"9" * N,
    "a long hexadecimal number": b"- 0x" + b"f" * N,
    "a long fraction": b"- 1." + b"1" * N + b"e5",
    "underscores": b"- 1" + b"_" * N,
    "U+0085": "\x85".encode() * N,
    "openings of actions in quotes": b"a: '" + b"{{" * N + b"'",
    "openings of actions in a comment": b"# " + b"{{" * N,
    "openings of placeholders": b"a: '" + b"${%a@a<a" * (N // 8) + b"'",
    "actions in quotes": b"- '{{ x }}'\n" * (N // 12),
    "actions": b"{{ x }}\n" * (N // 8),
    "actions in quotes on a line": b"[" + b"'{{ x }}', " * (N // 12) + b"]",
    "a template of many documents": b"{{ if x }}\na: 1\n{{ end }}\n---\n" * (N // 64),
    "branches": b"{{ if x }}\na:\n{{ end }}\n" * (N // 24),
    "an action's strings": b"a: " + b'{{ " }} ' * (N // 8),
    "controls in a block scalar": b"a: |\n  x\n" + b"{{ if }}\n" * (N // 8) + b"  y\n",
    "words that a template leaves out": b"a:\n{{ x }}\n" * (N // 12),
}


def same(one: bytes, other: bytes) -> bool:
    """Compare out of pytest's sight, which would look for the difference in megabytes for hours."""
    return one == other


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_what_no_reader_could_take_is_a_finding_within_a_second(data: bytes) -> None:
    begin = time.process_time()
    source = Source.read("x.yaml", data)
    assert time.process_time() - begin < 1
    assert source.problems
    assert same(source.data, data)


@pytest.mark.parametrize("data", READ.values(), ids=READ)
def test_what_is_only_odd_is_read_within_a_second(data: bytes) -> None:
    begin = time.process_time()
    source = Source.read("x.yaml", data)
    assert time.process_time() - begin < 1
    assert source.problems == ()
    assert same(source.data, data)


@pytest.mark.parametrize("data", [*REFUSED.values(), *READ.values()], ids=[*REFUSED, *READ])
def test_environment_files_are_read_within_a_second(data: bytes) -> None:
    begin = time.process_time()
    found = environment_file.read("x.env", data)
    assert time.process_time() - begin < 1
    assert same(found.data, data)


def every_node(root: Node | None) -> list[Node]:
    nodes: list[Node] = []
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        if isinstance(node, Sequence):
            waiting += node.items
        elif isinstance(node, Mapping):
            waiting += (part for pair in node.pairs for part in pair)
    return nodes


PIECES = st.sampled_from(
    ["a", "b", "kind: X\n", "1", "yes", "~", "- ", "? ", ": ", ":", ", ", "[", "]", "{", "}", "'", '"', "&a ", "*a",
     "!!str ", "!!int ", "!x ", "|", ">", "|-\n", ">+\n", "|2\n", "\n", "\n  ", "\r\n", "\r", "\t", " ", "#c", "%",
     "@", "`", "\\", '"a\\/b"', "<<: ", "<<: *a", "---\n", "...\n", "%YAML 1.2\n", "\u2028", "\x85", "é", "😀",
     "\ufeff", "=", ".inf", "{{ x }}", "{{", "}}", "{% if %}", "${X}", "%A1%", "<a>"]
)  # fmt: skip
ANY_BYTES = (
    st.binary(max_size=60)
    | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.text(max_size=40).map(lambda text: text.encode("utf-16", "surrogatepass"))
    | st.lists(PIECES, max_size=24).map(lambda pieces: "".join(pieces).encode())
)


@given(ANY_BYTES)
@settings(max_examples=500, deadline=None)
def test_no_bytes_raise_and_all_come_back(data: bytes) -> None:
    source = Source.read("x.yaml", data)
    assert source.data == data
    assert len(source.roots) == len(source.documents) > 0
    assert [document.id.number for document in source.documents] == list(range(len(source.roots)))
    for problem in source.problems:
        assert 0 <= problem.span.start <= problem.span.end <= len(source.text)
        assert source.position(problem.span.start) >= (1, 1)
        assert problem.document < len(source.documents)
    environment_file.read("x.env", data)


@given(st.lists(PIECES, max_size=24).map("".join))
@settings(max_examples=500, deadline=None)
def test_every_node_stands_inside_what_holds_it(text: str) -> None:
    source = Source.read("x.yaml", text.encode())
    for root in source.roots:
        for node in every_node(root):
            assert 0 <= node.outer <= node.start <= node.end <= len(source.text)
            if isinstance(node, (Sequence, Mapping)):
                parts = (
                    node.items if isinstance(node, Sequence) else [n for p in node.pairs for n in p]
                )
                ends = [
                    node.start,
                    *(end for part in parts for end in (part.outer, part.end)),
                    node.end,
                ]
                assert ends == sorted(ends)
            if isinstance(node, Alias):
                assert source.text[node.start : node.end] == f"*{node.name}"


@given(st.lists(PIECES, max_size=24).map("".join))
@settings(max_examples=300, deadline=None)
def test_reading_the_same_text_again_says_the_same(text: str) -> None:
    one = Source.read("x.yaml", text.encode())
    text = text.removeprefix("\ufeff")
    if one.text == text:
        other = one.with_text(text)
        assert repr([d.tree for d in other.documents]) == repr([d.tree for d in one.documents])
        assert other.problems == one.problems
