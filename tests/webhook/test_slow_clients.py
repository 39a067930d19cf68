"""Clients that are slow, many, or endless, and what they can do to everybody else: nothing."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time

import pytest
from serving import Running, Starter, is_cut, read_reply, request, review, wait_for

HEAD = b"POST /mutate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
WHOLE = request(json.dumps(review()).encode())
SOON = 0.3
LATER = 3.0


def dribble(connection: socket.socket, piece: bytes, seconds: float) -> bool:
    """Send a piece every now and then. Tell whether the connection was cut meanwhile."""
    connection.settimeout(0.05)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            connection.sendall(piece)
            if not connection.recv(1):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"POST /mut", id="half a first line"),
        pytest.param(HEAD + b"x-slow: ", id="half a header"),
        pytest.param(HEAD + b"content-length: 100\r\n\r\n{", id="half a body"),
    ],
)
def test_a_request_that_does_not_arrive_is_cut(start: Starter, begin: bytes) -> None:
    server = start(read_deadline=SOON)
    with server.connect() as connection:
        connection.sendall(begin)
        assert is_cut(connection, LATER)
    wait_for(lambda: server.metric("rke2_webhook_connections") == 0)
    assert server.metric("rke2_webhook_connections_cut_total", reason="read-deadline") == 1


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        pytest.param(b"POST /mutate HTTP/1.1\r\n", b"x: y\r\n", id="header by header"),
        pytest.param(HEAD + b"content-length: 99999\r\n\r\n", b"x", id="a body, byte by byte"),
        pytest.param(
            HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n", id="chunk by chunk"
        ),
        pytest.param(b"", b"\r\n", id="empty lines, before any request"),
    ],
)
def test_a_request_that_arrives_in_dribs_is_cut(start: Starter, begin: bytes, piece: bytes) -> None:
    server = start(read_deadline=SOON)
    with server.connect() as connection:
        connection.sendall(begin)
        assert dribble(connection, piece, LATER)


@pytest.mark.parametrize("piece", [b"P", b"\r\n"], ids=["half a request", "empty lines"])
def test_a_second_request_has_its_deadline_too(start: Starter, piece: bytes) -> None:
    server = start(read_deadline=SOON)
    with server.connect() as connection:
        connection.sendall(WHOLE)
        assert read_reply(connection).status == 200
        if piece == b"P":
            connection.sendall(piece)
            assert is_cut(connection, LATER)
        else:
            assert dribble(connection, piece, LATER)


def test_the_rest_of_a_body_that_is_refused_has_to_end_in_time(start: Starter) -> None:
    server = start(read_deadline=SOON)
    with server.connect() as connection:
        connection.sendall(request(b"", kind="text/plain", length=1_000_000))
        assert read_reply(connection).status == 415
        assert dribble(connection, b"x", LATER)


def test_an_idle_connection_is_kept_beyond_the_deadline_for_requests(start: Starter) -> None:
    server = start(read_deadline=SOON)
    with server.connect() as connection:
        for _ in range(2):
            connection.sendall(WHOLE)
            assert read_reply(connection).status == 200
            assert not is_cut(connection, 3 * SOON)
        connection.settimeout(LATER)
        connection.sendall(WHOLE)
        assert read_reply(connection).status == 200


def test_without_keep_alive_a_connection_ends_with_its_answer(start: Starter) -> None:
    server = start(keep_alive=0.0)
    with server.connect() as connection:
        connection.sendall(WHOLE)
        reply = read_reply(connection)
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        assert is_cut(connection, LATER)


def test_an_idle_connection_ends_with_keep_alive(start: Starter) -> None:
    server = start(keep_alive=1.0)
    with server.connect() as connection:
        connection.sendall(WHOLE)
        assert read_reply(connection).status == 200
        assert is_cut(connection, LATER)


def test_the_default_keeps_connections_longer_than_the_api_server_does() -> None:
    from rke2_webhook.settings import Settings

    assert Settings(tls_mode="self").keep_alive > 90


def test_a_tls_handshake_has_a_deadline(start: Starter) -> None:
    server = start(read_deadline=SOON)
    with server.connect_plain() as connection:
        assert is_cut(connection, LATER)


def test_headers_without_end_are_cut(start: Starter) -> None:
    server = start()
    with server.connect() as connection:
        connection.settimeout(LATER)
        connection.sendall(b"POST /mutate HTTP/1.1\r\n")
        with contextlib.suppress(OSError):
            for number in range(5000):
                connection.sendall(b"x-%d: %s\r\n" % (number, b"y" * 100))
        assert is_cut(connection, LATER)
    assert server.metric("rke2_webhook_connections_cut_total", reason="headers-too-large") == 1


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x00\xa5",
        b"GET\r\n\r\n",
        b"POST /mutate HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"POST /mutate HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
    ],
    ids=["TLS in TLS", "half a line", "two lengths", "a negative length"],
)
def test_what_is_no_http_ends_the_connection(served: Running, nonsense: bytes) -> None:
    before = served.metric("rke2_webhook_connections_cut_total", reason="malformed")
    with served.connect() as connection:
        connection.sendall(nonsense)
        assert read_reply(connection).status == 400
        assert is_cut(connection, LATER)
    assert served.metric("rke2_webhook_connections_cut_total", reason="malformed") == before + 1
    # Whoever floods the server with it does not flood its log.
    assert not [line for line in served.lines if line["level"] in ("warning", "error")]


def test_half_open_connections_are_gone_and_reviews_go_on(start: Starter) -> None:
    server = start(read_deadline=1.0)
    with contextlib.ExitStack() as stack, server.client() as client:
        for number in range(120):
            if number % 2:
                connection = stack.enter_context(server.connect())
                connection.sendall(HEAD)
            else:
                stack.enter_context(server.connect_plain())
            if number % 20 == 0:
                assert client.post("/mutate", json=review()).status_code == 200
        assert server.probe("/readyz").status_code == 200
        wait_for(lambda: server.metric("rke2_webhook_connections") <= 1)
        assert client.post("/mutate", json=review()).status_code == 200


def test_of_too_many_connections_the_longest_idle_one_goes(start: Starter) -> None:
    # Three, and the one with which readiness asks itself.
    server = start(max_connections=4)
    with contextlib.ExitStack() as stack:
        used, idle, other = (_used_once(stack, server) for _ in range(3))
        _ask(used)
        for _ in range(3):
            _used_once(stack, server)
            _ask(used)
        assert is_cut(idle, LATER)
        assert is_cut(other, LATER)
        _ask(used)
    assert server.metric("rke2_webhook_connections_cut_total", reason="too-many") >= 2


def test_connections_whose_requests_do_not_arrive_go_before_newcomers(start: Starter) -> None:
    # Three, and the one with which readiness asks itself.
    server = start(max_connections=4, read_deadline=60.0)
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            connection = stack.enter_context(server.connect())
            connection.sendall(HEAD + b"content-length: 100\r\n\r\n{")
        wait_for(lambda: server.metric("rke2_webhook_requests_in_flight") >= 3)
        for _ in range(3):
            _used_once(stack, server)
    assert server.metric("rke2_webhook_connections") <= 4


@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        pytest.param({"max_in_flight": 4}, b"{", id="as many as reviews may wait"),
        pytest.param({"max_buffered": 200_000}, b"x" * 49_000, id="as much as is ever held"),
    ],
)
def test_bodies_that_do_not_arrive_keep_no_review_waiting(
    start: Starter, limit: dict[str, int], sent: bytes
) -> None:
    server = start(read_deadline=60.0, **limit)
    with contextlib.ExitStack() as stack, server.client() as client:
        for _ in range(4):
            connection = stack.enter_context(server.connect())
            connection.sendall(HEAD + b"content-length: 50000\r\n\r\n" + sent)
        wait_for(lambda: server.metric("rke2_webhook_request_bytes_in_flight") == 4 * len(sent))
        for _ in range(8):
            assert client.post("/mutate", json=review()).status_code == 200
        padded = review(object={"padding": "x" * 6_000})
        assert client.post("/mutate", json=padded).status_code == 200


def test_a_flood_of_reviews_leaves_no_review_behind(start: Starter) -> None:
    server = start(max_in_flight=8)
    statuses = set()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(40)]
        for _ in range(5):
            for connection in connections:
                connection.sendall(WHOLE)
            statuses |= {read_reply(connection).status for connection in connections}
    assert statuses <= {200, 429}
    assert 200 in statuses
    assert server.metric("rke2_webhook_requests_in_flight") == 0


def test_oversized_bodies_take_no_memory(start: Starter) -> None:
    server = start(max_body=1 << 20)
    chunk = b"%x\r\n%s\r\n" % (1 << 16, b"x" * (1 << 16))
    before = server.metric("process_resident_memory_bytes")
    for _ in range(5):
        with server.connect() as connection, contextlib.suppress(OSError):
            connection.settimeout(LATER)
            connection.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
            for _ in range(400):  # 25 MiB
                connection.sendall(chunk)
    grown = server.metric("process_resident_memory_bytes") - before
    assert grown < 10 << 20
    assert server.metric("rke2_webhook_requests_total", code="413") == 5


def _used_once(stack: contextlib.ExitStack, server: Running) -> ssl.SSLSocket:
    connection = stack.enter_context(server.connect())
    _ask(connection)
    return connection


def _ask(connection: ssl.SSLSocket) -> None:
    connection.sendall(WHOLE)
    assert read_reply(connection).status == 200
