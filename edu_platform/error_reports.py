"""Error reports to Sentry (or any server with its protocol), where ``SENTRY_DSN`` is set."""

from __future__ import annotations

from typing import Any

from talking_head.monitoring import log_context


def report_errors_to(dsn: str, *, environment: str) -> None:
    """Start to report unhandled exceptions and all records logged as errors.

    No personal data, no request bodies and no variables of stack frames are sent: they contain lesson texts.

    Raises:
        RuntimeError: the package is missing.
    """
    try:
        import sentry_sdk
    except ImportError as error:
        raise RuntimeError(
            "SENTRY_DSN is set but sentry-sdk is not installed: pip install --require-hashes -r"
            " requirements/observability.txt, or unset SENTRY_DSN."
        ) from error
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=_with_job,
    )


def _with_job(event: Any, hint: dict[str, Any]) -> Any:
    record = hint.get("log_record")
    fields = {name: str(getattr(record, name)) for name in ("job", "clip") if hasattr(record, name)}
    event.setdefault("tags", {}).update({**log_context.current(), **fields})
    return event
