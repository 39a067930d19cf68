"""What a diagnosis is told with: the nodes of all clusters, and what could not be looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rke2_policies.diagnose import VERDICTS, Diagnosis, NodeDiagnosis, Verdict
from rke2_policies.diagnosis.live_node import LiveNode


class ClusterTold(NamedTuple):
    """What there is to tell of a live cluster beside its nodes."""

    name: str
    complete: bool
    """Everything that was asked for was seen."""
    half_seen: frozenset[str] = frozenset()
    """Nodes of which there is more to be seen than was."""
    kept: frozenset[str] = frozenset()
    """Nodes that an earlier run saw, and this one has not looked at."""
    faults: tuple[str, ...] = ()


class Told(NamedTuple):
    """All that there is to tell."""

    diagnoses: Sequence[Diagnosis]
    unreadable: Sequence[str] = ()
    """What was asked for and could not be looked at, each with its reason."""
    command: str = "rke2-lint node"
    clusters: Sequence[ClusterTold] = ()
    """Live clusters; empty where dumps were read."""
    note: str = ""
    """What holds for all nodes alike; then it is not said of each what else could be known."""
    advice: Sequence[str] = ()
    """Lines to paste somewhere, against what could not be looked at."""
    inside: bool = True
    """Somebody looked at more than what the API says."""
    stopped_by: int = 0
    """The signal that ended it all before it was done; 0: none."""

    @property
    def nodes(self) -> Iterator[NodeDiagnosis]:
        """All nodes, cluster by cluster."""
        return (node for diagnosis in self.diagnoses for node in diagnosis.nodes)

    def count(self, verdict: Verdict) -> int:
        """Return how many nodes have a verdict."""
        return sum(one.count(verdict) for one in self.diagnoses)

    @property
    def is_alarming(self) -> bool:
        """Whether a node has a warning or an error."""
        return bool(self.count("warning") or self.count("error"))

    @property
    def counts(self) -> dict[str, int]:
        """How many nodes have each verdict, the worst first; those that none has are left out."""
        return {verdict: count for verdict in VERDICTS if (count := self.count(verdict))}


def pin_of(node: LiveNode) -> str | None:
    """Return the value of IPTABLES_MODE: what runs, or else what is configured; None: none is known."""
    return node.mode.value if node.mode is not None and not node.not_applicable else None


def predicted(node: LiveNode) -> str:
    """Return what the next start chooses."""
    return "unknown" if node.not_applicable else node.next.backend


def current(node: LiveNode) -> str:
    """Return what kube-proxy works with now."""
    return "unknown" if node.not_applicable else node.current
