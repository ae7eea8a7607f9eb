"""Template filters that say in words what became of a clip. The editor's script reads the same words from the page."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()

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
