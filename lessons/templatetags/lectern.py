"""What the templates need besides Django's own tags: icons, durations in words, and who is a teacher."""

from __future__ import annotations

from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from lessons import rules

register = template.Library()

ALERT_KINDS = {"success": "good", "warning": "warn", "error": "bad"}
ALERT_ICONS = {"success": "check", "warning": "warn", "error": "bad"}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A decorative picture from the sprite; the words beside it carry the meaning."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        static("lessons/icons.svg"),
        name,
    )


@register.filter
def alert_kind(level_tag: str) -> str:
    return ALERT_KINDS.get(level_tag, "info")


@register.filter
def alert_icon(level_tag: str) -> str:
    return ALERT_ICONS.get(level_tag, "info")


@register.filter
def startswith(text: str, prefix: str) -> bool:
    return bool(prefix) and str(text).startswith(prefix)


@register.filter
def is_teacher(user: Any) -> bool:
    return rules.is_teacher(user)


@register.filter
def clock(seconds: float | None) -> str:
    """``83.4`` -> ``1:23``; longer than an hour ``1:02:03``; nothing known ``""``."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
