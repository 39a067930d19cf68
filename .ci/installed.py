"""Use rke2-lint as somebody has it who installed it from the wheel: nothing but pip, and a new environment each.

    python .ci/installed.py dist/rke2_lint-0.1.0-py3-none-any.whl

Installs the wheel without extras and with `webhook`, and runs both commands for real: findings, a fix, what is said
where an extra is missing, and a server that answers a review over TLS, tells that it is ready, and ends when told to.
"""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
NEEDED = {"rke2-lint", "pyyaml", "ruamel-yaml", "ruamel-yaml-clib", "pip", "setuptools"}
"""All that an environment without extras may hold. Older Pythons bring setuptools along."""
EXTRAS = {"lsp": ("lsp",), "cluster": ("verify",)}
"""Extras, and commands that say so where they are missing."""


def main() -> int:
    """Install, run and judge. Raises AssertionError where something is not as it should be."""
    wheel = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        alone(installed(Path(folder, "alone"), str(wheel)), Path(folder))
        served(installed(Path(folder, "webhook"), f"{wheel}[webhook]"), Path(folder))
    return 0


def installed(folder: Path, what: str) -> Path:
    """Return the programs of a new environment with the wheel in it."""
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    pip = (programs / "python", "-m", "pip", "--disable-pip-version-check", "--quiet", "install")
    subprocess.run([*pip, what], check=True)
    return programs


def said(*command: str | Path, code: int = 0) -> str:
    """Run a command far from this checkout, and return what it says."""
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(
            command, cwd=elsewhere, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        )  # fmt: skip
    assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}"
    assert "Traceback" not in done.stdout, done.stdout
    return done.stdout


def alone(programs: Path, folder: Path) -> None:
    """Use it without extras."""
    listed = json.loads(said(programs / "python", "-m", "pip", "list", "--format=json"))
    names = {each["name"].lower().replace(".", "-").replace("_", "-") for each in listed}
    assert names <= NEEDED, f"needs more than it says: {names - NEEDED}"

    lint = programs / "rke2-lint"
    sys.stdout.write(said(lint, "--version"))
    copy = folder / "clusters"
    shutil.copytree(EXAMPLES / "clusters", copy)
    found = said(lint, "--isolated", "--output-format=concise", copy, code=1)
    assert "missing-nft-pin" in found, found
    said(lint, "--isolated", "--fix", copy)
    said(lint, "--isolated", copy)
    for extra, commands in EXTRAS.items():
        for command in commands:
            told = said(lint, command, code=2)
            assert f"rke2-lint[{extra}]" in told, told
    assert "rke2-lint[webhook]" in said(programs / "rke2-webhook", "serve", code=2)
    sys.stdout.write("without extras: findings, fixes, and what is missing is named\n")


def served(programs: Path, folder: Path) -> None:
    """Use the webhook: a certificate, a server, a review, an end."""
    webhook = programs / "rke2-webhook"
    review = EXAMPLES / "webhook/review.json"
    assert pinned(said(webhook, "review", review))
    tls = folder / "tls"
    said(webhook, "certs", "make", tls)
    with running(webhook, tls) as (server, port, probe_port):
        patience = time.monotonic() + 30
        while not ready(probe_port):
            assert server.poll() is None, "the server has ended by itself"
            assert time.monotonic() < patience, "the server is not ready after 30 seconds"
            time.sleep(0.1)
        trust = ssl.create_default_context(cafile=str(tls / "ca.crt"))
        connection = HTTPSConnection("localhost", port, context=trust, timeout=10)
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/mutate", review.read_bytes(), headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        assert pinned(answer.read().decode())
        connection.close()
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0, "the server did not end by itself"
    sys.stdout.write("with webhook: serves, is ready, answers over TLS, and ends\n")


@contextlib.contextmanager
def running(webhook: Path, tls: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """Run the server on ports that are free."""
    port, probe_port = free_port(), free_port()
    options = {
        "tls-mode": "files", "tls-directory": tls, "review-address": "127.0.0.1",
        "review-port": port, "probe-address": "127.0.0.1", "probe-port": probe_port, "drain": "0s",
    }  # fmt: skip
    server = subprocess.Popen(
        [webhook, "serve", *(f"--{name}={value}" for name, value in options.items())],
        cwd=tls,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield server, port, probe_port
    finally:
        server.kill()
        server.wait()


def ready(port: int) -> bool:
    """Ask /readyz."""
    with contextlib.suppress(OSError):
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def pinned(answer: str) -> bool:
    """Tell whether an answer adds the pin."""
    patch = base64.b64decode(json.loads(answer)["response"]["patch"])
    return b"IPTABLES_MODE=nft" in patch


if __name__ == "__main__":
    sys.exit(main())
