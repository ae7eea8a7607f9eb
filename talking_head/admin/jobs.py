"""Jobs for administrators: see what failed and why, retry, cancel. No row is edited by hand: states change only through
:mod:`talking_head.services`, which keep the rules of the lifecycle."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

from django.contrib import admin
from django.db.models import DurationField, ExpressionWrapper, F, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django_q.models import Failure, OrmQ, Schedule, Success

from edu_platform.admin_lists import chosen
from edu_platform.counts import count_of
from edu_platform.paging import paged
from talking_head.admin import formatting
from talking_head.admin.actions import ActsOnJobs, Button
from talking_head.admin.audit_log import trail_of
from talking_head.admin.dashboard import dashboard_page
from talking_head.admin.diagnostics_page import diagnosis_page
from talking_head.admin.filters import (
    AgeFilter,
    DurationFilter,
    ErrorCodeFilter,
    FaceFilter,
    MonthFilter,
    ProfileFilter,
)
from talking_head.admin.read_only import ReadOnly, job_at
from talking_head.models import REVIEWABLE_JOB_STATES, ActionVerb, Attempt, Clip, ClipState, Job

SENTENCES_A_PAGE = 50
MAX_SCRIPT_CHARACTERS = 5_000
JOB_PAGE_VERBS = (ActionVerb.RETRY, ActionVerb.RETRY_FASTER, ActionVerb.CANCEL)

# The task queue's own pages let any user who may add a schedule run any importable function, os.system for one. They
# are not needed, because jobs are started and retried here. They register when django_q.admin is imported: here, or
# they would come back in a process that imports this module first.
import_module("django_q.admin")
for queue_model in (Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(queue_model):
        admin.site.unregister(queue_model)


@admin.register(Job)
class JobAdmin(ReadOnly, ActsOnJobs):
    list_display = ("title_", "outcome", "progress", "owner", "profile", "age", "took")
    list_filter = (
        "state",
        ErrorCodeFilter,
        ProfileFilter,
        AgeFilter,
        MonthFilter,
        DurationFilter,
        FaceFilter,
        "priority",
        chosen("owner", "owner"),
    )
    list_select_related = ("owner",)
    change_form_template = "admin/talking_head/job/change_form.html"
    fieldsets = (
        (None, {"fields": (("state_", "progress"), "problem_", "files", ("owner", "subject"))}),
        ("Times", {"fields": (("created_at", "waited"), ("started_at", "took"), ("finished_at", "worked"))}),
        (
            "Request",
            {
                "fields": (
                    ("profile", "face", "speech"),
                    ("voice", "speed", "language"),
                    ("priority", "portrait_"),
                    "script_",
                )
            },
        ),
        (
            "Internals",
            {
                "classes": ("collapse",),
                "fields": (
                    "id",
                    "seq",
                    "fence",
                    "publish_crashes",
                    "publish_interruptions",
                    "lease_expires_at",
                    "timeout_seconds",
                    "stages",
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return (
            super()
            .get_queryset(request)
            .annotate(
                done_clips=count_of(Clip.objects.filter(state=ClipState.DONE), "job"),
                all_clips=count_of(Clip.objects.all(), "job"),
                rendering_time=ExpressionWrapper(F("finished_at") - F("started_at"), DurationField()),
            )
        )

    # --- columns and fields ---

    @admin.display(description="title", ordering="title")
    def title_(self, job: Job) -> str:
        return Truncator(job.title or "Video").chars(60)

    @admin.display(description="state", ordering="state")
    def outcome(self, job: Job) -> SafeString:
        return format_html("{} <code>{}</code>", self.state_(job), job.error_code)

    @admin.display(description="age", ordering="-created_at")
    def age(self, job: Job) -> SafeString:
        return format_html('<span title="{}">{}</span>', job.created_at, formatting.between(job.created_at, None))

    @admin.display(description="state", ordering="state")
    def state_(self, job: Job) -> SafeString:
        return formatting.badge(job.state, job.get_state_display())

    @admin.display(description="sentences")
    def progress(self, job: Job) -> str:
        return f"{job.done_clips} of {job.all_clips}"  # type: ignore[attr-defined]

    @admin.display(description="waited")
    def waited(self, job: Job) -> str:
        return formatting.between(job.created_at, job.started_at or job.finished_at)

    @admin.display(description="took", ordering="rendering_time")
    def took(self, job: Job) -> str:
        return formatting.between(job.started_at, job.finished_at)

    @admin.display(description="worked on")
    def worked(self, job: Job) -> str:
        limit = formatting.duration(timedelta(seconds=job.timeout_seconds))
        return f"{formatting.duration(timedelta(seconds=job.worked_seconds))} of {limit}"

    @admin.display(description="problem")
    def problem_(self, job: Job) -> SafeString | str:
        return formatting.problem(job.error_code, job.error_message, job.error_hint)

    @admin.display(description="files")
    def files(self, job: Job) -> SafeString | str:
        return formatting.result_links(job)

    @admin.display(description="portrait")
    def portrait_(self, job: Job) -> SafeString | str:
        return formatting.portrait(job)

    @admin.display(description="script")
    def script_(self, job: Job) -> SafeString | str:
        """Return the beginning of the text; the sentences below are the whole of it."""
        beginning = Truncator(job.script).chars(MAX_SCRIPT_CHARACTERS, truncate=" …")
        return formatting.folded(f"{len(job.script):,} characters", beginning)

    # --- actions ---

    def get_urls(self) -> list[URLPattern]:
        def page(view: Any) -> Any:
            return self.admin_site.admin_view(view)

        own = [
            path("dashboard/", page(dashboard_page), name="talking_head_dashboard"),
            path("diagnosis/", page(diagnosis_page), name="talking_head_diagnosis"),
        ]
        return own + super().get_urls()

    def page_after(self, job: Job, result: Job, verb: str) -> str:
        return reverse("admin:talking_head_job_change", args=[result.pk])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        job = job_at(object_id)
        context = extra_context or {}
        if job is not None:
            context |= self._context_of(request, job)
        return super().change_view(request, object_id, form_url, context)

    def _context_of(self, request: HttpRequest, job: Job) -> dict[str, Any]:
        sentences = paged(request, _sentences_of(job), SENTENCES_A_PAGE, parameter="sentences", anchor="sentences")
        is_reviewable = job.state in REVIEWABLE_JOB_STATES
        return {
            "buttons": self._buttons_here(request, job),
            "trail": trail_of(job),
            "sentences": sentences,
            "sentence_rows": [_sentence(clip) for clip in sentences.rows],
            "review_url": reverse("admin:talking_head_failure_change", args=[job.pk]) if is_reviewable else "",
        }

    def _buttons_here(self, request: HttpRequest, job: Job) -> list[Button]:
        """Return the buttons of a job's page; reviews have their own page."""
        return [button for button in self.buttons(request, job) if button.verb in JOB_PAGE_VERBS]


def _sentences_of(job: Job) -> QuerySet[Clip]:
    """Return the sentences of a job, each with its latest attempts and the number of all of them."""
    latest = Attempt.objects.order_by("-started_at", "-pk")[: formatting.MAX_ATTEMPTS]
    attempts = Prefetch("attempts", queryset=latest, to_attr="latest_attempts")
    rows = job.clips.defer("result", "stages").prefetch_related(attempts)
    return rows.annotate(attempt_count=count_of(Attempt.objects.all(), "clip")).order_by("index")


def _sentence(clip: Clip) -> dict[str, Any]:
    """Return the cells of a sentence's row."""
    rendered_in = f"{clip.render_seconds:.1f} s" if clip.render_seconds is not None else formatting.NOTHING
    return {
        "number": clip.index + 1,
        "text": formatting.clip_text(clip),
        "state": formatting.clip_state(clip),
        "video": formatting.clip_video(clip),
        "rendered_in": rendered_in,
        "problem": formatting.problem(clip.error_code, clip.error_message, clip.error_hint),
        "attempts": formatting.attempts(clip),
    }
