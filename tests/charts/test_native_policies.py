"""The chart's native policies are what `rke2-lint export` writes, under the chart's own names."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from rendering import CHART, Objects, helm, render

from rke2_lint.export import export, validating
from rke2_policies.policy_file import read_policy

BOTH = {"nativePolicies": {"mutating": True, "validating": True}}
FORMS = {
    "Mutating": "mutating-admission-policy",
    "Validating": "validating-admission-policy",
}


def natives(objects: Objects, which: str) -> list[dict[str, Any]]:
    kinds = (f"{which}AdmissionPolicy", f"{which}AdmissionPolicyBinding")
    return [objects.one(kind) for kind in kinds]


def test_there_are_none_unless_they_are_asked_for() -> None:
    kinds = {each["kind"] for each in render()}
    assert not any("AdmissionPolicy" in kind for kind in kinds)


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param({}, id="default"),
        pytest.param({"params": {"backend": "legacy"}}, id="legacy"),
        pytest.param(
            {"params": {"backend": "nft", "required-settings": {"cni": "canal"}}}, id="nft"
        ),
        pytest.param({"webhook": {"ignoreUsers": ["o'neil", "a\\b", "<c>"]}}, id="ignored users"),
        pytest.param({"webhook": {"ignoreUsers": []}}, id="no ignored users"),
        pytest.param({"extends": "strict", "name": "mine"}, id="strict"),
    ],
)
@pytest.mark.parametrize("which", FORMS)
def test_they_are_what_is_exported(which: str, policy: dict[str, Any]) -> None:
    rendered = copy.deepcopy(natives(render({**BOTH, "policy": policy}, "release"), which))
    exported = export(FORMS[which], read_policy("p", yaml.safe_dump(policy).encode()))
    for ours, theirs in zip(rendered, yaml.safe_load_all(exported), strict=True):
        assert ours["metadata"].pop("labels")["app.kubernetes.io/instance"] == "release"
        assert ours["metadata"].pop("name") == "release-rke2-webhook"
        del theirs["metadata"]["name"]
        if "policyName" in ours["spec"]:
            assert ours["spec"].pop("policyName") == "release-rke2-webhook"
            del theirs["spec"]["policyName"]
        assert ours == theirs


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"rollout": {"namespaces": ["fleet-a", "fleet-b"]}}, id="a rollout"),
        pytest.param(
            {
                "rollout": {"namespaces": ["fleet-a"]},
                "mutating": {"namespaceSelector": {"matchLabels": {"pin": "nft"}}},
            },
            id="a rollout and a selector",
        ),
        pytest.param(
            {"mutating": {"objectSelector": {"matchLabels": {"team": "a"}}}}, id="Clusters"
        ),
        pytest.param(
            {
                "mutating": {
                    "matchConditions": [{"name": "mine", "expression": "!request.dryRun"}],
                    "extraMatchConditions": [{"name": "more", "expression": "true"}],
                }
            },
            id="conditions",
        ),
    ],
)
@pytest.mark.parametrize("which", FORMS)
def test_they_look_at_the_clusters_that_the_webhook_is_asked_about(
    which: str, values: Mapping[str, Any]
) -> None:
    objects = render({**BOTH, **values})
    policy, binding = natives(objects, which)
    hook = objects.one(f"{which}WebhookConfiguration")["webhooks"][0]
    bound = binding["spec"].get("matchResources", {})
    assert bound.get("namespaceSelector", {}) == hook["namespaceSelector"]
    given = bound.get("objectSelector", {})
    assert given.get("matchLabels") == hook["objectSelector"].get("matchLabels")
    # Whose label opts out, the policy itself leaves out.
    (label,) = hook["objectSelector"]["matchExpressions"]
    assert label in policy["spec"]["matchConstraints"]["objectSelector"]["matchExpressions"]
    mutating = values.get("mutating", {})
    mine = [*mutating.get("matchConditions", []), *mutating.get("extraMatchConditions", [])]
    plain, _ = natives(render(BOTH), which)
    assert policy["spec"]["matchConditions"] == [*plain["spec"]["matchConditions"], *mine]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param(
            {"existingPolicy": {"configMap": "ours"}}, "the ConfigMap ours", id="ConfigMap"
        ),
        *(
            pytest.param({"policy": policy}, said, id=said)
            for policy, said in (
                (
                    {"exempt": [{"rule": "missing-nft-pin", "where": "a/b", "reason": "x"}]},
                    "policy.exempt",
                ),
                (
                    {
                        "overrides": [
                            {"clusters": ["a"], "params": {"backend": "legacy"}, "reason": "x"}
                        ]
                    },
                    "policy.overrides",
                ),
                ({"fixable": ["missing-nft-pin"]}, "policy.fixable"),
                ({"unfixable": ["missing-nft-pin"]}, "policy.unfixable"),
                ({"webhook": {"patch": []}}, "policy.webhook.patch"),
                ({"webhook": {"onCreate": "off"}}, "policy.webhook.onCreate"),
                ({"webhook": {"onUpdate": False}}, "policy.webhook.onUpdate"),
                *(
                    ({"levels": {one.rule: "note"}}, f"policy.levels.{one.rule}")
                    for one in validating._RULES
                ),
            )
        ),
    ],
)
@pytest.mark.parametrize("which", ["mutating", "validating"])
def test_what_they_know_nothing_of_is_refused(which: str, values: Any, said: str) -> None:
    with pytest.raises(helm.HelmError) as refused:
        render({**values, "nativePolicies": {which: True}})
    assert said in str(refused.value)
    assert "rke2-lint export" in str(refused.value)


def test_nothing_is_injected_that_the_policy_does_not_want() -> None:
    values = {"policy": {"webhook": {"onCreate": "warn"}}}
    with pytest.raises(
        helm.HelmError, match=r"nothing is to be injected, for the policy's webhook\.onCreate"
    ):
        render({**values, "nativePolicies": {"mutating": True}})
    assert natives(render({**values, "nativePolicies": {"validating": True}}), "Validating")


@pytest.mark.parametrize(
    ("which", "version", "said"),
    [
        pytest.param("mutating", "v1.35.9", "needs Kubernetes 1.36", id="before 1.36"),
        pytest.param("mutating", "v1.36.0", "", id="1.36"),
        pytest.param("mutating", "v1.36.2+rke2r1", "", id="1.36 of RKE2"),
        pytest.param("validating", "v1.29.9", "needs Kubernetes 1.30", id="before 1.30"),
        pytest.param("validating", "v1.30.0+rke2r1", "", id="1.30 of RKE2"),
    ],
)
def test_a_kubernetes_that_does_not_know_them_gets_none(
    capfd: pytest.CaptureFixture[str], which: str, version: str, said: str
) -> None:
    report = helm.chart.lint(
        CHART, values={"nativePolicies": {which: True}}, strict=True, kube_version=version
    )
    # A lint only tells of what would stop an installation.
    told = capfd.readouterr().err
    assert (said in told) if said else (report["errors"], told) == ([], "")
