"""What the API server does with a Cluster: the facts that our rules and the webhook rely on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import lightkube
import pytest
import yaml
from conftest import MINIMAL, RANCHERS
from kube import DEVELOPER, GROUP, RANCHER, Answer, Kube, cluster, clusters, find_event
from lightkube.resources.core_v1 import Namespace

PIN = {"kube-proxy-extra-env": ["IPTABLES_MODE=nft"]}
# The minimal definition lives beside Rancher's under a group of its own, so both are asked the same.
MINIMAL_GROUP = "minimal.rke2-lint.dev"


class Clusters(NamedTuple):
    """The clusters under one definition: what the tests below ask."""

    kube: Kube
    group: str
    new_name: Callable[[], str]

    @property
    def path(self) -> str:
        return clusters(group=self.group)

    def made(self, rke_config: object, **query: str) -> Answer:
        """Create a cluster with this rkeConfig."""
        return self.kube.admin.create(self.path, self.draft(rke_config), **query)

    def stored(self, rke_config: object) -> Any:
        """Return what is stored of this rkeConfig."""
        name = self.made(rke_config).expect(201).body["metadata"]["name"]
        return self.kube.admin.get(f"{self.path}/{name}").expect().body["spec"]["rkeConfig"]

    def draft(self, rke_config: object) -> dict[str, Any]:
        return cluster(self.new_name(), rke_config, group=self.group)


@pytest.fixture(scope="session")
def minimal(kube: Kube) -> str:
    """The group under which the minimal definition is served."""
    definition = yaml.safe_load(MINIMAL.read_text())
    definition["spec"]["group"] = MINIMAL_GROUP
    definition["metadata"]["name"] = f"clusters.{MINIMAL_GROUP}"
    kube.define(definition)
    return MINIMAL_GROUP


# Where Rancher's is not at hand, one test below is skipped and says so; no need to say it of each.
@pytest.fixture(params=["Rancher's", "minimal"] if RANCHERS.exists() else ["minimal"])
def under(request: pytest.FixtureRequest, kube: Kube, new_name: Callable[[], str]) -> Clusters:
    group = request.getfixturevalue("minimal") if request.param == "minimal" else GROUP
    return Clusters(kube, group, new_name)


# The server itself


def test_the_api_server_is_ready_and_says_its_version(kube: Kube) -> None:
    assert kube.admin.get("/readyz").expect().body["text"] == "ok"
    assert kube.admin.get("/version").expect().body["gitVersion"].startswith("v1.")


def test_rbac_is_on(kube: Kube, new_name: Callable[[], str]) -> None:
    draft = cluster(new_name(), None)
    kube.user("stranger").create(clusters(), draft).expect(403)
    developer = kube.user(DEVELOPER)
    developer.create(clusters(), draft).expect(201)
    developer.get("/api/v1/namespaces/cattle-system/secrets").expect(403)


def test_groups_come_with_the_certificate_and_with_impersonation(kube: Kube) -> None:
    for api in (kube.user("jane", "fleet", "ops"), kube.acting_as("jane", "fleet", "ops")):
        jane = _who(api.create)
        assert jane["username"] == "jane"
        assert {"fleet", "ops", "system:authenticated"} == set(jane["groups"])


def test_ranchers_service_account_can_be_impersonated(
    kube: Kube, new_name: Callable[[], str]
) -> None:
    rancher = kube.acting_as(RANCHER)
    who = _who(rancher.create)
    assert who["username"] == RANCHER
    assert "system:serviceaccounts:cattle-system" in who["groups"]
    rancher.create(clusters(), cluster(new_name(), None)).expect(201)


def test_the_audit_log_and_the_metrics_can_be_read(kube: Kube, new_name: Callable[[], str]) -> None:
    made = {"resource": "clusters", "verb": "POST", "code": "201"}
    before = kube.metric("apiserver_request_total", **made)
    answer = kube.user(DEVELOPER).create(clusters(), cluster(new_name(), {})).expect(201)
    event = kube.audit_event(answer)
    assert (event["verb"], event["user"]["username"]) == ("create", DEVELOPER)
    assert kube.metric("apiserver_request_total", **made) == before + 1


@pytest.mark.parametrize("written", range(0, 68, 5))
def test_an_event_is_read_once_all_of_it_is_there(written: int) -> None:
    one, two = (b'{"auditID":"%s","verb":"create"}\n' % each for each in (b"a-1", b"a-2"))
    event = find_event((one + two)[:written], "a-2")
    assert event == ({"auditID": "a-2", "verb": "create"} if written >= len(one + two) else None)
    assert find_event(one + two + one[:written], "a-2") is not None


def test_the_kubeconfig_works_for_clients_of_kubernetes(kube: Kube) -> None:
    config = lightkube.KubeConfig.from_file(kube.kubeconfig)
    with lightkube.Client(config=config, trust_env=False) as client:
        found = client.get(Namespace, "fleet-default").to_dict()
    assert found["metadata"]["name"] == "fleet-default"


def _who(create: Callable[..., Answer]) -> dict[str, Any]:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = create("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    who: dict[str, Any] = answer.expect(201).body["status"]["userInfo"]
    return who


# What stays


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(PIN, id="the pin"),
        pytest.param({"kube-proxy-extra-env": ["A=1", "IPTABLES_MODE=nft", "A=1"]}, id="order"),
        pytest.param({"kube-proxy-extra-env": "IPTABLES_MODE=nft"}, id="a scalar"),
        pytest.param({"kube-proxy-extra-env": {"IPTABLES_MODE": "nft"}}, id="a map"),
        pytest.param({"kube-proxy-extra-env": [{"IPTABLES_MODE": "nft"}, 42]}, id="odd items"),
        pytest.param({"kube-proxy-extra-env": None}, id="null for the key"),
        pytest.param({"kube-proxy-extra-env": []}, id="an empty list"),
        pytest.param({"kube-proxy-extra-env+": ["IPTABLES_MODE=nft"]}, id="a key with plus"),
        pytest.param({"kube-proxy-extra-envs": ["IPTABLES_MODE=nft"]}, id="a misspelt key"),
        pytest.param({"IPTABLES_MODE": "nft"}, id="the variable as a key"),
        pytest.param({}, id="an empty map"),
        pytest.param(None, id="null for the map"),
    ],
)
def test_a_config_keeps_whatever_it_holds(under: Clusters, config: object) -> None:
    said = {
        "machineGlobalConfig": config,
        "machineSelectorConfig": [
            {"config": config, "machineLabelSelector": {"matchLabels": {"pool": "a"}}}
        ],
    }
    assert under.stored(said) == said


@pytest.mark.parametrize(
    "rke_config",
    [
        pytest.param(None, id="no rkeConfig"),
        pytest.param({}, id="nothing said"),
        pytest.param({"machineSelectorConfig": None}, id="selectors"),
        pytest.param({"machineSelectorConfig": []}, id="an empty list of selectors"),
        pytest.param({"machineSelectorConfig": [{"config": PIN}]}, id="no selector"),
        pytest.param(
            {"machineSelectorConfig": [{"config": PIN, "machineLabelSelector": None}]},
            id="a selector of null",
        ),
        pytest.param(
            {"machineSelectorConfig": [{"config": PIN, "machineLabelSelector": {}}]},
            id="an empty selector",
        ),
        pytest.param({"machinePools": None}, id="pools"),
        pytest.param({"etcdSnapshotRestore": None}, id="restore"),
    ],
)
def test_null_empty_and_absent_stay_what_they_are(under: Clusters, rke_config: object) -> None:
    assert under.stored(rke_config) == rke_config


def test_an_operator_that_rancher_cannot_read_is_stored(under: Clusters) -> None:
    selector = {"matchExpressions": [{"key": "pool", "operator": "Equals", "values": ["a"]}]}
    said = {"machineSelectorConfig": [{"config": PIN, "machineLabelSelector": selector}]}
    assert under.stored(said) == said


# What is pruned

PRUNED = [
    pytest.param({"kube-proxy-extra-env": PIN["kube-proxy-extra-env"]}, {}, id="under rkeConfig"),
    pytest.param({"controlPlaneConfig": PIN}, {}, id="controlPlaneConfig"),
    pytest.param({"workerConfig": [{"config": PIN}]}, {}, id="workerConfig"),
    pytest.param({"machineGlobalconfig": PIN}, {}, id="a wrong capital"),
    pytest.param(
        {"machineSelectorConfig": [{"config": PIN, "selector": {"matchLabels": {"a": "b"}}}]},
        {"machineSelectorConfig": [{"config": PIN}]},
        id="selector",
    ),
    pytest.param(
        {"machineSelectorConfig": [{"config": PIN, "labelSelector": {"matchLabels": {"a": "b"}}}]},
        {"machineSelectorConfig": [{"config": PIN}]},
        id="labelSelector",
    ),
    pytest.param(
        {"machineSelectorConfig": [{"machineLabelSelector": {}, **PIN}]},
        {"machineSelectorConfig": [{"machineLabelSelector": {}}]},
        id="beside config",
    ),
]


@pytest.mark.parametrize(("said", "kept"), PRUNED)
def test_what_the_schema_does_not_know_is_pruned(
    under: Clusters, said: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert under.stored(said) == kept


@pytest.mark.parametrize(("said", "kept"), PRUNED)
def test_pruning_is_said_only_to_those_who_ask(
    under: Clusters, said: dict[str, Any], kept: dict[str, Any]
) -> None:
    """kubectl asks for Strict; the API's own default is Warn; controllers ignore the warning."""
    under.made(said, fieldValidation="Strict").expect(400)
    (warning,) = under.made(said).expect(201).warnings
    assert warning.startswith('unknown field "spec.rkeConfig.')
    assert under.made(said, fieldValidation="Ignore").expect(201).warnings == ()


def test_the_pin_directly_under_spec_is_pruned(under: Clusters) -> None:
    draft = under.draft({})
    draft["spec"] |= PIN
    answer = under.kube.admin.create(under.path, draft).expect(201)
    assert answer.body["spec"] == {"kubernetesVersion": "v1.34.1+rke2r1", "rkeConfig": {}}


# What is refused


@pytest.mark.parametrize(
    ("rke_config", "reason"),
    [
        pytest.param(
            {"machineGlobalConfig": "kube-proxy-extra-env:\n- IPTABLES_MODE=nft\n"},
            'spec.rkeConfig.machineGlobalConfig: Invalid value: "string"',
            id="a string for the map",
        ),
        pytest.param(
            {"machineGlobalConfig": ["IPTABLES_MODE=nft"]},
            'spec.rkeConfig.machineGlobalConfig: Invalid value: "array"',
            id="a list for the map",
        ),
        pytest.param(
            {"machineSelectorConfig": {"config": PIN}},
            'spec.rkeConfig.machineSelectorConfig: Invalid value: "object"',
            id="a map for the selectors",
        ),
        pytest.param(
            {"machineSelectorConfig": [{"config": "kube-proxy-extra-env: [IPTABLES_MODE=nft]"}]},
            'spec.rkeConfig.machineSelectorConfig[0].config: Invalid value: "string"',
            id="a string for a selector's map",
        ),
        pytest.param(
            {"machineSelectorConfig": [None]},
            'spec.rkeConfig.machineSelectorConfig[0]: Invalid value: "null"',
            id="null for a selector entry",
        ),
        pytest.param(
            "machineGlobalConfig: {}",
            'spec.rkeConfig: Invalid value: "string"',
            id="a string for rkeConfig",
        ),
        pytest.param(
            {"machinePools": [{"name": "a"}]},
            "spec.rkeConfig.machinePools[0].machineConfigRef: Required value",
            id="a pool without machineConfigRef",
        ),
        pytest.param(
            {"machinePools": [{"machineConfigRef": {}}]},
            "spec.rkeConfig.machinePools[0].name: Required value",
            id="a pool without a name",
        ),
        pytest.param(
            {"machinePools": [{"name": "a", "machineConfigRef": {}}] * 2},
            'spec.rkeConfig.machinePools[1]: Duplicate value: {"name":"a"}',
            id="two pools of one name",
        ),
        pytest.param(
            {"machinePools": [{"name": f"p{n}", "machineConfigRef": {}} for n in range(1001)]},
            "spec.rkeConfig.machinePools: Too many: 1001: must have at most 1000 items",
            id="1001 pools",
        ),
    ],
)
def test_wrong_shapes_are_refused(under: Clusters, rke_config: object, reason: str) -> None:
    assert reason in under.made(rke_config).expect(422).message


# What a JSON patch meets

KEY = "/spec/rkeConfig/machineGlobalConfig/kube-proxy-extra-env"


@pytest.mark.parametrize(
    "rke_config",
    [
        pytest.param({"machineGlobalConfig": None}, id="null"),
        pytest.param({}, id="absent"),
    ],
)
def test_a_key_cannot_be_added_to_a_map_that_is_not_there(
    under: Clusters, rke_config: dict[str, Any]
) -> None:
    path = f"{under.path}/{under.made(rke_config).expect(201).body['metadata']['name']}"
    patch, admin = {"op": "add", "path": KEY, "value": ["IPTABLES_MODE=nft"]}, under.kube.admin
    admin.patch(path, [patch]).expect(422)
    parent = {"op": "add", "path": "/spec/rkeConfig/machineGlobalConfig", "value": {}}
    answer = admin.patch(path, [parent, patch]).expect(200)
    assert answer.body["spec"]["rkeConfig"] == {"machineGlobalConfig": PIN}


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({}, id="an empty map"),
        pytest.param({"kube-proxy-extra-env": None}, id="null for the key"),
        pytest.param({"kube-proxy-extra-env": "IPTABLES_MODE=legacy"}, id="a scalar"),
    ],
)
def test_add_replaces_what_a_key_held(under: Clusters, config: dict[str, Any]) -> None:
    made = under.made({"machineGlobalConfig": config}).expect(201)
    answer = under.kube.admin.patch(
        f"{under.path}/{made.body['metadata']['name']}",
        [{"op": "add", "path": KEY, "value": ["IPTABLES_MODE=nft"]}],
    )
    assert answer.expect(200).body["spec"]["rkeConfig"] == {"machineGlobalConfig": PIN}


def test_add_appends_to_a_list(under: Clusters) -> None:
    made = under.made({"machineGlobalConfig": {"kube-proxy-extra-env": ["A=1"]}}).expect(201)
    answer = under.kube.admin.patch(
        f"{under.path}/{made.body['metadata']['name']}",
        [{"op": "add", "path": f"{KEY}/-", "value": "IPTABLES_MODE=nft"}],
    )
    now = answer.expect(200).body["spec"]["rkeConfig"]["machineGlobalConfig"]
    assert now == {"kube-proxy-extra-env": ["A=1", "IPTABLES_MODE=nft"]}


# Who owns what


def test_another_manager_may_add_a_key_to_the_map_but_not_change_the_list(under: Clusters) -> None:
    def say(manager: str, config: dict[str, Any]) -> Answer:
        return admin.apply(path, {**draft, "spec": _global(config)}, manager=manager)

    admin, draft = under.kube.admin, under.draft({})
    path = f"{under.path}/{draft['metadata']['name']}"
    say("git", PIN).expect(201)
    added = say("person", {"profile": "cis"}).expect(200).body
    assert added["spec"]["rkeConfig"]["machineGlobalConfig"] == {**PIN, "profile": "cis"}
    refused = say("person", {"kube-proxy-extra-env": ["A=1"]}).expect(409)
    assert 'conflict with "git"' in refused.message


def test_the_selectors_belong_to_one_manager_as_a_whole(under: Clusters) -> None:
    def say(manager: str, *entries: dict[str, Any]) -> Answer:
        spec = {"rkeConfig": {"machineSelectorConfig": entries}}
        return admin.apply(path, {**draft, "spec": spec}, manager=manager)

    admin, draft = under.kube.admin, under.draft({})
    path = f"{under.path}/{draft['metadata']['name']}"
    say("git", {"config": {"profile": "cis"}}).expect(201)
    say("person", {"config": {"profile": "cis"}}, {"config": PIN}).expect(409)


def test_pools_of_two_managers_are_joined_by_name(under: Clusters) -> None:
    def say(manager: str, name: str) -> Answer:
        pool = {"name": name, "machineConfigRef": {"kind": "Config", "name": name}}
        return admin.apply(
            path, {**draft, "spec": {"rkeConfig": {"machinePools": [pool]}}}, manager=manager
        )

    admin, draft = under.kube.admin, under.draft({})
    path = f"{under.path}/{draft['metadata']['name']}"
    say("git", "a").expect(201)
    pools = say("person", "b").expect(200).body["spec"]["rkeConfig"]["machinePools"]
    assert [pool["name"] for pool in pools] == ["a", "b"]


def test_the_same_apply_again_changes_nothing(under: Clusters) -> None:
    draft = {**under.draft({}), "spec": _global(PIN)}
    path = f"{under.path}/{draft['metadata']['name']}"
    first, again = (
        under.kube.admin.apply(path, draft, manager="git").expect().body["metadata"]
        for _ in range(2)
    )
    assert first == again


# Status, generation, dry run


def test_status_has_its_own_door(under: Clusters) -> None:
    admin = under.kube.admin
    made = admin.create(under.path, under.draft({}) | {"status": {"ready": True}}).expect(201).body
    assert "status" not in made
    path = f"{under.path}/{made['metadata']['name']}"
    change = {"status": {"ready": True}, "spec": {"kubernetesVersion": "v1.35.0+rke2r1"}}
    by_status = admin.merge(f"{path}/status", change).expect(200).body
    assert by_status["status"] == {"ready": True}
    assert by_status["spec"] == made["spec"]
    assert by_status["metadata"]["generation"] == 1
    by_main = admin.merge(path, {**change, "status": {"ready": False}}).expect(200).body
    assert by_main["status"] == {"ready": True}
    assert by_main["spec"]["kubernetesVersion"] == "v1.35.0+rke2r1"
    assert by_main["metadata"]["generation"] == 2


def test_a_dry_run_answers_and_stores_nothing(under: Clusters) -> None:
    answer = under.made({"machineGlobalConfig": PIN}, dryRun="All").expect(201)
    assert answer.body["spec"]["rkeConfig"] == {"machineGlobalConfig": PIN}
    under.kube.admin.get(f"{under.path}/{answer.body['metadata']['name']}").expect(404)


def _global(config: dict[str, Any]) -> dict[str, Any]:
    return {"rkeConfig": {"machineGlobalConfig": config}}


# The minimal definition


@pytest.mark.skipif(not RANCHERS.exists(), reason=f"Rancher's definition is not here: {RANCHERS}")
def test_the_minimal_definition_is_a_part_of_ranchers() -> None:
    ours, theirs = (
        yaml.safe_load(path.read_text())["spec"]["versions"][0] for path in (MINIMAL, RANCHERS)
    )
    assert ours["subresources"] == theirs["subresources"]
    schema = ours["schema"]["openAPIV3Schema"]
    assert _differences(schema, theirs["schema"]["openAPIV3Schema"], "") == []


def _differences(ours: dict[str, Any], theirs: dict[str, Any], path: str) -> list[str]:
    """Return where a schema says something else than a fuller one does."""
    below = {"properties", "items", "additionalProperties"}
    words = (ours.keys() | theirs.keys()) - below - {"description", "x-kubernetes-validations"}
    found = [f"{path}: {word}" for word in words if ours.get(word) != theirs.get(word)]
    for name, schema in ours.get("properties", {}).items():
        if name in theirs["properties"]:
            found += _differences(schema, theirs["properties"][name], f"{path}.{name}")
        else:
            found.append(f"{path}.{name}: not known")
    for word in below - {"properties"} & ours.keys():
        found += _differences(ours[word], theirs[word], f"{path}[]")
    return found
