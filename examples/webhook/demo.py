"""Run the webhook here, with certificates of its own making, and show what it makes of a Cluster.

`make webhook-demo` calls this. Everything stays on 127.0.0.1 and in a temporary folder.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WEBHOOK = Path(sys.executable).with_name("rke2-webhook")
PATIENCE = 20.0


def main() -> int:
    review = json.loads((HERE / "review.json").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        run("certs", "make", folder)
        reviews, probes = free_port(), free_port()
        server = subprocess.Popen(
            [
                *(str(WEBHOOK), "serve", "--tls-mode", "files", "--tls-directory", folder),
                *("--review-address", "127.0.0.1", "--review-port", str(reviews)),
                *("--probe-address", "127.0.0.1", "--probe-port", str(probes)),
                *("--log-level", "warning"),
            ]
        )
        try:
            wait_until_ready(f"http://127.0.0.1:{probes}/readyz", server)
            show("the Cluster before", review["request"]["object"]["spec"]["rkeConfig"])
            answer = post(f"https://127.0.0.1:{reviews}/mutate?timeout=3s", review, folder)
        finally:
            server.terminate()
            server.wait(PATIENCE)
    response = answer["response"]
    patch = json.loads(base64.b64decode(response["patch"]))
    show("the answer", {**response, "patch": patch})
    cluster = patched(review["request"]["object"], patch)
    show("the Cluster after", cluster["spec"]["rkeConfig"])
    return 0


def run(*arguments: str) -> None:
    subprocess.run([WEBHOOK, *arguments], check=True, stdout=subprocess.DEVNULL)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit("the webhook did not get ready: its log is above")


def post(url: str, review: dict[str, Any], folder: str) -> dict[str, Any]:
    trust = ssl.create_default_context(cafile=str(Path(folder, "ca.crt")))
    request = urllib.request.Request(
        url, json.dumps(review).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5, context=trust) as answer:
        answered: dict[str, Any] = json.load(answer)
        return answered


def patched(cluster: dict[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any]:
    import jsonpatch

    changed: dict[str, Any] = jsonpatch.apply_patch(cluster, patch)
    return changed


def show(title: str, value: object) -> None:
    print(f"--- {title}")
    print(json.dumps(value, indent=2))


if __name__ == "__main__":
    sys.exit(main())
