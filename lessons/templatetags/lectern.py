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


CLIP_WORDS = {
    "waiting": "Waiting",
    "rendering": "Rendering",
    "done": "Done",
    "cached": "From cache",
    "stand-in": "Stand-in",
    "failed": "Failed",
}
CLIP_BADGES = {
    "rendering": "badge-info",
    "done": "badge-good",
    "cached": "badge-good",
    "stand-in": "badge-warn",
    "failed": "badge-bad",
}


@register.filter
def clip_state(clip: dict[str, Any]) -> str:
    """One word for a clip of a job's snapshot; the same six that ``sentences.js`` shows."""
    if clip["state"] == "done" and clip["is_fallback"]:
        return "stand-in"
    if clip["state"] == "done" and clip["cached"]:
        return "cached"
    return "rendering" if clip["state"] == "leased" else str(clip["state"])


@register.filter
def clip_words(clip: dict[str, Any]) -> str:
    return CLIP_WORDS[clip_state(clip)]


@register.filter
def clip_badge(clip: dict[str, Any]) -> str:
    return CLIP_BADGES.get(clip_state(clip), "")
