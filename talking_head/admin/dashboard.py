"""The administrators' dashboard: :mod:`talking_head.monitoring.dashboard_stats` as a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from talking_head.admin import formatting
from talking_head.admin.charts import Chart, StackedPart, bar_chart
from talking_head.models import JobState
from talking_head.monitoring import dashboard_stats
from talking_head.monitoring.dashboard_stats import SPANS, Bar, Overview, ProfileFigures, Times, TimeSpan
from talking_head.monitoring.failure_report import MAX_COUNTED
from talking_head.monitoring.prometheus import Reused
from talking_head.monitoring.remedies import remedy_for

DEFAULT_SPAN = "day"
REUSED_FOR_SECONDS = 30.0
NARROW = "\u202f"  # a space at which no line breaks
ROUND_SECONDS = (1, 2, 10, 20, 60, 120, 240, 600, 1_200, 3_600, 7_200, 14_400, 43_200, 86_400)
# label, tone, states that are counted together; the lowest part of a bar comes first
OUTCOMES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Completed", "good", (JobState.COMPLETED,)),
    ("With fallbacks", "warn", (JobState.FALLBACK,)),
    ("Failed", "bad", (JobState.FAILED,)),
    ("Cancelled", "calm", (JobState.CANCELLED,)),
    ("In progress", "busy", (JobState.QUEUED, JobState.RUNNING, JobState.PUBLISHING)),
)


# The overview of a month takes a second or more on a large site, so reloads within that time show the same statistics.
# The present is always read afresh.
_overviews = {span.name: Reused(partial(dashboard_stats.overview, span), REUSED_FOR_SECONDS) for span in SPANS.values()}


def forget() -> None:
    """Drop the kept overviews, so that the next request reads the database."""
    for overview in _overviews.values():
        overview.clear()


@never_cache
@require_safe
def dashboard_page(request: HttpRequest) -> HttpResponse:
    """Show the present and the statistics of one time span."""
    if not request.user.has_perm("talking_head.view_job"):
        raise PermissionDenied
    span = SPANS.get(request.GET.get("span", ""), SPANS[DEFAULT_SPAN])
    overview: Overview = _overviews[span.name].get()
    present = dashboard_stats.present()
    oldest = present.oldest_wait_seconds
    context = {
        **admin.site.each_context(request),
        "title": "Dashboard",
        "spans": SPANS.values(),
        "span": span,
        "overview": overview,
        "present": present,
        "to_review": formatting.at_most(present.to_review, MAX_COUNTED) or "0",
        "oldest_wait": seconds(oldest) if oldest is not None else formatting.NOTHING,
        "whole": _profile_row(overview.everything, "All"),
        "profiles": [_profile_row(figures, figures.profile) for figures in overview.profiles],
        "requests_chart": _requests_chart(overview),
        "charts": [chart for chart in _resource_charts(overview) if not chart.is_empty],
        "errors": [
            {"figures": error, "meaning": remedy_for(error.code).meaning, "url": _failures_url(error.code, span)}
            for error in overview.errors
        ],
    }
    return TemplateResponse(request, "admin/talking_head/dashboard.html", context)


def seconds(value: float) -> str:
    """Return a duration such as "4.2 s", "3 min 05 s" or "2 h 10 min"."""
    if value == 0:
        return "0 s"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _failures_url(code: str, span: TimeSpan) -> str:
    """Return the URL of the failures with this error code in the same span, reviewed or not."""
    query = urlencode({"error_code": code, "reviewed": "all", "age": span.name})
    return f"{reverse('admin:talking_head_failure_changelist')}?{query}"


def _profile_row(figures: ProfileFigures, name: str) -> dict[str, str]:
    def share(state: str) -> str:
        value = figures.share(state)
        return f"{figures.states[state]:,} ({100 * value:.1f}{NARROW}%)" if value is not None else formatting.NOTHING

    def pair(times: Times | None, format_value: Callable[[float], str]) -> tuple[str, str]:
        return (
            (format_value(times.mean), format_value(times.p95)) if times else (formatting.NOTHING, formatting.NOTHING)
        )

    total, waiting = pair(figures.total, seconds), pair(figures.waiting, seconds)
    factor = pair(figures.real_time_factor, lambda value: f"{value:.2f}")
    return {
        "name": name,
        "requests": f"{figures.requests:,}",
        "completed": share(JobState.COMPLETED),
        "fallback": share(JobState.FALLBACK),
        "failed": share(JobState.FAILED),
        "total_mean": total[0],
        "total_p95": total[1],
        "waiting_mean": waiting[0],
        "waiting_p95": waiting[1],
        "factor_mean": factor[0],
        "factor_p95": factor[1],
    }


# --- charts ----------------------------------------------------------------------------------------------------------


def _labels(overview: Overview) -> list[str]:
    by_day = overview.span.bar_hours == 24
    return [date_format(bar.start, "j M" if by_day else "j M H:i") for bar in overview.bars]


def _requests_chart(overview: Overview) -> Chart:
    def rate(bar: Bar, states: tuple[str, ...]) -> float:
        return sum(bar.states[state] for state in states) / max(1, bar.hours)

    parts = [StackedPart(label, tone, [rate(bar, states) for bar in overview.bars]) for label, tone, states in OUTCOMES]
    return bar_chart("requests", "Requests per hour", _labels(overview), parts, lambda value: f"{value:.3g}")


def _resource_charts(overview: Overview) -> list[Chart]:
    labels = _labels(overview)

    def chart(
        name: str,
        title: str,
        value_of: Callable[[Bar], float | None],
        format_value: Callable[[float], str],
        steps: Sequence[float] = (),
    ) -> Chart:
        return bar_chart(
            name,
            title,
            labels,
            [StackedPart(title, "busy", [value_of(bar) for bar in overview.bars])],
            format_value,
            steps,
        )

    def amount(size_bytes: float) -> str:
        return formatting.amount(size_bytes) or "0"

    return [
        chart("wait", "Longest wait for a worker", lambda bar: bar.longest_wait_seconds, seconds, ROUND_SECONDS),
        chart("memory", "Peak memory of a renderer", lambda bar: bar.rss_peak_bytes, amount),
        chart("cpu", "CPU use of a renderer", lambda bar: bar.cpu_percent, lambda value: f"{value:.0f} %"),
        chart("gpu", "Peak GPU memory", lambda bar: bar.gpu_peak_bytes, amount),
    ]
