"""Another admission webhook, which answers whatever a test wants it to: well, or not at all well."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from kube import Pair


class Reply(NamedTuple):
    """An HTTP reply; a body that is no text is written as JSON."""

    body: object = ""
    status: int = 200
    kind: str = "application/json"
    delay: float = 0.0
    """Seconds before anything is sent."""


Behaviour = Callable[[dict[str, Any]], Reply]
"""What is replied to the `request` of an AdmissionReview."""


class SecondWebhook:
    """An HTTPS server on loopback with one behaviour a path, which counts its calls."""

    def __init__(self, pair: Pair) -> None:
        self._behaviours: dict[str, Behaviour] = {}
        self._calls: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        pair.load_into(context)
        # The handshake is for the connection's own thread, so that nobody waits for another's.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, path: str, behaviour: Behaviour) -> str:
        """Behave so under this path from now on. Return its URL."""
        self._behaviours[f"/{path}"] = behaviour
        return f"https://127.0.0.1:{self._server.server_address[1]}/{path}"

    def calls(self, path: str) -> int:
        """Return how often somebody called this path."""
        return self._calls[f"/{path}"]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        behaviours, calls = self._behaviours, self._calls

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                path = self.path.partition("?")[0]
                calls[path] += 1
                reply = behaviours[path](json.loads(body)["request"])
                time.sleep(reply.delay)
                said = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
                written = said.encode()
                # Who waited long enough has gone.
                with contextlib.suppress(OSError):
                    self.send_response(reply.status)
                    self.send_header("Content-Type", reply.kind)
                    self.send_header("Content-Length", str(len(written)))
                    self.end_headers()
                    self.wfile.write(written)

            def log_message(self, *_: object) -> None:
                """Say nothing: the tests' output is for the tests."""

        return Handler


def review(response: Mapping[str, Any], version: str = "v1") -> dict[str, Any]:
    """Return an AdmissionReview with this response."""
    return {
        "apiVersion": f"admission.k8s.io/{version}",
        "kind": "AdmissionReview",
        "response": response,
    }


def allowed(request: Mapping[str, Any], **more: object) -> dict[str, Any]:
    """Return a response that allows a request."""
    return {"uid": request["uid"], "allowed": True, **more}


def patched(
    request: Mapping[str, Any], operations: Sequence[Mapping[str, Any]], **more: object
) -> dict[str, Any]:
    """Return a response that allows a request and patches its object."""
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return allowed(request, patchType="JSONPatch", patch=patch, **more)
