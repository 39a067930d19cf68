"""A trial: a Cluster is created in a dry run, and has to come back with the pin.

It is what `helm test` runs in the cluster, so it needs nothing but the API and the right to create
Clusters in one namespace.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from lightkube import ApiError, Client
from lightkube.generic_resource import create_namespaced_resource

from rke2_policies import pin
from rke2_webhook.sample import sample_review

_CLUSTER = create_namespaced_resource("provisioning.cattle.io", "v1", "Cluster", "clusters")
_EVERY = 1.0


class TrialError(Exception):
    """The trial failed; the message says what came instead of the pin, and what to look at."""


def run(client: Client, namespace: str, backend: str, patience: float) -> str:
    """Return the entry that was injected, or raise TrialError after `patience` seconds.

    `backend` is the one that the policy wants. The API server takes some seconds to see a webhook
    that was installed just now.
    """
    until = time.monotonic() + patience
    while True:
        try:
            return _once(client, namespace, pin.WANTED[backend])
        except TrialError:
            if time.monotonic() >= until:
                raise
        time.sleep(_EVERY)


def _once(client: Client, namespace: str, wanted: pin.Pin) -> str:
    try:
        created: Any = client.create(_CLUSTER(**_cluster(namespace)), dry_run=True)
    except ApiError as error:
        raise TrialError(
            f"the API server refuses a Cluster in {namespace}: {_why(error)}"
        ) from None
    except Exception as error:  # the HTTP library's own, which is lightkube's to choose
        raise TrialError(f"the API server does not answer: {error}") from None
    section = created["spec"]["rkeConfig"].get("machineGlobalConfig") or {}
    entries = section.get("kube-proxy-extra-env") or []
    if wanted.text not in entries:
        raise TrialError(
            f"the Cluster came back without {wanted.text}; kube-proxy-extra-env is {entries}: "
            "nobody has injected it. The webhook's pods say in their log, and at /readyz, why"
        )
    return str(wanted.text)


def _cluster(namespace: str) -> dict[str, Any]:
    """Return a Cluster that nobody has: one whose machines somebody registers by hand."""
    sample: dict[str, Any] = sample_review()["request"]["object"]
    config = sample["spec"]["rkeConfig"]
    return {
        **sample,
        "metadata": {"name": f"rke2-webhook-{secrets.token_hex(4)}", "namespace": namespace},
        "spec": {
            **sample["spec"],
            "rkeConfig": {"machineGlobalConfig": config["machineGlobalConfig"]},
        },
    }


def _why(error: ApiError) -> str:
    if error.status.code == 404:
        return "it knows no Clusters. Is this the management cluster, where Rancher runs?"
    return str(error.status.message)
