"""Courses, lessons and enrolments for administrators."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from lessons.models import Course, Enrolment, Invitation, Lesson, Progress
from lessons.permissions import PUBLISH_LESSON
from talking_head.services import Job


class EnrolmentInline(admin.TabularInline):
    model = Enrolment
    extra = 0
    autocomplete_fields = ("student",)
    readonly_fields = ("enrolled_at",)


class LessonInline(admin.TabularInline):
    model = Lesson
    extra = 0
    fields = ("position", "title", "is_published")
    show_change_link = True

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        return () if request.user.has_perm(PUBLISH_LESSON) else ("is_published",)


@admin.register(Course)
class CourseAdmin(admin.ModelAdmin):
    list_display = ("title", "teacher", "lesson_count", "student_count", "created_at")
    list_filter = ("teacher",)
    search_fields = ("title", "description", "teacher__username")
    autocomplete_fields = ("teacher",)
    prepopulated_fields = {"slug": ("title",)}
    inlines = (LessonInline, EnrolmentInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Course]:
        lessons = Count("lessons", filter=Q(lessons__deleted_at=None), distinct=True)
        counts = {"lessons_": lessons, "students_": Count("enrolments", distinct=True)}
        return super().get_queryset(request).select_related("teacher").annotate(**counts)

    @admin.display(description="lessons", ordering="lessons_")
    def lesson_count(self, course: Course) -> int:
        return int(course.lessons_)  # type: ignore[attr-defined]

    @admin.display(description="students", ordering="students_")
    def student_count(self, course: Course) -> int:
        return int(course.students_)  # type: ignore[attr-defined]


@admin.register(Lesson)
class LessonAdmin(admin.ModelAdmin):
    list_display = ("title", "course", "is_published", "has_video", "version", "updated_at")
    list_filter = ("is_published", "course")
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
class EnrolmentAdmin(admin.ModelAdmin):
    list_display = ("student", "course", "enrolled_at")
    list_filter = ("course",)
    list_select_related = ("student", "course")
    search_fields = ("student__username", "course__title")
    autocomplete_fields = ("student", "course")


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):
    list_display = ("username", "course", "invited_at", "declined_at")
    list_filter = ("course",)
    list_select_related = ("course",)
    search_fields = ("username", "course__title")
    autocomplete_fields = ("course",)


@admin.register(Progress)
class ProgressAdmin(admin.ModelAdmin):
    list_display = ("student", "lesson", "position_seconds", "completed_at", "updated_at")
    list_filter = ("lesson__course",)
    list_select_related = ("student", "lesson")
    search_fields = ("student__username", "lesson__title")
    autocomplete_fields = ("student", "lesson")


def _job_link(job_id: object) -> str:
    if not job_id:
        return "-"
    if not admin.site.is_registered(Job):
        return str(job_id)
    return format_html('<a href="{}">{}</a>', reverse("admin:talking_head_job_change", args=[job_id]), job_id)
