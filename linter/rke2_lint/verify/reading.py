"""Reading a cluster: its nodes, kube-proxy's Pods, and what their containers say if that is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, NamedTuple

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Node, Pod

from rke2_lint.verify.connection import connect
from rke2_lint.verify.credentials import credentials
from rke2_lint.verify.failure import FAILURES, GONE, is_lost, status_of, told
from rke2_lint.verify.inside import look_inside
from rke2_lint.verify.kubeconfig import Context
from rke2_lint.verify.mishap import ReadError
from rke2_lint.verify.node_object import NodeObject, read_node, without_kube_proxy
from rke2_lint.verify.seen_cluster import SeenCluster
from rke2_policies.diagnosis.evidence import Evidence
from rke2_policies.diagnosis.kube_proxy import NAMESPACE, KubeProxy, read_pod
from rke2_policies.diagnosis.wording import counted

PAGE = 100
"""So many objects are asked for at once: a Node with its images has some ten kilobytes."""
_LABELS = {"component": "kube-proxy"}
_MOST_NAMES = 3


class Limits(NamedTuple):
    """How much is done at once, and how long it may take."""

    requests: asyncio.Semaphore
    """So many requests, and commands, are under way at once."""
    seconds: float
    """How long one may take."""


Notice = Callable[[int, int], None]
"""Is told how much more there is to do, and how much more is done."""


async def read_cluster(
    context: Context,
    seen: SeenCluster,
    limits: Limits,
    notice: Notice,
    *,
    inside: bool,
    earlier: SeenCluster | None = None,
) -> None:
    """Fill `seen` with what there is to see of a cluster; whatever goes wrong becomes a fault of it.

    `inside`: commands are run in kube-proxy's containers. `earlier`: what an earlier run saw.
    """
    if context.fault:
        seen.faults.append(context.fault)
        return
    try:
        client = connect(context, await credentials(context, limits.seconds), limits.seconds)
    except ReadError as error:
        _fault(seen, error)
        return
    try:
        reading = _Reading(context, client, seen, limits, notice)
        whole = await reading.nodes_and_pods()
        if inside and not await reading.containers(earlier):
            whole = False
        seen.complete = whole
    finally:
        await client.close()


class _Reading:
    """Asks one API server."""

    def __init__(
        self,
        context: Context,
        client: AsyncClient,
        seen: SeenCluster,
        limits: Limits,
        notice: Notice,
    ) -> None:
        self._context = context
        self._client = client
        self._seen = seen
        self._limits = limits
        self._notice = notice
        self._lost = False
        """There is no use in asking for anything more."""

    async def nodes_and_pods(self) -> bool:
        """See what the API says without any command. Return whether that was all of it."""
        nodes: list[NodeObject] = []
        pods: list[KubeProxy] = []
        # Nodes come first: a node that joins meanwhile is one more Pod, and not one too few.
        all_nodes = await self._list("the nodes", Node, nodes, read_node)
        all_pods = not self._lost and await self._list(
            "kube-proxy's Pods",
            Pod,
            pods,
            lambda one: read_pod(one.to_dict()),
            namespace=NAMESPACE,
            labels=_LABELS,
        )
        self._put_together(nodes if all_nodes else None, pods, all_pods=all_pods)
        if all_nodes and all_pods and not self._seen.nodes:
            # That is not health: it is another cluster than somebody thinks, or one that was begun.
            self._seen.faults.append("it has no nodes")
            return False
        return all_nodes and all_pods

    async def _list(
        self,
        what: str,
        kind: Any,
        into: list[Any],
        read: Callable[[Any], Any],
        **where: Any,
    ) -> bool:
        for attempt in (1, 2):
            into.clear()
            try:
                async for item in self._pages(kind, **where):
                    into.append(read(item))  # noqa: PERF401 - what was read counts when it ends early
            except FAILURES as error:
                if status_of(error) == GONE and attempt == 1:
                    continue
                why = told(error, self._context, self._limits.seconds)
                some = f" after {len(into):,} of them" if into else ""
                self._lost = is_lost(error) and status_of(error) != 403
                _fault(self._seen, why, f"cannot read {what}{some}: ")
                return False
            return True
        return False

    async def _pages(self, kind: Any, **where: Any) -> AsyncIterator[Any]:
        async with self._limits.requests:
            async for item in self._client.list(kind, chunk_size=PAGE, **where):
                yield item

    def _put_together(
        self, nodes: list[NodeObject] | None, pods: Iterable[KubeProxy], *, all_pods: bool
    ) -> None:
        """Make evidence of nodes and Pods. `nodes`: None where nobody may see all of them."""
        by_node: dict[str, KubeProxy] = {}
        for pod in pods:
            if pod.node and (pod.node not in by_node or _is_better(pod, by_node[pod.node])):
                by_node[pod.node] = pod
        found = self._seen.nodes
        for name, pod in by_node.items():
            found[name] = Evidence(name, pod=pod)
        if nodes is None:
            return
        reason = without_kube_proxy(tuple(nodes)) if all_pods and not by_node else ""
        for node in nodes:
            if node.name in found:
                found[node.name] = found[node.name]._replace(system=node.system)
            elif all_pods or node.system == "windows":
                found[node.name] = Evidence(
                    node.name,
                    has_no_pod=node.system != "windows",
                    system=node.system,
                    inapplicable=reason,
                )

    async def containers(self, earlier: SeenCluster | None) -> bool:
        """See what the containers say. Return whether all of them could be asked."""
        todo = [name for name, one in self._seen.nodes.items() if _has_an_inside(one)]
        for name in list(todo):
            if earlier is not None and _is_known(self._seen.nodes[name], name, earlier):
                self._seen.nodes[name] = earlier.nodes[name]
                self._seen.kept.add(name)
                todo.remove(name)
        self._seen.half_seen.update(todo)
        self._notice(len(todo), 0)
        failed: dict[str, list[str]] = {}
        advice: dict[str, str] = {}

        async def look(name: str) -> None:
            try:
                # One node after the other, so that as many as possible are done when it ends early.
                async with self._limits.requests:
                    if self._lost:
                        return
                    seen = self._seen.nodes[name]
                    seen = await look_inside(self._client, seen, self._limits.seconds)
                    self._seen.nodes[name] = seen
                    self._seen.half_seen.discard(name)
            except FAILURES as error:
                why = told(error, self._context, self._limits.seconds)
                self._lost = self._lost or is_lost(error)
                failed.setdefault(str(why), []).append(name)
                advice[str(why)] = why.advice
            finally:
                self._notice(0, 1)

        try:
            await asyncio.gather(*map(look, todo))
        finally:
            for why, names in failed.items():
                _fault(
                    self._seen, ReadError(why, advice[why]), f"cannot look into {_some(names)}: "
                )
        if failed and (left := len(self._seen.half_seen) - sum(map(len, failed.values()))):
            self._seen.faults.append(f"not looked into after that: {counted(left, 'node')}")
        return not self._seen.half_seen


def _has_an_inside(one: Evidence) -> bool:
    """Return whether there is a container to look into, and something to look for."""
    pod = one.pod
    return pod is not None and pod.phase == "Running" and pod.proxy_mode != "nftables"


def _is_known(now: Evidence, name: str, earlier: SeenCluster) -> bool:
    """Return whether an earlier run looked into the very container that runs now."""
    before = earlier.nodes.get(name)
    if before is None or name in earlier.half_seen or before.environment is None:
        return False
    return before.pod == now.pod


def _is_better(one: KubeProxy, other: KubeProxy) -> bool:
    """Return whether a Pod says more of its node than another one, such as one that is ending."""
    return (one.phase == "Running", bool(one.ready), one.started) > (
        other.phase == "Running",
        bool(other.ready),
        other.started,
    )


def _fault(seen: SeenCluster, why: ReadError, what: str = "") -> None:
    seen.faults.append(f"{what}{why}")
    if why.advice:
        seen.advice.append(why.advice)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
