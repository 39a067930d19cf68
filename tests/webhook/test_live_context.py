"""What may be served, and what is refused before anybody sees it."""

from __future__ import annotations

import io
import json
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from clocks import DAY, HandClock
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from serving import (
    Certificates,
    Running,
    Starter,
    read_reply,
    request,
    review,
    wait_for,
)

from rke2_webhook import logs
from rke2_webhook.metrics import Metrics
from rke2_webhook.tls.authority import (
    Authority,
    Pair,
    due,
    made,
    make_authority,
    make_leaf,
    read_authority,
)
from rke2_webhook.tls.context import LiveContext, PairError, Tls, rehearse, server_context, try_out

NAME = "rke2-webhook.cattle-system.svc"
WEEK = timedelta(days=7)
YEAR = timedelta(days=365)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def authority(clock: HandClock) -> Authority:
    return make_authority("test", clock.now(), YEAR)


@pytest.fixture
def live(clock: HandClock) -> LiveContext:
    log = logs.configure("debug", io.BytesIO())
    return LiveContext(Tls(), [NAME], clock, Metrics("0"), log)


def signed(authority: Authority, key: Any, name: str, clock: HandClock, **usage: Any) -> Pair:
    """Return a pair of somebody else's making."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    draft = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now())
        .not_valid_after(clock.now() + WEEK)
    )
    for extension in usage.get("extensions", ()):
        draft = draft.add_extension(extension, critical=False)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(draft.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.PEM), pem)


SAN = x509.SubjectAlternativeName([x509.DNSName(NAME)])


@pytest.mark.parametrize("minimum", ["1.2", "1.3"])
@pytest.mark.parametrize(
    "key",
    [
        pytest.param(ec.generate_private_key(ec.SECP256R1()), id="P-256"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), id="P-384"),
        pytest.param(rsa.generate_private_key(65537, 2048), id="RSA 2048"),
        pytest.param(ed25519.Ed25519PrivateKey.generate(), id="Ed25519"),
    ],
)
def test_pairs_of_others_are_served(
    authority: Authority, clock: HandClock, key: Any, minimum: Any
) -> None:
    pair = signed(authority, key, NAME, clock, extensions=[SAN])
    assert try_out(pair, [NAME], Tls(minimum), clock.now())


def test_a_chain_is_served_with_its_leaf(authority: Authority, clock: HandClock) -> None:
    leaf = make_leaf(authority, [NAME], clock.now(), WEEK)
    pair = Pair(leaf.certificate + authority.pem, leaf.key)
    assert try_out(pair, [NAME], Tls(), clock.now())


def bad(reason: str, make: Any, id: str) -> Any:
    return pytest.param(make, reason, id=id)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        bad("no certificate", lambda a, leaf, c: Pair(b"", b""), "nothing"),
        bad("no certificate", lambda a, leaf, c: Pair(b"\xff\x00", leaf.key), "no PEM"),
        bad("no certificate", lambda a, leaf, c: Pair(leaf.key, leaf.key), "two keys"),
        bad("do not fit", lambda a, leaf, c: Pair(leaf.certificate, b""), "no key"),
        bad(
            "do not fit",
            lambda a, leaf, c: Pair(leaf.certificate, leaf.key[:60]),
            "half a key",
        ),
        bad(
            "key values mismatch",
            lambda a, leaf, c: Pair(leaf.certificate, make_leaf(a, [NAME], c.now(), WEEK).key),
            "another's key",
        ),
        bad(
            "not valid before",
            lambda a, leaf, c: make_leaf(a, [NAME], c.now() + 2 * WEEK, WEEK),
            "not valid yet",
        ),
        bad(
            "ended on",
            lambda a, leaf, c: make_leaf(a, [NAME], c.now() - 2 * WEEK, WEEK),
            "not valid anymore",
        ),
        bad(
            f"does not verify as {NAME}",
            lambda a, leaf, c: make_leaf(a, ["elsewhere.svc"], c.now(), WEEK),
            "another's name",
        ),
        bad(
            "does not verify",
            lambda a, leaf, c: signed(a, ec.generate_private_key(ec.SECP256R1()), NAME, c),
            "a common name alone, which Go does not read",
        ),
        bad(
            "does not verify",
            lambda a, leaf, c: signed(
                a,
                ec.generate_private_key(ec.SECP256R1()),
                NAME,
                c,
                extensions=[
                    SAN,
                    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
                ],
            ),
            "for clients only",
        ),
        bad(
            "key too small",
            lambda a, leaf, c: signed(
                a, rsa.generate_private_key(65537, 1024), NAME, c, extensions=[SAN]
            ),
            "a key that OpenSSL finds too small",
        ),
    ],
)
def test_a_bad_pair_is_refused_and_the_one_before_goes_on(
    authority: Authority, clock: HandClock, live: LiveContext, make: Any, reason: str
) -> None:
    good = make_leaf(authority, [NAME], clock.now(), WEEK)
    assert live.offer(good) is None
    refused = live.offer(make(authority, good, clock))
    assert refused is not None
    assert reason in refused
    assert live.pair == good
    assert served_by(live, authority) is None


def test_one_of_the_names_is_enough(authority: Authority, clock: HandClock) -> None:
    pair = make_leaf(authority, ["10.0.0.1", "webhook.example.com"], clock.now(), WEEK)
    assert try_out(pair, [NAME, "webhook.example.com"], Tls(), clock.now())
    assert try_out(pair, ["10.0.0.1"], Tls(), clock.now())
    with pytest.raises(PairError, match=r"10\.0\.0\.2"):
        try_out(pair, ["10.0.0.2"], Tls(), clock.now())


def test_what_was_not_valid_yet_is_served_once_it_is(
    authority: Authority, clock: HandClock, live: LiveContext
) -> None:
    early = make_leaf(authority, [NAME], clock.now() + timedelta(days=3), WEEK)
    assert live.offer(early)
    problem = live.problem or ""
    assert problem.startswith(
        "no certificate yet: a certificate was refused: the certificate is not"
    )
    clock.pass_by(3 * DAY)
    assert live.offer(early) is None
    assert live.problem is None
    clock.pass_by(8 * DAY)
    assert live.problem is not None
    assert live.problem.startswith("the certificate ended on ")


def test_a_refusal_is_told_once(authority: Authority, clock: HandClock) -> None:
    said = io.BytesIO()
    metrics = Metrics("0")
    live = LiveContext(Tls(), [NAME], clock, metrics, logs.configure("info", said))
    stale = make_leaf(authority, ["elsewhere.svc"], clock.now(), WEEK)
    for _ in range(3):
        live.offer(stale)
    told = [json.loads(line) for line in said.getvalue().splitlines()]
    assert [line["message"] for line in told] == ["a certificate was refused"]
    assert b'reloads_total{result="refused"} 1.0' in metrics.page()[0]


def test_a_key_is_on_no_disk_and_in_no_message(
    authority: Authority, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.NamedTemporaryFile", None)
    pair = make_leaf(authority, [NAME], clock.now(), WEEK)
    server_context(pair, Tls(), None)
    with pytest.raises(PairError) as refused:
        server_context(Pair(pair.certificate, pair.key[10:]), Tls(), None)
    assert "BEGIN" not in str(refused.value)


def test_every_handshake_sees_one_pair_and_no_session_is_resumed(start: Starter) -> None:
    server = start()
    context = server.context()
    with server.connect(context=context) as first:
        first.sendall(request(json.dumps(review()).encode()))
        read_reply(first)
        session = first.session
        assert not session or not session.has_ticket


def served_by(live: LiveContext, authority: Authority) -> str | None:
    """Make a handshake with what is served. Return why it failed, or None."""
    return rehearse(live.listening, authority.pem, NAME)


class TestLifetimes:
    @pytest.mark.parametrize(
        "lifetime",
        [timedelta(seconds=30), timedelta(hours=1), WEEK, YEAR, timedelta(days=3650)],
        ids=str,
    )
    def test_a_certificate_is_due_after_two_thirds_of_its_life(
        self, clock: HandClock, lifetime: timedelta
    ) -> None:
        certificate = make_authority("test", clock.now(), lifetime).certificate
        assert abs(made(certificate) - clock.now()) < timedelta(seconds=2)
        assert not due(certificate, clock.now())
        assert not due(certificate, clock.now() + lifetime * 0.6)
        assert due(certificate, clock.now() + lifetime * 0.67)
        # Its maker's clock was ahead.
        assert due(certificate, clock.now() - timedelta(hours=2))

    def test_a_leaf_does_not_outlive_its_authority(self, clock: HandClock) -> None:
        authority = make_authority("test", clock.now(), timedelta(days=2))
        leaf = x509.load_pem_x509_certificate(
            make_leaf(authority, [NAME], clock.now(), WEEK).certificate
        )
        assert leaf.not_valid_after_utc == authority.certificate.not_valid_after_utc

    @pytest.mark.parametrize("key", [b"", b"nonsense"], ids=["none", "nonsense"])
    def test_half_an_authority_is_none(self, authority: Authority, key: bytes) -> None:
        with pytest.raises((ValueError, TypeError)):
            read_authority(authority.pem, key)

    def test_a_leaf_is_no_authority(self, authority: Authority, clock: HandClock) -> None:
        leaf = make_leaf(authority, [NAME], clock.now(), WEEK)
        with pytest.raises(ValueError, match="none of a CA"):
            read_authority(leaf.certificate, leaf.key)
        assert read_authority(authority.pem, authority.key_pem).pem == authority.pem


class TestClientCertificates:
    """Whether the API server has to say who it is."""

    @pytest.fixture
    def clients(self, tmp_path: Path, clock: HandClock) -> Certificates:
        return Certificates(tmp_path)

    def ask(self, server: Running, context: ssl.SSLContext) -> int:
        with server.connect(context=context) as connection:
            connection.sendall(request(json.dumps(review()).encode()))
            return read_reply(connection).status

    def showing(
        self, server: Running, clients: Certificates, clock: HandClock, name: str, **change: Any
    ) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        usage = [x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])]
        names = change.get("names")
        if names:
            usage.append(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]))
        authority = change.get("authority", clients.authority)
        pair = signed(authority, key, name, clock, extensions=usage)
        file = clients.directory / f"{name}.pem"
        file.write_bytes(pair.certificate + pair.key)
        context = server.context()
        context.load_cert_chain(file)
        return context

    def test_it_is_not_asked_by_default(self, start: Starter) -> None:
        server = start()
        assert self.ask(server, server.context()) == 200

    @pytest.mark.parametrize("tls", ["1.2", "1.3"])
    @pytest.mark.parametrize(
        ("mode", "shown", "expected"),
        [
            ("require", None, "cut"),
            ("require", "kube-apiserver", 200),
            ("require", "somebody", 403),
            ("optional", None, 200),
            ("optional", "kube-apiserver", 200),
            ("optional", "somebody", 403),
        ],
    )
    def test_it_counts_who_is_shown(
        self,
        start: Starter,
        clients: Certificates,
        clock: HandClock,
        mode: Any,
        shown: str | None,
        expected: Any,
        tls: Any,
    ) -> None:
        ca = clients.directory / "clients.pem"
        ca.write_bytes(clients.roots)
        server = start(
            client_auth=mode, client_ca=ca, client_names=("kube-apiserver",), tls_minimum=tls
        )
        context = (
            self.showing(server, clients, clock, shown) if shown is not None else server.context()
        )
        if tls == "1.2":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if expected == "cut":
            with pytest.raises((OSError, ConnectionError)):
                self.ask(server, context)
        else:
            assert self.ask(server, context) == expected
            assert server.metric("rke2_webhook_requests_total", code=str(expected)) == 1

    def test_an_alternative_name_counts_as_well(
        self, start: Starter, clients: Certificates, clock: HandClock
    ) -> None:
        ca = clients.directory / "clients.pem"
        ca.write_bytes(clients.roots)
        server = start(client_auth="require", client_ca=ca, client_names=("api.example.com",))
        context = self.showing(server, clients, clock, "x", names=["api.example.com"])
        assert self.ask(server, context) == 200

    def test_a_stranger_with_the_right_name_is_a_stranger(
        self, start: Starter, clients: Certificates, clock: HandClock
    ) -> None:
        ca = clients.directory / "clients.pem"
        ca.write_bytes(clients.roots)
        server = start(client_auth="optional", client_ca=ca, client_names=("kube-apiserver",))
        stranger = make_authority("stranger", clock.now(), YEAR)
        context = self.showing(server, clients, clock, "kube-apiserver", authority=stranger)
        with pytest.raises((OSError, ConnectionError)):
            self.ask(server, context)

    def test_another_authority_counts_from_the_next_handshake_on(
        self,
        start: Starter,
        clients: Certificates,
        clock: HandClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("rke2_webhook.tls.directory._INTERVAL", 0.05)
        ca = clients.directory / "clients.pem"
        ca.write_bytes(clients.roots)
        server = start(client_auth="require", client_ca=ca)
        old = self.showing(server, clients, clock, "old")
        next_one = make_authority("next", clock.now(), YEAR)
        new = self.showing(server, clients, clock, "new", authority=next_one)
        assert self.ask(server, old) == 200
        ca.write_bytes(next_one.pem)
        wait_for(lambda: server.metric("rke2_webhook_certificate_reloads_total") == 2)
        assert self.ask(server, new) == 200
        with pytest.raises((OSError, ConnectionError)):
            self.ask(server, old)

    def test_another_authority_is_taken_up_and_a_broken_one_is_not(
        self, authority: Authority, clock: HandClock, tmp_path: Path
    ) -> None:
        log = logs.configure("debug", io.BytesIO())
        ca = tmp_path / "clients.pem"
        ca.write_bytes(authority.pem)
        live = LiveContext(Tls("1.3", "require", ca), [NAME], clock, Metrics("0"), log)
        pair = make_leaf(authority, [NAME], clock.now(), WEEK)
        assert live.offer(pair) is None
        assert live.refresh() is None
        ca.write_bytes(b"broken")
        assert "unusable" in (live.refresh() or "")
        ca.unlink()
        assert "unusable" in (live.refresh() or "")
        ca.write_bytes(make_authority("new", clock.now(), YEAR).pem)
        assert live.refresh() is None


def test_handshakes_that_fail_are_told_from_those_that_succeed(start: Starter) -> None:
    server = start()
    started = server.metric("rke2_webhook_tls_handshakes_started_total")
    completed = server.metric("rke2_webhook_tls_handshakes_completed_total")
    stranger = make_authority("stranger", HandClock().now(), YEAR)
    with pytest.raises(ssl.SSLCertVerificationError):
        server.connect(context=server.context(stranger.pem))
    server.connect().close()
    assert server.metric("rke2_webhook_tls_handshakes_started_total") == started + 2
    assert server.metric("rke2_webhook_tls_handshakes_completed_total") == completed + 1
