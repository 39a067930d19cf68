"""The whole server: `rke2-webhook serve`, around the rules or around a constant answer."""

from __future__ import annotations

import sys

from rke2_webhook import __main__ as command
from rke2_webhook import rules

if __name__ == "__main__":
    port, certificates, what = sys.argv[1:]
    if what == "constant":
        from constant import answer

        rules.load = lambda policy: {"mutate": answer}  # noqa: ARG005
    options = {
        "--tls-mode": "files",
        "--tls-directory": certificates,
        "--tls-names": "localhost",
        "--review-address": "127.0.0.1",
        "--review-port": port,
        "--probe-address": "127.0.0.1",
        "--probe-port": "0",
        "--drain": "0s",
    }
    sys.exit(command.main(["serve", *(f"{name}={value}" for name, value in options.items())]))
