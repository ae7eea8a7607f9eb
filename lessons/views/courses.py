"""A course: its lessons for students; for its teacher also order, publication and students."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from edu_platform.paging import paged
from edu_platform.people import require_teacher, signed_in_user
from lessons import cards, deletion, learning, services
from lessons import permissions as rules
from lessons.forms import AddStudentForm, CourseForm, NewLessonForm, focus_first_error
from lessons.models import Course, Enrolment, Lesson, Progress
from lessons.publication import all_as_published
from lessons.views.access import own_course, own_lesson, visible_course
from talking_head.errors import InvalidInput, TalkingHeadError

STEPS = {"up": -1, "down": 1}
LESSONS_A_PAGE = 25
STUDENTS_SHOWN = 20  # on the course's page; the page of its students has all of them
DELETED_SHOWN = 20


@require_safe
@login_required
def course_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a course: the watchable lessons to a student, the management page to its teacher."""
    course = visible_course(request, slug)
    user = signed_in_user(request.user)
    if not rules.may_manage(user, course):
        watchable = learning.watchable_lessons(course)
        lessons = paged(request, watchable.defer("script"), LESSONS_A_PAGE, anchor="lessons-title")
        done = Progress.objects.filter(student=user, lesson__in=watchable).exclude(completed_at=None).count()
        context = {
            "course": course,
            "lessons": lessons,
            "cards": cards.lesson_cards(all_as_published(lessons.rows), user),
            "done": done,
        }
        return render(request, "lessons/course_detail.html", context)
    return management_page(request, course)


def management_page(
    request: HttpRequest,
    course: Course,
    *,
    new_lesson: NewLessonForm | None = None,
    add_student: AddStudentForm | None = None,
) -> HttpResponse:
    """Return the teacher's page of a course; with a refused form it keeps what was typed and has the focus there."""
    refused = new_lesson or add_student
    if refused is not None:
        focus_first_error(refused)
    user = signed_in_user(request.user)
    may = possibilities(user, course)
    lessons = paged(request, course.lessons.defer("script"), LESSONS_A_PAGE, anchor="lessons-title")
    enrolments = enrolments_of(course)
    context = {
        "course": course,
        "lessons": lessons,
        "cards": cards.lesson_cards(lessons.rows, user),
        "enrolments": enrolments[:STUDENTS_SHOWN],
        "student_count": enrolments.count(),
        "invitations": course.invitations.all()[:STUDENTS_SHOWN],
        "invitation_count": course.invitations.count(),
        "new_lesson": new_lesson or NewLessonForm(),
        "add_student": add_student or AddStudentForm(),
        # The button that was pressed gets the focus again, so that a lesson can be moved several places.
        "pressed": f"{request.GET.get('moved', '')}-{request.GET.get('direction', '')}",
        "deleted_lessons": deletion.restorable_lessons(course)[:DELETED_SHOWN] if may["delete_lesson"] else [],
        "may": may,
    }
    return render(request, "lessons/course_manage.html", context, status=200 if refused is None else 400)


def enrolments_of(course: Course) -> QuerySet[Enrolment]:
    """Return the students of a course by name, as its pages list them."""
    return course.enrolments.select_related("student").order_by("student__username", "pk")


def possibilities(user: User, course: Course) -> dict[str, bool]:
    """Return which buttons the page has; the views behind them ask again."""
    permissions = {
        "change_course": rules.CHANGE_COURSE,
        "add_lesson": rules.ADD_LESSON,
        "change_lesson": rules.CHANGE_LESSON,
        "delete_lesson": rules.DELETE_LESSON,
        "publish_lesson": rules.PUBLISH_LESSON,
        "add_student": rules.ADD_STUDENT,
        "remove_student": rules.REMOVE_STUDENT,
    }
    return {name: rules.may(user, course, permission) for name, permission in permissions.items()}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def course_create(request: HttpRequest) -> HttpResponse:
    """Show the form of a new course, or create it."""
    user = require_teacher(request.user, "Only teachers can create courses.")
    form = CourseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        course = services.create_course(user, form.cleaned_data["title"], form.cleaned_data["description"])
        messages.success(request, f"“{course.title}” is ready for its first lesson.")
        return redirect("course_detail", course.slug)
    focus_first_error(form)
    return render(request, "lessons/course_form.html", {"form": form}, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def course_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form with a course's title and description, or save it."""
    course = own_course(request, slug)
    form = CourseForm(request.POST or None, instance=course)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("course_detail", course.slug)
    # An invalid form has already changed its instance; the heading must not show unsaved values.
    course = own_course(request, slug)
    focus_first_error(form)
    context = {"form": form, "course": course}
    return render(request, "lessons/course_form.html", context, status=400 if form.errors else 200)


@require_POST
@login_required
def lesson_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Add a lesson and redirect to its editor."""
    course = own_course(request, slug, rules.ADD_LESSON)
    form = NewLessonForm(request.POST)
    if not form.is_valid():
        return management_page(request, course, new_lesson=form)
    lesson = services.add_lesson(course, form.cleaned_data["title"])
    return redirect("lesson_edit", course.slug, lesson.pk)


@require_POST
@login_required
def lesson_move(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Move a lesson up or down."""
    lesson = own_lesson(request, slug, pk)
    direction = request.POST.get("direction", "")
    place, count = services.move_lesson(lesson, STEPS.get(direction, 0))
    messages.info(request, f"Lesson {place} of {count}.", extra_tags=_at(lesson))
    return redirect(_list_with(lesson, place - 1, {"moved": str(lesson.pk), "direction": direction}))


@require_POST
@login_required
def lesson_publish(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Publish a lesson or hide it."""
    lesson = own_lesson(request, slug, pk, rules.PUBLISH_LESSON)
    published = request.POST.get("published") == "1"
    to_editor = request.POST.get("next") == "editor" and rules.may_edit(request.user, lesson)
    place = "" if to_editor else _at(lesson)
    try:
        services.set_published(lesson, published)
    except InvalidInput as error:
        messages.error(request, str(error), extra_tags=place)
    else:
        messages.success(request, _words_of_publication(lesson, published), extra_tags=place)
    return redirect("lesson_edit", slug, pk) if to_editor else redirect(_list_with(lesson, cards.place_of(lesson)))


def _list_with(lesson: Lesson, place: int, query: dict[str, str] | None = None) -> str:
    """Return the address of the page of the course's list on which a lesson stands; ``place`` counts from 0."""
    number = place // LESSONS_A_PAGE + 1
    parameters = ({"page": str(number)} if number > 1 else {}) | (query or {})
    return f"{lesson.course.get_absolute_url()}{f'?{urlencode(parameters)}' if parameters else ''}"


def _at(lesson: Lesson) -> str:
    """Return the tag of a message that is shown at the lesson in the list, where the button was pressed."""
    return f"lesson-{lesson.pk}"


def _words_of_publication(lesson: Lesson, published: bool) -> str:
    if not published:
        return f"“{lesson.title}”: Students no longer see it."
    if lesson.course.enrolments.exists():
        return f"“{lesson.title}”: Students can watch it now."
    return format_html(
        "“{}” is published, but no student is enrolled in this course yet. <a href='{}#students'>Invite students</a>",
        lesson.title,
        lesson.course.get_absolute_url(),
    )


@require_POST
@login_required
def lesson_video(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Decide on a video with still pictures that was held back: use it anyway, or try again."""
    lesson = own_lesson(request, slug, pk)
    try:
        if request.POST.get("choice") == "use":
            services.use_held_back_video(lesson)
            messages.success(request, f"“{lesson.title}”: students see the new video now.")
        else:
            services.generate_video(lesson, signed_in_user(request.user))
            messages.success(request, f"“{lesson.title}”: the video is being made again.")
    except TalkingHeadError as error:
        messages.error(request, str(error))
    if request.POST.get("next") == "editor":
        return redirect("lesson_edit", slug, pk)
    return redirect(f"{_list_with(lesson, cards.place_of(lesson))}#lesson-{lesson.pk}")


@require_POST
@login_required
def lesson_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Delete a lesson; the course's page then offers to undo it."""
    lesson = own_lesson(request, slug, pk, rules.DELETE_LESSON)
    services.delete_lesson(lesson)
    return redirect(f"{lesson.course.get_absolute_url()}#deleted-lessons")


@require_POST
@login_required
def lesson_undelete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Restore a deleted lesson with its videos."""
    course = own_course(request, slug, rules.DELETE_LESSON)
    lesson = deletion.restorable_lessons(course).filter(pk=pk).first()
    if lesson is None or not services.restore_lesson(lesson):
        messages.error(request, "It is too late to restore this lesson.")
        return redirect("course_detail", slug)
    messages.success(request, f"“{lesson.title}” was restored.")
    return redirect(f"{_list_with(lesson, cards.place_of(lesson))}#lesson-{lesson.pk}")
