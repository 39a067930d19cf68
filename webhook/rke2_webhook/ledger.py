"""The ledger: what happened to each request, told to the metrics and the log a little later.

Between two requests, TLS and the kernel push everything else out of the processor's caches. Told
at once, a request's line and its counters cost 35 µs of processor time, as much as the whole rest
of this server's own code; told together with others, they cost 15. So they are told ten times a
second, or as soon as there are many.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from structlog.typing import FilteringBoundLogger

from rke2_webhook.logs import Seldom
from rke2_webhook.metrics import Decided, Metrics

_LATEST = 0.1
_MOST = 32
_QUIET = 10.0


class Reviewed(NamedTuple):
    """What is told of a review that was answered. Nothing here keeps the object alive."""

    uid: str
    operation: str
    namespace: str
    name: str
    user: str
    dry_run: bool
    decision: str
    allowed: bool
    patched: bool
    warnings: int

    @classmethod
    def of(cls, request: Mapping[str, Any], response: Mapping[str, Any]) -> Reviewed:
        """Take from a request, which may hold anything, and from our response what is told."""
        user = request.get("userInfo")
        notes = response.get("auditAnnotations")
        return cls(
            uid=text(request["uid"]),
            operation=text(request.get("operation")),
            namespace=text(request.get("namespace")),
            name=text(request.get("name")),
            user=text(user.get("username")) if isinstance(user, dict) else "",
            dry_run=request.get("dryRun") is True,
            decision=text(notes.get("decision")) if isinstance(notes, dict) else "",
            allowed=response["allowed"],
            patched="patch" in response,
            warnings=len(response.get("warnings") or ()),
        )

    def decided(self, endpoint: str) -> Decided:
        """Return what is counted of it."""
        return Decided(endpoint, self.operation, self.decision, self.allowed, self.dry_run)


class Entry(NamedTuple):
    """One request: where, how it ended, how long it took and when that was, in Unix time."""

    endpoint: str
    code: int
    seconds: float
    when: float
    reason: bytes = b""
    """Why it was refused."""
    review: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None
    """The request and the response of a review that was answered, without its objects."""
    traceparent: bytes = b""
    """The trace that this belongs to, as W3C writes it in a header."""


class Ledger:
    """Takes entries, and tells them later."""

    def __init__(
        self, metrics: Metrics, log: FilteringBoundLogger, also: Also | None = None
    ) -> None:
        self._also = also
        self._metrics = metrics
        self._log = log
        self._seldom = Seldom(every=_QUIET)
        self._entries: list[Entry] = []
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, entry: Entry) -> None:
        """Take one entry."""
        self._entries.append(entry)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LATEST, self.tell)
        elif len(self._entries) >= _MOST:
            self.tell()

    def tell(self) -> None:
        """Tell all that was entered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        entries, self._entries = self._entries, []
        self._metrics.requests((one.endpoint, one.code, one.seconds) for one in entries)
        lines = []
        decisions: Counter[Decided] = Counter()
        for entry in entries:
            reviewed = Reviewed.of(*entry.review) if entry.review is not None else None
            if reviewed is not None:
                decisions[reviewed.decided(entry.endpoint)] += 1
                lines.append(self._line(entry, reviewed))
            elif entry.reason:
                self._tell_refusal(entry)
            if self._also is not None:
                self._also(entry, reviewed)
        self._metrics.decisions(decisions)
        if lines:
            self._log.info("review", many=lines)

    def _line(self, entry: Entry, review: Reviewed) -> dict[str, Any]:
        again = (
            review.patched
            and not review.dry_run
            and self._metrics.patched(
                review.namespace, review.name, created=review.operation == "CREATE"
            )
        )
        return {
            "when": entry.when,
            "endpoint": entry.endpoint,
            **review._asdict(),
            "patched_before": again,
            "milliseconds": round(entry.seconds * 1000, 3),
        }

    def _tell_refusal(self, entry: Entry) -> None:
        # Whoever floods the server shall not flood its log as well.
        if (unsaid := self._seldom.turn(entry.code)) is not None:
            self._log.warning(
                "a request was refused",
                when=entry.when,
                endpoint=entry.endpoint,
                status=entry.code,
                reason=entry.reason.decode(),
                unsaid=unsaid,
            )


Also = Callable[[Entry, Reviewed | None], None]
"""Somebody else who is told everything."""


def text(value: object) -> str:
    """Return a string as it is told: no longer than the longest name in Kubernetes."""
    return value[:253] if isinstance(value, str) else ""
