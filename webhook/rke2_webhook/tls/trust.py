"""Trust: whether the API servers would take the certificate that is served right now.

A caBundle that does not fit stays invisible for as long as the API servers' connections live, and
then every call fails at once. So a connection of our own is opened, again and again.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import NamedTuple

from rke2_webhook.metrics import Metrics
from rke2_webhook.tls.authority import write_certificates
from rke2_webhook.tls.clock import Clock
from rke2_webhook.tls.cluster import Cluster, MissingError, Reference, Webhook
from rke2_webhook.tls.context import LiveContext, client_context

_INTERVAL = 30.0
_SOON = 1.0
_LONGEST_HANDSHAKE = 5.0


class Address(NamedTuple):
    """Where the server can be reached from itself."""

    host: str
    port: int


class Trust:
    """Asks the live webhook configurations whether they trust the live certificate."""

    def __init__(
        self,
        references: Sequence[Reference],
        cluster: Cluster | None,
        live: LiveContext,
        address: Address,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._references = references
        self._cluster = cluster
        self._live = live
        self._address = address
        self._clock = clock
        self._metrics = metrics
        self._checked: tuple[float, object] | None = None
        self.problems: tuple[str, ...] = ("no handshake was tried yet",)
        """Why not to send calls here. The last verdict stays while the API cannot be reached."""
        self.notes: tuple[str, ...] = ()
        """What is worth knowing besides."""

    async def step(self) -> float:
        """Check if the last time was long ago, went badly, or concerned another certificate."""
        now, served = self._clock.monotonic(), self._live.pair
        if self._checked is not None and not self.problems:
            since, checked = self._checked
            if checked is served and now - since < _INTERVAL:
                return _SOON
        await self.check()
        self._checked = (now, served)
        return _SOON

    async def check(self) -> None:
        """Read the caBundles, and make a handshake under each. Raises what the API client raises."""
        problems: list[str] = []
        notes: list[str] = []
        tried: dict[Webhook, str | None] = {}
        for reference in self._references:
            if self._cluster is None:
                break
            try:
                seen = await self._cluster.configuration(reference)
            except MissingError as missing:
                # Nobody calls us by it, so there is nothing not to be ready for.
                notes.append(str(missing))
                self._metrics.bundle_matches.labels(str(reference)).set(0)
                continue
            reasons = []
            for webhook in set(seen.webhooks.values()):
                if webhook not in tried:
                    tried[webhook] = await self._handshake(webhook)
                if (why := tried[webhook]) is not None:
                    reasons.append(f"{reference}: {why}")
            problems += reasons
            self._metrics.bundle_matches.labels(str(reference)).set(0 if reasons else 1)
        if not tried and self._live.leaf is not None:
            # Nobody to ask: at least the certificate that should be served is.
            why = await self._handshake(Webhook(write_certificates([self._live.leaf]), ""))
            problems += [why] if why is not None else []
        self.problems, self.notes = tuple(problems), tuple(notes)

    async def _handshake(self, webhook: Webhook) -> str | None:
        """Return why the API server would hang up, or None."""
        try:
            context = client_context(webhook.bundle)
        except (ssl.SSLError, ValueError):
            return "its caBundle holds no certificate"
        context.check_hostname = bool(webhook.host)
        # Where clients have to show a certificate, this one will be sent away: in TLS 1.3, that
        # is after the handshake, when the server's was verified.
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            async with asyncio.timeout(_LONGEST_HANDSHAKE):
                _, writer = await asyncio.open_connection(
                    *self._address, ssl=context, server_hostname=webhook.host
                )
        except ssl.SSLCertVerificationError as error:
            return f"its caBundle does not verify the certificate served: {error.verify_message}"
        except ssl.SSLError as error:
            return f"no handshake: {error.reason}"
        except TimeoutError:
            return f"no handshake within {_LONGEST_HANDSHAKE:g} seconds"
        except OSError as error:
            return f"no connection: {error.strerror}"
        writer.close()
        return None
