"""Template tags shared by all apps: icons, alerts, durations, and who is a teacher."""

from __future__ import annotations

from typing import Any

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from edu_platform import people, static_files

register = template.Library()

ALERT_KINDS = {"success": "good", "warning": "warn", "error": "bad"}
ALERT_ICONS = {"success": "check", "warning": "warn", "error": "bad"}


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return a decorative icon from the sprite; the text beside it carries the meaning."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        static("site/icons.svg"),
        name,
    )


@register.simple_tag
def preload_modules(*names: str) -> SafeString:
    """Return links that make the browser fetch modules and all that they import at once, not one after the other."""
    modules = dict.fromkeys(module for name in names for module in static_files.modules_of(name))
    return format_html_join("\n  ", '<link rel="modulepreload" href="{}">', ((static(name),) for name in modules))


@register.simple_tag
def field_state(field: BoundField, described_by: str = "") -> SafeString:
    """Return the attributes of a control that a template writes itself: what describes it (the ids given, and its
    errors as ``parts/field_errors.html`` shows them), whether it is wrong, and the focus for the first wrong one."""
    ids, attributes = described_by.split(), SafeString("")
    if field.errors:
        ids.append(f"{field.auto_id}_error")
        attributes = SafeString(' aria-invalid="true"')
        if field.name == next((name for name in field.form.fields if name in field.form.errors), None):
            attributes += SafeString(" autofocus")
    return format_html(' aria-describedby="{}"', " ".join(ids)) + attributes if ids else attributes


@register.filter
def alert_kind(level_tag: str) -> str:
    """Return the end of an alert's CSS class for a message level."""
    return ALERT_KINDS.get(level_tag, "info")


@register.filter
def alert_icon(level_tag: str) -> str:
    """Return the icon for a message level."""
    return ALERT_ICONS.get(level_tag, "info")


@register.filter
def startswith(text: str, prefix: str) -> bool:
    """Return whether a text begins with a prefix that is not empty."""
    return bool(prefix) and str(text).startswith(prefix)


@register.filter
def is_teacher(user: Any) -> bool:
    """Return whether a user is a teacher."""
    return people.is_teacher(user)


@register.filter
def unlocalize_number(number: float | None) -> str:
    """Return a number as JavaScript reads it, independent of the language of the page."""
    return f"{number or 0:.3f}"


@register.filter
def clock(seconds: float | None) -> str:
    """Return seconds as a clock: ``83.9`` -> ``1:23``; over an hour ``1:02:03``; None -> ``""``."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
