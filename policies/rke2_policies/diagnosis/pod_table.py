"""Tables of Pods: what `kubectl get pods -o wide -A` printed, as Rancher's log collector keeps it."""

from __future__ import annotations

from typing import NamedTuple

from rke2_policies.diagnosis.kube_proxy import NAMESPACE
from rke2_policies.lazy_pattern import lazily

# A cell may hold a single blank, as `17 (2m ago)` does.
_BETWEEN = lazily(r"\s{2,}")
_NUMBER = lazily(r"\d+")
_COLUMNS = ("NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "NODE")
_NAMED = "kube-proxy-"


class PodRow(NamedTuple):
    """One kube-proxy in a table."""

    name: str
    node: str
    status: str
    """`Running`, or why it does not run: `CrashLoopBackOff`, …"""
    ready: bool
    restarts: int


class PodTable(NamedTuple):
    """The Pods of a cluster, as far as kube-proxy is concerned."""

    nodes: frozenset[str]
    """All nodes that any Pod is on."""
    kube_proxies: tuple[PodRow, ...]

    def of(self, node: str) -> PodRow | None:
        """Return a node's kube-proxy; None where there is none."""
        return next((row for row in self.kube_proxies if row.node == node), None)

    def lacks(self, node: str) -> bool:
        """Return whether a node has none, though it has other Pods, and other nodes have one."""
        return bool(self.kube_proxies) and node in self.nodes and self.of(node) is None


def read_pod_table(text: str) -> PodTable | None:
    """Return what a table says; None where it is none, such as an error of kubectl's."""
    at: dict[str, int] = {}
    nodes: set[str] = set()
    found: list[PodRow] = []
    for line in text.splitlines():
        cells = _BETWEEN.split(line.strip())
        if not at:
            if all(name in cells for name in _COLUMNS):
                at = {name: cells.index(name) for name in _COLUMNS}
            continue
        if len(cells) <= max(at.values()):
            continue
        row = {name: cells[where] for name, where in at.items()}
        nodes.add(row["NODE"])
        if row["NAMESPACE"] == NAMESPACE and row["NAME"].startswith(_NAMED):
            ready, _, of = row["READY"].partition("/")
            restarts = _NUMBER.match(row["RESTARTS"])
            found.append(
                PodRow(
                    row["NAME"],
                    row["NODE"],
                    row["STATUS"],
                    ready == of != "",
                    int(restarts[0]) if restarts else 0,
                )
            )
    return PodTable(frozenset(nodes), tuple(found)) if at else None
