"""Template tags of every app: icons, alerts, durations, and who is a teacher."""

from __future__ import annotations

from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from edu_platform import people

register = template.Library()

ALERT_KINDS = {"success": "good", "warning": "warn", "error": "bad"}
ALERT_ICONS = {"success": "check", "warning": "warn", "error": "bad"}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A decorative picture from the sprite; the words beside it carry the meaning."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        static("site/icons.svg"),
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
    return people.is_teacher(user)


@register.filter
def unlocalize_number(number: float | None) -> str:
    """A number as JavaScript reads it, whatever the language of the page."""
    return f"{number or 0:.3f}"


@register.filter
def clock(seconds: float | None) -> str:
    """``83.9`` -> ``1:23`` as players count; longer than an hour ``1:02:03``; nothing known ``""``."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
