"""Quotas for administrators: the only rows of the renderer that are edited by hand."""

from __future__ import annotations

from django.contrib import admin
from django.db.models.functions import Now
from django.http import HttpRequest

from talking_head.models import ACTIVE_JOB_STATES, Job, Quota
from talking_head.planning import quotas


@admin.register(Quota)
class QuotaAdmin(admin.ModelAdmin):
    list_display = ("owner", "jobs", "minutes")
    list_select_related = ("owner",)
    search_fields = ("owner__username", "owner__email")
    autocomplete_fields = ("owner",)
    fields = ("owner", "jobs_in_flight", "minutes_a_day", "jobs", "minutes")
    readonly_fields = ("jobs", "minutes")
    list_per_page = 50

    def get_readonly_fields(self, request: HttpRequest, obj: Quota | None = None) -> tuple[str, ...]:
        """Return the read-only fields: the owner of an existing quota does not change."""
        return ("owner", *self.readonly_fields) if obj else self.readonly_fields

    @admin.display(description="videos being made")
    def jobs(self, quota: Quota) -> str:
        if quota.pk is None:
            return "-"
        count = Job.objects.filter(owner=quota.owner_id, state__in=ACTIVE_JOB_STATES).count()
        return _of(str(count), quotas.limits_of(quota).jobs_in_flight)

    @admin.display(description="minutes of new video today")
    def minutes(self, quota: Quota) -> str:
        if quota.pk is None:
            return "-"
        now = Quota.objects.annotate(now=Now()).values_list("now", flat=True).get(pk=quota.pk)
        seconds = quotas.seconds_used(quota.owner_id, quotas.day_of(now)[0])
        return _of(f"{seconds / 60:.1f}", quotas.limits_of(quota).minutes_a_day)


def _of(used: str, limit: int) -> str:
    return f"{used} of {limit}" if limit else f"{used}, no limit"
