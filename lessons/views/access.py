"""Look-up of a course or lesson for the user of a request: unknown and invisible ones look the same (404)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from lessons import permissions as rules
from lessons.models import Course, Lesson
from talking_head import services as rendering
from talking_head.errors import ResourceError
from talking_head.services import Job


def visible_course(request: HttpRequest, slug: str) -> Course:
    """Return a course that the user teaches or takes; raise Http404 for any other."""
    return get_object_or_404(rules.courses_visible_to(request.user).select_related("teacher"), slug=slug)


def own_course(request: HttpRequest, slug: str, permission: str = rules.CHANGE_COURSE) -> Course:
    """Return a course with which the user may do this; raise PermissionDenied for users who only see it, Http404 for
    all others."""
    course = visible_course(request, slug)
    if not rules.may(request.user, course, permission):
        raise PermissionDenied("Only the teacher of this course can do that.")
    return course


def lesson_in(course: Course, pk: int) -> Lesson:
    """Return a lesson of the course; raise Http404 for an unknown one."""
    return get_object_or_404(Lesson.objects.select_related("course__teacher", "portrait"), course=course, pk=pk)


def own_lesson(request: HttpRequest, slug: str, pk: int, permission: str = rules.CHANGE_LESSON) -> Lesson:
    """Return a lesson with which the user may do this; raise as :func:`own_course` does."""
    return lesson_in(own_course(request, slug, permission), pk)


def wants_json(request: HttpRequest) -> bool:
    """Return whether the page's script sent the request; a form sent without JavaScript gets a page."""
    return "application/json" in request.headers.get("Accept", "")


def tell_of_missing_video(request: HttpRequest, job: Job | None, *, is_teacher: bool) -> bool:
    """Tell the viewer when the files of a video were deleted, and have them made again; return whether they were."""
    error = rendering.missing_video(job) if job else None
    if error is None:
        return False
    hint = error.hint if is_teacher or isinstance(error, ResourceError) else "Please tell your teacher."
    messages.warning(request, f"{error.message} {hint}")
    return True
