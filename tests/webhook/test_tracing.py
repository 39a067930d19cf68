"""Spans, where they are wanted."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from serving import Starter, review

from rke2_webhook.tracing import Tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def test_a_review_is_a_span_below_the_api_servers(
    start: Starter, exporter: InMemorySpanExporter
) -> None:
    tracing = Tracing("0-test", exporter)
    server = start(also=tracing.tell)
    with server.client() as client:
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        client.post("/mutate", json=review(object={"spec": "top-secret"}), headers=headers)
        client.post("/validate", content=b"{", headers={"content-type": "application/json"})
    server.stop()
    tracing.close()
    answered, refused = exporter.get_finished_spans()
    assert (answered.name, answered.kind) == ("POST /mutate", SpanKind.SERVER)
    assert answered.parent is not None
    assert f"{answered.context.trace_id:032x}" == TRACE
    assert f"{answered.parent.span_id:016x}" == PARENT
    assert answered.attributes is not None
    assert answered.attributes["rke2_webhook.decision"] == "nothing-to-do"
    assert answered.attributes["http.response.status_code"] == 200
    assert answered.start_time is not None
    assert answered.end_time is not None
    assert 0 < answered.end_time - answered.start_time < 1e9
    assert "top-secret" not in str(dict(answered.attributes))
    assert refused.parent is None
    assert refused.attributes is not None
    assert refused.attributes["http.response.status_code"] == 400


@pytest.mark.parametrize("header", ["", "nonsense", "00-0-0-01", "\xff"])
def test_a_broken_parent_is_none(
    start: Starter, exporter: InMemorySpanExporter, header: str
) -> None:
    tracing = Tracing("0-test", exporter)
    server = start(also=tracing.tell)
    with server.client() as client:
        client.post("/mutate", json=review(), headers={"traceparent": header.encode("latin-1")})
    server.stop()
    tracing.close()
    assert [span.parent for span in exporter.get_finished_spans()] == [None]
