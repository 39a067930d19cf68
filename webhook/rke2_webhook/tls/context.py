"""The live TLS context: a pair is tried out before it is served, and a bad one changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import ssl
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cryptography import x509
from structlog.typing import FilteringBoundLogger

from rke2_webhook.metrics import Metrics
from rke2_webhook.tls.authority import Pair, read_certificates, write_certificates
from rke2_webhook.tls.clock import Clock

ClientAuth = Literal["off", "optional", "require"]

# The API server has spoken HTTP/1.1 to webhooks since 1.16 (kubernetes#82090). Not offering
# HTTP/2 leaves its family of floods (CVE-2023-44487) to others.
_PROTOCOLS = ["http/1.1"]
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_CLIENTS = {"off": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "require": ssl.CERT_REQUIRED}

# openssl/x509_vfy.h: X509_V_FLAG_NO_CHECK_TIME, which Python does not name. Whether a pair is
# valid now is asked of the clock that is handed in.
_NO_CHECK_TIME = 0x200000
# A handshake in memory takes three flights; this many are more than any takes.
_MOST_FLIGHTS = 10


class PairError(ValueError):
    """A pair that cannot be served; the message says why, and holds nothing of the key."""


class Tls(NamedTuple):
    """How this server speaks TLS."""

    minimum: Literal["1.2", "1.3"] = "1.3"
    client_auth: ClientAuth = "off"
    client_ca: Path | None = None


class LiveContext:
    """What the listener serves. `offer` puts another pair in its place, between two handshakes."""

    def __init__(
        self,
        tls: Tls,
        names: Sequence[str],
        clock: Clock,
        metrics: Metrics,
        log: FilteringBoundLogger,
    ) -> None:
        self._tls = tls
        self._names = names
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._current: ssl.SSLContext | None = None
        self._client_ca: bytes | None = None
        self._refused: tuple[Pair, bytes | None, str] | None = None
        self.served = asyncio.Event()
        """Set as soon as there is something to serve."""
        self.pair: Pair | None = None
        self.leaf: x509.Certificate | None = None
        # Versions and whether a client certificate is asked for are settled before the context
        # changes hands; pair and CA of clients come from the one it changes to.
        self.listening = _bare_context(tls.minimum)
        """The context for the listener."""
        self.listening.verify_mode = _CLIENTS[tls.client_auth]
        self.listening.sni_callback = self._choose

    @property
    def problem(self) -> str | None:
        """Why no handshake can succeed now, or None."""
        if self.leaf is None:
            return "no certificate yet" + (f": {self.refused}" if self.refused else "")
        return out_of_time(self.leaf, self._clock.now())

    @property
    def refused(self) -> str | None:
        """Why the pair that was offered last is not served, or None."""
        return f"a certificate was refused: {self._refused[2]}" if self._refused else None

    def offer(self, pair: Pair) -> str | None:
        """Serve a pair from now on, or return why not and go on with the one before.

        What was refused before is tried again, in silence: it may not have been valid yet.
        """
        client_ca = self._read_client_ca()
        if (pair, client_ca) == (self.pair, self._client_ca):
            self._refused = None
            return None
        try:
            leaf = try_out(pair, self._names, self._tls, self._clock.now())
            context = server_context(pair, self._tls, client_ca)
        except PairError as error:
            reason = str(error)
            if self._refused != (pair, client_ca, reason):
                self._refused = (pair, client_ca, reason)
                self._metrics.reloads.labels("refused").inc()
                self._log.error(
                    "a certificate was refused", reason=reason, serving_before=self.leaf is not None
                )
            return reason
        self._refused = None
        self._current, self._client_ca = context, client_ca
        self.pair, self.leaf = pair, leaf
        self.served.set()
        self._metrics.reloads.labels("loaded").inc()
        self._metrics.not_after.labels("leaf").set(leaf.not_valid_after_utc.timestamp())
        self._log.info(
            "a certificate is served from now on",
            serial=f"{leaf.serial_number:x}",
            issuer=leaf.issuer.rfc4514_string(),
            not_after=leaf.not_valid_after_utc.isoformat(),
        )
        return None

    def refresh(self) -> str | None:
        """Take up another CA of client certificates, if its file has changed."""
        if self.pair is None:
            return None
        return self.offer(self.pair)

    def _read_client_ca(self) -> bytes | None:
        if self._tls.client_auth == "off" or self._tls.client_ca is None:
            return None
        try:
            return self._tls.client_ca.read_bytes()
        except OSError:
            return b""  # refused further on, with a reason

    def _choose(self, tls: ssl.SSLObject, name: str | None, listening: ssl.SSLContext) -> None:  # noqa: ARG002
        # Called for every ClientHello, whether it names a server or not. So each handshake has
        # one context from its beginning to its end, and changing it is one assignment.
        self._metrics.handshakes_begun.inc()
        if self._current is not None:
            tls.context = self._current


def out_of_time(certificate: x509.Certificate, now: datetime) -> str | None:
    """Return why a certificate is not valid at this time, or None."""
    if now < certificate.not_valid_before_utc:
        return f"the certificate is not valid before {certificate.not_valid_before_utc:%FT%TZ}"
    if now >= certificate.not_valid_after_utc:
        return f"the certificate ended on {certificate.not_valid_after_utc:%FT%TZ}"
    return None


def try_out(pair: Pair, names: Sequence[str], tls: Tls, now: datetime) -> x509.Certificate:
    """Return the leaf of a pair with which a handshake was made, or raise PairError."""
    chain = read_certificates(pair.certificate)
    if not chain:
        raise PairError("there is no certificate in it")
    leaf = chain[0]
    if (reason := out_of_time(leaf, now)) is not None:
        raise PairError(reason)
    scratch = server_context(pair, Tls(tls.minimum), None)
    roots = write_certificates([leaf])
    reasons = [why for name in names if (why := rehearse(scratch, roots, name)) is not None]
    if len(reasons) == len(names):
        raise PairError(reasons[0])
    return leaf


def server_context(pair: Pair, tls: Tls, client_ca: bytes | None) -> ssl.SSLContext:
    """Return a context that serves a pair, or raise PairError."""
    context = _bare_context(tls.minimum)
    try:
        with _as_file(pair.certificate + b"\n" + pair.key) as path:
            context.load_cert_chain(path)
    except (ssl.SSLError, OSError) as error:
        raise PairError(f"certificate and key do not fit: {_reason(error)}") from None
    if tls.client_auth != "off":
        try:
            context.load_verify_locations(cadata=(client_ca or b"").decode("ascii"))
        except (ssl.SSLError, ValueError) as error:
            raise PairError(f"the CA of client certificates is unusable: {error}") from None
        context.verify_mode = _CLIENTS[tls.client_auth]
    return context


def client_context(roots: bytes, *, any_time: bool = False) -> ssl.SSLContext:
    """Return a context that trusts as Go does: these certificates, self-signed or not.

    Raises ssl.SSLError or ValueError if there is none among them, or a broken one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(_PROTOCOLS)
    context.hostname_checks_common_name = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if any_time:
        context.verify_flags |= _NO_CHECK_TIME
    context.load_verify_locations(cadata=roots.decode("ascii", "replace"))
    return context


def rehearse(server: ssl.SSLContext, roots: bytes, name: str) -> str | None:
    """Make a handshake in memory, whatever the time is. Return why it failed, or None."""
    try:
        client = client_context(roots, any_time=True)
    except (ssl.SSLError, ValueError) as error:
        return f"no certificate to trust: {_reason(error)}"
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(there, back, server_side=True)
    theirs = client.wrap_bio(back, there, server_hostname=name)
    for _ in range(_MOST_FLIGHTS):
        try:
            theirs.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError as error:
            return f"it does not verify as {name}: {error.verify_message}"
        except ssl.SSLError as error:
            return f"no handshake: {_reason(error)}"
        else:
            return None
        try:
            ours.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            return f"no handshake: {_reason(error)}"
    return "no handshake: it does not end"


def names_of_client(shown: Mapping[str, Any]) -> set[str]:
    """Return the common and alternative names of a client's certificate, as `getpeercert` has it."""
    common = {
        value for part in shown.get("subject", ()) for key, value in part if key == "commonName"
    }
    return common | {value for _, value in shown.get("subjectAltName", ())}


def _bare_context(minimum: Literal["1.2", "1.3"]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[minimum]
    context.set_alpn_protocols(_PROTOCOLS)
    # A resumed session shows no certificate, and so would hide one that is not trusted anymore.
    # Go's HTTP client resumes none, so they would only cost.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    return context


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    # OpenSSL reads keys from files. This one is in memory and has no name, so that it works on a
    # read-only root, and no key is ever on a disk.
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("pair", os.MFD_CLOEXEC)
        try:
            with open(handle, "wb", closefd=False) as file:
                file.write(content)
            yield f"/proc/self/fd/{handle}"
        finally:
            os.close(handle)
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            yield file.name


def _reason(error: Exception) -> str:
    # `[SSL] PEM lib (_ssl.c:3926)` tells where in Python's source, which helps nobody here.
    said = getattr(error, "reason", None) or re.sub(r"\[.*?\] | \(_ssl.*", "", str(error))
    return str(said).replace("_", " ").lower()
