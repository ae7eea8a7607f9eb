"""What the staff can do about an error code: the rule table behind the suggested action of a failure's page.

A teacher reads the hint of the error itself; here is what somebody who runs the site does. A code that is not in the
table is looked up by its family (``checkpoint_``, ``image_``, ...); after that there is only the error's own hint.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Verb = Literal["retry", "retry-faster", ""]


@dataclass(frozen=True, slots=True)
class Remedy:
    """``meaning``: the code in words. ``action``: what to do next; ``action_if_fastest``: the same where no profile is
    faster. ``verb``: the button to offer first; empty where a button does not help."""

    meaning: str
    action: str
    verb: Verb = ""
    action_if_fastest: str = ""


ASK_AGAIN = "Try again. If it comes back, look at the log's end and run the diagnosis."
FREE_SPACE = "Free space in the media folder (the folder cache in it may be deleted at any time), then try again."
NEW_PORTRAIT = "Ask the teacher for another portrait: a retry with this one ends the same way."
NEW_RECORDING = "Ask the teacher for another recording: a retry with this one ends the same way."

REMEDIES: dict[str, Remedy] = {
    "job_timeout": Remedy(
        "The time for the whole video was up.",
        "Try again with a faster profile. What was finished comes from the cache. If it happens often, add workers.",
        "retry-faster",
        "No profile is faster. Add workers, or ask the teacher to split the lesson, then try again.",
    ),
    "clip_timeout": Remedy(
        "One sentence took far longer than its share.",
        "Try again with a faster profile. If one sentence is very long, ask the teacher to split it.",
        "retry-faster",
        "No profile is faster. Ask the teacher to split the sentence, or try again when the machine has less to do.",
    ),
    "renderer_crashed": Remedy(
        "The program that renders ended unexpectedly.",
        "Try again. If the same sentence crashes again, its log says where; a faster profile avoids most of it.",
        "retry",
    ),
    "renderer_stalled": Remedy(
        "The program that renders stopped answering and was replaced.",
        "Try again. If it repeats, see whether the machine is out of memory or its disk hangs.",
        "retry",
    ),
    "renderer_error": Remedy("The renderer met an error that nobody foresaw.", ASK_AGAIN, "retry"),
    "poisoned": Remedy(
        "The same sentence ended the renderer twice, so it was not tried a third time.",
        "Look at the sentence and at the log's end. Ask the teacher to rephrase it, or try a faster profile.",
        "retry-faster",
        "Look at the sentence and at the log's end. Ask the teacher to rephrase it.",
    ),
    "worker_lost": Remedy(
        "The worker went away in the middle: killed, restarted or cut off from the database.",
        "Check that the workers run, then try again.",
        "retry",
    ),
    "out_of_memory": Remedy(
        "The machine ran out of memory.",
        "Try again with a faster profile, which needs less. Run fewer workers on this machine if it happens often.",
        "retry-faster",
        "Run fewer workers on this machine, then try again.",
    ),
    "no_space": Remedy("The disk was full.", FREE_SPACE, "retry"),
    "out_of_resources": Remedy("The machine ran out of something it needs.", ASK_AGAIN, "retry"),
    "storage_denied": Remedy(
        "The media folder could not be written to.",
        "Give the service write permission on the media folder, then try again.",
        "retry",
    ),
    "storage_error": Remedy("A file could not be read or written.", "Check the disk, then try again.", "retry"),
    "engine_unavailable": Remedy(
        "The engine that was asked for cannot be used on this machine.",
        "Run the diagnosis: it says what is missing. Then try again.",
    ),
    "engine_failed": Remedy("The engine could not be started.", ASK_AGAIN, "retry"),
    "checkpoint_missing": Remedy(
        "A model file is not there.",
        "Run `python manage.py download_checkpoints`, then try again.",
    ),
    "checkpoint_corrupt": Remedy(
        "A model file is damaged.",
        "Run `python manage.py download_checkpoints`, which replaces damaged files, then try again.",
    ),
    "unknown_portrait": Remedy(
        "The portrait is no longer there.", "Ask the teacher to upload the portrait again and to save the lesson."
    ),
    "no_face": Remedy("No face was found in the portrait.", NEW_PORTRAIT),
    "nothing_speakable": Remedy("There was nothing to read aloud.", "Ask the teacher to check the text."),
    "publish_failed": Remedy(
        "The finished sentences could not be joined.",
        "Try again: every sentence comes from the cache. If it repeats, look at the log of the worker.",
        "retry",
    ),
    "handover_failed": Remedy(
        "The finished video could not be handed over to the lesson.",
        "Try again: every sentence comes from the cache. If it repeats, the log of the worker says who refused it.",
        "retry",
    ),
    "video_damaged": Remedy("The finished video was damaged while it was stored.", "Check the disk, then try again."),
    "cancelled": Remedy("Somebody cancelled it.", "Nothing, unless it was a mistake: then try again.", "retry"),
}
FAMILIES: dict[str, Remedy] = {
    "checkpoint_": REMEDIES["checkpoint_corrupt"],
    "engine_": REMEDIES["engine_unavailable"],
    "image_": Remedy("The portrait cannot be used.", NEW_PORTRAIT),
    "portrait_": Remedy("The portrait cannot be used.", NEW_PORTRAIT),
    "audio_": Remedy("The recording cannot be used.", NEW_RECORDING),
    "clip_": Remedy("A finished sentence was missing or damaged in the cache.", "Try again.", "retry"),
    "clips_": Remedy("The finished sentences do not fit together.", "Try again.", "retry"),
    "video_": Remedy("The finished video did not pass its check.", ASK_AGAIN, "retry"),
    "sound_": Remedy("The sound did not fit the picture.", ASK_AGAIN, "retry"),
    "frame_": Remedy("The face engine delivered pictures that do not fit.", ASK_AGAIN, "retry"),
    "narration_": Remedy("The recording could not be transcribed.", NEW_RECORDING, "retry"),
    "unknown_": Remedy("Something that was asked for is not there.", "Ask the teacher to choose anew and to save."),
}


def remedy_for(code: str, hint: str = "", *, is_fastest: bool = False) -> Remedy:
    """The rule for ``code``; where there is none, ``hint`` (the error's own) is the action. ``is_fastest``: the video
    was made with a profile that no other is faster than."""
    if found := REMEDIES.get(code):
        use_other = is_fastest and found.action_if_fastest
        return replace(found, action=found.action_if_fastest, verb="retry") if use_other else found
    family = next((remedy for start, remedy in FAMILIES.items() if code.startswith(start)), None)
    return family or Remedy("The renderer met an error.", hint or ASK_AGAIN, "retry")
