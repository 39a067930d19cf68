"""Mode `self`: a CA of our own in one Secret, and a leaf for each pod that nobody else has.

All replicas do the same, and none leads: whoever sees that the Secret needs something writes it,
and of two who write at once the API server refuses the second, who reads again.

The order is what keeps admission going while the CA changes:

1. the new CA into the Secret, with the one before beside it;
2. both into the caBundle, by server-side apply;
3. when the live objects show it, and the API servers have had `settle` seconds to see it, too:
   the new leaf, in each pod by itself;
4. after `overlap`, the old CA out of the Secret, and so out of the caBundle.

Leaves first would be refused by every new connection, and nobody would see it as long as the old
connections live.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from structlog.typing import FilteringBoundLogger

from rke2_webhook.metrics import Metrics
from rke2_webhook.tls.authority import (
    Authority,
    due,
    made,
    make_authority,
    make_leaf,
    read_authority,
    read_certificates,
    valid,
    write_certificates,
)
from rke2_webhook.tls.clock import Clock
from rke2_webhook.tls.cluster import (
    Cluster,
    Configuration,
    ConflictError,
    MissingError,
    Reference,
    StoredSecret,
)
from rke2_webhook.tls.context import LiveContext

CERTIFICATE, KEY, OLD = "ca.crt", "ca.key", "ca-old.crt"

# How often it looks whether another replica, or a person, has changed something; in seconds.
# Each replica has to see a new CA, wait and change its leaf before the overlap is over.
_INTERVAL = 30.0
_LOOKS_PER_OVERLAP = 8
# How often it looks while it waits for something that may come any moment.
_SOON = 1.0
# Replicas that want to write the same thing are through after one round each.
_MOST_CONFLICTS = 8
# More CAs than two are in a caBundle only if somebody keeps taking the Secret away.
_MOST_OLD = 3


class Plan(NamedTuple):
    """What mode `self` is told; times in seconds."""

    secret: str
    names: Sequence[str]
    configurations: Sequence[Reference]
    ca_lifetime: float
    ca_overlap: float
    leaf_lifetime: float
    settle: float


class Agreement(NamedTuple):
    """What the Secret says: who signs, and who else is to be trusted."""

    authority: Authority
    old: tuple[x509.Certificate, ...]

    @property
    def bundle(self) -> bytes:
        return write_certificates((self.authority.certificate, *self.old))


class SelfSigned:
    """Keeps a live context in certificates, together with the other replicas."""

    def __init__(
        self,
        plan: Plan,
        cluster: Cluster,
        live: LiveContext,
        clock: Clock,
        metrics: Metrics,
        log: FilteringBoundLogger,
    ) -> None:
        self._plan = plan
        self._cluster = cluster
        self._live = live
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._manager = f"{plan.secret}-bundle"
        self._agreement: Agreement | None = None
        self._signed_by: x509.Certificate | None = None
        self._seen_since: tuple[bytes, float] | None = None
        self._absent: frozenset[str] = frozenset()

    async def step(self) -> float:
        """Do what is due, and return after how many seconds to look again.

        Raises what the API client raises, and MissingError without the Secret; the leaf is renewed
        even then, as long as its CA is known.
        """
        try:
            for _ in range(_MOST_CONFLICTS):
                try:
                    await self._agree()
                    break
                except ConflictError as conflict:
                    self._log.info("read again", reason=str(conflict))
            else:
                raise ConflictError("the other replicas do not stop writing")
        finally:
            waiting = self._sign()
        if waiting:
            return _SOON
        return min(_INTERVAL, self._plan.ca_overlap / _LOOKS_PER_OVERLAP or _INTERVAL)

    async def _agree(self) -> None:
        # First the configurations, then the Secret: one that another replica writes meanwhile
        # is either read here, or its bundle makes our apply a conflict. The other way round, we
        # could take a new CA out of a bundle that its maker has seen it in.
        looked = [await self._look(reference) for reference in self._plan.configurations]
        configurations = [each for each in looked if each is not None]
        secret = await self._cluster.secret(self._plan.secret)
        agreement = await self._agreed(secret, configurations)
        self._agreement = agreement
        self._metrics.not_after.labels("ca").set(
            agreement.authority.certificate.not_valid_after_utc.timestamp()
        )
        bundle = agreement.bundle
        for seen in configurations:
            if any(each.bundle != bundle for each in seen.webhooks.values()):
                await self._cluster.apply_bundle(seen, bundle, self._manager)
                self._log.info(
                    "the caBundle was written",
                    configuration=str(seen.reference),
                    authorities=1 + len(agreement.old),
                )
        # Only what is read back counts as live; the next step does so, soon.
        live = {each.bundle for seen in configurations for each in seen.webhooks.values()}
        if live - {bundle}:
            self._seen_since = None
        elif self._seen_since is None or self._seen_since[0] != bundle:
            self._seen_since = (bundle, self._clock.monotonic())

    async def _look(self, reference: Reference) -> Configuration | None:
        try:
            seen = await self._cluster.configuration(reference)
        except MissingError as missing:
            # Nobody calls us by it. It may be installed later than we are, as the good practices
            # for webhooks want it.
            if str(reference) not in self._absent:
                self._absent |= {str(reference)}
                self._log.warning("no caBundle to write", reason=str(missing))
            return None
        self._absent -= {str(reference)}
        return seen

    async def _agreed(
        self, secret: StoredSecret, configurations: Sequence[Configuration]
    ) -> Agreement:
        """Return what the Secret says, after writing what it should say."""
        now, data = self._clock.now(), dict(secret.data)
        old = read_certificates(data.pop(OLD, b""))
        authority = self._stored(secret)
        if authority is None:
            # The Secret is new, or was emptied. Whatever is trusted now, other replicas may be
            # serving with, so it stays for as long as any old CA does.
            bundles = {each.bundle for seen in configurations for each in seen.webhooks.values()}
            old += [each for pem in sorted(bundles) for each in read_certificates(pem)]
        if authority is None or due(authority.certificate, now):
            if authority is not None:
                old.insert(0, authority.certificate)
            lifetime = timedelta(seconds=self._plan.ca_lifetime)
            authority = make_authority(self._plan.secret, now, lifetime)
            data |= {CERTIFICATE: authority.pem, KEY: authority.key_pem}
        elif now >= made(authority.certificate) + timedelta(seconds=self._plan.ca_overlap):
            old = []
        kept = _kept(old, authority.certificate, now)
        if kept:
            data[OLD] = write_certificates(kept)
        if data != secret.data:
            await self._cluster.write_secret(secret, data)
            self._log.info(
                "the Secret of the CA was written",
                serial=f"{authority.certificate.serial_number:x}",
                not_after=authority.certificate.not_valid_after_utc.isoformat(),
                old=len(kept),
            )
        return Agreement(authority, kept)

    def _stored(self, secret: StoredSecret) -> Authority | None:
        if not secret.data.get(CERTIFICATE):
            return None
        try:
            return read_authority(secret.data[CERTIFICATE], secret.data.get(KEY, b""))
        except (ValueError, TypeError) as error:
            self._log.error("the CA in the Secret is unusable and is replaced", reason=str(error))
            return None

    def _sign(self) -> bool:
        """Serve a new leaf if one is due and its CA is trusted. Return whether something is awaited."""
        agreement, live, now = self._agreement, self._live, self._clock.now()
        if agreement is None:
            return True
        authority, settled = agreement.authority, self._settled(agreement.bundle)
        same = self._signed_by == authority.certificate
        if live.leaf is not None and same and not due(live.leaf, now):
            live.refresh()
        elif settled or live.leaf is None or not valid(live.leaf, now) or same:
            # Whatever is not trusted yet is better than nothing, or than what has ended.
            lifetime = timedelta(seconds=self._plan.leaf_lifetime)
            if live.offer(make_leaf(authority, self._plan.names, now, lifetime)) is None:
                self._signed_by = authority.certificate
        return not settled or self._signed_by != authority.certificate

    def _settled(self, bundle: bytes) -> bool:
        if self._seen_since is None or self._seen_since[0] != bundle:
            return False
        return self._clock.monotonic() - self._seen_since[1] >= self._plan.settle


def _kept(
    old: Sequence[x509.Certificate], current: x509.Certificate, now: datetime
) -> tuple[x509.Certificate, ...]:
    kept: list[x509.Certificate] = []
    for each in old:
        if each != current and each not in kept and now < each.not_valid_after_utc:
            kept.append(each)
    return tuple(kept[:_MOST_OLD])
