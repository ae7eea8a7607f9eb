"""The home page, and the list of a user's courses."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from edu_platform.people import is_teacher, signed_in_user
from lessons import cards, enrolling, learning
from lessons import permissions as rules


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Redirect teachers to their courses; show students the lesson to continue with, and their courses."""
    user = signed_in_user(request.user)
    taken = cards.with_counts(rules.courses_taken_by(user))
    if not taken.exists() and (is_teacher(user) or rules.may_view_all_courses(user)):
        return redirect("course_list")
    step = learning.continue_where_left_off(user)
    card = cards.lesson_cards([step.lesson], user)[0] if step else None
    return render(
        request,
        "lessons/home.html",
        {"step": step, "card": card, "courses": taken, "invitations": enrolling.invitations_of(user)},
    )


@require_safe
@login_required
def course_list(request: HttpRequest) -> HttpResponse:
    """Show the courses that the user teaches and takes."""
    user = signed_in_user(request.user)
    context = {
        "taught": cards.with_counts(rules.courses_taught_by(user)),
        "taken": cards.with_counts(rules.courses_taken_by(user)),
        "may_create": is_teacher(user),
        "invitations": enrolling.invitations_of(user),
        "sees_all": rules.may_view_all_courses(user),
    }
    return render(request, "lessons/course_list.html", context)
