"""Whatever an editor sends, and whatever a file holds: does serving go on, and in silence?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import CONFIG, PINNED, UNPINNED, WRONG
from conftest import Open
from editor import PATIENCE, Editor, capabilities, rules_of
from lsprotocol import types

SECRET = "hunter2222"
TYPED = [
    "", "\n", " ", "\t", "\0", "\ufeff", "\u2028", "a", "a:", "a: [", "a: {b: ", "- - -", "? ", "%", "%YAML 9\n---\n", "---",
    "...", "'", '"', "|", ">", "|\n", "&a *a", "*a", "<<: *a", "<<: [1]", "!!binary x", "!", "{{", "{{ if }}", "{% raw %}",
    "${", "@", "`", "\x00\x01", "\U0010ffff", "kind: Cluster", "provisioning.cattle.io: [", "a: &x [*x]",
    "kube-proxy-extra-env: [", "kube-proxy-extra-env:", "kube-proxy-extra-env: {", "kube-proxy-extra-env: &a",
]  # fmt: skip


@pytest.mark.parametrize("text", TYPED)
@pytest.mark.parametrize("name", [CONFIG, "prod.yaml", "etc/default/rke2-server", ".rke2-lint.yaml"])  # fmt: skip
def test_no_text_upsets_the_server(editor: Editor, name: str, text: str) -> None:
    editor.open(name, text)
    editor.published(name)
    editor.actions(name)
    editor.lenses(name)
    for offset in range(min(len(text), 10) + 1):
        at = editor.position(text, offset)
        editor.ask(
            types.TEXT_DOCUMENT_HOVER,
            types.HoverParams(types.TextDocumentIdentifier(editor.uri(name)), at),
        )


def test_a_cluster_can_be_typed_character_by_character(start: Open) -> None:
    """Each beginning of it stands in the editor for a moment, and most of them are no YAML."""
    editor = start(pulls=True)
    editor.open("prod.yaml", "")
    for offset, character in enumerate(WRONG):
        editor.type("prod.yaml", offset, offset, character)
        if offset % 7 == 0:
            editor.pull("prod.yaml")
    assert rules_of(editor.pull("prod.yaml").items) == ["invalid-backend"]


@pytest.mark.parametrize(
    "uri",
    [
        "untitled:Untitled-1", "git:/x/prod.yaml?HEAD", "vscode-vfs://github/o/r/prod.yaml", "", "x", "file:", "file://",
        "file:///", "file:///%00", "file:///%zz", "http://[", "file://[/x", "file:///c%3A/x/prod.yaml", "file://server/share/prod.yaml",
        "file:///" + "x" * 5000, "file:///../../etc/rancher/rke2/config.yaml.d/x.yaml", "jdt://a b/é😀",
    ],
)  # fmt: skip
def test_what_is_no_file_is_looked_at_by_itself(editor: Editor, uri: str) -> None:
    name = uri if ":" in uri else f"untitled:{uri}"
    editor.open(name, UNPINNED)
    assert set(rules_of(editor.published(name))) == {"missing-nft-pin"}
    [action] = editor.actions(name, only=["source.fixAll"])
    assert "IPTABLES_MODE=nft" in repr(action.edit)
    assert editor.lenses(name)
    editor.close(name)


def test_documents_that_are_not_open_are_no_trouble(editor: Editor) -> None:
    editor.texts["never.yaml"], editor.versions["never.yaml"] = "a", 1
    editor.replace("never.yaml", "a", "b")
    assert editor.actions("never.yaml") == []
    assert editor.lenses("never.yaml") == []
    assert editor.hover("never.yaml", "b") is None
    editor.close("never.yaml")
    assert editor.pull(".").items == ()


def test_places_that_are_not_there_are_no_trouble(editor: Editor) -> None:
    editor.open("prod.yaml", "cni: calico")
    document = types.VersionedTextDocumentIdentifier(2, editor.uri("prod.yaml"))
    for line, character in ((99, 0), (0, 999), (2**31 - 1, 2**31 - 1)):
        at = types.Position(line, character)
        change = types.TextDocumentContentChangePartial(types.Range(at, at), "\nx: 1")
        editor._say(
            types.TEXT_DOCUMENT_DID_CHANGE, types.DidChangeTextDocumentParams(document, [change])
        )
        asked = types.HoverParams(types.TextDocumentIdentifier(document.uri), at)
        assert editor.ask(types.TEXT_DOCUMENT_HOVER, asked) is None


def test_a_large_file_is_looked_at(editor: Editor) -> None:
    """30,000 lines: as large as files of people's own making become."""
    text = "\n---\n".join(PINNED.replace("name: prod", f"name: prod-{i}") for i in range(1500))
    editor.open("prod.yaml", text + f"\n---\n{UNPINNED}")
    assert rules_of(editor.published("prod.yaml")) == ["missing-nft-pin"]


def test_a_file_that_is_too_large_is_said_to_be(editor: Editor) -> None:
    editor.open("prod.yaml", f"{PINNED}#{'x' * (16 * 1024 * 1024)}\n")
    [found] = editor.published("prod.yaml")
    assert found.code == "syntax"
    assert "larger than 16 MiB" in found.message
    assert editor.hover("prod.yaml", "kind") is None


def test_ends_without_a_word_of_the_editor(tmp_path: Path) -> None:
    editor = Editor(tmp_path, capabilities())
    editor.open("prod.yaml", UNPINNED)
    assert editor.hang_up() == 1
    assert editor.errors == b""


def test_a_question_that_is_taken_back_is_not_answered(start: Open) -> None:
    editor = start()
    editor.open("prod.yaml", "\n---\n".join([UNPINNED] * 300))
    document = types.TextDocumentIdentifier(editor.uri("prod.yaml"))

    async def ask() -> BaseException | None:
        asked = editor.client.protocol.send_request(
            types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensParams(document), msg_id="q"
        )
        editor.client.protocol.notify(types.CANCEL_REQUEST, types.CancelParams("q"))
        import asyncio

        return (await asyncio.gather(asyncio.wrap_future(asked), return_exceptions=True))[0]

    answer = editor._do(ask())
    assert isinstance(answer, Exception)
    assert "cancel" in str(answer)
    assert editor.published("prod.yaml")


# --- below the protocol


class Wire:
    """Speaks to a server in bytes."""

    def __init__(self, folder: Path, *command: str) -> None:
        self.process = subprocess.Popen(
            command or (sys.executable, "-m", "rke2_lint", "lsp", "--stdio"),
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.said: list[dict[str, Any]] = []

    def put(self, body: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def say(self, **message: Any) -> None:
        self.put(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def answer(self, id: int) -> dict[str, Any]:
        """Read up to the answer to a question."""
        out = self.process.stdout
        assert out is not None
        while True:
            length = 0
            while (line := out.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b": ")
                length = int(value) if name == b"Content-Length" else length
            assert length, "the server has ended"
            message: dict[str, Any] = json.loads(out.read(length))
            self.said.append(message)
            if message.get("id") == id:
                return message

    @property
    def log(self) -> list[str]:
        return [
            one["params"]["message"]
            for one in self.said
            if one.get("method") == "window/logMessage"
        ]

    def end(self) -> tuple[int, bytes]:
        self.say(id=999, method="shutdown")
        self.answer(999)
        self.say(method="exit")
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.stderr is not None
        errors = self.process.stderr.read()
        return self.process.wait(PATIENCE), errors


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path)
    wire.say(
        id=1, method="initialize", params={"processId": None, "rootUri": None, "capabilities": {}}
    )
    wire.answer(1)
    yield wire
    wire.process.kill()
    wire.process.wait()
    for pipe in (wire.process.stdin, wire.process.stdout, wire.process.stderr):
        assert pipe is not None
        pipe.close()


def opened(text: str) -> dict[str, Any]:
    item = {"uri": "file:///x/prod.yaml", "languageId": "yaml", "version": 1, "text": text}
    return {"method": "textDocument/didOpen", "params": {"textDocument": item}}


NONSENSE = [
    b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"{}", b'{"jsonrpc": "2.0"}', b'{"jsonrpc": "1.0", "method": "x"}',
    b'{"jsonrpc": "2.0", "method": "nobody/knows", "params": {}}', b'{"jsonrpc": "2.0", "id": 5, "method": 7}',
    b'{"jsonrpc": "2.0", "method": "textDocument/didOpen"}',
    b'{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": {"text": "token: hunter2222"}}}',
    b'{"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {"textDocument": {"uri": 7}, "contentChanges": "hunter2222"}}',
    b'{"jsonrpc": "2.0", "method": "textDocument/didChange", "params": null}',
    b'{"jsonrpc": "2.0", "id": "no such question", "result": "hunter2222"}',
    b'{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 12345}}',
    b"[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("body", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_passed_over(wire: Wire, body: bytes) -> None:
    if body:
        wire.put(body)
    wire.say(**opened(UNPINNED))
    lens = {"textDocument": {"uri": "file:///x/prod.yaml"}}
    wire.say(id=2, method="textDocument/codeLens", params=lens)
    assert len(wire.answer(2)["result"]) == 3
    status, errors = wire.end()
    assert (status, errors) == (0, b"")
    assert SECRET not in repr(wire.said)


def test_a_question_that_cannot_be_read_is_answered(wire: Wire) -> None:
    wire.say(id=7, method="textDocument/hover", params={"textDocument": 3})
    assert wire.answer(7)["error"]["code"] == -32602
    wire.say(id=8, method="nobody/knows", params={})
    assert wire.answer(8)["error"]["code"] == -32601
    assert wire.end() == (0, b"")


def test_an_editor_of_which_little_is_known_is_served(wire: Wire) -> None:
    wire.say(**opened(WRONG))
    where = {"textDocument": {"uri": "file:///x/prod.yaml"}}
    there = {"line": 10, "character": 32}
    asked = {**where, "range": {"start": there, "end": there}, "context": {"diagnostics": []}}
    wire.say(id=2, method="textDocument/codeAction", params=asked)
    [fix, *_] = wire.answer(2)["result"] or wire.log
    assert "changes" in fix["edit"]
    wire.say(id=3, method="textDocument/hover", params={**where, "position": there})
    assert wire.answer(3)["result"]["contents"]["kind"] == "plaintext"
    wire.say(id=4, method="textDocument/diagnostic", params=where)
    [one] = wire.answer(4)["result"]["items"]
    assert "relatedInformation" not in one
    assert "tags" not in one
    assert wire.end() == (0, b"")


FAULTY = """
import sys
from rke2_lint import inspection

def fail(self, loaded, context, holders):
    raise RuntimeError("the file says " + loaded[0][1].decode())

inspection.Inspector.inspect = fail
from rke2_lint.cli import main
sys.exit(main(["lsp"]))
"""


def test_an_error_of_ours_is_told_without_what_the_file_says(tmp_path: Path) -> None:
    wire = Wire(tmp_path, sys.executable, "-c", FAULTY)
    wire.say(
        id=1, method="initialize", params={"processId": None, "rootUri": None, "capabilities": {}}
    )
    wire.answer(1)
    wire.say(**opened(f"{UNPINNED}# token: {SECRET}\n"))
    where = {"textDocument": {"uri": "file:///x/prod.yaml"}}
    for number, question in enumerate(
        ("textDocument/codeLens", "textDocument/diagnostic"), start=2
    ):
        wire.say(id=number, method=question, params=where)
        assert "error" not in wire.answer(number)
    status, errors = wire.end()
    assert (status, errors) == (0, b"")
    assert wire.log
    assert all("RuntimeError" in one and "(fail)" in one for one in wire.log)
    assert len(set(wire.log)) == len(wire.log)
    assert SECRET not in repr(wire.said)
    assert str(Path.home()) not in repr(wire.log)
    for pipe in (wire.process.stdout, wire.process.stderr):
        assert pipe is not None
        pipe.close()


# --- the command


def run(*arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({without.split()!r}))\n"
        "from rke2_lint.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, input=""
    )


@pytest.mark.parametrize("missing", ["pygls", "lsprotocol"])
def test_without_pygls_it_is_said_how_to_install_it(missing: str) -> None:
    done = run("lsp", without=missing)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "rke2-lint: error: the language server needs pygls: pip install 'rke2-lint[lsp]'\n"
    )


def test_paths_are_refused() -> None:
    done = run("lsp", "prod.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the editor names the files" in done.stderr


def test_a_configuration_that_is_not_there_is_refused_at_the_start() -> None:
    done = run("lsp", "--config", "nowhere.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere.yaml" in done.stderr
