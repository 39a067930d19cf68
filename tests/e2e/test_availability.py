"""What becomes of admissions while replicas come and go, and others misbehave.

`failurePolicy: Ignore`, as installed by default: a call that is lost shows in the API server's own
count of what it let pass, and as a cluster without its pin.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kube import Kube, cluster, clusters
from replicas import Load, Replica, Service, replicas, wait_for

NAMESPACE = "cattle-system"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
PIN = ["IPTABLES_MODE=nft"]


class Installed(NamedTuple):
    """A webhook that fails open, as the chart installs it."""

    kube: Kube
    name: str
    service: Service
    settings: dict[str, str]
    home: Path

    @property
    def let_pass(self) -> float:
        """How many calls the API server could not make, and did without."""
        # The parser gives every counter the ending that OpenMetrics asks for.
        return self.kube.metric(
            "apiserver_admission_webhook_fail_open_count_total", name=f"{self.name}.rke2-lint.dev"
        )

    def call(self) -> None:
        """Have a cluster admitted. Raises AssertionError if it was not pinned."""
        asked = cluster(f"asked-{time.monotonic_ns()}", {"machineGlobalConfig": {}})
        answer = self.kube.admin.create(clusters(), asked, dryRun="All").expect()
        made = answer.body["spec"]["rkeConfig"]["machineGlobalConfig"]
        assert made.get("kube-proxy-extra-env") == PIN

    def another(self, name: str) -> Replica:
        return Replica(name, self.home, self.kube.kubeconfig, self.settings)


@pytest.fixture
def installed(kube: Kube, new_name: Callable[[], str], tmp_path: Path) -> Iterator[Installed]:
    name = f"rke2-webhook-{new_name()}"
    settings = {
        "ca_secret": name,
        "namespace": NAMESPACE,
        "mutating_configurations": name,
        "tls_names": "localhost",
        "drain": "2s",
        "ca_overlap": "8s",
        "settle": "1s",
    }
    with contextlib.closing(Service()) as service:
        kube.admin.create(SECRETS, {"metadata": {"name": name}}).expect()
        kube.admin.create(WEBHOOKS, _configuration(name, service.port)).expect()
        try:
            yield Installed(kube, name, service, settings, tmp_path)
        finally:
            kube.admin.delete(f"{WEBHOOKS}/{name}").expect()
            kube.admin.delete(f"{SECRETS}/{name}").expect()


def _configuration(name: str, port: int) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": f"{name}.rke2-lint.dev",
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
                "failurePolicy": "Ignore",
                "timeoutSeconds": 5,
            }
        ],
    }


class Flood:
    """Everything a bad neighbour can do, to whoever listens: bounded in number, and all at once."""

    def __init__(self, ports: Callable[[], list[int]]) -> None:
        self._ports = ports
        self._done = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(each,), daemon=True)
            for each in (self._half_open, self._half_a_header, self._oversized, self._nonsense)
        ]
        self.attempts = 0

    def __enter__(self) -> Flood:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(10)

    def _run(self, attack: Callable[[int, contextlib.ExitStack], None]) -> None:
        with contextlib.ExitStack() as held:
            number = 0
            while not self._done.wait(0.05):
                number += 1
                if number % 100 == 0:
                    held.close()  # at most so many at a time
                for port in self._ports():
                    # Cut, refused, or left hanging: that is what it is for.
                    with contextlib.suppress(OSError):
                        attack(port, held)
                    self.attempts += 1

    def _half_open(self, port: int, held: contextlib.ExitStack) -> None:
        held.enter_context(socket.create_connection(("127.0.0.1", port), 1))

    def _half_a_header(self, port: int, held: contextlib.ExitStack) -> None:
        connection = held.enter_context(_secured(port))
        connection.sendall(b"POST /mutate HTTP/1.1\r\nhost: localhost\r\nx-slow: ")

    def _oversized(self, port: int, held: contextlib.ExitStack) -> None:
        with _secured(port) as connection:
            connection.sendall(
                b"POST /mutate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                b"transfer-encoding: chunked\r\n\r\n"
            )
            chunk = b"%x\r\n%s\r\n" % (1 << 18, b"x" * (1 << 18))
            for _ in range(40):  # 10 MiB
                connection.sendall(chunk)

    def _nonsense(self, port: int, held: contextlib.ExitStack) -> None:
        with _secured(port) as connection:
            connection.sendall(
                b"POST /mutate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                b"content-length: 2\r\n\r\n[]"
            )
            connection.recv(100)


def test_a_rollout_a_rotation_and_floods_at_once_lose_nothing(installed: Installed) -> None:
    with contextlib.ExitStack() as stack:
        before = stack.enter_context(
            replicas(2, installed.home, installed.kube.kubeconfig, installed.settings)
        )
        installed.service.choose_from(before)
        installed.service.until_all_are_ready()
        ports = [each.port for each in before]
        let_pass = installed.let_pass
        load = stack.enter_context(Load(installed.call, threads=4, pause=0.02))
        flood = stack.enter_context(Flood(lambda: ports))
        time.sleep(2)

        # As a Deployment does it with maxUnavailable 0: a new one, and when that is ready, an
        # old one less. Meanwhile, somebody empties the Secret.
        serving = list(before)
        for number, old in enumerate(before):
            new = installed.another(f"new-{number}")
            stack.callback(new.close)
            serving.append(new)
            ports.append(new.port)
            installed.service.choose_from(serving)
            new.until_ready()
            installed.service.until_all_are_ready()
            if number == 0:
                change = [{"op": "remove", "path": "/data"}]
                installed.kube.admin.patch(f"{SECRETS}/{installed.name}", change).expect()
            old.terminate()
            assert old.wait() == 0
            serving.remove(old)
            installed.service.choose_from(serving)
        time.sleep(2)
        load.stop()
        lost = installed.let_pass - let_pass
    assert (lost, load.failures) == (0, [])
    assert load.calls > 100
    assert flood.attempts > 100


def test_a_kill_loses_no_more_than_was_in_flight(installed: Installed) -> None:
    threads = 4
    with replicas(2, installed.home, installed.kube.kubeconfig, installed.settings) as running:
        installed.service.choose_from(running)
        installed.service.until_all_are_ready()
        let_pass = installed.let_pass
        with Load(installed.call, threads=threads, pause=0.01) as load:
            time.sleep(1)
            running[0].kill()
            running[0].wait()
            time.sleep(2)
            after = load.calls
            wait_for(lambda: load.calls > after + 20)
        lost = installed.let_pass - let_pass
        assert lost <= threads
        assert len(load.failures) == lost
        # With nobody left, this is what a loss looks like.
        running[1].kill()
        running[1].wait()
        with pytest.raises(AssertionError):
            installed.call()
        assert installed.let_pass == let_pass + lost + 1
    # Started again, one finds all that it needs, and is found.
    with contextlib.closing(installed.another("again")) as again:
        installed.service.choose_from([again])
        installed.service.until_all_are_ready()
        let_pass = installed.let_pass
        installed.call()
        assert installed.let_pass == let_pass


def test_floods_alone_neither_stop_admission_nor_fill_the_memory(installed: Installed) -> None:
    with replicas(1, installed.home, installed.kube.kubeconfig, installed.settings) as (one,):
        installed.service.choose_from([one])
        installed.service.until_all_are_ready()
        let_pass = installed.let_pass
        with (
            Load(installed.call, threads=2, pause=0.02) as load,
            Flood(lambda: [one.port]) as flood,
        ):
            time.sleep(8)
            assert one.is_ready
        assert (installed.let_pass - let_pass, load.failures) == (0, [])
        assert load.calls > 50
        assert flood.attempts > 100
        # 80 MiB without a flood; the chart's limit is 192.
        assert one.metric("process_resident_memory_bytes") < 140 * (1 << 20)
        assert one.metric("rke2_webhook_connections_cut_total") > 0


def _secured(port: int) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", port), 2)
    try:
        return context.wrap_socket(plain)
    except BaseException:
        plain.close()
        raise
