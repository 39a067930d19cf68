"""Does anybody say of Cluster API's RKE2 that it is checked, or that it is nothing of RKE2's?"""

from __future__ import annotations

from typing import Any

import pytest

CONTROL, BOOTSTRAP = "controlplane.cluster.x-k8s.io/v1beta1", "bootstrap.cluster.x-k8s.io/v1beta1"
REASON = (
    "Cluster API's RKE2 provider: its pin is IPTABLES_MODE in agentConfig.kubeProxy.extraEnv, "
    "and is not checked"
)


def manifest(version: str, kind: str) -> str:
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\nspec: {{replicas: 1}}\n"


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        (CONTROL, "RKE2ControlPlane"),
        (CONTROL, "RKE2ControlPlaneTemplate"),
        (BOOTSTRAP, "RKE2Config"),
        (BOOTSTRAP, "RKE2ConfigTemplate"),
    ],
)
def test_objects_of_the_provider_are_told_apart(lint: Any, version: str, kind: str) -> None:
    lint.write({"x.yaml": manifest(version, kind)})
    assert lint("x.yaml").err == "Checked 1 file: no machines of RKE2 to check.\n"
    (row,) = lint("effective", "--output-format", "json", "x.yaml").json["machines"]
    assert (row["name"], row["verdict"], row["reason"]) == ("default/x", "not-applicable", REASON)
    (row,) = lint("files", "--output-format", "json", "x.yaml").json["files"]
    assert (row["status"], row["kind"], row["reason"]) == (
        "read",
        f"{kind} of {version.partition('/')[0]}",
        REASON,
    )


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        pytest.param(CONTROL, "KubeadmControlPlane", id="another provider"),
        pytest.param("example.com/v1", "RKE2ControlPlane", id="another group"),
        pytest.param(BOOTSTRAP, "RKE2ControlPlane", id="the kind of the other group"),
    ],
)
def test_what_is_called_alike_is_nothing_of_rke2(lint: Any, version: str, kind: str) -> None:
    lint.write({"x.yaml": manifest(version, kind)})
    (row,) = lint("files", "--output-format", "json", "x.yaml").json["files"]
    assert row["reason"] == "says nothing of RKE2"
