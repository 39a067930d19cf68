"""Servers under test: the real one, in a thread, on real sockets of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx2
import uvloop
from prometheus_client.parser import text_string_to_metric_families

from rke2_webhook import logs, rules
from rke2_webhook.app import Answer
from rke2_webhook.ledger import Also
from rke2_webhook.live_policy import LivePolicy
from rke2_webhook.server import Server
from rke2_webhook.settings import Settings
from rke2_webhook.tls.authority import Authority, Pair, make_authority, make_leaf
from rke2_webhook.tls.cluster import Cluster

NAMES = ("localhost", "127.0.0.1")
WEEK = timedelta(days=7)
_PATIENCE = 10.0


class Certificates:
    """A CA, and a directory with a pair of its making."""

    def __init__(self, directory: Path, *names: str) -> None:
        self.directory = directory
        self.authority = make_authority("test", datetime.now(UTC), WEEK)
        self.roots = self.authority.pem
        self.write(self.pair(*names))

    def pair(self, *names: str, authority: Authority | None = None) -> Pair:
        now = datetime.now(UTC)
        return make_leaf(authority or self.authority, names or NAMES, now, WEEK)

    def write(self, pair: Pair) -> None:
        (self.directory / "tls.crt").write_bytes(pair.certificate)
        (self.directory / "tls.key").write_bytes(pair.key)


class Reply(NamedTuple):
    """One HTTP answer, read from a raw connection."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Running:
    """One server, from outside."""

    def __init__(
        self,
        settings: Settings,
        answers: Mapping[str, Answer],
        roots: bytes,
        make_cluster: Callable[[], Cluster] | None,
        also: Also | None,
        policy: LivePolicy | None,
    ) -> None:
        self._also = also
        self._policy = policy
        self.roots = roots
        self._said = io.BytesIO()
        self._log = logs.configure("debug", self._said)
        self._settings = settings
        self._answers = answers
        self._make_cluster = make_cluster
        self._made = threading.Event()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        if not self._made.wait(_PATIENCE) or self.failure is not None:
            raise AssertionError(f"no server: {self.failure!r}")
        self.port, self.probe_port = self.server.port, self.server.probe_port

    def _run(self) -> None:
        async def serve() -> None:
            cluster = self._make_cluster() if self._make_cluster is not None else None
            self.loop = asyncio.get_running_loop()
            self.server = Server(
                self._settings,
                self._answers,
                self._log,
                cluster=cluster,
                version="0-test",
                also=self._also,
                policy=self._policy,
            )
            self._made.set()
            await self.server.run()

        try:
            uvloop.run(serve())
        except BaseException as error:  # told by whoever waits
            self.failure = error
        finally:
            self._made.set()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What the server has written to its log."""
        return [json.loads(line) for line in self._said.getvalue().splitlines()]

    @property
    def raw_log(self) -> str:
        return self._said.getvalue().decode()

    def probe(self, path: str) -> httpx2.Response:
        return httpx2.get(f"http://127.0.0.1:{self.probe_port}{path}", trust_env=False)

    def metric(self, sample: str, **labels: str) -> float:
        """Return the sum of a sample over all series with these labels."""
        return sum(
            found.value
            for family in text_string_to_metric_families(self.probe("/metrics").text)
            for found in family.samples
            if found.name == sample and labels.items() <= found.labels.items()
        )

    def until_ready(self) -> Self:
        wait_for(
            lambda: self.probe("/readyz").status_code == 200, lambda: self.probe("/readyz").text
        )
        return self

    def context(self, roots: bytes | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=(roots or self.roots).decode())
        return context

    def client(self, **options: Any) -> httpx2.Client:
        return httpx2.Client(
            base_url=f"https://localhost:{self.port}",
            verify=options.pop("context", None) or self.context(),
            trust_env=False,
            timeout=_PATIENCE,
            **options,
        )

    def connect(self, *, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """Return a TLS connection on which nothing was sent yet."""
        plain = self.connect_plain()
        try:
            return (context or self.context()).wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise

    def connect_plain(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE)

    def stop(self, *, hurry: bool = True, wait: bool = True) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            self.loop.call_soon_threadsafe(lambda: self.server.stop(hurry=hurry))
        if wait:
            self.join()

    def join(self) -> None:
        self._thread.join(_PATIENCE)
        assert not self._thread.is_alive(), "the server did not end"

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()


class Starter:
    """Starts servers and stops them all."""

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates
        self._running: list[Running] = []

    def __call__(
        self,
        *,
        answer: Answer | None = None,
        make_cluster: Callable[[], Cluster] | None = None,
        also: Also | None = None,
        policy: LivePolicy | None = None,
        ready: bool = True,
        **settings: Any,
    ) -> Running:
        """Start a server; by default it serves the pair of the fixture.

        It answers `allowed`, or what `answer` does, or the rules under a policy.
        """
        defaults = {
            "review_address": "127.0.0.1",
            "review_port": 0,
            "probe_address": "127.0.0.1",
            "probe_port": 0,
            "tls_mode": "files",
            "tls_directory": self._certificates.directory,
            "tls_names": NAMES,
            "drain": 0.0,
        }
        answers: Mapping[str, Answer] = {"mutate": answer or allow, "validate": answer or allow}
        if policy is not None:
            answers = rules.load(policy)
        chosen = Settings(**(defaults | settings))
        roots = self._certificates.roots
        running = Running(chosen, answers, roots, make_cluster, also, policy)
        self._running.append(running)
        return running.until_ready() if ready else running

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for running in self._running:
            if running.alive:
                running.stop()


def allow(review: dict[str, Any]) -> dict[str, Any]:
    """Answer any review: allowed, nothing to say."""
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {
            "uid": review["request"]["uid"],
            "allowed": True,
            "auditAnnotations": {"decision": "nothing-to-do"},
        },
    }


def review(**request: Any) -> dict[str, Any]:
    """Return an AdmissionReview; `request` adds to its request, or replaces parts of it."""
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "operation": "CREATE",
            "namespace": "fleet-default",
            "name": "prod",
            "userInfo": {"username": "u-b4qkhsnliz"},
            "object": {"kind": "Cluster"},
            "dryRun": False,
            **request,
        },
    }


def request(
    body: bytes,
    *,
    path: str = "/mutate?timeout=10s",
    kind: str = "application/json",
    length: int | None = None,
) -> bytes:
    """Return the bytes of a POST."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n"
        f"content-length: {len(body) if length is None else length}\r\n\r\n"
    )
    return head.encode() + body


def read_reply(connection: socket.socket) -> Reply:
    """Read one answer whose length is said."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (part := connection.recv(65536)):
            raise ConnectionError(f"closed after {received!r}")
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    while len(body) < int(headers["content-length"]):
        if not (part := connection.recv(65536)):
            raise ConnectionError("closed in the middle of a body")
        body += part
    return Reply(int(first.split()[1]), headers, body)


def is_cut(connection: socket.socket, within: float) -> bool:
    """Tell whether the other side ends a connection in time."""
    connection.settimeout(within)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def wait_for(
    holds: Callable[[], bool], complaint: Callable[[], str] = lambda: "", seconds: float = _PATIENCE
) -> None:
    """Wait until something holds, or fail the test."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {complaint()}"
        time.sleep(0.02)
