"""Does the engine decide what no rule alone can: who is told, how much it counts, and which fixes go together?"""

from __future__ import annotations

import textwrap

import pytest

from rke2_policies import catalog
from rke2_policies.document import DocumentId, Place
from rke2_policies.edits import Append, Edit, Remove, Rename, Set
from rke2_policies.engine import Report, evaluate, plan, weigh
from rke2_policies.file import File
from rke2_policies.finding import Finding, Fix, Problem, Safety, Severity
from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.policy_file import read_policy
from rke2_policies.yaml_source import Source

CLUSTER = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default, labels: {hosts: old}}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig: {kube-proxy-extra-env: GLOBAL}
    machinePools:
      - {name: cp, controlPlaneRole: true, etcdRole: true}
      - {name: worker, workerRole: true}
    machineSelectorConfig:
      - machineLabelSelector: {matchLabels: {rke.cattle.io/worker-role: "true"}}
        config: WORKERS
    machineSelectorFiles: FILES
"""
SECRET = """
      - machineLabelSelector: {matchLabels: {rke.cattle.io/control-plane-role: "true"}}
        fileSources:
          - secret:
              name: a
              items: [{key: b, path: /etc/rancher/rke2/config.yaml.d/60-c.yaml}]
"""
NOTE, WARNING, ERROR = Severity.NOTE, Severity.WARNING, Severity.ERROR


def cluster(pinned: str = "[IPTABLES_MODE=nft]", workers: str = "{}", files: str = "[]") -> str:
    """Return a Cluster of two pools, and what an entry for one of them sets."""
    text = CLUSTER.replace("GLOBAL", pinned).replace("WORKERS", workers)
    return text.replace("FILES", files)


def report(text: str, policy: str = "", path: str = "a.yaml", kind: str | None = None) -> Report:
    file = File(path, Source.read(path, text.encode()).documents, kind=kind)
    asked = read_policy("policy.yaml", textwrap.dedent(policy).encode()) if policy else DEFAULT
    return evaluate([file], asked)


def told(found: Report) -> dict[str, tuple[str, ...]]:
    """Return each rule that finds something, and the machines, without their cluster's name."""
    return {
        one.rule: tuple(name.rpartition("/")[2] for name in one.machines) for one in found.findings
    }


# What is said once.


@pytest.mark.parametrize(
    ("workers", "rule"),
    [
        pytest.param("{kube-proxy-extra-env: [A=1]}", "selector-drops-pin", id="the list is why"),
        pytest.param(
            "{kube-proxy-extra-env: [IPTABLES_MOD=nft]}", "misspelt-variable",
            id="what is wrong in the list says it better",
        ),
    ],
)  # fmt: skip
def test_a_pin_that_is_taken_away_is_told_once(workers: str, rule: str) -> None:
    assert told(report(cluster(workers=workers))) == {rule: ("worker",)}


def test_a_rule_that_is_off_leaves_it_to_the_others() -> None:
    workers = "{kube-proxy-extra-env: [A=1]}"
    found = report(cluster(workers=workers), "levels: {selector-drops-pin: off}")
    assert told(found) == {"missing-nft-pin": ("worker",)}


def test_what_is_wrong_on_all_machines_counts_as_much_as_on_the_worst() -> None:
    found = report(cluster("['IPTABLES_MODE=']", files=SECRET))
    assert {one.name.rpartition("/")[2]: one.verdict for one in found.machines} == {
        "cp": "unknown",
        "worker": "unpinned",
    }
    [empty] = [one for one in found.findings if one.rule == "empty-backend"]
    assert (empty.severity, len(empty.machines)) == (ERROR, 2)


# What is not ours, or not that.


def test_a_file_is_what_the_user_says() -> None:
    assert {one.origin for one in report(cluster()).machines} == {"rancher"}
    assert {one.origin for one in report(cluster(), kind="rke2-config").machines} == {"file"}


def test_an_object_that_takes_no_pin_is_shown_with_its_reason() -> None:
    found = report(cluster().replace("+rke2r1", "+k3s1"))
    [machine] = found.machines
    assert (machine.name, machine.verdict) == ("fleet-default/shop", "not-applicable")
    assert [one.reason for one in found.not_applicable] == [machine.reason]
    old = report(cluster().replace("v1.33.4", "v1.20.4"))
    assert {one.verdict for one in old.machines} == {"not-applicable"}
    assert len(old.not_applicable) == len({one.reason for one in old.machines})


def test_k3s_is_found_in_a_control_plane_as_well() -> None:
    text = """\
        apiVersion: rke.cattle.io/v1
        kind: RKEControlPlane
        metadata: {name: shop, namespace: fleet-default}
        spec:
          kubernetesVersion: v1.33.4+k3s1
          machineGlobalConfig: {kube-proxy-extra-env: [A=1]}
    """
    [finding] = report(textwrap.dedent(text)).findings
    assert finding.rule == "k3s-setting"
    assert finding.problem.place.route == ("spec", "machineGlobalConfig", "kube-proxy-extra-env")


# Which policy holds.


def test_a_node_is_judged_by_its_files_override() -> None:
    policy = """
        overrides:
          - paths: ["old/**"]
            params: {backend: legacy}
            reason: r
    """
    text = "kube-proxy-extra-env: [IPTABLES_MODE=legacy]\n"
    for path, verdict in (("old/etc/rancher/rke2/config.yaml", "pinned"),
                          ("new/etc/rancher/rke2/config.yaml", "legacy")):  # fmt: skip
        [machine] = report(text, policy, path).machines
        assert machine.verdict == verdict, path


@pytest.mark.parametrize(
    ("whom", "rules"),
    [
        ("clusters: [fleet-default/shop]", set()), ("clusters: [fleet-default/other]", {"k3s-setting"}),
        ("labels: {matchLabels: {hosts: old}}", set()), ("labels: {matchLabels: {hosts: new}}", {"k3s-setting"}),
    ],
)  # fmt: skip
def test_overrides_for_clusters_are_for_those_that_take_no_pin_as_well(
    whom: str, rules: set[str]
) -> None:
    policy = f"overrides: [{{{whom}, levels: {{k3s-setting: off}}, reason: r}}]"
    assert set(told(report(cluster().replace("+rke2r1", "+k3s1"), policy))) == rules


# How much it counts.


@pytest.mark.parametrize(
    ("rule", "own", "most", "level", "counts"),
    [
        pytest.param("missing-nft-pin", None, ERROR, None, ERROR, id="the rule's"),
        pytest.param("missing-nft-pin", WARNING, ERROR, None, WARNING, id="a better case"),
        pytest.param("k3s-setting", ERROR, ERROR, None, ERROR, id="a worse case"),
        pytest.param("missing-nft-pin", None, WARNING, None, WARNING, id="not sure"),
        pytest.param("k3s-setting", None, ERROR, ERROR, ERROR, id="the policy's"),
        pytest.param("k3s-setting", None, WARNING, ERROR, WARNING, id="the policy's, not sure"),
        pytest.param("missing-nft-pin", None, ERROR, NOTE, NOTE, id="the policy's, less"),
        pytest.param("k3s-setting", NOTE, ERROR, ERROR, WARNING, id="a better case moves up"),
        pytest.param("missing-nft-pin", WARNING, ERROR, WARNING, NOTE, id="a better case moves down"),
        pytest.param("missing-nft-pin", NOTE, ERROR, NOTE, NOTE, id="there is nothing below a note"),
        pytest.param("k3s-setting", ERROR, ERROR, ERROR, ERROR, id="there is nothing above an error"),
        pytest.param("k3s-setting", ERROR, WARNING, ERROR, WARNING, id="a worse case, not sure"),
        pytest.param("k3s-setting", ERROR, ERROR, NOTE, NOTE, id="less than the rule: nothing is more"),
    ],
)  # fmt: skip
def test_a_level_moves_what_a_rule_says(
    rule: str, own: Severity | None, most: Severity, level: Severity | None, counts: Severity
) -> None:
    problem = Problem("m", Place(DocumentId("a.yaml"), ()), severity=own, most=most)
    assert weigh(problem, catalog.rule(rule), level) == counts


# Which fixes are made together.


def found(*edits: Edit, rule: str = "a", safety: Safety = Safety.SAFE, path: str = "x") -> Finding:
    fix = Fix("t", edits, safety)
    return Finding(rule, ERROR, Problem("m", Place(DocumentId(path), ()), fix))


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        pytest.param(Set(("a",), 1), Set(("b",), 1), True, id="elsewhere"),
        pytest.param(Set(("a",), 1), Set(("a",), 2), False, id="the same"),
        pytest.param(Set(("a",), 1), Set(("a", "b"), 2), False, id="inside"),
        pytest.param(Set(("a", "b"), 1), Remove(("a",)), False, id="around"),
        pytest.param(Append(("a",), 1), Append(("a",), 2), False, id="two items"),
        pytest.param(Set(("a", 0), 1), Set(("a", 1), 1), True, id="two places of a list"),
        pytest.param(Rename(("a",), "b"), Set(("b",), 1), False, id="where a key is renamed to"),
        pytest.param(Set(("b", 0), 1), Rename(("a",), "b"), False, id="a key that is there by then"),
        pytest.param(Rename(("a",), "b"), Set(("a", 0), 1), False, id="what a renamed key holds"),
        pytest.param(Rename(("a",), "b"), Set(("c",), 1), True, id="beside a renamed key"),
    ],
)  # fmt: skip
def test_of_two_fixes_of_one_spot_the_first_is_made(one: Edit, other: Edit, both: bool) -> None:  # noqa: FBT001
    [fixes] = plan([found(one), found(other)]).values()
    assert [fix.edits for fix in fixes] == ([(one,), (other,)] if both else [(one,)])


def test_a_fix_is_made_as_a_whole_or_not_at_all() -> None:
    first, second = Set(("a",), 1), (Set(("b",), 1), Set(("a",), 2))
    assert [fix.edits for fix in plan([found(first), found(*second)])[DocumentId("x")]] == [
        (first,)
    ]


def test_documents_do_not_get_into_each_others_way() -> None:
    edit = Set(("a",), 1)
    assert set(plan([found(edit), found(edit, path="y")])) == {DocumentId("x"), DocumentId("y")}


@pytest.mark.parametrize(
    ("policy", "allow", "made"),
    [
        (DEFAULT, Safety.SAFE, {"safe"}), (DEFAULT, Safety.UNSAFE, {"safe", "unsafe"}),
        (DEFAULT, Safety.SHOWN, {"safe", "unsafe", "shown"}),
        (DEFAULT._replace(unfixable=("safe",)), Safety.UNSAFE, {"unsafe"}),
        (DEFAULT._replace(fixable=("unsafe",)), Safety.UNSAFE, {"unsafe"}),
        (DEFAULT._replace(fixable=("safe",), unfixable=("safe",)), Safety.UNSAFE, set()),
    ],
)  # fmt: skip
def test_only_what_may_be_fixed_is(policy: Policy, allow: Safety, made: set[str]) -> None:
    findings = [
        found(Set((safety.name.lower(),), 1), rule=safety.name.lower(), safety=safety)
        for safety in Safety
    ]
    plans = plan(findings, allow, policy)
    assert {
        str(edit.route[0]) for fixes in plans.values() for fix in fixes for edit in fix.edits
    } == made
