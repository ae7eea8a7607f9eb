"""Courses, lessons and enrolments for administrators."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from edu_platform.admin_lists import LongList, chosen, link_to_list
from edu_platform.counts import count_of
from lessons.models import Course, Enrolment, Invitation, Lesson, Progress
from lessons.permissions import PUBLISH_LESSON
from talking_head.services import Job


@admin.register(Course)
class CourseAdmin(LongList):
    """A course's own fields. Its lessons and students have lists of their own, because a form with a line for each of
    them could not be saved from a few hundred on."""

    list_display = ("title", "teacher", "lesson_count", "student_count", "created_at")
    list_filter = (chosen("teacher", "teacher"),)
    search_fields = ("title", "description", "teacher__username")
    autocomplete_fields = ("teacher",)
    prepopulated_fields = {"slug": ("title",)}
    fields = ("title", "slug", "description", "teacher", "lessons_of_it", "students_of_it")
    readonly_fields = ("lessons_of_it", "students_of_it")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Course]:
        counts = {
            "lessons_": count_of(Lesson.objects.all(), "course"),
            "students_": count_of(Enrolment.objects.all(), "course"),
        }
        return super().get_queryset(request).select_related("teacher").annotate(**counts)

    @admin.display(description="lessons", ordering="lessons_")
    def lesson_count(self, course: Course) -> int:
        return int(course.lessons_)  # type: ignore[attr-defined]

    @admin.display(description="students", ordering="students_")
    def student_count(self, course: Course) -> int:
        return int(course.students_)  # type: ignore[attr-defined]

    @admin.display(description="lessons")
    def lessons_of_it(self, course: Course) -> SafeString | str:
        return _list_and_form(Lesson, course, self.lesson_count)

    @admin.display(description="students")
    def students_of_it(self, course: Course) -> SafeString | str:
        return _list_and_form(Enrolment, course, self.student_count)


def _list_and_form(model: type[Model], course: Course, count: Callable[[Course], int]) -> SafeString | str:
    """Return links to the list of a course's rows of one kind, where they are found, changed and removed, and to the
    form that adds one."""
    if course.pk is None:
        return "Save the course first."
    names = {1: str(model._meta.verbose_name)}
    number = count(course)
    shown = link_to_list(model, f"{number:,} {names.get(number, model._meta.verbose_name_plural)}", course=course.pk)
    add = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    return format_html('{} · <a href="{}?course={}">Add {}</a>', shown, add, course.pk, names[1])


@admin.register(Lesson)
class LessonAdmin(LongList):
    list_display = ("title", "course", "position", "is_published", "has_video", "version", "updated_at")
    list_filter = ("is_published", chosen("course", "course"))
    list_select_related = ("course",)
    search_fields = ("title", "script", "course__title")
    autocomplete_fields = ("course",)
    raw_id_fields = ("portrait",)
    # Renders maintain the pointers and the version; editing them by hand would break the rule that an older render
    # never becomes the current one.
    readonly_fields = ("version", "latest_render", "current_render", "editor", "created_at", "updated_at")
    exclude = ("latest_job", "current_job")

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        fields = tuple(self.readonly_fields)
        return fields if request.user.has_perm(PUBLISH_LESSON) else (*fields, "is_published")

    @admin.display(boolean=True, description="video")
    def has_video(self, lesson: Lesson) -> bool:
        return lesson.current_job is not None

    @admin.display(description="latest render")
    def latest_render(self, lesson: Lesson) -> str:
        return _job_link(lesson.latest_job)

    @admin.display(description="render that students watch")
    def current_render(self, lesson: Lesson) -> str:
        return _job_link(lesson.current_job)

    @admin.display(description="editor")
    def editor(self, lesson: Lesson) -> str:
        if lesson.pk is None:
            return "-"
        return format_html(
            '<a href="{}">Open the editor</a>', reverse("lesson_edit", args=[lesson.course.slug, lesson.pk])
        )

    def save_model(self, request: HttpRequest, obj: Lesson, form: object, change: bool) -> None:
        """Raise the version when a change would alter the video, as the editor does."""
        altered = {"script", "language", "portrait", "voice", "speed", "profile"} & set(form.changed_data)  # type: ignore[attr-defined]
        if change and altered:
            obj.version += 1
        super().save_model(request, obj, form, change)


@admin.register(Enrolment)
class EnrolmentAdmin(LongList):
    list_display = ("student", "course", "enrolled_at")
    list_filter = (chosen("course", "course"), chosen("student", "student"))
    list_select_related = ("student", "course")
    search_fields = ("student__username", "student__first_name", "student__last_name", "course__title")
    autocomplete_fields = ("student", "course")


@admin.register(Invitation)
class InvitationAdmin(LongList):
    list_display = ("username", "course", "invited_at", "declined_at")
    list_filter = (chosen("course", "course"),)
    list_select_related = ("course",)
    search_fields = ("username", "course__title")
    autocomplete_fields = ("course",)


@admin.register(Progress)
class ProgressAdmin(LongList):
    list_display = ("student", "lesson", "position_seconds", "completed_at", "updated_at")
    list_filter = (chosen("lesson", "lesson"), chosen("lesson__course", "course", "course"))
    list_select_related = ("student", "lesson")
    search_fields = ("student__username", "lesson__title")
    autocomplete_fields = ("student", "lesson")


def _job_link(job_id: object) -> str:
    if not job_id:
        return "-"
    if not admin.site.is_registered(Job):
        return str(job_id)
    return format_html('<a href="{}">{}</a>', reverse("admin:talking_head_job_change", args=[job_id]), job_id)
