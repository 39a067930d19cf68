"""What has been seen of one cluster so far; at any moment it can be told."""

from __future__ import annotations

from rke2_policies.diagnosis.evidence import Evidence


class SeenCluster:
    """Evidence of the nodes of a cluster, and how far it goes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: dict[str, Evidence] = {}
        self.half_seen: set[str] = set()
        """Nodes of which there is more to be seen than was."""
        self.kept: set[str] = set()
        """Nodes that an earlier run saw."""
        self.complete = False
        """Everything that was asked for has been seen."""
        self.faults: list[str] = []
        """Why it is not complete, for people."""
        self.advice: list[str] = []
        """Lines to paste somewhere that help."""

    @property
    def began(self) -> bool:
        """Whether anything was seen, or kept from being seen."""
        return bool(self.nodes or self.faults or self.complete)
