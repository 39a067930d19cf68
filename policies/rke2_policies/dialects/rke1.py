"""RKE1's `cluster.yml`: told apart, so that nobody wonders why it was not checked."""

from __future__ import annotations

from rke2_policies.document import Document


def reason(document: Document) -> str | None:
    """Return why a document is RKE1's; None where it is not."""
    match document.tree:
        case {"rancher_kubernetes_engine_config": _}:
            pass
        case {"nodes": [{"address": _, "role": _}, *_]}:
            pass
        case _:
            return None
    return "RKE1 runs kube-proxy as a container of its own: it has no kube-proxy-extra-env"
