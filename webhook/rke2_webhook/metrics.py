"""Metrics: what Prometheus is told, under the field's names and units.

Names follow https://prometheus.io/docs/practices/naming/; what is counted follows the
controller-runtime of other webhooks: requests by code, a latency histogram, requests in flight.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# Labels come from the reviews' own vocabulary, but a label that anybody could make grow would
# let one client fill the memory of Prometheus.
_WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_MOST_WORDS = 64
_OPERATIONS = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})

# As many clusters as one Rancher is known to manage, and some more.
_REMEMBERED = 4096


class Decided(NamedTuple):
    """What is counted of a review that was answered."""

    endpoint: str
    operation: str
    decision: str
    allowed: bool
    dry_run: bool


class Metrics:
    """All metrics of one server, in a registry of their own."""

    def __init__(self, version: str) -> None:
        # `…_created` would double the number of series, for a time that nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        build = Gauge(
            "rke2_webhook_build_info",
            "Always 1; the version is a label.",
            ["version"],
            registry=registry,
        )
        build.labels(version).set(1)
        self._requests = Counter(
            "rke2_webhook_requests",
            "Requests answered, by endpoint and HTTP status.",
            ["endpoint", "code"],
            registry=registry,
        )
        self._latency = Histogram(
            "rke2_webhook_request_duration_seconds",
            "Time from a request's headers to its answer.",
            ["endpoint"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._in_flight = Gauge(
            "rke2_webhook_requests_in_flight",
            "Requests that are read, computed or waiting to be.",
            registry=registry,
        )
        self._buffered = Gauge(
            "rke2_webhook_request_bytes_in_flight",
            "Bytes of the bodies of the requests in flight.",
            registry=registry,
        )
        self._decisions = Counter(
            "rke2_webhook_decisions",
            "Reviews answered, by what was decided.",
            ["endpoint", "operation", "decision", "allowed", "dry_run"],
            registry=registry,
        )
        self.errors = Counter(
            "rke2_webhook_errors",
            "Reviews that failed by a fault of ours, answered with HTTP 500.",
            registry=registry,
        )
        self.repatches = Counter(
            "rke2_webhook_repatches",
            "Updates patched although the object had been patched before: somebody takes it out.",
            registry=registry,
        )
        self._cut = Counter(
            "rke2_webhook_connections_cut",
            "Connections ended by the server before their time, by reason.",
            ["reason"],
            registry=registry,
        )
        self._open = Gauge(
            "rke2_webhook_connections", "Open connections for reviews.", registry=registry
        )
        self.handshakes_begun = Counter(
            "rke2_webhook_tls_handshakes_started",
            "TLS handshakes begun by a ClientHello.",
            registry=registry,
        )
        self.handshakes_done = Counter(
            "rke2_webhook_tls_handshakes_completed",
            "TLS handshakes completed; fewer than begun: somebody does not trust the certificate.",
            registry=registry,
        )
        self.not_after = Gauge(
            "rke2_webhook_certificate_not_after_timestamp_seconds",
            "When a certificate ends, in Unix time.",
            ["certificate"],
            registry=registry,
        )
        self.reloads = Counter(
            "rke2_webhook_certificate_reloads",
            "Certificates found to be new, by whether they are served now.",
            ["result"],
            registry=registry,
        )
        self.bundle_matches = Gauge(
            "rke2_webhook_cabundle_matches",
            "1 if a fresh handshake verifies against the live caBundle, 0 if not.",
            ["configuration"],
            registry=registry,
        )
        self.policy_current = Gauge(
            "rke2_webhook_policy_current",
            "1 if the policy in force is that of the file, 0 if the file cannot be used.",
            registry=registry,
        )
        self.clock_jumps = Counter(
            "rke2_webhook_clock_jumps",
            "Times the clock moved by more than the time that passed.",
            registry=registry,
        )
        self.ready = Gauge("rke2_webhook_ready", "1 while /readyz says yes.", registry=registry)
        for result in ("loaded", "refused"):
            self.reloads.labels(result)
        self._words: set[str] = set()
        self._latency_children: dict[str, Histogram] = {}
        self._patched: OrderedDict[tuple[str, str], None] = OrderedDict()

    def watch(
        self,
        in_flight: Callable[[], int],
        buffered: Callable[[], int],
        connections: Callable[[], int],
        ready: Callable[[], bool],
    ) -> None:
        """Take the values that somebody else already counts from there."""
        self._in_flight.set_function(in_flight)
        self._buffered.set_function(buffered)
        self._open.set_function(connections)
        self.ready.set_function(ready)

    def requests(self, many: Iterable[tuple[str, int, float]]) -> None:
        """Count requests: endpoint, HTTP status, and how many seconds each took."""
        counts: dict[tuple[str, int], int] = {}
        for endpoint, code, took in many:
            counts[endpoint, code] = counts.get((endpoint, code), 0) + 1
            if endpoint not in self._latency_children:
                self._latency_children[endpoint] = self._latency.labels(endpoint)
            self._latency_children[endpoint].observe(took)
        for (endpoint, code), count in counts.items():
            self._requests.labels(endpoint, str(code)).inc(count)

    def decisions(self, counts: Mapping[Decided, int]) -> None:
        """Count reviews that were answered."""
        for (endpoint, operation, decision, allowed, dry_run), count in counts.items():
            self._decisions.labels(
                endpoint,
                operation if operation in _OPERATIONS else "other",
                self._word(decision or "none"),
                "true" if allowed else "false",
                "true" if dry_run else "false",
            ).inc(count)

    def patched(self, namespace: str, name: str, *, created: bool) -> bool:
        """Remember that an object was patched, and count it if that undoes somebody's work."""
        if not name:
            return False  # `generateName`: the name is made after admission
        key = (namespace, name)
        again = not created and key in self._patched
        self._patched[key] = None
        self._patched.move_to_end(key)
        if len(self._patched) > _REMEMBERED:
            self._patched.popitem(last=False)
        if again:
            self.repatches.inc()
        return again

    def cut(self, reason: str) -> None:
        """Count a connection that the server ended; `reason` is one of the code's own words."""
        self._cut.labels(reason).inc()

    def page(self) -> tuple[bytes, str]:
        """Return the text that Prometheus reads, and its media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def _word(self, word: str) -> str:
        if word in self._words:
            return word
        if len(self._words) >= _MOST_WORDS or not _WORD.fullmatch(word):
            return "other"
        self._words.add(word)
        return word
