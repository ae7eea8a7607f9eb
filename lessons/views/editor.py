"""The lesson editor: one form that saves and generates, with and without JavaScript."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from edu_platform.body_limits import accepts_file
from edu_platform.people import signed_in_user
from lessons import permissions as rules
from lessons import services
from lessons.clip_states import CLIP_STATES
from lessons.forms import LessonForm, focus_first_error
from lessons.models import Lesson
from lessons.views.access import own_lesson, tell_of_missing_video, wants_json
from talking_head import profiles
from talking_head import services as rendering
from talking_head.api.errors import with_retry_after
from talking_head.errors import (
    LimitReached,
    PortraitError,
    ResourceError,
    ScriptError,
    TalkingHeadError,
    words_for_teachers,
)
from talking_head.services import Job

GENERATE_ACTIONS = {"generate": None, "generate-fast": profiles.FAST.name}
FIND_PORTRAITS = "find-portraits"
ANY_JOB = UUID(int=0)
PROFILE_WORDS = {
    "auto": ("Automatic", "Picks the best profile that will be ready soon, and tells you which and why."),
    "fast": ("Fast", "For drafts. The face only, no enhancement; the shortest wait."),
    "balanced": ("Balanced", "The usual choice. The face only, with enhancement where it is installed."),
    "quality": ("Quality", "For the final version. The whole picture at twice the resolution; the longest wait."),
}


@accepts_file(rendering.MAX_NARRATION_BYTES)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def lesson_edit(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the editor, or save the form and perhaps generate the video."""
    lesson = own_lesson(request, slug, pk)
    editor = signed_in_user(request.user)
    if request.method != "POST":
        return _page(request, lesson, LessonForm(lesson=lesson, editor=editor))
    form = LessonForm(request.POST, request.FILES, lesson=lesson, editor=editor)
    if request.POST.get("action") == FIND_PORTRAITS:  # nothing is saved; what was typed stays in the form
        form.is_valid()
        return _page(request, lesson, form, version=form.cleaned_data.get("version"))
    if not form.is_valid():
        return _refusal(request, lesson, form)
    job = None
    try:
        values = form.values()
        if recording := form.cleaned_data["recording"]:
            values["narration"] = rendering.store_narration(recording, editor).pk
        lesson = services.change_lesson(lesson, expected_version=form.cleaned_data["version"], **values)
        if request.POST.get("action") in GENERATE_ACTIONS:
            # "Try with the fast profile" is for one render and leaves the lesson's own choice alone.
            job = services.generate_video(lesson, editor, GENERATE_ACTIONS[request.POST["action"]])
    except TalkingHeadError as error:
        form.add_error(_field_of(error), " ".join(_words(error)).strip())
        return _refusal(request, lesson, form, error)
    if wants_json(request):
        return JsonResponse({"version": lesson.version, "job": _job_json(job, request.POST.get("known_job", ""))})
    messages.success(request, "The video is being made." if job else "Saved.")
    return redirect("lesson_edit", slug, pk)


def _words(error: TalkingHeadError) -> tuple[str, str]:
    return words_for_teachers(error.code, error.message, error.hint)


def _field_of(error: TalkingHeadError) -> str | None:
    """Return the form field that an error belongs to; None for the top of the form."""
    if isinstance(error, ScriptError):
        return "script"
    return "portrait" if isinstance(error, PortraitError) else None


@require_POST
@login_required
def lesson_forecast(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Answer when the video of the form's values would be ready; null for a form that cannot be rendered, because
    *Generate* explains what is wrong with it."""
    lesson = own_lesson(request, slug, pk)
    form = LessonForm(request.POST, lesson=lesson, editor=signed_in_user(request.user))
    if not form.is_valid():
        return JsonResponse({"forecast": None})
    values, portrait = form.values(), form.cleaned_data["portrait"]
    lesson.language, lesson.voice, lesson.speed = values["language"], values["voice"], values["speed"]
    try:
        forecast = services.forecast_of(
            lesson,
            signed_in_user(request.user),
            script=values["script"],
            profile=values["profile"],
            portrait_digest=portrait.digest if portrait else "",
        )
    except TalkingHeadError:
        return JsonResponse({"forecast": None})
    return JsonResponse({"forecast": asdict(forecast)})


@require_POST
@login_required
def lesson_cancel(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Cancel the latest render."""
    lesson = own_lesson(request, slug, pk)
    job = services.latest_job_of(lesson)
    cancelled = job is not None and rendering.cancel_job(job)
    if wants_json(request):
        return JsonResponse({"cancelled": cancelled})
    messages.info(request, "Cancelled." if cancelled else "There was nothing to cancel.")
    return redirect("lesson_edit", slug, pk)


def _job_json(job: Job | None, known: str) -> dict[str, Any] | None:
    """Return a new job: as its difference from the one that the page shows, an earlier job of the same lesson, or whole
    where there is none."""
    if job is None:
        return None
    try:
        same_lesson = Job.objects.filter(pk=UUID(known), subject=job.subject)
    except ValueError:  # the page shows no job yet
        same_lesson = Job.objects.none()
    if job.narration_digest or not same_lesson.exists():
        return rendering.job_snapshot(job)
    return rendering.job_since_edit(job, UUID(known))


def _refusal(
    request: HttpRequest, lesson: Lesson, form: LessonForm, error: TalkingHeadError | None = None
) -> HttpResponse:
    status = 409 if error is not None and error.code == "lesson_changed" else 400
    status = 429 if isinstance(error, LimitReached) else status
    status = 503 if isinstance(error, ResourceError) else status
    if not wants_json(request):
        focus_first_error(form)
        # After a conflict the page keeps the old version number, or a second click would overwrite the newer text.
        version = form.cleaned_data.get("version") if status == 409 else None
        return with_retry_after(_page(request, lesson, form, status, version), error)
    body: dict[str, Any] = {"errors": form.errors.get_json_data(), "version": lesson.version}
    if error is not None:
        message, hint = _words(error)
        body["error"] = {"code": error.code, "message": message, "hint": hint}
    return with_retry_after(JsonResponse(body, status=status), error)


def _page(
    request: HttpRequest, lesson: Lesson, form: LessonForm, status: int = 200, version: int | None = None
) -> HttpResponse:
    latest, current = services.latest_job_of(lesson), services.current_job_of(lesson)
    tell_of_missing_video(request, current, is_teacher=True)
    # While a new render runs, or after it failed, the last finished video stays on the page.
    shown = latest if latest is not None and latest.is_watchable else current
    snapshot = rendering.job_snapshot(latest) if latest else None
    narration = services.narration_of(lesson)
    video = rendering.job_snapshot(shown)["video"] if shown else None
    context = {
        "lesson": lesson,
        "course": lesson.course,
        "form": form,
        "may_publish": rules.may(request.user, lesson.course, rules.PUBLISH_LESSON),
        "may_delete": rules.may(request.user, lesson.course, rules.DELETE_LESSON),
        "version": lesson.version if version is None else version,
        "profiles": _profile_choices(form),
        "snapshot": snapshot,
        "notices": _notices(snapshot),
        "latest": latest,
        "narration": rendering.narration_view(narration) if narration else None,
        "video": video,
        "takes_over_speed": lesson.version == 1 and lesson.latest_job is None and lesson.speed != 1.0,
        "is_outdated": services.is_outdated(lesson, shown),
        "is_held_back": services.is_held_back(lesson, latest, current),
        "keeps_complete": current is not None and current.state == rendering.JobState.COMPLETED,
        "page_data": {
            "snapshot": snapshot,
            "video": video,
            "job_version": _version_of(latest),
            "video_version": _version_of(shown),
            "clip_states": CLIP_STATES,
            "check_url": reverse("script_check"),
            "snapshot_url": reverse("job_detail", args=[ANY_JOB]),
            "any_job": str(ANY_JOB),  # a placeholder that the script replaces by the real id
            "narration": {"id": str(narration.pk), **rendering.narration_view(narration)} if narration else None,
            "narration_upload_url": reverse("narration_upload"),
            "narration_url": reverse("narration_detail", args=[ANY_JOB]),
            "narration_sound_url": reverse("narration_file", args=[ANY_JOB]),
            "forecast_url": reverse("lesson_forecast", args=[lesson.course.slug, lesson.pk]),
            "cancel_url": reverse("lesson_cancel", args=[lesson.course.slug, lesson.pk]),
        },
    }
    return render(request, "lessons/lesson_edit.html", context, status=status)


def _version_of(job: Job | None) -> int | None:
    """Return the version of the lesson that a render shows."""
    return int(job.subject_version) if job and job.subject_version.isdecimal() else None


def _notices(snapshot: dict[str, Any] | None) -> str:
    """Return the notices about what was rendered without ("The picture was not enhanced."), each once."""
    clips = snapshot["clips"] if snapshot else []
    return " ".join(dict.fromkeys(notice for clip in clips for notice in clip.get("notices", ())))


def _profile_choices(form: LessonForm) -> list[dict[str, Any]]:
    chosen = form["profile"].value()
    return [
        {
            "name": name,
            "label": PROFILE_WORDS[name][0],
            "words": PROFILE_WORDS[name][1],
            "minutes": profiles.PROFILES[name].timeout_seconds // 60 if name in profiles.PROFILES else None,
            "checked": name == chosen,
        }
        for name in profiles.ASKABLE_PROFILES
    ]
