"""Logs, error reports and traces carry the job, and arrive where the environment says. The receivers here are real
HTTP servers; the senders are processes of their own."""

from __future__ import annotations

import gzip
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from django.conf import settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from edu_platform.logs import JobContext, JsonFormatter
from talking_head.monitoring.log_context import current, log_context

JOB = UUID("9c3d9a52-6d5e-4a8e-b3a0-0123456789ab")


def logged(message: str) -> dict[str, str]:
    """One line as the JSON log writes it."""
    record = logging.LogRecord("talking_head", logging.INFO, __file__, 1, message, None, None)
    JobContext().filter(record)
    line: dict[str, str] = json.loads(JsonFormatter().format(record))
    return line


def test_lines_logged_while_a_job_is_worked_on_carry_it() -> None:
    with log_context(job=JOB):
        with log_context(clip=3):
            inner = logged("drawing")
        outer = logged("joining")
    assert (inner["job"], inner["clip"]) == (str(JOB), "3")
    assert outer["job"] == str(JOB) and "clip" not in outer
    assert "job" not in logged("idle")


def test_the_context_is_left_on_errors_and_not_shared_with_other_threads() -> None:
    seen: list[dict[str, str]] = []
    with pytest.raises(ZeroDivisionError), log_context(job=JOB):
        thread = threading.Thread(target=lambda: seen.append(dict(current())))
        thread.start()
        thread.join()
        raise ZeroDivisionError
    assert seen == [{}]
    assert current() == {}


# --- what leaves the machine ------------------------------------------------------------------------------------


@dataclass
class Receiver:
    """An HTTP server that keeps what is posted to it."""

    port: int
    bodies: dict[str, bytes] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            kept.bodies[self.path] = kept.bodies.get(self.path, b"") + body
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


SENDER = f"""
import logging, uuid
import django
django.setup()
from talking_head.monitoring.tracing import span
lesson_text = "a text that is nobody's business"
try:
    with span("render clip", uuid.UUID("{JOB}"), clip=3):
        logging.getLogger("talking_head").error("the renderer fell over")
        raise ValueError("broken")
except ValueError:
    pass
"""


def send(**environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the sender, which ends when everything has been sent."""
    return subprocess.run(
        [sys.executable, "-c", SENDER],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "edu_platform.settings", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_job_is_a_trace_under_its_own_id(receiver: Receiver) -> None:
    done = send(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{receiver.address}")
    assert done.returncode == 0, done.stderr
    request = ExportTraceServiceRequest.FromString(receiver.bodies["/v1/traces"])
    (resource_spans,) = request.resource_spans
    (span,) = resource_spans.scope_spans[0].spans
    assert span.trace_id == JOB.bytes
    assert span.name == "render clip"
    assert {one.key: one.value.string_value or one.value.int_value for one in span.attributes} == {
        "job": str(JOB),
        "clip": 3,
    }
    assert span.events[0].name == "exception"
    assert {one.key: one.value.string_value for one in resource_spans.resource.attributes}["service.name"] == "lectern"


def test_errors_are_reported_with_the_job_and_without_texts(receiver: Receiver) -> None:
    done = send(SENTRY_DSN=f"http://key@{receiver.address}/1", SENTRY_ENVIRONMENT="test")
    assert done.returncode == 0, done.stderr
    envelope = receiver.bodies["/api/1/envelope/"].decode()
    event = next(
        json.loads(line) for line in envelope.splitlines() if '"level": "error"' in line or '"level":"error"' in line
    )
    assert event["logentry"]["message"] == "the renderer fell over"
    assert event["tags"]["job"] == str(JOB)
    assert event["tags"]["clip"] == "3"
    assert event["environment"] == "test"
    assert "nobody's business" not in envelope


def test_without_addresses_nothing_is_sent(receiver: Receiver) -> None:
    done = send(OTEL_EXPORTER_OTLP_ENDPOINT="", SENTRY_DSN="")
    assert done.returncode == 0, done.stderr
    assert not receiver.bodies
    assert f"the renderer fell over [job={JOB} clip=3]" in done.stderr
