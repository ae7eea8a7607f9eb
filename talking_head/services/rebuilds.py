"""What is said of a published video whose files are missing, on pages and at the addresses of its files alike."""

from __future__ import annotations

from talking_head.errors import RendererError, ResourceError, TalkingHeadError, words_for_teachers
from talking_head.files import published_files
from talking_head.jobs import rebuilding
from talking_head.models import Job

GENERATE_AGAIN = "Generate the video again: finished sentences are reused."


def missing_video(job: Job) -> TalkingHeadError | None:
    """Return what to tell a viewer of a video whose files are missing, and have them made again; None when they are
    there. A ResourceError says that they are being made, any other error that they cannot be."""
    if not published_files.are_missing(job):
        return None
    rebuild = rebuilding.request_rebuild(job)
    if rebuild is None or not rebuild.error_code:
        return ResourceError(
            "The files of this video are missing from the server and are being made again.",
            code="video_being_rebuilt",
            hint="Try again in a minute.",
        )
    reason, _ = words_for_teachers(rebuild.error_code, rebuild.error_message, rebuild.error_hint)
    return RendererError(
        f"The files of this video are missing from the server and cannot be made again: {reason}",
        code="video_lost",
        hint=GENERATE_AGAIN,
        permanent=True,
    )
