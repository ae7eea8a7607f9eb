"""Redaction of logs: removes passwords, tokens and addresses that libraries may have printed.

Hidden are the values of this site's own secrets anywhere in the text, credentials in URLs
(``scheme://user:password@host``), values after words like *password*, *token* or *secret*, bearer tokens and e-mail
addresses. Digests and job IDs stay: administrators search logs for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings

HIDDEN = "[hidden]"
SHORTEST_SECRET = 6  # a shorter value occurs in ordinary words
_RULES = (
    (re.compile(r"(?P<keep>\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)", re.I), rf"\g<keep>{HIDDEN}"),
    (re.compile(r"(?P<keep>\b(?:bearer|basic|token)\s+)[A-Za-z0-9._~+/=-]{8,}", re.I), rf"\g<keep>{HIDDEN}"),
    (
        re.compile(
            r"(?P<keep>[\w-]*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|authorization|cookie|sessionid)"
            r"[\w-]*[\"']?\s*[:=]\s*[\"']?)(?!\[hidden\])(?!(?:bearer|basic)\s)[^\s\"',;}]+",
            re.I,
        ),
        rf"\g<keep>{HIDDEN}",
    ),
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), "[address]"),
)


def redacted(text: str) -> str:
    """Return ``text`` without what the staff may not see."""
    for value in _own_secrets():
        text = text.replace(value, HIDDEN)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _own_secrets() -> Iterator[str]:
    values = [settings.SECRET_KEY, settings.METRICS_TOKEN, settings.REDIS_URL]
    values += [str(database.get("PASSWORD") or "") for database in settings.DATABASES.values()]
    return (value for value in values if len(value) >= SHORTEST_SECRET)
