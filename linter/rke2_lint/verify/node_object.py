"""Node objects: what the cluster says of a machine before anybody looks at its Pods."""

from __future__ import annotations

import json
from typing import NamedTuple

from lightkube.resources.core_v1 import Node

# rancher/rke2 is k3s-io/k3s in this: pkg/nodeconfig/nodeconfig.go `NodeArgsAnnotation`. The arguments are
# those of the command line and of all configuration files, as they were when the service was started.
_ARGUMENTS = "rke2.io/node-args"
_RKE2 = "+rke2"


class NodeObject(NamedTuple):
    """One node, as far as kube-proxy is concerned."""

    name: str
    system: str
    """`linux` or `windows`."""
    version: str
    """That of its kubelet, such as `v1.33.4+rke2r1`."""
    arguments: tuple[str, ...]
    """What RKE2's service was started with; empty where the node does not say."""

    @property
    def is_rke2(self) -> bool:
        """Whether RKE2 runs it."""
        return _RKE2 in self.version or bool(self.arguments)

    @property
    def disables_kube_proxy(self) -> bool:
        """Whether it is a server that disables kube-proxy, which all nodes hear of.

        k3s-io/k3s pkg/agent/config/config.go: agents learn it from their server.
        """
        said = False
        for at, argument in enumerate(self.arguments):
            flag, equals, value = argument.partition("=")
            if flag == "--disable-kube-proxy":
                following = self.arguments[at + 1] if at + 1 < len(self.arguments) else ""
                value = value if equals else following
                said = value.lower() not in ("false", "f", "0")
        return said and self.arguments[0] == "server"


def read_node(node: Node) -> NodeObject:
    """Return what a Node says."""
    metadata, status = node.metadata, node.status
    labels = (metadata.labels if metadata is not None else None) or {}
    annotations = (metadata.annotations if metadata is not None else None) or {}
    info = status.nodeInfo if status is not None else None
    system = labels.get("kubernetes.io/os") or (info.operatingSystem if info else "") or "linux"
    return NodeObject(
        (metadata.name if metadata is not None else None) or "",
        system,
        (info.kubeletVersion if info else None) or "",
        _arguments(annotations.get(_ARGUMENTS, "")),
    )


def _arguments(text: str) -> tuple[str, ...]:
    try:
        said = json.loads(text) if text else None
    except ValueError:
        return ()
    if not isinstance(said, list):
        return ()
    return tuple(one for one in said if isinstance(one, str))


def without_kube_proxy(nodes: tuple[NodeObject, ...]) -> str:
    """Return why a cluster without any Pod of kube-proxy is right to have none; "" where it is not.

    `nodes`: all of its nodes.
    """
    if any(node.disables_kube_proxy for node in nodes):
        return "disable-kube-proxy: a server says that there is none"
    if not any(node.is_rke2 for node in nodes):
        version = next((node.version for node in nodes if node.version), "")
        return f"this is no RKE2{f': {version}' if version else ''}, and it has no Pods of kube-proxy as RKE2 has"
    return ""
