"""Send spans of stages and effects to an OpenTelemetry collector, when the operator asks for it.

Nothing of OpenTelemetry is imported before that. A task is one trace, whichever workers work on it: its trace
id is the first half of the SHA-256 of its id, so that a stage that another host takes up belongs to the same one.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from keelway.core.errors import YourFault

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

QUEUE_MAX = 2_048
"""Spans that wait for the collector; more are dropped."""
SEND_SECONDS_MAX = 5.0
"""How long one sending may take."""
CLOSE_SECONDS_MAX = 2.0
"""How long the end of the process waits for what has not been sent."""


@dataclass(frozen=True)
class _On:
    provider: TracerProvider
    exporter: SpanExporter
    tracer: Any


class _State:
    """Hold what is on in this process; a process has one control plane or worker."""

    def __init__(self) -> None:
        self.on: _On | None = None


_state = _State()


def open_spans(otlp: str, *, worker: str = "", exporter: SpanExporter | None = None) -> bool:
    """Begin to send spans and tell whether any are sent; an empty address sends none.

    Args:
        otlp: address of a collector that speaks OTLP over HTTP, such as ``http://127.0.0.1:4318``.
        worker: name of this worker.
        exporter: sends instead of OTLP.

    Raises:
        YourFault: the extra ``otel`` is not installed, or the address is none.
    """
    close_spans()
    if not otlp and exporter is None:
        return False
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import SpanLimits, TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise _missing() from error
    provider = TracerProvider(
        resource=Resource(
            {
                "service.name": "keelway",
                "service.version": version("keelway"),
                **({"service.instance.id": worker} if worker else {}),
            }
        ),
        span_limits=SpanLimits(max_span_attributes=32, max_span_attribute_length=200),
        shutdown_on_exit=False,
    )
    sending = exporter or _otlp(otlp)
    provider.add_span_processor(
        BatchSpanProcessor(sending, max_queue_size=QUEUE_MAX, export_timeout_millis=SEND_SECONDS_MAX * 1_000)
    )
    # Not made the global one: libraries in this process would begin to send spans of their own.
    _state.on = _On(provider, sending, provider.get_tracer("keelway"))
    return True


def close_spans() -> None:
    """Send what waits, for a few seconds at most, and stop."""
    on, _state.on = _state.on, None
    if on is None:
        return
    # With a collector that is away the library tries for much longer, batch by batch; the way out does not wait.
    sending = threading.Thread(target=on.provider.shutdown, name="keelway-spans-close", daemon=True)
    sending.start()
    sending.join(CLOSE_SECONDS_MAX)
    if sending.is_alive():
        on.exporter.shutdown()


class StageSpan:
    """Hold the span of one stage run, and open those of its effects below it; without a collector do nothing."""

    def __init__(self, name: str, subject: str, attributes: Mapping[str, str | int]) -> None:
        self._on = _state.on
        self._span: Span | None = None
        self._below: Context | None = None
        if self._on is None:
            return
        from opentelemetry.trace import set_span_in_context

        self._span = self._on.tracer.start_span(
            name, context=_trace_of(subject), attributes=_named({"subject": subject, **attributes})
        )
        self._below = set_span_in_context(self._span)

    def effect(self, name: str, began_ns: int, attributes: Mapping[str, str | int], fault: str) -> None:
        """Record an effect that has just ended; a fault is its code, never its text.

        Args:
            name: name of the effect.
            began_ns: when it began, in nanoseconds since 1970.
            attributes: what else is known about it.
            fault: code of the error, empty for none.
        """
        if self._on is None:
            return
        span = self._on.tracer.start_span(
            name, context=self._below, attributes=_named(attributes), start_time=began_ns
        )
        _end(span, fault, time.time_ns())

    def end(self, outcome: str, fault: str = "") -> None:
        """End the span of the stage."""
        if self._span is not None:
            self._span.set_attribute("keelway.outcome", outcome)
            _end(self._span, fault, time.time_ns())


def _end(span: Span, fault: str, at_ns: int) -> None:
    if fault:
        from opentelemetry.trace import Status, StatusCode

        span.set_attribute("error.type", fault)
        span.set_status(Status(StatusCode.ERROR, fault))
    span.end(at_ns)


def _named(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    return {f"keelway.{name}": value for name, value in attributes.items() if value != ""}


def trace_ids(subject: str) -> tuple[int, int]:
    """Return the trace id and the id of the root span of a subject, as whole numbers above nothing."""
    digest = hashlib.sha256(subject.encode()).digest()
    return int.from_bytes(digest[:16], "big") or 1, int.from_bytes(digest[16:24], "big") or 1


def _trace_of(subject: str) -> Context:
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    trace, root = trace_ids(subject)
    where = SpanContext(trace, root, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(where))


def _otlp(address: str) -> SpanExporter:
    if not address.startswith(("http://", "https://")):
        raise YourFault(
            "otlp_unusable",
            f"log.otlp {address!r} is no http address.",
            'set log.otlp = "http://127.0.0.1:4318"',
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise _missing() from error
    end = address.rstrip("/")
    endpoint = end if end.endswith("/v1/traces") else f"{end}/v1/traces"
    return OTLPSpanExporter(endpoint=endpoint, timeout=SEND_SECONDS_MAX)


def _missing() -> YourFault:
    return YourFault(
        "otel_missing",
        "log.otlp asks for spans, but OpenTelemetry is not installed.",
        'install the extra: pip install "keelway[otel]"; or empty log.otlp',
    )
