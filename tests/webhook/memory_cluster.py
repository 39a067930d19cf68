"""An API server in memory: one kind of Secret, two kinds of webhook configurations, nothing else.

It keeps what matters here as the real one does: versions, conflicts, and an apply that carries a
version. The real one is asked in tests/e2e.
"""

from __future__ import annotations

import base64
import copy
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from lightkube import AsyncClient, KubeConfig

from rke2_webhook.tls.cluster import Cluster, Reference

NAMESPACE = "cattle-system"
SECRET = "rke2-webhook-ca"
NAME = "rke2-webhook"
MUTATING = Reference("mutating", NAME)
VALIDATING = Reference("validating", NAME)

_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1"
_PATHS = {
    MUTATING: f"{_WEBHOOKS}/mutatingwebhookconfigurations/{NAME}",
    VALIDATING: f"{_WEBHOOKS}/validatingwebhookconfigurations/{NAME}",
}
_SECRET_PATH = f"/api/v1/namespaces/{NAMESPACE}/secrets/{SECRET}"


class MemoryCluster:
    """Objects by path. `before` is called with each request before it is looked at."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._version = 0
        self._objects: dict[str, dict[str, Any]] = {}
        self._clients: list[Cluster] = []
        self.requests: list[tuple[str, str]] = []
        self.before: Callable[[str, str], None] = lambda method, path: None
        self.down = False
        """While this is set, every request fails."""
        self.put(
            _SECRET_PATH,
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": SECRET, "namespace": NAMESPACE, "labels": {"app": "ours"}},
                "type": "Opaque",
            },
        )
        for reference, path in _PATHS.items():
            self.put(path, _configuration(reference))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def client(self) -> Cluster:
        """Return what a replica uses to talk to this."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        config = KubeConfig.from_dict(
            {
                "current-context": "test",
                "clusters": [{"name": "test", "cluster": {"server": url}}],
                "users": [{"name": "test", "user": {}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            }
        )
        made = Cluster(AsyncClient(config=config, namespace=NAMESPACE, trust_env=False), NAMESPACE)
        self._clients.append(made)
        return made

    async def close_clients(self) -> None:
        """Close what `client` has made."""
        for each in self._clients:
            await each.close()

    @property
    def secret(self) -> dict[str, bytes]:
        """The decoded data of the Secret."""
        data = self._objects[_SECRET_PATH].get("data") or {}
        return {key: base64.b64decode(value) for key, value in data.items()}

    @secret.setter
    def secret(self, data: dict[str, bytes]) -> None:
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        self.put(_SECRET_PATH, {**self._objects[_SECRET_PATH], "data": encoded})

    def bundle(self, reference: Reference = MUTATING) -> bytes:
        """Return the live caBundle."""
        client = self._objects[_PATHS[reference]]["webhooks"][0]["clientConfig"]
        return base64.b64decode(client.get("caBundle", ""))

    def set_bundle(self, bundle: bytes, reference: Reference = MUTATING) -> None:
        """Change a caBundle as somebody else would."""
        found = copy.deepcopy(self._objects[_PATHS[reference]])
        found["webhooks"][0]["clientConfig"]["caBundle"] = base64.b64encode(bundle).decode()
        self.put(_PATHS[reference], found)

    def expect_host(self, host: str) -> None:
        """Let both configurations call a URL instead of a Service."""
        for path in _PATHS.values():
            found = copy.deepcopy(self._objects[path])
            client = found["webhooks"][0]["clientConfig"]
            client.pop("service", None)
            client["url"] = f"https://{host}:1/mutate"
            self.put(path, found)

    def object(self, reference: Reference | None = None) -> dict[str, Any]:
        return self._objects[_PATHS[reference] if reference is not None else _SECRET_PATH]

    def delete(self, reference: Reference | None = None) -> None:
        """Take away a configuration, or the Secret."""
        with self._lock:
            del self._objects[_PATHS[reference] if reference is not None else _SECRET_PATH]

    def restore(self, reference: Reference | None = None) -> None:
        """Put back, as the chart renders it, what `delete` took away."""
        if reference is not None:
            self.put(_PATHS[reference], _configuration(reference))
        else:
            meta = {"name": SECRET, "namespace": NAMESPACE}
            self.put(_SECRET_PATH, {"apiVersion": "v1", "kind": "Secret", "metadata": meta})

    def count(self, method: str) -> int:
        return sum(1 for each, _ in self.requests if each == method)

    def put(self, path: str, item: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._version += 1
            meta = {**item["metadata"], "resourceVersion": str(self._version)}
            self._objects[path] = stored = {**item, "metadata": meta}
            return stored

    def handle(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Answer one request as an API server would."""
        self.before(method, path)
        with self._lock:
            self.requests.append((method, path))
            if self.down:
                return _status(503, "down for the test")
            if path not in self._objects:
                return _status(404, "not found")
            found = self._objects[path]
            if method == "GET":
                return 200, found
            sent = json.loads(body)
            version = sent["metadata"].get("resourceVersion")
            if version is not None and version != found["metadata"]["resourceVersion"]:
                return _status(409, "the object has been modified")
            if method == "PUT":
                return 200, self.put(path, sent)
            merged = copy.deepcopy(found)
            by_name = {webhook["name"]: webhook for webhook in merged["webhooks"]}
            for webhook in sent["webhooks"]:
                by_name[webhook["name"]]["clientConfig"] |= webhook["clientConfig"]
            return 200, self.put(path, merged)


def _handler(cluster: MemoryCluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet; else the client's kernel takes its time to acknowledge.
        wbufsize = 1 << 16

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            path = self.path.partition("?")[0]
            code, said = cluster.handle(self.command, path, self.rfile.read(length))
            body = json.dumps(said).encode()
            self.send_response(code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_PUT(self) -> None:
            self.do_GET()

        def do_PATCH(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    return Handler


def _configuration(reference: Reference) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{reference.kind.capitalize()}WebhookConfiguration",
        "metadata": {"name": reference.name},
        "webhooks": [
            {
                "name": "clusters.rke2-lint.dev",
                "clientConfig": {"service": {"name": NAME, "namespace": NAMESPACE}},
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
            }
        ],
    }


def _status(code: int, message: str) -> tuple[int, dict[str, Any]]:
    reasons = {404: "NotFound", 409: "Conflict"}
    return code, {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "code": code,
        "reason": reasons.get(code, "ServiceUnavailable"),
        "message": message,
    }
