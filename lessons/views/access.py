"""Finding a course or lesson for the person who asks: unknown and invisible look the same from outside (404)."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from lessons import permissions as rules
from lessons.models import Course, Lesson


def visible_course(request: HttpRequest, slug: str) -> Course:
    return get_object_or_404(rules.courses_visible_to(request.user).select_related("teacher"), slug=slug)


def own_course(request: HttpRequest, slug: str) -> Course:
    """Raises PermissionDenied for students of the course, Http404 for everybody else who does not teach it."""
    course = visible_course(request, slug)
    if not rules.may_edit_course(request.user, course):
        raise PermissionDenied("Only the teacher of this course can do that.")
    return course


def lesson_in(course: Course, pk: int) -> Lesson:
    return get_object_or_404(Lesson.objects.select_related("course__teacher", "portrait"), course=course, pk=pk)


def own_lesson(request: HttpRequest, slug: str, pk: int) -> Lesson:
    return lesson_in(own_course(request, slug), pk)


def wants_json(request: HttpRequest) -> bool:
    """The page's own script asks for JSON; a form sent without JavaScript gets a page."""
    return "application/json" in request.headers.get("Accept", "")
