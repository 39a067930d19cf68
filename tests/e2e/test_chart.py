"""The chart on the real API server, through Helm's own code: installed, upgraded, taken out.

No pods run here. So `webhook.url` leads to a server of this machine, which is told what the chart
tells its pods, and which comes with a token of the chart's own service account: what the chart
grants has to be enough, for there is nothing else.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import os
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube import DEVELOPER, RANCHER, Answer, Api, Kube, cluster, clusters
from replicas import Replica, Service, replicas, wait_for

from rke2_webhook.tls.authority import make_authority, make_leaf

if os.environ.get("RKE2_LINT_CHARTS") == "required":
    helm: Any = importlib.import_module("helm_python")
else:
    helm = pytest.importorskip("helm_python", reason="no Helm here: `make e2e` installs it")

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/rke2-webhook"
MATRIX = runpy.run_path(str(ROOT / "tests/charts/matrix.py"))["MATRIX"]
NAMESPACE = "cattle-system"
RELEASE = "pinning"
NAME = "pinning-rke2-webhook"
PIN = "IPTABLES_MODE=nft"
REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"

_LEDGER = 0.15  # seconds until a request is in the metrics

# What a chart may leave behind, if it leaves something.
EVERYWHERE = (
    f"{REGISTRATION}/mutatingwebhookconfigurations",
    f"{REGISTRATION}/validatingwebhookconfigurations",
    f"{RBAC}/clusterroles",
    f"{RBAC}/clusterrolebindings",
    f"{RBAC}/roles",
    f"{RBAC}/rolebindings",
    "/api/v1/secrets",
    "/api/v1/configmaps",
    "/api/v1/services",
    "/api/v1/serviceaccounts",
    "/api/v1/pods",
    "/apis/apps/v1/deployments",
    "/apis/batch/v1/jobs",
    "/apis/policy/v1/poddisruptionbudgets",
    "/apis/networking.k8s.io/v1/networkpolicies",
    "/apis/autoscaling/v2/horizontalpodautoscalers",
)


class Helm4:
    """Helm 4's own code, which applies on the server's side."""

    def __init__(self, kube: Kube) -> None:
        self._config = helm.Config(kubeconfig_path=kube.kubeconfig, namespace=NAMESPACE)

    def run(self, what: str, values: Mapping[str, Any], chart: Path = CHART) -> None:
        act = {"install": self._config.install, "upgrade": self._config.upgrade}[what]
        act(chart, RELEASE, dict(values), namespace=NAMESPACE)

    def rollback(self) -> None:
        self._config.rollback(RELEASE)

    def uninstall(self) -> None:
        self._config.uninstall(RELEASE, ignore_not_found=True)


class Helm3:
    """Helm 3, which compares what was, what shall be and what is, and sends the difference."""

    def __init__(self, kube: Kube) -> None:
        path = os.pathsep.join([str(ROOT / ".venv/ci-tools/bin"), os.environ["PATH"]])
        found = shutil.which("helm", path=path)
        if found is None:
            pytest.skip("there is no Helm 3 here: `make ci-tools` builds it")
        self._base = [found, f"--kubeconfig={kube.kubeconfig}", f"--namespace={NAMESPACE}"]
        version = subprocess.run([found, "version"], capture_output=True, text=True, check=True)
        if '"v3.' not in version.stdout:
            pytest.skip(f"{found} is not Helm 3: {version.stdout}")

    def run(self, what: str, values: Mapping[str, Any], chart: Path = CHART) -> None:
        subprocess.run(
            [*self._base, what, RELEASE, chart, "--values=-"],
            input=yaml.safe_dump(dict(values)),
            text=True,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def rollback(self) -> None:
        subprocess.run([*self._base, "rollback", RELEASE], check=True, stdout=subprocess.DEVNULL)

    def uninstall(self) -> None:
        command = [*self._base, "uninstall", RELEASE, "--ignore-not-found"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Release:
    """One release of the chart, and the server that stands in for its pods."""

    def __init__(self, kube: Kube, service: Service, home: Path, helm: Helm3 | Helm4) -> None:
        self.kube = kube
        self.service = service
        self.home = home
        self._helm = helm

    @property
    def url(self) -> dict[str, Any]:
        return {"webhook": {"url": f"https://localhost:{self.service.port}"}}

    def install(self, **values: Any) -> None:
        self._helm.run("install", {**self.url, **values})

    def upgrade(self, **values: Any) -> None:
        self._helm.run("upgrade", {**self.url, **values})

    def upgrade_to(self, chart: Path) -> None:
        self._helm.run("upgrade", self.url, chart)

    def rollback(self) -> None:
        self._helm.rollback()

    def uninstall(self) -> None:
        self._helm.uninstall()

    def configuration(self, kind: str = "mutating", name: str = NAME) -> Any:
        path = f"{REGISTRATION}/{kind}webhookconfigurations/{name}"
        return self.kube.admin.get(path).expect().body

    def bundle(self, kind: str = "mutating", name: str = NAME) -> bytes:
        client = self.configuration(kind, name)["webhooks"][0]["clientConfig"]
        return base64.b64decode(client.get("caBundle", ""))

    def secret(self) -> dict[str, bytes]:
        path = f"/api/v1/namespaces/{NAMESPACE}/secrets/{NAME}-ca"
        data = self.kube.admin.get(path).expect().body.get("data") or {}
        return {key: base64.b64decode(value) for key, value in data.items()}

    def deployment(self) -> Any:
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}"
        return self.kube.admin.get(path).expect().body

    def settings(self) -> dict[str, str]:
        """What the chart tells its pods, with what is mounted there written where it can be read."""
        pod = self.deployment()["spec"]["template"]["spec"]
        told = {
            each["name"].removeprefix("RKE2_WEBHOOK_").lower(): each["value"]
            for each in pod["containers"][0]["env"]
        }
        (volume,) = [each for each in pod["volumes"] if each["name"] == "policy"]
        path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{volume['configMap']['name']}"
        data = self.kube.admin.get(path).expect().body["data"]
        for name, text in data.items():
            (self.home / name).write_text(text)
        told["policy"] = str(self.home / Path(told["policy"]).name)
        # Ports are the machine's here, and others may have them.
        for port in ("review_port", "probe_port"):
            told[port] = "0"
        return told

    def token(self, account: str = NAME) -> Path:
        """Return a kubeconfig of a service account and of nobody else."""
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{account}/token"
        token = self.kube.admin.create(path, {"spec": {}}).expect().body["status"]["token"]
        config = yaml.safe_load(self.kube.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token}
        file = self.home / f"kubeconfig-{account}"
        file.write_text(yaml.safe_dump(config))
        return file

    @contextlib.contextmanager
    def pods(self, count: int = 2, **settings: str) -> Iterator[list[Replica]]:
        """Run as many servers, as the chart would have them, until all are ready."""
        told = {**self.settings(), "drain": "0s", **settings}
        with replicas(count, self.home, self.token(), told) as started:
            self.service.choose_from(started)
            self.service.until_all_are_ready()
            yield started

    def create(self, name: str, config: object = None, **query: str) -> Answer:
        return self.kube.admin.create(clusters(), cluster(name, config or {}), **query)

    def is_pinned(self, name: str) -> bool:
        answer = self.create(name, dryRun="All").expect()
        section = answer.body["spec"]["rkeConfig"].get("machineGlobalConfig") or {}
        return PIN in section.get("kube-proxy-extra-env", [])


@pytest.fixture
def release(kube: Kube, tmp_path: Path) -> Iterator[Release]:
    yield from _released(kube, tmp_path, Helm4)


@pytest.fixture(params=[Helm4, Helm3], ids=["Helm 4", "Helm 3"])
def every_helm(kube: Kube, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Release]:
    """A release, once with each generation of Helm: they merge in different ways."""
    yield from _released(kube, tmp_path, request.param)


def _released(kube: Kube, home: Path, helm: type[Helm3 | Helm4]) -> Iterator[Release]:
    with contextlib.closing(Service()) as service:
        made = Release(kube, service, home, helm(kube))
        try:
            yield made
        finally:
            made.uninstall()
        assert not found(kube.admin)


def found(api: Api) -> frozenset[str]:
    """Return the paths of everything that has the release's label, or its name."""
    there = set()
    for path in EVERYWHERE:
        for item in api.get(path).expect().body["items"]:
            meta = item["metadata"]
            labels = meta.get("labels", {})
            if RELEASE in meta["name"] or RELEASE in labels.values():
                there.add(f"{path} {meta.get('namespace', '')}/{meta['name']}")
    return frozenset(there)


def test_install_upgrade_uninstall(every_helm: Release, new_name: Callable[[], str]) -> None:
    release = every_helm
    release.install()
    assert release.secret() == {}
    assert not release.bundle()

    with release.pods() as running:
        made = release.create(new_name(), {"machineGlobalConfig": {"cni": "calico"}}).expect(201)
        section = made.body["spec"]["rkeConfig"]["machineGlobalConfig"]
        assert section == {"cni": "calico", "kube-proxy-extra-env": [PIN]}
        secret, bundle = release.secret(), release.bundle()
        assert set(secret) == {"ca.crt", "ca.key"}
        assert bundle == secret["ca.crt"] == release.bundle("validating")

        # Other values, and what the server wrote stays.
        release.upgrade(
            replicaCount=3,
            commonLabels={"team": "platform"},
            mutating={"timeoutSeconds": 5},
            validating={"timeoutSeconds": 4},
            shutdown={"delaySeconds": 1},
        )
        assert release.secret() == secret
        assert release.bundle() == release.bundle("validating") == bundle
        assert release.configuration()["webhooks"][0]["timeoutSeconds"] == 5
        assert release.configuration()["metadata"]["labels"]["team"] == "platform"
        assert release.deployment()["spec"]["replicas"] == 3
        assert release.is_pinned(new_name())
        # Not one call was refused by RBAC, and nobody had to be told anything twice.
        for each in running:
            assert not [line for line in each.lines if line["level"] in {"warning", "error"}]

    # Pods that start now take the CA that is there.
    with release.pods(1):
        assert (release.secret(), release.bundle()) == (secret, bundle)
        assert release.is_pinned(new_name())

    assert found(release.kube.admin)
    release.uninstall()
    assert not found(release.kube.admin)


def test_the_next_version_keeps_the_ca_and_so_does_the_way_back(
    every_helm: Release, new_name: Callable[[], str], tmp_path: Path
) -> None:
    release = every_helm
    release.install()
    version = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))["version"]
    newer = tmp_path / "newer" / CHART.name
    shutil.copytree(CHART, newer)
    about = (newer / "Chart.yaml").read_text("utf-8")
    (newer / "Chart.yaml").write_text(about.replace(version, "99.0.0"), "utf-8")

    def image() -> str:
        spec = release.deployment()["spec"]["template"]["spec"]
        return str(spec["containers"][0]["image"])

    with release.pods(1) as (one,):
        assert release.is_pinned(new_name())
        secret, bundle = release.secret(), release.bundle()
        assert secret
        for change, tag in (
            (lambda: release.upgrade_to(newer), "v99.0.0"),
            (release.rollback, f"v{version}"),
        ):
            change()
            assert image().endswith(f":{tag}")
            assert release.secret() == secret
            assert release.bundle() == release.bundle("validating") == bundle
            assert release.is_pinned(new_name())
        assert not [line for line in one.lines if line["level"] in {"warning", "error"}]


def test_without_pods_clusters_are_created_all_the_same(
    release: Release, new_name: Callable[[], str]
) -> None:
    release.install()
    counted = "apiserver_admission_webhook_fail_open_count"
    name = release.configuration()["webhooks"][0]["name"]

    def bypassed() -> bool:
        release.create(new_name(), {"machineGlobalConfig": {}}).expect(201)
        # What the alert Rke2WebhookBypassed asks for.
        return release.kube.metric(counted, name=name) > 0

    wait_for(bypassed)


def test_without_pods_fail_refuses_and_the_api_server_counts_it(
    release: Release, new_name: Callable[[], str]
) -> None:
    release.install(mutating={"failurePolicy": "Fail"}, validating={"enabled": False})
    name = release.configuration()["webhooks"][0]["name"]
    labels = {"name": name, "error_type": "calling_webhook_error"}

    def refused() -> bool:
        answer = release.create(new_name(), {"machineGlobalConfig": {}})
        # What the alert Rke2WebhookBlocks asks for.
        counted = release.kube.metric("apiserver_admission_webhook_rejection_count", **labels)
        return answer.status == 500 and counted > 0

    wait_for(refused)


def test_the_rights_are_these_and_no_others(release: Release) -> None:
    release.install()
    account = f"system:serviceaccount:{NAMESPACE}:{NAME}"
    me = release.kube.acting_as(account)

    def may(verb: str, resource: str, name: str = "", group: str = "") -> bool:
        asked = {"verb": verb, "resource": resource, "group": group}
        if name:
            asked["name"] = name
        if resource in {"secrets", "configmaps"}:
            asked["namespace"] = NAMESPACE
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool(me.create(path, review).expect().body["status"]["allowed"])

    webhooks = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
    group = "admissionregistration.k8s.io"
    for verb in ("get", "list", "watch", "create", "update", "patch", "delete", "*"):
        assert may(verb, "secrets", f"{NAME}-ca") == (verb in {"get", "update"})
        assert not may(verb, "secrets")
        assert not may(verb, "secrets", "another")
        assert not may(verb, "configmaps", f"{NAME}-policy")
        assert not may(verb, "clusters", group="provisioning.cattle.io")
        for resource in webhooks:
            assert may(verb, resource, NAME, group) == (verb in {"get", "patch"})
            assert not may(verb, resource, "another", group)
            assert not may(verb, resource, group=group)


def test_a_secret_that_is_missing_is_told_and_an_upgrade_brings_it_back(
    release: Release, new_name: Callable[[], str]
) -> None:
    release.install()
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/{NAME}-ca"
    release.kube.admin.delete(path).expect()
    with replicas(1, release.home, release.token(), release.settings()) as (one,):
        one.until_it_says(f"Secret {NAMESPACE}/{NAME}-ca does not exist")
        release.upgrade()
        one.until_ready()


def test_a_policy_from_values_is_in_force_without_a_restart(
    release: Release, new_name: Callable[[], str]
) -> None:
    release.install(policy={"webhook": {"onCreate": "warn"}})
    with release.pods(1):
        assert not release.is_pinned(new_name())
        release.upgrade(policy={"params": {"backend": "nft"}})
        release.settings()  # as kubelet does, after a while
        wait_for(lambda: release.is_pinned(new_name()))


def test_pod_security_restricted_takes_the_pods(release: Release) -> None:
    """The API server itself enforces the standard, on pods as the Deployment and the test make them."""
    namespace = {
        "metadata": {
            "name": "restricted",
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        }
    }
    admin = release.kube.admin
    admin.create("/api/v1/namespaces", namespace).expect()
    account = {"metadata": {"name": "anyone"}}
    admin.create("/api/v1/namespaces/restricted/serviceaccounts", account).expect()
    release.install()
    for template in (
        release.deployment()["spec"]["template"],
        job_of_the_test()["spec"]["template"],
    ):
        template["spec"]["serviceAccountName"] = "anyone"
        # Nobody has made the PriorityClass here: kube-apiserver does that while it starts.
        pod = {
            "metadata": {"generateName": "pod-", **template["metadata"]},
            "spec": template["spec"],
        }
        path = "/api/v1/namespaces/restricted/pods"
        answer = admin.create(path, pod, dryRun="All").expect()
        assert not answer.warnings
        pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
        assert "violates PodSecurity" in admin.create(path, pod, dryRun="All").expect(403).message


@pytest.mark.parametrize("works", [True, False], ids=["with pods", "without pods"])
def test_helm_test_tells_whether_new_clusters_get_the_pin(release: Release, *, works: bool) -> None:
    """The command of the test's Job, with the rights that the test's hooks bring."""
    release.install()
    admin = release.kube.admin
    hooks = [each for each in hooks_of_the_test() if each["kind"] != "Job"]
    paths = {
        "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
        "Role": f"{RBAC}/namespaces/{{}}/roles",
        "RoleBinding": f"{RBAC}/namespaces/{{}}/rolebindings",
        "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    }
    for each in hooks:
        path = paths[each["kind"]].format(each["metadata"]["namespace"])
        admin.create(path, each).expect()
    try:
        arguments = job_of_the_test()["spec"]["template"]["spec"]["containers"][0]["args"]
        arguments[-1:] = ["--wait=10s"] if works else ["--wait=0s"]
        with release.pods(1) if works else contextlib.nullcontext():
            code, said = run(arguments, release.token(f"{NAME}-test"))
        if works:
            assert (code, said) == (0, f"a new Cluster in fleet-default gets {PIN}\n")
        else:
            assert code == 1
            assert said.startswith(f"failed: the Cluster came back without {PIN}")
        assert not [
            item
            for item in admin.get(clusters()).expect().body["items"]
            if item["metadata"]["name"].startswith("rke2-webhook-")
        ]
    finally:
        for each in hooks:
            path = paths[each["kind"]].format(each["metadata"]["namespace"])
            admin.delete(f"{path}/{each['metadata']['name']}").expect()


def test_one_try_says_what_is_missing(release: Release, tmp_path: Path) -> None:
    release.install()
    code, said = run(["try"], release.token())
    assert code == 1
    assert "refuses a Cluster in fleet-default" in said
    assert "is forbidden" in said


def test_the_modes_can_be_changed_by_upgrades(
    every_helm: Release, new_name: Callable[[], str], tmp_path: Path
) -> None:
    release = every_helm
    release.install()
    with release.pods(1):
        assert release.is_pinned(new_name())

    now = datetime.now(UTC)
    authority = make_authority("ours", now, timedelta(days=1))
    pair = make_leaf(authority, ["localhost"], now, timedelta(days=1))
    (tmp_path / "tls.crt").write_bytes(pair.certificate)
    (tmp_path / "tls.key").write_bytes(pair.key)
    brought = {"name": "brought", "caBundle": authority.pem.decode()}
    release.upgrade(tls={"mode": "secret", "secret": brought})
    assert not [each for each in found(release.kube.admin) if each.endswith("-ca")]
    with release.pods(1, tls_directory=str(tmp_path)) as (one,):
        assert release.bundle("mutating", f"{NAME}-secret") == authority.pem
        assert release.is_pinned(new_name())
        assert not [line for line in one.lines if line["level"] in {"warning", "error"}]

    release.upgrade(tls={"mode": "self"})
    assert release.secret() == {}
    with release.pods(1):
        assert release.bundle() == release.secret()["ca.crt"]
        assert release.is_pinned(new_name())


class Calls:
    """Which requests the API server asks the webhook about, by the chart's own conditions."""

    def __init__(self, release: Release, pod: Replica, number: int) -> None:
        self._release = release
        self._pod = pod
        self._number = number

    @property
    def count(self) -> int:
        time.sleep(_LEDGER)
        return int(self._pod.metric("rke2_webhook_requests_total", endpoint="mutate"))

    def tree(self, spec: object, **labels: str) -> dict[str, Any]:
        self._number += 1
        drafted = cluster(f"called-{self._number}", {})
        drafted["metadata"]["labels"] = labels
        if spec is None:
            del drafted["spec"]
        else:
            drafted["spec"] = spec
        return drafted

    def of_create(self, spec: object, **labels: str) -> int:
        """Return how many calls a create makes; a condition that fails would be a 403."""
        before = self.count
        path = clusters()
        self._release.kube.admin.create(path, self.tree(spec, **labels), dryRun="All").expect()
        return self.count - before


VERSION = {"kubernetesVersion": "v1.34.1+rke2r1"}
RESTORE: dict[str, Any] = {"name": "a", "generation": 1, "restoreRKEConfig": "all"}


@pytest.fixture(scope="class")
def asked(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calls]:
    """The webhook with `failurePolicy: Fail`, under which a condition that fails is a refusal."""
    released = contextlib.contextmanager(_released)
    with released(kube, tmp_path_factory.mktemp("asked"), Helm4) as release:
        fail = {"failurePolicy": "Fail"}
        release.install(mutating={**fail, "reinvocationPolicy": "Never"}, validating=fail)
        with release.pods(1) as (pod,):
            yield Calls(release, pod, 0)


class TestConditions:
    @pytest.mark.parametrize(
        ("spec", "calls"),
        [
            pytest.param({**VERSION, "rkeConfig": {}}, 1, id="RKE2"),
            pytest.param({**VERSION, "rkeConfig": {"machineGlobalConfig": None}}, 1, id="null map"),
            pytest.param({"kubernetesVersion": "v1.34.1+k3s1", "rkeConfig": {}}, 0, id="K3s"),
            pytest.param({**VERSION, "rkeConfig": None}, 0, id="null rkeConfig"),
            pytest.param(VERSION, 0, id="imported"),
            pytest.param({"rkeConfig": {}}, 0, id="no version"),
            pytest.param({}, 0, id="empty spec"),
            pytest.param(None, 0, id="no spec"),
            pytest.param(
                {**VERSION, "rkeConfig": {"etcdSnapshotRestore": RESTORE}}, 0, id="restore"
            ),
            pytest.param(
                {
                    **VERSION,
                    "rkeConfig": {"etcdSnapshotRestore": {**RESTORE, "restoreRKEConfig": "none"}},
                },
                1,
                id="restore of etcd alone",
            ),
            pytest.param(
                {**VERSION, "rkeConfig": {"etcdSnapshotRestore": {"name": "a", "generation": 1}}},
                1,
                id="restore that does not say",
            ),
            pytest.param(
                {**VERSION, "rkeConfig": {"etcdSnapshotRestore": None}}, 1, id="null restore"
            ),
        ],
    )
    def test_a_create_is_asked_about(self, asked: Calls, spec: object, calls: int) -> None:
        assert asked.of_create(spec) == calls

    def test_a_cluster_that_opts_out_is_not_asked_about(self, asked: Calls) -> None:
        spec = {**VERSION, "rkeConfig": {}}
        assert asked.of_create(spec, **{"rke2-lint.dev/webhook": "off"}) == 0
        assert asked.of_create(spec, **{"rke2-lint.dev/webhook": "on"}) == 1

    @pytest.mark.parametrize(
        ("user", "calls"),
        [pytest.param(DEVELOPER, 1, id="a person"), pytest.param(RANCHER, 0, id="Rancher")],
    )
    def test_an_update_is_asked_about(
        self, asked: Calls, kube: Kube, user: str, calls: int
    ) -> None:
        admin = kube.admin
        tree = asked.tree({**VERSION, "rkeConfig": {}})
        admin.create(clusters(), tree).expect()
        path = f"{clusters()}/{tree['metadata']['name']}"
        before = asked.count
        kube.acting_as(user).merge(path, {"metadata": {"labels": {"a": "b"}}}).expect()
        assert asked.count - before == calls
        # What Rancher does all the time.
        admin.merge(f"{path}/status", {"status": {"ready": True}}).expect()
        assert asked.count - before == calls
        admin.delete(path).expect()
        assert asked.count - before == calls


NATIVE = {
    "nativePolicies": {"mutating": True, "validating": True},
    "rollout": {"namespaces": ["lab"]},
    "mutating": {
        "namespaceSelector": {"matchLabels": {"pin": "nft"}},
        "objectSelector": {"matchLabels": {"team": "a"}},
        "extraMatchConditions": [
            {"name": "mine", "expression": "request.userInfo.username != 'x'"}
        ],
    },
}


@pytest.mark.parametrize(
    "values", [*MATRIX.values(), NATIVE], ids=[*MATRIX.keys(), "native policies"]
)
def test_the_api_server_takes_every_object(
    kube: Kube, values: Mapping[str, Any], surroundings: None
) -> None:
    """CEL is compiled, selectors and names are looked at: more than a schema knows."""
    with helm.Chart.load(CHART) as chart:
        rendered = chart.render(dict(values), name="another", namespace=NAMESPACE)
    told = "\n---\n".join(text for path, text in rendered.items() if path.endswith(".yaml"))
    seen = 0
    for each in yaml.safe_load_all(told):
        if each and each["kind"] not in UNKNOWN:
            api = "/api" if each["apiVersion"] == "v1" else "/apis"
            namespace = each["metadata"].get("namespace")
            place = f"/namespaces/{namespace}" if namespace else ""
            plural = PLURALS.get(each["kind"], f"{each['kind'].lower()}s")
            path = f"{api}/{each['apiVersion']}{place}/{plural}"
            query = {"dryRun": "All", "fieldValidation": "Strict"}
            answer = kube.admin.create(path, each, **query).expect(201)
            assert not answer.warnings, answer.warnings
            seen += 1
    assert seen >= 8


# Nothing here knows these: cert-manager's Issuer, and what the Prometheus operator brings.
UNKNOWN = {"Issuer", "ServiceMonitor", "PrometheusRule"}
PLURALS = {
    "NetworkPolicy": "networkpolicies",
    "MutatingAdmissionPolicy": "mutatingadmissionpolicies",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
}


@pytest.fixture(scope="module")
def surroundings(kube: Kube) -> Iterator[None]:
    """cert-manager's definition of a Certificate, and the namespace that a rollout begins with."""
    lab = {"metadata": {"name": "lab"}}
    kube.admin.create("/api/v1/namespaces", lab).expect()
    definition = yaml.safe_load((ROOT / "tests/schemas/cert-manager-certificates.yaml").read_text())
    kube.define(definition)
    yield
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    kube.admin.delete(f"{path}/{definition['metadata']['name']}").expect()


def hooks_of_the_test() -> list[Any]:
    with helm.Chart.load(CHART) as chart:
        rendered: Mapping[str, str] = chart.render(name=RELEASE, namespace=NAMESPACE)
    (text,) = [text for path, text in rendered.items() if path.endswith("tests/dry-run.yaml")]
    return [each for each in yaml.safe_load_all(text) if each]


def job_of_the_test() -> Any:
    (job,) = [each for each in hooks_of_the_test() if each["kind"] == "Job"]
    return job


def run(arguments: list[str], kubeconfig: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "rke2_webhook", *arguments],
        capture_output=True,
        env={**os.environ, "KUBECONFIG": str(kubeconfig)},
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
