"""The page where a lesson is watched, and the student's progress that it stores."""

from __future__ import annotations

import json
import math
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from edu_platform.people import signed_in_user
from lessons import learning, services
from lessons import permissions as rules
from lessons.models import Lesson, Progress
from lessons.publication import all_as_published, as_published
from lessons.views.access import lesson_in, tell_of_missing_video, visible_course, wants_json
from lessons.watched import Range, read_ranges
from talking_head import services as rendering


def _watchable_lesson(request: HttpRequest, slug: str, pk: int) -> Lesson:
    lesson = lesson_in(visible_course(request, slug), pk)
    if not rules.may_watch(request.user, lesson):
        raise PermissionDenied("This lesson is not open yet.")
    return lesson


@never_cache
@require_safe
@login_required
def lesson_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show a lesson's video with chapters and transcript."""
    lesson = _watchable_lesson(request, slug, pk)
    user = signed_in_user(request.user)
    job = services.current_job_of(lesson)
    may_edit = rules.may_edit(user, lesson)
    sees_draft = rules.may_manage(user, lesson.course)
    is_missing = tell_of_missing_video(request, job, is_teacher=sees_draft)
    shown = lesson if sees_draft else as_published(lesson, job)
    following = learning.next_lesson_after(lesson)
    snapshot = rendering.job_snapshot(job) if job else None
    transcript = _transcript(snapshot["clips"]) if snapshot else []
    progress = Progress.objects.filter(lesson=lesson, student=user).first()
    context = {
        "lesson": shown,
        "course": lesson.course,
        "video": snapshot["video"] if snapshot else None,
        "is_missing": is_missing,
        "transcript": transcript,
        "chapters": [
            {"title": sentence["chapter"], "start_seconds": sentence["start_seconds"]}
            for sentence in transcript
            if sentence["chapter"]
        ],
        "fallbacks": sum(clip["is_fallback"] for clip in snapshot["clips"]) if snapshot else 0,
        "progress": progress,
        "resume_seconds": learning.resume_position(progress, job.video_seconds if job else None),
        "next_lesson": following if sees_draft or following is None else all_as_published([following])[0],
        "may_edit": may_edit,
    }
    return render(request, "lessons/lesson_detail.html", context)


def _transcript(clips: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the sentences with their times in the video, for the page without JavaScript and for its first paint; the
    page's script adds the times of the words. Clips are joined without a gap, so their lengths add up."""
    lines, start_seconds = [], 0.0
    for clip in clips:
        end_seconds = start_seconds + (clip["video_seconds"] or 0.0)
        lines.append({**clip, "start_seconds": start_seconds, "end_seconds": end_seconds})
        start_seconds = end_seconds
    return lines


@require_POST
@login_required
def lesson_progress(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Save the position from the page's script, JSON ``{"position": seconds, "watched": [[from, to], ...]}``, or the
    form of the *Mark as done* button."""
    lesson = _watchable_lesson(request, slug, pk)
    if request.content_type != "application/json":
        row = learning.set_completed(signed_in_user(request.user), lesson, request.POST.get("completed") == "1")
        if wants_json(request):
            return JsonResponse({"completed": row.completed_at is not None})
        return redirect("lesson_detail", slug, pk)
    try:
        position_seconds, watched = _read_progress(request.body)
    except ValueError as error:
        return JsonResponse({"error": str(error)}, status=400)
    row = learning.save_progress(signed_in_user(request.user), lesson, position_seconds, watched)
    return JsonResponse({"position": row.position_seconds, "completed": row.completed_at is not None})


def _read_progress(body: bytes) -> tuple[float, list[Range]]:
    """Return the position and the ranges played; raise ValueError for anything but finite numbers."""
    try:
        data: Any = json.loads(body)
    except RecursionError:  # thousands of nested brackets
        raise ValueError("not a position") from None
    position = data.get("position") if isinstance(data, dict) else None
    if isinstance(position, bool) or not isinstance(position, int | float) or not math.isfinite(position):
        raise ValueError("position must be a number of seconds")
    return float(position), read_ranges(data.get("watched", []))
