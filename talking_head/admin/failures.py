"""Failures for administrators: the list to work through, and a page that explains one of them and offers remedies."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from edu_platform.admin_lists import chosen
from talking_head.admin import formatting
from talking_head.admin.actions import ActsOnJobs, Button
from talking_head.admin.audit_log import trail_of
from talking_head.admin.filters import (
    AgeFilter,
    ErrorCodeFilter,
    FaceFilter,
    OutcomeFilter,
    ProfileFilter,
    ReviewedFilter,
    SpeechFilter,
    StageFilter,
)
from talking_head.admin.read_only import ReadOnly, job_at
from talking_head.errors import words_for_teachers
from talking_head.models import REVIEWABLE_JOB_STATES, ActionVerb, Attempt, Failure, Job, JobState
from talking_head.monitoring import failure_report
from talking_head.services import reviews

OUTCOMES: dict[str, str] = {JobState.FAILED: "Failed", JobState.FALLBACK: "Fallbacks"}


@admin.register(Failure)
class FailureAdmin(ReadOnly, ActsOnJobs):
    list_display = ("title_", "state_", "error_code", "ended", "owner", "stage_", "profile", "face", "reviewed")
    list_filter = (
        ReviewedFilter,
        OutcomeFilter,
        ErrorCodeFilter,
        StageFilter,
        ProfileFilter,
        FaceFilter,
        SpeechFilter,
        chosen("owner", "owner"),
        AgeFilter,
    )
    list_select_related = ("owner",)
    ordering = ("-finished_at", "-pk")
    actions = (
        "review_selected",
        "retry_selected",
        "retry_selected_faster",
        "cancel_newer_selected",
        "reopen_selected",
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may view jobs, because a failure is a job."""
        return request.user.has_perm("talking_head.view_job")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Failure]:
        failed_attempts = Attempt.objects.filter(clip__job=OuterRef("pk")).exclude(error_code="").order_by("-pk")
        return (
            super()
            .get_queryset(request)
            .filter(state__in=REVIEWABLE_JOB_STATES)
            .annotate(stage=Subquery(failed_attempts.values("stage")[:1]), took=F("finished_at") - F("created_at"))
        )

    # --- columns ---

    @admin.display(description="video", ordering="title")
    def title_(self, job: Failure) -> str:
        return Truncator(job.title or "Video").chars(60)

    @admin.display(description="outcome", ordering="state")
    def state_(self, job: Failure) -> SafeString:
        return formatting.badge(job.state, OUTCOMES[job.state])

    @admin.display(description="stage", ordering="stage")
    def stage_(self, job: Failure) -> str:
        return job.stage or formatting.NOTHING  # type: ignore[attr-defined]

    @admin.display(description="ended", ordering="finished_at")
    def ended(self, job: Failure) -> SafeString:
        return format_html('<span title="{}">{} ago</span>', job.finished_at, formatting.between(job.finished_at, None))

    @admin.display(description="reviewed", boolean=True, ordering="reviewed_at")
    def reviewed(self, job: Failure) -> bool:
        return job.reviewed_at is not None

    # --- one failure ---

    def page_after(self, job: Job, result: Job, verb: str) -> str:
        """Return the URL of the next failure after a review, else of the failure that the action was about."""
        if verb == ActionVerb.REVIEW:
            newer, older = failure_report.adjacent_failures(job)
            upcoming = older or newer
            return _page(upcoming) if upcoming else reverse("admin:talking_head_failure_changelist")
        if job.state in REVIEWABLE_JOB_STATES:
            return _page(job)
        # The retry was cancelled.
        origin = job.asked_for_by.order_by("-pk").values_list("job_id", flat=True).first()
        return reverse("admin:talking_head_failure_change", args=[origin or job.pk])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request) or request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        job = job_at(object_id)
        if job is None or job.state not in REVIEWABLE_JOB_STATES:
            raise Http404
        report = failure_report.report(job)
        newer, older = failure_report.adjacent_failures(job)
        successor = reviews.successor_of(job)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": report.headline,
            "teacher_words": words_for_teachers(job.error_code, job.error_message, job.error_hint),
            "job": job,
            "report": report,
            "figures": _figures(job, report.figures),
            "buttons": self._buttons_here(request, job, successor, report.remedy.verb),
            "trail": trail_of(job),
            "successor": successor,
            "newer": newer,
            "older": older,
            "left": formatting.at_most(failure_report.count_unreviewed(), failure_report.MAX_COUNTED),
            "media": self.media,
        }
        return TemplateResponse(request, "admin/talking_head/failure/change_form.html", context)

    def _buttons_here(self, request: HttpRequest, job: Job, successor: Job | None, first: str) -> list[Button]:
        buttons = self.buttons(request, job, first)
        if successor is not None and successor.is_active and self.has_cancel_permission(request):
            buttons.insert(0, Button(ActionVerb.CANCEL, "Cancel the retry", successor))
        return buttons


def _page(job: Job) -> str:
    return reverse("admin:talking_head_failure_change", args=[job.pk])


def _figures(job: Job, metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the metrics as labels and values with units; what was not measured is left out."""
    used = metrics["resources"]
    stages = {name: seconds for name, seconds in metrics["stages"].items() if seconds}
    rows = [
        ("Waited", formatting.duration(failure_report.waited(job))),
        ("Worked on", formatting.between(job.started_at, job.finished_at) if job.started_at else formatting.NOTHING),
        ("Time limit", f"{metrics['timeout_seconds']:.0f} s"),
        (
            "Sentences",
            f"{sum(clip['state'] == 'done' for clip in metrics['clips'])} of {len(metrics['clips'])} rendered",
        ),
        ("Video", f"{metrics['video_seconds']:.1f} s" if metrics["video_seconds"] else ""),
        ("Rendering time per second of video", f"{factor:.2f} s" if (factor := metrics["real_time_factor"]) else ""),
        ("CPU", f"{used['cpu_percent']:.0f} % of a core" if used["cpu_percent"] is not None else ""),
        ("Peak memory", formatting.amount(used["rss_peak_bytes"])),
        ("GPU", _gpu(used["gpu"])),
        ("Seconds by stage", ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.items())),
        ("Engines", f"{job.speech}, {job.face}"),
        ("Profile", f"{job.profile} {job.profile_reason}".strip()),
    ]
    return [(label, words) for label, words in rows if words]


def _gpu(gpu: dict[str, Any]) -> str:
    return f"{gpu['name']}, {formatting.amount(gpu.get('memory_peak_bytes'))}" if gpu.get("available") else ""
