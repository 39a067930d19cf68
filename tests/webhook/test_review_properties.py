"""What holds of every answer, whatever is asked."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonpatch
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from rke2_policies.cluster import Cluster, Pool
from rke2_policies.dialects import rancher_cluster
from rke2_policies.document import Document, DocumentId
from rke2_policies.engine import take_inventory
from rke2_policies.file import File
from rke2_policies.ignore import ANNOTATION as IGNORE_ANNOTATION
from rke2_policies.policy import DEFAULT, Admission, Policy
from rke2_policies.policy_file import read_policy
from rke2_policies.route import MISSING, find, same
from rke2_webhook.review import DECISIONS, MAX_WARNING, MAX_WARNINGS, OPT_OUT_LABEL, answer

KEY = "kube-proxy-extra-env"
PIN = "IPTABLES_MODE=nft"
ALL_RULES_PATCH = DEFAULT._replace(
    admission=Admission(
        on_update="inject",
        patch=(
            *DEFAULT.admission.patch, "misspelt-setting", "pruned-field", "scalar-pin",
            "superfluous-pin", "legacy-backend", "map-entry", "map-instead-of-list",
            "plus-key-in-cluster", "spaced-value", "nested-list", "duplicate-variable",
        ),
        deny=("missing-nft-pin", "legacy-backend", "misspelt-setting"),
    )
)  # fmt: skip
ALWAYS = DEFAULT._replace(admission=Admission(on_update="inject"))

# Any JSON, with the words that mean something here among it.

WORDS = st.sampled_from(
    [
        *("", "x", "all", "off", "Cluster", "fleet-default", "v1.33.4+rke2r1", "v1.33.4+k3s1"),
        *(KEY, PIN, "IPTABLES_MODE=NFT", "IPTABLES_MODE=legacy", "IPTABLES_MODE", "A=1", "A=1,B=2"),
        *("provisioning.cattle.io/v1", "CREATE", "UPDATE", "status", "~/é\n\x1b", "windows"),
    ]
)
FIELDS = st.sampled_from(
    [
        *("spec", "metadata", "status", "rkeConfig", "kubernetesVersion", "machineGlobalConfig"),
        *("machineSelectorConfig", "machinePools", "machineSelectorFiles", "agentEnvVars", KEY),
        *("config", "machineLabelSelector", "matchLabels", "matchExpressions", "key", "operator"),
        *("values", "name", "namespace", "labels", "annotations", "finalizers", "machineOS"),
        *("fileSources", "secret", "configMap", "items", "path", "value", "type", "data", "kind"),
        *("apiVersion", "deletionTimestamp", "etcdSnapshotRestore", "restoreRKEConfig"),
        *("kube-proxy-arg", "disable-kube-proxy", "debug", "workerRole", "upgradeStrategy"),
        *(OPT_OUT_LABEL, IGNORE_ANNOTATION, "registries", "chartValues", "dynamic", "networking"),
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), WORDS
)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS | WORDS, inner, max_size=4),
    max_leaves=12,
)

# Clusters as they might be.

ITEMS = st.sampled_from(
    [
        *("A=1", "B=2", PIN, "IPTABLES_MODE=NFT", "IPTABLES_MODE='nft'", "IPTABLES_MODE=legacy"),
        *("IPTABLES_MODE=auto", "IPTABLES_MODE=", "IPTABLES_MODE", "IPTABLES_MODE: legacy", "", 42),
        *(None, True, {"IPTABLES_MODE": "nft"}, ["IPTABLES_MODE=NFT", "A=1"], "A=1,B=2", " A=1 "),
    ]
)
ENVIRONMENTS = ITEMS | st.lists(ITEMS, max_size=3)
SECTIONS = st.fixed_dictionaries(
    {},
    optional={
        KEY: ENVIRONMENTS,
        "cni": st.sampled_from(["canal", "cilium", None]),
        "debug": st.sampled_from([True, False, "yes", ""]),
        "etcd-expose-metrics": st.booleans(),
        "kubelet-arg": st.sampled_from([["a=1"], ["a=2"], [], None, {"a": 1}]),
        "lb-server-port": st.sampled_from([1, 2]),
        "no-such-setting": st.booleans(),
        "disable-kube-proxy": st.sampled_from([False, False, True]),
    },
)
LABEL_KEYS = st.sampled_from(
    [
        *("tier", "gpu", "example.com/my-role", "example.com/cluster-name", "cattle.io/os"),
        *("rke.cattle.io/worker-role", "rke.cattle.io/etcd-role", "cluster.x-k8s.io/control-plane"),
        *("rke.cattle.io/control-plane-role", "rke.cattle.io/rke-machine-pool-name"),
    ]
)
LABEL_VALUES = st.sampled_from(["true", "false", "front", "", "a", "linux"])
LABELS = st.dictionaries(LABEL_KEYS, LABEL_VALUES, max_size=3)
EXPRESSIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "key": LABEL_KEYS,
            "operator": st.sampled_from(["In", "NotIn"]),
            "values": st.lists(LABEL_VALUES, min_size=1, max_size=2),
        }
    ),
    st.fixed_dictionaries(
        {"key": LABEL_KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"])}
    ),
)
SELECTORS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.just({}),
    st.fixed_dictionaries({"matchLabels": LABELS}),
    st.fixed_dictionaries({"matchExpressions": st.lists(EXPRESSIONS, max_size=2)}),
)
ENTRIES = st.fixed_dictionaries(
    {"config": st.none() | SECTIONS}, optional={"machineLabelSelector": SELECTORS}
)
POOLS = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "c"])},
    optional={
        "controlPlaneRole": st.booleans(),
        "etcdRole": st.booleans(),
        "workerRole": st.booleans(),
        "labels": LABELS,
        "machineOS": st.sampled_from(["linux", "windows"]),
        "quantity": st.integers(1, 3),
    },
)
SOME_POOLS = st.lists(POOLS, min_size=1, max_size=3, unique_by=lambda one: one["name"])
CONFIGS = st.fixed_dictionaries(
    {"machinePools": SOME_POOLS | SOME_POOLS | st.none() | st.just([])},
    optional={
        "machineGlobalConfig": st.none() | SECTIONS,
        "machineSelectorConfig": st.none() | st.lists(ENTRIES, max_size=3),
    },
)
VERSIONS = st.sampled_from([*["v1.33.4+rke2r1"] * 6, "v1.34.1+rke2r1", "v1.30.1+rke2r1"])


def as_cluster(config: Any, version: Any = "v1.33.4+rke2r1") -> dict[str, Any]:
    return {
        "apiVersion": "provisioning.cattle.io/v1",
        "kind": "Cluster",
        "metadata": {"name": "shop", "namespace": "fleet-default"},
        "spec": {"kubernetesVersion": version, "rkeConfig": config},
    }


CLUSTERS = st.builds(as_cluster, CONFIGS, VERSIONS)
POLICIES = st.sampled_from(
    [DEFAULT, ALL_RULES_PATCH, DEFAULT._replace(admission=Admission("warn", "warn"))]
)


def routes(tree: Any, route: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield route
    match tree:
        case dict():
            members: Any = tree.items()
        case list():
            members = enumerate(tree)
        case _:
            members = ()
    for step, below in members:
        yield from routes(below, (*route, step))


MORE = {
    "agentEnvVars": [{"name": "RKE2_KUBE_PROXY_EXTRA_ENV", "value": "A=1"}],
    "localClusterAuthEndpoint": {"enabled": True},
}
CONFIG_MAP = {
    "name": "shop-proxy",
    "items": [{"key": "a", "path": "/etc/rancher/rke2/config.yaml.d/99-a.yaml", "dynamic": True}],
}
MORE_CONFIG = {
    "machineSelectorFiles": [
        {
            "machineLabelSelector": {"matchLabels": {"tier": "front"}},
            "fileSources": [{"configMap": CONFIG_MAP}, {"secret": CONFIG_MAP}],
        }
    ],
    "machinePoolDefaults": {"hostnameLengthLimit": 10},
    "chartValues": {"rke2-cilium": {"kubeProxyReplacement": True}},
    "registries": {"configs": {}, "mirrors": {}},
    "networking": {"stackPreference": "ipv4"},
    "upgradeStrategy": {"controlPlaneConcurrency": "1"},
    "additionalManifest": "kind: ConfigMap",
    "dataDirectories": {"k8sDistro": "/a"},
    "etcdSnapshotRestore": {"name": "a", "restoreRKEConfig": "none"},
}


@st.composite
def spoilt(draw: st.DrawFn, clusters: st.SearchStrategy[Any] = CLUSTERS) -> Any:
    """Return a Cluster in which anything stands at one or two places."""
    tree = copy.deepcopy(draw(clusters))
    if draw(st.booleans()):
        tree["spec"] |= copy.deepcopy(MORE)
        tree["spec"]["rkeConfig"] |= copy.deepcopy(MORE_CONFIG)
    for _ in range(draw(st.integers(1, 2))):
        known = list(routes(tree))
        deep = [route for route in known if len(route) > 2] or known[1:]
        *above, last = draw(st.sampled_from(deep) | st.sampled_from(known[1:]))
        here: Any = find(tree, tuple(above))
        here[last] = copy.deepcopy(draw(ANY))
    return tree


@st.composite
def updates(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return two Clusters of which one often is the other with a change or two."""
    old = draw(CLUSTERS)
    if draw(st.integers(0, 4)) == 0:
        return old, draw(CLUSTERS)
    new = copy.deepcopy(old)
    if draw(st.booleans()):
        # As when somebody applies again what was patched when it was created.
        old = applied(old, ask(old))
    config = new["spec"]["rkeConfig"]
    for _ in range(draw(st.integers(0, 2))):
        match draw(st.sampled_from(["section", "section", "selectors", "pools", "version"])):
            case "section":
                section = dict(config.get("machineGlobalConfig") or {})
                more = draw(SECTIONS | st.fixed_dictionaries({"debug": st.booleans()}))
                config["machineGlobalConfig"] = section | more
            case "selectors":
                entries = list(config.get("machineSelectorConfig") or [])
                config["machineSelectorConfig"] = [*entries, draw(ENTRIES)]
            case "pools":
                config["machinePools"] = draw(CONFIGS)["machinePools"]
            case _:
                new["spec"]["kubernetesVersion"] = draw(VERSIONS)
    return old, new


def ask(
    tree: Any, old: Any = MISSING, policy: Policy = DEFAULT, *, validate: bool = False
) -> dict[str, Any]:
    request = {"uid": "u", "operation": "CREATE", "object": copy.deepcopy(tree)}
    if old is not MISSING:
        request |= {"operation": "UPDATE", "oldObject": old}
    response: dict[str, Any] = answer({"request": request}, policy, validate=validate)["response"]
    return response


def patch(response: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(base64.b64decode(response.get("patch", "W10=")))
    return found


def applied(tree: Any, response: dict[str, Any]) -> Any:
    return jsonpatch.apply_patch(tree, patch(response))


def assert_well_formed(response: dict[str, Any]) -> None:
    assert response["uid"] == "u"
    assert ("patch" in response) == ("patchType" in response)
    assert all(set(one) == {"op", "path", "value"} for one in patch(response))
    assert all(one["op"] == "add" for one in patch(response))
    assert ("status" in response) == (not response["allowed"])
    warnings = response.get("warnings", [])
    assert len(warnings) == len(set(warnings)) <= MAX_WARNINGS
    assert all(one.isprintable() and 0 < len(one) <= MAX_WARNING for one in warnings)
    assert response["auditAnnotations"]["decision"] in DECISIONS
    texts = response["auditAnnotations"].values()
    assert all(isinstance(text, str) for text in texts)
    json.dumps(response)


# Nothing raises.


@given(
    st.fixed_dictionaries(
        {
            "uid": st.just("u"),
            "operation": st.sampled_from([*["CREATE", "UPDATE"] * 4, "DELETE", None, 1, []]),
            "object": spoilt() | CLUSTERS | ANY,
        },
        optional={
            "oldObject": spoilt() | CLUSTERS | ANY,
            "userInfo": ANY | st.fixed_dictionaries({"username": ANY}),
            "subResource": st.sampled_from(["", "", "", None, {}, "status", [1]]),
            "dryRun": ANY,
            "name": ANY,
            "namespace": ANY,
        },
    ),
    POLICIES,
    st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_no_request_raises(request: dict[str, Any], policy: Policy, validate: bool) -> None:  # noqa: FBT001
    before = copy.deepcopy(request)
    review = answer({"request": request}, policy, validate=validate, today="2026-11-23")
    assert same(request, before)
    event(review["response"]["auditAnnotations"]["decision"])
    assert_well_formed(review["response"])


@given(spoilt(), st.none() | CLUSTERS | spoilt(), POLICIES)
@settings(max_examples=400, deadline=None)
def test_no_object_raises(tree: Any, old: Any, policy: Policy) -> None:
    response = ask(tree, MISSING if old is None else old, policy)
    event(response["auditAnnotations"]["decision"])
    assert_well_formed(response)
    assert response["allowed"]
    assert_well_formed(ask(tree, policy=policy, validate=True))


# A patch changes little, and once.


@given(updates(), POLICIES, st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_patched_object_has_no_patch(
    pair: tuple[dict[str, Any], dict[str, Any]], policy: Policy, create: bool  # noqa: FBT001
) -> None:  # fmt: skip
    old, new = (MISSING, pair[1]) if create else pair
    response = ask(new, old, policy)
    assume(patch(response))
    patched = applied(new, response)
    assert patch(ask(patched, old, policy)) == []
    assert patch(ask(patched, patched, policy)) == []


@given(updates(), st.sampled_from([DEFAULT, ALWAYS]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_only_the_wanted_paths_change(
    pair: tuple[dict[str, Any], dict[str, Any]], policy: Policy, create: bool  # noqa: FBT001
) -> None:  # fmt: skip
    old, new = (MISSING, pair[1]) if create else pair
    response = ask(new, old, policy)
    assume(patch(response))
    patched = applied(new, response)
    sections: list[tuple[Any, ...]] = [("spec", "rkeConfig", "machineGlobalConfig")]
    entries = find(new, ("spec", "rkeConfig", "machineSelectorConfig"))
    count = len(entries) if isinstance(entries, list) else 0
    above = ("spec", "rkeConfig", "machineSelectorConfig")
    sections += [(*above, i, "config") for i in range(count)]
    for section in sections:
        before: Any = find(new, section)
        after: Any = find(patched, section)
        if same(before, after):
            continue
        was = [] if create else lists_of(old)
        kept = any(same(after[KEY], one) for one in was)
        if kept:
            event("kept")
        # A running cluster's entries are only kept as they were.
        assert create or kept or section == sections[0]
        assert_items_stay((before or {}).get(KEY), after[KEY], anywhere=kept)
        put_back(patched, section, before)
    assert same(patched, new)


def lists_of(tree: Any) -> list[Any]:
    """Return all that an object says of kube-proxy's environment."""
    config = tree["spec"]["rkeConfig"]
    entries = config.get("machineSelectorConfig") or []
    sections = [config.get("machineGlobalConfig"), *(one.get("config") for one in entries)]
    return [section[KEY] for section in sections if section and KEY in section]


def put_back(tree: Any, section: tuple[Any, ...], value: Any) -> None:
    """Undo what may change in a section: the key, or that there is one."""
    *above, last = section
    here: Any = find(tree, tuple(above))
    if isinstance(value, dict):
        held = here[last]
        here[last] = {key: held[key] for key in held if key != KEY}
        here[last] |= {key: value[key] for key in value if key == KEY}
    elif value is MISSING:
        assert set(here.pop(last)) == {KEY}
    else:
        assert set(here[last]) == {KEY}
        here[last] = value


def assert_items_stay(before: Any, after: Any, *, anywhere: bool = False) -> None:
    """Assert that every item is still there, in order, but one that was respelt.

    The pin comes last, or, if it was there before, `anywhere`.
    """
    items = before if isinstance(before, list) else [] if before in (None, "") else [before]
    now = after if isinstance(after, list) else [after]
    if anywhere:
        others = [[one for one in held if not is_the_pin(one)] for held in (items, now)]
        if same(*others):
            return
    if len(now) == len(items) + 1:
        assert same(now, [*items, PIN])
        assert not any(isinstance(item, str) and "legacy" in item for item in items)
        return
    assert len(now) == len(items)
    others = [(old, new) for old, new in zip(items, now, strict=True) if not same(old, new)]
    assert len(others) == 1
    ((old, new),) = others
    while isinstance(old, list):
        assert same(old[1:], new[1:])
        old, new = old[0], new[0]
    assert new == PIN
    assert old.strip().lower() in {"iptables_mode=nft", "iptables_mode='nft'"}


# Machines that an update leaves alone stay as they are.


def inventory(tree: Any) -> Cluster | None:
    document = Document(DocumentId("u"), tree)
    clusters = take_inventory([File("u", (document,), kind="rancher-cluster")]).clusters
    return clusters[0] if clusters else None


def computed(cluster: Cluster, pool: Pool) -> dict[str, Any]:
    """Return the configuration that Rancher computes for a machine, the pin left aside or not."""
    server = bool({"control-plane", "etcd"} & set(pool.roles)) or not pool.roles
    matching = [rancher_cluster.matches(one.selector, pool.labels) for one in cluster.layers]
    found = rancher_cluster.settings_of(cluster, matching, server=server)
    return {name: setting.value for name, setting in found if setting.value is not MISSING}


def is_the_pin(item: Any) -> bool:
    name, _, value = item.strip().partition("=") if isinstance(item, str) else ("", "", "")
    return name == "IPTABLES_MODE" and value.strip(" \"'").lower() == "nft"


def without_pin(configuration: dict[str, Any]) -> dict[str, Any]:
    value = configuration.get(KEY)
    items = value if isinstance(value, list) else [value]
    others = [one for one in items if not (isinstance(one, str) and "IPTABLES_MODE" in one)]
    rest = {key: held for key, held in configuration.items() if key != KEY}
    return rest | {KEY: [one for one in others if one is not None]}


def machines(cluster: Cluster, extra: dict[str, str]) -> dict[str, Pool]:
    """Return what machines a cluster has: its pools, or any that register with extra labels."""
    if not cluster.custom:
        return {pool.name: pool for pool in cluster.pools}
    labelled = [pool._replace(labels={**extra, **pool.labels}) for pool in cluster.pools]
    return {pool.name: pool for pool in labelled}


PLAIN = {"machinePools": [{"name": "a", "workerRole": True}]}


def shielded(key: str) -> Any:
    """Return a custom cluster in which a label gives `debug` to some machines."""
    one = {"config": {"debug": True}, "machineLabelSelector": {"matchLabels": {key: "a"}}}
    return {"machineSelectorConfig": [one]}


@given(updates(), LABELS)
@example((as_cluster(PLAIN), as_cluster(PLAIN)), {})
@example(
    (
        as_cluster({**shielded("example.com/my-role"), "machineGlobalConfig": {"debug": True}}),
        as_cluster(shielded("example.com/my-role")),
    ),
    {"example.com/my-role": "a"},
)
@example(
    (
        as_cluster({**shielded("rke.cattle.io/etcd-role"), "machineGlobalConfig": {"debug": True}}),
        as_cluster(shielded("rke.cattle.io/etcd-role")),
    ),
    {"rke.cattle.io/etcd-role": "a"},
)
@settings(max_examples=300, deadline=None)
def test_an_update_changes_no_machine_that_the_request_leaves_alone(
    pair: tuple[dict[str, Any], dict[str, Any]], extra: dict[str, str]
) -> None:
    old, new = pair
    response = ask(new, old)
    assert_well_formed(response)
    event(response["auditAnnotations"]["decision"])
    assume(patch(response))
    event("patched, custom" if not new["spec"]["rkeConfig"].get("machinePools") else "patched")
    if old["spec"]["kubernetesVersion"] != new["spec"]["kubernetesVersion"]:
        return
    before, asked = inventory(old), inventory(new)
    injected = inventory(applied(new, response))
    assert before is not None
    assert asked is not None
    assert injected is not None
    now, then = machines(asked, extra), machines(injected, extra)
    for name, pool in machines(before, extra).items():
        # A machine that goes, or comes, does not restart.
        if name not in now:
            continue
        was, wanted = computed(before, pool), computed(asked, now[name])
        got = computed(injected, then[name])
        # Left alone, it is what the request makes of it; or, where the request only leaves out
        # its pin, what it was before.
        if same(without_pin(was), without_pin(wanted)):
            alone = same(was, got) or same(wanted, got)
            assert alone, f"{name} was left alone, and changes"
            event("left alone, kept" if not same(wanted, got) else "left alone")


@given(CLUSTERS)
@settings(max_examples=150, deadline=None)
def test_what_is_applied_again_changes_nothing(tree: dict[str, Any]) -> None:
    # A list in a list is respelt once, and told about from then on.
    lists = [value for value in lists_of(tree) if isinstance(value, list)]
    assume(not any(isinstance(item, list) for items in lists for item in items))
    stored = applied(copy.deepcopy(tree), ask(tree))
    again = ask(tree, stored)
    event(again["auditAnnotations"]["decision"])
    assert same(applied(copy.deepcopy(tree), again), stored)


# What is injected besides the pin, where a policy says so.
REQUIRING = read_policy(
    "policy.yaml",
    b"params: {required-settings: {kube-proxy-extra-env: [A=1]}}\n"
    b"webhook: {patch: [missing-nft-pin, selector-drops-pin, required-settings]}\n",
)


@given(updates(), LABELS, st.sampled_from([DEFAULT, REQUIRING]))
@settings(max_examples=150, deadline=None)
def test_what_an_update_keeps_is_what_every_machine_had(
    pair: tuple[dict[str, Any], dict[str, Any]], extra: dict[str, str], policy: Policy
) -> None:
    old, new = pair
    response = ask(new, old, policy)
    assume(response["auditAnnotations"]["decision"] == "kept")
    before, kept = inventory(old), inventory(applied(new, response))
    assert before is not None
    assert kept is not None
    then = machines(kept, extra)
    for name, pool in machines(before, extra).items():
        # Labels that come or go may change what selects a machine: that is the request's doing.
        if name in then and then[name].labels == pool.labels:
            was, got = computed(before, pool), computed(kept, then[name])
            assert same(was.get(KEY, MISSING), got.get(KEY, MISSING))


@given(updates())
@settings(max_examples=150, deadline=None)
def test_an_injection_is_made_only_where_a_machine_gets_the_pin(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    old, new = pair
    for asked in (MISSING, old):
        response = ask(new, asked)
        if patch(response):
            patched = inventory(applied(new, response))
            assert patched is not None
            assert any(machine.verdict == "pinned" for machine in patched.machines)
