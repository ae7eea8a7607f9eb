"""The functions that other apps may call. By design they raise only the errors of :mod:`talking_head.errors`."""

from __future__ import annotations

from talking_head.engines.base import Voice
from talking_head.jobs.deletion import delete_jobs, hidden_jobs, restore_jobs
from talking_head.jobs.housekeeping import register_housekeeping
from talking_head.jobs.narration_retention import register_narration_use
from talking_head.jobs.result_retention import register_result_use
from talking_head.jobs.withdrawal import (
    count_withdrawn_videos,
    keep_withdrawn_videos,
    purge_withdrawn,
    refuse_withdrawn,
    restore_consent,
    withdraw_consent,
    withdrawn_videos_of,
)
from talking_head.live.changes import job_changes, job_since_edit
from talking_head.live.snapshots import job_snapshot
from talking_head.models import Job, JobState, Narration, NarrationState
from talking_head.permissions import (
    PORTRAIT,
    VOICE,
    may_view_job,
    may_view_portrait,
    own_voices,
    register_consent_rule,
    register_job_viewer_rule,
    register_portrait_rule,
    register_submitter_rule,
    register_voices_rule,
    register_withdrawal_rule,
)
from talking_head.services.direct import generate_talking_video, run_job, video_path
from talking_head.services.forecasts import VideoForecast, forecast_video
from talking_head.services.jobs import cancel_job, retry_job, submit_job
from talking_head.services.narrations import (
    MAX_NARRATION_BYTES,
    MAX_NARRATION_SECONDS,
    narration_of,
    narration_view,
    store_narration,
)
from talking_head.services.portraits import (
    GOOD_FACE_PX,
    MAX_PORTRAIT_BYTES,
    InspectedPortrait,
    StoredPortrait,
    inspect_portrait,
    portrait_thumbnail,
    portrait_too_heavy,
    store_portrait,
)
from talking_head.services.rebuilds import missing_video
from talking_head.services.scripts import ScriptSummary, check_script, voices, voices_for
from talking_head.services.uploaded_files import UploadSource
from talking_head.services.voice_samples import (
    MAX_SAMPLE_BYTES,
    StoredSample,
    cloned_voice_name,
    cloning_languages,
    cloning_problem,
    sample_too_heavy,
    store_voice_sample,
    voice_sample_digest,
    voice_withdrawn,
)

__all__ = [
    "GOOD_FACE_PX",
    "MAX_NARRATION_BYTES",
    "MAX_NARRATION_SECONDS",
    "MAX_PORTRAIT_BYTES",
    "MAX_SAMPLE_BYTES",
    "PORTRAIT",
    "VOICE",
    "InspectedPortrait",
    "Job",
    "JobState",
    "Narration",
    "NarrationState",
    "ScriptSummary",
    "StoredPortrait",
    "StoredSample",
    "UploadSource",
    "VideoForecast",
    "Voice",
    "cancel_job",
    "check_script",
    "cloned_voice_name",
    "cloning_languages",
    "cloning_problem",
    "count_withdrawn_videos",
    "delete_jobs",
    "forecast_video",
    "generate_talking_video",
    "hidden_jobs",
    "inspect_portrait",
    "job_changes",
    "job_since_edit",
    "job_snapshot",
    "keep_withdrawn_videos",
    "may_view_job",
    "may_view_portrait",
    "missing_video",
    "narration_of",
    "narration_view",
    "own_voices",
    "portrait_thumbnail",
    "portrait_too_heavy",
    "purge_withdrawn",
    "refuse_withdrawn",
    "register_consent_rule",
    "register_housekeeping",
    "register_job_viewer_rule",
    "register_narration_use",
    "register_portrait_rule",
    "register_result_use",
    "register_submitter_rule",
    "register_voices_rule",
    "register_withdrawal_rule",
    "restore_consent",
    "restore_jobs",
    "retry_job",
    "run_job",
    "sample_too_heavy",
    "store_narration",
    "store_portrait",
    "store_voice_sample",
    "submit_job",
    "video_path",
    "voice_sample_digest",
    "voice_withdrawn",
    "voices",
    "voices_for",
    "withdraw_consent",
    "withdrawn_videos_of",
]
