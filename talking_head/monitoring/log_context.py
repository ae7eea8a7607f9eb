"""Which job the code that runs right now works for: every log line and every error report carries it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_fields: ContextVar[Mapping[str, str]] = ContextVar("job_context", default=MappingProxyType({}))


def current() -> Mapping[str, str]:
    """The fields of all enclosing :func:`working_on`, the innermost last."""
    return _fields.get()


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """``with working_on(job=job.pk, clip=3): ...``; holds for this thread or asynchronous task alone."""
    token = _fields.set({**_fields.get(), **{name: str(value) for name, value in fields.items()}})
    try:
        yield
    finally:
        _fields.reset(token)
