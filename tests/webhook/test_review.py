"""What a review is answered: what is injected, when, and what is said about it."""

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Mapping
from typing import Any

import jsonpatch
import pytest

from rke2_policies import catalog, engine
from rke2_policies.document import DocumentId
from rke2_policies.edits import Append, Edit, Remove, Set
from rke2_policies.file import File
from rke2_policies.finding import Fix, Safety, Severity
from rke2_policies.ignore import ANNOTATION as IGNORE_ANNOTATION
from rke2_policies.ignore_comments import ignores
from rke2_policies.policy import DEFAULT, Admission, Exemption, Params, Policy
from rke2_policies.policy_file import read_policy
from rke2_policies.route import find
from rke2_policies.yaml_source import Source
from rke2_webhook import review
from rke2_webhook.review import MAX_WARNING, MAX_WARNINGS, Decision, SelfCheckError, answer

KEY = "kube-proxy-extra-env"
PIN = "IPTABLES_MODE=nft"
SECTION = "/spec/rkeConfig/machineGlobalConfig"
PATH = f"{SECTION}/{KEY}"
GLOBAL_ROUTE = ("spec", "rkeConfig", "machineGlobalConfig", KEY)
RANCHER = "system:serviceaccount:cattle-system:rancher"
CP = {"name": "cp", "controlPlaneRole": True, "etcdRole": True, "quantity": 3}
WORKER = {"name": "worker", "workerRole": True, "quantity": 5}
WORKERS = {"matchLabels": {"rke.cattle.io/worker-role": "true"}}
SERVERS = {"matchLabels": {"rke.cattle.io/control-plane-role": "true"}}
ABSENT: Any = object()


def cluster(section: Any = ABSENT, /, **rke: Any) -> dict[str, Any]:
    """Return a Cluster of two pools whose machineGlobalConfig is `section`."""
    config = {"machinePools": [copy.deepcopy(CP), copy.deepcopy(WORKER)], **rke}
    if section is not ABSENT:
        config["machineGlobalConfig"] = section
    return {
        "apiVersion": "provisioning.cattle.io/v1",
        "kind": "Cluster",
        "metadata": {"name": "shop", "namespace": "fleet-default"},
        "spec": {"kubernetesVersion": "v1.33.4+rke2r1", "rkeConfig": config},
    }


def custom(section: Any = ABSENT, /, **rke: Any) -> dict[str, Any]:
    return cluster(section, **{"machinePools": None, **rke})


def entry(config: Any, selector: Any = ABSENT) -> dict[str, Any]:
    """Return an entry of machineSelectorConfig."""
    return {"config": config} | (
        {} if selector is ABSENT else {"machineLabelSelector": copy.deepcopy(selector)}
    )


def changed(tree: dict[str, Any], route: str, value: Any = ABSENT) -> dict[str, Any]:
    """Return a copy in which the value at a dotted route is another one, or gone."""
    tree = copy.deepcopy(tree)
    *above, last = (int(step) if step.isdigit() else step for step in route.split("/"))
    here: Any = tree
    for step in above:
        here = here.setdefault(step, {}) if isinstance(here, dict) else here[step]
    if value is ABSENT:
        del here[last]
    else:
        here[last] = value
    return tree


def ask(
    new: Any, old: Any = ABSENT, /, policy: Policy = DEFAULT, *, validate: bool = False,
    today: str = "2026-11-23", **request: Any,
) -> dict[str, Any]:  # fmt: skip
    """Return the response to a CREATE, or to an UPDATE where there is an old object."""
    asked = {
        "uid": "u-1",
        "operation": "CREATE" if old is ABSENT else "UPDATE",
        "userInfo": {"username": "user-abcde"},
        "object": new,
        "oldObject": None if old is ABSENT else old,
        **request,
    }
    before = copy.deepcopy(asked)
    said = answer({"request": asked}, policy, validate=validate, today=today)
    assert asked == before, "the request was changed"
    assert set(said) == {"apiVersion", "kind", "response"}
    response: dict[str, Any] = said["response"]
    return response


def patch(response: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(base64.b64decode(response.get("patch", "W10=")))
    return found


def decision(response: dict[str, Any]) -> str:
    return str(response["auditAnnotations"]["decision"])


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def admission(**fields: Any) -> Policy:
    return DEFAULT._replace(admission=Admission(**fields))


# What is injected into a new cluster.

INJECTED = [
    pytest.param(ABSENT, add(SECTION, {KEY: [PIN]}), id="no section"),
    pytest.param(None, add(SECTION, {KEY: [PIN]}), id="section null"),
    pytest.param({}, add(PATH, [PIN]), id="section empty"),
    pytest.param({"cni": "canal"}, add(PATH, [PIN]), id="section without the key"),
    pytest.param({KEY: None}, add(PATH, [PIN]), id="key null"),
    pytest.param({KEY: ""}, add(PATH, [PIN]), id="key an empty string"),
    pytest.param({KEY: []}, add(f"{PATH}/-", PIN), id="key an empty list"),
    pytest.param({KEY: "A=1"}, add(PATH, ["A=1", PIN]), id="scalar"),
    pytest.param({KEY: "A=1,B=2"}, add(PATH, ["A=1,B=2", PIN]), id="scalar with a comma"),
    pytest.param({KEY: ["A=1"]}, add(f"{PATH}/-", PIN), id="list"),
    pytest.param({KEY: ["A=1", "B=2"]}, add(f"{PATH}/-", PIN), id="list of two"),
    pytest.param({KEY: [42, None]}, add(f"{PATH}/-", PIN), id="list of no texts"),
    pytest.param({KEY: ["IPTABLES_MODE_OLD=legacy"]}, add(f"{PATH}/-", PIN), id="longer name"),
    pytest.param({KEY: ["OLD_IPTABLES_MODE=legacy"]}, add(f"{PATH}/-", PIN), id="other prefix"),
    pytest.param({KEY: ["IPTABLES_MODE=NFT"]}, add(PATH, [PIN]), id="NFT"),
    pytest.param({KEY: ["IPTABLES_MODE=nftables"]}, add(PATH, [PIN]), id="nftables"),
    pytest.param({KEY: ["IPTABLES_MODE=nf_tables"]}, add(PATH, [PIN]), id="nf_tables"),
    pytest.param({KEY: ['IPTABLES_MODE="nft"']}, add(PATH, [PIN]), id="double quotes"),
    pytest.param({KEY: ["IPTABLES_MODE='nft'"]}, add(PATH, [PIN]), id="single quotes"),
    pytest.param({KEY: "IPTABLES_MODE=NFT"}, add(PATH, PIN), id="scalar NFT"),
    pytest.param(
        {KEY: ["A=1", "IPTABLES_MODE=NFT", "B=2"]}, add(PATH, ["A=1", PIN, "B=2"]), id="amid others"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("section", "operation"), INJECTED)
def test_a_new_cluster_gets_the_pin(section: Any, operation: dict[str, Any]) -> None:
    response = ask(cluster(section))
    assert patch(response) == [operation]
    assert decision(response) == "injected"
    assert any("commit it to Git" in warning for warning in response["warnings"])


LEFT = [
    pytest.param({KEY: [PIN]}, "pinned", id="pinned"),
    pytest.param({KEY: PIN}, "pinned", id="pinned by a scalar"),
    pytest.param({KEY: ["IPTABLES_MODE=legacy"]}, "warned", id="legacy"),
    pytest.param({KEY: "IPTABLES_MODE=legacy"}, "warned", id="scalar legacy"),
    pytest.param({KEY: [PIN, "IPTABLES_MODE=legacy"]}, "warned", id="legacy after nft"),
    pytest.param({KEY: ["IPTABLES_MODE: legacy"]}, "warned", id="legacy, misspelt"),
    pytest.param({KEY: ["A=1,IPTABLES_MODE=legacy"]}, "warned", id="legacy after a comma"),
    pytest.param({KEY: ["IPTABLES_MODE=auto"]}, "warned", id="auto"),
    pytest.param({KEY: ["IPTABLES_MODE="]}, "warned", id="empty value"),
    pytest.param({KEY: {"IPTABLES_MODE": "nft"}}, "warned", id="map"),
    pytest.param({KEY: {}}, "warned", id="empty map"),
    pytest.param({KEY: [{"IPTABLES_MODE": "nft"}]}, "warned", id="list of maps"),
    pytest.param({KEY: ["A=1", {"name": "B", "value": "2"}]}, "warned", id="a map among texts"),
    pytest.param({KEY: 42}, "warned", id="number"),
    pytest.param({KEY: True}, "warned", id="boolean"),
]


@pytest.mark.parametrize(("section", "word"), LEFT)
def test_what_somebody_decided_or_nobody_can_read_is_left(section: Any, word: str) -> None:
    response = ask(cluster(section))
    assert patch(response) == []
    assert decision(response) == word
    assert bool(response.get("warnings")) == (word == "warned")


ENTRY = "/spec/rkeConfig/machineSelectorConfig/0/config/" + KEY
GIVEN = [
    pytest.param(None, add(ENTRY, [PIN]), id="null"),
    pytest.param("", add(ENTRY, [PIN]), id="empty string"),
    pytest.param([], add(f"{ENTRY}/-", PIN), id="empty list"),
    pytest.param("A=1", add(ENTRY, ["A=1", PIN]), id="scalar"),
    pytest.param(["A=1"], add(f"{ENTRY}/-", PIN), id="list"),
    pytest.param(["IPTABLES_MODE=NFT"], add(ENTRY, [PIN]), id="respelt"),
    pytest.param(["IPTABLES_MODE=legacy"], None, id="legacy"),
    pytest.param(["IPTABLES_MODE=auto"], None, id="another value"),
    pytest.param([PIN], None, id="pinned"),
    pytest.param({"IPTABLES_MODE": "nft"}, None, id="map"),
]


@pytest.mark.parametrize("make", [cluster, custom])
@pytest.mark.parametrize("section", [{KEY: [PIN]}, {}], ids=["global pin", "no global pin"])
@pytest.mark.parametrize(("value", "operation"), GIVEN)
def test_a_selectors_own_list_gets_the_pin(
    make: Any, section: Any, value: Any, operation: dict[str, Any] | None
) -> None:
    tree = make(section, machineSelectorConfig=[entry({KEY: value}, WORKERS)])
    wanted = [] if KEY in section else [add(PATH, [PIN])]
    wanted += [operation] if operation else []
    assert sorted(patch(ask(tree)), key=str) == sorted(wanted, key=str)


def test_a_custom_clusters_unknown_labels_get_the_pin() -> None:
    labelled = entry({KEY: ["A=1"]}, {"matchLabels": {"gpu": "true"}})
    tree = custom({KEY: [PIN]}, machineSelectorConfig=[labelled])
    assert patch(ask(tree)) == [add(f"{ENTRY}/-", PIN)]


def test_unknown_labels_keep_their_legacy() -> None:
    labelled = entry({KEY: ["IPTABLES_MODE=legacy"]}, {"matchLabels": {"gpu": "true"}})
    assert patch(ask(custom({KEY: [PIN]}, machineSelectorConfig=[labelled]))) == []


# When nothing is even looked at, or nothing is changed.

RESTORE = {"name": "snapshot", "generation": 1}
GUARDS = [
    pytest.param({"operation": "DELETE", "object": None}, "other-operation", id="DELETE"),
    pytest.param({"operation": "CONNECT"}, "other-operation", id="CONNECT"),
    pytest.param({"subResource": "status"}, "subresource", id="status"),
    pytest.param({"object": {"kind": "ConfigMap", "apiVersion": "v1"}}, "not-a-cluster", id="kind"),
    pytest.param(
        {"object": {"kind": "Cluster", "apiVersion": "management.cattle.io/v3"}},
        "not-a-cluster",
        id="another API's Cluster",
    ),
    pytest.param(
        {"object": changed(cluster(), "metadata/deletionTimestamp", "2026-11-23T00:00:00Z")},
        "deleting",
        id="deletion",
    ),
    pytest.param(
        {"object": changed(cluster(), "metadata/labels", {"rke2-lint.dev/webhook": "off"})},
        "opted-out",
        id="label",
    ),
    pytest.param(
        {"object": cluster(etcdSnapshotRestore={**RESTORE, "restoreRKEConfig": "all"})},
        "restoring",
        id="restore all",
    ),
    pytest.param(
        {"object": changed(cluster(), "spec/kubernetesVersion", "v1.33.4+k3s1")},
        "not-applicable",
        id="K3s",
    ),
    pytest.param({"object": changed(cluster(), "spec/rkeConfig")}, "not-applicable", id="imported"),
    pytest.param(
        {"object": changed(cluster(), "spec/rkeConfig", None)}, "not-applicable", id="rkeConfig null"
    ),
    pytest.param(
        {"object": cluster({"disable-kube-proxy": True})}, "not-applicable", id="kube-proxy off"
    ),
    pytest.param(
        {"object": cluster({"disable-kube-proxy": "true"})}, "not-applicable", id="off, as a text"
    ),
    pytest.param(
        {"object": changed(cluster(), "spec/kubernetesVersion", "v1.20.4+rke2r1")},
        "not-applicable",
        id="too old",
    ),
    pytest.param({"object": changed(cluster(), "spec/rkeConfig", "x")}, "malformed", id="a text"),
    pytest.param({"object": cluster([])}, "malformed", id="section a list"),
    pytest.param({"object": cluster(machineSelectorConfig=[entry("x")])}, "malformed", id="an entry's config a text"),
    pytest.param({"object": cluster(machineSelectorConfig=[entry({}, "x")])}, "malformed", id="a selector a text"),
    pytest.param({"object": cluster(machineSelectorConfig=["x"])}, "malformed", id="an entry a text"),
    pytest.param({"object": cluster(machinePools={})}, "malformed", id="pools a mapping"),
    pytest.param({"object": cluster(machinePools=[{"name": 1}])}, "malformed", id="a pool's name a number"),
    pytest.param({"object": cluster(machinePools=[{"machineOS": 1}])}, "malformed", id="a pool's system a number"),
    pytest.param({"object": cluster(machinePools=[{"labels": []}])}, "malformed", id="a pool's labels a list"),
]  # fmt: skip


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
@pytest.mark.parametrize("validate", [False, True], ids=["mutate", "validate"])
@pytest.mark.parametrize(("request_fields", "word"), GUARDS)
def test_it_keeps_out(
    request_fields: dict[str, Any], word: str, operation: str, *, validate: bool
) -> None:
    fields = {"operation": operation, "oldObject": cluster(), "object": cluster(), **request_fields}
    response = ask(
        fields.pop("object"), validate=validate, policy=admission(on_update="inject"), **fields
    )
    assert (decision(response), patch(response)) == (word, [])
    assert response["allowed"] is True


UNTOUCHED = [
    pytest.param(changed(cluster(), "spec/kubernetesVersion"), id="no version"),
    pytest.param(changed(cluster(), "spec/kubernetesVersion", ""), id="version empty"),
]


@pytest.mark.parametrize("tree", UNTOUCHED)
def test_what_may_not_be_rke2_is_not_changed(tree: dict[str, Any]) -> None:
    assert patch(ask(tree)) == []


HARMLESS = [
    pytest.param(cluster(etcdSnapshotRestore=None), id="restore null"),
    pytest.param(cluster(etcdSnapshotRestore=RESTORE), id="restore without the configuration"),
    pytest.param(
        cluster(etcdSnapshotRestore={**RESTORE, "restoreRKEConfig": "none"}), id="restore none"
    ),
    pytest.param(changed(cluster(), "metadata/deletionTimestamp", None), id="deletion null"),
    pytest.param(
        changed(cluster(), "metadata/labels", {"rke2-lint.dev/webhook": "on"}), id="label on"
    ),
    pytest.param(changed(cluster(), "status", {}), id="status empty"),
    pytest.param(
        changed(cluster(), "metadata/finalizers", ["example.com/mine"]), id="another's finalizer"
    ),
    pytest.param(cluster({"disable-kube-proxy": False}), id="kube-proxy on"),
]  # fmt: skip


@pytest.mark.parametrize("tree", HARMLESS)
def test_what_only_looks_like_a_reason_is_none(tree: dict[str, Any]) -> None:
    assert decision(ask(tree)) == "injected"


def test_an_empty_sub_resource_is_the_object_itself() -> None:
    assert decision(ask(cluster(), subResource="")) == "injected"


def annotated(text: Any) -> dict[str, Any]:
    return changed(cluster(), "metadata/annotations", {IGNORE_ANNOTATION: text})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        pytest.param("missing-nft-pin old hosts", "left-alone", id="one rule"),
        pytest.param("missing-nft-pin", "warned", id="no reason"),
        pytest.param("missing-nft-pin until=2026-11-23 old hosts", "left-alone", id="last day"),
        pytest.param("missing-nft-pin until=2026-11-22 old hosts", "injected", id="over"),
        pytest.param("missing-nft-pin until=spring old hosts", "injected", id="no day"),
        pytest.param("missing-nft-pin, invalid-backend old hosts", "left-alone", id="blanks"),
        pytest.param("invalid-backend,missing-nft-pin old hosts", "left-alone", id="two rules"),
        pytest.param("invalid-backend,missing-nft-pin,", "warned", id="a comma more"),
        pytest.param("invalid-backend old hosts", "injected", id="another rule"),
        pytest.param("missing-nft-pins old hosts", "injected", id="no rule"),
        pytest.param("invalid-backend missing-nft-pin", "injected", id="named in the reason"),
        pytest.param("", "injected", id="empty"),
        pytest.param(" ", "injected", id="blank"),
        pytest.param(["missing-nft-pin"], "injected", id="no text"),
    ],
)
def test_an_annotation_ignores_rules(text: Any, word: str) -> None:
    assert decision(ask(annotated(text))) == word


def test_an_ignored_rule_says_nothing() -> None:
    assert "warnings" not in ask(annotated("missing-nft-pin old hosts"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("missing-nft-pin", "this does not say why", id="no reason"),
        pytest.param(
            "missing-nft-pins old hosts", "there is no rule missing-nft-pins", id="no rule"
        ),
        pytest.param(
            "missing-nft-pin until=2026-11-22 old hosts", "ended with 2026-11-22", id="over"
        ),
    ],
)
def test_what_is_wrong_with_an_annotation_is_told(text: str, said: str) -> None:
    assert any(said in warning for warning in ask(annotated(text))["warnings"])


def test_nobody_is_told_of_an_annotation_that_is_there_for_the_linter() -> None:
    response = ask(annotated("missing-nft-pin,legacy-backend old hosts"))
    assert decision(response) == "left-alone"
    assert "warnings" not in response


def test_what_is_ignored_still_explains_why_there_is_no_pin() -> None:
    tree = cluster({KEY: ["IPTABLES_MODE=legacy"]})
    ignored = changed(tree, "metadata/annotations", {IGNORE_ANNOTATION: "legacy-backend old hosts"})
    response = ask(ignored)
    assert "warnings" not in response
    assert "patch" not in response


def exempt(where: str, until: str | None = None, rule: str = "missing-nft-pin") -> Policy:
    return DEFAULT._replace(exempt=(Exemption(rule, where, "old hosts", until),))


@pytest.mark.parametrize(
    ("policy", "word"),
    [
        pytest.param(exempt("fleet-default/shop"), "left-alone", id="by name"),
        pytest.param(exempt("fleet-default/*"), "left-alone", id="by namespace"),
        pytest.param(exempt("*/sho?"), "left-alone", id="by pattern"),
        pytest.param(exempt("fleet-default/shop", "2026-11-23"), "left-alone", id="last day"),
        pytest.param(exempt("fleet-default/shop", "2026-11-22"), "injected", id="over"),
        pytest.param(exempt("fleet-default/shop-2"), "injected", id="another cluster"),
        pytest.param(exempt("*", rule="invalid-backend"), "injected", id="another rule"),
    ],
)
def test_a_policy_exempts_clusters(policy: Policy, word: str) -> None:
    assert decision(ask(cluster(), policy=policy)) == word


def test_an_exemption_finds_the_namespace_in_the_request() -> None:
    tree = changed(cluster(), "metadata/namespace")
    response = ask(tree, policy=exempt("fleet-default/shop"), namespace="fleet-default")
    assert decision(response) == "left-alone"


def test_without_a_date_exemptions_hold() -> None:
    policy = exempt("fleet-default/shop", "1999-01-01")
    assert decision(ask(cluster(), policy=policy, today="")) == "left-alone"


@pytest.mark.parametrize("user", DEFAULT.admission.ignore_users)
def test_bookkeeping_is_let_through_without_a_word(user: str) -> None:
    new = changed(cluster({"cni": "canal"}), "spec/kubernetesVersion", "v1.34.1+rke2r1")
    response = ask(new, cluster(), userInfo={"username": user})
    assert (decision(response), patch(response)) == ("bookkeeping", [])
    assert "warnings" not in response


def test_whose_bookkeeping_is_let_through_is_the_policys() -> None:
    policy = admission(ignore_users=("ci",), on_update="inject")
    assert decision(ask(cluster(), cluster(), policy, userInfo={"username": "ci"})) == "bookkeeping"
    assert decision(ask(cluster(), cluster(), policy, userInfo={"username": RANCHER})) == "injected"


AGAIN = [
    pytest.param(changed(cluster(), "status", {"ready": True}), {}, id="status"),
    pytest.param(
        changed(cluster(), "metadata/finalizers", ["wrangler.cattle.io/provisioning-cluster-remove"]),
        {},
        id="finalizer",
    ),
    pytest.param(cluster(), {"userInfo": {"username": RANCHER}}, id="Rancher"),
    pytest.param(
        cluster(),
        {"userInfo": {"username": "system:serviceaccount:cattle-resources-system:rancher-backup"}},
        id="backup operator",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "fields"), AGAIN)
def test_a_running_cluster_that_is_created_again_is_only_warned(
    tree: dict[str, Any], fields: dict[str, Any]
) -> None:
    response = ask(tree, **fields)
    assert (decision(response), patch(response)) == ("recreated", [])
    assert response["warnings"] == [
        f"kube-proxy is not pinned to nft: commit {KEY}: [{PIN}] to Git"
    ]


def test_on_update_inject_holds_for_running_clusters_that_are_created_again() -> None:
    tree = changed(cluster(), "status", {"ready": True})
    assert decision(ask(tree, policy=admission(on_update="inject"))) == "injected"
    assert decision(ask(tree, policy=admission(on_update="off"))) == "off"


# The modes.

ROLLOUT = changed(cluster(), "spec/kubernetesVersion", "v1.34.1+rke2r1")


@pytest.mark.parametrize(
    ("mode", "word", "warns"),
    [("inject", "injected", True), ("warn", "warned", True), ("off", "off", False)],
)
def test_on_create(mode: str, word: str, *, warns: bool) -> None:
    response = ask(cluster(), policy=admission(on_create=mode, on_update="off"))
    assert (decision(response), "warnings" in response) == (word, warns)
    assert bool(patch(response)) == (word == "injected")


@pytest.mark.parametrize(
    ("mode", "new", "word", "warns"),
    [
        pytest.param("inject", cluster(), "injected", True, id="inject"),
        pytest.param("with-rollout", cluster(), "no-rollout", True, id="with-rollout, none"),
        pytest.param("with-rollout", ROLLOUT, "injected", True, id="with-rollout, one"),
        pytest.param("warn", ROLLOUT, "warned", True, id="warn"),
        pytest.param("off", ROLLOUT, "off", False, id="off"),
    ],
)
def test_on_update(mode: str, new: dict[str, Any], word: str, *, warns: bool) -> None:
    response = ask(new, cluster(), admission(on_update=mode, on_create="off"))
    assert (decision(response), "warnings" in response) == (word, warns)
    assert bool(patch(response)) == (word == "injected")


def test_an_update_leaves_selectors_entries_to_their_owner() -> None:
    selectors = [entry({KEY: ["A=1"]}, WORKERS)]
    tree = cluster({KEY: [PIN]}, machineSelectorConfig=selectors)
    assert patch(ask(tree, cluster(), admission(on_update="inject"))) == []


# With a rollout only.


def pools(*more: dict[str, Any]) -> list[dict[str, Any]]:
    return [copy.deepcopy(CP), copy.deepcopy(WORKER), *more]


FIRST: dict[str, Any] = cluster({"cni": "canal", "selinux": True})
LABELLED = [CP, {**WORKER, "labels": {"tier": "front"}}, {**WORKER, "name": "back"}]
FRONT = {"matchLabels": {"tier": "front"}}
UNLESS_GPU = {**WORKERS, "matchExpressions": [{"key": "gpu", "operator": "DoesNotExist"}]}
BOTH_WAYS = [
    pytest.param(
        FIRST, changed(FIRST, "spec/kubernetesVersion", "v1.34.1+rke2r1"), True, id="version"
    ),
    pytest.param(FIRST, cluster({"cni": "canal", "selinux": False}), True, id="a setting"),
    pytest.param(FIRST, cluster({"cni": "canal"}), True, id="a setting gone"),
    pytest.param(
        FIRST, cluster({"cni": "canal", "selinux": True, "debug": True}), True, id="a setting more"
    ),
    pytest.param(cluster({KEY: ["A=1"]}), cluster({KEY: ["A=2"]}), True, id="another variable"),
    pytest.param(
        cluster({KEY: ["IPTABLES_MODE=legacy"]}), cluster({}), False, id="legacy taken out"
    ),
    pytest.param(
        cluster({KEY: ["IPTABLES_MODE=auto"]}),
        cluster({KEY: ["IPTABLES_MODE=NFT"]}),
        False,
        id="the pin written otherwise",
    ),
    pytest.param(
        cluster(),
        cluster({KEY: ["IPTABLES_MODE=NFT", "IPTABLES_MODE: x"]}),
        False,
        id="the pin, once without its sign",
    ),
    pytest.param(FIRST, FIRST, False, id="nothing"),
    pytest.param(cluster(None), cluster({}), False, id="null and empty"),
    pytest.param(
        cluster(),
        cluster(machineSelectorConfig=[entry({"protect-kernel-defaults": True}, WORKERS)]),
        False,
        id="a selector for some",
    ),
    pytest.param(
        cluster(),
        cluster(machineSelectorConfig=[entry({"protect-kernel-defaults": True})]),
        True,
        id="a selector for all",
    ),
    pytest.param(
        cluster(),
        cluster(machineSelectorConfig=[entry({"no-such-setting": True})]),
        False,
        id="a selector that says nothing",
    ),
    pytest.param(
        cluster({"debug": True}, machineSelectorConfig=[entry({"debug": False})]),
        cluster({"debug": "x"}, machineSelectorConfig=[entry({"debug": False})]),
        False,
        id="a setting that another hides",
    ),
    pytest.param(cluster(), cluster({"etcd-expose-metrics": True}), False, id="server-only"),
    pytest.param(
        cluster(machinePools=[CP]),
        cluster({"etcd-expose-metrics": True}, machinePools=[CP]),
        True,
        id="server-only, and all are servers",
    ),
    pytest.param(
        cluster(machineSelectorConfig=[entry({KEY: [PIN]}, WORKERS)]),
        cluster({"etcd-expose-metrics": True}, machineSelectorConfig=[entry({KEY: [PIN]}, WORKERS)]),
        True,
        id="server-only, and a selector shields the others",
    ),
    pytest.param(
        cluster(machineSelectorConfig=[entry({KEY: [PIN]}, SERVERS)]),
        cluster({"etcd-expose-metrics": True}, machineSelectorConfig=[entry({KEY: [PIN]}, SERVERS)]),
        False,
        id="server-only, and a selector shields the servers",
    ),
    pytest.param(cluster(), cluster({"kube-proxy-extra-envs": ["A=1"]}), False, id="a key dropped"),
    pytest.param(cluster(), cluster({KEY + "+": ["A=1"]}), False, id="a key with a plus dropped"),
    pytest.param(cluster(), cluster({"lb-server-port": 6445}), False, id="a number dropped"),
    pytest.param(cluster(), cluster({"kubelet-arg": {"a": 1}}), False, id="a map dropped"),
    pytest.param(cluster(), cluster({"profile": None}), False, id="null pruned"),
    pytest.param(cluster(), cluster({"profile": ""}), False, id="an empty text pruned"),
    pytest.param(cluster(), cluster({"kubelet-arg": []}), False, id="an empty list pruned"),
    pytest.param(
        cluster(), cluster(machinePools=[CP, {**WORKER, "quantity": 9}]), False, id="quantity"
    ),
    pytest.param(
        cluster(), changed(cluster(), "metadata/labels", {"team": "a"}), False, id="labels"
    ),
    pytest.param(
        cluster(), changed(cluster(), "metadata/annotations", {"a": "b"}), False, id="annotations"
    ),
    pytest.param(
        cluster(), changed(cluster(), "metadata/finalizers", ["a.cattle.io/b"]), False, id="finalizer"
    ),
    pytest.param(
        cluster(),
        cluster(machinePools=[CP, {**WORKER, "labels": {"tier": "front"}}]),
        False,
        id="a pool's labels",
    ),
    pytest.param(
        cluster(), cluster(machinePools=pools({**WORKER, "name": "new"})), False, id="a pool comes"
    ),
    pytest.param(cluster(), cluster(machinePools=[CP]), False, id="a pool goes"),
    pytest.param(
        cluster(), cluster(machinePools=[CP, {**WORKER, "name": "new"}]), False, id="a pool renamed"
    ),
    pytest.param(
        cluster(machineSelectorConfig=[entry({KEY: [PIN]}, WORKERS)], machinePools=[WORKER]),
        cluster(machineSelectorConfig=[entry({KEY: [PIN]}, WORKERS)]),
        False,
        id="only a pool that comes would change",
    ),
    pytest.param(
        FIRST, cluster({"cni": "canal", "selinux": False}, machinePools=pools({**WORKER, "name": "new"})), True,
        id="a pool comes, and all others change",
    ),
    pytest.param(
        cluster(machinePools=LABELLED, machineSelectorConfig=[entry({"debug": False}, FRONT)]),
        cluster({"debug": True}, machinePools=LABELLED, machineSelectorConfig=[entry({"debug": False}, FRONT)]),
        False,
        id="a selector keeps a setting from some",
    ),
    pytest.param(
        cluster(machinePools=[CP, {**WORKER, "machineOS": "windows"}], machineSelectorConfig=[entry({"debug": True})]),
        cluster(
            machinePools=[CP, {**WORKER, "machineOS": "windows"}],
            machineSelectorConfig=[entry({"debug": True}), entry({"debug": False}, SERVERS)],
        ),
        False,
        id="Windows would restart, too",
    ),
    pytest.param(custom({"debug": True}), custom({"debug": False}), True, id="custom, a setting"),
    pytest.param(custom(), custom({"etcd-expose-metrics": True}), False, id="custom, server-only"),
    pytest.param(
        custom(), changed(custom(), "spec/kubernetesVersion", "v1.34.1+rke2r1"), True,
        id="custom, version",
    ),
    pytest.param(
        custom({"debug": True}, machineSelectorConfig=[entry({"debug": True}, FRONT)]),
        custom({"debug": False}, machineSelectorConfig=[entry({"debug": True}, FRONT)]),
        False,
        id="custom, a setting that labelled machines have otherwise",
    ),
    pytest.param(
        custom({"debug": True}),
        custom({"debug": False}, machineSelectorConfig=[entry({"debug": True}, FRONT)]),
        False,
        id="custom, a setting that labelled machines keep from now on",
    ),
    pytest.param(
        custom({"debug": True}, machineSelectorConfig=[entry({"debug": False}, FRONT)]),
        custom({"debug": False}),
        False,
        id="custom, a setting that labelled machines had before",
    ),
    pytest.param(
        custom(machineSelectorConfig=[entry({"debug": True})]),
        custom(machineSelectorConfig=[entry({"debug": False})]),
        True,
        id="custom, an entry for all",
    ),
    pytest.param(
        custom({"debug": True}, machineSelectorConfig=[entry({"debug": True}, {"matchLabels": {"x/worker-role": "a"}})]),
        custom({"debug": False}, machineSelectorConfig=[entry({"debug": True}, {"matchLabels": {"x/worker-role": "a"}})]),
        False,
        id="custom, a label that only looks like a role",
    ),
    pytest.param(
        custom({"debug": True}, machineSelectorConfig=[entry({"profile": "cis"}, FRONT)]),
        custom({"debug": False}, machineSelectorConfig=[entry({"profile": "cis"}, FRONT)]),
        True,
        id="custom, a setting that no selector touches",
    ),
    pytest.param(
        custom(machineSelectorConfig=[entry({KEY: [PIN]}, UNLESS_GPU)]),
        custom({"etcd-expose-metrics": True}, machineSelectorConfig=[entry({KEY: [PIN]}, UNLESS_GPU)]),
        False,
        id="custom, server-only, and some workers may not be shielded",
    ),
    pytest.param(custom({"debug": True}), cluster({"debug": False}), False, id="pools for custom"),
    pytest.param(cluster({"debug": True}), custom({"debug": False}), False, id="custom for pools"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "rolls"), BOTH_WAYS)
def test_an_update_injects_only_into_a_rollout(
    old: dict[str, Any], new: dict[str, Any], *, rolls: bool
) -> None:
    response = ask(new, old)
    assert decision(response) == ("injected" if rolls else "no-rollout")
    assert bool(patch(response)) == rolls
    assert response["warnings"]


# What an update takes out, and nothing else of its list.

FIRST_ENTRY = ("spec", "rkeConfig", "machineSelectorConfig", 0, "config")
TWO = ({KEY: ["A=1"]}, {KEY: ["A=1", PIN]})
KEPT = [
    pytest.param({KEY: ["A=1", PIN]}, {KEY: ["A=1"]}, id="list"),
    pytest.param({KEY: [PIN, "A=1"]}, {KEY: ["A=1"]}, id="pin first"),
    pytest.param({KEY: [PIN]}, {KEY: []}, id="list empty"),
    pytest.param({KEY: [PIN]}, {KEY: None}, id="key null"),
    pytest.param({KEY: [PIN]}, {KEY: ""}, id="key an empty string"),
    pytest.param({KEY: [PIN]}, {}, id="key gone"),
    pytest.param({KEY: [PIN]}, None, id="section null"),
    pytest.param({KEY: [PIN]}, ABSENT, id="section gone"),
    pytest.param({KEY: PIN}, {}, id="scalar gone"),
    pytest.param({KEY: ["A=1", PIN]}, {KEY: "A=1"}, id="list, and now a scalar"),
    pytest.param({KEY: ["A=1", PIN]}, {KEY: ["A=1", "IPTABLES_MODE=NFT"]}, id="respelt"),
    pytest.param({KEY: [PIN]}, {KEY: "IPTABLES_MODE=nftables"}, id="respelt scalar"),
    pytest.param({KEY: [PIN], "cni": "canal"}, {"cni": "calico"}, id="beside another change"),
]


@pytest.mark.parametrize("make", [cluster, custom])
@pytest.mark.parametrize("mode", ["with-rollout", "inject"])
@pytest.mark.parametrize(("was", "now"), KEPT)
def test_an_update_keeps_the_pin_that_it_only_leaves_out(
    make: Any, mode: str, was: Any, now: Any
) -> None:
    response = ask(make(now), make(was), admission(on_update=mode))
    (operation,) = patch(response)
    kept = jsonpatch.apply_patch(make(now), [operation])
    assert kept["spec"]["rkeConfig"]["machineGlobalConfig"][KEY] == was[KEY]
    assert decision(response) == "kept"
    assert response["warnings"] == [
        f"kept {PIN} in machineGlobalConfig: commit it to Git, or opt out: "
        "label rke2-lint.dev/webhook=off"
    ]
    assert patch(ask(kept, make(was), admission(on_update=mode))) == []


def test_an_update_keeps_a_respelt_pin_after_one_that_does_not_count() -> None:
    said = cluster({KEY: ["IPTABLES_MODE=legacy", "IPTABLES_MODE=NFT"]})
    stored = cluster({KEY: ["IPTABLES_MODE=legacy", PIN]})
    assert jsonpatch.apply_patch(said, patch(ask(said))) == stored
    again = ask(said, stored)
    assert decision(again) == "kept"
    assert jsonpatch.apply_patch(said, patch(again)) == stored


@pytest.mark.parametrize(
    ("make", "selector", "section"),
    [
        pytest.param(cluster, WORKERS, {KEY: [PIN]}, id="a role"),
        pytest.param(cluster, None, {KEY: [PIN]}, id="no selector"),
        pytest.param(cluster, WORKERS, {}, id="a role, and the global list"),
        pytest.param(custom, WORKERS, {KEY: [PIN]}, id="custom, a role"),
        pytest.param(custom, FRONT, {KEY: [PIN]}, id="custom, a label"),
        pytest.param(custom, FRONT, {}, id="custom, a label, and the global list"),
    ],
)
def test_a_selectors_entry_keeps_its_pin(make: Any, selector: Any, section: Any) -> None:
    old = make({KEY: [PIN]}, machineSelectorConfig=[entry({**TWO[1], "debug": True}, selector)])
    new = make(section, machineSelectorConfig=[entry({**TWO[0], "debug": False}, selector)])
    response = ask(new, old)
    kept = jsonpatch.apply_patch(new, patch(response))
    assert find(kept, FIRST_ENTRY) == {**TWO[1], "debug": False}
    assert kept["spec"]["rkeConfig"]["machineGlobalConfig"] == {KEY: [PIN]}
    assert decision(response) == "kept"
    assert any(one.startswith(f"kept {PIN} in machineSel") for one in response["warnings"])


def test_the_global_list_and_an_entrys_keep_their_pins_together() -> None:
    old = cluster(TWO[1], machineSelectorConfig=[entry(TWO[1], WORKERS)])
    new = cluster(TWO[0], machineSelectorConfig=[entry(TWO[0], WORKERS)])
    response = ask(new, old)
    assert jsonpatch.apply_patch(new, patch(response)) == old
    assert (decision(response), len(response["warnings"])) == ("kept", 2)


def test_a_rollout_injects_beside_what_it_keeps() -> None:
    old = cluster({}, machineSelectorConfig=[entry(TWO[1], WORKERS)])
    new = cluster({}, machineSelectorConfig=[entry(TWO[0], WORKERS)])
    rolling = changed(new, "spec/kubernetesVersion", "v1.34.1+rke2r1")
    response = ask(rolling, old)
    assert decision(response) == "injected"
    patched = jsonpatch.apply_patch(rolling, patch(response))
    assert find(patched, FIRST_ENTRY) == TWO[1]
    assert patched["spec"]["rkeConfig"]["machineGlobalConfig"] == {KEY: [PIN]}
    assert [one.partition(" ")[0] for one in response["warnings"]] == ["kept", "added"]


NOT_KEPT = [
    pytest.param(cluster({KEY: ["A=1"]}), cluster(TWO[0]), id="there was none"),
    pytest.param(cluster(TWO[1]), cluster({KEY: ["A=2"]}), id="another item changes"),
    pytest.param(cluster(TWO[1]), cluster({KEY: []}), id="another item goes, too"),
    pytest.param(
        cluster({KEY: ["A=1", "B=2", PIN]}), cluster({KEY: ["B=2", "A=1"]}), id="another order"
    ),
    pytest.param(cluster(TWO[1]), cluster({KEY: {"A": "1"}}), id="a map"),
    pytest.param(cluster({KEY: [PIN]}), cluster({KEY: ["IPTABLES_MODE=legacy"]}), id="legacy"),
    pytest.param(
        cluster({KEY: ["IPTABLES_MODE=legacy", PIN]}),
        cluster({KEY: ["IPTABLES_MODE=legacy"]}),
        id="legacy from now on",
    ),
    pytest.param(
        cluster({KEY: ["IPTABLES_MODE=legacy", PIN]}),
        cluster({KEY: ["IPTABLES_MODE=NFT", "IPTABLES_MODE=legacy"]}),
        id="legacy after it from now on",
    ),
    pytest.param(cluster({KEY: [PIN]}), cluster({KEY: ["IPTABLES_MODE=auto"]}), id="auto"),
    pytest.param(cluster({KEY: [PIN]}), cluster({KEY: ["IPTABLES_MODE: nft"]}), id="no sign"),
    pytest.param(
        cluster({KEY: [PIN]}),
        cluster({KEY: ["IPTABLES_MODE=legacy", "IPTABLES_MODE=NFT"]}),
        id="legacy, and misspelt",
    ),
    pytest.param(
        cluster({KEY: ["IPTABLES_MODE=legacy", "A=1"]}), cluster(TWO[0]), id="legacy taken out"
    ),
    pytest.param(
        cluster({KEY: [PIN, "IPTABLES_MODE=legacy"]}), cluster({}), id="legacy was the last"
    ),
    pytest.param(
        cluster(TWO[1], machineSelectorConfig=[entry(TWO[1], WORKERS)]),
        cluster(TWO[0], machineSelectorConfig=[entry({KEY: ["A=2"]}, WORKERS)]),
        id="another list changes",
    ),
    pytest.param(
        cluster({}, machineSelectorConfig=[entry(TWO[1], WORKERS)]),
        cluster({}, machineSelectorConfig=[entry(TWO[0], SERVERS)]),
        id="for other machines",
    ),
    pytest.param(
        cluster({}, machineSelectorConfig=[entry(TWO[1], WORKERS)]),
        cluster({}, machineSelectorConfig=[entry(TWO[0], WORKERS), entry(TWO[0], SERVERS)]),
        id="a list more",
    ),
    pytest.param(
        cluster(TWO[1]), changed(cluster(TWO[0]), "spec/kubernetesVersion", ""), id="not RKE2"
    ),
    pytest.param(cluster(TWO[1]), cluster({"disable-kube-proxy": True}), id="kube-proxy off"),
]


@pytest.mark.parametrize(("old", "new"), NOT_KEPT)
def test_an_update_that_does_more_to_a_list_is_left(old: dict[str, Any], new: Any) -> None:
    response = ask(new, old)
    assert decision(response) != "kept"
    # With a rollout of all machines the pin may come, but as always: at the end of what is there.
    for operation in patch(response):
        assert operation in (add(f"{PATH}/-", PIN), add(PATH, [PIN]))


LEAVES_OUT = changed(cluster(TWO[0]), "metadata/labels", {})


@pytest.mark.parametrize(
    ("new", "policy", "fields"),
    [
        pytest.param(LEAVES_OUT, admission(on_update="warn"), {}, id="onUpdate warn"),
        pytest.param(LEAVES_OUT, admission(on_update="off"), {}, id="onUpdate off"),
        pytest.param(LEAVES_OUT, admission(patch=("invalid-backend",)), {}, id="no such patch"),
        pytest.param(LEAVES_OUT, DEFAULT._replace(levels={"missing-nft-pin": None}), {}, id="off"),
        pytest.param(LEAVES_OUT, exempt("fleet-default/shop"), {}, id="exempt"),
        pytest.param(LEAVES_OUT, DEFAULT, {"userInfo": {"username": RANCHER}}, id="Rancher"),
        pytest.param(LEAVES_OUT, DEFAULT, {"oldObject": "x"}, id="old object unreadable"),
        pytest.param(
            LEAVES_OUT, DEFAULT._replace(params=Params(backend="legacy")), {}, id="legacy wanted"
        ),
        pytest.param(
            changed(LEAVES_OUT, "metadata/labels", {"rke2-lint.dev/webhook": "off"}),
            DEFAULT,
            {},
            id="the label",
        ),
        pytest.param(
            changed(LEAVES_OUT, "metadata/annotations", {IGNORE_ANNOTATION: "missing-nft-pin old hosts"}),
            DEFAULT,
            {},
            id="the annotation",
        ),
        pytest.param(
            changed(LEAVES_OUT, "spec/rkeConfig/etcdSnapshotRestore", {"restoreRKEConfig": "all"}),
            DEFAULT,
            {},
            id="restored",
        ),
    ],
)  # fmt: skip
def test_who_wants_the_pin_out_gets_it_out(
    new: dict[str, Any], policy: Policy, fields: dict[str, Any]
) -> None:
    response = ask(new, cluster(TWO[1]), policy, **fields)
    assert (decision(response) == "kept", patch(response)) == (False, [])


def test_a_wanted_legacy_pin_is_kept_as_well() -> None:
    legacy = "IPTABLES_MODE=legacy"
    policy = DEFAULT._replace(params=Params(backend="legacy"))
    response = ask(cluster({}), cluster({KEY: [legacy]}), policy)
    assert (decision(response), patch(response)) == ("kept", [add(PATH, [legacy])])
    assert f"kept {legacy} in machineGlobalConfig" in response["warnings"][0]


FOO = "FOO=bar"
REQUIRING = """
params:
  required-settings: {kube-proxy-extra-env: [FOO=bar]}
webhook:
  patch: [missing-nft-pin, selector-drops-pin, required-settings]
"""
ALL_THREE = {KEY: ["A=1", PIN, FOO]}


def requiring(more: str = "") -> Policy:
    return read_policy("policy.yaml", f"{REQUIRING}{more}".encode())


PATCHING_NO_ITEMS = read_policy("p.yaml", REQUIRING.replace(", required-settings]", "]").encode())


@pytest.mark.parametrize("make", [cluster, custom])
@pytest.mark.parametrize("mode", ["with-rollout", "inject"])
@pytest.mark.parametrize(
    ("now", "kept"),
    [
        pytest.param({KEY: ["A=1"]}, f"{PIN}, {FOO}", id="both go"),
        pytest.param({KEY: ["A=1", PIN]}, FOO, id="the item goes"),
        pytest.param({KEY: ["A=1", FOO]}, PIN, id="the pin goes"),
        pytest.param({KEY: ["A=1", "IPTABLES_MODE=NFT"]}, f"{PIN}, {FOO}", id="respelt"),
    ],
)
def test_an_update_keeps_required_items_that_it_only_leaves_out(
    make: Any, mode: str, now: Any, kept: str
) -> None:
    old = make(ALL_THREE, machineSelectorConfig=[entry(ALL_THREE, WORKERS)])
    new = make(now, machineSelectorConfig=[entry(now, WORKERS)])
    policy = requiring(f"  onUpdate: {mode}\n")
    response = ask(new, old, policy)
    assert decision(response) == "kept"
    patched = jsonpatch.apply_patch(new, patch(response))
    assert patched == old
    assert response["warnings"][0].startswith(f"kept {kept} in machineGlobalConfig: commit it")
    assert all(len(one) <= 120 for one in response["warnings"])
    assert patch(ask(patched, old, policy)) == []


@pytest.mark.parametrize(
    ("was", "now", "policy"),
    [
        pytest.param(ALL_THREE, {KEY: ["A=1", "FOO=other"]}, requiring(), id="another value"),
        pytest.param(TWO[1], {KEY: ["A=1", FOO]}, requiring(), id="one more item"),
        pytest.param({KEY: [PIN, FOO, FOO]}, {KEY: [FOO]}, requiring(), id="one of two alike"),
        pytest.param(ALL_THREE, TWO[0], requiring("  onUpdate: warn\n"), id="onUpdate warn"),
        pytest.param(
            ALL_THREE, TWO[0], PATCHING_NO_ITEMS,
            id="no such patch",
        ),
        pytest.param(
            ALL_THREE,
            TWO[0],
            requiring(
                "exempt: [{rule: required-settings, where: fleet-default/shop, reason: tries}]\n"
            ),
            id="exempt",
        ),
    ],
)  # fmt: skip
def test_required_items_that_somebody_wants_out_are_not_kept(
    was: Any, now: Any, policy: Policy
) -> None:
    old = cluster({KEY: [PIN]}, machineSelectorConfig=[entry(was, WORKERS)])
    new = cluster({KEY: [PIN]}, machineSelectorConfig=[entry(now, WORKERS)])
    response = ask(new, old, policy)
    assert decision(response) != "kept"
    patched = jsonpatch.apply_patch(new, patch(response)) if patch(response) else new
    assert find(patched, FIRST_ENTRY) == now


def test_validation_keeps_nothing() -> None:
    response = ask(LEAVES_OUT, cluster(TWO[1]), validate=True)
    assert (decision(response), patch(response)) == ("warned", [])


@pytest.mark.parametrize(
    "old",
    [
        pytest.param(None, id="null"),
        pytest.param("x", id="a text"),
        pytest.param({}, id="empty"),
        pytest.param({"kind": "Cluster"}, id="no Cluster of Rancher's"),
        pytest.param(changed(cluster(), "spec", None) | {"spec": []}, id="spec a list"),
        pytest.param(cluster([]), id="section a list"),
        pytest.param(cluster(machineSelectorConfig={}), id="selectors a map"),
        pytest.param(cluster(machinePools=["x"]), id="pools of texts"),
    ],
)
def test_an_old_object_that_cannot_be_read_is_a_warning(old: Any) -> None:
    response = ask(cluster({"cni": "canal"}), old)
    assert (decision(response), patch(response)) == ("old-object-unreadable", [])
    assert response["warnings"]


# The shape of an answer.


def test_an_answer_is_version_1_to_the_letter() -> None:
    new = cluster({"cni": "canal"})
    said = answer({"request": {"uid": "u-1", "operation": "CREATE", "object": new}})
    assert {name: said[name] for name in ("apiVersion", "kind")} == {
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
    }  # fmt: skip
    response = said["response"]
    assert set(response) == {
        "uid", "allowed", "patchType", "patch", "warnings", "auditAnnotations",
    }  # fmt: skip
    assert (response["uid"], response["allowed"]) == ("u-1", True)
    assert response["patchType"] == "JSONPatch"
    assert json.loads(base64.b64decode(response["patch"], validate=True)) == [add(PATH, [PIN])]
    assert response["auditAnnotations"] == {"decision": "injected"}


def test_an_answer_without_a_patch_has_no_patch_type() -> None:
    assert set(ask(cluster({KEY: [PIN]}))) == {"uid", "allowed", "auditAnnotations"}


@pytest.mark.parametrize(
    "uid", ["/etc/rancher/rke2/config.yaml", "/etc/rancher/rke2/config.yaml.d/50-rancher.yaml"]
)
def test_what_a_uid_says_is_of_no_account(uid: str) -> None:
    assert ask(cluster(), uid=uid) == {**ask(cluster()), "uid": uid}


def test_a_dry_run_is_answered_like_any_other() -> None:
    assert ask(cluster(), dryRun=True) == ask(cluster(), dryRun=False)


@pytest.mark.parametrize(("section", "operation"), INJECTED)
def test_the_patch_is_applied_once(section: Any, operation: dict[str, Any]) -> None:
    tree = cluster(section)
    patched = jsonpatch.apply_patch(tree, patch(ask(tree)))
    assert decision(ask(patched)) == "pinned"
    assert patch(ask(patched)) == []


def test_the_audit_log_names_the_rules() -> None:
    assert ask(cluster({KEY: ["IPTABLES_MODE=legacy"]}))["auditAnnotations"] == {
        "decision": "warned", "rules": "legacy-backend",
    }  # fmt: skip


def assert_fit_for_headers(warnings: list[str]) -> None:
    assert len(warnings) == len(set(warnings)) <= MAX_WARNINGS
    for warning in warnings:
        assert 0 < len(warning) <= MAX_WARNING
        assert warning.isprintable()


@pytest.mark.parametrize("section", [case.values[0] for case in (*INJECTED, *LEFT)])
@pytest.mark.parametrize("validate", [False, True], ids=["mutate", "validate"])
def test_warnings_fit_into_headers(section: Any, *, validate: bool) -> None:
    assert_fit_for_headers(ask(cluster(section), validate=validate).get("warnings", []))


def test_warnings_are_short_and_printable_whatever_the_object_says() -> None:
    values = [f"{i} é\x1b\u202e" for i in range(30)]
    warnings = ask(cluster({KEY: values}))["warnings"]
    assert_fit_for_headers(warnings)
    assert len(warnings) == MAX_WARNINGS
    assert warnings[-1] == "and 20 more: lint the Cluster with rke2-lint"
    assert_fit_for_headers(
        ask(cluster({KEY: [f"{i} é\n{'x' * 300}" for i in range(30)]}))["warnings"]
    )


PAGES = [
    pytest.param(example.before, id=f"{rule.id}-{number}")
    for rule in catalog.rules().values()
    for number, example in enumerate(rule.examples, 1)
    if example.before
]
ADVICE = re.compile(
    r"(?:commit kube-proxy-extra-env: \[IPTABLES_MODE=nft\] to Git"
    r"|mend it in Git(?:: (?P<title>.+)|, see rke2-lint rule (?P<rule>[a-z0-9-]+))?)\Z"
)


@pytest.mark.parametrize("pages", PAGES)
def test_a_warning_of_any_rule_ends_with_its_advice(pages: Mapping[str, str]) -> None:
    sources = [Source.read(path, text.encode()) for path, text in pages.items()]
    files = [File(one.path, one.documents, ignores=ignores(one)) for one in sources]
    for finding in engine.evaluate(files, DEFAULT, today="2026-11-23").findings:
        (warning,) = review.warnings(
            Decision("warned", findings=(finding._replace(severity=Severity.ERROR),))
        )
        advice = ADVICE.search(warning)
        assert advice is not None, warning
        assert advice["rule"] in (None, finding.rule)
        fix = finding.problem.fix
        if fix is not None and finding.rule != "missing-nft-pin" and not advice["rule"]:
            assert fix.title in warning
        assert_fit_for_headers([warning])


def test_a_warning_gives_way_to_its_advice_however_long_names_are() -> None:
    for key in ("kube-proxy-extra-envs", f"x{'-' * 300}"):
        tree = cluster({KEY: [PIN], key: ["A=1"], f"{KEY}+": [f"{'B' * 300}=1"]})
        for warning in ask(tree)["warnings"]:
            assert ADVICE.search(warning), warning


def test_warnings_are_for_what_counts() -> None:
    policy = DEFAULT._replace(levels={"missing-nft-pin": Severity.NOTE})
    response = ask(cluster(), policy=policy._replace(admission=Admission(on_create="warn")))
    assert "warnings" not in response
    assert response["auditAnnotations"] == {"decision": "left-alone", "rules": "missing-nft-pin"}


def test_a_selectors_entry_is_named_in_its_warning() -> None:
    tree = cluster({KEY: [PIN]}, machineSelectorConfig=[entry({KEY: ["A=1"]}, WORKERS)])
    assert ask(tree)["warnings"] == [
        f"added {KEY}: {PIN} in machineSelectorConfig[0]: commit it to Git"
    ]


@pytest.mark.parametrize(
    ("item", "told"),
    [
        pytest.param("A=1", f"added {KEY}: A=1 in machineGlobalConfig: commit it to Git", id="short"),
        pytest.param(f"A={'1' * 99}", "changed machineGlobalConfig: commit it to Git", id="long"),
    ],
)  # fmt: skip
def test_what_is_added_is_what_is_told(item: str, told: str) -> None:
    required = {
        "params": {"required-settings": {KEY: [item]}},
        "webhook": {"patch": ["required-settings"]},
    }
    policy = read_policy("policy.yaml", json.dumps(required).encode())
    response = ask(cluster({KEY: [PIN]}), policy=policy)
    assert patch(response) == [add(f"{PATH}/-", item)]
    assert response["warnings"] == [told]


# What a policy may.


@pytest.mark.parametrize("make", [cluster, custom])
def test_nothing_is_kept_where_an_entry_goes_or_comes(make: Any) -> None:
    entries = [entry({KEY: [PIN]}, WORKERS)]
    for old, new in (
        (make({KEY: [PIN]}, machineSelectorConfig=entries), make({})),
        (make({KEY: [PIN]}), make({}, machineSelectorConfig=entries)),
    ):
        assert decision(ask(new, old)) == "no-rollout"


def test_one_pinned_pool_is_not_all_of_them() -> None:
    warn = admission(on_create="warn")
    legacy = entry({KEY: ["IPTABLES_MODE=legacy"]}, WORKERS)
    assert (
        decision(ask(cluster({KEY: [PIN]}, machineSelectorConfig=[legacy]), policy=warn))
        == "warned"
    )
    assert decision(ask(cluster({KEY: [PIN]}), policy=warn)) == "pinned"


def test_an_override_for_files_is_none_for_an_object() -> None:
    text = b"overrides: [{paths: ['**'], params: {backend: legacy}, reason: r}]"
    response = ask(cluster(), policy=read_policy("policy.yaml", text))
    assert patch(response) == [add(SECTION, {KEY: [PIN]})]


@pytest.mark.parametrize(
    ("section", "edit"),
    [
        pytest.param(ABSENT, Set(("metadata", "labels"), {"a": "b"}), id="outside rkeConfig"),
        pytest.param(ABSENT, Set(("spec",), {}), id="around rkeConfig"),
        pytest.param({KEY: ["A=1"]}, Remove(GLOBAL_ROUTE), id="something goes"),
        pytest.param({KEY: ["IPTABLES_MODE=legacy"]}, Append(GLOBAL_ROUTE, PIN), id="somebody chose"),
        pytest.param({KEY: ["IPTABLES_MODE=x"]}, Append(GLOBAL_ROUTE, PIN), id="somebody chose wrongly"),
        pytest.param({KEY: "IPTABLES_MODE="}, Set(GLOBAL_ROUTE, ["IPTABLES_MODE=", PIN]), id="a text"),
        pytest.param({KEY: ["IPTABLES_MODE: Legacy"]}, Append(GLOBAL_ROUTE, PIN), id="somebody meant it"),
        pytest.param({KEY: "A=1"}, Append(GLOBAL_ROUTE, PIN), id="what does not fit"),
    ],
)  # fmt: skip
def test_a_fix_that_no_rule_has_today_would_not_be_made_either(
    section: Any, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = {DocumentId("u-1"): [Fix("t", (edit,))]}
    monkeypatch.setattr(review, "plan", lambda *_: plans)
    assert patch(ask(cluster(section))) == []


def test_a_rule_that_may_not_patch_only_warns() -> None:
    response = ask(cluster(), policy=admission(patch=("invalid-backend",)))
    assert (decision(response), patch(response)) == ("warned", [])


def test_a_rule_that_is_off_does_not_patch() -> None:
    policy = DEFAULT._replace(levels={"missing-nft-pin": None})
    assert (decision(ask(cluster(), policy=policy)), patch(ask(cluster(), policy=policy))) == (
        "left-alone", [],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "tree"),
    [
        pytest.param("misspelt-setting", cluster({"kube_proxy_extra_env": [PIN]}), id="rename"),
        pytest.param("pin-in-arguments", cluster({"kube-proxy-arg": [PIN]}), id="remove"),
        pytest.param("pruned-field", cluster({}, **{KEY: [PIN]}), id="move"),
    ],
)
def test_a_fix_that_takes_something_away_is_never_made(
    monkeypatch: pytest.MonkeyPatch, rule: str, tree: dict[str, Any]
) -> None:
    # No fix that removes is safe today; `add` could not say it if one were.
    monkeypatch.setattr(review, "plan", lambda findings, *_: engine.plan(findings, Safety.SHOWN))
    response = ask(tree, policy=admission(patch=(rule,)))
    assert rule in response["auditAnnotations"]["rules"]
    assert patch(response) == []


# The validating endpoint.


def test_validate_warns_and_never_patches() -> None:
    response = ask(cluster(), validate=True)
    assert set(response) == {"uid", "allowed", "warnings", "auditAnnotations"}
    assert (response["allowed"], decision(response)) == (True, "warned")


def test_validate_denies_what_the_policy_denies() -> None:
    response = ask(cluster(), policy=admission(deny=("missing-nft-pin",)), validate=True)
    assert response["allowed"] is False
    assert (response["status"]["code"], response["status"]["reason"]) == (422, "Invalid")
    assert response["status"]["message"].startswith(
        "refused by the policy default: missing-nft-pin: kube-proxy is not pinned to nft"
    )
    assert decision(response) == "denied"
    assert "patch" not in response


@pytest.mark.parametrize(
    ("tree", "policy", "fields"),
    [
        pytest.param(cluster({KEY: [PIN]}), DEFAULT, {}, id="nothing found"),
        pytest.param(cluster({KEY: ["IPTABLES_MODE=legacy"]}), DEFAULT, {}, id="another rule"),
        pytest.param(annotated("missing-nft-pin old hosts"), DEFAULT, {}, id="ignored"),
        pytest.param(cluster(), exempt("*/*"), {}, id="exempt"),
        pytest.param(
            cluster(), DEFAULT, {"oldObject": cluster(), "operation": "UPDATE", "userInfo": {"username": RANCHER}},
            id="bookkeeping",
        ),
        pytest.param(
            cluster(), DEFAULT._replace(levels={"missing-nft-pin": None}), {}, id="the rule is off"
        ),
    ],
)  # fmt: skip
def test_validate_denies_nothing_else(
    tree: dict[str, Any], policy: Policy, fields: dict[str, Any]
) -> None:
    denying = policy._replace(admission=Admission(deny=("missing-nft-pin",)))
    assert ask(tree, policy=denying, validate=True, **fields)["allowed"] is True


def test_mutate_denies_nothing() -> None:
    policy = admission(deny=("missing-nft-pin",), on_create="warn")
    assert ask(cluster(), policy=policy)["allowed"] is True


def test_a_denial_is_not_as_long_as_the_object() -> None:
    policy = admission(deny=("entry-without-equals",))
    tree = cluster({KEY: ["x" * 1_000 + str(i) for i in range(30)]})
    assert len(ask(tree, policy=policy, validate=True)["status"]["message"]) <= 2_000


# What leaves has been tried.


@pytest.mark.parametrize(
    ("operations", "reason"),
    [
        pytest.param([], "something else than additions", id="nothing"),
        pytest.param(
            [{"op": "replace", "path": PATH, "value": [PIN]}],
            "something else than additions",
            id="no addition",
        ),
        pytest.param(
            [add(f"{SECTION}/missing/{KEY}", [PIN])], "does not fit", id="where nothing is"
        ),
        pytest.param([add(PATH, ["A=1"])], "something else than its edits", id="another value"),
        pytest.param(
            [add(PATH, [PIN]), add("/spec/paused", "yes")],
            "something else than its edits",
            id="more than was meant",
        ),
        pytest.param([add(PATH, PIN)], "something else than its edits", id="another type"),
    ],
)
def test_a_patch_that_does_not_do_what_it_is_for_never_leaves(
    operations: list[dict[str, Any]], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the translation of edits had a fault; nothing else can make such a patch."""
    monkeypatch.setattr(review, "json_patch", lambda _, __: operations)
    new = cluster({"cni": "canal"})
    with pytest.raises(SelfCheckError, match=reason):
        ask(new)
    assert new == cluster({"cni": "canal"})


# What only somebody hostile sends.


def nested(depth: int, inside: Any) -> Any:
    for _ in range(depth):
        inside = [inside]
    return inside


@pytest.mark.parametrize("depth", [100, 300, 600, 900])
@pytest.mark.parametrize("validate", [False, True], ids=["mutate", "validate"])
@pytest.mark.parametrize(
    "place", [f"machineGlobalConfig/{KEY}", "machineGlobalConfig/kubelet-arg", "chartValues"]
)
def test_deep_nesting_is_let_through(depth: int, place: str, *, validate: bool) -> None:
    tree = cluster({})
    section, _, key = place.partition("/")
    for value in (nested(depth, "IPTABLES_MODE=NFT"), ["A=1", nested(depth, "x")]):
        tree["spec"]["rkeConfig"][section] = {key: value} if key else value
        asked = {"uid": "u", "operation": "UPDATE", "object": tree, "oldObject": cluster()}
        assert answer({"request": asked}, validate=validate)["response"]["allowed"] is True


@pytest.mark.parametrize("depth", [300, 600, 900])
def test_what_is_nested_elsewhere_is_no_hindrance(depth: int) -> None:
    tree = cluster(chartValues=nested(depth, "x"))
    asked = {"uid": "u", "operation": "CREATE", "object": tree}
    assert decision(answer({"request": asked})["response"]) == "injected"
