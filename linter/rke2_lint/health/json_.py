"""JSON for other programs. Version 1 never loses or changes a field."""

from __future__ import annotations

import json
from typing import Any

from rke2_lint.health.told import Told, current, pin_of, predicted
from rke2_policies.diagnose import NodeDiagnosis

VERSION = 1


def render(told: Told) -> str:
    """Return what is known of every node, in ASCII."""
    about: dict[str, Any] = {"version": VERSION, "nodes": [_node(one) for one in told.nodes]}
    if told.clusters:
        about = _with_clusters(told)
    return json.dumps(about, indent=2) + "\n"


def _with_clusters(told: Told) -> dict[str, Any]:
    """Return the same with what a later run needs to go on (`--resume`)."""
    from rke2_lint.verify.record import written

    clusters = {one.name: one for one in told.clusters}
    nodes = []
    for diagnosis in told.diagnoses:
        cluster = clusters[diagnosis.name]
        for one in diagnosis.nodes:
            name = one.node.name
            about = {"cluster": cluster.name, "complete": name not in cluster.half_seen}
            about |= {"kept": name in cluster.kept, "evidence": written(one.node.evidence)}
            nodes.append(_node(one) | about)
    return {
        "version": VERSION,
        "complete": all(one.complete for one in told.clusters),
        "exec": told.inside,
        "clusters": [
            {
                "name": one.name,
                "complete": one.complete,
                "kept": bool(one.kept) and one.complete,
                "errors": list(one.faults),
            }
            for one in told.clusters
        ],
        "nodes": nodes,
    }


def _node(one: NodeDiagnosis) -> dict[str, Any]:
    node = one.node
    counts = node.counts
    return {
        "name": node.name,
        "verdict": one.verdict,
        "current": current(node),
        "predicted": predicted(node),
        "pin": pin_of(node),
        "rules": {
            "legacy": {"ipv4": counts.legacy4, "ipv6": counts.legacy6},
            "nft": {"ipv4": counts.nft4, "ipv6": counts.nft6},
        },
        "owners": node.owners,
        "findings": [
            {
                "rule": finding.rule,
                "severity": finding.severity.name.lower(),
                "message": finding.problem.message,
                "remedy": finding.problem.remedy,
            }
            for finding in one.findings
        ],
        "missing": list(node.missing),
    }
