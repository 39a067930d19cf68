"""The server: what runs in one process, from the first certificate to the last answer."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Coroutine, Mapping
from typing import Any

from structlog.typing import FilteringBoundLogger

from rke2_policies.policy_file import PolicyError
from rke2_webhook.app import Answer, create_app
from rke2_webhook.ledger import Also, Ledger
from rke2_webhook.listener import Listener, bind
from rke2_webhook.live_policy import LivePolicy
from rke2_webhook.metrics import Metrics
from rke2_webhook.probes import Health, create_probes
from rke2_webhook.protocol import Guard, Rules
from rke2_webhook.sample import sample_review
from rke2_webhook.settings import Settings
from rke2_webhook.tls.clock import Clock, SystemClock
from rke2_webhook.tls.cluster import Cluster, Reference
from rke2_webhook.tls.context import LiveContext, Tls
from rke2_webhook.tls.directory import Directory
from rke2_webhook.tls.keep import Keeper
from rke2_webhook.tls.store import Plan, SelfSigned
from rke2_webhook.tls.trust import Trust
from rke2_webhook.traffic import Limits, Traffic
from rke2_webhook.worker import Worker

# A review takes half a second at most; one that takes this long never ends.
_STUCK = 30.0
_PROBE_CONNECTIONS = 64
# Kubelet takes a minute or two to bring a ConfigMap's new content; to look costs a file's bytes.
_POLICY_INTERVAL = 5.0
# For listeners to notice that they should end, beside the time for what is in flight.
_LAST_WORDS = 1.0


class Server:
    """Everything that serves reviews. `run` returns when it was stopped, and all is answered."""

    def __init__(
        self,
        settings: Settings,
        answers: Mapping[str, Answer],
        log: FilteringBoundLogger,
        *,
        cluster: Cluster | None,
        version: str,
        clock: Clock | None = None,
        also: Also | None = None,
        policy: LivePolicy | None = None,
    ) -> None:
        """Bind both ports. Raises OSError where that is not possible.

        `also` is told every request, beside metrics and log. `policy` is what `answers` answer
        under; the server looks whether its file has changed.
        """
        self._settings = settings
        self._log = log
        self._cluster = cluster
        clock = SystemClock() if clock is None else clock
        self._clock = clock
        self._metrics = metrics = Metrics(version)
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._rules = _rules_problem(answers, log)

        self._traffic = Traffic(
            Limits(
                max_body=settings.max_body,
                max_buffered=settings.max_buffered,
                max_in_flight=settings.max_in_flight,
                max_time=settings.max_time,
            )
        )
        self._worker = Worker()
        self._ledger = Ledger(metrics, log, also)
        tls = Tls(settings.tls_minimum, settings.client_auth, settings.client_ca)
        self._live = LiveContext(tls, settings.certificate_names, clock, metrics, log)
        self._guard = Guard(
            Rules(settings.read_deadline, settings.max_connections, settings.client_names),
            self._traffic,
            metrics,
        )
        self._listener = Listener(
            create_app(answers, self._traffic, self._worker, metrics, self._ledger, log),
            bind(settings.review_address, settings.review_port),
            self._guard,
            tls=self._live.listening,
            keep_alive=settings.keep_alive,
            grace=settings.grace,
        )
        self._trust_of = Trust(
            _references(settings),
            cluster,
            self._live,
            self._listener.address,
            clock,
            metrics,
        )
        self._trust = Keeper("checking the caBundle", self._trust_of.step, clock, metrics, log)
        self._certificates, self._watching = self._keepers()
        self._policy_of = policy or LivePolicy(None)
        self._policy = Keeper("reading the policy", self._look_at_policy, clock, metrics, log)
        self._probes = Listener(
            create_probes(
                Health(self._not_alive, self._not_started, self._not_ready, self._notes),
                self._metrics_page,
                version,
            ),
            bind(settings.probe_address, settings.probe_port),
            # Whoever floods the one port shall not silence the other.
            Guard(
                Rules(settings.read_deadline, _PROBE_CONNECTIONS),
                Traffic(self._traffic.limits),
                metrics,
            ),
            tls=None,
            keep_alive=settings.keep_alive,
            grace=1,
        )
        metrics.watch(
            in_flight=lambda: self._traffic.in_flight,
            buffered=lambda: self._traffic.buffered,
            connections=lambda: len(self._guard),
            ready=lambda: not self._not_ready(),
        )

    @property
    def port(self) -> int:
        """The port for reviews."""
        return self._listener.address.port

    @property
    def probe_port(self) -> int:
        """The port for probes."""
        return self._probes.address.port

    @property
    def stuck(self) -> bool:
        """Whether a review is still being computed for which nobody waits anymore."""
        return self._worker.busy > 0

    async def run(self) -> None:
        """Serve until stopped. Raises what ends a part of the server that should never end."""
        serving = [asyncio.create_task(self._probes.serve())]
        keeping = [
            asyncio.create_task(self._certificates.run()),
            asyncio.create_task(self._policy.run()),
        ]
        if self._watching is not None:
            keeping.append(asyncio.create_task(self._watching.run()))
        try:
            self._log.info("started", port=self.port, probe_port=self.probe_port)
            await _first(self._live.served.wait(), self._stop.wait(), beside=[*serving, *keeping])
            if not self._stop.is_set():
                serving.append(asyncio.create_task(self._listener.serve()))
                await _first(self._listener.open.wait(), beside=[*serving, *keeping])
                keeping.append(asyncio.create_task(self._trust.run()))
                # What was imported and made so far stays until the end: the garbage collector
                # need not look at it again with every large review.
                gc.collect()
                gc.freeze()
                self._log.info("serving", port=self.port)
                await _first(self._stop.wait(), beside=[*serving, *keeping])
                await self._drain()
        finally:
            self._listener.should_exit = self._probes.should_exit = True
            await asyncio.wait(serving, timeout=self._settings.grace + _LAST_WORDS)
            for part in [*serving, *keeping]:
                part.cancel()
            await asyncio.gather(*serving, *keeping, return_exceptions=True)
            self._listener.close()
            self._probes.close()
            self._worker.close()
            self._ledger.tell()
            if self._cluster is not None:
                await self._cluster.close()
        self._log.info("stopped")

    def stop(self, *, hurry: bool = False) -> None:
        """Begin to end; in a hurry, or if told twice, without waiting for the endpoints."""
        if hurry or self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def _drain(self) -> None:
        # Those who route to us have to hear first that we are not ready, and every connection
        # that is used meanwhile ends with its answer: so hardly any is cut.
        self._log.info("draining", seconds=self._settings.drain, in_flight=self._traffic.in_flight)
        self._guard.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain):
                await self._hurry.wait()

    def _keepers(self) -> tuple[Keeper, Keeper | None]:
        settings, clock, metrics, log = self._settings, self._clock, self._metrics, self._log
        if settings.tls_mode == "self":
            if self._cluster is None:
                raise ValueError("mode self needs a cluster")
            plan = Plan(
                secret=settings.ca_secret,
                names=settings.certificate_names,
                configurations=_references(settings),
                ca_lifetime=settings.ca_lifetime,
                ca_overlap=settings.ca_overlap,
                leaf_lifetime=settings.leaf_lifetime,
                settle=settings.settle,
            )
            store = SelfSigned(plan, self._cluster, self._live, clock, metrics, log)
            return Keeper("keeping the certificate", store.step, clock, metrics, log), None
        if settings.tls_directory is None:
            raise ValueError(f"mode {settings.tls_mode} needs a directory")
        directory = Directory(settings.tls_directory, self._live, metrics)
        return (
            Keeper("reading the certificate", directory.step, clock, metrics, log),
            Keeper("watching the directory", directory.watch, clock, metrics, log),
        )

    async def _look_at_policy(self) -> float:
        try:
            changed = self._policy_of.look()
        except PolicyError:
            # The one before is better than none, and better than an answer that nobody wanted.
            self._metrics.policy_current.set(0)
            raise
        self._metrics.policy_current.set(1)
        if changed:
            self._log.info("another policy is in force", policy=self._policy_of.current.name)
        return _POLICY_INTERVAL

    def _metrics_page(self) -> tuple[bytes, str]:
        self._ledger.tell()
        return self._metrics.page()

    def _not_alive(self) -> list[str]:
        busy = self._worker.busy
        return [f"one review has been running for {busy:.0f} seconds"] if busy > _STUCK else []

    def _not_started(self) -> list[str]:
        if self._listener.started:
            return []
        reasons = [self._live.problem, self._certificates.problem]
        return [each for each in reasons if each is not None] or ["not listening yet"]

    def _not_ready(self) -> list[str]:
        reasons = [self._rules, self._live.problem]
        if self._traffic.draining:
            reasons.append("draining")
        if not self._listener.started:
            reasons.append(self._certificates.problem or "not listening yet")
        else:
            reasons += self._trust_of.problems
        return [each for each in reasons if each is not None]

    def _notes(self) -> list[str]:
        problems = [self._certificates.problem, self._trust.problem, self._policy.problem]
        refused = self._live.refused if self._live.leaf is not None else None
        notes = [refused, *problems, *self._trust_of.notes]
        return [each for each in notes if each is not None]


def _rules_problem(answers: Mapping[str, Answer], log: FilteringBoundLogger) -> str | None:
    """Answer a sample at every endpoint: so the rules are loaded, and known to work."""
    for name, answer in answers.items():
        try:
            answer(sample_review())
        except Exception as error:
            log.exception("the rules do not work", endpoint=name, exc_info=error)
            return f"/{name} fails on a sample review; the log tells where"
    return None


def _references(settings: Settings) -> list[Reference]:
    return [
        *(Reference("mutating", name) for name in settings.mutating_configurations),
        *(Reference("validating", name) for name in settings.validating_configurations),
    ]


async def _first(*awaited: Coroutine[Any, Any, object], beside: list[asyncio.Task[None]]) -> None:
    """Wait for the first of these. Raises what ended any of the parts beside, if one did."""
    waiting: list[asyncio.Task[Any]] = [asyncio.create_task(each) for each in awaited]
    await asyncio.wait([*waiting, *beside], return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
    for part in beside:
        if part.done():
            part.result()
            raise RuntimeError("a part of the server has ended by itself")
