"""Structured logs: one line per event, with the job and clip it belongs to, if any.

Inside :func:`talking_head.monitoring.log_context.working_on` records are marked automatically; elsewhere log with
``extra={"job": ..., "clip": ...}``.
"""

from __future__ import annotations

import json
import logging
import time

from talking_head.monitoring import log_context

FIELDS = ("job", "clip", "attempt", "worker", "code")


def _context(record: logging.LogRecord) -> dict[str, str]:
    return {name: str(getattr(record, name)) for name in FIELDS if getattr(record, name, None) is not None}


class JobContext(logging.Filter):
    """Marks each record with the current job; belongs on handlers, which see the records of all loggers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields of the current job that the record lacks; let every record pass."""
        for name, value in log_context.current().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


class NoTracebackOfRefusals(logging.Filter):
    """Cuts the traceback off what Django logs when it refuses a request: the client is at fault, and could fill the
    disk with it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Remove the traceback of a refused request; let every record pass."""
        if record.name.startswith("django.security."):
            record.exc_info = record.exc_text = None
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_context(record),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """One line of text per record, with its context in brackets."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname).1s %(name)s: %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        line = super().format(record)
        context = " ".join(f"{name}={value}" for name, value in _context(record).items())
        return f"{line} [{context}]" if context else line
