"""The desk: what is open, and what was found in it, looked at once and again when it has changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from rke2_lint.lsp.addresses import uri_of
from rke2_lint.lsp.buffers import Buffer, Changes
from rke2_lint.lsp.client import Client
from rke2_lint.lsp.examination import Examination, FindLookup, examine
from rke2_lint.lsp.holders import Holders, may_be_referred_to
from rke2_lint.lsp.mishaps import Mishaps
from rke2_lint.lsp.worker import Worker
from rke2_lint.work import node_of

if TYPE_CHECKING:
    from rke2_lint.remarks import Remark
    from rke2_policies.edits.as_text import Splice

Splices: TypeAlias = "tuple[Splice, ...]"


class Desk:
    """What is open in one editor.

    However many questions wait for an examination, it is made once; and an answer is never about a
    text from before the question.
    """

    def __init__(self, find: FindLookup, mishaps: Mishaps) -> None:
        self._find = find
        self._mishaps = mishaps
        self.client = Client()
        self.buffers: dict[str, Buffer] = {}
        """By path."""
        self._uris: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        """How long the last examination of a node took."""
        self.when_holders_are_known: Callable[[set[str]], None] = lambda _: None
        self._holders = Holders(find)
        self._referring: set[str] = set()
        """Nodes with a Cluster that refers to Secrets and ConfigMaps."""
        self._waiting: set[str] = set()
        """Nodes that are examined again when the holders are known."""
        self._finding: asyncio.Task[None] | None = None
        self._examiner, self._finder = Worker("examiner"), Worker("finder")
        self._fresh: dict[str, Examination] = {}
        self._running: dict[str, asyncio.Task[Examination]] = {}
        self._outdated: set[str] = set()
        """Nodes that have changed since their running examination began."""

    @property
    def nodes(self) -> set[str]:
        """The nodes of everything that is open."""
        return {node_of(path) for path in self.buffers}

    def uri(self, path: str) -> str:
        """Return how the editor calls a file: as when it was open, if it ever was."""
        return self._uris.get(path) or uri_of(path)

    # --- what happens in the editor

    def open(self, path: str, buffer: Buffer) -> set[str]:
        """Take a document that was opened. Return the nodes about which there may be news."""
        before = self.buffers.get(path)
        self.buffers[path] = buffer
        self._uris[path] = buffer.uri
        return self._touch(path, before, buffer)

    def change(self, path: str, changes: Changes, version: int) -> set[str]:
        """Change an open document. Return the nodes about which there may be news."""
        before = self.buffers.get(path)
        if before is None:
            return set()
        self.buffers[path] = after = before.changed(changes, version, self.client.encoding)
        return self._touch(path, before, after)

    def close(self, path: str) -> set[str]:
        """Let go of a document. Return the nodes about which there may be news."""
        before = self.buffers.pop(path, None)
        return self._touch(path, before) if before is not None else set()

    def _touch(self, path: str, *buffers: Buffer | None) -> set[str]:
        """Forget what was found in a file, in its neighbours, and where it may be referred to."""
        nodes = {node_of(path)}
        if self._referring and any(may_be_referred_to(one.data) for one in buffers if one):
            nodes |= self._referring
        for node in nodes:
            self._forget(node)
        return nodes

    def touch_all(self) -> None:
        """Forget all that was found."""
        for node in {*self._fresh, *self._running}:
            self._forget(node)

    def _forget(self, node: str) -> None:
        self._fresh.pop(node, None)
        if node in self._running:
            self._outdated.add(node)

    def work_in(self, folders: Iterable[str]) -> None:
        """Look for what Clusters refer to in these folders."""
        self._holders = Holders(self._find, folders)

    async def changed_on_disk(self, paths: list[str]) -> None:
        """Take in that files have changed on the disk: any of them may be one that others refer to."""
        if self._holders.known:
            await self._finder.do(self._holders.look, paths)
        self.touch_all()

    # --- what was found

    async def examination(self, path: str) -> Examination:
        """Return what there is to find in a file and its neighbours."""
        return await self.examination_of(node_of(path))

    async def examination_of(self, node: str) -> Examination:
        """Return what there is to find in the files of a node."""
        while True:
            running = self._running.get(node)
            if running is None:
                fresh = self._fresh.get(node)
                if fresh is not None:
                    return fresh
                running = asyncio.create_task(self._examine(node))
                self._running[node] = running
                return await asyncio.shield(running)
            if node not in self._outdated:
                return await asyncio.shield(running)
            await asyncio.wait([running])

    def elsewhere(self, path: str) -> list[Examination]:
        """Return what was found in other nodes that has to do with a file, as far as it is known."""
        own = node_of(path)
        return [one for node, one in self._fresh.items() if node != own and path in one.remarks]

    async def fixed(self, examination: Examination, path: str) -> Splices:
        """Return what `--fix` makes of a file."""
        return await self._examiner.do(examination.fixed, path)

    async def ignored(
        self, examination: Examination, path: str, remarks: Sequence[Remark]
    ) -> list[Splices]:
        """Return how each of some remarks is ignored by a comment; nothing where it cannot be."""
        return await self._examiner.do(examination.ignored, path, remarks)

    async def _examine(self, node: str) -> Examination:
        try:
            buffers, holders = dict(self.buffers), self._holders
            began = time.perf_counter()
            found = await self._examiner.do(
                examine, node, buffers, self.client.encoding, holders, self._find
            )
            self.seconds[node] = time.perf_counter() - began
            if node not in self._outdated and node in self.nodes:
                self._fresh[node] = found
            self._referring.discard(node)
            if found.refers and node in self.nodes:
                self._referring.add(node)
            if found.waits:
                self._waiting.add(node)
                if self._finding is None:
                    self._finding = asyncio.create_task(self._find_holders(holders))
            return found
        finally:
            del self._running[node]
            self._outdated.discard(node)

    async def _find_holders(self, holders: Holders) -> None:
        try:
            await self._finder.do(holders.find)
        except Exception as error:
            holders.give_up()
            self._mishaps.report("looking for Secrets and ConfigMaps", error)
        self._finding = None
        waiting, self._waiting = self._waiting, set()
        for node in waiting:
            self._forget(node)
        self.when_holders_are_known(waiting)
