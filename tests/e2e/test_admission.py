"""The webhook behind the real API server: what is stored, what people are told, who is called.

Which webhooks see a Cluster is said by its labels, so that all of them are registered only once
and other tests' Clusters are nobody's here. `failurePolicy: Fail`: a call that fails would show.
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import jsonpatch
import pytest
from kube import DEVELOPER, RANCHER, Answer, Api, Kube, Pair, cluster, clusters, creation
from replicas import Replica, wait_for
from second_webhook import Behaviour, Reply, SecondWebhook, allowed, patched, review

from rke2_webhook.review import answer
from rke2_webhook.tls.authority import make_authority, make_leaf

KEY = "kube-proxy-extra-env"
PIN = "IPTABLES_MODE=nft"
PINNED = {KEY: [PIN]}
ABSENT: Any = object()

REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
# Labels: which of our webhooks sees a Cluster, which of the other server's, and whether it is
# only there to find out if a configuration is in force.
OURS, OTHERS, SENTINEL = (f"e2e.rke2-lint.dev/{word}" for word in ("ours", "others", "sentinel"))
_LEDGER = 0.15  # seconds until a request is in the metrics

# As webhook.md 6.3 has them, but that the first one asks for a spec: one that says no outweighs
# others that fail, and a Cluster without a spec would be forbidden under `failurePolicy: Fail`.
CONDITIONS = [
    {
        "name": "rke2",
        "expression": "has(object.spec) && "
        "has(object.spec.rkeConfig) && object.spec.rkeConfig != null && "
        "has(object.spec.kubernetesVersion) && object.spec.kubernetesVersion.contains('+rke2')",
    },
    {"name": "not-deleted", "expression": "!has(object.metadata.deletionTimestamp)"},
    {
        "name": "not-rancher",
        "expression": f"request.operation != 'UPDATE' || request.userInfo.username != '{RANCHER}'",
    },
    {
        "name": "not-restored",
        "expression": "!has(object.spec.rkeConfig.etcdSnapshotRestore) || "
        "object.spec.rkeConfig.etcdSnapshotRestore == null || "
        "!has(object.spec.rkeConfig.etcdSnapshotRestore.restoreRKEConfig) || "
        "object.spec.rkeConfig.etcdSnapshotRestore.restoreRKEConfig != 'all'",
    },
]

POLICY = "name: fleet\nwebhook:\n  deny: [legacy-backend]\n"


class Admission:
    """The API server with our webhook and another one, both registered."""

    def __init__(self, kube: Kube, replica: Replica, second: SecondWebhook) -> None:
        self.kube = kube
        self.replica = replica
        self.second = second
        self.developer = kube.user(DEVELOPER)
        self._numbers = itertools.count(1)

    def draft(
        self,
        section: object = ABSENT,
        /,
        *,
        ours: str = "",
        others: str = "",
        version: str = "v1.34.1+rke2r1",
        labels: Mapping[str, str] | None = None,
        **rke: object,
    ) -> dict[str, Any]:
        """Return a Cluster whose machineGlobalConfig is `section`, seen by these webhooks."""
        config = dict(rke) if section is ABSENT else {"machineGlobalConfig": section, **rke}
        draft = cluster(f"admitted-{next(self._numbers)}", config, version=version)
        chosen = {OURS: ours, OTHERS: others, **(labels or {})}
        draft["metadata"]["labels"] = {key: value for key, value in chosen.items() if value}
        return copy.deepcopy(draft)

    def create(self, draft: Mapping[str, Any], api: Api | None = None, **query: str) -> Answer:
        return (api or self.developer).create(clusters(), draft, **query)

    def existing(self, section: object = ABSENT, /, **rke: Any) -> dict[str, Any]:
        """Return a Cluster that was created when no webhook was there."""
        body: dict[str, Any] = self.create(self.draft(section, **rke)).expect(201).body
        return body

    def replace(self, tree: Mapping[str, Any], api: Api | None = None, **query: str) -> Answer:
        return (api or self.developer).replace(path(tree), tree, **query)

    def decision(self, said: Answer, webhook: str = "chart") -> str | None:
        """Return what our webhook decided, as the audit log has it; None if it was not asked."""
        notes = self.kube.audit_event(said).get("annotations", {})
        found: str | None = notes.get(f"{webhook}.rke2-lint.dev/decision")
        return found

    @property
    def calls(self) -> int:
        """How many requests our server has answered, by its own metrics."""
        time.sleep(_LEDGER)
        return int(self.replica.metric("rke2_webhook_requests_total"))


def path(tree: Mapping[str, Any]) -> str:
    """Return the path of an object."""
    return f"{clusters()}/{tree['metadata']['name']}"


def section_of(said: Answer) -> Any:
    """Return the machineGlobalConfig of the object that the API server answered with."""
    return said.expect().body["spec"]["rkeConfig"].get("machineGlobalConfig", ABSENT)


# Registration


def webhook(
    name: str, url: str, bundle: bytes, label: Mapping[str, list[str]], **more: object
) -> dict[str, Any]:
    """Return one webhook of a configuration, for Clusters that carry these labels."""
    selectors = [{"key": key, "operator": "In", "values": some} for key, some in label.items()]
    return {
        "name": f"{name}.rke2-lint.dev",
        "clientConfig": {"url": url, "caBundle": base64.b64encode(bundle).decode()},
        "rules": [rule("CREATE", "UPDATE")],
        "matchPolicy": "Equivalent",
        "objectSelector": {"matchExpressions": selectors},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "timeoutSeconds": 10,
        **more,
    }


def rule(*operations: str, resources: tuple[str, ...] = ("clusters",)) -> dict[str, Any]:
    return {
        "apiGroups": ["provisioning.cattle.io"],
        "apiVersions": ["v1"],
        "operations": operations,
        "resources": resources,
        "scope": "Namespaced",
    }


def configurations(
    port: int, second: SecondWebhook, ca: bytes
) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield all that is registered: kind, name and webhooks."""
    ours = f"https://127.0.0.1:{port}"
    mutating, validating = "mutatingwebhookconfigurations", "validatingwebhookconfigurations"
    again = {"reinvocationPolicy": "IfNeeded"}
    chart = webhook(
        "chart",
        f"{ours}/mutate",
        ca,
        {OURS: ["chart", "both"]},
        matchConditions=CONDITIONS,
        **again,
    )
    off = {"key": "rke2-lint.dev/webhook", "operator": "NotIn", "values": ["off"]}
    chart["objectSelector"]["matchExpressions"].append(off)
    everything = rule("*", resources=("clusters", "clusters/status"))
    yield (
        mutating,
        "m-ours",
        [
            chart,
            webhook("bare", f"{ours}/mutate", ca, {OURS: ["bare"]}, rules=[everything]),
            webhook("once", f"{ours}/mutate", ca, {OURS: ["once"]}),
        ],
    )
    yield (
        validating,
        "m-ours",
        [webhook("validate", f"{ours}/validate", ca, {OURS: ["validate", "both"]})],
    )
    # The API server calls them in the order of their configurations' names.
    for order, name in (("before", "a-second"), ("after", "z-second")):
        yield (
            mutating,
            name,
            [
                webhook(
                    f"{order}-{does}",
                    second.url(f"{order}-{does}", behaviour),
                    ca,
                    {OTHERS: [f"{order}-{does}"]},
                    **again,
                )
                for does, behaviour in SECOND.items()
            ],
        )
    for kind, name, rows in (
        (mutating, "faulty-mutating", FAULTS),
        (validating, "faulty-validating", VALIDATING_FAULTS),
    ):
        yield (
            kind,
            name,
            [
                webhook(
                    f"{row.name}-{policy.lower()}",
                    second.url(f"{row.name}-{policy.lower()}", row.behaviour),
                    ca,
                    {OTHERS: [f"{row.name}-{policy.lower()}"]},
                    failurePolicy=policy,
                    **row.registered,
                )
                for row in rows
                for policy in ("Fail", "Ignore")
            ],
        )


@pytest.fixture(scope="module")
def admission(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admission]:
    home = tmp_path_factory.mktemp("admission")
    now, day = datetime.now(UTC), timedelta(days=1)
    authority = make_authority("admission", now, day)
    leaf = make_leaf(authority, ("rke2-webhook.cattle-system.svc", "127.0.0.1"), now, day)
    pair = Pair(home / "tls.crt", home / "tls.key")
    pair.certificate.write_bytes(leaf.certificate)
    pair.key.write_bytes(leaf.key)
    (home / "policy.yaml").write_text(POLICY)
    settings = {
        "tls_mode": "files",
        "tls_directory": str(home),
        "policy": str(home / "policy.yaml"),
        "drain": "0s",
    }
    replica = Replica("admission", home, kube.kubeconfig, settings)
    made: list[str] = []
    try:
        with SecondWebhook(pair) as second:
            replica.until_ready()
            here = Admission(kube, replica, second)
            ca = authority.pem
            for kind, name, webhooks in configurations(replica.port, second, ca):
                sentinel = f"sentinel-{len(made)}"
                url = second.url(sentinel, _refuses)
                webhooks.append(webhook(sentinel, url, ca, {SENTINEL: [sentinel]}))
                registered = {"metadata": {"name": name}, "webhooks": webhooks}
                kube.admin.create(f"{REGISTRATION}/{kind}", registered).expect(201)
                made.append(f"{REGISTRATION}/{kind}/{name}")
            for number in range(len(made)):
                wait_for(partial(_in_force, here, f"sentinel-{number}"))
            yield here
    finally:
        for each in made:
            kube.admin.delete(each)
        replica.close()


def _refuses(request: dict[str, Any]) -> Reply:
    return Reply(review({"uid": request["uid"], "allowed": False, "status": {"code": 418}}))


def _in_force(here: Admission, sentinel: str) -> bool:
    return here.create(here.draft(labels={SENTINEL: sentinel}), dryRun="All").status == 418


# What is injected on CREATE

WORKERS = {"matchLabels": {"rke.cattle.io/worker-role": "true"}}

GLOBAL = [
    pytest.param(ABSENT, PINNED, id="no section"),
    pytest.param(None, PINNED, id="section null"),
    pytest.param({}, PINNED, id="section empty"),
    pytest.param({"cni": "canal"}, {"cni": "canal", **PINNED}, id="key missing"),
    pytest.param({KEY: None}, PINNED, id="key null"),
    pytest.param({KEY: []}, PINNED, id="key an empty list"),
    pytest.param({KEY: ""}, PINNED, id="key an empty text"),
    pytest.param({KEY: "A=1"}, {KEY: ["A=1", PIN]}, id="scalar"),
    pytest.param({KEY: ["A=1", "B=2"]}, {KEY: ["A=1", "B=2", PIN]}, id="list"),
    pytest.param({KEY: ["A=1", "IPTABLES_MODE=NFT"]}, {KEY: ["A=1", PIN]}, id="NFT"),
    pytest.param({KEY: ["IPTABLES_MODE=nftables"]}, PINNED, id="nftables"),
    pytest.param({KEY: ['IPTABLES_MODE="nft"']}, PINNED, id="quotes"),
    pytest.param({KEY: [PIN, "A=1"]}, ..., id="pinned"),
    pytest.param({KEY: ["IPTABLES_MODE=legacy"]}, ..., id="legacy"),
    pytest.param({KEY: ["IPTABLES_MODE=auto"]}, ..., id="another value"),
    pytest.param({KEY: {"IPTABLES_MODE": "nft"}}, ..., id="map"),
    pytest.param({KEY: [{"IPTABLES_MODE": "nft"}]}, ..., id="list of maps"),
    pytest.param({KEY: 42}, ..., id="number"),
]


@pytest.mark.parametrize(("said", "kept"), GLOBAL)
def test_a_new_cluster_is_stored_with_the_pin_or_as_it_is(
    admission: Admission, said: object, kept: object
) -> None:
    draft = admission.draft(said, ours="chart")
    made = admission.create(draft).expect(201)
    stored = admission.developer.get(path(draft)).expect()
    assert section_of(stored) == section_of(made) == (said if kept is ... else kept)
    _as_in_process(admission, draft, made)


SELECTED = [
    pytest.param({KEY: []}, PINNED, id="empty list"),
    pytest.param({KEY: None}, PINNED, id="null"),
    pytest.param({KEY: "A=1"}, {KEY: ["A=1", PIN]}, id="scalar"),
    pytest.param({KEY: ["A=1"]}, {KEY: ["A=1", PIN]}, id="list"),
    pytest.param({KEY: ["IPTABLES_MODE=NFT"]}, PINNED, id="respelt"),
    pytest.param({KEY: ["IPTABLES_MODE=legacy"]}, ..., id="legacy"),
    pytest.param({KEY: {"A": "1"}}, ..., id="map"),
    pytest.param({"profile": "cis"}, ..., id="another key"),
]


@pytest.mark.parametrize(("said", "kept"), SELECTED)
def test_a_selectors_own_list_is_stored_with_the_pin_or_as_it_is(
    admission: Admission, said: object, kept: object
) -> None:
    entry = {"machineLabelSelector": WORKERS, "config": said}
    draft = admission.draft({}, ours="chart", machineSelectorConfig=[entry])
    made = admission.create(draft).expect(201)
    config = made.body["spec"]["rkeConfig"]
    assert config["machineGlobalConfig"] == PINNED
    assert config["machineSelectorConfig"] == [{**entry, "config": said if kept is ... else kept}]
    _as_in_process(admission, draft, made)


def _as_in_process(admission: Admission, draft: dict[str, Any], made: Answer) -> None:
    """Assert that the API server did, told and noted what `answer` says of this draft."""
    response: Any = answer(creation(draft))["response"]
    operations = json.loads(base64.b64decode(response.get("patch", "W10=")))
    assert made.body["spec"] == jsonpatch.apply_patch(draft, operations)["spec"]
    assert made.warnings == tuple(response.get("warnings", ()))
    notes = admission.kube.audit_event(made)["annotations"]
    assert {
        key.partition("/")[2]: value
        for key, value in notes.items()
        if key.startswith("chart.rke2-lint.dev/")
    } == response["auditAnnotations"]
    noted = [
        json.loads(value)
        for key, value in notes.items()
        if key.startswith("mutation.webhook.admission.k8s.io/round_0_")
    ]
    assert noted == [
        {
            "configuration": "m-ours",
            "webhook": "chart.rke2-lint.dev",
            "mutated": bool(operations),
        }
    ]


def test_a_wrong_shape_is_refused_in_the_api_servers_own_words(admission: Admission) -> None:
    refused = admission.create(admission.draft([], ours="chart")).expect(422)
    assert "machineGlobalConfig: Invalid value" in refused.message
    assert admission.decision(refused) == "malformed"


def test_the_injection_is_told_to_whoever_creates(admission: Admission) -> None:
    made = admission.create(admission.draft({}, ours="chart")).expect(201)
    told = f"added {KEY}: {PIN} in machineGlobalConfig: commit it to Git"
    assert made.warnings == (told,)
    assert admission.decision(made) == "injected"


# Who is called

RESTORE = {"name": "snapshot", "generation": 1}


class Write(NamedTuple):
    """A write that the conditions of the registration let through, or not."""

    version: str | None = "v1.34.1+rke2r1"
    rke_config: object = {}
    labels: Mapping[str, str] = {}
    operation: str = "CREATE"
    user: str = DEVELOPER


@pytest.mark.parametrize(
    ("write", "calls"),
    [
        pytest.param(Write(), 1, id="RKE2"),
        pytest.param(Write(version="v1.34.1+k3s1"), 0, id="K3s"),
        pytest.param(Write(rke_config=ABSENT), 0, id="imported"),
        pytest.param(Write(version=None, rke_config=ABSENT), 0, id="nothing said"),
        pytest.param(Write(rke_config=None), 0, id="rkeConfig null"),
        pytest.param(Write(version=None), 0, id="no version"),
        pytest.param(Write(labels={"rke2-lint.dev/webhook": "off"}), 0, id="label off"),
        pytest.param(Write(labels={"rke2-lint.dev/webhook": "on"}), 1, id="label on"),
        pytest.param(
            Write(rke_config={"etcdSnapshotRestore": {**RESTORE, "restoreRKEConfig": "all"}}),
            0,
            id="restore all",
        ),
        pytest.param(
            Write(
                rke_config={
                    "etcdSnapshotRestore": {**RESTORE, "restoreRKEConfig": "kubernetesVersion"}
                }
            ),
            1,
            id="restore the version",
        ),
        pytest.param(Write(rke_config={"etcdSnapshotRestore": RESTORE}), 1, id="restore etcd"),
        pytest.param(Write(rke_config={"etcdSnapshotRestore": None}), 1, id="restore null"),
        pytest.param(Write(user=RANCHER), 1, id="created by Rancher"),
        pytest.param(Write(operation="UPDATE", user=RANCHER), 0, id="updated by Rancher"),
        pytest.param(Write(operation="UPDATE"), 1, id="updated by somebody"),
    ],
)
def test_the_conditions_let_through_what_may_need_the_pin(
    admission: Admission, write: Write, calls: int
) -> None:
    api = admission.kube.acting_as(write.user)
    draft = admission.draft(ours="chart", labels=write.labels)
    said = {"kubernetesVersion": write.version, "rkeConfig": write.rke_config}
    draft["spec"] = {key: value for key, value in said.items() if value not in (None, ABSENT)}
    if write.rke_config is None:
        draft["spec"]["rkeConfig"] = None
    if write.operation == "UPDATE":
        draft = admission.create(draft).expect(201).body
        draft["metadata"]["annotations"] = {"a": "1"}
    before = admission.calls
    answered = (
        admission.replace(draft, api)
        if "uid" in draft["metadata"]
        else (admission.create(draft, api))
    )
    answered.expect()
    assert admission.calls - before == calls
    assert (admission.decision(answered) is not None) == bool(calls)


def test_a_cluster_without_a_spec_is_created_nonetheless(admission: Admission) -> None:
    draft = admission.draft(ours="chart")
    del draft["spec"]
    before = admission.calls
    admission.create(draft).expect(201)
    assert admission.calls == before


def test_status_writes_are_nobodys_business(admission: Admission) -> None:
    made = admission.existing()
    label = {"metadata": {"labels": {OURS: "chart"}}}
    admission.developer.merge(path(made), label).expect()
    before = admission.calls
    written = admission.kube.admin.merge(f"{path(made)}/status", {"status": {"ready": True}})
    assert written.expect().body["status"] == {"ready": True}
    assert admission.calls == before


# UPDATE


def _new_version(tree: dict[str, Any]) -> None:
    tree["spec"]["kubernetesVersion"] = "v1.35.0+rke2r1"


def _new_setting(tree: dict[str, Any]) -> None:
    tree["spec"]["rkeConfig"].setdefault("machineGlobalConfig", {})["profile"] = "cis"


def _new_label(tree: dict[str, Any]) -> None:
    tree["metadata"]["labels"]["team"] = "shop"


def _more_machines(tree: dict[str, Any]) -> None:
    tree["spec"]["rkeConfig"]["machinePools"][0]["quantity"] = 5


def _another_pool(tree: dict[str, Any]) -> None:
    tree["spec"]["rkeConfig"]["machinePools"].append(_pool("b"))


def _opt_out(tree: dict[str, Any]) -> None:
    _new_version(tree)
    why = "missing-nft-pin,selector-drops-pin the nodes have no nft"
    tree["metadata"]["annotations"] = {"rke2-lint.dev/ignore": why}


def _pool(name: str) -> dict[str, Any]:
    reference = {"kind": "AmazonConfig", "name": name}
    roles = {"controlPlaneRole": True, "etcdRole": True, "workerRole": True}
    return {"name": name, "quantity": 3, "machineConfigRef": reference, **roles}


@pytest.mark.parametrize(
    ("change", "decision"),
    [
        pytest.param(_new_version, "injected", id="new version"),
        pytest.param(_new_setting, "injected", id="new setting"),
        pytest.param(_new_label, "no-rollout", id="label"),
        pytest.param(_more_machines, "no-rollout", id="quantity"),
        pytest.param(_another_pool, "no-rollout", id="another pool"),
        pytest.param(_opt_out, "left-alone", id="annotation"),
    ],
)
def test_an_update_injects_only_with_a_rollout(
    admission: Admission, change: Callable[[dict[str, Any]], None], decision: str
) -> None:
    tree = admission.existing({}, machinePools=[_pool("a")])
    tree["metadata"].setdefault("labels", {})[OURS] = "chart"
    change(tree)
    updated = admission.replace(tree)
    assert (section_of(updated).get(KEY) == [PIN]) == (decision == "injected")
    assert admission.decision(updated) == decision
    assert any("commit" in each for each in updated.warnings) == (decision != "left-alone")


def test_what_is_pinned_is_not_touched_again(admission: Admission) -> None:
    made = admission.create(admission.draft({}, ours="chart")).expect(201).body
    again = admission.replace(made).expect()
    assert again.body == made
    assert again.warnings == ()
    assert admission.decision(again) == "pinned"
    _new_version(made)
    assert section_of(admission.replace(made)) == PINNED


def test_a_dry_run_shows_the_pin_and_stores_nothing(admission: Admission) -> None:
    counted = partial(
        admission.replica.metric,
        "rke2_webhook_decisions_total",
        decision="injected",
        dry_run="true",
    )
    before = counted()
    draft = admission.draft({}, ours="chart")
    shown = admission.create(draft, dryRun="All")
    assert section_of(shown) == PINNED
    admission.developer.get(path(draft)).expect(404)
    wait_for(lambda: counted() == before + 1)


# Server-side apply


@pytest.mark.parametrize(
    "section",
    [
        pytest.param(ABSENT, id="no section"),
        pytest.param({}, id="section empty"),
        pytest.param({"cni": "canal"}, id="another key"),
    ],
)
def test_the_same_apply_again_changes_nothing(admission: Admission, section: object) -> None:
    draft = admission.draft(section, ours="chart")
    apply = partial(admission.developer.apply, path(draft), manager="git")
    first, again = apply(draft).expect(201), apply(draft).expect(200)
    assert section_of(first)[KEY] == [PIN]
    assert again.body == first.body
    # Git owns what it said; the pin is not part of it, so Git does not take it out either.
    (applied,) = (
        each["fieldsV1"]
        for each in first.body["metadata"]["managedFields"]
        if each["operation"] == "Apply"
    )
    assert KEY not in json.dumps(applied)
    # Once committed, as the warning asks, it is nobody's conflict.
    draft["spec"]["rkeConfig"]["machineGlobalConfig"] = section_of(first)
    committed = apply(draft).expect(200)
    assert committed.body["metadata"]["generation"] == first.body["metadata"]["generation"]
    assert section_of(committed) == section_of(first)


@pytest.mark.parametrize(
    ("section", "selectors"),
    [
        pytest.param({KEY: ["A=1"]}, [], id="the list"),
        pytest.param({}, [{"machineLabelSelector": WORKERS, "config": {KEY: ["A=1"]}}], id="entry"),
    ],
)
def test_a_list_that_git_itself_applies_keeps_its_pin(
    admission: Admission, section: dict[str, Any], selectors: list[Any]
) -> None:
    """Git's list replaces the stored one as a whole: without the pin, every node would restart.

    Nothing changes, not even the object's version, and whoever applies is told to commit it.
    """
    draft = admission.draft(section, ours="chart", machineSelectorConfig=selectors)
    apply = partial(admission.developer.apply, path(draft), manager="git")
    first, second, third = (apply(draft).expect() for _ in range(3))
    assert json.dumps(first.body["spec"]["rkeConfig"]).count(PIN) == 1 + len(selectors)
    assert first.body == second.body == third.body
    where = "machineSelectorConfig[0]" if selectors else "machineGlobalConfig"
    for again in (second, third):
        assert admission.decision(again) == "kept"
        (told,) = again.warnings
        assert told.startswith(f"kept {PIN} in {where}: commit it to Git, or opt out: ")
    draft["spec"] = first.body["spec"]
    committed = apply(draft).expect()
    assert (committed.warnings, admission.decision(committed)) == ((), "pinned")
    assert committed.body["metadata"]["generation"] == first.body["metadata"]["generation"]


def test_a_manifest_without_the_pin_replaces_all_but_the_pin(admission: Admission) -> None:
    """As Terraform does, and `kubectl replace`: the whole object, for the sake of one number."""
    tree = admission.existing(PINNED, machinePools=[_pool("a")])
    tree["metadata"].setdefault("labels", {})[OURS] = "chart"
    _more_machines(tree)
    del tree["spec"]["rkeConfig"]["machineGlobalConfig"]
    updated = admission.replace(tree)
    assert section_of(updated) == PINNED
    assert updated.body["spec"]["rkeConfig"]["machinePools"][0]["quantity"] == 5
    assert admission.decision(updated) == "kept"


@pytest.mark.parametrize(
    ("change", "decision"),
    [
        # The API server asks who saw the old object, too.
        pytest.param({"labels": {"rke2-lint.dev/webhook": "off"}}, "opted-out", id="label"),
        pytest.param(
            {"annotations": {"rke2-lint.dev/ignore": "missing-nft-pin old hosts"}},
            "left-alone",
            id="annotation",
        ),
    ],
)
def test_who_opts_out_may_take_the_pin_out(
    admission: Admission, change: dict[str, Any], decision: str
) -> None:
    made = admission.create(admission.draft({}, ours="chart")).expect(201).body
    without = {"spec": {"rkeConfig": {"machineGlobalConfig": {KEY: None}}}}
    kept = admission.developer.merge(path(made), without)
    assert (section_of(kept), admission.decision(kept)) == (PINNED, "kept")
    gone = admission.developer.merge(path(made), {"metadata": change, **without})
    assert (section_of(gone), admission.decision(gone)) == ({}, decision)


# Beside another webhook


def _appends(request: dict[str, Any]) -> Reply:
    return _adds(request, lambda items: [*items, "A=1"])


def _overwrites(request: dict[str, Any]) -> Reply:
    return _adds(request, lambda items: ["A=1"])


def _adds(request: dict[str, Any], changed: Callable[[list[str]], list[str]]) -> Reply:
    section = request["object"]["spec"]["rkeConfig"].get("machineGlobalConfig") or {}
    items = section.get(KEY) or []
    if "A=1" in items:
        return Reply(review(allowed(request)))
    return _sets(request, {**section, KEY: changed(items)})


def _adds_a_key(request: dict[str, Any]) -> Reply:
    section = request["object"]["spec"]["rkeConfig"].get("machineGlobalConfig") or {}
    if "profile" in section:
        return Reply(review(allowed(request)))
    return _sets(request, {**section, "profile": "cis"})


def _sets(request: dict[str, Any], section: dict[str, Any]) -> Reply:
    operation = {"op": "add", "path": "/spec/rkeConfig/machineGlobalConfig", "value": section}
    return Reply(review(patched(request, [operation])))


SECOND: dict[str, Behaviour] = {
    "appends": _appends,
    "overwrites": _overwrites,
    "adds-a-key": _adds_a_key,
}


@pytest.mark.parametrize("section", [ABSENT, None, {}], ids=["no section", "null", "empty"])
@pytest.mark.parametrize(
    ("others", "kept"),
    [
        pytest.param("before-appends", {KEY: ["A=1", PIN]}, id="appends, before"),
        pytest.param("after-appends", {KEY: [PIN, "A=1"]}, id="appends, after"),
        pytest.param("before-overwrites", {KEY: ["A=1", PIN]}, id="overwrites, before"),
        pytest.param("after-overwrites", {KEY: ["A=1", PIN]}, id="overwrites, after"),
        pytest.param("before-adds-a-key", {"profile": "cis", **PINNED}, id="adds a key, before"),
        pytest.param("after-adds-a-key", {"profile": "cis", **PINNED}, id="adds a key, after"),
    ],
)
def test_two_webhooks_agree_in_either_order(
    admission: Admission, section: object, others: str, kept: object
) -> None:
    draft = admission.draft(section, ours="chart", others=others)
    made = admission.create(draft).expect(201)
    assert section_of(made) == kept
    assert admission.replace(made.body).expect().body == made.body


def test_without_reinvocation_another_webhook_has_the_last_word(admission: Admission) -> None:
    """Why the chart says `reinvocationPolicy: IfNeeded`."""
    draft = admission.draft({}, ours="once", others="after-overwrites")
    assert section_of(admission.create(draft)) == {KEY: ["A=1"]}


# Without conditions: what the webhook keeps out of by itself


@pytest.mark.parametrize(
    ("change", "user", "decision"),
    [
        pytest.param({}, RANCHER, "bookkeeping", id="Rancher"),
        pytest.param(
            {"etcdSnapshotRestore": {**RESTORE, "restoreRKEConfig": "all"}},
            DEVELOPER,
            "restoring",
            id="restore all",
        ),
        pytest.param({"etcdSnapshotRestore": None}, DEVELOPER, "injected", id="restore null"),
    ],
)
def test_a_new_version_injects_but_into_others_work(
    admission: Admission, change: dict[str, Any], user: str, decision: str
) -> None:
    tree = admission.existing({})
    tree["metadata"].setdefault("labels", {})[OURS] = "bare"
    tree["spec"]["rkeConfig"].update(change)
    _new_version(tree)
    updated = admission.replace(tree, admission.kube.acting_as(user))
    assert section_of(updated) == (PINNED if decision == "injected" else {})
    assert admission.decision(updated, "bare") == decision


@pytest.mark.parametrize(
    ("more", "user"),
    [
        pytest.param({"status": {"ready": True}}, DEVELOPER, id="a status"),
        pytest.param(
            {"metadata": {"finalizers": ["wrangler.cattle.io/provisioning-cluster-remove"]}},
            DEVELOPER,
            id="Rancher's finalizers",
        ),
        pytest.param({}, RANCHER, id="by Rancher"),
        pytest.param(
            {}, "system:serviceaccount:cattle-resources-system:rancher-backup", id="by the backup"
        ),
    ],
)
def test_a_running_cluster_that_is_created_again_is_left(
    admission: Admission, more: dict[str, Any], user: str
) -> None:
    draft = admission.draft({}, ours="chart")
    draft["metadata"] |= more.get("metadata", {})
    draft |= {key: value for key, value in more.items() if key != "metadata"}
    # As `user`, but with the rights to do it.
    made = admission.create(draft, admission.kube.acting_as(user, "system:masters"))
    assert section_of(made) == {}
    assert admission.decision(made) == "recreated"
    assert made.warnings


@pytest.mark.parametrize("ours", ["chart", "bare"])
def test_deletion_goes_its_way(admission: Admission, ours: str) -> None:
    tree = admission.existing({})
    tree["metadata"].setdefault("labels", {})[OURS] = ours
    tree["metadata"]["finalizers"] = ["e2e.rke2-lint.dev/held"]
    admission.replace(tree).expect()
    deleted = admission.developer.delete(path(tree)).expect()
    released = admission.developer.merge(path(tree), {"metadata": {"finalizers": None}})
    assert section_of(released) == {}
    admission.developer.get(path(tree)).expect(404)
    bare = ours == "bare"
    assert admission.decision(deleted, ours) == ("other-operation" if bare else None)
    assert admission.decision(released, ours) == ("deleting" if bare else None)


def test_a_status_write_that_is_asked_about_is_left(admission: Admission) -> None:
    made = admission.create(admission.draft({KEY: ["A=1"]}, ours="bare")).expect(201).body
    written = admission.kube.admin.merge(f"{path(made)}/status", {"status": {"ready": True}})
    assert written.expect().body["status"] == {"ready": True}
    assert admission.decision(written, "bare") == "subresource"


# The other endpoint


@pytest.mark.parametrize(
    ("section", "decision"),
    [
        pytest.param({}, "warned", id="no pin"),
        pytest.param(PINNED, "pinned", id="pinned"),
        pytest.param({KEY: {"A": "1"}}, "warned", id="a map"),
    ],
)
def test_validation_warns_and_changes_nothing(
    admission: Admission, section: dict[str, Any], decision: str
) -> None:
    made = admission.create(admission.draft(section, ours="validate")).expect(201)
    assert section_of(made) == section
    assert admission.decision(made, "validate") == decision
    assert bool(made.warnings) == (decision == "warned")


def test_validation_refuses_what_the_policy_denies(admission: Admission) -> None:
    draft = admission.draft({KEY: ["IPTABLES_MODE=legacy"]}, ours="validate")
    refused = admission.create(draft).expect(422)
    assert refused.message.startswith(
        'admission webhook "validate.rke2-lint.dev" denied the request: '
        "refused by the policy fleet: legacy-backend: "
    )
    assert admission.decision(refused, "validate") == "denied"
    admission.developer.get(path(draft)).expect(404)


def test_what_one_endpoint_injects_the_other_finds(admission: Admission) -> None:
    made = admission.create(admission.draft({}, ours="both")).expect(201)
    assert section_of(made) == PINNED
    assert admission.decision(made) == "injected"
    assert admission.decision(made, "validate") == "pinned"


# What the API server makes of bad answers (webhook.md 4.20): what our answers must never be

CHANGED = {"cni": "canal"}
ADD = {"op": "add", "path": "/spec/rkeConfig/machineGlobalConfig", "value": CHANGED}
INVALID = "received invalid webhook response"


class Verdict(NamedTuple):
    """What a user gets: HTTP status, words of the message, and whether the patch was made."""

    status: int = 201
    words: str = ""
    changed: bool = False


PASSED = Verdict()
DONE = Verdict(changed=True)


class Fault(NamedTuple):
    """A behaviour, and what comes of it under `failurePolicy` Fail and Ignore."""

    name: str
    behaviour: Behaviour
    fail: Verdict
    ignore: Verdict = PASSED
    registered: Mapping[str, Any] = {}
    called: bool = True


def _answers(change: Callable[[dict[str, Any]], Any], **more: Any) -> Behaviour:
    """Return a behaviour that answers rightly, but for one change."""

    def behave(request: dict[str, Any]) -> Reply:
        response = patched(request, [ADD])
        return Reply(review(change(response) or response), **more)

    return behave


def _patches(*operations: dict[str, Any]) -> Behaviour:
    return lambda request: Reply(review(patched(request, operations)))


def _refusing(**status: Any) -> Behaviour:
    return lambda request: Reply(review({"uid": request["uid"], "allowed": False, **status}))


def _fails(code: int, _: dict[str, Any]) -> Reply:
    return Reply("no", code, "text/plain")


def _nothing(_: dict[str, Any]) -> None:
    """Change nothing."""


MISSING = "/spec/rkeConfig/machineGlobalConfig/nothing/here"

WARNINGS = [*["x" * 255] * 20, "y" * 300, "two\nlines", "an ordinary one"]

FAULTS = [
    Fault("well", _answers(_nothing), DONE, DONE),
    Fault("wrong-uid", _answers(lambda r: r.update(uid="another")), Verdict(500, INVALID)),
    Fault("no-patch-type", _answers(lambda r: r.pop("patchType") and None), Verdict(500, INVALID)),
    Fault("empty-object", lambda _: Reply({}), Verdict(500, INVALID)),
    Fault("html", lambda _: Reply("<html>", kind="text/html"), Verdict(500, "failed calling")),
    Fault(
        "v1beta1", lambda r: Reply(review(patched(r, [ADD]), "v1beta1")), Verdict(500, "converting")
    ),
    Fault("warns", _answers(lambda r: r.update(warnings=WARNINGS)), DONE, DONE),
    *(
        Fault(
            f"http-{code}",
            partial(_fails, code),
            Verdict(500, "failed calling webhook"),
        )
        for code in (400, 413, 429, 500, 503)
    ),
    Fault(
        "slow",
        _answers(_nothing, delay=3),
        Verdict(500, "deadline exceeded"),
        registered={"timeoutSeconds": 1},
    ),
    Fault("no-patch", _answers(lambda r: r.update(patch="bm8=")), Verdict(500)),
    Fault("text-plain", _answers(_nothing, kind="text/plain"), DONE, DONE),
    Fault(
        "denied",
        _refusing(status={"code": 422, "message": "not today"}),
        Verdict(422, "denied the request: not today"),
        Verdict(422, "denied the request: not today"),
    ),
    Fault(
        "denied-silently",
        _refusing(),
        Verdict(400, "without explanation"),
        Verdict(400, "without explanation"),
    ),
    Fault(
        "replaces-nothing",
        _patches({"op": "replace", "path": MISSING, "value": 1}),
        Verdict(500),
        Verdict(500),
    ),
    Fault(
        "test-fails",
        _patches({"op": "test", "path": "/spec/kubernetesVersion", "value": "x"}, ADD),
        Verdict(500),
        Verdict(500),
    ),
    Fault(
        "condition-fails",
        _answers(_nothing),
        Verdict(403, "object.spec.nothing"),
        registered={
            "matchConditions": [{"name": "broken", "expression": "object.spec.nothing == 'x'"}]
        },
        called=False,
    ),
]

VALIDATING_FAULTS = [
    Fault("validating-patch", _answers(_nothing), Verdict(500, INVALID)),
    Fault("validating-500", lambda _: Reply("no", 500), Verdict(500, "failed calling webhook")),
    Fault("validating-well", lambda r: Reply(review(allowed(r))), PASSED),
]


@pytest.mark.parametrize("policy", ["fail", "ignore"])
@pytest.mark.parametrize("fault", [*FAULTS, *VALIDATING_FAULTS], ids=lambda fault: fault.name)
def test_what_becomes_of_an_answer(admission: Admission, fault: Fault, policy: str) -> None:
    verdict: Verdict = getattr(fault, policy)
    name = f"{fault.name}-{policy}"
    before, began = admission.second.calls(name), time.monotonic()
    said = admission.create(admission.draft({}, others=name)).expect(verdict.status)
    took = time.monotonic() - began
    assert verdict.words in said.message
    if said.ok:
        assert section_of(said) == (CHANGED if verdict.changed else {})
    assert admission.second.calls(name) - before == fault.called
    if fault.name == "slow":
        assert 1 <= took < 3


def test_of_many_warnings_each_arrives_once_if_it_is_one_line(admission: Admission) -> None:
    said = admission.create(admission.draft({}, others="warns-fail")).expect(201)
    assert said.warnings == ("x" * 255, "y" * 300, "an ordinary one")


def test_what_fails_open_is_counted(admission: Admission) -> None:
    name = "http-500-ignore"
    counted = partial(
        admission.kube.metric,
        "apiserver_admission_webhook_fail_open_count",
        name=f"{name}.rke2-lint.dev",
    )
    before = counted()
    admission.create(admission.draft({}, others=name)).expect(201)
    assert counted() == before + 1
