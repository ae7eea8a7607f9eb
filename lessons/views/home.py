"""Where people land, and the list of their courses."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from lessons import cards, learning, rules
from lessons.views.access import person


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Teachers go to their courses, students to the lesson they were in."""
    user = person(request)
    taken = cards.with_counts(rules.courses_taken_by(user))
    if not taken.exists() and rules.is_teacher(user):
        return redirect("course_list")
    step = learning.continue_where_left_off(user)
    card = cards.lesson_cards([step.lesson], user)[0] if step else None
    return render(request, "lessons/home.html", {"step": step, "card": card, "courses": taken})


@require_safe
@login_required
def course_list(request: HttpRequest) -> HttpResponse:
    user = person(request)
    context = {
        "taught": cards.with_counts(rules.courses_taught_by(user)),
        "taken": cards.with_counts(rules.courses_taken_by(user)),
        "may_create": rules.is_teacher(user),
    }
    return render(request, "lessons/course_list.html", context)
