"""The states of a clip as teachers see them: a word and the colour of its badge. The editor's script reads this table
from the page's data."""

from __future__ import annotations

from typing import Any

CLIP_STATES: dict[str, dict[str, str]] = {
    "new": {"label": "New", "badge": ""},  # a sentence of the text that has no clip yet
    "waiting": {"label": "Waiting", "badge": ""},
    "rendering": {"label": "Rendering", "badge": "info"},
    "done": {"label": "Done", "badge": "good"},
    "cached": {"label": "From cache", "badge": "good"},
    "fallback": {"label": "Still picture", "badge": "warn"},
    "failed": {"label": "Failed", "badge": "bad"},
}


def clip_state(clip: dict[str, Any]) -> str:
    """Return the key in ``CLIP_STATES`` of a clip of a job's snapshot, as ``clipState`` in ``job_state.js`` does."""
    if clip["state"] == "done" and clip["is_fallback"]:
        return "fallback"
    if clip["state"] == "done" and clip["cached"]:
        return "cached"
    return "rendering" if clip["state"] == "leased" else str(clip["state"])
