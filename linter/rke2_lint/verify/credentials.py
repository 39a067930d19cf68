"""Credentials: what a user of a kubeconfig shows to the API server."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from rke2_lint.files import why
from rke2_lint.verify.kubeconfig import Context, Named
from rke2_lint.verify.mishap import ReadError

_VERSIONS = tuple(f"client.authentication.k8s.io/{one}" for one in ("v1", "v1beta1", "v1alpha1"))


class Credentials(NamedTuple):
    """What proves who somebody is. Its repr shows nothing of it."""

    token: str = ""
    username: str = ""
    password: str = ""
    certificate: bytes = b""
    """PEM, as the key."""
    key: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    """As whom else to act."""

    def __repr__(self) -> str:
        return "Credentials(…)"


async def credentials(context: Context, seconds: float) -> Credentials:
    """Return the credentials of a context's user. Raises ReadError.

    `seconds`: how long a program may take that is asked for them.
    """
    user = context.user
    if "exec" in user.settings:
        found = await _from_program(context, seconds)
    elif "auth-provider" in user.settings:
        raise ReadError(
            "its kubeconfig has an auth-provider, which Kubernetes 1.26 gave up: use an exec plugin"
        )
    else:
        found = Credentials(
            _token(user),
            user.text("username"),
            user.text("password"),
            material(user, "client-certificate"),
            material(user, "client-key"),
        )
    if bool(found.certificate) != bool(found.key):
        missing = "client-key" if found.certificate else "client-certificate"
        raise ReadError(f"its user has no {missing}")
    return found._replace(headers=tuple(_acting_as(user)))


def material(named: Named, key: str) -> bytes:
    """Return PEM out of a kubeconfig: what is written there, or the file that is named. Raises ReadError."""
    said = named.text(f"{key}-data")
    if said:
        try:
            # Go's decoder passes over line ends, which block scalars have.
            return base64.b64decode("".join(said.splitlines()), validate=True)
        except (binascii.Error, ValueError):
            raise ReadError(f"{key}-data in its kubeconfig is no base64") from None
    path = named.path(key)
    return _file(path) if path else b""


def _token(user: Named) -> str:
    path = user.path("tokenFile")
    token = _file(path).decode("utf-8", "replace") if path else user.text("token")
    token = token.strip()
    if not token.isascii() or not token.isprintable():
        raise ReadError("its token is none: it holds what no token holds")
    return token


def _file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ReadError(f"its kubeconfig names {path}: {why(error)}") from error


def _acting_as(user: Named) -> list[tuple[str, str]]:
    headers = []
    for key, header in (("as", "Impersonate-User"), ("as-uid", "Impersonate-Uid")):
        if said := user.text(key):
            headers.append((header, said))
    headers += [("Impersonate-Group", one) for one in _texts(user, "as-groups")]
    if isinstance(extra := user.settings.get("as-user-extra"), dict):
        more = Named(extra, user.file)
        for key in filter(_is_text, extra):
            header = f"Impersonate-Extra-{quote(key, safe='')}"
            headers += [(header, one) for one in _texts(more, key)]
    return headers


def _texts(named: Named, key: str) -> Iterator[str]:
    return (one for one in named.listed(key) if isinstance(one, str))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


# --- programs that are asked


async def _from_program(context: Context, seconds: float) -> Credentials:
    """Ask the program that a kubeconfig names.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """
    asked = context.user.settings["exec"]
    if not isinstance(asked, dict) or not isinstance(command := asked.get("command"), str):
        raise ReadError("the exec plugin in its kubeconfig names no command")
    version = asked.get("apiVersion")
    if version not in _VERSIONS:
        raise ReadError(f"its exec plugin {command} speaks {version}, which nobody here knows")
    if asked.get("interactiveMode") == "Always":
        raise ReadError(
            f"its exec plugin {command} wants to ask somebody: log in with kubectl first"
        )
    if os.path.dirname(command) and not os.path.isabs(command):
        folder = os.path.dirname(os.path.abspath(context.user.file))
        command = os.path.join(folder, command)
    arguments = list(_texts(Named(asked, context.user.file), "args"))
    output = await _run(command, arguments, _environment(context, asked, version), asked, seconds)
    return _answer(command, output)


def _environment(context: Context, asked: Mapping[str, Any], version: str) -> dict[str, str]:
    environment = dict(os.environ)
    for one in Named(asked, context.user.file).listed("env"):
        match one:
            case {"name": str(name), "value": str(value)}:
                environment[name] = value
    spec: dict[str, Any] = {"interactive": False}
    if asked.get("provideClusterInfo"):
        cluster = context.cluster
        spec["cluster"] = {
            "server": context.server,
            "insecure-skip-tls-verify": cluster.settings.get("insecure-skip-tls-verify") is True,
            "certificate-authority-data": base64.b64encode(
                material(cluster, "certificate-authority")
            ).decode(),
        }
        for key in ("tls-server-name", "proxy-url"):
            if said := cluster.text(key):
                spec["cluster"][key] = said
        if (config := _for_plugins(cluster)) is not None:
            spec["cluster"]["config"] = config
    about = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(about)
    return environment


def _for_plugins(cluster: Named) -> Any:
    """Return what a cluster says to exec plugins; None where it says nothing."""
    for one in cluster.listed("extensions"):
        match one:
            case {"name": "client.authentication.k8s.io/exec", "extension": said}:
                return said
    return None


async def _run(
    command: str,
    arguments: list[str],
    environment: Mapping[str, str],
    asked: Mapping[str, Any],
    seconds: float,
) -> bytes:
    try:
        process = await asyncio.create_subprocess_exec(
            command,
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Wrappers start other programs, which have to end with them.
            start_new_session=True,
        )
    except OSError as error:
        hint = asked.get("installHint")
        hint = f": {' '.join(hint.split())}" if isinstance(hint, str) and hint.strip() else ""
        raise ReadError(f"its exec plugin {command} cannot be run: {why(error)}{hint}") from error
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate()
    except TimeoutError:
        raise ReadError(
            f"its exec plugin {command} was not done after {seconds:g} seconds"
        ) from None
    finally:
        if process.returncode is None:
            _kill(process)
            await process.wait()
    if process.returncode:
        lines = [line for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
        last = f": {lines[-1].strip()}" if lines else ""
        raise ReadError(f"its exec plugin {command} ended with {process.returncode}{last}")
    return output


def _kill(process: asyncio.subprocess.Process) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _answer(command: str, output: bytes) -> Credentials:
    try:
        answer = json.loads(output)
    except ValueError:
        answer = None
    match answer:
        case {
            "status": {"clientCertificateData": str(certificate), "clientKeyData": str(key), **more}
        }:
            token = more.get("token")
            return Credentials(
                token if isinstance(token, str) else "",
                certificate=certificate.encode(),
                key=key.encode(),
            )
        case {"status": {"token": str(token)}}:
            return Credentials(token.strip())
        case _:
            # What it wrote may be a secret all the same.
            raise ReadError(f"its exec plugin {command} gave no credentials")
