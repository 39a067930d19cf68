"""The connection to an API server: lightkube's client, with TLS and proxies as kubectl has them."""

from __future__ import annotations

import os
import ssl
import tempfile

import httpx2
from lightkube import AsyncClient
from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import Cluster, User
from lightkube.config.models import Context as LightkubeContext

from rke2_lint import __version__
from rke2_lint.verify.credentials import Credentials, material
from rke2_lint.verify.failure import sent_elsewhere
from rke2_lint.verify.kubeconfig import Context
from rke2_lint.verify.mishap import ReadError
from rke2_lint.verify.proxies import proxy_of


def connect(context: Context, credentials: Credentials, seconds: float) -> AsyncClient:
    """Return a client of a context's API server; nothing is sent yet. Raises ReadError.

    `seconds`: how long the server may take to answer.
    """
    transport = _Transport(context, credentials)
    user = User(
        token=credentials.token or None,
        username=credentials.username or None,
        password=credentials.password or None,
    )
    config = SingleConfig(
        context.name,
        LightkubeContext(cluster=context.name, namespace="kube-system"),
        Cluster(server=context.server),
        user,
    )
    # Without what the environment says: httpx would take credentials for the host out of ~/.netrc.
    return AsyncClient(
        config, timeout=httpx2.Timeout(seconds), trust_env=False, transport=transport
    )


class _Transport(httpx2.AsyncBaseTransport):
    """Sends requests, by the way that the kubeconfig says."""

    def __init__(self, context: Context, credentials: Credentials) -> None:
        trust, proxy = _trust(context, credentials), proxy_of(context, os.environ)
        # It is not shown: there may be a password in it.
        unusable = "cannot be used: http://…, https://… or socks5://… can"
        if proxy is not None and not proxy.is_usable:
            raise ReadError(f"{proxy.by} {unusable}")
        try:
            self._inner = httpx2.AsyncHTTPTransport(
                verify=trust,
                proxy=proxy.url if proxy is not None else None,
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=4),
                retries=1,
            )
        except (ValueError, ImportError, httpx2.InvalidURL):
            by = proxy.by if proxy is not None else "its server"
            raise ReadError(f"{by} {unusable}") from None
        self._expected = context.cluster.text("tls-server-name")
        self._headers = (
            ("User-Agent", f"rke2-lint/{__version__}"),
            *credentials.headers,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, as whom the kubeconfig says."""
        if self._expected:
            request.extensions = {**request.extensions, "sni_hostname": self._expected}
        raw = [
            (name, value) for name, value in request.headers.raw if name.lower() != b"user-agent"
        ]
        raw += [(name.encode(), value.encode()) for name, value in self._headers]
        request.headers = httpx2.Headers(raw)
        response = await self._inner.handle_async_request(request)
        if response.has_redirect_location:
            response.request = request
            await response.aclose()
            raise sent_elsewhere(response)
        if response.status_code >= 400:
            # Of a refused upgrade nobody else reads it, and it says why.
            await response.aread()
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


def _trust(context: Context, credentials: Credentials) -> ssl.SSLContext:
    """Return whom to trust, and what to show."""
    cluster = context.cluster
    authority = material(cluster, "certificate-authority")
    careless = cluster.settings.get("insecure-skip-tls-verify") is True
    if authority and careless:
        raise ReadError(
            "its kubeconfig has a certificate-authority and insecure-skip-tls-verify: choose one"
        )
    try:
        trust = ssl.create_default_context(
            cadata=authority.decode("ascii", "replace") if authority else None
        )
    except ssl.SSLError:
        raise ReadError(
            "the certificate-authority in its kubeconfig holds no certificate"
        ) from None
    # Kubernetes' own authorities are older than what Python 3.13 wants of them (RFC 5280).
    trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if careless:
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
    if credentials.certificate:
        _show(trust, credentials)
    return trust


def _show(trust: ssl.SSLContext, credentials: Credentials) -> None:
    """Have a client certificate shown. OpenSSL takes it out of a file only, which is gone at once."""
    handle, path = tempfile.mkstemp(prefix="rke2-lint-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(credentials.certificate + b"\n" + credentials.key)
        trust.load_cert_chain(path, password=_no_password)
    except (ssl.SSLError, ValueError):
        raise ReadError(
            "the client certificate in its kubeconfig cannot be used: it is damaged, or its key is "
            "another one's"
        ) from None
    finally:
        os.unlink(path)


def _no_password() -> bytes:
    raise ValueError("the key is encrypted")
