"""The states of a clip as teachers see them: a word and the colour of its badge. The editor's script reads this table
from the page's data."""

from __future__ import annotations

from typing import Any

CLIP_STATES: dict[str, dict[str, str]] = {
    "new": {"label": "New", "badge": ""},  # a sentence of the text that has no clip yet
    "waiting": {"label": "Waiting", "badge": ""},
    "rendering": {"label": "Rendering", "badge": "info"},
    "done": {"label": "Done", "badge": "good"},
    "cached": {"label": "Kept", "badge": "good"},  # from an earlier render: this sentence has not changed
    "fallback": {"label": "Still picture", "badge": "warn"},
    "failed": {"label": "Failed", "badge": "bad"},
    "stopped": {"label": "Not made", "badge": ""},  # its job ended before it was rendered
}

ENDED = frozenset({"completed", "fallback", "failed", "cancelled"})  # job states in which no clip is rendered any more


def clip_state(clip: dict[str, Any], job_state: str) -> str:
    """Return the key in ``CLIP_STATES`` of a clip of a job's snapshot, as ``clipState`` in ``job_state.js`` does."""
    if clip["state"] == "done" and clip["is_fallback"]:
        return "fallback"
    if clip["state"] == "done" and clip["cached"]:
        return "cached"
    if clip["state"] in ("waiting", "leased") and job_state in ENDED:
        return "stopped"
    return "rendering" if clip["state"] == "leased" else str(clip["state"])
