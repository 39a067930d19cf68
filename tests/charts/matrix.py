"""Sets of values under which the chart has to be right, here and on a real API server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MONITORING = {
    "metrics": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "grafana": {"enabled": True},
    }
}
MATRIX: Mapping[str, Mapping[str, Any]] = {
    "defaults": {},
    "one pod": {"replicaCount": 1},
    "no pod": {"replicaCount": 0},
    "autoscaled": {"autoscaling": {"enabled": True}},
    "cert-manager": {"tls": {"mode": "cert-manager", "extraNames": ["10.0.0.1", "fd00::1", "x.y"]}},
    "cert-manager with an issuer": {
        "tls": {"mode": "cert-manager", "certManager": {"issuerRef": {"name": "corp"}}}
    },
    "secret": {"tls": {"mode": "secret", "secret": {"name": "mine"}}},
    "clients": {"tls": {"clientAuth": {"mode": "require", "caConfigMap": "c", "names": ["a"]}}},
    "host network": {"hostNetwork": True, "webhook": {"port": 9443, "probePort": 9080}},
    "url": {"webhook": {"url": "https://hook.example:9443"}},
    "monitoring": MONITORING,
    "no validating": {"validating": {"enabled": False}},
    "a policy of its own": {"policy": {"webhook": {"ignoreUsers": []}}},
    "somebody else's policy": {"existingPolicy": {"configMap": "theirs"}},
    "a rollout": {"rollout": {"namespaces": ["lab", "test"]}},
    "Rancher": {
        "global": {
            "cattle": {
                "systemDefaultRegistry": "r.example",
                "clusterName": "local",
                "rkePathPrefix": "",
            },
            "systemDefaultRegistry": "r.example",
        }
    },
    "everything off": {
        "networkPolicy": {"enabled": False},
        "podDisruptionBudget": {"enabled": False},
        "tests": {"enabled": False},
        "priorityClassName": "",
        "topologySpreadConstraints": [],
    },
}
