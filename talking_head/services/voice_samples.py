"""Voice samples as the renderer keeps them: checked, made plain, stored under the digest of their bytes, and gone for
good when their owner takes them back. Whose they are and who agreed is the business of whoever calls.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from talking_head.engines.speech.coqui import catalogue
from talking_head.engines.speech.coqui.voice_names import SampleVoice, parsed, sample_voice
from talking_head.errors import EngineError, InvalidInput, map_os_errors
from talking_head.files import clip_cache, local, uploads
from talking_head.files.uploads import UploadKind
from talking_head.jobs import state_machine
from talking_head.models import ACTIVE_JOB_STATES, Clip, Job

if TYPE_CHECKING:
    from talking_head.pipeline.checks.recording_report import NarrationReport

__all__ = [
    "MAX_SAMPLE_BYTES",
    "StoredSample",
    "check_sample_is_here",
    "cloned_voice_name",
    "cloning_languages",
    "cloning_problem",
    "delete_voice_sample",
    "sample_too_heavy",
    "store_voice_sample",
    "voice_sample_digest",
    "voice_withdrawn",
]

MAX_SAMPLE_BYTES = 30_000_000  # half a minute in the heaviest form anybody records
READ_SECONDS = 600.0  # longer files are refused while they are read, shorter ones by the report


@dataclass(frozen=True, slots=True)
class StoredSample:
    """``digest`` is what a cloned voice is named by; ``report`` says in words how well it will do."""

    digest: str
    report: NarrationReport


def cloning_problem() -> EngineError | None:
    """Why voices cannot be cloned on this machine, with what an administrator must do; None when they can."""
    return catalogue.cloning_problem(settings.CHECKPOINTS_DIR)


def cloning_languages() -> dict[str, str]:
    """What cloned voices can read: BCP 47 tag -> English name."""
    return catalogue.languages()


def cloned_voice_name(digest: str, language: str) -> str:
    """What a job carries as its voice."""
    return sample_voice(language, digest)


def voice_sample_digest(voice: str) -> str:
    """The sample behind a voice; empty for voices that are nobody's own."""
    named = parsed(voice)
    return named.digest if isinstance(named, SampleVoice) else ""


def store_voice_sample(data: bytes) -> StoredSample:
    """Checks a recorded voice and keeps it as mono FLAC without metadata. A refused one leaves nothing behind.

    Raises:
        InvalidInput: it is no recording, too short, too long, too noisy, or nobody speaks in it.
        ResourceError: ``no_space``, ``storage_denied``.
    """
    from talking_head.media_io.audio import read_flac
    from talking_head.media_io.recordings import plain_recording
    from talking_head.pipeline.checks.recording_report import refuse_unusable_recording
    from talking_head.pipeline.checks.voice_sample_report import report_on_sample

    if len(data) > MAX_SAMPLE_BYTES:
        raise sample_too_heavy()
    with local.temporary_file(b"") as plain:
        figures = plain_recording(io.BytesIO(data), plain, max_seconds=READ_SECONDS)
        report = report_on_sample(figures, *read_flac(plain))
        refuse_unusable_recording(report)
        with map_os_errors():
            digest = uploads.store(UploadKind.VOICE_SAMPLE, plain.read_bytes())
    return StoredSample(digest, report)


def delete_voice_sample(digest: str) -> None:
    """Removes the bytes, stops the videos that are being made with them, and forgets what the voice has said so far.
    Finished videos stay. Only who knows that nobody else agreed to the same bytes may call this.

    Raises:
        ResourceError: ``storage_denied``.
    """
    uploads.delete(UploadKind.VOICE_SAMPLE, digest)
    spoken = Job.objects.filter(voice__endswith=f":{digest}")
    for job_id in spoken.filter(state__in=ACTIVE_JOB_STATES).values_list("pk", flat=True):
        state_machine.cancel(job_id)
    for take_key, clip_key in Clip.objects.filter(job__in=spoken).values_list("take_key", "clip_key"):
        for kind, key in ((clip_cache.TAKES, take_key), (clip_cache.CLIPS, clip_key)):
            if key:
                clip_cache.delete((kind, key))


def check_sample_is_here(voice: SampleVoice) -> None:
    """
    Raises:
        EngineError: cloned voices cannot speak here. InvalidInput: ``voice_withdrawn``.
    """
    if problem := cloning_problem():
        raise problem
    if voice.language not in cloning_languages() or not uploads.exists(UploadKind.VOICE_SAMPLE, voice.digest):
        raise voice_withdrawn()


def voice_withdrawn() -> InvalidInput:
    return InvalidInput("This voice may not be used (any more).", code="voice_withdrawn", hint="Choose another voice.")


def sample_too_heavy() -> InvalidInput:
    """For uploads whose declared size alone is beyond ``MAX_SAMPLE_BYTES``."""
    return InvalidInput(
        f"The recording is larger than {MAX_SAMPLE_BYTES // 1_000_000} MB.",
        code="audio_too_large",
        hint="Cut it to half a minute, or save it as MP3 or FLAC.",
    )
