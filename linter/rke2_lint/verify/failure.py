"""Failures of requests to an API server: what they mean, for people."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import msgspec
from httpx2.websockets import HTTPXWSException, WebSocketUpgradeError
from lightkube import ApiError
from lightkube.core.exceptions import ConfigError, LoadResourceError

from rke2_lint.verify.kubeconfig import Context
from rke2_lint.verify.mishap import ReadError
from rke2_lint.verify.permission import missing
from rke2_lint.verify.proxies import proxy_of

FAILURES = (
    httpx2.HTTPError, httpx2.InvalidURL, HTTPXWSException, ApiError, ConfigError, LoadResourceError,
    msgspec.MsgspecError, OSError, asyncio.TimeoutError, EOFError, ExceptionGroup, ReadError,
    ValueError,
)  # fmt: skip
"""All that a request may raise."""
GONE = 410
"""The list has grown too old to go on with."""
_LONGEST = 300
_ANEW = "the kubeconfig may be of before its certificates were made anew"
_NAMES = "name it with tls-server-name in the kubeconfig, or add its name to tls-san on the servers"
_HINTS = {
    9: "is the clock of this machine right?",
    10: "RKE2 makes its own anew when rke2-server is restarted; is the clock of this machine right?",
    62: _NAMES,
    64: _NAMES,
}
"""By OpenSSL's X509_V_ERR_… (openssl/x509_vfy.h): not yet valid, expired, another name or address."""


def status_of(error: BaseException) -> int:
    """Return the HTTP status that an error is about; 0 where there was no answer."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    match error:
        case httpx2.HTTPStatusError() if error.response is not None:
            return error.response.status_code
        case WebSocketUpgradeError():
            return error.response.status_code
        case ApiError():
            return error.status.code or 0
        case _:
            return 0


def is_lost(error: BaseException) -> bool:
    """Return whether every other request would fail in the same way."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return status_of(error) in (401, 403) or isinstance(
        error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError | ReadError
    )


def told(error: BaseException, context: Context, seconds: float) -> ReadError:
    """Return what an error means. `seconds`: how long an answer was waited for."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ReadError):
        return error
    where = _without_user(context.server)
    if status := status_of(error):
        return _answered(status, _message(error), where)
    if (refused := _refused_certificate(error)) is not None:
        return ReadError(f"{where}: {refused}")
    match error:
        case httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            reason = f"nothing within {seconds:g} seconds"
            return ReadError(f"{where} cannot be reached{_by_proxy(context)}: {reason}")
        case httpx2.TimeoutException() | TimeoutError():
            return ReadError(f"{where} did not answer within {seconds:g} seconds")
        case httpx2.ProxyError():
            return ReadError(f"{where} cannot be reached{_by_proxy(context)}: {_short(error)}")
        case httpx2.ConnectError():
            return ReadError(f"{where} cannot be reached{_by_proxy(context)}: {_network(error)}")
        case (
            httpx2.NetworkError()
            | httpx2.ProtocolError()
            | HTTPXWSException()
            | OSError()
            | EOFError()
        ):
            return ReadError(f"the connection to {where} broke: {_network(error)}")
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
            return ReadError(f"{where} is no address of an API server")
        case msgspec.MsgspecError() | httpx2.DecodingError() | ValueError():
            return ReadError(f"{where} answered something that is no answer of an API server")
        case ApiError():
            return ReadError(_short(error))
        case _:
            return ReadError(f"{where}: {_short(error)}")


def _answered(status: int, message: str, where: str) -> ReadError:
    match status:
        case 401:
            return ReadError(
                f"{where} does not accept its credentials (401): they have expired, or are another "
                "cluster's; log in again, or download the kubeconfig anew"
            )
        case 403:
            permission = missing(message)
            if permission is None:
                return ReadError(f"{where} refuses it (403): {message or 'it does not say why'}")
            return ReadError(str(permission), permission.role)
        case 404 if not message:
            return ReadError(f"{where} answered 404: there is no API server at this address")
        case 429 | 503:
            said = f": {message}" if message else ""
            return ReadError(f"{where} is too busy, or not ready ({status}){said}")
        case _:
            return ReadError(f"{where} answered {status}{f': {message}' if message else ''}")


def sent_elsewhere(response: httpx2.Response) -> ReadError:
    """Return what a redirect means: no API server sends anybody anywhere."""
    address = response.headers.get("location", "")
    to = f" to {_without_user(address)}" if address.startswith(("https://", "http://")) else ""
    return ReadError(
        f"{_without_user(str(response.request.url))} sends elsewhere{to} ({response.status_code}): "
        "the server in its kubeconfig is another one, or somebody has to log in there"
    )


def _message(error: BaseException) -> str:
    """Return what the API server said: the message of a Status; "" where it is none."""
    if isinstance(error, ApiError):
        return _line(error.status.message or "")
    response = getattr(error, "response", None)
    try:
        said = json.loads(response.content) if response is not None else None
    except (ValueError, httpx2.StreamError):
        return ""
    message = said.get("message") if isinstance(said, dict) else None
    return _line(message) if isinstance(message, str) else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _refused_certificate(error: BaseException) -> str | None:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = _HINTS.get(cause.verify_code, _ANEW)
            return f"its certificate is not trusted: {cause.verify_message.rstrip('.')}; {hint}"
        if isinstance(cause, ssl.SSLError):
            reason = (cause.reason or "").lower().replace("_", " ")
            if "certificate" in reason:
                return f"it does not accept the client certificate: {reason}"
            if isinstance(cause, ssl.SSLEOFError) or not isinstance(error, httpx2.ConnectError):
                return None  # the connection was there, and broke
            return f"it speaks no TLS that this can talk to: {reason or 'the handshake failed'}"
    return None


def _network(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "its name is not known"
        if isinstance(cause, OSError) and cause.errno and cause.errno in errno.errorcode:
            # What asyncio says of it names its own calls.
            return os.strerror(cause.errno).lower()
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return _short(error)


def _short(error: BaseException) -> str:
    return _line(str(error)) or type(error).__name__


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _by_proxy(context: Context) -> str:
    """Return by which proxy a server is asked, for people: most often it is the proxy's fault."""
    proxy = proxy_of(context, os.environ)
    return f" by the proxy {_without_user(proxy.url)} ({proxy.by})" if proxy is not None else ""


def _without_user(server: str) -> str:
    address = urlsplit(server)
    host = address.netloc.rpartition("@")[2]
    return f"{address.scheme}://{host}{address.path.rstrip('/')}"
