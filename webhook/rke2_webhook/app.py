"""The application: two endpoints that answer AdmissionReviews, and how they refuse everything else.

A fault of ours is a plain HTTP 500, never a denial: `allowed: false` would block people even under
`failurePolicy: Ignore`, while a 500 leaves the decision to that policy.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import orjson
from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from rke2_webhook import durations
from rke2_webhook.envelope import NotAReviewError, open_review
from rke2_webhook.ledger import Entry, Ledger, text
from rke2_webhook.metrics import Metrics
from rke2_webhook.traffic import Traffic
from rke2_webhook.worker import Worker

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""AdmissionReview in, AdmissionReview out: pure, and slow at most in proportion to its input."""

# A review of a usual cluster (6 to 20 kB) takes less than a millisecond; handing it to a thread
# and back costs a tenth of that, and makes it wait for the thread. What is larger may take long
# enough to hold up the probes: 5 MB take up to 100 ms, 1,000 pools × 100 selectors up to 500 ms.
# Only what is larger is sent away for lack of room: whoever holds all of that, with bodies that
# never end, keeps no usual review waiting. The number of connections bounds the small ones.
INLINE = 32 * 1024

# What the API server grants if it does not say (admissionregistration/v1, timeoutSeconds).
_GRANTED = 10.0
# Kept back for the way home, so that the API server hears our answer before it gives up.
_WAY_HOME = 0.2

_JSON = (b"content-type", b"application/json")
_PLAIN = (b"content-type", b"text/plain; charset=utf-8")
_MORE = {
    413: ((b"connection", b"close"),),  # the rest of the body may never end
    429: ((b"retry-after", b"1"),),
}
# What nginx writes into its log when the client has gone before its answer.
_GONE = 499

_REFUSALS = {
    413: b"larger than any review this server reads",
    415: b"reviews are application/json",
    429: b"too many reviews at a time",
    500: b"the review failed by a fault of this server; its log tells where",
    504: b"the review would take longer than the API server waits",
}


class Asked(NamedTuple):
    """What the headers of a request say."""

    kind: bytes
    length: int
    traceparent: bytes


class Outcome(NamedTuple):
    """What goes back: an HTTP status and a body; and, of a review answered, its two halves."""

    code: int
    body: bytes
    review: tuple[dict[str, Any], dict[str, Any]] | None = None


def create_app(
    answers: Mapping[str, Answer],
    traffic: Traffic,
    worker: Worker,
    metrics: Metrics,
    ledger: Ledger,
    log: FilteringBoundLogger,
) -> FastAPI:
    """Return the application, with one endpoint `/<name>` for each of `answers`."""
    # The API server follows no redirect, and a path that is nearly right is wrong.
    app = App(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for name, answer in answers.items():
        app.add_endpoint(Endpoint(name, answer, traffic, worker, metrics, ledger, log))
    return app


class App(FastAPI):
    """A FastAPI application whose endpoints are reached without its middleware.

    They are routes like any other. But what FastAPI does for a request before it reaches one of
    its routes costs as much processor time as the whole endpoint, and they need none of it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._endpoints: dict[str, Endpoint] = {}

    def add_endpoint(self, endpoint: Endpoint) -> None:
        """Add an endpoint under its own name."""
        path = f"/{endpoint.name}"
        self._endpoints[path] = endpoint
        # A raw route: FastAPI's own would parse and validate what is only handed on.
        self.router.routes.append(Route(path, endpoint=endpoint, methods=["POST"]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        endpoint = self._endpoints.get(scope["path"]) if scope["type"] == "http" else None
        if endpoint is not None and scope["method"] == "POST":
            await endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class Endpoint:
    """One endpoint, as an ASGI application."""

    def __init__(
        self,
        name: str,
        answer: Answer,
        traffic: Traffic,
        worker: Worker,
        metrics: Metrics,
        ledger: Ledger,
        log: FilteringBoundLogger,
    ) -> None:
        self.name = name
        self._answer = answer
        self._traffic = traffic
        self._worker = worker
        self._metrics = metrics
        self._ledger = ledger
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        began = time.perf_counter()
        asked = _asked(scope["headers"])
        code, body, review = await self._outcome(asked, scope["query_string"], receive)
        if code != _GONE:
            length = (b"content-length", b"%d" % len(body))
            headers = [_JSON, length] if code == 200 else [_PLAIN, length, *_MORE.get(code, ())]
            await send({"type": "http.response.start", "status": code, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        took = time.perf_counter() - began
        reason = body if review is None and code != 500 else b""
        self._ledger.enter(
            Entry(self.name, code, took, time.time(), reason, review, asked.traceparent)
        )

    async def _outcome(self, asked: Asked, query: bytes, receive: Receive) -> Outcome:
        traffic, limits = self._traffic, self._traffic.limits
        kind = asked.kind
        if kind != _JSON[1] and kind.partition(b";")[0].strip().lower() != _JSON[1]:
            return _refuse(415)
        if asked.length > limits.max_body:
            return _refuse(413)
        if asked.length > INLINE and traffic.full:
            return _refuse(429)
        began = time.monotonic()
        traffic.in_flight += 1
        held = 0
        try:
            # How long this may take is the protocol's business; it cuts who is too slow.
            body: bytes | bytearray = b""
            while True:
                message = await receive()
                part = message.get("body", b"")
                held += len(part)
                traffic.buffered += len(part)
                if held > limits.max_body:
                    return _refuse(413)
                if held > INLINE and traffic.buffered > limits.max_buffered:
                    return _refuse(429)
                # Nearly always, the first part is the whole.
                if not body:
                    body = part
                elif isinstance(body, bytes):
                    body = bytearray(body) + part
                else:
                    body += part
                if not message.get("more_body"):
                    break
            if message["type"] == "http.disconnect":
                return Outcome(_GONE, b"")
            if held <= INLINE:
                return await self._worker.at_once(self._review, body)
            granted = _granted(query, limits.max_time)
            with traffic.turn() as has_room:
                if not has_room:
                    return _refuse(429)
                async with asyncio.timeout(granted - (time.monotonic() - began)):
                    return await self._worker.run(self._review, body)
        except TimeoutError:
            return _refuse(504)
        finally:
            traffic.in_flight -= 1
            traffic.buffered -= held

    def _review(self, body: bytes | bytearray) -> Outcome:
        try:
            review = open_review(body)
        except NotAReviewError as error:
            return Outcome(400, str(error).encode())
        request = review["request"]
        try:
            answered = self._answer(review)
            written = orjson.dumps(answered)
            # The ledger keeps the rest for a moment; these may be large.
            request.pop("object", None)
            request.pop("oldObject", None)
            return Outcome(200, written, (request, answered["response"]))
        except Exception as error:
            self._metrics.errors.inc()
            self._log.exception(
                "a review failed by a fault of this program",
                endpoint=self.name,
                uid=text(request["uid"]),
                exc_info=error,
            )
            return _refuse(500)


def _asked(headers: Iterable[tuple[bytes, bytes]]) -> Asked:
    kind, length, traceparent = b"", 0, b""
    for name, value in headers:
        if name == b"content-type":
            kind = value
        elif name == b"content-length":
            # The parser has refused what is no number, and two that differ.
            length = int(value)
        elif name == b"traceparent":
            traceparent = value
    return Asked(kind, length, traceparent)


def _refuse(code: int) -> Outcome:
    return Outcome(code, _REFUSALS[code])


@lru_cache(maxsize=64)
def _granted(query: bytes, at_most: float) -> float:
    """Return the seconds for a review: what the API server grants, less the way home."""
    try:
        said = parse_qs(query.decode("ascii"))["timeout"][0]
        granted = durations.seconds(said)
    except (KeyError, ValueError):
        granted = _GRANTED
    return min(max(granted - _WAY_HOME, granted / 2), at_most)
