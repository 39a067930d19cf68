"""Exported native policies on the real API server: what it stores and says, beside the webhook.

Each policy is there in several variants, all with `failurePolicy: Fail`, so that an expression that
fails would show. Which of them sees a Cluster is said by a label, through the binding.
"""

from __future__ import annotations

import base64
import copy
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kube import DEVELOPER, RANCHER, Answer, Api, Kube, clusters, creation
from replicas import wait_for

sys.path.insert(0, str(Path(__file__).parents[1] / "export"))

from shapes import ABSENT, KEY, ODD, PIN, PLACES, SECTIONS, VALUES, WORKERS, cluster, with_odd

from rke2_lint.export import export
from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.policy_file import read_policy
from rke2_webhook.review import answer

REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
MAP, VAP = "mutating-admission-policy", "validating-admission-policy"
VARIANT = "e2e.rke2-lint.dev/exported"
PINNED = {KEY: [PIN]}


def _policy(text: str) -> Policy:
    return read_policy("policy.yaml", text.encode())


LEGACY = _policy("params: {backend: legacy}")
STRICT = _policy("webhook: {deny: [legacy-backend, missing-nft-pin]}")
FLEET = _policy(
    """
    exempt:
      - {rule: missing-nft-pin, where: "*/exempt-*", reason: old hosts}
      - {rule: missing-nft-pin, where: fleet-default/a.b, reason: old hosts}
    overrides:
      - {clusters: ["old-?"], params: {backend: legacy}, reason: old hosts}
      - {labels: {matchLabels: {hosts: old}}, params: {backend: legacy}, reason: old hosts}
      - {clusters: ["fleet-default/quiet-*"], levels: {missing-nft-pin: off}, reason: tried out}
      - {clusters: ["profile-*"], levels: {scalar-pin: error}, reason: nothing of the pin}
    """
)
ONLY_MISSING = _policy(
    "webhook: {patch: [missing-nft-pin], ignoreUsers: ['developer', \"o'neil\\\\\"]}"
)
QUIET_UPDATES = _policy("webhook: {onUpdate: off}")
ONLY_UPDATES = _policy("webhook: {onCreate: off}")

VARIANTS = {
    "nft": (MAP, DEFAULT),
    "legacy": (MAP, LEGACY),
    "fleet": (MAP, FLEET),
    "only-missing": (MAP, ONLY_MISSING),
    "told": (VAP, DEFAULT),
    "told-legacy": (VAP, LEGACY),
    "told-fleet": (VAP, FLEET),
    "told-quiet": (VAP, QUIET_UPDATES),
    "told-updates": (VAP, ONLY_UPDATES),
    "required": (VAP, STRICT),
}


def resources(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what a variant registers: the path of its kind, and the object."""
    form, policy = VARIANTS[name]
    for item in yaml.safe_load_all(export(form, policy)):
        kind = item["kind"].lower()
        path = f"{REGISTRATION}/{'policies'.join(kind.rsplit('policy', 1)) if kind.endswith('policy') else kind + 's'}"
        item["metadata"]["name"] = f"{name}.{item['metadata']['name']}"
        if kind.endswith("binding"):
            item["spec"]["policyName"] = item["metadata"]["name"]
            selector = {"matchLabels": {VARIANT: name}}
            item["spec"]["matchResources"] = {"objectSelector": selector}
        else:
            assert item["spec"]["failurePolicy"] == "Ignore"
            item["spec"]["failurePolicy"] = "Fail"
        yield path, item


class Native:
    """The API server with all variants in force."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self.developer = kube.user(DEVELOPER)

    def create(
        self, draft: Mapping[str, Any], variant: str, api: Api | None = None, **query: str
    ) -> Answer:
        """Create a Cluster that a variant sees, by default in a dry run."""
        seen = labelled(draft, variant)
        return (api or self.developer).create(clusters(), seen, **(query or {"dryRun": "All"}))

    def failures(self, said: Answer) -> list[dict[str, Any]]:
        """Return what the audit log has of what was told."""
        notes = self.kube.audit_event(said).get("annotations", {})
        found = notes.get("validation.policy.admission.k8s.io/validation_failure", "[]")
        failures: list[dict[str, Any]] = json.loads(found)
        return failures


def labelled(draft: Mapping[str, Any], variant: str) -> dict[str, Any]:
    seen = copy.deepcopy(dict(draft))
    seen["metadata"].setdefault("labels", {})[VARIANT] = variant
    return seen


@pytest.fixture(scope="module")
def native(kube: Kube) -> Iterator[Native]:
    made: list[str] = []
    try:
        for name in VARIANTS:
            for path, item in resources(name):
                kube.admin.create(path, item).expect(201)
                made.append(f"{path}/{item['metadata']['name']}")
        here = Native(kube)
        for name in VARIANTS:
            wait_for(partial(_in_force, here, name), seconds=60)
        yield here
    finally:
        for each in made:
            kube.admin.delete(each)


def _in_force(here: Native, name: str) -> bool:
    form, policy = VARIANTS[name]
    # Some policies leave out those whom the tests act as.
    api = here.kube.admin if policy is ONLY_MISSING else None
    said = here.create(cluster("try", {}), name, api)
    # For some seconds, policies know nothing of a new kind of object, and refuse all of them.
    if said.status == 503 or policy is ONLY_UPDATES:
        return said.status != 503
    return section_of(said) != {} if form == MAP else bool(said.warnings) or not said.ok


def section_of(said: Answer) -> Any:
    return said.expect().body["spec"]["rkeConfig"].get("machineGlobalConfig", ABSENT)


def reviewed(draft: Mapping[str, Any], policy: Policy, *, validate: bool = False) -> Any:
    """Return what the webhook answers for a new Cluster."""
    return answer(creation(draft), policy, validate=validate)["response"]


def as_the_webhook_stores(draft: Mapping[str, Any], policy: Policy) -> Any:
    patch = reviewed(draft, policy).get("patch", "W10=")
    return jsonpatch.apply_patch(draft, json.loads(base64.b64decode(patch)))


# MutatingAdmissionPolicy

SELECTORS = {
    "a selector of another key": [{"machineLabelSelector": WORKERS, "config": {"profile": "cis"}}],
    "a selector with the pin": [{"machineLabelSelector": WORKERS, "config": PINNED}],
    "a selector for all with the pin": [{"config": PINNED}],
    "an empty selector with the pin": [{"machineLabelSelector": {}, "config": PINNED}],
    "an empty list of labels with the pin": [
        {"machineLabelSelector": {"matchLabels": {}, "matchExpressions": []}, "config": PINNED}
    ],
    "a selector null with the pin": [{"machineLabelSelector": None, "config": PINNED}],
    "a selector for all with legacy": [{"config": {KEY: ["IPTABLES_MODE=legacy"]}}],
    "a selector without a config": [{"machineLabelSelector": WORKERS}],
}
# What the policy cannot express: what it does instead with a new Cluster without a pin.
LEFT = {
    "a selector that takes the pin away": (
        [{"machineLabelSelector": WORKERS, "config": {KEY: ["A=1"]}}],
        PINNED,
    ),
    "a selector for all without the pin": ([{"config": {KEY: ["A=1"]}}], ABSENT),
    "a selector for all without kube-proxy": ([{"config": {"disable-kube-proxy": True}}], PINNED),
}

DRAFTS = {
    **{name: cluster("same", section) for name, section in SECTIONS.items()},
    **{
        name: cluster("same", {}, machineSelectorConfig=entries)
        for name, entries in SELECTORS.items()
    },
}


@pytest.mark.parametrize(("variant", "policy"), [("nft", DEFAULT), ("legacy", LEGACY)])
@pytest.mark.parametrize("draft", DRAFTS.values(), ids=DRAFTS)
def test_the_policy_and_the_webhook_store_the_same(
    native: Native, draft: dict[str, Any], variant: str, policy: Policy
) -> None:
    seen = labelled(draft, variant)
    stored = native.create(draft, variant).expect(201).body
    assert stored["spec"] == as_the_webhook_stores(seen, policy)["spec"]


@pytest.mark.parametrize(("entries", "section"), LEFT.values(), ids=LEFT)
def test_what_the_policy_cannot_express_it_does_not_do(
    native: Native, entries: list[Any], section: Any
) -> None:
    draft = cluster("left", machineSelectorConfig=entries)
    stored = native.create(draft, "nft").expect(201)
    assert section_of(stored) == section
    assert stored.body["spec"]["rkeConfig"]["machineSelectorConfig"] == entries
    assert stored.body["spec"] != as_the_webhook_stores(labelled(draft, "nft"), DEFAULT)["spec"]


ITEMS = sorted(
    {
        item
        for value in VALUES.values()
        if isinstance(value, list)
        for item in value
        if isinstance(item, str)
    }
)


@given(
    st.lists(
        st.sampled_from([*ITEMS, None, 7]) | st.text("IPTABLES_MODE=nf\"' \t", max_size=18),
        max_size=4,
    )
)
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_on_any_list_they_store_the_same(native: Native, items: list[Any]) -> None:
    draft = cluster("any", {KEY: items})
    stored = native.create(draft, "nft").expect(201).body
    assert stored["spec"] == as_the_webhook_stores(labelled(draft, "nft"), DEFAULT)["spec"]


def _changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    draft = cluster("matched", {})
    change(draft)
    return draft


def _annotated(text: str) -> dict[str, Any]:
    return _changed(lambda c: c["metadata"].update(annotations={"rke2-lint.dev/ignore": text}))


def _versioned(version: str) -> dict[str, Any]:
    return _changed(lambda c: c["spec"].update(kubernetesVersion=version))


def _restored(**restore: Any) -> dict[str, Any]:
    return cluster("matched", {}, etcdSnapshotRestore={"name": "a", "generation": 1, **restore})


# Cluster, and whether it gets the pin. The webhook says the same, but where it is told otherwise.
MATCHED = {
    "RKE2": (cluster("matched", {}), True),
    "K3s": (_versioned("v1.34.1+k3s1"), False),
    "before the setting": (_versioned("v1.20.4+rke2r1"), False),
    "long before the setting": (_versioned("v1.9.1+rke2r1"), False),
    "the first with the setting": (_versioned("v1.21.4+rke2r2"), True),
    "before the other first one": (_versioned("v1.22.2+rke2r1"), False),
    "the other first one": (_versioned("v1.22.3+rke2r1"), True),
    "a release candidate": (_versioned("v1.34.0-rc1+rke2r1"), True),
    "imported": (_changed(lambda c: c["spec"].clear()), False),
    "no spec": (_changed(lambda c: c.pop("spec")), False),
    "rkeConfig null": (_changed(lambda c: c["spec"].update(rkeConfig=None)), False),
    "no version": (_changed(lambda c: c["spec"].pop("kubernetesVersion")), False),
    "the label off": (
        _changed(lambda c: c["metadata"].update(labels={"rke2-lint.dev/webhook": "off"})),
        False,
    ),
    "the label on": (
        _changed(lambda c: c["metadata"].update(labels={"rke2-lint.dev/webhook": "on"})),
        True,
    ),
    "exempt": (_annotated("missing-nft-pin old hosts"), False),
    "exempt until a day": (_annotated("missing-nft-pin until=2199-01-01 old hosts"), False),
    "exempt among others": (_annotated("legacy-backend, missing-nft-pin old hosts"), False),
    "exempt before others": (_annotated(" missing-nft-pin,legacy-backend old hosts"), False),
    "exempt from another rule": (_annotated("legacy-backend missing-nft-pin old hosts"), True),
    "exempt from a longer name": (_annotated("missing-nft-pins old hosts"), True),
    "an empty annotation": (_annotated(""), True),
    "restored with all": (_restored(restoreRKEConfig="all"), False),
    "restored with the version": (_restored(restoreRKEConfig="kubernetesVersion"), True),
    "restored": (_restored(), True),
    "restore null": (cluster("matched", {}, etcdSnapshotRestore=None), True),
    "Rancher's finalizer": (
        _changed(lambda c: c["metadata"].update(finalizers=["wrangler.cattle.io/x"])),
        False,
    ),
    "another finalizer": (
        _changed(lambda c: c["metadata"].update(finalizers=["example.com/x"])),
        True,
    ),
    "a status": (_changed(lambda c: c.update(status={"ready": True})), False),
    "an empty status": (_changed(lambda c: c.update(status={})), True),
}


@pytest.mark.parametrize(("draft", "pinned"), MATCHED.values(), ids=MATCHED)
def test_the_conditions_let_through_what_the_webhook_would_change(
    native: Native, draft: dict[str, Any], *, pinned: bool
) -> None:
    stored = native.create(draft, "nft").expect(201).body
    section = ((stored.get("spec") or {}).get("rkeConfig") or {}).get("machineGlobalConfig")
    assert (section == PINNED) == pinned
    spec = as_the_webhook_stores(labelled(draft, "nft"), DEFAULT).get("spec")
    # Without a version nobody knows whether it is RKE2; the webhook's own conditions say so, too.
    assert stored.get("spec") == spec


def test_an_annotation_counts_after_its_day(native: Native) -> None:
    draft = _annotated("missing-nft-pin until=2020-01-01 old hosts")
    assert section_of(native.create(draft, "nft")) == {}


@pytest.mark.parametrize("user", DEFAULT.admission.ignore_users)
def test_who_keeps_the_books_creates_as_they_say(native: Native, user: str) -> None:
    api = native.kube.acting_as(user, "system:masters")
    assert section_of(native.create(cluster("books", {}), "nft", api)) == {}
    assert section_of(native.create(cluster("books", {}), "only-missing", api)) == PINNED


@pytest.mark.parametrize("user", [DEVELOPER, "o'neil\\"])
def test_the_policy_says_who_keeps_the_books(native: Native, user: str) -> None:
    api = native.kube.acting_as(user, "system:masters")
    assert section_of(native.create(cluster("books", {}), "only-missing", api)) == {}


def test_a_policy_may_leave_misspelt_values_alone(native: Native) -> None:
    said = {KEY: ["IPTABLES_MODE=NFT"]}
    draft = cluster("misspelt", said)
    assert section_of(native.create(draft, "only-missing", native.kube.admin)) == said


def test_an_update_changes_nothing(native: Native, new_name: Callable[[], str]) -> None:
    made = native.create(cluster(new_name(), {}), "nobody", fieldManager="e2e").expect(201).body
    made["metadata"]["labels"][VARIANT] = "nft"
    made["spec"]["kubernetesVersion"] = "v1.35.0+rke2r1"
    where = f"{clusters()}/{made['metadata']['name']}"
    updated = native.developer.replace(where, made)
    assert section_of(updated) == {}
    assert updated.body["spec"]["kubernetesVersion"] == "v1.35.0+rke2r1"


def test_what_is_stored_is_not_changed_again(native: Native, new_name: Callable[[], str]) -> None:
    made = native.create(cluster(new_name(), None), "nft", fieldManager="e2e").expect(201).body
    where = f"{clusters()}/{made['metadata']['name']}"
    assert (
        native.developer.get(where).expect().body["spec"]["rkeConfig"]["machineGlobalConfig"]
        == PINNED
    )
    del made["metadata"]["resourceVersion"], made["metadata"]["uid"]
    made["metadata"]["name"] = new_name()
    again = native.create(made, "nft").expect(201)
    assert again.body["spec"] == made["spec"]


def _named(name: str, **labels: str) -> dict[str, Any]:
    draft = cluster(name, {})
    draft["metadata"]["labels"] = labels
    return draft


@pytest.mark.parametrize(
    ("draft", "pinned"),
    [
        pytest.param(_named("shop"), True, id="any"),
        pytest.param(_named("exempt-1"), False, id="exempt by a glob"),
        pytest.param(_named("a.b"), False, id="exempt by its name"),
        pytest.param(_named("axb"), True, id="a dot is a dot"),
        pytest.param(_named("old-1"), False, id="overridden by its name"),
        pytest.param(_named("old-12"), True, id="a question mark is one character"),
        pytest.param(_named("new", hosts="old"), False, id="overridden by a label"),
        pytest.param(_named("new", hosts="new"), True, id="another label"),
        pytest.param(_named("quiet-1"), False, id="the rule is off there"),
        pytest.param(_named("profile-1"), True, id="overridden in another matter"),
    ],
)
def test_clusters_of_which_something_else_is_wanted_are_left_alone(
    native: Native, draft: dict[str, Any], *, pinned: bool
) -> None:
    assert (section_of(native.create(draft, "fleet")) == PINNED) == pinned
    told = native.create(draft, "told-fleet").expect(201).warnings
    assert bool(told) == pinned
    webhooks = as_the_webhook_stores(labelled(draft, "fleet"), FLEET)
    section = webhooks["spec"]["rkeConfig"]["machineGlobalConfig"]
    assert (section == PINNED) == pinned


def test_an_object_may_have_its_name_made(native: Native) -> None:
    draft = cluster("", {})
    draft["metadata"] = {"generateName": "made-", "namespace": "fleet-default"}
    assert section_of(native.create(draft, "fleet")) == PINNED


# Fail


@pytest.mark.parametrize("variant", ["nft", "legacy", "fleet", "told", "told-fleet"])
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_no_expression_fails_on_any_type(
    native: Native, place: tuple[str, ...], variant: str
) -> None:
    for name, value in ODD.items():
        said = native.create(with_odd(place, value), variant)
        # What is of the wrong type is refused by the API server, in its own words, and by nobody else.
        assert said.ok or said.body["reason"] in ("Invalid", "BadRequest"), (name, said.body)
        assert "olicy" not in said.message.replace("rotationPolicy", ""), (name, said.message)


# ValidatingAdmissionPolicy

TOLD = {
    "missing-nft-pin": "kube-proxy is not pinned to ",
    **{
        rule: f"{rule}: "
        for rule in (
            "empty-backend",
            "legacy-backend",
            "invalid-backend",
            "map-instead-of-list",
            "map-entry",
        )
    },
}
# By the webhook's rule, what the policy tells of the same: it does not know how they come about.
OTHERWISE = {
    "misspelt-variable": {"missing-nft-pin"},
    "space-in-name": {"missing-nft-pin"},
    "entry-without-equals": {"missing-nft-pin"},
}
# What the webhook tells of a shape, and the policy does not.
UNTOLD = {
    "key: a space before the value": {"spaced-value"},
    "key: joined by a comma": {"comma-joined"},
    "key: several lines": {"multi-line-entry"},
    "key: another variable's value": {"templated-pin"},
    "key: a list of lists": {"missing-nft-pin", "nested-list"},
    "key: a map of others": {"missing-nft-pin"},
    "key: a pinned list in a list": {"nested-list", "legacy-backend"},
}


def told_by(said: Answer) -> set[str]:
    texts = [text.partition("': ")[2] for text in said.expect(201).warnings]
    rules = {rule for text in texts for rule, start in TOLD.items() if text.startswith(start)}
    assert len(rules) == len(texts), texts
    return rules


@pytest.mark.parametrize(("variant", "policy"), [("told", DEFAULT), ("told-legacy", LEGACY)])
@pytest.mark.parametrize("name", SECTIONS)
def test_the_policy_warns_where_the_webhook_does(
    native: Native, name: str, variant: str, policy: Policy
) -> None:
    draft = cluster("told", SECTIONS[name])
    said = native.create(draft, variant)
    assert section_of(said) == SECTIONS[name]
    response = reviewed(labelled(draft, variant), policy, validate=True)
    rules = set(response["auditAnnotations"].get("rules", "").split(",")) - {""}
    told = told_by(said)
    # Silent where the webhook is silent.
    assert "warnings" in response or not told
    wanted = (rules & TOLD.keys()) - UNTOLD.get(name, set())
    for rule, instead in OTHERWISE.items():
        wanted |= instead if rule in rules and not wanted else set()
    assert told == wanted
    # Of several, the API server notes the first.
    audited = [failure["message"] for failure in native.failures(said)]
    assert audited == [text.partition("': ")[2] for text in said.warnings][:1]


def test_a_warning_says_what_to_commit(native: Native) -> None:
    (told,) = native.create(cluster("told"), "told").warnings
    assert told.endswith(f"kube-proxy is not pinned to nft: commit {KEY}: [{PIN}] to Git")
    (webhooks,) = reviewed(cluster("told"), DEFAULT, validate=True)["warnings"]
    assert told.endswith(webhooks)
    (failure,) = native.failures(native.create(cluster("told"), "told"))
    assert failure["validationActions"] == ["Warn", "Audit"]


@pytest.mark.parametrize(("draft", "pinned"), MATCHED.values(), ids=MATCHED)
def test_a_warning_is_for_those_who_can_use_it(
    native: Native, draft: dict[str, Any], *, pinned: bool
) -> None:
    said = native.create(draft, "told").expect(201)
    response = reviewed(labelled(draft, "told"), DEFAULT, validate=True)
    sure = "kubernetesVersion" in draft.get("spec", {})
    assert bool(said.warnings) == (sure and "warnings" in response)


@pytest.mark.parametrize(
    ("variant", "created", "updated"),
    [
        pytest.param("told", 1, 1, id="both"),
        pytest.param("told-quiet", 1, 0, id="webhook.onUpdate off"),
        pytest.param("told-updates", 0, 1, id="webhook.onCreate off"),
    ],
)
def test_updates_are_warned_of_and_not_changed(
    native: Native, new_name: Callable[[], str], variant: str, created: int, updated: int
) -> None:
    made = native.create(cluster(new_name(), {}), variant, fieldManager="e2e").expect(201)
    assert len(made.warnings) == created
    where = f"{clusters()}/{made.body['metadata']['name']}"
    change = {"metadata": {"annotations": {"a": "1"}}}
    said = native.developer.merge(where, change).expect()
    assert len(said.warnings) == updated
    assert section_of(said) == {}
    ranchers = native.kube.acting_as(RANCHER).merge(
        where, {"metadata": {"annotations": {"a": "2"}}}
    )
    assert ranchers.expect().warnings == ()


def test_who_opts_out_is_not_warned_of_it(native: Native, new_name: Callable[[], str]) -> None:
    made = native.create(cluster(new_name(), {}), "told", fieldManager="e2e").expect(201)
    where = f"{clusters()}/{made.body['metadata']['name']}"
    off = {"metadata": {"labels": {"rke2-lint.dev/webhook": "off"}}}
    assert native.developer.merge(where, off).expect().warnings == ()


@pytest.mark.parametrize("entries", [entries for entries, _ in LEFT.values()], ids=LEFT)
def test_selectors_that_say_something_of_kube_proxy_are_not_judged(
    native: Native, entries: list[Any]
) -> None:
    draft = cluster("judged", machineSelectorConfig=entries)
    assert native.create(draft, "told").expect(201).warnings == ()


def test_what_the_policy_denies_is_refused(native: Native) -> None:
    for section in (ABSENT, {KEY: ["IPTABLES_MODE=legacy"]}):
        refused = native.create(cluster("refused", section), "required").expect(422)
        assert "denied request: " in refused.message
        (failure,) = native.failures(refused)
        assert failure["validationActions"] == ["Deny", "Audit"]
    warned = native.create(cluster("warned", {KEY: ["IPTABLES_MODE=auto"]}), "required")
    assert told_by(warned) == {"invalid-backend"}
