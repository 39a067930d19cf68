"""JSON for other programs. Version 1 never loses or changes a field."""

from __future__ import annotations

import json
from typing import Any

from rke2_lint.health.told import Told, current, pin_of, predicted
from rke2_policies.diagnose import NodeDiagnosis

VERSION = 1


def render(told: Told) -> str:
    """Return what is known of every node, in ASCII."""
    nodes = [_node(one) for one in told.nodes]
    return json.dumps({"version": VERSION, "nodes": nodes}, indent=2) + "\n"


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
