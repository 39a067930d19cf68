"""What holds of the manifests, whatever the values are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from matrix import MATRIX, MONITORING
from rendering import CHART, NAMESPACE, Objects, merged, needed, render

from rke2_policies.policy import DEFAULT
from rke2_policies.policy_file import read_policy
from rke2_webhook.review import OPT_OUT_LABEL, answer

kubernetes_validate = needed("kubernetes_validate")

# What no schema of Kubernetes' own describes.
FOREIGN = ("monitoring.coreos.com", "cert-manager.io")


@pytest.fixture(params=MATRIX, scope="module")
def rendered(request: pytest.FixtureRequest) -> Objects:
    return render(MATRIX[request.param])


@pytest.mark.parametrize("version", ["1.28", "1.37"])
def test_the_schemas_of_kubernetes_take_every_object(rendered: Objects, version: str) -> None:
    checked = 0
    for each in rendered:
        if not each["apiVersion"].startswith(FOREIGN):
            kubernetes_validate.validate(each, version, strict=True)
            checked += 1
    assert checked > 5


def test_every_object_is_known_by_its_labels_and_has_a_place(rendered: Objects) -> None:
    cluster_wide = {
        "ClusterRole",
        "ClusterRoleBinding",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
    for each in rendered:
        meta = each["metadata"]
        assert meta["labels"]["app.kubernetes.io/instance"] == "rke2-webhook"
        assert meta["labels"]["app.kubernetes.io/managed-by"] == "Helm"
        assert ("namespace" in meta) == (each["kind"] not in cluster_wide)
        assert len(meta["name"]) <= 63


def test_long_names_fit() -> None:
    for each in render({"fullnameOverride": "x" * 53}, release="r" * 53):
        assert len(each["metadata"]["name"]) <= 63
        assert all(len(str(label)) <= 63 for label in each["metadata"]["labels"].values())


def test_the_emergency_line_finds_the_webhooks_under_any_name() -> None:
    """`kubectl delete … -l app.kubernetes.io/part-of=rke2-lint`, as every page has it."""
    names = {"nameOverride": "other", "fullnameOverride": "pin"}
    others = {"commonLabels": {"app.kubernetes.io/part-of": "x", "app.kubernetes.io/name": "y"}}
    rendered = render({**names, **others}, release="mine")
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        labels = rendered.one(kind)["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "rke2-lint"


@pytest.mark.parametrize("name", ["007", "1e3", "0x10", "123"])
@pytest.mark.parametrize("values", [MATRIX[each] for each in ("defaults", "cert-manager")])
def test_names_that_yaml_reads_as_numbers_stay_names(values: Mapping[str, Any], name: str) -> None:
    given = {**values, **MONITORING, "fullnameOverride": "pin", "priorityClassName": name}
    rendered = render(given, release=name, namespace=name)
    for each in rendered:
        if not each["apiVersion"].startswith(FOREIGN):
            kubernetes_validate.validate(each, "1.37", strict=True)
        meta = each["metadata"]
        assert meta.get("namespace", name) in {name, "fleet-default"}
        assert meta["labels"]["app.kubernetes.io/instance"] == name
    env = rendered.at("Deployment: spec.template.spec.containers[0].env")
    assert {"name": "RKE2_WEBHOOK_NAMESPACE", "value": name} in env


def test_a_name_with_a_star_is_a_name_in_a_certificate() -> None:
    values = {"tls": {"mode": "cert-manager", "extraNames": ["*.hooks.example"]}}
    assert "*.hooks.example" in render(values).at("Certificate/-tls: spec.dnsNames")


class TestWebhooks:
    def webhooks(self, rendered: Objects) -> Iterator[Any]:
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            for each in rendered.of(kind):
                (only,) = each["webhooks"]
                yield only

    def test_both_are_asked_about_the_same(self) -> None:
        values = {
            "mutating": {
                "namespaceSelector": {"matchLabels": {"a": "b"}},
                "objectSelector": {"matchLabels": {"c": "d"}},
                "extraMatchConditions": [{"name": "x", "expression": "true"}],
                "matchPolicy": "Exact",
            }
        }
        one, other = self.webhooks(render(values))
        for key in (
            "rules",
            "namespaceSelector",
            "objectSelector",
            "matchConditions",
            "matchPolicy",
        ):
            assert one[key] == other[key]

    def test_nobody_is_kept_from_work_by_default(self) -> None:
        for each in self.webhooks(render()):
            assert each["failurePolicy"] == "Ignore"
            assert each["timeoutSeconds"] == 3
            assert each["sideEffects"] == "None"

    def test_the_namespaces_of_rancher_are_never_excluded(self, rendered: Objects) -> None:
        for each in self.webhooks(rendered):
            text = yaml.safe_dump(each["namespaceSelector"])
            assert "NotIn" not in text
            assert "fleet-default" not in text

    def test_rules_name_what_they_mean(self, rendered: Objects) -> None:
        for each in self.webhooks(rendered):
            assert "*" not in yaml.safe_dump(each["rules"])

    def test_the_rules_are_the_kinds_that_the_engine_accepts(self) -> None:
        """Whatever the engine looks at, the API server asks about, and nothing else."""
        for webhook in self.webhooks(render()):
            (rule,) = webhook["rules"]
            asked = itertools.product(
                ("CREATE", "UPDATE", "DELETE", "CONNECT"),
                ("", "status", "scale"),
                ("clusters", "clusterrepos", "rkeclusters"),
                ("provisioning.cattle.io", "management.cattle.io", "cluster.x-k8s.io"),
            )
            for operation, part, resource, group in asked:
                path = f"{resource}/{part}" if part else resource
                sent = (
                    operation in rule["operations"]
                    and path in rule["resources"]
                    and group in rule["apiGroups"]
                )
                kind = "Cluster" if resource == "clusters" else "Another"
                looked_at = _decision(operation, part, kind, group) not in {
                    "other-operation",
                    "subresource",
                    "not-a-cluster",
                }
                assert sent == looked_at, (operation, path, group)

    def test_a_condition_asks_first_whether_a_field_is_there(self) -> None:
        for each in self.webhooks(render()):
            for condition in each["matchConditions"]:
                said = condition["expression"]
                if "object.spec" in said:
                    first = said.partition("object.spec")[0]
                    assert first.endswith("has("), said
            assert each["matchConditions"][0]["expression"].startswith("has(object.spec) &&")

    def test_the_label_that_opts_out_is_the_engines(self) -> None:
        for each in self.webhooks(render()):
            (said,) = each["objectSelector"]["matchExpressions"]
            assert said == {"key": OPT_OUT_LABEL, "operator": "NotIn", "values": ["off"]}

    @pytest.mark.parametrize(
        ("values", "users"),
        [
            pytest.param({}, DEFAULT.admission.ignore_users, id="the default policy's"),
            pytest.param(
                {"policy": {"webhook": {"ignoreUsers": ["a", "b"]}}}, ("a", "b"), id="said"
            ),
            pytest.param({"policy": {"webhook": {"ignoreUsers": []}}}, (), id="none"),
            pytest.param({"existingPolicy": {"configMap": "x"}}, (), id="unknown"),
        ],
    )
    def test_controllers_are_those_of_the_policy(
        self, values: Mapping[str, Any], users: tuple[str, ...]
    ) -> None:
        for each in self.webhooks(render(values)):
            said = [
                c["expression"] for c in each["matchConditions"] if "username" in c["expression"]
            ]
            assert len(said) == bool(users)
            for expression in said:
                listed = yaml.safe_load(expression.rpartition(" in ")[2].removesuffix(")"))
                assert tuple(listed) == tuple(users)

    def test_the_ca_bundle_is_the_servers_in_mode_self(self, rendered: Objects) -> None:
        for each in self.webhooks(rendered):
            assert "caBundle" not in each["clientConfig"]


def _decision(operation: str, part: str, kind: str, group: str) -> Any:
    annotations: Any = answer(_review(operation, part, kind, group))["response"]
    return annotations["auditAnnotations"]["decision"]


def _review(
    operation: str, part: str = "", kind: str = "Cluster", group: str = "provisioning.cattle.io"
) -> dict[str, Any]:
    return {
        "request": {
            "uid": "x",
            "operation": operation,
            "subResource": part,
            "userInfo": {"username": "jane"},
            "object": None
            if operation in {"DELETE", "CONNECT"}
            else {
                "apiVersion": f"{group}/v1",
                "kind": kind,
                "metadata": {"name": "a", "namespace": "b"},
                "spec": {"kubernetesVersion": "v1.34.1+rke2r1", "rkeConfig": {}},
            },
            "oldObject": None,
        }
    }


class TestPods:
    def specs(self, rendered: Objects) -> Iterator[Any]:
        for kind in ("Deployment", "Job"):
            for each in rendered.of(kind):
                yield each["spec"]["template"]["spec"]

    def test_they_may_do_nothing(self, rendered: Objects) -> None:
        for spec in self.specs(rendered):
            (container,) = spec["containers"]
            assert spec["securityContext"]["runAsNonRoot"] is True
            assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "cpu" not in container["resources"]["limits"]

    def test_their_token_is_mounted_by_hand_and_lives_an_hour(self, rendered: Objects) -> None:
        for spec in self.specs(rendered):
            assert spec["automountServiceAccountToken"] is False
            (api,) = [each for each in spec["volumes"] if each["name"] == "api"]
            token = api["projected"]["sources"][0]["serviceAccountToken"]
            assert token == {"path": "token", "expirationSeconds": 3600}

    def test_service_links_do_not_fill_the_environment(self, rendered: Objects) -> None:
        assert all(spec["enableServiceLinks"] is False for spec in self.specs(rendered))

    def test_every_mount_has_its_volume(self, rendered: Objects) -> None:
        for spec in self.specs(rendered):
            mounts = {each["name"] for each in spec["containers"][0]["volumeMounts"]}
            assert mounts == {each["name"] for each in spec["volumes"]}
            assert not any("subPath" in each for each in spec["containers"][0]["volumeMounts"])

    def test_the_pods_of_the_test_get_no_reviews(self) -> None:
        rendered = render()
        selector = rendered.at("Service: spec.selector")
        labels = rendered.at("Job: spec.template.metadata.labels")
        assert any(labels.get(key) != value for key, value in selector.items())

    def test_a_constraint_counts_the_pods_of_this_release(self) -> None:
        rendered = render()
        selector = rendered.at("Service: spec.selector")
        for each in rendered.at("Deployment: spec.template.spec.topologySpreadConstraints"):
            assert each["labelSelector"] == {"matchLabels": selector}

    def test_there_is_time_for_the_end(self) -> None:
        spec = render({"shutdown": {"delaySeconds": 5, "terminationGracePeriodSeconds": 60}})
        env = {
            each["name"]: each["value"]
            for each in spec.at("Deployment: spec.template.spec.containers[0].env")
        }
        assert env["RKE2_WEBHOOK_DRAIN"] == "5s"
        assert env["RKE2_WEBHOOK_GRACE"] == "45s"


def test_a_budget_never_keeps_a_single_pod_where_it_is() -> None:
    assert render({"replicaCount": 2}).of("PodDisruptionBudget")
    assert not render({"replicaCount": 1}).of("PodDisruptionBudget")
    one = {"enabled": True, "minReplicas": 1, "maxReplicas": 1}
    assert not render({"autoscaling": one}).of("PodDisruptionBudget")


class TestRights:
    def test_no_right_is_for_more_than_names(self, rendered: Objects) -> None:
        for kind in ("Role", "ClusterRole"):
            for each in rendered.of(kind):
                for rule in each["rules"]:
                    assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
                    if each["metadata"]["name"].endswith("-test"):
                        assert (rule["resources"], rule["verbs"]) == (["clusters"], ["create"])
                    else:
                        assert rule["resourceNames"]
                        assert not {"create", "delete", "list", "watch"} & set(rule["verbs"])

    def test_they_are_for_the_objects_of_this_release(self, rendered: Objects) -> None:
        hooks = rendered.of("MutatingWebhookConfiguration")
        (rule,) = rendered.one("ClusterRole")["rules"]
        assert rule["resourceNames"] == [hooks[0]["metadata"]["name"]]
        for role in rendered.of("Role", "webhook"):
            (secret,) = rendered.of("Secret")
            (rule,) = role["rules"]
            assert rule["resourceNames"] == [secret["metadata"]["name"]]
            assert role["metadata"]["namespace"] == NAMESPACE

    def test_whoever_does_not_write_the_bundle_may_not(self, rendered: Objects) -> None:
        self_signed = bool(rendered.of("Secret"))
        (rule,) = rendered.one("ClusterRole")["rules"]
        assert rule["verbs"] == (["get", "patch"] if self_signed else ["get"])
        assert bool(rendered.of("Role", "webhook")) == self_signed


def test_the_secret_of_the_ca_says_nothing(rendered: Objects) -> None:
    for each in rendered.of("Secret"):
        assert set(each) == {"apiVersion", "kind", "metadata", "type"}
        assert each["metadata"]["name"].endswith("-ca")


class TestHelmTest:
    @pytest.mark.parametrize(
        ("values", "arguments"),
        [
            pytest.param({}, ("fleet-default", "nft"), id="defaults"),
            pytest.param(
                {"rollout": {"namespaces": ["lab", "test"]}}, ("lab", "nft"), id="a rollout"
            ),
            pytest.param(
                {"policy": {"params": {"backend": "legacy"}}},
                ("fleet-default", "legacy"),
                id="a policy for legacy",
            ),
        ],
    )
    def test_it_expects_what_the_values_promise(
        self, values: Mapping[str, Any], arguments: tuple[str, str]
    ) -> None:
        said = render(values).at("Job: spec.template.spec.containers[0].args")
        namespace, backend = arguments
        assert said[:3] == ["try", f"--namespace={namespace}", f"--backend={backend}"]

    @pytest.mark.parametrize(
        "policy",
        [
            {},
            None,
            {"extends": "strict"},
            {"webhook": None, "levels": None, "fixable": None, "unfixable": None},
            {"webhook": {"onCreate": None, "patch": None}},
            {"webhook": {"onCreate": "inject"}},
            {"webhook": {"onCreate": "warn"}},
            {"webhook": {"onCreate": "off"}},
            {"webhook": {"onCreate": False}},
            {"webhook": {"patch": []}},
            {"webhook": {"patch": ["invalid-backend"]}},
            {"webhook": {"patch": ["missing-nft-pin"]}},
            {"levels": {"missing-nft-pin": "note"}},
            {"levels": {"missing-nft-pin": "off"}},
            {"levels": {"missing-nft-pin": False}},
            {"fixable": []},
            {"fixable": ["invalid-backend"]},
            {"fixable": ["missing-nft-pin"]},
            {"unfixable": []},
            {"unfixable": ["missing-nft-pin"]},
        ],
        ids=str,
    )
    def test_it_is_there_where_the_server_injects(self, policy: Mapping[str, Any] | None) -> None:
        """What the templates make of a policy, and what the server does with the same."""
        given = read_policy("policy.yaml", yaml.safe_dump(policy).encode())
        response: Any = answer(_review("CREATE"), given)["response"]
        rendered = render({"policy": policy})
        assert bool(rendered.of("Job")) == ("patch" in response)
        assert ("do NOT get the pin" in rendered.notes) == ("patch" not in response)
        assert ("has nothing to expect" in rendered.notes) == ("patch" not in response)

    def test_what_it_needs_is_gone_when_it_is_over(self) -> None:
        for each in render():
            hook = each["metadata"].get("annotations", {})
            if "helm.sh/hook" in hook:
                assert hook["helm.sh/hook"] == "test"
                policies = hook["helm.sh/hook-delete-policy"].split(",")
                assert {"before-hook-creation", "hook-succeeded"} <= set(policies)
                assert "hook-failed" in policies or each["spec"]["ttlSecondsAfterFinished"]


class TestNotes:
    @pytest.mark.parametrize(
        ("values", "words"),
        [
            pytest.param({}, "helm test rke2-webhook -n cattle-system", id="the test"),
            pytest.param({}, "kubectl delete mutatingwebhookconfigurations", id="the emergency"),
            pytest.param(
                {"mutating": {"failurePolicy": "Fail"}},
                "WARNING: with failurePolicy Fail",
                id="few",
            ),
            pytest.param(MATRIX["secret"], "no tls.secret.caBundle", id="no bundle"),
            pytest.param(MATRIX["cert-manager"], "delete secret -l", id="what is left"),
            pytest.param(MATRIX["a rollout"], "in these namespaces", id="a rollout"),
            pytest.param(MATRIX["somebody else's policy"], "ConfigMap theirs", id="policy"),
            pytest.param(
                MATRIX["somebody else's policy"], "expects the nft pin", id="policy and test"
            ),
            pytest.param(MATRIX["no pod"], "WARNING: replicaCount is 0", id="no pod"),
            pytest.param(
                merged(MATRIX["secret"], MATRIX["no validating"]),
                "the webhook configuration, nobody",
                id="no bundle in one",
            ),
        ],
    )
    def test_they_say_what_matters(self, values: Mapping[str, Any], words: str) -> None:
        assert words in render(values).notes

    def test_they_do_not_warn_of_three_pods(self) -> None:
        values = merged({"mutating": {"failurePolicy": "Fail"}}, {"replicaCount": 3})
        assert "WARNING" not in render(values).notes


def test_the_network_policy_lets_monitoring_and_everyone_in_where_they_belong() -> None:
    rendered = render()
    reviews, metrics = rendered.at("NetworkPolicy/webhook: spec.ingress")
    assert reviews == {"ports": [{"port": 8443, "protocol": "TCP"}]}
    assert metrics["ports"] == [{"port": 8080, "protocol": "TCP"}]
    assert metrics["from"]
    assert not render({"hostNetwork": True}).of("NetworkPolicy", "webhook")


def test_no_template_asks_what_the_api_server_can_do() -> None:
    # `helm template` in a GitOps tool would render something else than `helm install`.
    for path in (CHART / "templates").rglob("*"):
        if path.is_file():
            text = path.read_text("utf-8")
            assert ".Capabilities.APIVersions" not in text
            assert "lookup " not in text
            assert "genCA" not in text
