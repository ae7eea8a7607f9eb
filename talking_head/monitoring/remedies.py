"""What the staff can do about an error code: the table behind the suggested action on a failure's page.

Teachers see the hint of the error itself; this table is for administrators. A code that is not in the table is looked
up by its family (``checkpoint_``, ``image_``, ...); otherwise the error's own hint is used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Verb = Literal["retry", "retry-faster", ""]


@dataclass(frozen=True, slots=True)
class Remedy:
    """An entry of the table. ``meaning``: what happened. ``action``: what to do next; ``action_if_fastest``: the same
    if no profile is faster. ``verb``: the button to offer first; empty if no button helps."""

    meaning: str
    action: str
    verb: Verb = ""
    action_if_fastest: str = ""


RETRY_THEN_DIAGNOSE = "Try again. If the error returns, check the end of the log and run the diagnosis."
FREE_SPACE = "Free some space in the media folder (its cache folder can be deleted at any time), then try again."
NEW_PORTRAIT = "Ask the teacher for another portrait: a retry with this one would fail again."
NEW_RECORDING = "Ask the teacher for another recording: a retry with this one would fail again."

REMEDIES: dict[str, Remedy] = {
    "job_timeout": Remedy(
        "The video exceeded its time limit.",
        "Try again with a faster profile. Finished sentences come from the cache. If this happens often, add workers.",
        "retry-faster",
        "No profile is faster. Add workers, or ask the teacher to split the lesson, then try again.",
    ),
    "clip_timeout": Remedy(
        "One sentence exceeded its time limit.",
        "Try again with a faster profile. If one sentence is very long, ask the teacher to split it.",
        "retry-faster",
        "No profile is faster. Ask the teacher to split the sentence, or try again when the machine is less busy.",
    ),
    "renderer_crashed": Remedy(
        "The renderer process ended unexpectedly.",
        "Try again. If the same sentence crashes again, see where in the log; a faster profile avoids most crashes.",
        "retry",
    ),
    "renderer_stalled": Remedy(
        "The renderer process stopped responding and was replaced.",
        "Try again. If it happens again, check whether the machine is out of memory or its disk hangs.",
        "retry",
    ),
    "renderer_error": Remedy("The renderer met an unexpected error.", RETRY_THEN_DIAGNOSE, "retry"),
    "poisoned": Remedy(
        "The same sentence crashed the renderer twice, so there was no third attempt.",
        "Check the sentence and the end of the log. Ask the teacher to rephrase it, or try a faster profile.",
        "retry-faster",
        "Check the sentence and the end of the log. Ask the teacher to rephrase it.",
    ),
    "worker_lost": Remedy(
        "The worker was lost during the job: killed, restarted or cut off from the database.",
        "Check that the workers are running, then try again.",
        "retry",
    ),
    "out_of_memory": Remedy(
        "The machine ran out of memory.",
        "Try again with a faster profile, which needs less. If this happens often, run fewer workers on this machine.",
        "retry-faster",
        "Run fewer workers on this machine, then try again.",
    ),
    "rebuild_failed": Remedy(
        "The files of a published video are gone and could not be made again.",
        "Check the disk and the workers, then render the lesson again.",
        "retry",
    ),
    "no_space": Remedy("The disk was full.", FREE_SPACE, "retry"),
    "out_of_resources": Remedy("The machine ran out of a resource.", RETRY_THEN_DIAGNOSE, "retry"),
    "storage_denied": Remedy(
        "The media folder is not writable.",
        "Give the service write permission for the media folder, then try again.",
        "retry",
    ),
    "storage_error": Remedy("A file could not be read or written.", "Check the disk, then try again.", "retry"),
    "engine_unavailable": Remedy(
        "The requested engine cannot be used on this machine.",
        "Run the diagnosis to see what is missing, then try again.",
    ),
    "engine_failed": Remedy("The engine could not be started.", RETRY_THEN_DIAGNOSE, "retry"),
    "checkpoint_missing": Remedy(
        "A model file is missing.",
        "Run `python manage.py download_checkpoints`, then try again.",
    ),
    "checkpoint_corrupt": Remedy(
        "A model file is damaged.",
        "Run `python manage.py download_checkpoints`, which replaces damaged files, then try again.",
    ),
    "unknown_portrait": Remedy(
        "The portrait no longer exists.", "Ask the teacher to upload the portrait again and save the lesson."
    ),
    "no_face": Remedy("No face was found in the portrait.", NEW_PORTRAIT),
    "nothing_speakable": Remedy("The text contains nothing to read aloud.", "Ask the teacher to check the text."),
    "publish_failed": Remedy(
        "The finished sentences could not be joined.",
        "Try again: every sentence comes from the cache. If it happens again, check the worker's log.",
        "retry",
    ),
    "handover_failed": Remedy(
        "The finished video could not be attached to the lesson.",
        "Try again: every sentence comes from the cache. If it happens again, see the worker's log for the reason.",
        "retry",
    ),
    "storage_damaged": Remedy(
        "Finished sentences were damaged on the disk again and again.", "Check the disk, then try again.", "retry"
    ),
    "no_sentences": Remedy("The video had no sentences.", "Ask the teacher to generate it again."),
    "voice_withdrawn": Remedy("The consent to this voice was withdrawn.", "Ask the teacher to choose another voice."),
    "portrait_withdrawn": Remedy("The consent to this portrait was withdrawn.", NEW_PORTRAIT),
    "video_damaged": Remedy("The finished video was damaged while it was stored.", "Check the disk, then try again."),
    "cancelled": Remedy("The video was cancelled.", "Nothing to do. If it was a mistake, try again.", "retry"),
}
FAMILIES: dict[str, Remedy] = {
    "checkpoint_": REMEDIES["checkpoint_corrupt"],
    "engine_": REMEDIES["engine_unavailable"],
    "image_": Remedy("The portrait cannot be used.", NEW_PORTRAIT),
    "portrait_": Remedy("The portrait cannot be used.", NEW_PORTRAIT),
    "audio_": Remedy("The recording cannot be used.", NEW_RECORDING),
    "clip_": Remedy("A finished sentence was missing or damaged in the cache.", "Try again.", "retry"),
    "clips_": Remedy("The finished sentences do not match each other.", "Try again.", "retry"),
    "video_": Remedy("The finished video failed its check.", RETRY_THEN_DIAGNOSE, "retry"),
    "sound_": Remedy("The sound did not match the picture.", RETRY_THEN_DIAGNOSE, "retry"),
    "frame_": Remedy("The face engine returned invalid frames.", RETRY_THEN_DIAGNOSE, "retry"),
    "narration_": Remedy("The recording could not be transcribed.", NEW_RECORDING, "retry"),
    "unknown_": Remedy("Something that was requested does not exist.", "Ask the teacher to choose again and save."),
}


def remedy_for(code: str, hint: str = "", *, is_fastest: bool = False) -> Remedy:
    """Return the remedy for ``code``; if there is none, ``hint`` (the error's own) is the action. ``is_fastest``: the
    video was rendered with the fastest profile."""
    if remedy := REMEDIES.get(code):
        use_other = is_fastest and remedy.action_if_fastest
        return replace(remedy, action=remedy.action_if_fastest, verb="retry") if use_other else remedy
    family = next((remedy for start, remedy in FAMILIES.items() if code.startswith(start)), None)
    return family or Remedy("The renderer met an error.", hint or RETRY_THEN_DIAGNOSE, "retry")
