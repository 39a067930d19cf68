"""Stopping: not ready first, then serving on, then gone, and nobody's answer lost."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from serving import Starter, allow, is_cut, read_reply, request, review, wait_for

from rke2_webhook.app import INLINE

WHOLE = request(json.dumps(review()).encode())


def test_a_server_that_stops_is_not_ready_and_goes_on_serving(start: Starter) -> None:
    server = start(drain=1.0)
    with server.connect() as old:
        server.stop(hurry=False, wait=False)
        wait_for(lambda: server.probe("/readyz").status_code == 503)
        assert "draining" in server.probe("/readyz").text
        assert server.probe("/livez").status_code == 200
        # Connections from before and new ones are served, each for the last time.
        with server.connect() as new:
            for connection in (old, new):
                connection.sendall(WHOLE)
                reply = read_reply(connection)
                assert (reply.status, reply.headers["connection"]) == (200, "close")
                assert is_cut(connection, 1)
    server.join()
    assert server.failure is None


def test_a_refusal_ends_its_connection_too_while_draining(start: Starter) -> None:
    server = start(drain=1.0)
    with server.connect() as connection:
        server.stop(hurry=False, wait=False)
        wait_for(lambda: server.probe("/readyz").status_code == 503)
        connection.sendall(request(b"{}", path="/nowhere"))
        assert read_reply(connection).headers["connection"] == "close"
    server.join()


def test_an_answer_that_is_due_when_the_server_stops_is_given(start: Starter) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slowly(asked: dict[str, Any]) -> dict[str, Any]:
        if asked["request"]["namespace"] == "slow":
            entered.set()
            assert go_on.wait(5)
        return allow(asked)

    server = start(answer=slowly, drain=0.0, grace=5.0, max_time=5.0)
    with server.connect() as connection:
        body = json.dumps(review(namespace="slow", object={"padding": "x" * INLINE})).encode()
        connection.sendall(request(body))
        assert entered.wait(5)
        server.stop(hurry=False, wait=False)
        wait_for(lambda: any(line["message"] == "draining" for line in server.lines))
        go_on.set()
        reply = read_reply(connection)
        assert (reply.status, reply.headers["connection"]) == (200, "close")
    server.join()


def test_idle_connections_do_not_keep_a_server_from_stopping(start: Starter) -> None:
    server = start(drain=0.0, grace=10.0)
    with server.connect() as used, server.connect():
        used.sendall(WHOLE)
        read_reply(used)
        began = time.monotonic()
        server.stop(hurry=False)
        assert time.monotonic() - began < 2


# What has not ended its handshake is no connection yet; uvloop closes it with the event loop, and
# remarks on it.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_handshake_that_never_ends_does_not_either(start: Starter) -> None:
    server = start(drain=0.0, grace=10.0)
    with server.connect_plain():
        began = time.monotonic()
        server.stop(hurry=False)
        assert time.monotonic() - began < 2


def test_a_client_that_never_ends_its_request_does_not_either(start: Starter) -> None:
    server = start(drain=0.0, grace=1.0, read_deadline=30.0)
    with server.connect() as connection:
        connection.sendall(request(b"{", length=100))
        wait_for(lambda: server.metric("rke2_webhook_requests_in_flight") == 1)
        began = time.monotonic()
        server.stop(hurry=False)
        assert time.monotonic() - began < 4


def test_told_twice_it_hurries(start: Starter) -> None:
    server = start(drain=30.0)
    server.stop(hurry=False, wait=False)
    wait_for(lambda: server.probe("/readyz").status_code == 503)
    server.stop(hurry=False)


def test_a_server_that_waits_for_its_certificate_can_be_stopped(
    start: Starter, tmp_path: Any
) -> None:
    server = start(tls_directory=tmp_path, ready=False)
    wait_for(lambda: "tls.crt does not exist" in server.probe("/startupz").text)
    server.stop(hurry=False)
    assert server.failure is None


@pytest.mark.parametrize("load", [8])
def test_nothing_is_lost_under_load(start: Starter, load: int) -> None:
    """Clients as Go's: they connect anew when an answer said `close`, and never send twice."""
    server = start(drain=1.0)
    lost: list[BaseException] = []
    done = threading.Event()
    served = [0]

    def client() -> None:
        try:
            while not done.is_set():
                with server.connect() as connection:
                    while not done.is_set():
                        connection.sendall(WHOLE)
                        reply = read_reply(connection)
                        assert reply.status == 200
                        served[0] += 1
                        if reply.headers.get("connection") == "close":
                            break
                        time.sleep(0.005)
        except BaseException as error:
            lost.append(error)

    threads = [threading.Thread(target=client) for _ in range(load)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    server.stop(hurry=False, wait=False)
    # As routing does: from here on, nobody is sent here anymore.
    wait_for(lambda: server.probe("/readyz").status_code == 503)
    time.sleep(0.3)
    done.set()
    for thread in threads:
        thread.join(5)
    server.join()
    assert not lost
    assert served[0] > 50
