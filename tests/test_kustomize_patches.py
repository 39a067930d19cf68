"""Is a patch of kustomize taken for what it is: a part of a Cluster?"""

from __future__ import annotations

from typing import Any

import pytest

HEAD = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: prod, namespace: fleet-default}
"""
WITHOUT_VERSION = HEAD + "spec:\n  rkeConfig:\n    machineGlobalConfig: {cni: calico}\n"
WITH_VERSION = WITHOUT_VERSION.replace("spec:\n", "spec:\n  kubernetesVersion: v1.33.4+rke2r1\n")
BROKEN = WITH_VERSION.replace("cni: calico", "kube-proxy-extra-env: [IPTABLES_MODE=NFT]")


def kustomization(key: str) -> str:
    return f"kind: Kustomization\nresources: [../base]\n{key}\n"


NAMED = [
    pytest.param("over/kustomization.yaml", "patches: [{path: patch.yaml}]", id="patches"),
    pytest.param("over/kustomization.yaml", "patches: [{path: ./patch.yaml}]", id="with a dot"),
    pytest.param("over/Kustomization", "patches: [{path: patch.yaml}]", id="another name"),
    pytest.param("over/kustomization.yml", "patchesStrategicMerge: [patch.yaml]", id="the old key"),
    pytest.param("kustomization.yaml", "patches: [{path: over/patch.yaml}]", id="a folder above"),
]
NOT_NAMED = [
    pytest.param("over/kustomization.yaml", "resources: [patch.yaml]", id="a resource"),
    pytest.param("over/kustomization.yaml", "patches: [{path: other.yaml}]", id="another file"),
    pytest.param("over/kustomization.yaml", "patches: {path: patch.yaml}", id="no list"),
    pytest.param("over/kustomization.yaml", "patches: [patch.yaml, {path: [1]}]", id="no mapping"),
    pytest.param("over/kustomization.yaml", "patches: [{path: patch.yaml", id="no YAML"),
    pytest.param("base/kustomization.yaml", "patches: [{path: patch.yaml}]", id="elsewhere"),
]


@pytest.mark.parametrize("text", [WITHOUT_VERSION, WITH_VERSION], ids=["unclear", "clear"])
@pytest.mark.parametrize(("name", "key"), NAMED)
def test_what_a_patch_leaves_out_is_not_missing(lint: Any, text: str, name: str, key: str) -> None:
    lint.write({"over/patch.yaml": text, name: kustomization(key)})
    done = lint.found("over/patch.yaml")
    assert (done.status, done.found) == (0, [])
    said = {one["suppressed"]["reason"] for one in done.json["suppressed"]}
    assert said == {f"{name} lays it over a whole Cluster, as a patch"}
    before = lint.read("over/patch.yaml")
    assert lint("--fix", "--unsafe-fixes", ".").status == 0
    assert lint.read("over/patch.yaml") == before


@pytest.mark.parametrize(("name", "key"), NOT_NAMED)
def test_what_nobody_calls_a_patch_is_none(lint: Any, name: str, key: str) -> None:
    lint.write({"over/patch.yaml": WITH_VERSION, name: kustomization(key)})
    assert [rule for _, rule, _ in lint.found("over/patch.yaml").found] == ["missing-nft-pin"]


def test_what_is_wrong_in_a_patch_is_told(lint: Any) -> None:
    lint.write({"patch.yaml": BROKEN, "kustomization.yaml": "patches: [{path: patch.yaml}]"})
    assert lint.found(".").found == [("patch.yaml", "invalid-backend", "error")]


def test_no_kustomization_above_the_repository_counts(lint: Any) -> None:
    lint.write(
        {
            "repository/patch.yaml": WITH_VERSION,
            "kustomization.yaml": "patches: [{path: repository/patch.yaml}]",
        }
    )
    assert lint.found("repository").status == 0
    lint.git("init", "--quiet", "repository")
    assert lint.found("repository").status == 1
