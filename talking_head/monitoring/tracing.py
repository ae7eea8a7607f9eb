"""OpenTelemetry spans around the steps of a job, when ``OTEL_EXPORTER_OTLP_ENDPOINT`` says where to send them.

A job is one trace: the 128-bit trace ID is the job's UUID, so that the steps of the web server, of workers on several
machines, and after a crash belong together without any context being passed. Without the variable a span costs nothing,
and without the packages (``requirements/observability.txt``) a system check reports them as missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from typing import Any
from uuid import UUID

from django.conf import settings

from talking_head.monitoring.log_context import log_context

SERVICE_NAME = "lectern"


def is_on() -> bool:
    return bool(settings.OTEL_EXPORTER_OTLP_ENDPOINT) and find_spec("opentelemetry.sdk") is not None


@contextmanager
def span(name: str, job_id: UUID, **attributes: str | int | float) -> Iterator[None]:
    """Record one step of a job in the log context and in the trace; an exception is recorded on the span and raised."""
    with log_context(job=job_id, **attributes):
        if not is_on():
            yield
            return
        with _tracer().start_as_current_span(
            name, context=_trace_of(job_id), attributes={"job": str(job_id), **attributes}
        ):
            yield


def _trace_of(job_id: UUID) -> Any:
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    parent = SpanContext(
        trace_id=job_id.int,
        span_id=job_id.int & (2**64 - 1),  # stands for the job itself; never zero in a random UUID
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(parent))


@cache
def _tracer() -> Any:
    """Return the tracer. Its provider is created at the first span: workers are forks, and an exporter's thread does
    not survive a fork. (The SDK starts another one in later forks.)"""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    os.environ.setdefault("OTEL_SERVICE_NAME", SERVICE_NAME)  # read by the SDK, as is OTEL_RESOURCE_ATTRIBUTES
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("talking_head")
