"""A sample: the review of a small cluster, asked once before anybody else's is."""

from __future__ import annotations

from typing import Any

from rke2_webhook.envelope import API_VERSION, KIND


def sample_review() -> dict[str, Any]:
    """Return the review of a new RKE2 cluster that says nothing of kube-proxy."""
    kind = {"group": "provisioning.cattle.io", "version": "v1", "kind": "Cluster"}
    resource = {"group": "provisioning.cattle.io", "version": "v1", "resource": "clusters"}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "request": {
            "uid": "00000000-0000-0000-0000-000000000000",
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": "sample",
            "namespace": "fleet-default",
            "operation": "CREATE",
            "userInfo": {"username": "sample"},
            "dryRun": True,
            "options": None,
            "oldObject": None,
            "object": {
                "apiVersion": "provisioning.cattle.io/v1",
                "kind": "Cluster",
                "metadata": {"name": "sample", "namespace": "fleet-default"},
                "spec": {
                    "kubernetesVersion": "v1.34.1+rke2r1",
                    "rkeConfig": {
                        "machineGlobalConfig": {"cni": "calico"},
                        "machinePools": [
                            {
                                "name": "pool",
                                "quantity": 3,
                                "controlPlaneRole": True,
                                "etcdRole": True,
                                "workerRole": True,
                            }
                        ],
                    },
                },
            },
        },
    }
