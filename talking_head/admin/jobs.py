"""Jobs for administrators: see what failed and why, try again, cancel. Nobody edits a row by hand: states change only
through :mod:`talking_head.services`, which keep the rules of the lifecycle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.views.decorators.http import require_POST
from django_q.models import Failure, OrmQ, Schedule, Success

from talking_head import services
from talking_head.admin import display
from talking_head.admin.diagnosis import diagnosis_page
from talking_head.admin.filters import AgeFilter, DurationFilter
from talking_head.errors import TalkingHeadError
from talking_head.models import Clip, ClipState, Job
from talking_head.profiles import faster_than

# The task queue's own pages run any importable function for whoever may add a schedule: os.system, for one. Nothing
# there is needed, because jobs are started and mended here.
for queue_model in (Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(queue_model):
        admin.site.unregister(queue_model)


class ReadOnly:
    """For rows that only the renderer writes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ClipInline(ReadOnly, admin.TabularInline):
    model = Clip
    verbose_name_plural = "sentences"
    fields = ("number", "text_", "state_", "video", "rendered_in", "problem", "attempts_")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Clip]:
        return super().get_queryset(request).prefetch_related("attempts").order_by("index")

    @admin.display(description="#")
    def number(self, clip: Clip) -> int:
        return clip.index + 1

    @admin.display(description="sentence")
    def text_(self, clip: Clip) -> SafeString:
        return display.clip_text(clip)

    @admin.display(description="state")
    def state_(self, clip: Clip) -> SafeString:
        return display.clip_state(clip)

    @admin.display(description="video")
    def video(self, clip: Clip) -> SafeString | str:
        return display.clip_video(clip)

    @admin.display(description="rendered in")
    def rendered_in(self, clip: Clip) -> str:
        return f"{clip.render_seconds:.1f} s" if clip.render_seconds is not None else display.NOTHING

    @admin.display(description="error")
    def problem(self, clip: Clip) -> SafeString | str:
        return display.problem(clip.error_code, clip.error_message, clip.error_hint)

    @admin.display(description="attempts")
    def attempts_(self, clip: Clip) -> SafeString | str:
        return display.attempts(clip)


@admin.register(Job)
class JobAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("title_", "outcome", "progress", "owner", "profile", "age", "took")
    list_filter = (
        "state",
        ("error_code", admin.AllValuesFieldListFilter),
        "profile",
        AgeFilter,
        DurationFilter,
        "face",
        "priority",
    )
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = (
        "id",
        "title",
        "owner__username",
        "owner__email",
        "subject",
        "error_code",
        "error_message",
        "script",
    )
    search_help_text = "Title, text, owner, error, subject or number of a job"
    date_hierarchy = "created_at"
    actions = ("retry_selected", "retry_selected_faster", "cancel_selected")
    inlines = (ClipInline,)
    change_form_template = "admin/talking_head/job/change_form.html"
    fieldsets = (
        (None, {"fields": (("state_", "progress"), "problem_", "files", ("owner", "subject"))}),
        ("Times", {"fields": (("created_at", "waited"), ("started_at", "took"), ("finished_at", "deadline_at"))}),
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
                "fields": ("id", "seq", "fence", "publish_crashes", "lease_expires_at", "timeout_seconds", "stages"),
            },
        ),
    )

    class Media:
        css = {"all": ("talking_head/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return (
            super()
            .get_queryset(request)
            .annotate(
                done_clips=Count("clips", filter=Q(clips__state=ClipState.DONE)),
                all_clips=Count("clips"),
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
        return format_html('<span title="{}">{}</span>', job.created_at, display.between(job.created_at, None))

    @admin.display(description="state", ordering="state")
    def state_(self, job: Job) -> SafeString:
        return display.badge(job.state, job.get_state_display())

    @admin.display(description="sentences")
    def progress(self, job: Job) -> str:
        return f"{job.done_clips} of {job.all_clips}"  # type: ignore[attr-defined]

    @admin.display(description="waited")
    def waited(self, job: Job) -> str:
        return display.between(job.created_at, job.started_at or job.finished_at)

    @admin.display(description="took", ordering="rendering_time")
    def took(self, job: Job) -> str:
        return display.between(job.started_at, job.finished_at)

    @admin.display(description="problem")
    def problem_(self, job: Job) -> SafeString | str:
        return display.problem(job.error_code, job.error_message, job.suggestion)

    @admin.display(description="files")
    def files(self, job: Job) -> SafeString | str:
        return display.result_links(job)

    @admin.display(description="portrait")
    def portrait_(self, job: Job) -> SafeString | str:
        return display.portrait(job)

    @admin.display(description="script")
    def script_(self, job: Job) -> SafeString | str:
        return display.folded(f"{len(job.script):,} characters", job.script)

    # --- what can be done ---

    def has_mend_permission(self, request: HttpRequest) -> bool:
        """Trying again and cancelling change no row by hand, but they are a change."""
        return request.user.has_perm("talking_head.change_job")

    @admin.action(description="Try again", permissions=["mend"])
    def retry_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._for_each(request, jobs, "are tried again", self._retry)

    @admin.action(description="Try again with a faster profile", permissions=["mend"])
    def retry_selected_faster(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._for_each(request, jobs, "are tried again with a faster profile", self._retry_faster)

    @admin.action(description="Cancel", permissions=["mend"])
    def cancel_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._for_each(request, jobs, "are cancelled", self._cancel)

    def _for_each(
        self, request: HttpRequest, jobs: QuerySet[Job], done: str, change: Callable[[HttpRequest, Job], Job | None]
    ) -> None:
        """Does what can be done and says which job could not, and why."""
        changed = 0
        for job in jobs:
            try:
                changed += change(request, job) is not None
            except TalkingHeadError as error:
                self.message_user(request, f"{self.title_(job)}: {error}", messages.ERROR)
        level = messages.SUCCESS if changed else messages.WARNING
        self.message_user(request, f"{changed} of {len(jobs)} jobs {done}.", level)

    def _retry(self, request: HttpRequest, job: Job, profile: str | None = None) -> Job:
        again = services.retry_job(job, profile=profile)
        self.log_change(request, job, f"Tried again as {again.pk}, profile {again.profile}.")
        return again

    def _retry_faster(self, request: HttpRequest, job: Job) -> Job | None:
        faster = faster_than(job.profile)
        return self._retry(request, job, faster.name) if faster else None

    def _cancel(self, request: HttpRequest, job: Job) -> Job | None:
        if not services.cancel_job(job):
            return None
        self.log_change(request, job, "Cancelled.")
        return job

    # --- the buttons of one job's page ---

    def get_urls(self) -> list[URLPattern]:
        change = require_POST(self.admin_site.admin_view(self.change_one))
        own = [
            path("diagnosis/", self.admin_site.admin_view(diagnosis_page), name="talking_head_diagnosis"),
            path("<path:object_id>/do/<slug:verb>/", change, name="talking_head_job_do"),
        ]
        return own + super().get_urls()

    def change_one(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        if not self.has_mend_permission(request):
            raise PermissionDenied
        job = _job_at(object_id)
        if job is None:
            raise Http404
        verbs = {"retry": self._retry, "retry-faster": self._retry_faster, "cancel": self._cancel}
        changed: Job | None = None
        try:
            changed = verbs[verb](request, job) if verb in verbs else None
        except TalkingHeadError as error:
            self.message_user(request, str(error), messages.ERROR)
        if changed is not None:
            self.message_user(request, "Cancelled." if changed.pk == job.pk else "Tried again: this is the new job.")
        return redirect(reverse("admin:talking_head_job_change", args=[(changed or job).pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        job = _job_at(object_id)
        mendable = job is not None and self.has_mend_permission(request)
        buttons: list[tuple[str, str]] = []
        if mendable and job is not None and job.is_active:
            buttons = [("cancel", "Cancel")]
        elif mendable and job is not None:
            faster = faster_than(job.profile)
            buttons = [("retry", "Try again")] + ([("retry-faster", f"Try again with {faster.name}")] if faster else [])
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "buttons": buttons})


def _job_at(object_id: str) -> Job | None:
    """The job at an address of these pages, where anything may stand."""
    try:
        return Job.objects.filter(pk=UUID(unquote(object_id))).first()
    except ValueError:
        return None
