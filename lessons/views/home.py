"""The home page, and the list of a user's courses."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from edu_platform.paging import PagedList, matching, paged, search_words
from edu_platform.people import is_teacher, signed_in_user
from lessons import cards, enrolling, learning
from lessons import permissions as rules
from lessons.models import Course

COURSES_ON_HOME = 12
COURSES_A_PAGE = 24
INVITATIONS_SHOWN = 20


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Redirect teachers to their courses; show students the lesson to continue with, and their first courses."""
    user = signed_in_user(request.user)
    taken = list(cards.with_counts(rules.courses_taken_by(user))[: COURSES_ON_HOME + 1])
    if not taken and (is_teacher(user) or rules.may_view_all_courses(user)):
        return redirect("course_list")
    step = learning.continue_where_left_off(user)
    card = cards.lesson_cards([step.lesson], user)[0] if step else None
    context = {
        "step": step,
        "card": card,
        "courses": taken[:COURSES_ON_HOME],
        "invitations": enrolling.invitations_of(user)[:INVITATIONS_SHOWN],
        "has_more": len(taken) > COURSES_ON_HOME,
    }
    return render(request, "lessons/home.html", context)


@require_safe
@login_required
def course_list(request: HttpRequest) -> HttpResponse:
    """Show the courses that the user teaches and takes, or those of them that were searched for."""
    user = signed_in_user(request.user)
    words = search_words(request)
    found = matching(words, "title", "teacher__username", "teacher__first_name", "teacher__last_name")

    def courses(rows: QuerySet[Course], parameter: str, anchor: str) -> PagedList[Course]:
        rows = cards.with_counts(rows.filter(found)).order_by("title", "pk")
        return paged(request, rows, COURSES_A_PAGE, parameter=parameter, anchor=anchor)

    taught = courses(rules.courses_taught_by(user), "page", "taught")
    taken = courses(rules.courses_taken_by(user), "taken", "taken")
    context = {
        "taught": taught,
        "taken": taken,
        "words": words,
        "is_long": bool(words) or taught.is_long or taken.is_long,
        "may_create": is_teacher(user),
        "invitations": enrolling.invitations_of(user)[:INVITATIONS_SHOWN],
        "sees_all": rules.may_view_all_courses(user),
    }
    return render(request, "lessons/course_list.html", context)
