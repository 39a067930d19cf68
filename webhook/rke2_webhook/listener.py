"""The listener: a uvicorn server on one socket, whose signals and certificates are others' business."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import socket
import ssl
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from rke2_webhook.protocol import Guard, GuardedProtocol, Reader
from rke2_webhook.tls.trust import Address

_BLOCK = 64 * 1024
# For clients to say that they have heard it.
_GOODBYE = 0.5
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


class Listener(uvicorn.Server):
    """Serves one application until it is told to stop."""

    def __init__(
        self,
        app: ASGIApp,
        listening: socket.socket,
        guard: Guard,
        *,
        tls: ssl.SSLContext | None,
        keep_alive: float,
        grace: float,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=GuardedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=math.ceil(keep_alive),
            )
        )
        self._listening = listening
        self._guard = guard
        self.open = asyncio.Event()
        """Set as soon as connections are accepted."""
        self._tls = tls
        self._grace = grace

    @property
    def address(self) -> Address:
        """Where this machine reaches the listener."""
        host, port = self._listening.getsockname()[:2]
        own = {"::": "::1", "0.0.0.0": "127.0.0.1"}  # noqa: S104
        return Address(own.get(host, host), port)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs several listeners."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. uvicorn's own does not say how long a TLS handshake may take: 60 seconds."""
        del sockets
        await self.lifespan.startup()
        block = memoryview(bytearray(_BLOCK))
        deadline = self._guard.rules.read_deadline if self._tls is not None else None
        self.servers = [
            await asyncio.get_running_loop().create_server(
                lambda: Reader(GuardedProtocol(self.config, self.server_state, self._guard), block),
                sock=self._listening,
                ssl=self._tls,
                backlog=self.config.backlog,
                ssl_handshake_timeout=deadline,
                ssl_shutdown_timeout=deadline,
            )
        ]
        self.started = True
        self.open.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is in flight, then end every connection.

        uvicorn's own waits for clients that do not say goodbye, for as long as they like.
        """
        del sockets
        for server in self.servers:
            server.close()
        connections = self.server_state.connections
        for connection in list(connections):
            connection.shutdown()
        await self._wait(lambda: all(map(_is_idle, connections)), self._grace)
        await self._wait(lambda: not connections, _GOODBYE)
        for connection in list(connections):
            connection.transport.abort()
        await self._wait(lambda: not connections, _GOODBYE)

    async def _wait(self, over: Callable[[], bool], at_most: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + at_most
        while not over() and loop.time() < until:
            await asyncio.sleep(0.02)

    def close(self) -> None:
        """Give the port back, also where nothing was ever served."""
        self._listening.close()


def _is_idle(connection: object) -> bool:
    return isinstance(connection, GuardedProtocol) and connection.idle


def bind(address: str, port: int) -> socket.socket:
    """Return a socket bound to an address; the empty one is every address. Raises OSError."""
    if address == "" and socket.has_dualstack_ipv6():
        try:
            return _bound(socket.AF_INET6, "::", port)
        except OSError as error:
            # IPv6 compiled in, and switched off: sysctl net.ipv6.conf.all.disable_ipv6=1
            if error.errno not in _NO_IPV6:
                raise
    return _bound(socket.AF_INET6 if ":" in address else socket.AF_INET, address, port)


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    # Not socket.create_server, which listens at once: whoever came before there is a certificate
    # would hang instead of being refused.
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound
