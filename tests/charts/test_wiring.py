"""Whatever one object says of another leads there: nothing else would see it, for no pods run in the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest
from matrix import MATRIX, MONITORING
from rendering import NAMESPACE, Objects, merged, render
from starlette.routing import Route

from rke2_webhook.probes import create_probes

# What the pods of every set of values are asked for.
VALUES = {
    **MATRIX,
    "everything": merged(
        MONITORING,
        {"autoscaling": {"enabled": True}, "webhook": {"port": 9443, "probePort": 9080}},
    ),
}


@pytest.fixture(params=VALUES, scope="module")
def rendered(request: pytest.FixtureRequest) -> Objects:
    return render(VALUES[request.param])


def container(rendered: Objects) -> Any:
    (only,) = rendered.at("Deployment: spec.template.spec.containers")
    return only


def told(rendered: Objects) -> dict[str, str]:
    """What the server is told, without the prefix of its variables."""
    env = container(rendered)["env"]
    return {each["name"].removeprefix("RKE2_WEBHOOK_"): each["value"] for each in env}


def ports(rendered: Objects) -> dict[str, int]:
    """The ports of the Service, by name, as the number that the container listens on."""
    listens = {each["name"]: each["containerPort"] for each in container(rendered)["ports"]}
    service = rendered.one("Service")["spec"]
    return {each["name"]: listens[each["targetPort"]] for each in service["ports"]}


def test_the_api_server_comes_to_the_port_for_reviews(rendered: Objects) -> None:
    port = int(told(rendered)["REVIEW_PORT"])
    service = rendered.one("Service")
    for kind, path in (("Mutating", "/mutate"), ("Validating", "/validate")):
        for each in rendered.of(f"{kind}WebhookConfiguration"):
            client = each["webhooks"][0]["clientConfig"]
            if "url" in client:
                assert client["url"].endswith(path)
                continue
            asked = client["service"]
            assert (asked["path"], asked["namespace"]) == (path, NAMESPACE)
            assert asked["name"] == service["metadata"]["name"] == told(rendered)["SERVICE"]
            (name,) = [
                each["name"] for each in service["spec"]["ports"] if each["port"] == asked["port"]
            ]
            assert ports(rendered)[name] == port
    for policy in rendered.of("NetworkPolicy", "webhook"):
        assert policy["spec"]["ingress"][0]["ports"] == [{"port": port, "protocol": "TCP"}]


def test_kubelet_and_prometheus_come_to_the_port_for_probes(rendered: Objects) -> None:
    port = int(told(rendered)["PROBE_PORT"])
    listens = {each["name"]: each["containerPort"] for each in container(rendered)["ports"]}
    for probe, path in (("startup", "/startupz"), ("liveness", "/livez"), ("readiness", "/readyz")):
        asked = container(rendered)[f"{probe}Probe"]["httpGet"]
        assert (asked["path"], listens[asked["port"]]) == (path, port)
    assert ports(rendered)["metrics"] == port
    for monitor in rendered.of("ServiceMonitor"):
        (endpoint,) = monitor["spec"]["endpoints"]
        assert (ports(rendered)[endpoint["port"]], endpoint["path"]) == (port, "/metrics")
        assert monitor["spec"]["namespaceSelector"] == {"matchNames": [NAMESPACE]}
        labels = rendered.one("Service")["metadata"]["labels"]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_the_server_answers_where_it_is_asked() -> None:
    nobody: Any = None
    routes = create_probes(nobody, nobody, "0").routes
    known = {route.path for route in routes if isinstance(route, Route)}
    assert {"/startupz", "/livez", "/readyz", "/metrics"} <= known


def test_who_selects_pods_selects_these(rendered: Objects) -> None:
    labels = rendered.at("Deployment: spec.template.metadata.labels")
    selectors = [
        rendered.at("Deployment: spec.selector.matchLabels"),
        rendered.at("Service: spec.selector"),
        *(each["spec"]["selector"]["matchLabels"] for each in rendered.of("PodDisruptionBudget")),
        *(
            each["spec"]["podSelector"]["matchLabels"]
            for each in rendered.of("NetworkPolicy", "webhook")
        ),
    ]
    assert all(each.items() <= labels.items() for each in selectors)
    for each in rendered.of("NetworkPolicy"):
        assert set(each["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    for scaler in rendered.of("HorizontalPodAutoscaler"):
        assert _named(rendered, scaler["spec"]["scaleTargetRef"])


def test_pods_on_the_nodes_network_know_the_clusters_names() -> None:
    assert render().at("Deployment: spec.template.spec.dnsPolicy") is None
    pod = render({"hostNetwork": True}).at("Deployment: spec.template.spec")
    assert (pod["hostNetwork"], pod["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")


def test_who_is_bound_and_to_what_is_there(rendered: Objects) -> None:
    accounts = {each["metadata"]["name"] for each in rendered.of("ServiceAccount")}
    bound = {}
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for each in rendered.of(kind):
            assert _named(rendered, each["roleRef"])
            (subject,) = each["subjects"]
            assert subject["namespace"] == NAMESPACE
            assert subject["name"] in accounts
            bound[each["metadata"]["name"]] = subject["name"]
    pods = rendered.at("Deployment: spec.template.spec.serviceAccountName")
    assert bound["rke2-webhook"] == pods
    for job in rendered.of("Job"):
        account = job["spec"]["template"]["spec"]["serviceAccountName"]
        assert account == bound["rke2-webhook-test"] != pods


def test_what_the_server_reads_is_mounted(rendered: Objects) -> None:
    mounts = {each["mountPath"]: each["name"] for each in container(rendered)["volumeMounts"]}
    read = told(rendered)
    assert mounts[str(PurePosixPath(read["POLICY"]).parent)] == "policy"
    if "TLS_DIRECTORY" in read:
        assert mounts[read["TLS_DIRECTORY"]] == "tls"
    if "CLIENT_CA" in read:
        assert mounts[str(PurePosixPath(read["CLIENT_CA"]).parent)] == "client-ca"
    api = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert mounts[api] == "api"
    for job in rendered.of("Job"):
        (mount,) = job["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
        assert mount["mountPath"] == api


def test_cert_manager_makes_what_is_mounted_and_injected(rendered: Objects) -> None:
    certificates = {each["metadata"]["name"]: each["spec"] for each in rendered.of("Certificate")}
    if not certificates:
        return
    leaf = certificates["rke2-webhook-tls"]
    volumes = {each["name"]: each for each in rendered.at("Deployment: spec.template.spec.volumes")}
    assert volumes["tls"]["secret"]["secretName"] == leaf["secretName"]
    assert "server auth" in leaf["usages"]
    assert f"rke2-webhook.{NAMESPACE}.svc" in leaf["dnsNames"]
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        for each in rendered.of(kind):
            source = each["metadata"]["annotations"]["cert-manager.io/inject-ca-from"]
            assert source == f"{NAMESPACE}/rke2-webhook-tls"
    issuers = {each["metadata"]["name"]: each["spec"] for each in rendered.of("Issuer")}
    if issuers:
        root = certificates["rke2-webhook-root"]
        assert root["isCA"] is True
        assert issuers[root["issuerRef"]["name"]] == {"selfSigned": {}}
        assert issuers[leaf["issuerRef"]["name"]] == {"ca": {"secretName": root["secretName"]}}


def _named(rendered: Objects, reference: Mapping[str, str]) -> bool:
    names = {each["metadata"]["name"] for each in rendered.of(reference["kind"])}
    return reference["name"] in names
