"""The server against the caBundles that are live, by handshakes of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from memory_cluster import MUTATING, NAME, VALIDATING, MemoryCluster
from serving import WEEK, Certificates, Running, Starter, review, wait_for

from rke2_webhook.tls.authority import make_authority


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rke2_webhook.tls.trust._INTERVAL", 0.1)
    monkeypatch.setattr("rke2_webhook.tls.trust._SOON", 0.1)


def configured(cluster: MemoryCluster, **settings: Any) -> dict[str, Any]:
    """Return settings of a server that two configurations call under `localhost`."""
    cluster.expect_host("localhost")
    return {
        "make_cluster": cluster.client,
        "mutating_configurations": (NAME,),
        "validating_configurations": (NAME,),
        **settings,
    }


def stranger() -> bytes:
    return make_authority("stranger", datetime.now(UTC), WEEK).pem


def not_ready(server: Running, reason: str) -> None:
    wait_for(lambda: server.probe("/readyz").status_code == 503)
    wait_for(lambda: reason in server.probe("/readyz").text, lambda: server.probe("/readyz").text)


def test_mode_self_is_ready_once_the_bundle_is_live(start: Starter, cluster: MemoryCluster) -> None:
    server = start(
        **configured(cluster, tls_mode="self", tls_directory=None, service=NAME, ready=False)
    ).until_ready()
    assert server.metric("rke2_webhook_cabundle_matches", configuration=str(MUTATING)) == 1
    assert server.metric("rke2_webhook_cabundle_matches", configuration=str(VALIDATING)) == 1
    server.roots = cluster.bundle()
    with server.client() as client:
        assert client.post("/mutate", json=review()).status_code == 200


def test_mode_self_says_what_it_waits_for(start: Starter, cluster: MemoryCluster) -> None:
    cluster.delete()
    server = start(**configured(cluster, tls_mode="self", tls_directory=None, ready=False))
    wait_for(lambda: "rke2-webhook-ca does not exist" in server.probe("/startupz").text)
    assert server.probe("/livez").status_code == 200
    assert "rke2-webhook-ca does not exist" in server.probe("/readyz").text
    cluster.restore()
    server.until_ready()


def test_a_bundle_of_somebody_else_is_noticed_behind_living_connections(
    start: Starter, cluster: MemoryCluster, certificates: Certificates
) -> None:
    for reference in (MUTATING, VALIDATING):
        cluster.set_bundle(certificates.roots, reference)
    server = start(**configured(cluster))
    with server.client() as client:
        assert client.post("/mutate", json=review()).status_code == 200
        cluster.set_bundle(stranger(), VALIDATING)
        not_ready(server, "validating/rke2-webhook: its caBundle does not verify")
        assert server.metric("rke2_webhook_cabundle_matches", configuration=str(MUTATING)) == 1
        assert server.metric("rke2_webhook_cabundle_matches", configuration=str(VALIDATING)) == 0
        assert server.metric("rke2_webhook_ready") == 0
        # Whoever is connected is served on.
        assert client.post("/mutate", json=review()).status_code == 200
    cluster.set_bundle(stranger() + certificates.roots, VALIDATING)
    server.until_ready()


@pytest.mark.parametrize(
    ("bundle", "reason"),
    [(b"", "holds no certificate"), (b"garbage", "holds no certificate")],
    ids=["empty", "garbage"],
)
def test_a_bundle_that_is_none_trusts_nobody(
    start: Starter, cluster: MemoryCluster, certificates: Certificates, bundle: bytes, reason: str
) -> None:
    for reference in (MUTATING, VALIDATING):
        cluster.set_bundle(certificates.roots, reference)
    cluster.set_bundle(bundle)
    server = start(**configured(cluster, ready=False))
    not_ready(server, reason)


def test_the_host_that_is_called_has_to_be_in_the_certificate(
    start: Starter, cluster: MemoryCluster, certificates: Certificates
) -> None:
    for reference in (MUTATING, VALIDATING):
        cluster.set_bundle(certificates.roots, reference)
    settings = configured(cluster, ready=False)
    cluster.expect_host("webhook.example.com")
    server = start(**settings)
    not_ready(server, "not valid for 'webhook.example.com'")


def test_an_api_that_is_away_leaves_the_last_verdict(
    start: Starter, cluster: MemoryCluster, certificates: Certificates
) -> None:
    for reference in (MUTATING, VALIDATING):
        cluster.set_bundle(certificates.roots, reference)
    server = start(**configured(cluster))
    cluster.down = True
    wait_for(lambda: "note: " in server.probe("/readyz").text)
    assert server.probe("/readyz").status_code == 200
    cluster.set_bundle(stranger())
    assert server.probe("/readyz").status_code == 200
    cluster.down = False
    not_ready(server, "does not verify")


def test_a_configuration_that_is_not_installed_yet_is_a_note(
    start: Starter, cluster: MemoryCluster, certificates: Certificates
) -> None:
    settings = configured(cluster)
    cluster.set_bundle(certificates.roots)
    cluster.delete(VALIDATING)
    server = start(**settings)
    assert (
        server.probe("/readyz").text
        == "ok\nnote: ValidatingWebhookConfiguration rke2-webhook does not exist\n"
    )
    assert server.metric("rke2_webhook_cabundle_matches", configuration=str(VALIDATING)) == 0


@pytest.mark.parametrize("minimum", ["1.2", "1.3"])
def test_asking_for_client_certificates_does_not_disturb_it(
    start: Starter, cluster: MemoryCluster, certificates: Certificates, tmp_path: Any, minimum: str
) -> None:
    for reference in (MUTATING, VALIDATING):
        cluster.set_bundle(certificates.roots, reference)
    ca = tmp_path / "clients.pem"
    ca.write_bytes(certificates.roots)
    settings = {"client_auth": "require", "client_ca": ca, "tls_minimum": minimum}
    server = start(**configured(cluster, **settings))
    cluster.set_bundle(stranger())
    not_ready(server, "does not verify")
