"""Every key of values.yaml changes what is installed, and here is where."""

# ruff: noqa: FBT003 (values are given as they are written)

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
import yaml
from rendering import CHART, NAMESPACE, RELEASE, leaves, merged, nested, render
from write_chart import SOURCE

from rke2_webhook.settings import Settings, flags

POD = "Deployment: spec.template.spec"
CONTAINER = f"{POD}.containers[webhook]"
HOOK = "MutatingWebhookConfiguration: webhooks[0]"
VALIDATING = "ValidatingWebhookConfiguration: webhooks[0]"
PEM = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"
FULL = {"matchLabels": {"team": "a"}}
CONDITION = {"name": "mine", "expression": "true"}
AUTOSCALED = nested("autoscaling.enabled", True)
SECRET = {"tls": {"mode": "secret", "secret": {"name": "mine"}}}
CERT_MANAGER = nested("tls.mode", "cert-manager")
CLIENTS = {"tls": {"clientAuth": {"mode": "require", "caConfigMap": "clients"}}}
MONITORED = nested("metrics.serviceMonitor.enabled", True)
ALERTED = nested("metrics.prometheusRule.enabled", True)
SHOWN = nested("metrics.grafana.enabled", True)


class Case(NamedTuple):
    """A value, the place where it shows (see `Objects.at`), and what stands there then."""

    value: Any
    where: str
    becomes: Any
    given: Mapping[str, Any] = {}


def env(name: str) -> str:
    return f"{CONTAINER}.env[RKE2_WEBHOOK_{name}].value"


CASES: Mapping[str, Case] = {
    "nameOverride": Case("other", "Service: metadata.labels[~app.kubernetes.io/name]", "other"),
    "fullnameOverride": Case("other", "Deployment: metadata.name", "other"),
    "commonLabels": Case({"team": "a"}, "Service: metadata.labels.team", "a"),
    "global.cattle.systemDefaultRegistry": Case(
        "mirror.example:5000/", f"{CONTAINER}.image", "mirror.example:5000/rke2-lint/rke2-webhook:v"
    ),
    "global.imagePullSecrets": Case(["a"], f"{POD}.imagePullSecrets", [{"name": "a"}]),
    "image.registry": Case("r.example", f"{CONTAINER}.image", "r.example/rke2-lint/rke2-webhook:v"),
    "image.repository": Case("mine/it", f"{CONTAINER}.image", "ghcr.io/mine/it:v"),
    "image.tag": Case("v9", f"{CONTAINER}.image", "ghcr.io/rke2-lint/rke2-webhook:v9"),
    "image.digest": Case(
        f"sha256:{'0' * 64}",
        f"{CONTAINER}.image",
        f"ghcr.io/rke2-lint/rke2-webhook@sha256:{'0' * 64}",
        {"image": {"tag": "v9"}},
    ),
    "image.pullPolicy": Case("Always", f"{CONTAINER}.imagePullPolicy", "Always"),
    "imagePullSecrets": Case(
        ["a", {"name": "b"}],
        f"{POD}.imagePullSecrets",
        [{"name": "g"}, {"name": "a"}, {"name": "b"}],
        {"global": {"imagePullSecrets": ["g", "a"]}},
    ),
    "replicaCount": Case(3, "Deployment: spec.replicas", 3),
    "autoscaling.enabled": Case(True, "HorizontalPodAutoscaler", 1),
    "autoscaling.minReplicas": Case(3, "HorizontalPodAutoscaler: spec.minReplicas", 3, AUTOSCALED),
    "autoscaling.maxReplicas": Case(9, "HorizontalPodAutoscaler: spec.maxReplicas", 9, AUTOSCALED),
    "autoscaling.targetCPUUtilizationPercentage": Case(
        50,
        "HorizontalPodAutoscaler: spec.metrics[0].resource.target.averageUtilization",
        50,
        AUTOSCALED,
    ),
    "policy": Case(
        {"webhook": {"onUpdate": "warn"}},
        "ConfigMap/-policy: data[~policy.yaml]",
        "webhook:\n  onUpdate: warn\n",
    ),
    "existingPolicy.configMap": Case("mine", f"{POD}.volumes[policy].configMap.name", "mine"),
    "existingPolicy.key": Case("p.yaml", env("POLICY"), "/etc/rke2-webhook/policy/p.yaml"),
    "mutating.failurePolicy": Case("Fail", f"{HOOK}.failurePolicy", "Fail"),
    "mutating.timeoutSeconds": Case(9, f"{HOOK}.timeoutSeconds", 9),
    "mutating.reinvocationPolicy": Case("Never", f"{HOOK}.reinvocationPolicy", "Never"),
    "mutating.matchPolicy": Case("Exact", f"{HOOK}.matchPolicy", "Exact"),
    "mutating.namespaceSelector": Case(FULL, f"{HOOK}.namespaceSelector", FULL),
    "mutating.objectSelector": Case(
        FULL, f"{HOOK}.objectSelector.matchLabels", FULL["matchLabels"]
    ),
    "mutating.matchConditions": Case([CONDITION], f"{HOOK}.matchConditions", [CONDITION]),
    "mutating.extraMatchConditions": Case([CONDITION], f"{HOOK}.matchConditions[mine]", CONDITION),
    "validating.enabled": Case(False, "ValidatingWebhookConfiguration", 0),
    "validating.failurePolicy": Case("Fail", f"{VALIDATING}.failurePolicy", "Fail"),
    "validating.timeoutSeconds": Case(9, f"{VALIDATING}.timeoutSeconds", 9),
    "nativePolicies.mutating": Case(True, "MutatingAdmissionPolicy", 1),
    "nativePolicies.validating": Case(True, "ValidatingAdmissionPolicyBinding", 1),
    "rollout.namespaces": Case(
        ["lab"],
        f"{HOOK}.namespaceSelector.matchExpressions",
        [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["lab"]}],
    ),
    "tls.mode": Case(
        "secret", f"{POD}.volumes[tls].secret.secretName", "mine", nested("tls.secret.name", "mine")
    ),
    "tls.minVersion": Case("1.2", env("TLS_MINIMUM"), "1.2"),
    "tls.extraNames": Case(
        ["hook.example"],
        env("TLS_NAMES"),
        "hook.example,other.example",
        nested("webhook.url", "https://other.example:9443"),
    ),
    "tls.self.caLifetime": Case("30d", env("CA_LIFETIME"), "30d"),
    "tls.self.caOverlap": Case("2h", env("CA_OVERLAP"), "2h"),
    "tls.self.leafLifetime": Case("24h", env("LEAF_LIFETIME"), "24h"),
    "tls.self.settle": Case("9s", env("SETTLE"), "9s"),
    "tls.certManager.issuerRef.name": Case(
        "corp", "Certificate/-tls: spec.issuerRef.name", "corp", CERT_MANAGER
    ),
    "tls.certManager.issuerRef.kind": Case(
        "ClusterIssuer",
        "Certificate/-tls: spec.issuerRef.kind",
        "ClusterIssuer",
        merged(CERT_MANAGER, nested("tls.certManager.issuerRef.name", "corp")),
    ),
    "tls.certManager.issuerRef.group": Case(
        "issuers.example",
        "Certificate/-tls: spec.issuerRef.group",
        "issuers.example",
        merged(CERT_MANAGER, nested("tls.certManager.issuerRef.name", "corp")),
    ),
    "tls.certManager.duration": Case(
        "100h", "Certificate/-tls: spec.duration", "100h", CERT_MANAGER
    ),
    "tls.certManager.renewBefore": Case(
        "50h", "Certificate/-tls: spec.renewBefore", "50h", CERT_MANAGER
    ),
    "tls.secret.name": Case("other", f"{POD}.volumes[tls].secret.secretName", "other", SECRET),
    "tls.secret.caBundle": Case(
        PEM, f"{HOOK}.clientConfig.caBundle", base64.b64encode(PEM.encode()).decode(), SECRET
    ),
    "tls.clientAuth.mode": Case("optional", env("CLIENT_AUTH"), "optional", CLIENTS),
    "tls.clientAuth.caConfigMap": Case(
        "other", f"{POD}.volumes[client-ca].configMap.name", "other", CLIENTS
    ),
    "tls.clientAuth.caKey": Case(
        "x.pem", env("CLIENT_CA"), "/etc/rke2-webhook/client-ca/x.pem", CLIENTS
    ),
    "tls.clientAuth.names": Case(["a", "b"], env("CLIENT_NAMES"), "a,b", CLIENTS),
    "hostNetwork": Case(True, f"{POD}.hostNetwork", True),
    "webhook.port": Case(9443, env("REVIEW_PORT"), "9443"),
    "webhook.probePort": Case(9080, env("PROBE_PORT"), "9080"),
    "webhook.url": Case(
        "https://hook.example:9443/", f"{HOOK}.clientConfig.url", "https://hook.example:9443/mutate"
    ),
    "service.type": Case("NodePort", "Service: spec.type", "NodePort"),
    "service.annotations": Case({"a": "b"}, "Service: metadata.annotations", {"a": "b"}),
    "server.logLevel": Case("debug", env("LOG_LEVEL"), "debug"),
    "server.maxBody": Case(123456789, env("MAX_BODY"), "123456789"),
    "server.maxBuffered": Case(1234567890, env("MAX_BUFFERED"), "1234567890"),
    "server.maxInFlight": Case(8, env("MAX_IN_FLIGHT"), "8"),
    "server.maxConnections": Case(9, env("MAX_CONNECTIONS"), "9"),
    "server.maxTime": Case("1s", env("MAX_TIME"), "1s"),
    "server.readDeadline": Case("1s", env("READ_DEADLINE"), "1s"),
    "server.keepAlive": Case("100s", env("KEEP_ALIVE"), "100s"),
    "server.tracing": Case(True, env("TRACING"), "true"),
    "server.extraEnv": Case(
        [{"name": "OTEL_SERVICE_NAME", "value": "pin"}],
        f"{CONTAINER}.env[OTEL_SERVICE_NAME].value",
        "pin",
    ),
    "podDisruptionBudget.enabled": Case(False, "PodDisruptionBudget", 0),
    "podDisruptionBudget.maxUnavailable": Case(
        "50%", "PodDisruptionBudget: spec.maxUnavailable", "50%"
    ),
    "strategy.maxUnavailable": Case(1, "Deployment: spec.strategy.rollingUpdate.maxUnavailable", 1),
    "strategy.maxSurge": Case("50%", "Deployment: spec.strategy.rollingUpdate.maxSurge", "50%"),
    "shutdown.delaySeconds": Case(5, env("DRAIN"), "5s"),
    "shutdown.terminationGracePeriodSeconds": Case(60, f"{POD}.terminationGracePeriodSeconds", 60),
    "probes.startup": Case({"periodSeconds": 7}, f"{CONTAINER}.startupProbe.periodSeconds", 7),
    "probes.liveness": Case({"periodSeconds": 7}, f"{CONTAINER}.livenessProbe.periodSeconds", 7),
    "probes.readiness": Case({"periodSeconds": 7}, f"{CONTAINER}.readinessProbe.periodSeconds", 7),
    "resources.requests": Case({"memory": "1Gi"}, f"{CONTAINER}.resources.requests.memory", "1Gi"),
    "resources.limits": Case({"cpu": 1}, f"{CONTAINER}.resources.limits.cpu", 1),
    "priorityClassName": Case("", f"{POD}.priorityClassName", None),
    "nodeSelector": Case({"a": "b"}, f"{POD}.nodeSelector.a", "b"),
    "tolerations": Case(
        [{"key": "a", "operator": "Exists"}],
        f"{POD}.tolerations",
        [{"key": "a", "operator": "Exists"}],
    ),
    "affinity": Case({"nodeAffinity": {}}, f"{POD}.affinity", {"nodeAffinity": {}}),
    "topologySpreadConstraints": Case([], f"{POD}.topologySpreadConstraints", None),
    "podLabels": Case({"a": "b"}, "Deployment: spec.template.metadata.labels.a", "b"),
    "podAnnotations": Case({"a": "b"}, "Deployment: spec.template.metadata.annotations.a", "b"),
    "podSecurityContext": Case({"fsGroup": 1}, f"{POD}.securityContext.fsGroup", 1),
    "securityContext": Case({"runAsUser": 7}, f"{CONTAINER}.securityContext.runAsUser", 7),
    "serviceAccount.create": Case(
        False, "ServiceAccount/theirs", 0, nested("serviceAccount.name", "theirs")
    ),
    "serviceAccount.name": Case("mine", "RoleBinding/webhook: subjects[0].name", "mine"),
    "serviceAccount.annotations": Case(
        {"a": "b"}, "ServiceAccount/rke2-webhook: metadata.annotations", {"a": "b"}
    ),
    "networkPolicy.enabled": Case(False, "NetworkPolicy/webhook", 0),
    "networkPolicy.reviewFrom": Case(
        [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
        "NetworkPolicy/webhook: spec.ingress[0].from[0].ipBlock.cidr",
        "10.0.0.0/8",
    ),
    "networkPolicy.metricsFrom": Case(
        [{"podSelector": {}}], "NetworkPolicy/webhook: spec.ingress[1].from", [{"podSelector": {}}]
    ),
    "networkPolicy.apiServerPorts": Case(
        [7443], "NetworkPolicy/webhook: spec.egress[0].ports", [{"port": 7443, "protocol": "TCP"}]
    ),
    "networkPolicy.extraEgress": Case(
        [{"ports": [{"port": 4318}]}],
        "NetworkPolicy/webhook: spec.egress[1].ports",
        [{"port": 4318}],
    ),
    "metrics.serviceMonitor.enabled": Case(True, "ServiceMonitor", 1),
    "metrics.serviceMonitor.interval": Case(
        "9s", "ServiceMonitor: spec.endpoints[0].interval", "9s", MONITORED
    ),
    "metrics.serviceMonitor.labels": Case(
        {"a": "b"}, "ServiceMonitor: metadata.labels.a", "b", MONITORED
    ),
    "metrics.prometheusRule.enabled": Case(True, "PrometheusRule", 1),
    "metrics.prometheusRule.labels": Case(
        {"a": "b"}, "PrometheusRule: metadata.labels.a", "b", ALERTED
    ),
    "metrics.prometheusRule.runbookUrl": Case(
        "https://wiki.example/page",
        "PrometheusRule: spec.groups[0].rules[0].annotations.runbook_url",
        "https://wiki.example/page#rke2webhookdown",
        ALERTED,
    ),
    "metrics.grafana.enabled": Case(True, "ConfigMap/-dashboard", 1),
    "metrics.grafana.namespace": Case(
        "cattle-dashboards",
        "ConfigMap/-dashboard: metadata.namespace",
        "cattle-dashboards",
        SHOWN,
    ),
    "metrics.grafana.labels": Case(
        {"a": "b"}, "ConfigMap/-dashboard: metadata.labels.a", "b", SHOWN
    ),
    "tests.enabled": Case(False, "Job", 0),
    "tests.namespace": Case("lab", "Role/-test: metadata.namespace", "lab"),
}

SCHEMA = yaml.safe_load(SOURCE.read_text("utf-8"))


def test_every_value_has_a_case() -> None:
    known = {each.path for each in leaves(SCHEMA)}
    assert known == set(CASES)


@pytest.mark.parametrize("path", CASES)
def test_a_value_shows_where_it_should(path: str) -> None:
    case = CASES[path]
    # The tag is the chart's version, which changes.
    tagged = isinstance(case.becomes, str) and case.becomes.endswith(":v")
    becomes = f"{case.becomes}{version()}" if tagged else case.becomes
    before = render(case.given)
    after = render(merged(case.given, nested(path, case.value)))
    assert after.at(case.where) == becomes
    assert before.at(case.where) != becomes


def test_the_file_of_values_holds_the_defaults_and_explains_each() -> None:
    text = (CHART / "values.yaml").read_text("utf-8")
    assert yaml.safe_load(text) == {
        name: _defaults(each) for name, each in SCHEMA["properties"].items()
    }
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line and not line.lstrip().startswith(("#", "-")) and ":" in line:
            indent = len(line) - len(line.lstrip())
            above = lines[number - 1].lstrip()
            is_key = yaml.safe_load(line)
            if isinstance(is_key, dict) and indent <= 6 and _is_value(lines, number):
                assert above.startswith("#"), f"line {number + 1} has no comment: {line}"


def _is_value(lines: list[str], number: int) -> bool:
    """Tell whether a line's key is one of the values, and no part of a default."""
    keys: list[str] = []
    indent = 1_000
    for line in reversed(lines[: number + 1]):
        here = len(line) - len(line.lstrip())
        if line.strip() and not line.lstrip().startswith("#") and here < indent:
            keys.insert(0, line.strip().partition(":")[0])
            indent = here
    node: Any = SCHEMA
    for key in keys:
        if "properties" not in node or "default" in node or key not in node["properties"]:
            return False
        node = node["properties"][key]
    return True


def _defaults(schema: Mapping[str, Any]) -> Any:
    if "default" in schema:
        return schema["default"]
    return {name: _defaults(each) for name, each in schema["properties"].items()}


def version() -> str:
    return str(yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"])


class TestSettings:
    """What the chart says, and what the server can be told."""

    # What nobody needs to say in a pod.
    UNSAID = frozenset({"REVIEW_ADDRESS", "PROBE_ADDRESS"})
    MATRIX = (
        {},
        merged(SECRET, CLIENTS),
        {
            "tls": {"clientAuth": {**CLIENTS["tls"]["clientAuth"], "names": ["apiserver"]}},
            "webhook": {"url": "https://hook.example"},
            "server": {"tracing": True},
        },
    )

    def told(self, values: Mapping[str, Any]) -> dict[str, str]:
        env = render(values).at(f"{CONTAINER}.env")
        return {each["name"]: each["value"] for each in env}

    def test_every_setting_of_the_server_is_said_by_the_chart(self) -> None:
        said = {name for values in self.MATRIX for name in self.told(values)}
        known = {flag.variable for flag in flags()}
        assert known - said == {f"RKE2_WEBHOOK_{name}" for name in self.UNSAID}
        assert said <= known

    @pytest.mark.parametrize("values", MATRIX, ids=["self", "secret and clients", "url and traces"])
    def test_the_server_takes_what_the_chart_says(
        self, values: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in self.told(values).items():
            monkeypatch.setenv(name, value)
        read = Settings()
        assert read.certificate_names[0] == f"{RELEASE}.{NAMESPACE}.svc"

    def test_the_chart_has_the_defaults_of_the_server(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        theirs = Settings().model_dump()
        for name, value in self.told({}).items():
            monkeypatch.setenv(name, value)
        ours = Settings().model_dump()
        differ = {name for name in ours if ours[name] != theirs[name]}
        assert differ == {"policy", "mutating_configurations", "validating_configurations"}
