"""What is said where an API server cannot be asked: real sockets, real certificates."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from local_servers import running

from rke2_lint.cli import main

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def certificate(path: Path, begin: datetime.datetime, end: datetime.datetime, *names: str) -> Path:
    """Write a certificate that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rke2")])
    hosts = [x509.IPAddress(ipaddress.ip_address(one)) for one in names]
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(begin).not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@contextmanager
def tls(pair: Path) -> Iterator[int]:
    """Shake hands, and say nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        # Closing alone does not wake whoever waits for a connection.
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def verify(folder: Path, capsys: pytest.CaptureFixture[str], **cluster: Any) -> str:
    tree = {
        "current-context": "prod",
        "clusters": [{"name": "prod", "cluster": cluster}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod"}}],
    }
    (folder / "config").write_text(json.dumps(tree))
    asking = ["verify", "--isolated", "--request-timeout", "5"]
    assert main([*asking, "--kubeconfig", str(folder / "config")]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("begin", "end", "name", "said"),
    [
        pytest.param(-2 * DAY, -DAY, "127.0.0.1", "certificate has expired; RKE2 makes its own anew when rke2-server is restarted", id="expired"),
        pytest.param(DAY, 2 * DAY, "127.0.0.1", "certificate is not yet valid; is the clock of this machine right?", id="not yet"),
        pytest.param(-DAY, DAY, "10.0.0.1", "add its name to tls-san on the servers", id="another address"),
    ],
)  # fmt: skip
def test_a_certificate_that_is_not_trusted(
    begin: datetime.timedelta,
    end: datetime.timedelta,
    name: str,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pair = certificate(tmp_path / "pair.pem", NOW + begin, NOW + end, name)
    with tls(pair) as port:
        told = verify(
            tmp_path, capsys,
            **{"server": f"https://127.0.0.1:{port}", "certificate-authority": str(pair)},
        )  # fmt: skip
    assert "its certificate is not trusted: " in told
    assert said in told


def test_somebody_elses_certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = certificate(tmp_path / "theirs.pem", NOW - DAY, NOW + DAY, "127.0.0.1")
    with tls(theirs) as port:
        told = verify(tmp_path, capsys, server=f"https://127.0.0.1:{port}")
    assert "the kubeconfig may be of before its certificates were made anew" in told


def test_nobody_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = verify(tmp_path, capsys, server="https://127.0.0.1:1")
    assert "https://127.0.0.1:1 cannot be reached: connection refused" in told


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_at_which_nobody_listens_is_named(
    scheme: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy = {"proxy-url": f"{scheme}://jane:sesame@127.0.0.1:1"}
    told = verify(tmp_path, capsys, server="https://192.0.2.1:6443", **proxy)
    assert (
        f"https://192.0.2.1:6443 cannot be reached by the proxy {scheme}://127.0.0.1:1 (its proxy-url): "
        "connection refused"
    ) in told
    assert "sesame" not in told


# --- servers that are none, or say other things than they should


def http(status: int, body: bytes, **headers: str) -> AbstractContextManager[int]:
    """Answer everything in one way, at the port that is yielded."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *said: Any) -> None:
            pass

    return running(ThreadingHTTPServer(("127.0.0.1", 0), Handler))


EMPTY = b'{"kind": "List", "apiVersion": "v1", "metadata": {}, "items": []}'


@pytest.mark.parametrize(
    ("status", "body", "headers", "said"),
    [
        pytest.param(302, b"", {"Location": "https://jane:sesame@login.example.com/?token=sesame"}, "sends elsewhere to https://login.example.com (302): ", id="a login"),
        pytest.param(308, b"", {"Location": "/other"}, "sends elsewhere (308): ", id="another path"),
        pytest.param(200, b"<html>log in</html>", {"Content_Type": "text/html"}, "answered something that is no answer of an API server", id="a page"),
        pytest.param(500, b"{", {"Content_Type": "application/json"}, "answered something that is no answer of an API server", id="half of an error"),
        pytest.param(404, b"404 page not found", {"Content_Type": "text/plain"}, "there is no API server at this address", id="404"),
        pytest.param(503, b"cluster agent disconnected", {"Content_Type": "text/plain"}, "is too busy, or not ready (503)", id="Rancher without its agent"),
        pytest.param(200, EMPTY, {"Content_Type": "application/json"}, "error: prod: it has no nodes", id="no nodes"),
    ],
)  # fmt: skip
def test_what_a_server_says_that_is_none(
    status: int,
    body: bytes,
    headers: dict[str, str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with http(status, body, **headers) as port:
        told = verify(tmp_path, capsys, server=f"http://127.0.0.1:{port}")
    assert said in told
    assert "sesame" not in told
    assert "Traceback" not in told
