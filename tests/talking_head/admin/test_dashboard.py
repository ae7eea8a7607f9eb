"""The dashboard: figures that are those of the rows, charts that say them, and a page for empty and large sites."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from talking_head.admin import dashboard
from talking_head.admin.charts import StackedPart, bar_chart, ceiling
from talking_head.models import AttemptOutcome, Clip, Job, JobState
from talking_head.monitoring import dashboard_stats
from talking_head.monitoring.dashboard_stats import SPANS, overview, present
from tests.talking_head.admin.failures import make_attempt, make_failure
from tests.talking_head.rows import make_job

pytestmark = pytest.mark.django_db
PAGE = "/admin/talking_head/job/dashboard/"
NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh_figures() -> Iterator[None]:
    dashboard.forget()
    yield
    dashboard.forget()


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def ended(hours_ago: float, *, waited: float = 5.0, worked: float = 10.0, **fields: Any) -> Job:
    """A job that was asked for then, waited and was worked on for so many seconds."""
    asked = timezone.now() - timedelta(hours=hours_ago)
    started = asked + timedelta(seconds=waited)
    values: dict[str, Any] = {"state": JobState.COMPLETED, "video_seconds": 10.0, "sentences": ("One.",), **fields}
    job = make_job(started_at=started, finished_at=started + timedelta(seconds=worked), **values)
    Job.objects.filter(pk=job.pk).update(created_at=asked)
    return job


class TestRequests:
    def test_they_are_counted_in_their_hour_by_what_became_of_them(self, at_noon: None) -> None:
        for state in (JobState.COMPLETED, JobState.COMPLETED, JobState.FAILED):
            ended(2, state=state)
        ended(3, state=JobState.CANCELLED)
        ended(25)  # before the span
        bars = {bar.start.hour: bar for bar in overview(SPANS["day"]).bars if bar.requests}
        assert set(bars) == {9, 10}
        assert dict(bars[10].states) == {"completed": 2, "failed": 1}
        assert (bars[10].requests, bars[10].hours) == (3, 1)

    def test_longer_bars_say_how_many_an_hour(self, at_noon: None) -> None:
        for _ in range(12):
            ended(24 * 3)
        (bar,) = [bar for bar in overview(SPANS["month"]).bars if bar.requests]
        assert (bar.start.date().isoformat(), bar.hours, bar.requests) == ("2026-03-07", 24, 12)

    def test_bars_are_of_local_time(self, at_noon: None, settings: Settings) -> None:
        settings.TIME_ZONE = "Asia/Kolkata"
        with timezone.override("Asia/Kolkata"):
            ended(2)  # 10:30 UTC is 16:00 there
            (bar,) = [bar for bar in overview(SPANS["day"]).bars if bar.requests]
        assert (bar.start.hour, bar.start.minute) == (16, 0)

    @pytest.mark.parametrize("month", [3, 10])
    def test_the_days_on_which_clocks_change_lose_nothing(
        self, monkeypatch: pytest.MonkeyPatch, settings: Settings, month: int
    ) -> None:
        changed = {3: datetime(2026, 3, 29, 12, tzinfo=UTC), 10: datetime(2026, 10, 25, 12, tzinfo=UTC)}[month]
        monkeypatch.setattr(timezone, "now", lambda: changed)
        with timezone.override("Europe/Berlin"):
            for hour in range(24):
                ended(hour + 0.1)
            bars = overview(SPANS["day"]).bars
        assert sum(bar.requests for bar in bars) == 24
        assert sum(bar.hours for bar in bars) == 25  # the span touches one hour more


class TestProfiles:
    def test_shares_are_of_those_that_ended_by_themselves(self) -> None:
        for state in (JobState.COMPLETED, JobState.COMPLETED, JobState.FALLBACK, JobState.FAILED):
            ended(1, state=state, profile="fast")
        for state in (JobState.CANCELLED, JobState.RUNNING):
            ended(1, state=state, profile="fast")
        fast = next(figures for figures in overview(SPANS["day"]).profiles if figures.profile == "fast")
        assert (fast.requests, fast.ended) == (6, 4)
        assert [fast.share(state) for state in ("completed", "fallback", "failed")] == [0.5, 0.25, 0.25]

    def test_times_run_from_asking_to_the_end(self) -> None:
        for worked in range(1, 21):
            ended(1, waited=2.0, worked=float(worked), profile="quality")
        quality = next(figures for figures in overview(SPANS["day"]).profiles if figures.profile == "quality")
        assert quality.total is not None
        assert quality.waiting is not None
        assert quality.real_time_factor is not None
        assert (quality.total.count, quality.total.p95) == (20, 21.0)
        assert quality.total.mean == pytest.approx(12.5)
        assert quality.waiting.mean == pytest.approx(2.0)
        assert quality.real_time_factor.p95 == pytest.approx(1.9)

    def test_a_failed_job_has_no_real_time_factor(self) -> None:
        ended(1, state=JobState.FAILED)
        assert overview(SPANS["day"]).everything.real_time_factor is None

    def test_a_profile_that_nobody_asked_for_has_no_figures(self) -> None:
        figures = overview(SPANS["day"]).profiles[0]
        assert (figures.requests, figures.share("failed"), figures.total) == (0, None, None)


class TestErrors:
    def test_they_are_ranked_by_what_they_cost(self) -> None:
        for state, code in (("failed", "no_space"), ("fallback", "poisoned"), ("failed", "poisoned")):
            make_failure(code=code, state=state)
        mended = ended(1)
        make_attempt(mended, 0, code="worker_lost", outcome=AttemptOutcome.LOST)
        make_attempt(mended, 0, code="cancelled", outcome=AttemptOutcome.CANCELLED, fence=2)
        errors = overview(SPANS["day"]).errors
        assert [(one.code, one.failed, one.fallback, one.tries) for one in errors] == [
            ("poisoned", 1, 1, 2),
            ("no_space", 1, 0, 1),
            ("worker_lost", 0, 0, 1),
        ]


class TestResources:
    def test_peaks_and_shares_come_from_the_attempts(self) -> None:
        job = ended(1)
        make_attempt(job, 0, rss_peak_bytes=700, cpu_seconds=3.0, wall_seconds=2.0)
        gpu = {"available": True, "name": "H100", "memory_peak_bytes": 5_000_000_000}
        make_attempt(job, 0, rss_peak_bytes=900, cpu_seconds=1.0, wall_seconds=2.0, gpu=gpu, fence=2)
        make_attempt(job, 0, rss_peak_bytes=None, cpu_seconds=None, wall_seconds=None, fence=3)
        (bar,) = [bar for bar in overview(SPANS["day"]).bars if bar.rss_peak_bytes]
        assert (bar.rss_peak_bytes, bar.gpu_peak_bytes, bar.cpu_percent) == (900, 5_000_000_000, 100.0)

    def test_the_longest_wait_of_an_hour(self, at_noon: None) -> None:
        ended(2, waited=4.0)
        ended(2, waited=40.0)
        bars = {bar.start.hour: bar.longest_wait_seconds for bar in overview(SPANS["day"]).bars}
        assert (bars[10], bars[9]) == (40.0, None)


class TestNow:
    def test_the_queue_and_who_works_on_it(self) -> None:
        make_job(sentences=("One.", "Two."))
        running = make_job(state=JobState.RUNNING, title="Cells")
        soon, before = timezone.now() + timedelta(seconds=30), timezone.now() - timedelta(seconds=1)
        lease = {"state": "leased", "leased_by": "box:1"}
        Clip.objects.filter(job=running, index=0).update(**lease, lease_expires_at=soon)
        Clip.objects.filter(job=running, index=1).update(**lease, lease_expires_at=before)
        make_failure()
        now = present()
        assert (now.queued, now.sentences_waiting, now.to_review, now.worker_count) == (1, 3, 1, 1)
        assert [(worker.name, worker.title, worker.sentence) for worker in now.workers] == [("box:1", "Cells", 1)]
        assert now.oldest_wait_seconds is not None


class TestCharts:
    def test_bars_are_as_high_as_their_values_and_stand_on_each_other(self) -> None:
        parts = (StackedPart("Good", "good", [1.0, None]), StackedPart("Bad", "bad", [1.0, 4.0]))
        chart = bar_chart("x", "X", ["a", "b"], parts, lambda value: f"{value:g}")
        assert [(rect.y, rect.height) for rect in chart.rects] == [(160.0, 40.0), (120.0, 40.0), (40.0, 160.0)]
        assert chart.ticks == ("5", "2.5", "0")
        assert chart.table == (("a", "1", "1"), ("b", "–", "4"))
        assert chart.summary == "Peak: 4 (b)."

    @pytest.mark.parametrize(
        ("value", "top"), [(0.0, 1.0), (0.3, 0.5), (1.0, 1.0), (6.0, 10.0), (101.0, 200.0), (1000.0, 1000.0)]
    )
    def test_the_scale_ends_at_a_round_number(self, value: float, top: float) -> None:
        assert ceiling(value) == pytest.approx(top)

    def test_nothing_is_no_chart(self) -> None:
        assert bar_chart("x", "X", [], [StackedPart("A", "good", [])], str).is_empty


class TestPage:
    def test_it_shows_charts_tables_and_links_to_the_failures(self, as_admin: Client) -> None:
        make_failure(code="no_space", profile="quality")
        content = as_admin.get(PAGE).content.decode()
        assert "error_code=no_space&amp;reviewed=all&amp;age=day" in content
        assert "The disk was full." in content
        assert content.count('class="lectern-chart"') == 3  # no job waited, and there is no graphics card
        assert re.search(r'<rect class="lectern-fill-bad" x="[\d.]+"', content)
        assert "style=" not in content  # the content security policy would refuse it
        address = re.search(r'href="([^"]*error_code=no_space[^"]*)"', content)
        assert address is not None
        assert as_admin.get(address[1].replace("&amp;", "&")).context["cl"].result_count == 1

    @pytest.mark.parametrize("span", ["day", "week", "month", "nonsense"])
    def test_every_span_of_an_empty_site(self, as_admin: Client, span: str) -> None:
        content = as_admin.get(PAGE, {"span": span}).content.decode()
        assert "No videos were requested in the last" in content
        assert "No worker is rendering at the moment." in content

    def test_the_number_of_queries_does_not_grow(
        self, as_admin: Client, django_assert_max_num_queries: Callable[..., object]
    ) -> None:
        for _ in range(12):
            make_failure()
        with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
            as_admin.get(PAGE)

    def test_reloading_asks_only_what_happens_now(self, as_admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        as_admin.get(PAGE)
        make_job()
        monkeypatch.setattr(dashboard_stats, "overview", None)
        response = as_admin.get(PAGE)
        assert response.context["overview"].everything.requests == 0
        assert response.context["present"].queued == 1

    def test_it_is_found_on_the_first_page_and_only_by_who_may_see_jobs(
        self, as_admin: Client, staff: Callable[..., Client], client: Client
    ) -> None:
        assert PAGE in as_admin.get("/admin/").content.decode()
        assert staff("view_job").get(PAGE).status_code == 200
        assert staff("view_quota").get(PAGE).status_code == 403
        assert PAGE not in staff("view_quota").get("/admin/").content.decode()
        assert Client().get(PAGE).status_code == 302
        assert as_admin.post(PAGE).status_code == 405
