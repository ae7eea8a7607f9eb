"""A log line says which job and clip it is about."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from django.conf import settings

from edu_platform.logs import JsonFormatter, NoTracebackOfRefusals, TextFormatter


def record(message: str, **extra: object) -> logging.LogRecord:
    return logging.getLogger("talking_head").makeRecord(
        "talking_head", logging.WARNING, __file__, 1, message, (), None, extra=extra
    )


def test_json_lines_carry_the_context_as_fields() -> None:
    line = json.loads(JsonFormatter().format(record("lease lost", job="4f", clip=3)))
    assert (line["message"], line["level"], line["job"], line["clip"]) == ("lease lost", "warning", "4f", "3")
    assert "attempt" not in line


def test_json_lines_keep_an_exception_on_one_line() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        entry = record("failed")
        entry.exc_info = sys.exc_info()
    text = JsonFormatter().format(entry)
    assert "\n" not in text
    assert "ValueError: first" in json.loads(text)["exception"]


def test_text_lines_put_the_context_in_brackets() -> None:
    assert TextFormatter().format(record("lease lost", job="4f")).endswith("lease lost [job=4f]")
    assert TextFormatter().format(record("started")).endswith("talking_head: started")


def test_a_refused_request_leaves_one_line_and_an_error_of_ours_its_traceback() -> None:
    for name, is_kept in (("django.security.TooManyFilesSent", False), ("django.request", True)):
        entry = record("refused")
        entry.name, entry.exc_info = name, (ValueError, ValueError("no"), None)
        assert NoTracebackOfRefusals().filter(entry)
        assert bool(entry.exc_info) == is_kept
    handlers: dict[str, dict[str, Any]] = settings.LOGGING["handlers"]  # type: ignore[assignment]
    assert all("refusals" in handler["filters"] for handler in handlers.values())
