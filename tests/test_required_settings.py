"""What `required-settings` takes for a setting that is in force, and whom it asks."""

from __future__ import annotations

import pytest

from rke2_policies.edits.as_text import rewrite
from rke2_policies.engine import evaluate, plan
from rke2_policies.file import Broken, File
from rke2_policies.finding import Finding, Safety
from rke2_policies.policy_file import read_policy
from rke2_policies.yaml_source import Source

SERVER = "srv/server/etc/rancher/rke2/config.yaml"
AGENT = "srv/agent/etc/rancher/rke2/config.yaml"
NODE = "srv/node/etc/rancher/rke2/config.yaml"
CLUSTER = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: VERSION
  rkeConfig:
    machineGlobalConfig: SETTINGS
    machinePools:
      - {name: cp, controlPlaneRole: true}
      - {name: etcd, etcdRole: true}
      - {name: worker, workerRole: true}
      - {name: win, workerRole: true, machineOS: windows}
"""
V33 = "v1.33.4+rke2r1"


def found(required: str, files: dict[str, str]) -> list[Finding]:
    policy = read_policy("p", f"params: {{required-settings: {{{required}}}}}".encode())
    report = evaluate([read_file(path, text) for path, text in files.items()], policy)
    return [one for one in report.findings if one.rule == "required-settings"]


def read_file(path: str, text: str) -> File:
    source = Source.read(path, text.encode())
    broken = [Broken.at(path, one.document, one.span, one.message) for one in source.problems]
    return File(path, source.documents, broken=tuple(broken))


def pools(required: str, settings: str = "{}", version: str = V33) -> list[str]:
    """Return the pools that lack something."""
    text = CLUSTER.replace("VERSION", version).replace("SETTINGS", settings)
    names = [name for one in found(required, {"c.yaml": text}) for name in one.machines]
    return [name.rpartition("/")[2] for name in names]


HELD = [
    pytest.param("profile: cis", "profile: cis", id="a text"),
    pytest.param("profile: cis", "profile: [cis]", id="a text in a list"),
    pytest.param("secrets-encryption: true", "secrets-encryption: true", id="true"),
    pytest.param("secrets-encryption: true", "secrets-encryption: 'true'", id="true as a text"),
    pytest.param("secrets-encryption: true", "secrets-encryption: yes", id="yes"),
    pytest.param("secrets-encryption: false", "secrets-encryption: false", id="false"),
    pytest.param("etcd-snapshot-retention: 5", "etcd-snapshot-retention: 5", id="a number"),
    pytest.param("etcd-snapshot-retention: 5", "etcd-snapshot-retention: '5'", id="as a text"),
    pytest.param("tls-san: [a, b]", "tls-san: [b, c, a]", id="items in any order"),
    pytest.param("tls-san: [a]", "tls-san: a", id="an item alone"),
    pytest.param("kubelet-arg: [v=2]", "kubelet-arg: [--v=2]", id="dashes"),
    pytest.param("kubelet-arg: [--v=2]", "kubelet-arg: [v=2]", id="dashes in the policy"),
    pytest.param("kubelet-arg: [v=2]", "kubelet-arg: [v=4, v=2]", id="the last flag"),
    pytest.param(
        "kubelet-arg: [feature-gates=A=true]",
        "kubelet-arg: [feature-gates=A=true, feature-gates=B=true]",
        id="flags that add up",
    ),
    pytest.param("etcd-extra-env: [A=1]", "etcd-extra-env: [A=2, A=1]", id="the last variable"),
    pytest.param("etcd-extra-env: [A=1]", "etcd-extra-env+: [A=1]", id="a key that appends"),
]


@pytest.mark.parametrize(("required", "settings"), HELD)
def test_what_is_in_force(required: str, settings: str) -> None:
    assert found(required, {SERVER: f"cni: canal\n{settings}\n"}) == []


LACKED = [
    pytest.param("profile: cis", "", "nothing sets profile: the policy wants cis", id="nothing"),
    pytest.param(
        "profile: cis", "profile: etcd", "profile is 'etcd': the policy wants cis", id="other"
    ),
    pytest.param("profile: cis", "profile:", "profile is '': the policy wants cis", id="null"),
    pytest.param(
        "secrets-encryption: true",
        "secrets-encryption: false",
        "secrets-encryption is 'false': the policy wants true",
        id="false",
    ),
    pytest.param(
        "secrets-encryption: false",
        "",
        "nothing sets secrets-encryption: the policy wants false",
        id="false has to be said",
    ),
    pytest.param(
        "tls-san: [a, b]", "tls-san: [b]", "tls-san lacks an item: the policy wants a", id="item"
    ),
    pytest.param(
        "tls-san: [a, b]", "tls-san: []", "tls-san lacks items: the policy wants a, b", id="items"
    ),
    pytest.param(
        "kubelet-arg: [v=2]",
        "kubelet-arg: [v=2, v=4]",
        "kubelet-arg lacks an item: the policy wants v=2",
        id="a later flag",
    ),
    pytest.param(
        "etcd-extra-env: [A=1]",
        "etcd-extra-env: [A=1, A=2]",
        "etcd-extra-env lacks an item: the policy wants A=1",
        id="a later variable",
    ),
]


@pytest.mark.parametrize(("required", "settings", "message"), LACKED)
def test_what_is_not(required: str, settings: str, message: str) -> None:
    (one,) = found(required, {SERVER: f"cni: canal\n{settings}\n"})
    assert one.problem.message == message


FIXES = [
    pytest.param("profile: cis", "cni: canal\n", "cni: canal\nprofile: cis\n", "UNSAFE", id="add"),
    pytest.param(
        "profile: cis",
        "cni: canal\nprofile: etcd # why\n",
        "cni: canal\nprofile: cis # why\n",
        "UNSAFE",
        id="write",
    ),
    pytest.param(
        "etcd-extra-env: [A=1, B=2]",
        "cni: canal\n",
        "cni: canal\netcd-extra-env:\n  - A=1\n  - B=2\n",
        "SAFE",
        id="a new list",
    ),
    pytest.param(
        "etcd-extra-env: [A=1, B=2]",
        "cni: canal\netcd-extra-env: [C=3]\n",
        "cni: canal\netcd-extra-env: [C=3, A=1, B=2]\n",
        "SAFE",
        id="new variables",
    ),
    pytest.param(
        "etcd-extra-env: [A=1]",
        "cni: canal\netcd-extra-env: B=2\n",
        "cni: canal\netcd-extra-env:\n  - B=2\n  - A=1\n",
        "SAFE",
        id="beside a text",
    ),
    pytest.param(
        "etcd-extra-env: [A=1]",
        "cni: canal\netcd-extra-env: [A=2, B=3]\n",
        "cni: canal\netcd-extra-env: [A=1, B=3]\n",
        "UNSAFE",
        id="another value of a variable",
    ),
    pytest.param(
        "kubelet-arg: [v=2]",
        "cni: canal\nkubelet-arg: [--v=4]\n",
        "cni: canal\nkubelet-arg: [v=2]\n",
        "UNSAFE",
        id="another value of a flag",
    ),
    pytest.param(
        "secrets-encryption: true",
        "cni: canal\nsecrets-encryption: false\n",
        "cni: canal\nsecrets-encryption: true\n",
        "UNSAFE",
        id="true",
    ),
]


@pytest.mark.parametrize(("required", "before", "after", "safety"), FIXES)
def test_how_it_is_mended(required: str, before: str, after: str, safety: str) -> None:
    findings = found(required, {SERVER: before})
    assert findings[0].problem.fix is not None
    assert findings[0].problem.fix.safety is Safety[safety]
    ((_, fixes),) = plan(findings, Safety.UNSAFE).items()
    source = Source.read(SERVER, before.encode())
    text = rewrite(source, 0, [edit for fix in fixes for edit in fix.edits]).source.text
    assert text == after
    assert found(required, {SERVER: after}) == []


@pytest.mark.parametrize(
    ("required", "asked"),
    [
        pytest.param("profile: cis", [SERVER, AGENT, NODE], id="every RKE2 knows it"),
        pytest.param("secrets-encryption: true", [SERVER], id="servers know it"),
        pytest.param("etcd-extra-env: [A=1]", [SERVER], id="servers run it"),
        pytest.param("kubelet-arg: {value: [v=2], role: agent}", [AGENT], id="for agents"),
        pytest.param("kubelet-arg: {value: [v=2], role: server}", [SERVER], id="for servers"),
    ],
)
def test_which_nodes_are_asked(required: str, asked: list[str]) -> None:
    files = {SERVER: "cni: canal\n", AGENT: "server: https://a:9345\n", NODE: "node-name: a\n"}
    assert {one.problem.place.document.path for one in found(required, files)} == set(asked)


@pytest.mark.parametrize(
    ("required", "asked"),
    [
        pytest.param("profile: cis", ["cp", "etcd", "worker", "win"], id="every machine knows it"),
        pytest.param("etcd-extra-env: [A=1]", ["etcd"], id="etcd runs there"),
        pytest.param("kube-apiserver-arg: [v=2]", ["cp"], id="the API server runs there"),
        pytest.param("kube-proxy-extra-env: [A=1]", ["cp", "etcd", "worker"], id="not on Windows"),
        pytest.param("kubelet-arg: {value: [v=2], role: server}", ["cp", "etcd"], id="servers"),
        pytest.param("kubelet-arg: {value: [v=2], role: agent}", ["worker", "win"], id="agents"),
        pytest.param("bind-address: 0.0.0.0", ["cp", "etcd", "worker", "win"], id="since v1.27"),
    ],
)
def test_which_machines_are_asked(required: str, asked: list[str]) -> None:
    assert pools(required) == asked


def test_a_version_that_does_not_know_the_setting_is_not_asked() -> None:
    assert pools("bind-address: 0.0.0.0", version="v1.26.5+rke2r1") == []


def test_without_a_version_it_is_no_error() -> None:
    text = CLUSTER.replace("  kubernetesVersion: VERSION\n", "").replace("SETTINGS", "{}")
    (one,) = found("profile: cis", {"c.yaml": text})
    assert one.severity.name == "WARNING"


def test_rancher_drops_numbers_and_gets_a_text() -> None:
    text = CLUSTER.replace("VERSION", V33).replace("SETTINGS", "{write-kubeconfig-group: 5}")
    (one,) = found("write-kubeconfig-group: 5", {"c.yaml": text})
    assert one.problem.message.startswith("write-kubeconfig-group never arrives: Rancher drops")
    assert one.problem.fix is not None
    assert one.problem.fix.edits[0].value == "5"  # type: ignore[union-attr]


def test_the_fix_goes_where_the_setting_is_decided() -> None:
    text = CLUSTER.replace("VERSION", V33).replace("SETTINGS", "{profile: cis}") + (
        "    machineSelectorConfig:\n"
        "      - config: {profile: etcd}\n"
        "        machineLabelSelector: {matchLabels: {rke.cattle.io/worker-role: 'true'}}\n"
    )
    (one,) = found("profile: cis", {"c.yaml": text})
    assert [name.rpartition("/")[2] for name in one.machines] == ["worker", "win"]
    assert one.problem.fix is not None
    assert one.problem.fix.edits[0].route[-4:] == ("machineSelectorConfig", 0, "config", "profile")


def test_what_would_reach_others_is_only_shown() -> None:
    text = CLUSTER.replace("VERSION", V33).replace("SETTINGS", "{}")
    (one,) = found("kubelet-arg: {value: [v=2], role: server}", {"c.yaml": text})
    assert one.problem.fix is not None
    assert one.problem.fix.safety is Safety.SHOWN


@pytest.mark.parametrize("settings", ["profile: {{ profile }}", "kubelet-arg: [{{ arguments }}]"])
def test_what_a_template_decides_is_a_note(settings: str) -> None:
    (one,) = found("profile: cis" if "profile" in settings else "kubelet-arg: [v=2]", {SERVER: f"cni: canal\n{settings}\n"})  # fmt: skip
    assert one.severity.name == "NOTE"
    assert one.problem.message.startswith("a template decides ")
    assert one.problem.fix is None


def test_what_does_not_parse_lacks_nothing_more() -> None:
    assert found("profile: cis", {SERVER: "cni: [canal"}) == []


def test_ranchers_own_file_is_left_alone() -> None:
    folder = SERVER.rpartition("/")[0]
    files = {SERVER: "cni: canal\n", f"{folder}/config.yaml.d/50-rancher.yaml": '{"cni": "canal"}'}
    (one,) = found("profile: cis", files)
    assert one.problem.fix is None
    assert one.problem.message.endswith("; set it in the Cluster's machineGlobalConfig")
