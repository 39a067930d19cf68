"""Resuming: what an earlier run saw, out of its JSON."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from rke2_lint.files import UsageError, why
from rke2_lint.health.json_ import VERSION
from rke2_lint.verify.record import RecordError, read
from rke2_lint.verify.seen_cluster import SeenCluster


class Earlier(NamedTuple):
    """What an earlier run saw."""

    inside: bool
    """It looked into containers."""
    clusters: dict[str, SeenCluster]
    """By the names of their contexts."""

    def of(self, name: str, *, inside: bool) -> SeenCluster | None:
        """Return what was seen of a cluster, if it says as much as is asked for now."""
        return self.clusters.get(name) if self.inside >= inside else None


NOTHING = Earlier(inside=False, clusters={})


def resume(path: str) -> Earlier:
    """Return what an earlier run's `--output-format json=PATH` holds. Raises UsageError."""
    try:
        with open(path, "rb") as file:
            tree = json.loads(file.read())
    except OSError as error:
        raise UsageError(f"{path}: {why(error)}") from error
    except (ValueError, RecursionError):
        raise UsageError(f"{path}: it is no JSON, or only part of it") from None
    match tree:
        case {"version": int(version)} if version != VERSION:
            raise UsageError(f"{path}: it is of version {version}; this reads version {VERSION}")
        case {"clusters": list(clusters), "nodes": list(nodes), "exec": bool(inside)}:
            pass
        case _:
            raise UsageError(f"{path}: it was not written by rke2-lint verify --output-format json")
    try:
        return Earlier(inside, _clusters(clusters, nodes))
    except RecordError as error:
        raise UsageError(f"{path}: {error}") from error


def _clusters(clusters: list[Any], nodes: list[Any]) -> dict[str, SeenCluster]:
    found: dict[str, SeenCluster] = {}
    for each in clusters:
        match each:
            case {"name": str(name), "complete": bool(complete)}:
                found[name] = SeenCluster(name)
                found[name].complete = complete
            case _:
                raise RecordError("a cluster has no name, or does not say whether it is complete")
    for each in nodes:
        match each:
            case {"name": str(name), "cluster": str(cluster), "complete": bool(complete), "evidence": evidence} if cluster in found:  # fmt: skip
                seen = found[cluster]
            case _:
                raise RecordError("a node has no name, no cluster or no evidence")
        seen.nodes[name] = read(name, evidence)
        if not complete:
            seen.half_seen.add(name)
    return found
