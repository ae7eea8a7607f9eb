"""The job for which the current code runs; every log line and every error report includes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_fields: ContextVar[Mapping[str, str]] = ContextVar("job_context", default=MappingProxyType({}))


def current() -> Mapping[str, str]:
    """Return the fields of all enclosing :func:`log_context`, the innermost last."""
    return _fields.get()


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Add fields to the context, for this thread or asynchronous task only: ``with log_context(job=job.pk): ...``."""
    token = _fields.set({**_fields.get(), **{name: str(value) for name, value in fields.items()}})
    try:
        yield
    finally:
        _fields.reset(token)
