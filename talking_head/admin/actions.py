"""The buttons and bulk actions of jobs and failures. Each has a permission of its own, is asked for with POST, and goes
through :mod:`talking_head.services.reviews`, which records it and refuses what somebody else did meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from talking_head.admin.read_only import job_at
from talking_head.errors import OptionError, TalkingHeadError
from talking_head.models import ActionVerb, Job
from talking_head.services import reviews

MAX_BULK = 200  # jobs of one bulk action: each retry is checked like any request
DONE = {
    ActionVerb.RETRY: "Tried again: {link} is the new video.",
    ActionVerb.RETRY_FASTER: "Tried again with the profile {profile}: {link} is the new video.",
    ActionVerb.CANCEL: "Cancelled.",
    ActionVerb.REVIEW: "Marked as reviewed.",
    ActionVerb.REOPEN: "This failure is to be reviewed again.",
}


@dataclass(frozen=True, slots=True)
class Button:
    """``job`` is whom it acts on: on a failure's page, cancelling is about the newer try."""

    verb: str
    label: str
    job: Job
    is_first: bool = False

    @property
    def needs_reason(self) -> bool:
        return self.verb == ActionVerb.REVIEW


class ActsOnJobs(admin.ModelAdmin):
    """What the lists and pages of jobs have in common."""

    actions: Any = ("retry_selected", "retry_selected_faster", "cancel_selected")

    # --- rights: asked for the list of actions, for the buttons, and again when one is pressed ---

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return _may(request, ActionVerb.RETRY)

    def has_retry_faster_permission(self, request: HttpRequest) -> bool:
        return _may(request, ActionVerb.RETRY_FASTER)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return _may(request, ActionVerb.CANCEL)

    def has_review_permission(self, request: HttpRequest) -> bool:
        return _may(request, ActionVerb.REVIEW)

    # --- many at once ---

    @admin.action(description="Try again", permissions=["retry"])
    def retry_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, "are tried again", lambda job: _do(request, job, ActionVerb.RETRY, job.review_seq))

    @admin.action(description="Try again with a faster profile", permissions=["retry_faster"])
    def retry_selected_faster(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        words = "are tried again with a faster profile"
        self._each(request, jobs, words, lambda job: _do(request, job, ActionVerb.RETRY_FASTER, job.review_seq))

    @admin.action(description="Cancel", permissions=["cancel"])
    def cancel_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, "are cancelled", lambda job: _do(request, job, ActionVerb.CANCEL, job.review_seq))

    @admin.action(description="Cancel the newer try", permissions=["cancel"])
    def cancel_newer_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        def cancel(job: Job) -> None:
            newer = reviews.successor_of(job)
            if newer is None or not newer.is_active:
                raise OptionError("No newer try is being made.", code="job_ended")
            _do(request, newer, ActionVerb.CANCEL, newer.review_seq)

        self._each(request, jobs, "had a newer try that is cancelled", cancel)

    @admin.action(description="Mark as reviewed …", permissions=["review"])
    def review_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponseBase | None:
        """Asks for the reason on a page between, unless it was given."""
        reason = request.POST.get("reason", "").strip()
        if "reason" not in request.POST or not reason:
            context = {
                **self.admin_site.each_context(request),
                "title": "Mark as reviewed",
                "opts": self.opts,
                "jobs": jobs[:MAX_BULK],
                "count": jobs.count(),
                "is_missing": "reason" in request.POST,
                "select_across": request.POST.get("select_across", "0"),
                "media": self.media,
            }
            return TemplateResponse(request, "admin/talking_head/failure/review_selected.html", context)
        words = "are marked as reviewed"
        self._each(request, jobs, words, lambda job: _do(request, job, ActionVerb.REVIEW, job.review_seq, reason))
        return None

    @admin.action(description="Take the review back", permissions=["review"])
    def reopen_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        words = "are to be reviewed again"
        self._each(request, jobs, words, lambda job: _do(request, job, ActionVerb.REOPEN, job.review_seq))

    def _each(self, request: HttpRequest, jobs: QuerySet[Job], done: str, change: Callable[[Job], Any]) -> None:
        """Does what can be done, and says of which jobs it could not and why."""
        chosen, changed = list(jobs[: MAX_BULK + 1]), 0
        if len(chosen) > MAX_BULK:
            self.message_user(request, f"Choose at most {MAX_BULK} videos at a time.", messages.ERROR)
            return
        for job in chosen:
            try:
                change(job)
                changed += 1
            except TalkingHeadError as error:
                self.message_user(request, f"{job.title or 'Video'}: {error}", messages.ERROR)
        level = messages.SUCCESS if changed else messages.WARNING
        self.message_user(request, f"{changed} of {len(chosen)} jobs {done}.", level)

    # --- one ---

    def get_urls(self) -> list[URLPattern]:
        change = require_POST(self.admin_site.admin_view(self.change_one))
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        return [path("<path:object_id>/do/<slug:verb>/", change, name=name), *super().get_urls()]

    def change_one(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        if verb not in reviews.PERMISSIONS:
            raise Http404
        if not _may(request, verb):
            raise PermissionDenied
        job = job_at(object_id)
        if job is None:
            raise Http404
        try:
            result = _do(request, job, verb, _seen(request), request.POST.get("reason", ""))
        except TalkingHeadError as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect(self.page_after(job, job, ""))
        self.message_user(request, _done(verb, result), messages.SUCCESS)
        return redirect(self.page_after(job, result, verb))

    def page_after(self, job: Job, result: Job, verb: str) -> str:
        """Where to go when ``verb`` led to ``result``; no verb means that it was refused."""
        raise NotImplementedError

    def buttons(self, request: HttpRequest, job: Job, first: str = "") -> list[Button]:
        """What this person may do with the job now; ``first`` is what is suggested."""
        possible = [verb for verb in reviews.possible_verbs(job) if _may(request, verb)]
        faster = reviews.faster_profile(job)
        labels: dict[str, str] = {
            ActionVerb.RETRY: "Try again",
            ActionVerb.RETRY_FASTER: f"Try again with {faster.name}" if faster else "",
            ActionVerb.CANCEL: "Cancel",
            ActionVerb.REVIEW: "Mark as reviewed",
            ActionVerb.REOPEN: "Take the review back",
        }
        return [Button(verb, labels[verb], job, verb == first) for verb in possible]


def _may(request: HttpRequest, verb: str) -> bool:
    return request.user.is_authenticated and reviews.may_act(request.user, verb)


def _do(request: HttpRequest, job: Job, verb: str, seen: int, reason: str = "") -> Job:
    assert request.user.is_authenticated  # admin_view has seen to it
    return reviews.act(job, verb, request.user, seen=seen, reason=reason)


def _seen(request: HttpRequest) -> int:
    """The sight that the button was on; a request without one is as good as an old sight."""
    try:
        return int(request.POST.get("seen", ""))
    except ValueError:
        return -1


def _done(verb: str, result: Job) -> SafeString:
    address = reverse("admin:talking_head_job_change", args=[result.pk])
    link = format_html('<a href="{}">{}</a>', address, result.title or "this one")
    return format_html(DONE[ActionVerb(verb)], link=link, profile=result.profile)
