"""The server: what an editor says and asks, and who answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from rke2_lint import __version__
from rke2_lint.lsp import code_actions, code_lenses, hover
from rke2_lint.lsp.addresses import path_of
from rke2_lint.lsp.buffers import Buffer, whole
from rke2_lint.lsp.client import Client
from rke2_lint.lsp.desk import Desk
from rke2_lint.lsp.diagnostics import SOURCE, diagnostics
from rke2_lint.lsp.examination import FindLookup
from rke2_lint.lsp.mishaps import Mishaps
from rke2_lint.lsp.protocol import Protocol
from rke2_lint.lsp.publishing import Publisher

T = TypeVar("T")
Report: TypeAlias = (
    types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport
)
_WATCHED = ("**/*.{yaml,yml,json}", "**/.rke2-lint.{yaml,yml}", "**/pyproject.toml", "**/rke2-*")
"""Configuration of ours, whatever decides about machines, and environment files."""


class Server(LanguageServer):
    """A language server that says what `rke2-lint` says."""

    def __init__(self, find: FindLookup) -> None:
        super().__init__(SOURCE, __version__, protocol_cls=Protocol)
        self.mishaps = Mishaps(self._log)
        self.desk = Desk(find, self.mishaps)
        self.publisher = Publisher(self, self.desk, self.run)
        self.desk.when_holders_are_known = self._refresh
        self.ended_well = False
        self._beside: set[asyncio.Task[None]] = set()
        self._listen()

    def report_server_error(self, error: Exception, source: object) -> None:  # noqa: ARG002 - pygls'
        """Tell of an error that pygls has caught, such as a message that nobody can read."""
        self.mishaps.report("a message was not understood", error)

    def run(self, doing: str, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside what is being answered."""

        async def guarded() -> None:
            try:
                await work
            except Exception as error:
                self.mishaps.report(doing, error)

        task = asyncio.ensure_future(guarded())
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    # --- what is listened to

    def _listen(self) -> None:
        self._on(types.INITIALIZE, self._initialize)
        self._on(types.INITIALIZED, self._initialized)
        self._on(types.SHUTDOWN, self._shut_down)
        self._on(types.TEXT_DOCUMENT_DID_OPEN, self._opened)
        self._on(types.TEXT_DOCUMENT_DID_CHANGE, self._changed)
        self._on(types.TEXT_DOCUMENT_DID_CLOSE, self._closed)
        self._on(types.TEXT_DOCUMENT_DID_SAVE, self._saved)
        self._on(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, self._changed_on_disk)
        self._on(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, self._folders_changed)
        nothing: Report = _full([])
        self._answer(
            types.TEXT_DOCUMENT_DIAGNOSTIC, self._diagnostics, nothing,
            types.DiagnosticOptions(
                identifier=SOURCE, inter_file_dependencies=True, workspace_diagnostics=False
            ),
        )  # fmt: skip
        self._answer(
            types.TEXT_DOCUMENT_CODE_ACTION, self._code_actions, None,
            types.CodeActionOptions(code_action_kinds=list(code_actions.KINDS)),
        )  # fmt: skip
        self._answer(types.TEXT_DOCUMENT_HOVER, self._hover, None)
        self._answer(types.TEXT_DOCUMENT_CODE_LENS, self._code_lenses, None)
        self.command(code_lenses.SHOW)(self._show_command())

    def _on(self, event: str, handle: Callable[[Any], None]) -> None:
        """Have an event handled. What goes wrong then is told, and serving goes on."""

        def guarded(params: Any = None) -> None:
            try:
                handle(params)
            except Exception as error:
                self.mishaps.report(event, error)

        self.feature(event)(guarded)

    def _answer(
        self,
        question: str,
        answer: Callable[[Any], Awaitable[T]],
        otherwise: T,
        options: object = None,
    ) -> None:
        """Have a question answered: with `otherwise` where something goes wrong."""

        async def guarded(params: Any) -> T:
            try:
                return await answer(params)
            except Exception as error:
                self.mishaps.report(question, error)
                return otherwise

        self.feature(question, options)(guarded)

    def _log(self, text: str) -> None:
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, text))

    # --- from the beginning to the end

    def _initialize(self, params: types.InitializeParams) -> None:
        self.desk.client = Client.of(params.capabilities)
        self._take_folders()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(
            lambda _, said: self.mishaps.report(
                "a task ended", said.get("exception") or RuntimeError()
            )
        )

    def _initialized(self, _: object) -> None:
        if self.desk.client.watches:
            watchers = [types.FileSystemWatcher(pattern) for pattern in _WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            registration = types.Registration(
                "rke2-lint-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options
            )
            params = types.RegistrationParams([registration])
            self.client_register_capability(params)

    def _shut_down(self, _: object) -> None:
        self.ended_well = True

    # --- what happens in the editor

    def _opened(self, params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        path = path_of(document.uri)
        buffer = Buffer(document.uri, whole(document.text), document.version)
        for node in self.desk.open(path, buffer):
            self.publisher.at_once(node)

    def _changed(self, params: types.DidChangeTextDocumentParams) -> None:
        path = path_of(params.text_document.uri)
        changes, version = params.content_changes, params.text_document.version
        for node in self.desk.change(path, changes, version):
            self.publisher.soon(node)

    def _closed(self, params: types.DidCloseTextDocumentParams) -> None:
        path = path_of(params.text_document.uri)
        for node in self.desk.close(path):
            self.publisher.at_once(node)
        self.publisher.forget(path)

    def _saved(self, params: types.DidSaveTextDocumentParams) -> None:
        if not self.desk.client.watches:
            self._look_again([path_of(params.text_document.uri)])

    def _changed_on_disk(self, params: types.DidChangeWatchedFilesParams) -> None:
        self._look_again([path_of(change.uri) for change in params.changes])

    def _folders_changed(self, _: object) -> None:
        self._take_folders()
        self.desk.touch_all()
        self._refresh(self.desk.nodes)

    def _take_folders(self) -> None:
        workspace = self.workspace
        folders = [path_of(uri) for uri in workspace.folders]
        if not folders and workspace.root_uri:
            folders = [path_of(workspace.root_uri)]
        self.desk.work_in(folders)

    def _look_again(self, paths: list[str]) -> None:
        async def look() -> None:
            await self.desk.changed_on_disk(paths)
            self._refresh(self.desk.nodes)

        self.run("looking at files again", look())

    def _refresh(self, nodes: set[str]) -> None:
        for node in nodes:
            self.publisher.soon(node)

    # --- what the editor asks

    async def _diagnostics(self, params: types.DocumentDiagnosticParams) -> Report:
        path = path_of(params.text_document.uri)
        examination = await self.desk.examination(path)
        client = self.desk.client
        found = diagnostics(path, client, examination, *self.desk.elsewhere(path))
        self.publisher.told(path, found)
        others: dict[str, types.FullDocumentDiagnosticReport] = {}
        if client.takes_related:
            others = {
                sheet.uri: types.FullDocumentDiagnosticReport(
                    diagnostics(other, client, examination)
                )
                for other, sheet in examination.sheets.items()
                if other not in self.desk.buffers and other in examination.remarks
            }
        fingerprint = _fingerprint(found)
        if fingerprint == params.previous_result_id:
            return types.RelatedUnchangedDocumentDiagnosticReport(fingerprint, others or None)
        return types.RelatedFullDocumentDiagnosticReport(
            found, others or None, result_id=fingerprint
        )

    async def _code_actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        path = path_of(params.text_document.uri)
        only = params.context.only
        examination = await self.desk.examination(path)
        actions: list[types.CodeAction] = []
        if code_actions.wanted(types.CodeActionKind.QuickFix.value, only):
            actions += code_actions.quick_fixes(examination, path, params.range, self.desk.client)
            remarks = code_actions.to_ignore(examination, path, params.range)
            if remarks:
                written = await self.desk.ignored(examination, path, remarks)
                actions += [
                    code_actions.ignore(examination, remark, splices, self.desk.client)
                    for remark, splices in zip(remarks, written, strict=True)
                    if splices
                ]
        if code_actions.wanted(code_actions.FIX_ALL, only):
            splices = await self.desk.fixed(examination, path)
            if splices:
                actions.append(code_actions.fix_all(examination, path, splices, self.desk.client))
        return actions

    async def _hover(self, params: types.HoverParams) -> types.Hover | None:
        path = path_of(params.text_document.uri)
        examination = await self.desk.examination(path)
        return hover.hover(examination, path, params.position, self.desk.client)

    async def _code_lenses(self, params: types.CodeLensParams) -> list[types.CodeLens]:
        path = path_of(params.text_document.uri)
        examination = await self.desk.examination(path)
        return list(code_lenses.code_lenses(examination, path))

    def _show_command(self) -> Callable[[str, int, int], None]:
        def show(uri: str, line: int, character: int) -> None:
            """Show the place that decides, or say where it is."""
            at = types.Position(line, character)
            if self.desk.client.shows_documents:
                self.window_show_document(
                    types.ShowDocumentParams(uri, selection=types.Range(at, at), take_focus=True)
                )
            else:
                said = f"decided in {path_of(uri)}, line {line + 1}"
                self.window_show_message(types.ShowMessageParams(types.MessageType.Info, said))

        return show


def _full(found: list[types.Diagnostic]) -> types.RelatedFullDocumentDiagnosticReport:
    return types.RelatedFullDocumentDiagnosticReport(found, result_id=_fingerprint(found))


def _fingerprint(found: list[types.Diagnostic]) -> str:
    from hashlib import blake2b

    return blake2b(repr(found).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def serve(find: FindLookup) -> int:
    """Serve an editor over standard input and output, and return the exit code.

    `find` makes what finds the configuration of each file.
    """
    import sys

    # Whatever prints by accident must not end up in the middle of a message. pygls would log what
    # messages hold; what is to be told is told by `mishaps`.
    logging.getLogger("pygls").addHandler(logging.NullHandler())
    logging.getLogger("pygls").propagate = False
    given, sys.stdout = sys.stdout, sys.stderr
    server = Server(find)
    server.start_io(stdout=given.buffer)
    return 0 if server.ended_well else 1
