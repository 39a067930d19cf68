"""Publishing: telling the editor what there is, a moment after the last key and for neighbours, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from rke2_lint.lsp.code_lenses import code_lenses
from rke2_lint.lsp.desk import Desk
from rke2_lint.lsp.diagnostics import diagnostics
from rke2_lint.lsp.examination import Examination
from rke2_lint.work import node_of

if TYPE_CHECKING:
    from pygls.lsp.server import LanguageServer

_QUIET = 0.2
"""Seconds without a key after which diagnostics are due."""
_PATIENCE = 2.0
"""Most seconds to wait where examinations take long: twice as long as the last one took."""
Run = Callable[[str, Coroutine[Any, Any, None]], None]


class Publisher:
    """Sends diagnostics to an editor that does not ask for them, and has others ask again."""

    def __init__(self, server: LanguageServer, desk: Desk, run: Run) -> None:
        self._server = server
        self._desk = desk
        self._run = run
        """Runs something beside what is being answered, and tells what goes wrong in it."""
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._told: dict[str, list[types.Diagnostic]] = {}
        """What the editor knows of each file, by path."""
        self._versions: dict[str, int | None] = {}
        self._by_node: dict[str, Examination] = {}
        """What the editor was sent last comes from these."""
        self._lenses: dict[str, list[types.CodeLens]] = {}

    def at_once(self, node: str) -> None:
        """Tell what there is to say about a node."""
        self._after(0, node)

    def soon(self, node: str) -> None:
        """Tell it when nobody has typed for a moment."""
        last = self._desk.seconds.get(node, 0.0)
        self._after(max(_QUIET, min(2 * last, _PATIENCE)), node)

    def told(self, path: str, found: list[types.Diagnostic]) -> None:
        """Remember what the editor has been told of a file."""
        self._told[path] = found

    def _after(self, seconds: float, node: str) -> None:
        if (waiting := self._due.pop(node, None)) is not None:
            waiting.cancel()
        loop = asyncio.get_running_loop()
        self._due[node] = loop.call_later(seconds, self._begin, node)

    def _begin(self, node: str) -> None:
        self._due.pop(node, None)
        self._run("publishing", self._publish(node))

    async def _publish(self, node: str) -> None:
        examination = await self._desk.examination_of(node) if node in self._desk.nodes else None
        if self._desk.client.pulls:
            self._have_it_asked(examination)
        else:
            self._send(node, examination)
        self._have_lenses_asked(node, examination)

    def _send(self, node: str, examination: Examination | None) -> None:
        before = self._by_node.pop(node, None)
        if examination is not None:
            self._by_node[node] = examination
        speaks_of = {
            path for one in (before, examination) if one is not None for path in one.remarks
        }
        speaks_of.update(path for path in self._desk.buffers if node_of(path) == node)
        for path in sorted(speaks_of):
            self._send_one(path)

    def _send_one(self, path: str) -> None:
        """Send the diagnostics of a file, unless the editor knows them."""
        buffer = self._desk.buffers.get(path)
        examinations = [
            one for one in self._by_node.values() if path in one.versions or path in one.sheets
        ]
        versions = {_version(one, path) for one in examinations}
        if buffer is not None and versions - {buffer.version}:
            return  # it has changed meanwhile, and is on its way again
        version = buffer.version if buffer is not None else None
        found = diagnostics(path, self._desk.client, *examinations)
        known = self._told.pop(path, [])
        if found or buffer is not None:
            self._told[path] = found
        if found != known or self._versions.get(path) != version:
            self._versions[path] = version
            self._server.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(self._desk.uri(path), found, version)
            )

    def forget(self, path: str) -> None:
        """Forget what an editor that asks was told of a file: it asks anew when it opens it again."""
        if self._desk.client.pulls:
            self._told.pop(path, None)

    def _have_it_asked(self, examination: Examination | None) -> None:
        if not self._desk.client.refreshes_diagnostics or examination is None:
            return
        stale = any(
            path in self._told
            and diagnostics(path, self._desk.client, examination, *self._desk.elsewhere(path))
            != self._told[path]
            for path in examination.sheets
        )
        if stale:
            self._server.workspace_diagnostic_refresh(None)

    def _have_lenses_asked(self, node: str, examination: Examination | None) -> None:
        before = self._lenses.pop(node, None)
        if examination is None:
            return
        now = [lens for path in examination.sheets for lens in code_lenses(examination, path)]
        self._lenses[node] = now
        verdicts = [lens.command for lens in now], [lens.command for lens in before or ()]
        if before is not None and verdicts[0] != verdicts[1] and self._desk.client.refreshes_lenses:
            self._server.workspace_code_lens_refresh(None)


def _version(examination: Examination, path: str) -> int | None:
    """Return the version of a file that was looked at, in its node or where it is referred to."""
    if path in examination.versions:
        return examination.versions[path]
    return examination.sheets[path].version
