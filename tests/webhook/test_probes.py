"""What kubelet and Prometheus are told, on their own port."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from serving import NAMES, Certificates, Starter, allow, is_cut, review, wait_for

from rke2_policies.fingerprint import fingerprint
from rke2_webhook.tls.authority import make_leaf

JSON = {"content-type": "application/json"}


def test_a_ready_server_says_so(start: Starter) -> None:
    server = start()
    for path in ("/livez", "/startupz", "/readyz"):
        answer = server.probe(path)
        assert (answer.status_code, answer.text) == (200, "ok\n")
    told = server.probe("/version").json()
    assert (told["version"], told["rules"]) == ("0-test", fingerprint())
    assert server.metric("rke2_webhook_ready") == 1


def test_a_server_without_a_certificate_lives_and_is_not_started(
    start: Starter, tmp_path: Path, certificates: Certificates
) -> None:
    server = start(tls_directory=tmp_path, ready=False)
    assert server.probe("/livez").status_code == 200
    wait_for(lambda: "tls.crt does not exist" in server.probe("/startupz").text)
    answer = server.probe("/readyz")
    assert (answer.status_code, "no certificate yet" in answer.text) == (503, True)
    # The port is not even open, so nobody waits.
    with pytest.raises(ConnectionRefusedError):
        server.connect_plain()
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).write_bytes((certificates.directory / name).read_bytes())
    server.until_ready()
    assert server.probe("/startupz").status_code == 200


def test_a_server_whose_certificate_ends_is_not_ready(start: Starter, tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    short = make_leaf(certificates.authority, NAMES, datetime.now(UTC), timedelta(seconds=2))
    certificates.write(short)
    server = start(tls_directory=tmp_path)
    wait_for(lambda: server.probe("/readyz").status_code == 503)
    assert "the certificate ended on" in server.probe("/readyz").text
    assert server.probe("/livez").status_code == 200


def test_a_server_whose_rules_fail_is_never_ready(start: Starter) -> None:
    def broken(asked: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("secret")

    server = start(answer=broken, ready=False)
    wait_for(lambda: server.probe("/startupz").status_code == 200)
    answer = server.probe("/readyz")
    assert (answer.status_code, "/mutate fails on a sample review" in answer.text) == (503, True)
    assert "secret" not in answer.text + server.raw_log


def test_reviews_are_counted_by_what_became_of_them(start: Starter) -> None:
    server = start()
    with server.client() as client:
        client.post("/mutate", json=review())
        client.post("/mutate", json=review(dryRun=True))
        client.post("/validate", json=review(operation="UPDATE"))
        client.post("/mutate", content=b"{", headers=JSON)
    count = "rke2_webhook_requests_total"
    assert server.metric(count, endpoint="mutate", code="200") == 2
    assert server.metric(count, endpoint="validate", code="200") == 1
    assert server.metric(count, endpoint="mutate", code="400") == 1
    assert server.metric("rke2_webhook_request_duration_seconds_count") == 4
    decided = "rke2_webhook_decisions_total"
    assert server.metric(decided, decision="nothing-to-do", allowed="true") == 3
    assert server.metric(decided, dry_run="true") == 1
    assert server.metric(decided, operation="UPDATE", endpoint="validate") == 1


def test_each_review_is_one_line_of_the_log_without_its_object(start: Starter) -> None:
    server = start()
    with server.client() as client:
        client.post("/mutate", json=review(object={"spec": "top-secret"}, name="n" * 1000))
    wait_for(lambda: any(line["message"] == "review" for line in server.lines))
    told = next(line for line in server.lines if line["message"] == "review")
    assert told | {"time": "", "milliseconds": 0} == {
        "message": "review",
        "level": "info",
        "time": "",
        "endpoint": "mutate",
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "operation": "CREATE",
        "namespace": "fleet-default",
        "name": "n" * 253,
        "user": "u-b4qkhsnliz",
        "decision": "nothing-to-do",
        "allowed": True,
        "patched": False,
        "patched_before": False,
        "warnings": 0,
        "dry_run": False,
        "milliseconds": 0,
    }
    assert told["time"].endswith("Z")
    assert "top-secret" not in server.raw_log


def test_refusals_do_not_flood_the_log(start: Starter) -> None:
    server = start()
    with server.client() as client:
        for _ in range(50):
            client.post("/mutate", content=b"{", headers=JSON)
    server.probe("/metrics")
    told = [line for line in server.lines if line["message"] == "a request was refused"]
    assert [(line["status"], line["unsaid"]) for line in told] == [(400, 0)]


def test_a_pin_that_is_taken_out_again_and_again_is_counted(start: Starter) -> None:
    def patch(asked: dict[str, Any]) -> dict[str, Any]:
        answer = allow(asked)
        answer["response"] |= {"patchType": "JSONPatch", "patch": "W10="}
        return answer

    server = start(answer=patch)
    with server.client() as client:
        client.post("/mutate", json=review())
        client.post("/mutate", json=review(operation="UPDATE", dryRun=True))
        client.post("/mutate", json=review(operation="UPDATE", name="another"))
        assert server.metric("rke2_webhook_repatches_total") == 0
        client.post("/mutate", json=review(operation="UPDATE"))
        assert server.metric("rke2_webhook_repatches_total") == 1
        # The same name again is a new cluster, and none is known that gets its name later.
        client.post("/mutate", json=review(operation="CREATE"))
        client.post("/mutate", json=review(operation="CREATE", name=None))
        client.post("/mutate", json=review(operation="CREATE", name=None))
        assert server.metric("rke2_webhook_repatches_total") == 1


def test_labels_cannot_be_made_up_without_end(start: Starter) -> None:
    words = iter(range(10_000))

    def invent(asked: dict[str, Any]) -> dict[str, Any]:
        answer = allow(asked)
        answer["response"]["auditAnnotations"]["decision"] = f"word-{next(words)}"
        return answer

    server = start(answer=invent)
    with server.client() as client:
        for number in range(100):
            client.post("/mutate", json=review(operation=f"OPERATION{number}"))
    page = server.probe("/metrics").text
    series = [line for line in page.splitlines() if "decisions_total{" in line]
    assert len(series) == 65
    assert server.metric("rke2_webhook_decisions_total", decision="other") == 36
    assert server.metric("rke2_webhook_decisions_total", operation="other") == 100


def test_the_probe_port_has_deadlines_too(start: Starter) -> None:
    server = start(read_deadline=0.3)
    with socket.create_connection(("127.0.0.1", server.probe_port)) as connection:
        connection.sendall(b"GET /livez HTT")
        assert is_cut(connection, 3)


def test_a_crowd_at_the_probe_port_does_not_count_against_reviews(start: Starter) -> None:
    server = start(max_connections=4)
    crowd = [socket.create_connection(("127.0.0.1", server.probe_port)) for _ in range(20)]
    with server.client() as client:
        assert client.post("/mutate", json=review()).status_code == 200
    for each in crowd:
        each.close()
    assert server.metric("rke2_webhook_connections_cut_total", reason="too-many") == 0
