"""The buttons and bulk actions of jobs and failures. Each needs its own permission, is sent with POST, and goes through
:mod:`talking_head.services.reviews`, which records it and refuses it if another administrator acted in the meantime."""

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

from edu_platform.admin_lists import LongList
from talking_head.admin.read_only import job_at
from talking_head.admin.search import SEARCH_HELP, found
from talking_head.errors import OptionError, TalkingHeadError
from talking_head.models import ActionVerb, Job
from talking_head.services import reviews

MAX_BULK = 200  # jobs of one bulk action: each retry is checked like any request
SUCCESS_MESSAGES = {
    ActionVerb.RETRY: "Retried: {link} is the new video.",
    ActionVerb.RETRY_FASTER: "Retried with the profile {profile}: {link} is the new video.",
    ActionVerb.CANCEL: "Cancelled.",
    ActionVerb.REVIEW: "Marked as reviewed.",
    ActionVerb.REOPEN: "Reopened: this failure needs another review.",
}


@dataclass(frozen=True, slots=True)
class Button:
    """A button that does ``verb`` to ``job``: on a failure's page, cancelling is about the retry."""

    verb: str
    label: str
    job: Job
    is_first: bool = False

    @property
    def needs_reason(self) -> bool:
        """Return whether the button comes with a field for a reason."""
        return self.verb == ActionVerb.REVIEW


class ActsOnJobs(LongList):
    """The actions that the lists and pages of jobs and failures share."""

    actions: Any = ("retry_selected", "retry_selected_faster", "cancel_selected")
    search_fields = ("title",)  # that there is a search field; what it finds is in search.py
    search_help_text = SEARCH_HELP

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return found(queryset, search_term), False

    # --- permissions: checked for the list of actions, for the buttons, and again when one is pressed ---

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return _may_act(request, ActionVerb.RETRY)

    def has_retry_faster_permission(self, request: HttpRequest) -> bool:
        return _may_act(request, ActionVerb.RETRY_FASTER)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return _may_act(request, ActionVerb.CANCEL)

    def has_review_permission(self, request: HttpRequest) -> bool:
        return _may_act(request, ActionVerb.REVIEW)

    # --- bulk actions ---

    @admin.action(description="Retry", permissions=["retry"])
    def retry_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._apply(request, jobs, "retried", lambda job: _act(request, job, ActionVerb.RETRY, job.review_seq))

    @admin.action(description="Retry with a faster profile", permissions=["retry_faster"])
    def retry_selected_faster(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        done = "retried with a faster profile"
        self._apply(request, jobs, done, lambda job: _act(request, job, ActionVerb.RETRY_FASTER, job.review_seq))

    @admin.action(description="Cancel", permissions=["cancel"])
    def cancel_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._apply(request, jobs, "cancelled", lambda job: _act(request, job, ActionVerb.CANCEL, job.review_seq))

    @admin.action(description="Cancel the retry", permissions=["cancel"])
    def cancel_newer_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        def cancel(job: Job) -> None:
            retry = reviews.successor_of(job)
            if retry is None or not retry.is_active:
                raise OptionError("No retry of this video is running.", code="job_ended")
            _act(request, retry, ActionVerb.CANCEL, retry.review_seq)

        self._apply(request, jobs, "had their retry cancelled", cancel)

    @admin.action(description="Mark as reviewed …", permissions=["review"])
    def review_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponseBase | None:
        """Ask for the reason on an intermediate page, unless it was sent."""
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
        done = "marked as reviewed"
        self._apply(request, jobs, done, lambda job: _act(request, job, ActionVerb.REVIEW, job.review_seq, reason))
        return None

    @admin.action(description="Reopen", permissions=["review"])
    def reopen_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._apply(request, jobs, "reopened", lambda job: _act(request, job, ActionVerb.REOPEN, job.review_seq))

    def _apply(self, request: HttpRequest, jobs: QuerySet[Job], done: str, change: Callable[[Job], Any]) -> None:
        """Change every job that can be changed, and report each other one with the reason."""
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

    # --- one job ---

    def get_urls(self) -> list[URLPattern]:
        change = require_POST(self.admin_site.admin_view(self.change_one))
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        return [path("<path:object_id>/do/<slug:verb>/", change, name=name), *super().get_urls()]

    def change_one(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        if verb not in reviews.PERMISSIONS:
            raise Http404
        if not _may_act(request, verb):
            raise PermissionDenied
        job = job_at(object_id)
        if job is None:
            raise Http404
        try:
            result = _act(request, job, verb, _seen_review_seq(request), request.POST.get("reason", ""))
        except TalkingHeadError as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect(self.page_after(job, job, ""))
        self.message_user(request, _success_message(verb, result), messages.SUCCESS)
        return redirect(self.page_after(job, result, verb))

    def page_after(self, job: Job, result: Job, verb: str) -> str:
        """Return the URL to show after ``verb`` led to ``result``; an empty verb means that it was refused."""
        raise NotImplementedError

    def buttons(self, request: HttpRequest, job: Job, first: str = "") -> list[Button]:
        """Return the buttons for what this user may do with the job now; ``first`` is the suggested verb."""
        possible = [verb for verb in reviews.possible_verbs(job) if _may_act(request, verb)]
        faster = reviews.faster_profile(job)
        labels: dict[str, str] = {
            ActionVerb.RETRY: "Retry",
            ActionVerb.RETRY_FASTER: f"Retry with {faster.name}" if faster else "",
            ActionVerb.CANCEL: "Cancel",
            ActionVerb.REVIEW: "Mark as reviewed",
            ActionVerb.REOPEN: "Reopen",
        }
        return [Button(verb, labels[verb], job, verb == first) for verb in possible]


def _may_act(request: HttpRequest, verb: str) -> bool:
    return request.user.is_authenticated and reviews.may_act(request.user, verb)


def _act(request: HttpRequest, job: Job, verb: str, seen: int, reason: str = "") -> Job:
    assert request.user.is_authenticated  # admin_view guarantees it
    return reviews.act(job, verb, request.user, seen=seen, reason=reason)


def _seen_review_seq(request: HttpRequest) -> int:
    """Return the ``review_seq`` that the page showed, or -1, which counts as outdated, for a request without one."""
    try:
        return int(request.POST.get("seen", ""))
    except ValueError:
        return -1


def _success_message(verb: str, result: Job) -> SafeString:
    address = reverse("admin:talking_head_job_change", args=[result.pk])
    link = format_html('<a href="{}">{}</a>', address, result.title or "this one")
    return format_html(SUCCESS_MESSAGES[ActionVerb(verb)], link=link, profile=result.profile)
