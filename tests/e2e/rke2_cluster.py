"""Nodes and kube-proxy's Pods as RKE2 makes them, on a real API server."""

from __future__ import annotations

import json
from typing import Any

from kube import Api, Kube

NODES = "/api/v1/nodes"
PODS = "/api/v1/namespaces/kube-system/pods"
VERSION = "v1.33.4+rke2r1"
IMAGE = "rancher/hardened-kubernetes:v1.33.4-rke2r1-build20250813"


def node(
    name: str, *, system: str = "linux", arguments: tuple[str, ...] = ("agent",)
) -> dict[str, Any]:
    """Return a Node with the annotation that RKE2 writes when its service starts."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/os": system, "kubernetes.io/hostname": name},
            "annotations": {
                "rke2.io/node-args": json.dumps(arguments),
                "rke2.io/node-config-hash": "CXO2QPPKJ4UJMYZ3ZCZHQ5AH2V4PZ4UWKHM6UMCQEQ2VPN5ZUNLA====",
                "rke2.io/node-env": "{}",
            },
        },
    }


def node_status(system: str = "linux", *, version: str = VERSION, port: int = 0) -> dict[str, Any]:
    """Return the status that a kubelet writes."""
    info = dict.fromkeys(
        ("bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion", "machineID",
         "osImage", "systemUUID", "architecture"), "x",
    )  # fmt: skip
    status: dict[str, Any] = {
        "nodeInfo": {**info, "kubeletVersion": version, "operatingSystem": system},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    if port:
        status["addresses"] = [{"type": "InternalIP", "address": "127.0.0.1"}]
        status["daemonEndpoints"] = {"kubeletEndpoint": {"Port": port}}
    return {"status": status}


def kube_proxy(
    node: str,
    mode: str | None = "nft",
    *,
    proxy_mode: str = "iptables",
    image: str = IMAGE,
    more: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the mirror of kube-proxy's static Pod (rancher/rke2 pkg/podtemplate/podtemplate.go)."""
    environment = [{"name": "FILE_HASH", "value": f"hash-of-{node}"}]
    environment.append({"name": "NO_PROXY", "value": ".svc,.cluster.local,10.42.0.0/16"})
    if mode is not None:
        environment.append({"name": "IPTABLES_MODE", "value": mode})
    arguments = [
        "--cluster-cidr=10.42.0.0/16", "--conntrack-max-per-core=0", "--healthz-bind-address=127.0.0.1",
        f"--hostname-override={node}", "--kubeconfig=/var/lib/rancher/rke2/agent/kubeproxy.kubeconfig",
        f"--proxy-mode={proxy_mode}", *more,
    ]  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"kube-proxy-{node}",
            "namespace": "kube-system",
            "labels": {"component": "kube-proxy", "tier": "control-plane"},
            "annotations": {
                "kubernetes.io/config.hash": f"{abs(hash(node)):032x}"[:32],
                "kubernetes.io/config.mirror": f"{abs(hash(node)):032x}"[:32],
                "kubernetes.io/config.seen": "2026-11-23T02:02:36.000000000Z",
                "kubernetes.io/config.source": "file",
            },
        },
        "spec": {
            "nodeName": node,
            "hostNetwork": True,
            "priorityClassName": "system-cluster-critical",
            "tolerations": [{"effect": "NoExecute", "operator": "Exists"}],
            "volumes": [{"name": "dir0", "hostPath": {"path": "/lib/modules"}}],
            "containers": [
                {
                    "name": "kube-proxy",
                    "image": image,
                    "command": ["kube-proxy"],
                    "args": arguments,
                    "env": environment,
                    "resources": {"requests": {"cpu": "250m", "memory": "128Mi"}},
                    "securityContext": {"privileged": True},
                    "volumeMounts": [{"name": "dir0", "mountPath": "/lib/modules"}],
                }
            ],
        },
    }


def pod_status(phase: str = "Running", *, ready: bool = True, restarts: int = 0) -> dict[str, Any]:
    """Return the status that a kubelet writes."""
    container = {
        "name": "kube-proxy",
        "image": IMAGE,
        "imageID": "",
        "ready": ready,
        "restartCount": restarts,
        "state": {"running": {"startedAt": "2026-11-23T02:02:40Z"}},
    }
    return {"status": {"phase": phase, "containerStatuses": [container]}}


class Cluster:
    """One cluster, filled as its nodes would."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self.api: Api = kube.admin

    def clear(self) -> None:
        """Take everything away."""
        self.api.delete(PODS, gracePeriodSeconds="0").expect()
        self.api.delete(NODES).expect()

    def add_node(
        self,
        name: str,
        *,
        system: str = "linux",
        arguments: tuple[str, ...] = ("agent",),
        version: str = VERSION,
        port: int = 0,
    ) -> None:
        """Register a node."""
        self.api.create(NODES, node(name, system=system, arguments=arguments)).expect(201)
        status = node_status(system, version=version, port=port)
        self.api.merge(f"{NODES}/{name}/status", status).expect()

    def add(
        self,
        name: str,
        mode: str | None = "nft",
        *,
        port: int = 0,
        phase: str = "Running",
        **more: Any,
    ) -> None:
        """Register a node with its kube-proxy."""
        self.add_node(name, port=port)
        self.api.create(PODS, kube_proxy(name, mode, **more)).expect(201)
        status = pod_status(phase, ready=phase == "Running")
        self.api.merge(f"{PODS}/kube-proxy-{name}/status", status).expect()
