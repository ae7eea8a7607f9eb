"""Every page forbids what it does not need: foreign sources, inline scripts, being framed."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse


def test_pages_allow_only_their_own_scripts(db: None, client: Client) -> None:
    policy = client.get(reverse("login")).headers["Content-Security-Policy"]
    directives = {words[0]: words[1:] for words in (part.split() for part in policy.split(";"))}
    assert directives["default-src"] == ["'self'"]
    assert "script-src" not in directives  # nothing wider than the default
    assert "'unsafe-inline'" not in policy
    assert directives["frame-ancestors"] == ["'none'"]
