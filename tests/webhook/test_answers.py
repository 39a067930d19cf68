"""What comes back over the wire: reviews answered, everything else refused."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx2
import pytest
from serving import Running, Starter, allow, read_reply, request, review, wait_for

from rke2_webhook.app import INLINE

JSON = {"content-type": "application/json"}
SECRET = "top-secret-value"


def test_a_review_is_answered_and_its_request_is_not_sent_back(served: Running) -> None:
    with served.client() as client:
        answer = client.post("/mutate?timeout=3s", json=review())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == allow(review())


@pytest.mark.parametrize("endpoint", ["/mutate", "/validate"])
def test_both_endpoints_answer(served: Running, endpoint: str) -> None:
    with served.client() as client:
        assert client.post(endpoint, json=review()).status_code == 200


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", "not JSON", id="empty"),
        pytest.param(b'{"apiVersion": ', "not JSON", id="cut off"),
        pytest.param(b'"\xff\xfe"', "not JSON", id="not UTF-8"),
        pytest.param(b"[" * 200_000, "not JSON", id="nested without end"),
        pytest.param(b"NaN", "not JSON", id="no number"),
        pytest.param(b"[]", "no apiVersion", id="a list"),
        pytest.param(b"null", "no apiVersion", id="null"),
        pytest.param(b'{"kind":"AdmissionReview"}', "no apiVersion", id="no apiVersion"),
        pytest.param(
            b'{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}',
            "not admission.k8s.io/v1",
            id="v1beta1",
        ),
        pytest.param(
            b'{"apiVersion":"admission.k8s.io/v1","kind":"Status"}', "its kind", id="another kind"
        ),
        pytest.param(
            b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}',
            "no request",
            id="no request",
        ),
        pytest.param(
            b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":7}}',
            "no request with a uid",
            id="the uid is a number",
        ),
        pytest.param(
            b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":""}}',
            "no request with a uid",
            id="the uid is empty",
        ),
    ],
)
def test_what_is_no_review_is_a_bad_request(served: Running, body: bytes, reason: str) -> None:
    with served.client() as client:
        answer = client.post("/mutate", content=body, headers=JSON)
        assert (answer.status_code, reason in answer.text) == (400, True), answer.text
        # The connection was not harmed.
        assert client.post("/mutate", json=review()).status_code == 200


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("text/plain", 415),
        ("application/yaml", 415),
        ("application/jsonp", 415),
        ("", 415),
    ],
)
def test_only_json_is_read(served: Running, kind: str, status: int) -> None:
    with served.client() as client:
        answer = client.post(
            "/mutate", content=json.dumps(review()), headers={"content-type": kind}
        )
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/mutate", 405),
        ("PUT", "/mutate", 405),
        ("POST", "/mutate/", 404),
        ("POST", "/", 404),
        ("GET", "/readyz", 404),
    ],
)
def test_nothing_else_is_served_beside_the_reviews(
    served: Running, method: str, path: str, status: int
) -> None:
    with served.client() as client:
        assert client.request(method, path).status_code == status


def test_a_fault_of_ours_is_a_plain_500_and_never_a_denial(start: Starter) -> None:
    def fail(asked: dict[str, Any]) -> dict[str, Any]:
        if asked["request"]["namespace"] == "broken":
            raise KeyError(f"{SECRET}: {asked}")
        return allow(asked)

    server = start(answer=fail)
    with server.client() as client:
        answer = client.post("/mutate", json=review(namespace="broken", uid="the-uid"))
        assert client.post("/mutate", json=review()).status_code == 200
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/plain")
    assert server.metric("rke2_webhook_errors_total") == 1
    told = next(line for line in server.lines if line["level"] == "error")
    assert told["uid"] == "the-uid"
    assert told["exception"] == "builtins.KeyError"
    assert any("test_answers.py" in frame for frame in told["traceback"])
    assert SECRET not in server.raw_log + answer.text


def test_an_answer_that_is_no_json_is_a_fault_of_ours_too(start: Starter) -> None:
    server = start(answer=lambda asked: {**allow(asked), "set": {1, 2}})
    # The sample review is answered with the same fault only when it is written.
    with server.client() as client:
        assert client.post("/mutate", json=review()).status_code == 500


class Gate:
    """An answer that takes as long as the test wants."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = 0

    def __call__(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["request"]["namespace"] == "slow":
            self.entered += 1
            assert self.open.wait(10)
        return allow(asked)


def large(**parts: Any) -> bytes:
    """Return a review that is too large to be answered between two others."""
    return json.dumps(review(object={"padding": "x" * INLINE}, **parts)).encode()


def test_a_long_review_holds_up_neither_the_others_nor_the_probes(start: Starter) -> None:
    gate = Gate()
    server = start(answer=gate, max_time=10.0)
    with server.connect() as slow, server.client() as client:
        slow.sendall(request(large(namespace="slow")))
        wait_for(lambda: gate.entered == 1)
        assert client.post("/mutate", json=review()).status_code == 200
        assert server.probe("/livez").status_code == 200
        assert server.metric("rke2_webhook_requests_in_flight") == 1
        gate.open.set()
        assert read_reply(slow).status == 200
    assert server.metric("rke2_webhook_requests_in_flight") == 0
    assert server.metric("rke2_webhook_request_bytes_in_flight") == 0


@pytest.mark.parametrize(
    ("granted", "at_most"),
    [
        pytest.param("timeout=500ms", 10.0, id="what the API server grants"),
        pytest.param("timeout=30s", 0.3, id="what the server allows itself"),
        pytest.param("timeout=soon", 0.3, id="nonsense"),
    ],
)
def test_a_review_that_takes_too_long_is_given_up(
    start: Starter, granted: str, at_most: float
) -> None:
    gate = Gate()
    server = start(answer=gate, max_time=at_most)
    with server.connect() as first, server.connect() as second:
        first.settimeout(2)
        first.sendall(request(large(namespace="slow"), path=f"/mutate?{granted}"))
        assert read_reply(first).status == 504
        # The thread is still busy with it, so the next one waits, and gives up in turn.
        second.settimeout(2)
        second.sendall(request(large(), path=f"/mutate?{granted}"))
        assert read_reply(second).status == 504
        gate.open.set()
        wait_for(lambda: not server.server.stuck)
        second.sendall(request(large(), path="/mutate?timeout=10s"))
        assert read_reply(second).status == 200
    assert gate.entered == 1


def test_a_review_that_never_ends_is_told_by_livez(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rke2_webhook.server._STUCK", 0.2)
    gate = Gate()
    server = start(answer=gate, max_time=0.1)
    with server.connect() as slow:
        slow.sendall(request(large(namespace="slow")))
        assert read_reply(slow).status == 504
        wait_for(lambda: server.probe("/livez").status_code == 503)
        assert "has been running" in server.probe("/livez").text
        gate.open.set()
        wait_for(lambda: server.probe("/livez").status_code == 200)


def test_too_many_reviews_at_a_time_are_sent_away(start: Starter) -> None:
    gate = Gate()
    server = start(answer=gate, max_in_flight=2, max_time=10.0)
    with server.connect() as first, server.connect() as second, server.client() as client:
        for each in (first, second):
            each.sendall(request(large(namespace="slow")))
        held = 2 * len(large(namespace="slow"))
        wait_for(lambda: server.metric("rke2_webhook_request_bytes_in_flight") == held)
        # Also where nobody can tell before it was read how large it is.
        for body in (large(), iter([large()])):
            refused = client.post("/mutate", content=body, headers=JSON)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        # A usual one takes nobody's turn.
        assert client.post("/mutate", json=review()).status_code == 200
        gate.open.set()
        assert {read_reply(first).status, read_reply(second).status} == {200}
        assert client.post("/mutate", json=review()).status_code == 200
    assert server.metric("rke2_webhook_requests_total", code="429") == 2


def test_bodies_together_may_not_fill_the_memory(start: Starter) -> None:
    server = start(max_buffered=100_000)
    with server.connect() as first, server.connect() as second:
        first.sendall(request(b"x" * 60_000, length=90_000))
        wait_for(lambda: server.metric("rke2_webhook_request_bytes_in_flight") == 60_000)
        second.sendall(request(b"x" * 60_000, length=90_000))
        assert read_reply(second).status == 429
    wait_for(lambda: server.metric("rke2_webhook_request_bytes_in_flight") == 0)


def test_an_honest_body_that_is_too_large_is_not_even_read(start: Starter) -> None:
    server = start(max_body=1000)
    with server.connect() as connection:
        connection.sendall(request(b"", length=1001))
        reply = read_reply(connection)
    assert (reply.status, reply.headers["connection"]) == (413, "close")


def test_a_body_without_a_length_is_read_up_to_the_cap(start: Starter) -> None:
    server = start(max_body=200_000)
    head = b"POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    with server.connect() as connection:
        connection.sendall(head + b"transfer-encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%s\r\n" % (50_000, b"x" * 50_000)
        for _ in range(5):
            connection.sendall(chunk)
        assert read_reply(connection).status == 413


def test_a_review_as_large_as_the_cap_is_answered(served: Running) -> None:
    body = json.dumps(review(object={"padding": "x" * (5 << 20)}))
    with served.client() as client:
        answer = client.post("/mutate", content=body, headers=JSON)
    assert answer.status_code == 200


def test_a_client_that_goes_before_its_answer_does_no_harm(start: Starter) -> None:
    server = start()
    with server.connect() as connection:
        connection.sendall(request(b"{", length=100))
        wait_for(lambda: server.metric("rke2_webhook_requests_in_flight") == 1)
    wait_for(lambda: server.metric("rke2_webhook_requests_in_flight") == 0)
    assert server.metric("rke2_webhook_requests_total", code="499") == 1


def test_only_http_1_1_is_spoken(served: Running) -> None:
    context = served.context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with served.connect(context=context) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
        connection.sendall(request(json.dumps(review()).encode()))
        assert read_reply(connection).status == 200


def test_one_connection_carries_many_reviews(served: Running) -> None:
    before = served.metric("rke2_webhook_tls_handshakes_completed_total")
    with served.client(limits=httpx2.Limits(max_connections=1)) as client:
        for _ in range(20):
            assert client.post("/mutate", json=review()).status_code == 200
    assert served.metric("rke2_webhook_tls_handshakes_completed_total") == before + 1


def test_an_answer_is_one_record(served: Running) -> None:
    with served.connect() as connection:
        connection.sendall(request(json.dumps(review()).encode()))
        head, _, body = connection.recv(1 << 16).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert json.loads(body) == allow(review())


def test_who_asks_whether_to_go_on_is_told_so_at_once(served: Running) -> None:
    body = json.dumps(review()).encode()
    whole = request(body)
    head = whole.removesuffix(body).replace(b"\r\n\r\n", b"\r\nexpect: 100-continue\r\n\r\n")
    with served.connect() as connection:
        connection.sendall(head)
        assert connection.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_reply(connection).status == 200


def test_requests_in_a_row_are_answered_in_a_row(served: Running) -> None:
    uids = [f"uid-{number}" for number in range(5)]
    with served.connect() as connection:
        connection.sendall(b"".join(request(json.dumps(review(uid=uid)).encode()) for uid in uids))
        received = b""
        while received.count(b'"allowed"') < len(uids):
            part = connection.recv(1 << 16)
            assert part
            received += part
    places = [received.index(uid.encode()) for uid in uids]
    assert places == sorted(places)
