"""An editor for tests: a real client that starts the real server and speaks to it over its pipes."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from lsprotocol import types
from pygls.lsp.client import LanguageClient

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds after which a test gives up: the machine may be busy."""
UTF8, UTF16, UTF32 = "utf-8", "utf-16", "utf-32"
_UNITS = {UTF8: ("utf-8", 1), UTF16: ("utf-16-le", 2), UTF32: ("utf-32-le", 4)}
_LINE_END = re.compile(r"\r\n|\r|\n")


def capabilities(*, pulls: bool = False, encoding: str = UTF16) -> types.ClientCapabilities:
    """What an editor of today says of itself."""
    return types.ClientCapabilities(
        general=types.GeneralClientCapabilities(
            position_encodings=[types.PositionEncodingKind(encoding)]
        ),
        text_document=types.TextDocumentClientCapabilities(
            hover=types.HoverClientCapabilities(content_format=[types.MarkupKind.Markdown]),
            publish_diagnostics=types.PublishDiagnosticsClientCapabilities(
                related_information=True,
                tag_support=types.ClientDiagnosticsTagOptions([types.DiagnosticTag.Unnecessary]),
            ),
            diagnostic=types.DiagnosticClientCapabilities(
                related_document_support=True, related_information=True
            )
            if pulls
            else None,
            code_action=types.CodeActionClientCapabilities(disabled_support=True),
        ),
        window=types.WindowClientCapabilities(
            show_document=types.ShowDocumentClientCapabilities(support=True)
        ),
        workspace=types.WorkspaceClientCapabilities(
            workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True),
            diagnostics=types.DiagnosticWorkspaceClientCapabilities(refresh_support=True),
            code_lens=types.CodeLensWorkspaceClientCapabilities(refresh_support=True),
            did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(
                dynamic_registration=True
            ),
        ),
    )


class Editor:
    """Documents that are open, and what the server says of them.

    The editor has its own idea of what an edit does to a text, which shares nothing with ours.
    """

    def __init__(
        self,
        folder: Path,
        capabilities: types.ClientCapabilities,
        command: Sequence[str] = (sys.executable, "-m", "rke2_lint", "lsp"),
    ) -> None:
        self.folder = folder
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.log: list[str] = []
        """What the server has logged: nothing, where all goes well."""
        self.shown: list[types.ShowDocumentParams] = []
        self.watched: list[types.Registration] = []
        self.refreshed = {"diagnostics": 0, "lenses": 0}
        self.errors = b""
        """What the server has written to standard error."""
        self._published: dict[str, types.PublishDiagnosticsParams] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._news = asyncio.Event()
        self.initialized = self._do(self._start(capabilities, command))
        encoding = self.initialized.capabilities.position_encoding
        self.encoding = UTF16 if encoding is None else types.PositionEncodingKind(encoding).value

    # --- the connection

    async def _start(
        self, capabilities: types.ClientCapabilities, command: Sequence[str]
    ) -> types.InitializeResult:
        client = self.client = LanguageClient("test", "1")
        client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda said: self._take(said))
        client.feature(types.WINDOW_LOG_MESSAGE)(lambda said: self.log.append(said.message))
        client.feature(types.WINDOW_SHOW_DOCUMENT)(lambda asked: self._show(asked))
        client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda asked: self._register(asked))
        client.feature(types.WORKSPACE_DIAGNOSTIC_REFRESH)(lambda *_: self._refresh("diagnostics"))
        client.feature(types.WORKSPACE_CODE_LENS_REFRESH)(lambda *_: self._refresh("lenses"))
        await client.start_io(*command, cwd=self.folder)
        told = await client.initialize_async(
            types.InitializeParams(
                capabilities=capabilities,
                workspace_folders=[types.WorkspaceFolder(self.uri("."), "folder")],
            )
        )
        client.initialized(types.InitializedParams())
        return told

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(
            asyncio.wait_for(work, PATIENCE), self._loop
        ).result()

    def _say(self, method: str, params: object) -> None:
        async def say() -> None:
            self.client.protocol.notify(method, params)

        self._do(say())

    def ask(self, method: str, params: object) -> Any:
        """Ask the server, and return its answer."""

        async def ask() -> Any:
            return await self.client.protocol.send_request_async(method, params)

        return self._do(ask())

    def stop(self) -> int:
        """End the server as the protocol wants it. Return its exit code."""

        async def stop() -> int:
            await self.client.shutdown_async(None)
            self.client.exit(None)
            return await self._ended()

        return self._finish(stop())

    def hang_up(self) -> int:
        """Close the pipe without a word, as an editor that crashes does. Return the exit code."""

        async def hang_up() -> int:
            server = self.client._server
            assert server is not None
            assert server.stdin is not None
            server.stdin.close()
            return await self._ended()

        return self._finish(hang_up())

    async def _ended(self) -> int:
        server = self.client._server
        assert server is not None
        assert server.stderr is not None
        self.errors = await server.stderr.read()
        await server.wait()
        await self.client.stop()
        assert server.returncode is not None
        return server.returncode

    def _finish(self, work: Coroutine[Any, Any, int]) -> int:
        status = self._do(work)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        return status

    # --- what the server says

    def _take(self, said: types.PublishDiagnosticsParams) -> None:
        self._published[said.uri] = said
        self._news.set()

    def _show(self, params: types.ShowDocumentParams) -> types.ShowDocumentResult:
        self.shown.append(params)
        return types.ShowDocumentResult(success=True)

    def _register(self, params: types.RegistrationParams) -> None:
        self.watched += params.registrations

    def _refresh(self, what: str) -> None:
        self.refreshed[what] += 1
        self._news.set()

    # --- documents

    def uri(self, name: str) -> str:
        """Return the URI of a file in the folder."""
        return name if ":" in name else f"file://{quote(str(self.folder / name))}"

    def open(self, name: str, text: str | None = None) -> None:
        """Open a file, or a document with a text of its own."""
        if text is None:
            text = (self.folder / name).read_bytes().decode()
        self.texts[name], self.versions[name] = text, 1
        item = types.TextDocumentItem(self.uri(name), "yaml", 1, text)
        self._say(types.TEXT_DOCUMENT_DID_OPEN, types.DidOpenTextDocumentParams(item))

    def type(self, name: str, start: int, end: int, text: str) -> None:
        """Put a text in place of what is between two offsets of a document."""
        self.type_all(name, [(start, end, text)])

    def type_all(self, name: str, edits: Sequence[tuple[int, int, str]]) -> None:
        """Make edits, one after the other, and send them in one message."""
        changes: list[types.TextDocumentContentChangeEvent] = []
        for start, end, text in edits:
            before = self.texts[name]
            span = types.Range(self.position(before, start), self.position(before, end))
            changes.append(types.TextDocumentContentChangePartial(range=span, text=text))
            self.texts[name] = before[:start] + text + before[end:]
        self._changed(name, changes)

    def replace(self, name: str, old: str, new: str) -> None:
        """Type `new` in place of the first `old`."""
        start = self.texts[name].index(old)
        self.type(name, start, start + len(old), new)

    def set(self, name: str, text: str) -> None:
        """Put a whole new text into a document."""
        self.texts[name] = text
        self._changed(name, [types.TextDocumentContentChangeWholeDocument(text)])

    def _changed(self, name: str, changes: list[types.TextDocumentContentChangeEvent]) -> None:
        self.versions[name] += 1
        document = types.VersionedTextDocumentIdentifier(self.versions[name], self.uri(name))
        self._say(
            types.TEXT_DOCUMENT_DID_CHANGE, types.DidChangeTextDocumentParams(document, changes)
        )

    def close(self, name: str) -> None:
        """Close a document."""
        del self.texts[name], self.versions[name]
        self._say(
            types.TEXT_DOCUMENT_DID_CLOSE,
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(self.uri(name))),
        )

    def changed_on_disk(self, name: str) -> None:
        """Tell that a file has changed on the disk."""
        event = types.FileEvent(self.uri(name), types.FileChangeType.Changed)
        self._say(
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES, types.DidChangeWatchedFilesParams([event])
        )

    # --- what is asked

    def published(self, name: str, *, version: int | None = -1) -> list[types.Diagnostic]:
        """Wait for the diagnostics of a document as it is, or of a version; None: it is not open."""
        wanted = self.versions.get(name) if version == -1 else version

        def is_it(said: types.PublishDiagnosticsParams | None) -> bool:
            return said is not None and said.version == wanted

        async def wait() -> list[types.Diagnostic]:
            while not is_it(self._published.get(self.uri(name))):
                self._news.clear()
                await self._news.wait()
            return list(self._published[self.uri(name)].diagnostics)

        return self._do(wait())

    def published_soon(self, name: str, rules: list[str]) -> list[types.Diagnostic]:
        """Wait until the rules of what is published about a document are these."""

        async def wait() -> list[types.Diagnostic]:
            while (said := self._published.get(self.uri(name))) is None or rules_of(
                said.diagnostics
            ) != rules:
                self._news.clear()
                await self._news.wait()
            return list(said.diagnostics)

        return self._do(wait())

    def refreshed_soon(self, what: str, more_than: int) -> None:
        """Wait until the server has said that something is to be asked again."""

        async def wait() -> None:
            while self.refreshed[what] <= more_than:
                self._news.clear()
                await self._news.wait()

        self._do(wait())

    def pull(self, name: str, previous: str | None = None) -> Any:
        """Ask for diagnostics, and return the whole report."""
        document = types.TextDocumentIdentifier(self.uri(name))
        return self.ask(
            types.TEXT_DOCUMENT_DIAGNOSTIC,
            types.DocumentDiagnosticParams(document, previous_result_id=previous),
        )

    def actions(
        self, name: str, at: int | None = None, only: list[str] | None = None
    ) -> list[types.CodeAction]:
        """Ask for actions at an offset, or in the whole document."""
        text = self.texts[name]
        start, end = (0, len(text)) if at is None else (at, at)
        span = types.Range(self.position(text, start), self.position(text, end))
        kinds = [types.CodeActionKind(one) if one in _KINDS else one for one in only or ()]
        context = types.CodeActionContext([], only=kinds or None)  # type: ignore[arg-type]
        document = types.TextDocumentIdentifier(self.uri(name))
        asked = types.CodeActionParams(document, span, context)
        return list(self.ask(types.TEXT_DOCUMENT_CODE_ACTION, asked) or ())

    def fixes(
        self, name: str, at: int | None = None, only: list[str] | None = None
    ) -> list[types.CodeAction]:
        """Ask for actions, and leave out those that ignore what was found."""
        return [one for one in self.actions(name, at, only) if "ignore it here" not in one.title]

    def hover(self, name: str, word: str, *, after: int = 0) -> types.Hover | None:
        """Hover over the first character of a word, that is `after` the start of the text."""
        at = self.texts[name].index(word, after)
        document = types.TextDocumentIdentifier(self.uri(name))
        position = self.position(self.texts[name], at)
        answer = self.ask(types.TEXT_DOCUMENT_HOVER, types.HoverParams(document, position))
        return answer if answer is None or isinstance(answer, types.Hover) else None

    def told(self, name: str, word: str, *, after: int = 0) -> str:
        """Return what is told on hovering over a word."""
        found = self.hover(name, word, after=after)
        assert found is not None
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value

    def lenses(self, name: str) -> list[types.CodeLens]:
        """Ask for the code lenses of a document."""
        document = types.TextDocumentIdentifier(self.uri(name))
        return list(self.ask(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensParams(document)) or ())

    # --- how an editor counts, and what it does with edits

    def position(self, text: str, offset: int) -> types.Position:
        """Return the position of an offset."""
        lines = _LINE_END.split(text[:offset])
        codec, width = _UNITS[self.encoding]
        return types.Position(len(lines) - 1, len(lines[-1].encode(codec)) // width)

    def offset(self, text: str, position: types.Position) -> int:
        """Return the offset of a position, which has to be there."""
        starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
        start = starts[position.line]
        codec, width = _UNITS[self.encoding]
        line = _LINE_END.split(text[start:])[0].encode(codec)
        assert position.character * width <= len(line)
        return start + len(line[: position.character * width].decode(codec))

    def apply(self, edit: types.WorkspaceEdit | None) -> dict[str, str]:
        """Return what an edit makes of the open documents, by URI. Nothing is changed."""
        assert edit is not None
        after = {}
        for uri, edits in _by_document(edit, self):
            [name] = [one for one in self.texts if self.uri(one) == uri]
            text = self.texts[name]
            spans = [
                (self.offset(text, one.range.start), self.offset(text, one.range.end), one.new_text)
                for one in edits
            ]
            spans.sort(key=lambda one: one[:2])
            for start, end, new in spans[::-1]:  # of two in one place, the first comes first
                text = text[:start] + new + text[end:]
            after[uri] = text
        return after


_KINDS = {kind.value for kind in types.CodeActionKind}


def _by_document(
    edit: types.WorkspaceEdit, editor: Editor
) -> list[tuple[str, Sequence[types.TextEdit]]]:
    if edit.changes is not None:
        return list(edit.changes.items())
    found: list[tuple[str, Sequence[types.TextEdit]]] = []
    for change in edit.document_changes or ():
        assert isinstance(change, types.TextDocumentEdit)
        uri, version = change.text_document.uri, change.text_document.version
        [name] = [one for one in editor.texts if editor.uri(one) == uri]
        assert version == editor.versions[name], "an edit for another version is not made"
        edits = [one for one in change.edits if isinstance(one, types.TextEdit)]
        assert len(edits) == len(change.edits)
        found.append((uri, edits))
    return found


def rules_of(diagnostics: Sequence[types.Diagnostic]) -> list[str]:
    """Return the rules of diagnostics, sorted."""
    return sorted(str(one.code) for one in diagnostics)
