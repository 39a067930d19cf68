"""Is a patch of kustomize, or of Fleet, taken for what it is: a part of a Cluster?"""

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


SAYING = [
    pytest.param("kube-proxy-extra-env: [FOO=bar]", "missing-nft-pin", id="another list"),
    pytest.param("kube-proxy-extra-env: null", "missing-nft-pin", id="null takes the list out"),
    pytest.param("profile: other", "required-settings", id="another value"),
]


@pytest.mark.parametrize(("setting", "rule"), SAYING)
def test_what_a_patch_says_counts_though_something_is_missing(
    lint: Any, setting: str, rule: str
) -> None:
    """A list in a patch takes the place of the Cluster's, with the pin in it."""
    lint.write(
        {
            "patch.yaml": WITH_VERSION.replace("cni: calico", setting),
            "kustomization.yaml": "patches: [{path: patch.yaml}]",
            ".rke2-lint.yaml": "params: {required-settings: {profile: cis}}",
        }
    )
    assert [rule for _, rule, _ in lint.found("patch.yaml").found] == [rule]


def test_a_version_that_is_wrong_counts_in_a_patch(lint: Any) -> None:
    text = WITH_VERSION.replace("v1.33.4+rke2r1", "newest")
    lint.write({"patch.yaml": text, "kustomization.yaml": "patches: [{path: patch.yaml}]"})
    assert [rule for _, rule, _ in lint.found("patch.yaml").found] == ["unclear-version"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param("{}", [], id="the Cluster may say it"),
        pytest.param("{disable-kube-proxy: false}", ["cilium-beside-kube-proxy"], id="said here"),
    ],
)
def test_whether_kube_proxy_runs_may_be_said_elsewhere(
    lint: Any, config: str, expected: list[str]
) -> None:
    cilium = "    chartValues: {rke2-cilium: {kubeProxyReplacement: true}}\n"
    text = WITH_VERSION.replace("{cni: calico}", config) + cilium
    lint.write({"patch.yaml": text, "kustomization.yaml": "patches: [{path: patch.yaml}]"})
    assert [rule for _, rule, _ in lint.found("patch.yaml").found] == expected


def test_nobody_says_of_a_patch_alone_that_its_machines_are_unpinned(lint: Any) -> None:
    lint.write({"patch.yaml": WITH_VERSION, "kustomization.yaml": "patches: [{path: patch.yaml}]"})
    rows = lint("effective", "--output-format", "json", "patch.yaml").json["machines"]
    assert {(row["verdict"], row["reason"]) for row in rows} == {
        (
            "unknown",
            "nothing sets kube-proxy-extra-env here, "
            "but kustomization.yaml lays it over a whole Cluster, as a patch",
        )
    }


OF_FLEET = [
    pytest.param("fleet.yaml", "overlays/dev/cluster_patch.yaml", "cluster.yaml", id="plain"),
    pytest.param("fleet.yml", "overlays/dev/cluster_patch.yml", "cluster.yml", id="yml"),
    pytest.param("a/fleet.yaml", "a/overlays/dev/b/c_patch.yaml", "a/b/c.yaml", id="folders"),
    pytest.param("fleet.yaml", "overlays/dev/c_patch.one.yaml", "c.one.yaml", id="in the middle"),
]
NOT_OF_FLEET = [
    pytest.param("fleet.yaml", "overlays/dev/cluster.yaml", id="takes the place of a file"),
    pytest.param("fleet.yaml", "overlays/cluster_patch.yaml", id="in no overlay"),
    pytest.param("fleet.yaml", "other/dev/cluster_patch.yaml", id="in another folder"),
    pytest.param("fleet.yaml", "a/overlays/dev/cluster_patch.yaml", id="below another bundle"),
    pytest.param("bundle.yaml", "overlays/dev/cluster_patch.yaml", id="without fleet.yaml"),
]


@pytest.mark.parametrize(("fleet", "path", "target"), OF_FLEET)
def test_what_a_patch_of_fleet_leaves_out_is_not_missing(
    lint: Any, fleet: str, path: str, target: str
) -> None:
    lint.write({path: WITHOUT_VERSION, fleet: ""})
    done = lint.found(path)
    assert (done.status, done.found) == (0, [])
    said = {one["suppressed"]["reason"] for one in done.json["suppressed"]}
    assert said == {f"Fleet lays it over {target}, as a patch"}


@pytest.mark.parametrize(("fleet", "path"), NOT_OF_FLEET)
def test_what_fleet_lays_over_nothing_is_no_patch(lint: Any, fleet: str, path: str) -> None:
    lint.write({path: WITH_VERSION, fleet: ""})
    assert [rule for _, rule, _ in lint.found(path).found] == ["missing-nft-pin"]


def test_what_is_wrong_in_a_patch_of_fleet_is_told(lint: Any) -> None:
    lint.write({"overlays/dev/cluster_patch.yaml": BROKEN, "fleet.yaml": ""})
    assert [rule for _, rule, _ in lint.found(".").found] == ["invalid-backend"]
