"""Private files for players and browsers. Who may see them is decided in :mod:`talking_head.permissions`, how they are
sent in :mod:`talking_head.files.range_response`.

A user who may not know of a job gets the same 404 for it as for a job that does not exist.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from rest_framework.exceptions import APIException, Throttled

from edu_platform.sign_in.tokens import user_of
from talking_head.errors import InvalidInput, ResourceError, TalkingHeadError
from talking_head.files import clip_cache, job_files, local, uploads
from talking_head.files.range_response import serve_file
from talking_head.files.uploads import UploadKind
from talking_head.models import ClipState, Job, Narration
from talking_head.permissions import Person, is_staff_with, may_view_job, may_view_portrait, own_voices
from talking_head.services.rebuilds import missing_video
from talking_head.services.voice_samples import voice_sample_digest

VIEWERS_FILES = ("video.mp4", "captions.vtt", "transcript.json", "poster.jpg")
METRICS_FILE = "metrics.json"  # short for performance_metrics_<job uuid>.json
OWNERS_FILES = ("manifest.json", "log.txt", METRICS_FILE)
RETRY_AFTER_SECONDS = 30
P = ParamSpec("P")
FileView = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def private_file(view: FileView[P]) -> FileView[P]:
    """Return ``view`` with what all file views share: it only reads, an API token counts as a session, and it answers
    503 if the object storage fails."""

    @require_safe
    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            request.user = user_of(request)  # type: ignore[assignment]
            return view(request, *args, **kwargs)
        except APIException as error:  # a wrong token, or too many of them
            return _refused_token(error)
        except ResourceError as error:
            response = _refusal(503, error.code, error.message, error.hint)
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
            return response

    return answer


@private_file
def job_file(request: HttpRequest, job_id: UUID, name: str) -> HttpResponseBase:
    """Serve a job's video, captions, transcript or poster; to its owner and to staff also log, manifest and metrics."""
    if not request.user.is_authenticated:
        return _require_login(request)
    job = _visible_job(request.user, job_id)
    if name == local.metrics_file(job.pk).name:
        name = METRICS_FILE
    if name in OWNERS_FILES and not _may_read_records(request.user, job):
        return _forbidden()
    if name not in VIEWERS_FILES + OWNERS_FILES or (job.is_hidden and name not in (METRICS_FILE, local.LOG)):
        raise Http404("A job has no such file.")
    file = local.metrics_file(job.pk).name if name == METRICS_FILE else name
    try:
        key = job_files.storage_key(job, file)
        return serve_file(request, key, download_name=_download_name(request, job, f" {file}"))
    except Http404:
        if error := missing_video(job):
            return _missing(error)
        raise


@private_file
def job_clip(request: HttpRequest, job_id: UUID, index: int) -> HttpResponseBase:
    """Serve the video of one sentence, as soon as it is rendered."""
    if not request.user.is_authenticated:
        return _require_login(request)
    job = _visible_job(request.user, job_id)
    if job.results_removed_at is not None:
        raise Http404("A newer video has replaced this one.")
    if job.is_hidden:
        raise Http404("The person in this video has withdrawn their consent.")
    clip = job.clips.filter(index=index, state=ClipState.DONE).exclude(clip_key="").first()
    if clip is None:
        raise Http404("This clip has not been rendered yet.")
    key = clip_cache.storage_key(clip.clip_key, "clip.mp4")
    return serve_file(request, key, download_name=_download_name(request, job, f" {index + 1}.mp4"))


@private_file
def portrait_file(request: HttpRequest, digest: str) -> HttpResponseBase:
    """Serve a stored picture to a user whom a rule admits."""
    if not request.user.is_authenticated:
        return _require_login(request)
    if not may_view_portrait(request.user, digest):
        raise Http404("There is no such portrait.")
    try:
        key = uploads.storage_key(UploadKind.PORTRAIT, digest)
    except InvalidInput as error:
        raise Http404("There is no such portrait.") from error
    return serve_file(request, key, content_type="image/png", digest=digest)


@private_file
def narration_file(request: HttpRequest, narration_id: UUID) -> HttpResponseBase:
    """Serve a recording as it is stored, to the user who uploaded it."""
    if not request.user.is_authenticated:
        return _require_login(request)
    narration = Narration.objects.filter(pk=narration_id, owner=request.user.pk).first()
    if narration is None:
        raise Http404("There is no such recording.")
    key = uploads.storage_key(UploadKind.NARRATION, narration.digest)
    return serve_file(request, key, content_type="audio/flac", digest=narration.digest)


@private_file
def voice_sample_file(request: HttpRequest, digest: str) -> HttpResponseBase:
    """Serve a stored voice sample to a user who owns the voice: no other user may hear it, staff included."""
    if not request.user.is_authenticated:
        return _require_login(request)
    if digest not in {voice_sample_digest(voice.name) for voice in own_voices(request.user)}:
        raise Http404("There is no such voice.")
    key = uploads.storage_key(UploadKind.VOICE_SAMPLE, digest)
    return serve_file(request, key, content_type="audio/flac", digest=digest)


def _missing(error: TalkingHeadError) -> HttpResponse:
    """Say that the files are being made again (503), or that they cannot be (404).

    Raises:
        ResourceError: they are being made; :func:`private_file` answers it.
    """
    if isinstance(error, ResourceError):
        raise error
    return _refusal(404, error.code, error.message, error.hint)


def _visible_job(user: Person, job_id: UUID) -> Job:
    job = Job.objects.select_related("owner").filter(pk=job_id).first()
    if job is None or not may_view_job(user, job):
        raise Http404("There is no such job.")
    return job


def _may_read_records(user: Person, job: Job) -> bool:
    return job.owner_id == user.pk or is_staff_with(user, "talking_head.view_job")


def _require_login(request: HttpRequest) -> HttpResponse:
    """Redirect a browser that followed a link to the login page; answer players and scripts with 401."""
    is_navigation = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    if is_navigation and request.accepts("text/html") and "text/html" in request.headers.get("Accept", ""):
        return redirect_to_login(request.get_full_path())
    return _refusal(401, "not_authenticated", "You are not logged in.", "Log in and try again.")


def _refused_token(error: APIException) -> HttpResponse:
    if isinstance(error, Throttled):
        seconds = str(getattr(error, "wait", 60))
        response = _refusal(429, "throttled", "Too many wrong tokens.", f"Try again in {seconds} seconds.")
        response["Retry-After"] = seconds
        return response
    return _refusal(401, "authentication_failed", str(error.detail), "Send a valid API token.")


def _forbidden() -> HttpResponse:
    return _refusal(403, "forbidden", "Only the owner of the video and administrators may see this file.", "")


def _refusal(status: int, code: str, message: str, hint: str) -> HttpResponse:
    response = JsonResponse({"code": code, "message": message, "hint": hint}, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


def _download_name(request: HttpRequest, job: Job, ending: str) -> str:
    return f"{job.title or 'Video'}{ending}" if request.GET.get("download") == "1" else ""
