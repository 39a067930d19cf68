"""Traces, for those who collect them: one span for each request, beside the API server's own.

The API server sends a `traceparent` where it traces itself (APIServerTracingConfiguration), so the
span of a review appears below the span of the request that asked for it. Where spans go, and how
many, say the variables of OpenTelemetry: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER, ….
"""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rke2_webhook.ledger import Entry, Reviewed

_NANOSECONDS = 1_000_000_000


class Tracing:
    """Makes a span of each entry of the ledger."""

    def __init__(self, version: str, exporter: SpanExporter | None = None) -> None:
        resource = Resource.create({SERVICE_NAME: "rke2-webhook", SERVICE_VERSION: version})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("rke2_webhook", version)
        self._propagator = TraceContextTextMapPropagator()

    def tell(self, entry: Entry, reviewed: Reviewed | None) -> None:
        """Make a span of what is over already."""
        carrier = {"traceparent": entry.traceparent.decode("latin-1")} if entry.traceparent else {}
        attributes: dict[str, str | int | bool] = {
            "http.request.method": "POST",
            "http.route": f"/{entry.endpoint}",
            "http.response.status_code": entry.code,
        }
        if reviewed is not None:
            told = reviewed._asdict().items()
            attributes |= {f"rke2_webhook.{name}": value for name, value in told}
        span = self._tracer.start_span(
            f"POST /{entry.endpoint}",
            self._propagator.extract(carrier),
            SpanKind.SERVER,
            attributes,
            start_time=int((entry.when - entry.seconds) * _NANOSECONDS),
        )
        span.end(int(entry.when * _NANOSECONDS))

    def close(self) -> None:
        """Send what was not sent yet, for as long as the exporter takes."""
        self._provider.shutdown()
