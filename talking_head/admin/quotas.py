"""Quotas for administrators: the only rows of the renderer that are edited by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils import timezone

from edu_platform.admin_lists import LongList
from talking_head.models import Quota
from talking_head.planning import quotas


@admin.register(Quota)
class QuotaAdmin(LongList):
    list_display = ("owner", "jobs", "minutes")
    list_select_related = ("owner",)
    search_fields = ("owner__username", "owner__email")
    autocomplete_fields = ("owner",)
    fields = ("owner", "jobs_in_flight", "minutes_a_day", "jobs", "minutes")
    readonly_fields = ("jobs", "minutes")

    def get_readonly_fields(self, request: HttpRequest, obj: Quota | None = None) -> tuple[str, ...]:
        """Return the read-only fields: the owner of an existing quota does not change."""
        return ("owner", *self.readonly_fields) if obj else self.readonly_fields

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _QuotasWithUsage

    @admin.display(description="videos being made")
    def jobs(self, quota: Quota) -> str:
        if quota.pk is None:
            return "-"
        return _of(str(_usage_of(quota).jobs), quotas.limits_of(quota).jobs_in_flight)

    @admin.display(description="minutes of new video today")
    def minutes(self, quota: Quota) -> str:
        if quota.pk is None:
            return "-"
        return _of(f"{_usage_of(quota).seconds / 60:.1f}", quotas.limits_of(quota).minutes_a_day)


@dataclass(frozen=True, slots=True)
class _Usage:
    jobs: int
    seconds: float


class _QuotasWithUsage(ChangeList):
    """The list, which reads the usage of all owners on a page together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        _add_usage(self.result_list)


def _add_usage(rows: Sequence[Any]) -> None:
    owners = [quota.owner_id for quota in rows]
    seconds = quotas.seconds_used_by(owners, quotas.day_of(timezone.now())[0])
    jobs = quotas.jobs_in_flight_of(owners)
    for quota in rows:
        quota.usage = _Usage(jobs[quota.owner_id], seconds[quota.owner_id])


def _usage_of(quota: Quota) -> _Usage:
    if not hasattr(quota, "usage"):  # the page of one quota
        _add_usage([quota])
    usage: _Usage = quota.usage  # type: ignore[attr-defined]
    return usage


def _of(used: str, limit: int) -> str:
    return f"{used} of {limit}" if limit else f"{used}, no limit"
