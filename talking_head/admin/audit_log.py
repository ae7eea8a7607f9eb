"""Who did what with which job, and why: the rows that :mod:`talking_head.services.reviews` writes, read-only."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from edu_platform.admin_lists import LongList
from talking_head.admin.read_only import ReadOnly
from talking_head.models import Job, JobAction

MAX_SHOWN = 50


def trail_of(job: Job) -> list[JobAction]:
    """Return the newest actions on a job, the newest first."""
    return list(job.actions.select_related("new_job")[:MAX_SHOWN])


@admin.register(JobAction)
class JobActionAdmin(ReadOnly, LongList):
    list_display = ("created_at", "actor_name", "verb", "job_", "reason")
    list_filter = ("verb", "created_at")
    list_select_related = ("job",)
    search_fields = ("actor_name", "reason", "job_number")
    search_help_text = "User name, reason or job ID"
    fields = ("created_at", "actor_name", "verb", "reason", "job_", "new_job_", "before", "after")
    readonly_fields = ("job_", "new_job_")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobAction]:
        return super().get_queryset(request).select_related("job", "new_job")

    @admin.display(description="video")
    def job_(self, action: JobAction) -> SafeString | str:
        return _link(action.job) if action.job else str(action.job_number)

    @admin.display(description="new video")
    def new_job_(self, action: JobAction) -> SafeString | str:
        return _link(action.new_job) if action.new_job else "–"


def _link(job: Job) -> SafeString:
    return format_html(
        '<a href="{}">{}</a>', reverse("admin:talking_head_job_change", args=[job.pk]), job.title or "Video"
    )
