"""Who sends a request whose body is large: asked before the body is read."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.db import close_old_connections
from django.http import HttpRequest, parse_cookie
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed


def is_signed_in(cookie: str, authorization: str) -> bool:
    """Return whether a Cookie or Authorization header belongs to an active user. Called in a thread."""
    close_old_connections()
    try:
        return _has_session(cookie) or _has_token(authorization)
    finally:
        close_old_connections()


def _has_session(cookie: str) -> bool:
    key = parse_cookie(cookie).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return False
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return get_user(request).is_authenticated


def _has_token(authorization: str) -> bool:
    request = HttpRequest()
    request.META["HTTP_AUTHORIZATION"] = authorization
    try:
        return TokenAuthentication().authenticate(request) is not None  # type: ignore[arg-type]
    except AuthenticationFailed:
        return False
