"""Voice samples as the renderer stores them: checked, converted to plain FLAC, stored under the digest of their bytes,
and deleted for good when their owner withdraws them. The caller is responsible for ownership and consent.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from talking_head.decoding import operations
from talking_head.decoding.results import PLAIN_FLAC
from talking_head.engines.speech.coqui import catalogue
from talking_head.engines.speech.coqui.voice_names import SampleVoice, parsed, sample_voice
from talking_head.errors import EngineError, InvalidInput
from talking_head.files import uploads
from talking_head.files.uploads import UploadKind
from talking_head.jobs.withdrawal import voice_withdrawn
from talking_head.pipeline.checks.reports import NarrationReport
from talking_head.services.uploaded_files import UploadSource, decoded, size_of

__all__ = [
    "MAX_SAMPLE_BYTES",
    "StoredSample",
    "check_sample_exists",
    "cloned_voice_name",
    "cloning_languages",
    "cloning_problem",
    "sample_too_heavy",
    "store_voice_sample",
    "voice_sample_digest",
    "voice_withdrawn",
]

MAX_SAMPLE_BYTES = 30_000_000  # half a minute in the largest format that is used for recordings
READ_SECONDS = 600.0  # longer files are refused while they are read, shorter ones by the report


@dataclass(frozen=True, slots=True)
class StoredSample:
    """A voice sample in the store: a cloned voice is named by its ``digest``; ``report`` says how suitable it is."""

    digest: str
    report: NarrationReport


def cloning_problem() -> EngineError | None:
    """Return why voices cannot be cloned on this machine and what an administrator must do; None when they can."""
    return catalogue.cloning_problem(settings.CHECKPOINTS_DIR)


def cloning_languages() -> dict[str, str]:
    """Return the languages that cloned voices can speak: BCP 47 tag -> English name."""
    return catalogue.languages()


def cloned_voice_name(digest: str, language: str) -> str:
    """Return the value of a job's ``voice`` for this sample and language."""
    return sample_voice(language, digest)


def voice_sample_digest(voice: str) -> str:
    """Return the digest of the sample behind a voice; empty for voices that are not cloned."""
    named = parsed(voice)
    return named.digest if isinstance(named, SampleVoice) else ""


def store_voice_sample(source: UploadSource) -> StoredSample:
    """Check a recorded voice, store it as mono FLAC without metadata, and return its digest and report. A refused one
    leaves nothing behind.

    Raises:
        InvalidInput: it is not a recording, too short, too long, too noisy, or contains no speech.
        ResourceError: ``busy``, ``no_space``, ``storage_denied``.
    """
    if size_of(source) > MAX_SAMPLE_BYTES:
        raise sample_too_heavy()
    with decoded(operations.VOICE_SAMPLE, source, max_seconds=READ_SECONDS) as recording:
        digest = uploads.store_file(UploadKind.VOICE_SAMPLE, recording.folder / PLAIN_FLAC)
        report = NarrationReport.from_json(recording.values["report"])
    return StoredSample(digest, report)


def check_sample_exists(voice: SampleVoice) -> None:
    """Check that a cloned voice can be used.

    Raises:
        EngineError: cloned voices cannot be used on this machine. InvalidInput: ``voice_withdrawn``.
    """
    if problem := cloning_problem():
        raise problem
    if voice.language not in cloning_languages() or not uploads.exists(UploadKind.VOICE_SAMPLE, voice.digest):
        raise voice_withdrawn()


def sample_too_heavy() -> InvalidInput:
    """Return the error for a sample whose size, which may be only declared, exceeds ``MAX_SAMPLE_BYTES``."""
    return InvalidInput(
        f"The recording is larger than {MAX_SAMPLE_BYTES // 1_000_000} MB.",
        code="audio_too_large",
        hint="Cut it to half a minute, or save it as MP3 or FLAC.",
    )
