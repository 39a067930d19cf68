"""Our trees are what go-yaml v2.4.0 and sigs.k8s.io/yaml make of the same bytes.

The peer is the Go program in `peers/go_yaml`. Where there is no Go, or no network to fetch the two
modules with, these tests are skipped.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rke2_policies.route import Json
from rke2_policies.scalars import key_text
from rke2_policies.yaml_source import Source

HERE = Path(__file__).parent
CORPUS = HERE.parent.parent / "shared" / "corpus"


class Peer:
    """The Go program: a text in, what go-yaml says out."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, data: bytes) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(base64.b64encode(data) + b"\n")
        self.process.stdin.flush()
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="session")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go to build the peer with")
    if os.environ.get("GOFLAGS") == "offline":
        pytest.skip("GOFLAGS=offline: the peer is not built")
    program = tmp_path_factory.mktemp("go_yaml") / "go_yaml"
    built = subprocess.run(
        [go, "build", "-o", program, "."],
        cwd=HERE / "peers" / "go_yaml", capture_output=True, text=True, check=False,
    )  # fmt: skip
    if built.returncode != 0:
        pytest.skip(f"the peer cannot be built: {built.stderr.strip().splitlines()[-1]}")
    peer = Peer(program)
    yield peer
    peer.close()


def decoded(said: list[Any]) -> Json:
    """Return the tree that the peer tells, as RKE2 would go through it."""
    match said:
        case ["null"]:
            return None
        case ["int", digits]:
            return int(digits)
        case ["float", digits]:
            return float(digits)
        case ["list", items]:
            return [decoded(item) for item in items]
        case ["mapping", entries]:
            tree: dict[str, Json] = {}
            for key, value in entries:
                name = key_text(decoded(key))
                name = "" if name is None else name
                tree.pop(name, None)
                tree[name] = decoded(value)
            return tree
        case [_, value]:
            return value
    raise AssertionError(said)


def alike(ours: Json, theirs: Json, *, json: bool = False) -> bool:
    """Compare trees, keys in order; in JSON 1 and 1.0 are alike, and there is no order."""
    match ours, theirs:
        case dict(), dict():
            ordered = list(ours) == list(theirs) or (json and ours.keys() == theirs.keys())
            return ordered and all(alike(ours[k], theirs[k], json=json) for k in ours)
        case list(), list():
            return len(ours) == len(theirs) and all(
                alike(a, b, json=json) for a, b in zip(ours, theirs, strict=True)
            )
        case str(), str():
            return str(ours) == str(theirs)
        case (bool(), _) | (_, bool()):
            return ours is theirs
        case float(), float() if ours != ours:
            return theirs != theirs
        case _:
            return (json or type(ours) is type(theirs)) and bool(ours == theirs)


def has_collection_as_key(said: Any) -> bool:
    if not isinstance(said, list):
        return False
    if said[:1] == ["mapping"] and any(key[0] in ("list", "mapping") for key, _ in said[1]):
        return True
    return any(map(has_collection_as_key, said))


def disagreement(peer: Peer, data: bytes) -> str | None:
    """Say in what we and go-yaml differ about the first document."""
    source = Source.read("x.yaml", data)
    said = peer.ask(data)
    refused = said.get("rke2_error")
    if source.masked or not source.documents:
        return None
    if len(source.documents) > 1 and (source.problems or refused):
        return None  # go-yaml looks some bytes into the next document, we do not
    problems = [problem.message for problem in source.problems]
    ours = source.documents[0].tree
    for_kubernetes = isinstance(ours, dict) and not ours.keys().isdisjoint(
        ("apiVersion", "kind", "type")
    )
    if for_kubernetes:
        refused = said.get("kubernetes_error")
    if refused or problems:
        if bool(refused) == bool(problems):
            return None
        return f"refused by go-yaml: {refused}; by us: {problems}"
    if for_kubernetes:
        theirs = said["kubernetes"]
        return None if alike(ours, theirs, json=True) else f"ours: {ours}, Kubernetes: {theirs}"
    if has_collection_as_key(said["rke2"]):
        return None  # RKE2 prints such a key as Go does: nobody has one
    theirs = decoded(said["rke2"])
    if isinstance(ours, dict) or theirs:
        # Lists at the root are no configuration; the peer tells their mappings without order.
        loose = not isinstance(ours, dict)
        return None if alike(ours, theirs, json=loose) else f"ours: {ours}, RKE2: {theirs}"
    return None


TABLE = [
    "kube-proxy-extra-env: [IPTABLES_MODE=nft]",
    "a: 1\na: 2\na+: 3\na: 4\n",
    "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n",
    "kind: X\na: &x {b: 1}\nc:\n  b: 3\n  <<: *x\n",
    "kind: X\na: &x {b: 1}\ne: &y {b: 4, f: 5}\nc:\n  <<: [*x, *y]\n  d: 2\n",
    "kind: X\na: &x {b: 1}\nc: {<<: *x, <<: {b: 9}, '<<': 7}\n",
    "kind: X\na: {<<: 5}\n",
    "a: {<<: [x]}\n",
    "a: &x [1]\nb: {<<: *x}\n",
    "a: &x 1\nb: *x\nc: &x 2\nd: *x\n",
    "a: &x [*x]\n",
    "a: *nothing\n",
    "[HTTP_PROXY=http://p:3128, host:6443, fd00::1]",
    "[a:, b:]",
    "{a:}",
    '{"a":1,"b":[true,null,"\\u00e9"]}',
    '"a\\/b"',
    '"it\\\'s"',
    "[http://x?y]",
    "%YAML 1.1\n---\na: 1\n",
    "%YAML 1.2\n---\na: 1\n",
    "\ufeffa: 1\n",
    "a: 1\n\ufeffb: 2\n",
    "a:\t1\nb: 25%\t# c\n",
    "\ta: 1\n",
    "a: |\n  x\n   \n\n",
    "a: >+2\n    x\n  y\n\n\n",
    "a: !!int x",
    "a: !!float 18446744073709551615",
    "a: !!binary bmZ0",
    "a: !!timestamp 2024-02-30",
    "kind: X\n~: 1\n",
    "kind: X\na: .nan\n",
    "kind: X\n.inf: .inf\n",
    "kind: X\n1e3: a\n1e6: b\n0.1: c\n.inf: d\nyes: e\n0600: f\n",
    "kind: X\n1: a\n'1': a\n",
    "a\n---\nb: [\n",
    "",
    "# nothing\n",
    "---\n...\n",
    "- a\n- {b: 1}\n",
    "a: \u2028x\nb: 'y\u0085z'\n",
    "a: b: c",
    "a: '\x07'",
]


@pytest.mark.parametrize("text", TABLE)
def test_the_table_agrees(peer: Peer, text: str) -> None:
    assert disagreement(peer, text.encode()) is None


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_agree(peer: Peer, encoding: str) -> None:
    assert disagreement(peer, "a: ä\nb: 😀\n".encode(encoding)) is None


def test_utf_16_without_its_mark_is_refused_by_both(peer: Peer) -> None:
    assert disagreement(peer, "a: 1\n".encode("utf-16-le")) is None


@pytest.mark.parametrize(
    ("plain", "aliased", "aliases", "refused"),
    [
        (0, 10, 10, False),
        (0, 190, 190, False),
        (0, 210, 210, True),
        (4_000, 1_000, 380, False),
        (4_000, 1_000, 420, True),
    ],
)
def test_the_limit_of_aliases_agrees(
    peer: Peer, plain: int, aliased: int, aliases: int, refused: object
) -> None:
    lines = [f"p: [{'x,' * plain}]", f"a: &a [{'x,' * aliased}]", f"b: [{'*a,' * aliases}]"]
    data = "\n".join(lines).encode()
    assert bool(Source.read("x.yaml", data).problems) is refused
    assert disagreement(peer, data) is None


@pytest.mark.parametrize("items", range(194, 206))
def test_the_limit_of_aliases_agrees_to_the_alias(peer: Peer, items: int) -> None:
    text = f"a: &a [{'x,' * items}]\nb: [{'*a,' * items}]\n"
    assert disagreement(peer, text.encode()) is None


SCALARS = st.text("+-._0123456789abexoyYnN~:T ", max_size=10).map(
    lambda text: f"a: {text}\n"
) | st.sampled_from(
    ["!!int", "!!float", "!!bool", "!!null", "!!str", "!!binary", "!!timestamp", "!x"]
).flatmap(
    lambda tag: st.text("+-._0123456789abexoT=", max_size=10).map(
        lambda text: f"a: {tag} '{text}'\n"
    )
)
WORDS = st.sampled_from(
    ["a", "b", "kind: X\n", "1", "yes", "~", "- ", "? ", ": ", ", ", "[", "]", "{", "}", '"', "'", "x", "&a ", "*a",
     "!!str ", "|\n", ">-\n", "|2\n", "\n", "\n  ", "\n ", "\t", " ", "# c", "%", "@", "\\n", "<<: *a", "\n---\n", "\r\n", "\u2028",
     "é", "=", ".5", "1e3", "a: 1\n", "- i\n", "{a: 1}", "[x, y]", "0o17", "\n...\n"]
)  # fmt: skip


@given(SCALARS)
@settings(max_examples=300, deadline=None)
def test_scalars_agree(peer: Peer, text: str) -> None:
    assert disagreement(peer, text.encode()) is None


@given(st.lists(WORDS, max_size=14).map("".join))
@settings(max_examples=300, deadline=None)
def test_texts_agree(peer: Peer, text: str) -> None:
    if "[]" in text or "{}" in text or text.lstrip(" \r\n").startswith(("|", ">", "[", "{")):
        return  # behind a root in brackets go-yaml does not always look at the rest of its line
    assert disagreement(peer, text.encode()) is None


def damaged(text: str, chance: random.Random) -> str:
    """Put in or take away a few characters that mean something."""
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(len(text) + 1)
        if chance.random() < 0.6:
            text = text[:at] + chance.choice(list(" \n\t:-?,[]{}#&*!|>'\"%@`=~.0")) + text[at:]
        else:
            text = text[:at] + text[at + 1 :]
    return text


def test_real_files_agree_also_when_they_are_damaged(peer: Peer) -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real files is not here")
    chance = random.Random(2)
    files = [path for path in sorted(CORPUS.glob("[abefgh]/*")) if path.stat().st_size < 4000]
    texts = [path.read_bytes().decode() for path in files]
    assert len(texts) > 40
    for text in texts:
        for _ in range(10):
            broken = damaged(text, chance)
            said = disagreement(peer, broken.encode())
            assert said is None, f"{said}\n{broken}"
