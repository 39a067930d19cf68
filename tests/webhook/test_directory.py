"""Certificates from a directory, changed under a running server as Kubernetes and people do it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from serving import Certificates, Running, Starter, review, wait_for

from rke2_webhook.tls.authority import Pair


class Volume:
    """A mounted Secret: files are links through `..data`, which is swapped as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._number = 0

    def put(self, pair: Pair, roots: bytes = b"") -> None:
        self._number += 1
        folder = self.path / f"..2026_{self._number}"
        folder.mkdir()
        (folder / "tls.crt").write_bytes(pair.certificate)
        (folder / "tls.key").write_bytes(pair.key)
        if roots:
            (folder / "ca.crt").write_bytes(roots)
        link, before = self.path / "..data", self.path / f"..2026_{self._number - 1}"
        (self.path / "..data_tmp").symlink_to(folder.name)
        (self.path / "..data_tmp").replace(link)
        for name in ("tls.crt", "tls.key", "ca.crt"):
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")
        if before.exists():
            for file in before.iterdir():
                file.unlink()
            before.rmdir()


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)


def serial(server: Running) -> int:
    """Return the serial number of what is served to a new connection."""
    with server.connect() as connection:
        shown = connection.getpeercert(binary_form=True)
        assert shown is not None
        return x509.load_der_x509_certificate(shown).serial_number


def number(pair: Pair) -> int:
    return x509.load_pem_x509_certificate(pair.certificate).serial_number


# Each of the two ways alone has to be enough: a watch may get lost, a poll takes its time.
@pytest.fixture(params=["watch", "poll"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "poll":
        monkeypatch.setattr("rke2_webhook.tls.directory._INTERVAL", 0.1)

        async def blind(*arguments: object, **options: object) -> object:
            raise OSError("no more watches")
            yield

        monkeypatch.setattr("watchfiles.awatch", blind)
    else:
        monkeypatch.setattr("rke2_webhook.tls.directory._INTERVAL", 3600.0)
    return str(request.param)


def test_a_swapped_secret_is_served_each_time(
    start: Starter, volume: Volume, certificates: Certificates, way: str
) -> None:
    first = certificates.pair()
    volume.put(first, certificates.roots)
    server = start(tls_directory=volume.path, tls_mode="secret")
    assert serial(server) == number(first)
    with server.client() as client:
        for turn in range(3):
            pair = certificates.pair()
            volume.put(pair)
            wait_for(lambda pair=pair: serial(server) == number(pair))  # type: ignore[misc]
            # The connection from before the first swap lives on.
            assert client.post("/mutate", json=review()).status_code == 200
            assert server.metric("rke2_webhook_certificate_reloads_total") == turn + 2


def test_files_written_one_after_the_other_are_served_when_they_fit(
    start: Starter, tmp_path: Path, way: str
) -> None:
    certificates = Certificates(tmp_path)
    server = start(tls_directory=tmp_path)
    server.roots = certificates.roots
    before = serial(server)
    pair = certificates.pair()
    (tmp_path / "tls.crt").write_bytes(pair.certificate)
    wait_for(lambda: server.metric("rke2_webhook_certificate_reloads_total", result="refused") == 1)
    assert serial(server) == before
    (tmp_path / "tls.key").write_bytes(pair.key)
    wait_for(lambda: serial(server) == number(pair))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda pair: Pair(b"", pair.key), id="empty certificate"),
        pytest.param(lambda pair: Pair(pair.certificate, b"-----BEGIN"), id="half a key"),
    ],
)
def test_a_broken_pair_changes_nothing(
    start: Starter,
    volume: Volume,
    certificates: Certificates,
    way: str,
    spoil: Callable[[Pair], Pair],
) -> None:
    good = certificates.pair()
    volume.put(good)
    server = start(tls_directory=volume.path)
    volume.put(spoil(certificates.pair()))
    wait_for(lambda: server.metric("rke2_webhook_certificate_reloads_total", result="refused") == 1)
    assert serial(server) == number(good)
    ready = server.probe("/readyz")
    assert (ready.status_code, "note: a certificate was refused: " in ready.text) == (200, True)
    told = [line for line in server.lines if line["message"] == "a certificate was refused"]
    assert len(told) == 1
    assert told[0]["serving_before"] is True
    volume.put(good)
    wait_for(lambda: server.probe("/readyz").text == "ok\n")


def test_without_a_usable_pair_it_says_what_is_wrong_with_the_one_there(
    start: Starter, volume: Volume, certificates: Certificates
) -> None:
    volume.put(Pair(b"junk", certificates.pair().key))
    server = start(tls_directory=volume.path, ready=False)
    reason = "no certificate yet: a certificate was refused: there is no certificate in it"
    wait_for(lambda: reason in server.probe("/readyz").text)
    assert reason in server.probe("/startupz").text


def test_a_directory_that_goes_away_and_comes_back(
    start: Starter, tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rke2_webhook.tls.directory._INTERVAL", 0.1)
    folder = tmp_path / "tls"
    folder.mkdir()
    Certificates(folder)
    mine = Certificates(folder)
    server = start(tls_directory=folder)
    server.roots = mine.roots
    for name in ("tls.crt", "tls.key"):
        (folder / name).unlink()
    folder.rmdir()
    wait_for(lambda: "does not exist" in server.probe("/readyz").text)
    # A note, for what is served is served as before.
    assert server.probe("/readyz").status_code == 200
    folder.mkdir()
    pair = mine.pair()
    mine.write(pair)
    wait_for(lambda: serial(server) == number(pair), lambda: server.raw_log)


def test_a_pair_is_read_from_one_moment(
    start: Starter, volume: Volume, certificates: Certificates
) -> None:
    """In the middle of a swap, the links beside may lead to another pair than `..data`."""
    stale, pair = certificates.pair(), certificates.pair()
    volume.put(pair)
    (volume.path / "tls.key").unlink()
    (volume.path / "tls.key").write_bytes(stale.key)
    server = start(tls_directory=volume.path)
    assert serial(server) == number(pair)
    assert server.metric("rke2_webhook_certificate_reloads_total", result="refused") == 0


def test_the_end_of_a_ca_that_lies_beside_is_told(
    start: Starter, volume: Volume, certificates: Certificates
) -> None:
    volume.put(certificates.pair(), certificates.roots)
    server = start(tls_directory=volume.path, tls_mode="cert-manager")
    ends = certificates.authority.certificate.not_valid_after_utc.timestamp()
    gauge = "rke2_webhook_certificate_not_after_timestamp_seconds"
    assert server.metric(gauge, certificate="ca") == ends
    assert server.metric(gauge, certificate="leaf") > 0
