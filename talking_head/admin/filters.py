"""Filters of the lists of jobs and failures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format

from talking_head.engines.registry import ENGINES
from talking_head.models import REVIEWABLE_JOB_STATES, Attempt, Job
from talking_head.monitoring.failure_report import STAGES, to_review
from talking_head.profiles import PROFILES


class AgeFilter(admin.SimpleListFilter):
    title = "age"
    parameter_name = "age"
    spans = {
        "hour": ("Last hour", timedelta(hours=1)),
        "day": ("Last 24 hours", timedelta(days=1)),
        "week": ("Last 7 days", timedelta(days=7)),
        "month": ("Last 30 days", timedelta(days=30)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [*((name, label) for name, (label, _span) in self.spans.items()), ("older", "Older")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        value = self.value() or ""
        if value == "older":
            return queryset.filter(created_at__lt=timezone.now() - self.spans["month"][1])
        if value in self.spans:
            return queryset.filter(created_at__gte=timezone.now() - self.spans[value][1])
        return queryset


class KnownValues(admin.SimpleListFilter):
    """The values of a column that this release knows; looking for those that occur would read every job."""

    values: tuple[str, ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(value, value) for value in self.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class ProfileFilter(KnownValues):
    title = parameter_name = "profile"
    values = tuple(PROFILES)


class FaceFilter(KnownValues):
    title = parameter_name = "face"
    values = tuple(ENGINES["face"])


class SpeechFilter(KnownValues):
    title = parameter_name = "speech"
    values = tuple(ENGINES["speech"])


class MonthFilter(admin.SimpleListFilter):
    """The months in which jobs were submitted, the newest first. Only the oldest and the newest job are looked up."""

    title = "month"
    parameter_name = "month"
    max_months = 24

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        times = Job.objects.aggregate(oldest=Min("created_at"), newest=Max("created_at"))
        if times["oldest"] is None:
            return []
        month, oldest = _month_of(times["newest"]), _month_of(times["oldest"])
        months: list[tuple[str, str]] = []
        while month >= oldest and len(months) < self.max_months:
            months.append((f"{month:%Y-%m}", date_format(month, "F Y")))
            month = _month_of(month - timedelta(days=1))
        return months

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        try:
            start = timezone.make_aware(datetime.strptime(self.value() or "", "%Y-%m"))
        except ValueError:
            return queryset
        return queryset.filter(created_at__gte=start, created_at__lt=_month_of(start + timedelta(days=32)))


def _month_of(moment: datetime) -> datetime:
    """Return the beginning of the month, in the site's time zone."""
    local = timezone.localtime(moment)
    return timezone.make_aware(datetime(local.year, local.month, 1))


class DurationFilter(admin.SimpleListFilter):
    """Time from the first clip's start to the end of the job; of running ones, so far."""

    title = "duration"
    parameter_name = "duration"
    bounds = {
        "short": ("Under 1 minute", timedelta(0), timedelta(minutes=1)),
        "medium": ("1 to 5 minutes", timedelta(minutes=1), timedelta(minutes=5)),
        "long": ("5 to 15 minutes", timedelta(minutes=5), timedelta(minutes=15)),
        "very_long": ("Over 15 minutes", timedelta(minutes=15), timedelta(days=10_000)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [*((name, label) for name, (label, *_bounds) in self.bounds.items()), ("late", "Used up their time")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        value, now = self.value() or "", timezone.now()
        if value == "late":
            return queryset.filter(worked_seconds__gte=F("timeout_seconds"))
        if value not in self.bounds:
            return queryset
        _label, least, most = self.bounds[value]
        ended = Q(finished_at__gte=F("started_at") + least, finished_at__lt=F("started_at") + most)
        running = Q(
            finished_at=None, started_at__lte=now - least, started_at__gt=now - min(most, timedelta(days=3_650))
        )
        return queryset.filter(ended | running)


class ErrorCodeFilter(admin.SimpleListFilter):
    """The error codes in the list; most jobs have none."""

    title = "error"
    parameter_name = "error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        # `~Q`, as in the condition of the index that this is read from.
        codes = model_admin.get_queryset(request).filter(~Q(error_code="")).order_by("error_code")
        return [(code, code) for code in codes.values_list("error_code", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.filter(error_code=self.value()) if self.value() else queryset


class ReviewedFilter(admin.SimpleListFilter):
    """Failures that still ask for an administrator, unless the administrator chooses others."""

    title = "review"
    parameter_name = "reviewed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("yes", "Reviewed"), ("all", "All")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        for value, label in [(None, "To review"), *self.lookup_choices]:
            chosen = {} if value is None else {self.parameter_name: value}
            query = changelist.get_query_string(chosen, [self.parameter_name] if value is None else [])
            yield {"selected": self.value() == value, "query_string": query, "display": label}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        if self.value() == "all":
            return queryset
        return queryset.filter(to_review() if self.value() != "yes" else Q(reviewed_at__isnull=False))


class OutcomeFilter(admin.SimpleListFilter):
    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(state.value, state.label) for state in REVIEWABLE_JOB_STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class StageFilter(admin.SimpleListFilter):
    """The stage in which an attempt failed."""

    title = "stage"
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(stage, stage.capitalize()) for stage in STAGES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        stage = self.value()
        if stage == "publish":  # no sentence is to blame
            return queryset.filter(~Exists(_failed_attempts()))
        return queryset.filter(Exists(_failed_attempts().filter(stage=stage))) if stage else queryset


def _failed_attempts() -> QuerySet[Attempt]:
    return Attempt.objects.filter(clip__job=OuterRef("pk")).exclude(error_code="")
