"""The commands: what `rke2-webhook` does once it is known what is wanted."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from rke2_webhook import durations
from rke2_webhook.settings import LONGEST_LIFETIME, PREFIX, Settings, is_certifiable

if TYPE_CHECKING:
    from rke2_webhook.live_policy import LivePolicy
    from rke2_webhook.tracing import Tracing

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class UsageError(Exception):
    """Something that was given cannot be used; the message says what, and why."""


def version() -> str:
    """Return the version of the distribution."""
    try:
        return installed_version("rke2-lint")
    except PackageNotFoundError:
        return "unknown"


def serve(given: Mapping[str, Any]) -> int:
    """Serve until told to stop. `given` holds the flags that were given, by setting."""
    import uvloop
    from lightkube.core.exceptions import ConfigError

    from rke2_webhook import allocator, logs, rules
    from rke2_webhook.server import Server

    settings = _settings(**{key: given[key] for key in Settings.model_fields if key in given})
    allocator.give_back_early()
    policy = _policy(settings.policy)
    answers = rules.load(policy)
    log = logs.configure(settings.log_level)

    tracing = _tracing() if settings.tracing else None

    async def run() -> bool:
        try:
            server = Server(
                settings,
                answers,
                log,
                cluster=_cluster(settings),
                version=version(),
                policy=policy,
                also=tracing.tell if tracing is not None else None,
            )
        except OSError as error:
            raise UsageError(f"cannot listen: {error}") from None
        except ConfigError as error:
            raise UsageError(f"no Kubernetes API to talk to: {error}") from None
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, server.stop)
        loop.add_signal_handler(signal.SIGINT, partial(server.stop, hurry=True))
        await server.run()
        return server.stuck

    try:
        stuck = uvloop.run(run())
    except UsageError:
        raise
    except Exception as error:
        log.critical("a part of the server failed", exc_info=error)
        return 1
    finally:
        if tracing is not None:
            tracing.close()
    if stuck:
        # Python waits at its end for every thread, and this one does not end.
        sys.stdout.flush()
        os._exit(0)
    return 0


def review(file: str, policy: str | None, *, validate: bool) -> int:
    """Print what the server would answer to the AdmissionReview in `file`."""
    import orjson

    from rke2_webhook import rules
    from rke2_webhook.envelope import NotAReviewError, open_review

    try:
        body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        opened = open_review(body)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except NotAReviewError as error:
        raise UsageError(f"{file}: {error}") from None
    answers = rules.load(_policy(Path(policy) if policy is not None else None))
    answered = answers["validate" if validate else "mutate"](opened)
    sys.stdout.buffer.write(orjson.dumps(answered, option=orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.flush()
    return 0


def try_out(namespace: str, backend: str, wait: str) -> int:
    """Create a Cluster in a dry run, and print what was injected. Return 1 if nothing was."""
    from lightkube import Client
    from lightkube.core.exceptions import ConfigError

    from rke2_webhook import trial

    try:
        patience = durations.seconds(wait)
    except ValueError as error:
        raise UsageError(f"--wait: {error}") from None
    try:
        injected = trial.run(Client(), namespace, backend, patience)
    except ConfigError as error:
        raise UsageError(f"no Kubernetes API to talk to: {error}") from None
    except trial.TrialError as error:
        sys.stdout.write(f"failed: {error}\n")
        return 1
    sys.stdout.write(f"a new Cluster in {namespace} gets {injected}\n")
    return 0


def make_certificates(directory: str, names: Sequence[str] | None, lifetime: str) -> int:
    """Write a CA and a certificate into a directory, and print the caBundle."""
    from rke2_webhook.tls.authority import make_authority, make_leaf

    folder = Path(directory)
    lives = _lifetime(lifetime)
    names = names or [*_served_names(folder), *LOCAL_NAMES]
    for name in names:
        if not is_certifiable(name):
            raise UsageError(f"--name: {name!r} is neither a DNS name nor an address")
    now = datetime.now(UTC)
    authority = make_authority("rke2-webhook local", now, lives)
    pair = make_leaf(authority, names, now, lives)
    files = {
        "ca.crt": authority.pem,
        "ca.key": authority.key_pem,
        "tls.crt": pair.certificate,
        "tls.key": pair.key,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if there := [name for name in files if (folder / name).exists()]:
            raise UsageError(f"{folder / there[0]} is there already; take it away first")
        for name, content in files.items():
            (folder / name).touch(mode=0o600 if name.endswith(".key") else 0o644)
            (folder / name).write_bytes(content)
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from None
    sys.stdout.write(f"caBundle: {base64.b64encode(authority.pem).decode()}\n")
    return 0


def show_certificates(directory: str, names: Sequence[str] | None) -> int:
    """Print what a directory's certificate is good for. Return 1 if it cannot be served."""
    from cryptography import x509

    from rke2_webhook.tls.authority import Pair, read_certificates
    from rke2_webhook.tls.context import PairError, Tls, try_out

    folder = Path(directory)
    try:
        pair = Pair((folder / "tls.crt").read_bytes(), (folder / "tls.key").read_bytes())
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from None
    found: list[str] = []
    for number, each in enumerate(read_certificates(pair.certificate)):
        sys.stdout.write(
            f"{'certificate' if number == 0 else 'chain'}: {each.subject.rfc4514_string()}\n"
        )
        sys.stdout.write(f"  issuer: {each.issuer.rfc4514_string()}\n")
        sys.stdout.write(f"  valid:  {each.not_valid_before_utc} to {each.not_valid_after_utc}\n")
        if number == 0:
            try:
                alternatives = each.extensions.get_extension_for_class(x509.SubjectAlternativeName)
                found = [str(name.value) for name in alternatives.value]
            except x509.ExtensionNotFound:
                found = []
            sys.stdout.write(f"  names:  {', '.join(found) or 'none'}\n")
    now = datetime.now(UTC)
    try:
        try_out(pair, names or _served_names(folder), Tls("1.2"), now)
    except PairError as error:
        try:
            if names or not found:
                raise
            try_out(pair, found, Tls("1.2"), now)
        except PairError:
            sys.stdout.write(f"cannot be served: {error}\n")
            return 1
        sys.stdout.write(f"can be served with --tls-names {found[0]}\n")
        return 0
    sys.stdout.write("can be served\n")
    return 0


def _lifetime(text: str) -> timedelta:
    try:
        lifetime = durations.seconds(text)
    except ValueError as error:
        raise UsageError(f"--lifetime: {error}") from None
    # Certificates tell time in seconds.
    if not 1 <= lifetime <= LONGEST_LIFETIME:
        raise UsageError(f"--lifetime: {text} is not between 1s and {LONGEST_LIFETIME / 86400:g}d")
    return timedelta(seconds=lifetime)


def _settings(**given: Any) -> Settings:
    """Return the settings: those given, and the environment's. Raises UsageError."""
    try:
        return Settings(**given)
    except ValidationError as error:
        raise UsageError("; ".join(map(_told, error.errors()))) from None


def _served_names(folder: Path) -> tuple[str, ...]:
    """Return the names of which `serve --tls-mode files` wants one in a folder's certificate."""
    return _settings(tls_mode="files", tls_directory=folder).certificate_names


def _policy(path: Path | None) -> LivePolicy:
    from rke2_policies.policy_file import PolicyError
    from rke2_webhook.live_policy import LivePolicy

    try:
        return LivePolicy(path)
    except PolicyError as error:
        raise UsageError(str(error)) from None


def _tracing() -> Tracing:
    try:
        from rke2_webhook.tracing import Tracing
    except ModuleNotFoundError as error:
        message = f'--tracing needs {error.name}: pip install "rke2-lint[otel]"'
        raise UsageError(message) from None
    return Tracing(version())


def _cluster(settings: Settings) -> Any:
    configured = settings.mutating_configurations or settings.validating_configurations
    if settings.tls_mode != "self" and not configured:
        return None
    from lightkube import AsyncClient

    from rke2_webhook.tls.cluster import Cluster

    return Cluster(AsyncClient(namespace=settings.namespace), settings.namespace)


def _told(error: Any) -> str:
    where, given, limits = error["loc"], error["input"], error.get("ctx", {})
    match error["type"]:
        case "int_parsing":
            message = f"{given!r} is no whole number"
        case "bool_parsing":
            message = f"{given!r} is neither true nor false"
        case "literal_error":
            message = f"{given!r} is none of {limits['expected']}"
        case "less_than_equal":
            message = f"{given} is more than {limits['le']}"
        case "greater_than_equal":
            message = f"{given} is less than {limits['ge']}"
        case _:
            message = str(error["msg"]).removeprefix("Value error, ")
    if not where:
        return message
    field = str(where[0])
    return f"--{field.replace('_', '-')} or {PREFIX}{field.upper()}: {message}"
