"""The command `rke2-webhook`, also as `python -m rke2_webhook`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec

_NEEDED = ("fastapi", "uvicorn", "orjson", "cryptography", "lightkube", "structlog", "jsonpatch")

EXITS = """\
exit codes:
  0  done; serve: stopped as it was told to
  1  serve: a part of the server failed; certs show: the pair cannot be served;
     try: the Cluster came back without the pin
  2  wrong use: a flag, a setting, a policy or a file that cannot be read, or an extra missing
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    missing = [module for module in _NEEDED if find_spec(module) is None]
    if missing:
        return _complain('needs its server packages: pip install "rke2-lint[webhook]"')
    from rke2_webhook import commands

    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        match given.command:
            case "serve":
                code = commands.serve(vars(given))
            case "review":
                code = commands.review(given.file, given.policy, validate=given.validate)
            case "try":
                code = commands.try_out(given.namespace, given.backend, given.wait)
            case _ if given.action == "make":
                code = commands.make_certificates(given.directory, given.name, given.lifetime)
            case _:
                code = commands.show_certificates(given.directory, given.name)
    except commands.UsageError as error:
        return _complain(str(error))
    return code


def _parser() -> argparse.ArgumentParser:
    from rke2_webhook import commands
    from rke2_webhook.settings import flags

    parser = argparse.ArgumentParser(
        prog="rke2-webhook",
        description="Pins RKE2's kube-proxy to the nft backend when clusters are admitted.",
        epilog=EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"rke2-webhook {commands.version()}")
    every = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = every.add_parser(
        "serve",
        help="serve reviews over TLS",
        description="Serve AdmissionReviews on /mutate and /validate. "
        "A flag wins over its environment variable. "
        "Durations are written like 500ms, 30s, 1m30s, 24h or 7d.",
    )
    for flag in flags():
        default = f"; default: {flag.default}" if flag.default else ""
        serve.add_argument(
            flag.name,
            dest=flag.field,
            default=argparse.SUPPRESS,
            choices=flag.choices or None,
            metavar=None if flag.choices else flag.value,
            help=f"{flag.description} [{flag.variable}{default}]".replace("%", "%%"),
        )

    review = every.add_parser(
        "review",
        help="answer one AdmissionReview from a file",
        description="Print the AdmissionReview that /mutate would answer.",
    )
    review.add_argument(
        "file", metavar="FILE", help="an AdmissionReview as JSON; - is standard input"
    )
    review.add_argument("--validate", action="store_true", help="answer as /validate does")
    review.add_argument(
        "--policy", metavar="FILE", help="policy file, instead of the default policy"
    )

    trial = every.add_parser(
        "try",
        help="ask a cluster whether new Clusters get the pin",
        description="Create a Cluster in a dry run, and tell whether it comes back with the pin. "
        "Nothing is stored. It needs the right to create Clusters in the namespace.",
    )
    trial.add_argument(
        "--namespace",
        default="fleet-default",
        help="where Clusters are created (default: fleet-default)",
    )
    trial.add_argument(
        "--backend",
        choices=("nft", "legacy"),
        default="nft",
        help="the backend that the policy wants (default: nft)",
    )
    trial.add_argument("--wait", default="0s", help="how long to try again (default: 0s)")

    certs = every.add_parser("certs", help="make or show certificates for local use")
    actions = certs.add_subparsers(dest="action", required=True, metavar="ACTION")
    make = actions.add_parser(
        "make",
        help="make a CA and a certificate",
        description="Write ca.crt, ca.key, tls.crt and tls.key, for `serve --tls-mode files`, "
        "and print the caBundle for a webhook configuration.",
    )
    make.add_argument("directory", metavar="DIR", help="where to; it is made if it is not there")
    make.add_argument(
        "--name",
        action="append",
        help="a DNS name or an address; may be repeated "
        "(default: the Service's names, as `serve` wants them, and localhost, 127.0.0.1, ::1)",
    )
    make.add_argument("--lifetime", default="30d", help="how long they are valid (default: 30d)")
    show = actions.add_parser(
        "show",
        help="show a certificate, and whether it can be served",
        description="Show tls.crt of a directory, and whether a handshake with it succeeds.",
    )
    show.add_argument("directory", metavar="DIR", help="directory of tls.crt and tls.key")
    show.add_argument(
        "--name",
        action="append",
        help="a name it has to answer to; may be repeated (default: what `serve` wants)",
    )
    return parser


def _complain(message: str) -> int:
    sys.stderr.write(f"rke2-webhook: {message}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
