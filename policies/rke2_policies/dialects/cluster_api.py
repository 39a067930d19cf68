"""Cluster API's RKE2 provider: told apart, so that nobody takes its machines for checked ones."""

from __future__ import annotations

from rke2_policies.manifest import Manifest

# rancher/cluster-api-provider-rke2 bootstrap/api/v1beta2/rke2config_types.go `ComponentConfig`.
_KINDS = {
    "controlplane.cluster.x-k8s.io": ("RKE2ControlPlane", "RKE2ControlPlaneTemplate"),
    "bootstrap.cluster.x-k8s.io": ("RKE2Config", "RKE2ConfigTemplate"),
}


def reason(manifest: Manifest) -> str | None:
    """Return why an object of the provider is not checked; None for any other object."""
    if manifest.kind not in _KINDS.get(manifest.group, ()):
        return None
    return (
        "Cluster API's RKE2 provider: its pin is IPTABLES_MODE in agentConfig.kubeProxy.extraEnv, "
        "and is not checked"
    )
