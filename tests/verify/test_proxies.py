"""By which proxy is an API server reached, as kubectl would go?

What NO_PROXY means is Go's: golang.org/x/net/http/httpproxy config.go, proxy_test.go.
"""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from local_servers import running

from rke2_lint.cli import main
from rke2_lint.verify.kubeconfig import Context, Named
from rke2_lint.verify.proxies import Proxy, proxy_of

PROXY = "http://proxy:3128"


def by(server: str, environment: dict[str, str], **cluster: Any) -> Proxy | None:
    named = Named({"server": server, **cluster}, "config")
    return proxy_of(Context("prod", named, Named({}, "config")), environment)


@pytest.mark.parametrize(
    ("server", "excepted"),
    [
        pytest.param("https://10.1.2.3:6443", "10.0.0.0/8", id="a range"),
        pytest.param("https://10.1.2.3:6443", "192.168.0.0/16, 10.1.2.0/24", id="one of several, with a blank"),
        pytest.param("https://10.1.2.3:6443", "10.1.2.3/8", id="a range by an address in it"),
        pytest.param("https://[fd00::5]:6443", "fd00::/8", id="a range of IPv6"),
        pytest.param("https://10.1.2.3:6443", "10.1.2.3", id="an address"),
        pytest.param("https://10.1.2.3:6443", "10.1.2.3:6443", id="an address with its port"),
        pytest.param("https://10.1.2.3", "10.1.2.3:443", id="the port of https"),
        pytest.param("https://[fd00::5]:6443", "[fd00::5]:6443", id="IPv6 with its port"),
        pytest.param("https://[fd00::5]:6443", "fd00:0::5", id="IPv6, spelt otherwise"),
        pytest.param("https://api.example.com:6443", "example.com", id="what is below a name"),
        pytest.param("https://api.example.com:6443", ".example.com", id="a dot"),
        pytest.param("https://api.example.com:6443", "*.example.com", id="a star and a dot"),
        pytest.param("https://API.Example.com:6443", "api.example.COM", id="capitals"),
        pytest.param("https://api.example.com:6443", "example.com:6443", id="a name with its port"),
        pytest.param("https://api.example.com:6443", "*", id="everything"),
        pytest.param("https://localhost:6443", "", id="localhost"),
        pytest.param("https://127.0.0.1:6443", "", id="this machine, as rke2.yaml has it"),
        pytest.param("https://[::1]:6443", "", id="this machine, IPv6"),
    ],
)  # fmt: skip
def test_no_proxy_is_used(server: str, excepted: str) -> None:
    assert by(server, {"HTTPS_PROXY": PROXY, "NO_PROXY": excepted}) is None


@pytest.mark.parametrize(
    ("server", "excepted"),
    [
        pytest.param("https://10.1.2.3:6443", "", id="nothing is excepted"),
        pytest.param("https://11.1.2.3:6443", "10.0.0.0/8", id="another range"),
        pytest.param("https://10.1.2.3:6443", "10.0.0.0/99,/,10.0.0.0/", id="no ranges"),
        pytest.param("https://10.1.2.3:6443", "fd00::/8", id="a range of the other family"),
        pytest.param("https://api.example.com:6443", "10.0.0.0/8", id="a name is in no range"),
        pytest.param("https://10.1.2.3:6443", "10.1.2", id="the beginning of an address"),
        pytest.param("https://10.1.2.3:6443", "10.1.2.3:443", id="another port"),
        pytest.param("https://example.com:6443", ".example.com", id="the name itself"),
        pytest.param("https://badexample.com:6443", "example.com", id="the end of another name"),
        pytest.param("https://api.example.com:6443", ".,,:6443, ", id="nothing with commas"),
    ],
)
def test_a_proxy_is_used(server: str, excepted: str) -> None:
    assert by(server, {"HTTPS_PROXY": PROXY, "NO_PROXY": excepted}) == (PROXY, "HTTPS_PROXY")


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"https_proxy": PROXY}, (PROXY, "https_proxy"), id="small letters"),
        pytest.param({"https_proxy": "http://a", "HTTPS_PROXY": PROXY}, (PROXY, "HTTPS_PROXY"), id="capitals count first"),
        pytest.param({"HTTPS_PROXY": "proxy:3128"}, (PROXY, "HTTPS_PROXY"), id="without a scheme"),
        pytest.param({"HTTPS_PROXY": "socks5://proxy:1080"}, ("socks5://proxy:1080", "HTTPS_PROXY"), id="SOCKS"),
        pytest.param({"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}, None, id="for something else"),
        pytest.param({"HTTPS_PROXY": PROXY, "no_proxy": "10.0.0.0/8"}, None, id="no_proxy"),
    ],
)  # fmt: skip
def test_what_the_environment_says(
    environment: dict[str, str], found: tuple[str, str] | None
) -> None:
    assert by("https://10.1.2.3:6443", environment) == found


def test_the_kubeconfigs_own_proxy_knows_no_exceptions() -> None:
    said = by("https://10.1.2.3:6443", {"NO_PROXY": "*"}, **{"proxy-url": "socks5://bastion:1080"})
    assert said == ("socks5://bastion:1080", "its proxy-url")


@pytest.mark.parametrize("url", ["http://[", "http://", "http://h:99999", "ftp://h", "socks5://"])
def test_what_is_no_address_of_a_proxy(url: str) -> None:
    assert not Proxy(url, "its proxy-url").is_usable
    assert Proxy("socks5://h:1080", "its proxy-url").is_usable


# --- the whole way


class _Server(BaseHTTPRequestHandler):
    """An API server with one pinned node, over plain HTTP."""

    def do_GET(self) -> None:
        kind = "Node" if self.path.startswith("/api/v1/nodes") else "Pod"
        node = {"metadata": {"name": "worker-1", "labels": {"kubernetes.io/os": "linux"}}}
        container = {"name": "kube-proxy", "env": [{"name": "IPTABLES_MODE", "value": "nft"}]}
        pod = {
            "metadata": {"name": "kube-proxy-worker-1", "namespace": "kube-system"},
            "spec": {"nodeName": "worker-1", "containers": [container]},
            "status": {"phase": "Running"},
        }
        items = [node if kind == "Node" else pod]
        body = json.dumps(
            {"apiVersion": "v1", "kind": f"{kind}List", "metadata": {}, "items": items}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: Any) -> None:
        pass


class _Socks(socketserver.BaseRequestHandler):
    """SOCKS 5 (RFC 1928) that leads to one server, whatever it is asked for."""

    asked: list[bytes]
    target: tuple[str, int]

    def handle(self) -> None:
        import socket

        self.request.recv(2 + self.request.recv(2, socket.MSG_PEEK)[1])
        self.request.sendall(b"\5\0")
        head = self.request.recv(5)
        assert head[3] == 3, "a name is asked for by its name"
        self.asked.append(self.request.recv(head[4]))
        self.request.recv(2)
        self.request.sendall(b"\5\0\0\1\0\0\0\0\0\0")
        with socket.create_connection(self.target) as there:
            back = threading.Thread(target=_pump, args=(there, self.request), daemon=True)
            back.start()
            _pump(self.request, there)
            back.join(5)


def _pump(one: Any, other: Any) -> None:
    import socket

    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


def kubeconfig(folder: Path, server: str, **cluster: Any) -> Path:
    tree = {
        "current-context": "prod",
        "clusters": [{"name": "prod", "cluster": {"server": server, **cluster}}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod"}}],
    }
    (folder / "config").write_text(json.dumps(tree))
    return folder / "config"


def test_a_cluster_behind_a_bastion_is_read_by_socks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[bytes] = []
    with running(ThreadingHTTPServer(("127.0.0.1", 0), _Server)) as port:
        handler = type("_To", (_Socks,), {"asked": asked, "target": ("127.0.0.1", port)})
        with running(socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)) as bastion:
            config = kubeconfig(
                tmp_path, "http://api.internal:6443", **{"proxy-url": f"socks5://127.0.0.1:{bastion}"}
            )  # fmt: skip
            status = main(["verify", "--isolated", "--kubeconfig", str(config)])
    out, err = capsys.readouterr()
    assert (status, set(asked)) == (0, {b"api.internal"}), err
    assert "worker-1  pass" in out


def test_a_range_in_no_proxy_keeps_the_proxy_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Nobody listens there; and whatever is excepted by itself is not what is asked for.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setattr("rke2_lint.verify.proxies.IPv4Address.is_loopback", False)
    with running(ThreadingHTTPServer(("127.0.0.1", 0), _Server)) as port:
        config = kubeconfig(tmp_path, f"http://127.0.0.1:{port}")
        asking = ["verify", "--isolated", "--kubeconfig", str(config)]
        assert main(asking) == 2
        assert "cannot be reached" in capsys.readouterr().err
        monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
        assert main(asking) == 0


def test_it_is_told_how_many_clusters_were_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(ThreadingHTTPServer(("127.0.0.1", 0), _Server)) as port:
        tree = {
            "clusters": [
                {"name": "here", "cluster": {"server": f"http://127.0.0.1:{port}"}},
                {"name": "gone", "cluster": {"server": "http://127.0.0.1:1"}},
            ],
            "contexts": [{"name": one, "context": {"cluster": one}} for one in ("here", "gone")],
        }
        (tmp_path / "config").write_text(json.dumps(tree))
        asking = ["verify", "--isolated", "--kubeconfig", str(tmp_path / "config")]
        assert main([*asking, "--all-contexts"]) == 2
    assert "Looked at 1 node of 1 of 2 clusters: 1 in order." in capsys.readouterr().err


def test_a_proxy_that_is_none_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asking = ["verify", "--isolated", "--kubeconfig"]
    config = kubeconfig(tmp_path, "https://prod:6443", **{"proxy-url": "ftp://jane:sesame@proxy"})
    assert main([*asking, str(config)]) == 2
    said = capsys.readouterr().err
    assert "its proxy-url cannot be used" in said
    assert "sesame" not in said
    monkeypatch.setenv("HTTPS_PROXY", "http://jane:sesame@proxy:port")
    assert main([*asking, str(kubeconfig(tmp_path, "https://prod:6443"))]) == 2
    said = capsys.readouterr().err
    assert "HTTPS_PROXY cannot be used" in said
    assert "sesame" not in said
