"""`rke2-lint verify`: look at live clusters, say how their nodes are, and what to do."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import NamedTuple

from rke2_lint.files import Lookup, absolute
from rke2_lint.health.told import ClusterTold, Told
from rke2_lint.inspection import today
from rke2_lint.progress import Bar
from rke2_lint.verify.kubeconfig import Context
from rke2_lint.verify.reading import Limits, read_cluster
from rke2_lint.verify.resuming import NOTHING, Earlier
from rke2_lint.verify.seen_cluster import SeenCluster
from rke2_policies.diagnose import diagnose
from rke2_policies.diagnosis.wording import counted
from rke2_policies.policy import DEFAULT

_PATIENCE = 1.0
"""Seconds until a bar is shown."""
_MOST_NAMES = 5
_NOTE = (
    "Only what the API says is known: the pin, the images, and which nodes have a kube-proxy. "
    "--exec looks into the containers, too: which backend is in use, and whose rules there are."
)


class Wish(NamedTuple):
    """How clusters are to be looked at."""

    inside: bool = False
    """Commands are run in kube-proxy's containers; all of them only read."""
    jobs: int = 10
    """So many clusters, and so many requests, are under way at once."""
    request_seconds: float = 30.0
    """How long a request may take, or a command."""
    seconds: float | None = None
    """How long all of it may take; None: as long as it takes."""
    earlier: Earlier = NOTHING
    watched: bool = False
    """Somebody sees on a terminal how far it is."""


def look(contexts: Sequence[Context], lookup: Lookup, wish: Wish) -> Told:
    """Return what there is to tell of some clusters.

    The policy is that of the folder in which somebody stands. Raises UsageError for a policy that
    cannot be used.
    """
    policy = lookup.policy_for(f"{absolute('.')}/.") or DEFAULT
    work = _Work(contexts, wish)
    work.run()
    diagnoses = [
        diagnose(one.nodes.values(), policy, name=one.name, today=today())
        for one in work.seen
        if one.nodes
    ]
    return Told(
        diagnoses,
        list(_unread(work)),
        "rke2-lint verify",
        [_told(one) for one in work.seen],
        "" if wish.inside else _NOTE,
        list(dict.fromkeys(lines for one in work.seen for lines in one.advice)),
        wish.inside,
        work.stopped_by,
    )


class _Work:
    """Looks at many clusters at once, and keeps what was seen whatever happens."""

    def __init__(self, contexts: Sequence[Context], wish: Wish) -> None:
        self._contexts = contexts
        self._wish = wish
        self.seen = [self._begun(context) for context in contexts]
        self.why = ""
        """Why it ended before all was done; "" where it did not."""
        self.stopped_by = 0
        """The signal that ended it; 0: none."""
        self._bar: Bar | None = None
        self._total = len(contexts)
        self._done = 0
        self._begin = monotonic()

    def _begun(self, context: Context) -> SeenCluster:
        """Return what is known of a cluster before anybody looks: what an earlier run saw of all of it."""
        before = self._wish.earlier.of(context.name, inside=self._wish.inside)
        if before is None or not before.complete:
            return SeenCluster(context.name)
        before.kept.update(before.nodes)
        return before

    def run(self) -> None:
        """Look at all clusters, until it is done, or time is up, or somebody stops it."""
        try:
            asyncio.run(self._run())
        finally:
            if self._bar is not None:
                self._bar.clear()

    async def _run(self) -> None:
        limits = Limits(asyncio.Semaphore(self._wish.jobs), self._wish.request_seconds)
        places = asyncio.Semaphore(self._wish.jobs)

        async def one(context: Context, seen: SeenCluster) -> None:
            async with places:
                if not seen.complete:
                    before = self._wish.earlier.of(context.name, inside=self._wish.inside)
                    await read_cluster(
                        context,
                        seen,
                        limits,
                        self._notice,
                        inside=self._wish.inside,
                        earlier=before,
                    )
            self._notice(0, 1)

        everything = asyncio.gather(*map(one, self._contexts, self.seen))
        loop = asyncio.get_running_loop()

        def stop(number: int) -> None:
            self.stopped_by = number
            self.why = "interrupted"
            everything.cancel()
            # Who asks twice does not want to wait for connections to be closed.
            loop.remove_signal_handler(number)

        for number in (signal.SIGINT, signal.SIGTERM):
            # Windows knows no such handlers, and threads other than the first one may have none.
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
                loop.add_signal_handler(number, stop, int(number))
        try:
            async with asyncio.timeout(self._wish.seconds):
                await everything
        except TimeoutError:
            self.why = f"not done after {self._wish.seconds:g} seconds"
        except asyncio.CancelledError:
            if not self.stopped_by:
                self.why, self.stopped_by = "interrupted", int(signal.SIGINT)

    def _notice(self, more: int, done: int) -> None:
        self._total += more
        self._done += done
        if not self._wish.watched or monotonic() - self._begin < _PATIENCE:
            return
        if self._bar is None:
            what = "clusters and nodes" if self._wish.inside else "clusters"
            self._bar = Bar(self._total, what)
        self._bar.grow(self._total)
        self._bar.show(self._done)


def _unread(work: _Work) -> Iterable[str]:
    untouched = []
    for one in work.seen:
        for fault in one.faults:
            yield f"{one.name}: {fault}"
        if one.complete or not work.why:
            continue
        if not one.began:
            untouched.append(one.name)
        elif one.half_seen:
            left = counted(len(one.half_seen), "node")
            yield f"{one.name}: {work.why}; not looked into: {left}"
        else:
            yield f"{one.name}: {work.why}; it was read in part only"
    if untouched:
        clusters = counted(len(untouched), "cluster")
        yield f"{work.why}; not looked at: {clusters}, {_some(untouched)}"


def _told(one: SeenCluster) -> ClusterTold:
    return ClusterTold(
        one.name, one.complete, frozenset(one.half_seen), frozenset(one.kept), tuple(one.faults)
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
