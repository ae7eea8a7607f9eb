"""Sockets open only for the site's own pages. Browsers let every page open a socket to every site and send the cookies
with it, so the origin has to be compared here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import validate_host

Message = dict[str, Any]
Application = Callable[[Message, Any, Any], Awaitable[None]]
DEFAULT_PORTS = {"http": 80, "https": 443}


def same_origin_only(application: Application) -> Application:
    """Return ``application`` for sockets of pages of this very site: its host and its port, or an origin that
    ``CSRF_TRUSTED_ORIGINS`` names. (Channels' own validator ignores ports.)"""

    async def answer(scope: Message, receive: Any, send: Any) -> None:
        if is_same_origin(scope):
            await application(scope, receive, send)
        else:
            await WebsocketDenier()(scope, receive, send)

    return answer


def is_same_origin(scope: Message) -> bool:
    """Return whether the page that opens a socket is one of this site's."""
    headers = dict(scope.get("headers", ()))
    origin = headers.get(b"origin", b"").decode("latin-1").lower()
    try:
        page = urlsplit(origin)
        port = page.port or DEFAULT_PORTS.get(page.scheme)
    except ValueError:
        return False
    if page.scheme not in DEFAULT_PORTS or not page.hostname:
        return False
    if _is_trusted(page.scheme, page.netloc):
        return True
    if not validate_host(_bracketed(page.hostname), settings.ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]):
        return False
    host = headers.get(b"host", b"").decode("latin-1").lower()
    if not host:
        return True  # no browser leaves it out, and no server passes such a request on
    try:
        site = urlsplit(f"{page.scheme}://{host}")
        return (site.hostname, site.port or DEFAULT_PORTS[page.scheme]) == (page.hostname, port)
    except ValueError:
        return False


def _is_trusted(scheme: str, netloc: str) -> bool:
    """Return whether the setting names an origin, letter for letter or with ``*.`` for the part before its domain."""
    for entry in settings.CSRF_TRUSTED_ORIGINS:
        wanted_scheme, _, wanted = entry.lower().partition("://")
        if scheme == wanted_scheme and (netloc == wanted or (wanted[:1] == "*" and netloc.endswith(wanted[1:]))):
            return True
    return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
