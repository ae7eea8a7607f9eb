"""Template filters that show the state of a clip."""

from __future__ import annotations

from typing import Any

from django import template

from lessons import clip_states

register = template.Library()
register.filter("clip_state", clip_states.clip_state)


@register.filter
def clip_label(clip: dict[str, Any], job_state: str) -> str:
    """Return the word for the state of a clip."""
    return clip_states.CLIP_STATES[clip_states.clip_state(clip, job_state)]["label"]


@register.filter
def clip_badge(clip: dict[str, Any], job_state: str) -> str:
    """Return the CSS class of a clip's badge, "" for the plain one."""
    badge = clip_states.CLIP_STATES[clip_states.clip_state(clip, job_state)]["badge"]
    return f"badge-{badge}" if badge else ""
