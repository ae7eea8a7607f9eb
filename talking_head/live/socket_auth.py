"""Whether a user may (still) hold a socket open: the scope's user is only valid for the moment of the handshake."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user, get_user_model

from talking_head.models import Job
from talking_head.permissions import may_view_job

# WebSocket close codes of this application (4000 to 4999 are free for them), named after the HTTP status they match.
NOT_LOGGED_IN, NOT_ALLOWED, NOT_FOUND = 4401, 4403, 4404


def close_code_for(scope: dict[str, Any], job_id: UUID) -> int:
    """Return 0, or the close code that says why not. Reads session, user and rules anew, so it also detects a user who
    has since logged out, changed the password, been deactivated or been removed from the course."""
    user = _current_user(scope)
    if user is None or not user.is_authenticated:
        return NOT_LOGGED_IN
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        return NOT_FOUND
    return 0 if may_view_job(user, job) else NOT_ALLOWED


def _current_user(scope: dict[str, Any]) -> Any:
    session = scope.get("session")
    if session is None:  # authenticated by other means than a session
        user_id: Any = getattr(scope.get("user"), "pk", None)
        return get_user_model()._default_manager.filter(pk=user_id, is_active=True).first()
    store = import_module(settings.SESSION_ENGINE).SessionStore
    return get_user(SimpleNamespace(session=store(session.session_key)))  # type: ignore[arg-type]
