"""Certificates against the real API server: who trusts whom, and when.

Calls fail closed here (`failurePolicy: Fail`), so that a create that succeeds is a call that did.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import lightkube
import pytest
import yaml
from kube import Kube, cluster, clusters
from lightkube import AsyncClient
from replicas import Load, Replica, Service, replicas, wait_for

from rke2_webhook.tls.authority import make_authority, read_certificates
from rke2_webhook.tls.cluster import Cluster, ConflictError, MissingError, Reference

NAMESPACE = "cattle-system"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
RBAC = "/apis/rbac.authorization.k8s.io/v1"

# The API server would keep its connections, and a leaf that nobody trusts would go unnoticed. So
# each answer says that its connection ends: one that ended later could do so just when the next
# POST is written to it, and Go does not repeat those.
QUICKLY_FORGOTTEN = {"keep_alive": "0s"}
_AT_A_TIME = 4


class Installed(NamedTuple):
    """What the chart would install: an empty Secret and a configuration, both under one name."""

    kube: Kube
    name: str
    service: Service
    home: Path

    @property
    def reference(self) -> Reference:
        return Reference("mutating", self.name)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "ca_secret": self.name,
            "namespace": NAMESPACE,
            "mutating_configurations": self.name,
            "tls_names": "localhost",
            "drain": "1s",
            "log_level": "debug",
        }

    def secret(self) -> dict[str, bytes]:
        data = self.kube.admin.get(f"{SECRETS}/{self.name}").expect().body.get("data") or {}
        return {key: base64.b64decode(value) for key, value in data.items()}

    def configuration(self) -> Any:
        return self.kube.admin.get(f"{WEBHOOKS}/{self.name}").expect().body

    def bundle(self) -> bytes:
        client = self.configuration()["webhooks"][0]["clientConfig"]
        return base64.b64decode(client.get("caBundle", ""))

    def set_bundle(self, bundle: bytes) -> None:
        encoded = base64.b64encode(bundle).decode()
        path = "/webhooks/0/clientConfig/caBundle"
        change = {"op": "add", "path": path, "value": encoded}
        self.kube.admin.patch(f"{WEBHOOKS}/{self.name}", [change]).expect()

    def call(self) -> None:
        """Have the API server call the webhook once. Raises AssertionError if that fails."""
        asked = cluster(f"asked-{time.monotonic_ns()}", {"machineGlobalConfig": {}})
        answer = self.kube.admin.create(clusters(), asked, dryRun="All").expect()
        made = answer.body["spec"]["rkeConfig"]["machineGlobalConfig"]
        assert made["kube-proxy-extra-env"] == ["IPTABLES_MODE=nft"]

    def call_together(self) -> None:
        """Have several calls made at a time, so that the API server needs several connections."""
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            for done in [pool.submit(self.call) for _ in range(_AT_A_TIME)]:
                done.result()

    @contextlib.contextmanager
    def running(
        self, count: int, kubeconfig: Path | None = None, **settings: str
    ) -> Iterator[list[Replica]]:
        """Run replicas behind the Service, and wait until all are ready."""
        with replicas(
            count, self.home, kubeconfig or self.kube.kubeconfig, {**self.settings, **settings}
        ) as started:
            self.service.choose_from(started)
            self.service.until_all_are_ready()
            yield started


@pytest.fixture
def installed(kube: Kube, new_name: Callable[[], str], tmp_path: Path) -> Iterator[Installed]:
    name = f"rke2-webhook-{new_name()}"
    with contextlib.closing(Service()) as service:
        kube.admin.create(SECRETS, {"metadata": {"name": name}}).expect()
        kube.admin.create(WEBHOOKS, _configuration(name, service.port)).expect()
        try:
            yield Installed(kube, name, service, tmp_path)
        finally:
            kube.admin.delete(f"{WEBHOOKS}/{name}").expect()
            kube.admin.delete(f"{SECRETS}/{name}")


def _configuration(name: str, port: int) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": "clusters.rke2-lint.dev",
                "clientConfig": {"url": f"https://localhost:{port}/mutate"},
                "rules": [
                    {
                        "apiGroups": ["provisioning.cattle.io"],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["clusters"],
                        "scope": "Namespaced",
                    }
                ],
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "timeoutSeconds": 5,
            }
        ],
    }


def test_replicas_agree_on_a_ca_and_the_api_server_trusts_them(installed: Installed) -> None:
    with installed.running(3):
        assert set(installed.secret()) == {"ca.crt", "ca.key"}
        assert installed.bundle() == installed.secret()["ca.crt"]
        for _ in range(9):
            installed.call()
    owners = {
        entry["manager"]: entry["fieldsV1"]
        for entry in installed.configuration()["metadata"]["managedFields"]
        if entry["operation"] == "Apply"
    }
    # Nothing but the caBundle, so that the chart may change all the rest.
    webhook = 'k:{"name":"clusters.rke2-lint.dev"}'
    assert owners == {
        f"{installed.name}-bundle": {
            "f:webhooks": {webhook: {".": {}, "f:name": {}, "f:clientConfig": {"f:caBundle": {}}}}
        }
    }


def test_rotations_under_load_lose_no_call(installed: Installed) -> None:
    """Leaf and CA change every few seconds, and every call comes by a connection of its own."""
    lives = {
        "ca_lifetime": "15s",
        "leaf_lifetime": "6s",
        "ca_overlap": "6s",
        "settle": "1s",
        **QUICKLY_FORGOTTEN,
    }
    authorities = set()
    with installed.running(2, **lives) as running:
        with Load(installed.call_together, pause=0.2) as load:
            until = time.monotonic() + 25
            while time.monotonic() < until:
                authorities |= set(read_certificates(installed.bundle()))
                time.sleep(0.5)
        started, completed = (
            sum(each.metric(f"rke2_webhook_tls_handshakes_{word}_total") for each in running)
            for word in ("started", "completed")
        )
        leaves = [
            {line["serial"] for line in each.lines if "serial" in line and "issuer" in line}
            for each in running
        ]
    assert not load.failures, load.failures[0]
    assert load.calls >= 10
    assert started == completed >= load.calls
    assert len(authorities) >= 3
    assert all(len(serials) >= 5 for serials in leaves)
    assert not leaves[0] & leaves[1]
    # The old ones go, too.
    assert len(read_certificates(installed.bundle())) <= 2


def test_a_bundle_that_somebody_spoils_is_noticed_and_put_right(installed: Installed) -> None:
    # Once: with the longest overlap, it looks every thirty seconds.
    with installed.running(1, ca_overlap="24s"):
        installed.set_bundle(_stranger())
        wait_for(lambda: installed.bundle() == installed.secret()["ca.crt"])
        installed.call()


def test_an_emptied_secret_costs_no_call(installed: Installed) -> None:
    with installed.running(2, ca_overlap="8s", settle="1s", **QUICKLY_FORGOTTEN):
        before = installed.bundle()
        with Load(installed.call_together, pause=0.2) as load:
            change = [{"op": "remove", "path": "/data"}]
            installed.kube.admin.patch(f"{SECRETS}/{installed.name}", change).expect()
            wait_for(lambda: len(read_certificates(installed.bundle())) == 2)
            assert before in installed.bundle()
            wait_for(lambda: len(read_certificates(installed.bundle())) == 1)
        assert before not in installed.bundle()
        assert not load.failures, load.failures[0]


def test_a_missing_secret_is_waited_for_and_told(installed: Installed) -> None:
    installed.kube.admin.delete(f"{SECRETS}/{installed.name}").expect()
    with replicas(1, installed.home, installed.kube.kubeconfig, installed.settings) as (one,):
        one.until_it_says(f"Secret {NAMESPACE}/{installed.name} does not exist")
        installed.kube.admin.create(SECRETS, {"metadata": {"name": installed.name}}).expect()
        one.until_ready()


def test_the_rights_of_the_chart_are_enough(installed: Installed, tmp_path: Path) -> None:
    kubeconfig = _service_account(installed, tmp_path)
    with installed.running(2, kubeconfig, ca_overlap="8s", settle="1s") as running:
        installed.call()
        installed.set_bundle(b"")
        wait_for(lambda: bool(installed.bundle()))
        for each in running:
            assert not [line for line in each.lines if line["level"] == "error"]


def test_a_pod_that_is_replaced_takes_the_ca_that_is_there(installed: Installed) -> None:
    with installed.running(1):
        bundle = installed.bundle()
    with installed.running(1):
        assert installed.bundle() == bundle
        installed.call()


class TestConflicts:
    """What two writers at once are told; everything about replicas rests on it."""

    def test_an_apply_of_what_was_seen_before_is_refused(self, installed: Installed) -> None:
        async def play(api: Cluster) -> None:
            seen = await api.configuration(installed.reference)
            installed.set_bundle(_stranger())
            with pytest.raises(ConflictError):
                await api.apply_bundle(seen, _stranger(), "ours")
            seen = await api.configuration(installed.reference)
            bundle = _stranger()
            await api.apply_bundle(seen, bundle, "ours")
            assert installed.bundle() == bundle

        self.run(installed, play)

    def test_the_second_of_two_writes_of_the_secret_is_refused(self, installed: Installed) -> None:
        async def play(api: Cluster) -> None:
            first, second = [await api.secret(installed.name) for _ in range(2)]
            await api.write_secret(first, {"ca.crt": b"first"})
            with pytest.raises(ConflictError):
                await api.write_secret(second, {"ca.crt": b"second"})
            assert installed.secret() == {"ca.crt": b"first"}

        self.run(installed, play)

    def test_what_does_not_exist_is_missing_and_is_not_made(self, installed: Installed) -> None:
        async def play(api: Cluster) -> None:
            seen = await api.configuration(installed.reference)
            absent = Reference("validating", "absent")
            with pytest.raises(MissingError):
                await api.secret("absent")
            with pytest.raises(MissingError):
                await api.configuration(absent)
            with pytest.raises(lightkube.ApiError, match="Required value"):
                await api.apply_bundle(seen._replace(reference=absent), b"", "ours")

        self.run(installed, play)

    def run(self, installed: Installed, play: Callable[[Cluster], Awaitable[None]]) -> None:
        async def with_an_end() -> None:
            config = lightkube.KubeConfig.from_file(installed.kube.kubeconfig)
            api = Cluster(AsyncClient(config=config, trust_env=False), NAMESPACE)
            try:
                async with asyncio.timeout(30):
                    await play(api)
            finally:
                await api.close()

        asyncio.run(with_an_end())


def _stranger() -> bytes:
    return make_authority("stranger", datetime.now(UTC), timedelta(days=1)).pem


def _service_account(installed: Installed, home: Path) -> Path:
    """Make an account with exactly the chart's rights. Return a kubeconfig with its token."""
    admin, name = installed.kube.admin, installed.name
    core = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
    admin.create(core, {"metadata": {"name": name}}).expect()
    roles = {
        f"{RBAC}/namespaces/{NAMESPACE}/roles": [
            {
                "apiGroups": [""],
                "resources": ["secrets"],
                "resourceNames": [name],
                "verbs": ["get", "update"],
            }
        ],
        f"{RBAC}/clusterroles": [
            {
                "apiGroups": ["admissionregistration.k8s.io"],
                "resources": ["mutatingwebhookconfigurations"],
                "resourceNames": [name],
                "verbs": ["get", "patch"],
            }
        ],
    }
    for path, rules in roles.items():
        kind = "ClusterRole" if path.endswith("clusterroles") else "Role"
        admin.create(path, {"metadata": {"name": name}, "rules": rules}).expect()
        binding = {
            "metadata": {"name": name},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": kind,
                "name": name,
            },
            "subjects": [subject],
        }
        admin.create(path.replace("roles", "rolebindings"), binding).expect()
    token = admin.create(f"{core}/{name}/token", {"spec": {}}).expect().body["status"]["token"]
    config = yaml.safe_load(installed.kube.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    file = home / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return file
