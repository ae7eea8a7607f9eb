"""The students of a course, for its teacher: found by name, added and removed one by one, however many they are."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from edu_platform.paging import matching, paged, search_words
from edu_platform.people import signed_in_user
from lessons import enrolling, services
from lessons import permissions as rules
from lessons.forms import AddStudentForm, focus_first_error
from lessons.models import Course, Invitation
from lessons.views.access import own_course
from lessons.views.courses import enrolments_of, management_page, possibilities
from talking_head.errors import InvalidInput, LimitReached

STUDENTS_A_PAGE = 50
AT_STUDENTS = "students"  # the tag of messages that are shown at the list of students
NAMES = ("student__username", "student__first_name", "student__last_name")


@require_safe
@login_required
def course_students(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the students of a course, or those of them that were searched for."""
    return _students_page(request, own_course(request, slug, rules.VIEW))


def _students_page(request: HttpRequest, course: Course, add_student: AddStudentForm | None = None) -> HttpResponse:
    if add_student is not None:
        focus_first_error(add_student)
    words = search_words(request)
    found = enrolments_of(course).filter(matching(words, *NAMES))
    invited = course.invitations.filter(matching(words, "username")).order_by("username", "pk")
    context = {
        "course": course,
        "students": paged(request, found, STUDENTS_A_PAGE, anchor="students"),
        "invited": paged(request, invited, STUDENTS_A_PAGE, parameter="invited", anchor="students"),
        "words": words,
        "add_student": add_student or AddStudentForm(),
        "may": possibilities(signed_in_user(request.user), course),
    }
    return render(request, "lessons/course_students.html", context, status=200 if add_student is None else 400)


@require_POST
@login_required
def enrolment_add(request: HttpRequest, slug: str) -> HttpResponse:
    """Invite a student by user name; users who may see the accounts enrol at once."""
    course = own_course(request, slug, rules.ADD_STUDENT)
    form = AddStudentForm(request.POST)
    if not form.is_valid():
        return _refused(request, course, form)
    try:
        added = services.add_student(course, form.cleaned_data["username"], signed_in_user(request.user))
    except (InvalidInput, LimitReached) as error:
        form.add_error("username", str(error))
        return _refused(request, course, form)
    if isinstance(added, Invitation):
        name = added.username
        words = f"{name} is invited. The course opens for them once they accept on their home page."
    else:
        name = added.student.get_username()
        words = f"{name} was added to this course."
    messages.success(request, words, extra_tags=AT_STUDENTS)
    # The list of all students then shows the new one, wherever in the alphabet the name stands.
    return redirect(_page_behind(request, course, {"q": name}))


@require_POST
@login_required
def enrolment_remove(request: HttpRequest, slug: str, student_id: int) -> HttpResponse:
    """End a student's enrolment."""
    course = own_course(request, slug, rules.REMOVE_STUDENT)
    if services.remove_student(course, student_id):
        messages.success(request, "Removed from the course.", extra_tags=AT_STUDENTS)
    return redirect(_page_behind(request, course, _kept(request)))


@require_POST
@login_required
def invitation_withdraw(request: HttpRequest, slug: str, invitation_id: int) -> HttpResponse:
    """Take back an invitation that was not accepted."""
    course = own_course(request, slug, rules.REMOVE_STUDENT)
    if enrolling.withdraw_invitation(course, invitation_id):
        messages.success(request, "The invitation was withdrawn.", extra_tags=AT_STUDENTS)
    return redirect(_page_behind(request, course, _kept(request)))


@require_POST
@login_required
def invitation_answer(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Accept or decline an invitation to a course."""
    user = signed_in_user(request.user)
    if request.POST.get("answer") == "accept":
        course = enrolling.accept(user, invitation_id)
        if course is not None:
            messages.success(request, f"You are now in “{course.title}”.")
            return redirect("course_detail", course.slug)
    elif enrolling.decline(user, invitation_id):
        messages.success(request, "The invitation was declined.")
        return redirect("home")
    messages.error(request, "This invitation is no longer open.")
    return redirect("home")


def _kept(request: HttpRequest) -> dict[str, str]:
    """Return the search and the page of the list whose button was pressed."""
    return {name: request.POST[name] for name in ("q", "page") if request.POST.get(name)}


def _refused(request: HttpRequest, course: Course, form: AddStudentForm) -> HttpResponse:
    """Return the page whose form was sent, with the error in it."""
    if _is_from_students_page(request):
        return _students_page(request, course, form)
    return management_page(request, course, add_student=form)


def _page_behind(request: HttpRequest, course: Course, query: dict[str, str]) -> str:
    """Return the address of the page whose button was pressed: all students, or the course."""
    if not _is_from_students_page(request):
        return course.get_absolute_url()
    address = reverse("course_students", args=[course.slug])
    return f"{address}?{urlencode(query)}" if query else address


def _is_from_students_page(request: HttpRequest) -> bool:
    return request.POST.get("next") == "students"
