"""Logs for people: without passwords, tokens and addresses that libraries may have printed.

What is hidden: the values of this site's own secrets wherever they stand, credentials in addresses
(``scheme://user:password@host``), what follows words like *password*, *token* or *secret*, bearer tokens and e-mail
addresses. Digests and job numbers stay: they are what one searches a log for.
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
    """``text`` as somebody on the staff may see it."""
    for value in _own_secrets():
        text = text.replace(value, HIDDEN)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _own_secrets() -> Iterator[str]:
    values = [settings.SECRET_KEY, settings.METRICS_TOKEN, settings.REDIS_URL]
    values += [str(database.get("PASSWORD") or "") for database in settings.DATABASES.values()]
    return (value for value in values if len(value) >= SHORTEST_SECRET)
