"""Modes `cert-manager`, `secret` and `files`: a directory that somebody else fills.

The directory is watched, never its files: Kubernetes swaps a symlink beside them, and a watch of
a file sees that once and never again (ingress-nginx#6386, cilium#13636). A poll besides makes up
for watches that get lost, as on network file systems.
"""

from __future__ import annotations

from pathlib import Path

from rke2_webhook.metrics import Metrics
from rke2_webhook.tls.authority import Pair, read_certificates
from rke2_webhook.tls.cluster import MissingError
from rke2_webhook.tls.context import LiveContext

CERTIFICATE, KEY, CA = "tls.crt", "tls.key", "ca.crt"

_INTERVAL = 10.0
_SOON = 1.0


class Directory:
    """Keeps a live context in the pair that a directory holds."""

    def __init__(self, path: Path, live: LiveContext, metrics: Metrics) -> None:
        self._path = path
        self._live = live
        self._metrics = metrics

    async def step(self) -> float:
        """Serve what is there now, and return after how many seconds to look again.

        Raises MissingError without a pair, and OSError where it cannot be read.
        """
        self.look()
        return _INTERVAL if self._live.leaf is not None else _SOON

    def look(self) -> None:
        """Serve what is there now."""
        # All files of one moment: Kubernetes replaces what `..data` points to as a whole.
        data = self._path / "..data"
        folder = data.resolve() if data.exists() else self._path
        try:
            pair = Pair((folder / CERTIFICATE).read_bytes(), (folder / KEY).read_bytes())
        except FileNotFoundError as error:
            raise MissingError(f"{self._path / Path(error.filename).name} does not exist") from None
        self._live.offer(pair)
        try:
            roots = read_certificates((folder / CA).read_bytes())
        except FileNotFoundError:
            return
        if roots:
            ends = min(each.not_valid_after_utc for each in roots)
            self._metrics.not_after.labels("ca").set(ends.timestamp())

    async def watch(self) -> float:
        """Look whenever the directory changes. Raises OSError if it goes away."""
        from watchfiles import awatch  # two megabytes that mode `self` has no use for

        async for _ in awatch(self._path, watch_filter=None, recursive=False):
            try:
                self.look()
            except (MissingError, OSError):
                continue  # half written; the poll says so if it stays that way
        return _SOON
