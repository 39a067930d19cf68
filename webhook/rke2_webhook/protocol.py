"""The protocol: uvicorn's HTTP/1.1, guarded against clients that are slow, many or endless.

uvicorn waits for headers, and for as many of them, as long as a client likes: 400 connections with
half a header each were all still there after 12 seconds. (Go has `ReadTimeout` for this.)
"""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Collection
from typing import NamedTuple

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from rke2_webhook.metrics import Metrics
from rke2_webhook.tls.context import names_of_client
from rke2_webhook.traffic import Traffic

# The API server sends a handful of short headers; Go's own limit is 1 MiB.
_MOST_HEADER_BYTES = 64 * 1024


class Rules(NamedTuple):
    """What a listener asks of its connections; times in seconds."""

    read_deadline: float
    max_connections: int
    client_names: Collection[str] = ()


class Guard:
    """All connections of one listener, the longest idle one first."""

    def __init__(self, rules: Rules, traffic: Traffic, metrics: Metrics) -> None:
        self.rules = rules
        self.traffic = traffic
        self.metrics = metrics
        self._connections: OrderedDict[GuardedProtocol, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._connections)

    def enter(self, connection: GuardedProtocol) -> None:
        """Take a connection in, and let the longest idle one go where there are too many."""
        if len(self._connections) >= self.rules.max_connections:
            # The API server uses its connections in turn, the last one first; whoever only
            # holds them is at the front. Then go requests that do not arrive. If all are being
            # answered, the newcomer has to go.
            idle = (each for each in self._connections if each.idle)
            unread = (each for each in self._connections if each.reading)
            going = next(itertools.chain(idle, unread), connection)
            going.cut("too-many")
            # At once, and not when its end is heard of: the next newcomer cuts another one.
            self.leave(going)
            if going is connection:
                return
        self._connections[connection] = None

    def used(self, connection: GuardedProtocol) -> None:
        """Put a connection behind all others."""
        if connection in self._connections:
            self._connections.move_to_end(connection)

    def leave(self, connection: GuardedProtocol) -> None:
        """Forget a connection."""
        self._connections.pop(connection, None)

    def drain(self) -> None:
        """Let every connection end with its next answer."""
        self.traffic.draining = True
        for connection in self._connections:
            connection.end_with_answer()


class GuardedProtocol(HttpToolsProtocol):
    """One connection: a deadline for every request, a limit to headers, an end when draining."""

    def __init__(self, config: Config, server_state: ServerState, guard: Guard) -> None:
        super().__init__(config, server_state, {})
        self._guard = guard
        self._deadline: asyncio.TimerHandle | None = None
        # A request that arrives as a whole, as nearly all do, needs no deadline of its own.
        self.reading = False
        """Whether a request is on its way here."""
        self._in_headers = False
        self._header_bytes = 0

    @property
    def _forgotten(self) -> bool:
        # Empty lines between two requests begin none, but end uvicorn's wait for the next.
        return self.idle and self.timeout_keep_alive_task is None

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._guard.enter(self)
        self._await_request()
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._guard.metrics.handshakes_done.inc()
            allowed = self._guard.rules.client_names
            shown = tls.getpeercert()
            if allowed and shown and not names_of_client(shown) & set(allowed):
                self.app = self._forbid

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.reading or self._forgotten:
            if self._deadline is None:
                self._await_request()
            if self._in_headers:
                self._header_bytes += len(data)
                if self._header_bytes > _MOST_HEADER_BYTES:
                    self.cut("headers-too-large")

    def on_message_begin(self) -> None:
        self.reading = self._in_headers = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._header_bytes = 0
        super().on_headers_complete()
        self.cycle.transport = Cork(self.transport)  # type: ignore[assignment]
        if self._guard.traffic.draining or not self.timeout_keep_alive:
            self.end_with_answer()

    def on_message_complete(self) -> None:
        self.reading = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._guard.used(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._guard.leave(self)
        super().connection_lost(exc)
        # uvicorn leaves its timer of an idle connection running when the peer breaks off.
        self._unset_keepalive_if_required()

    def send_400_response(self, msg: str) -> None:
        self._guard.metrics.cut("malformed")
        super().send_400_response(msg)

    def end_with_answer(self) -> None:
        """Say `Connection: close` with the answer that is due, if none has begun."""
        if not self.idle:
            self.cycle.keep_alive = False

    def cut(self, reason: str) -> None:
        """End the connection at once."""
        if not self.transport.is_closing():
            self._guard.metrics.cut(reason)
            self.transport.abort()

    async def _forbid(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        self._guard.metrics.requests([("any", 403, 0.0)])
        body = b"this client certificate has no name that is allowed here"
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _await_request(self) -> None:
        self._deadline = self.loop.call_later(
            self._guard.rules.read_deadline, self.cut, "read-deadline"
        )


class Cork:
    """The transport as an answer sees it: its head waits for its body, and both go as one.

    As two writes they are two TLS records, which cost a tenth of the whole request.
    """

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = b""

    def write(self, data: bytes) -> None:
        """Keep the head of an answer; write everything else, after the head."""
        if self._head is None or data.startswith(b"HTTP/1.1 100 "):
            self._transport.write(data)
        elif self._head == b"":
            self._head = data
        else:
            self._transport.write(self._head + data)
            self._head = None

    def close(self) -> None:
        """Close, after what was kept."""
        if self._head:
            self._transport.write(self._head)
            self._head = None
        self._transport.close()

    def is_closing(self) -> bool:
        """Return whether the connection is about to end."""
        return self._transport.is_closing()


class Reader(asyncio.BufferedProtocol):
    """Passes a connection's events on to its protocol, and reads into one block for all of them.

    For a protocol that is handed bytes, uvloop takes 256 KiB for every read, whatever comes.
    """

    def __init__(self, protocol: GuardedProtocol, block: memoryview) -> None:
        self._protocol = protocol
        self._block = block
        self.connection_lost = protocol.connection_lost  # type: ignore[method-assign]
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._protocol.connection_made(transport)  # type: ignore[arg-type]

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to read to; it is emptied before anybody else reads."""
        del sizehint
        return self._block

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        self._protocol.data_received(bytes(self._block[:nbytes]))
