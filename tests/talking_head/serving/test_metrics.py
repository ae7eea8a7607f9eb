"""What Prometheus is told: from the rows, in every process, and only to whom it may concern."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as settings_of_the_site
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from talking_head.models import Attempt, AttemptOutcome, ClipState, Job, JobState, Notification, Priority
from talking_head.monitoring import prometheus
from talking_head.views import metrics
from tests.talking_head.rows import finish_clip, make_finished_job, make_job

TOKEN = "a token of the tests"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered(settings: Settings) -> Iterator[None]:
    settings.METRICS_TOKEN = TOKEN
    prometheus.clear()
    yield
    prometheus.clear()


def scrape(client: Client) -> dict[tuple[str, ...], float]:
    """``(name, label value, ...) -> figure``, through Prometheus' own parser."""
    prometheus.clear()
    response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    figures: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(response.content.decode()):
        assert family.documentation
        assert family.type == "gauge"
        for sample in family.samples:
            key = (sample.name.removeprefix("lectern_"), *sample.labels.values())
            assert key not in figures
            figures[key] = sample.value
    return figures


def attempt(job: Job, index: int, outcome: AttemptOutcome, **values: object) -> Attempt:
    clip = job.clips.get(index=index)
    ended = {"finished_at": timezone.now(), "outcome": outcome, "wall_seconds": 1.0, **values}
    return Attempt.objects.create(clip=clip, fence=clip.attempts.count() + 1, worker="w:1", **ended)


class TestAccess:
    def test_a_stranger_and_a_teacher_see_nothing(self, client: Client, teacher: User) -> None:
        assert client.get("/metrics").status_code == 401
        client.force_login(teacher)
        response = client.get("/metrics")
        assert response.status_code == 401
        assert b"lectern_" not in response.content

    @pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", f"Basic {TOKEN}", TOKEN, "Bearer \u00fc"])
    def test_a_wrong_token_is_refused(self, client: Client, header: str) -> None:
        assert client.get("/metrics", headers={"Authorization": header}).status_code == 401

    @pytest.mark.parametrize("header", ["Bearer ", "Bearer None", "Bearer"])
    def test_without_the_setting_no_token_is_right(self, client: Client, settings: Settings, header: str) -> None:
        settings.METRICS_TOKEN = ""
        assert client.get("/metrics", headers={"Authorization": header}).status_code == 401

    def test_staff_may_look_and_nobody_may_write(self, client: Client, admin_user: User) -> None:
        client.force_login(admin_user)
        assert client.get("/metrics").status_code == 200
        assert client.post("/metrics").status_code == 405

    def test_nothing_of_it_is_kept_by_proxies(self, client: Client) -> None:
        response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert "no-store" in response["Cache-Control"]

    def test_a_database_that_is_away_is_said(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse() -> bytes:
            raise DatabaseError("at /secret/place")

        monkeypatch.setattr(metrics.prometheus, "exposition", refuse)
        response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert response.status_code == 503
        assert b"secret" not in response.content


class TestFigures:
    def test_an_empty_site_has_every_state_at_zero(self, client: Client) -> None:
        figures = scrape(client)
        assert {key[1] for key in figures if key[0] == "jobs"} == set(JobState.values)
        assert {key[1] for key in figures if key[0] == "clips"} == set(ClipState.values)
        assert {key[1] for key in figures if key[0] == "recent_attempts"} == set(AttemptOutcome.values)
        assert sum(value for key, value in figures.items() if key[0] != "media_free_bytes") == 0

    def test_the_queue(self, client: Client) -> None:
        make_job()
        old = make_job()
        Job.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(seconds=90))
        running = make_job(state=JobState.RUNNING)
        lease = timezone.now() + timedelta(seconds=30)
        running.clips.filter(index=0).update(state=ClipState.LEASED, leased_by="w:1", lease_expires_at=lease)
        late = timezone.now() - timedelta(seconds=30)
        running.clips.filter(index=1).update(state=ClipState.LEASED, leased_by="w:2", lease_expires_at=late)
        Notification.objects.create(job=old, kind="job_ended")
        figures = scrape(client)
        assert 90 <= figures["queue_oldest_seconds",] < 150
        assert (figures["jobs", "queued"], figures["jobs", "running"]) == (2, 1)
        assert (figures["clips", "waiting"], figures["clips", "leased"]) == (7, 2)
        assert (figures["workers_rendering",], figures["leases_expired",]) == (1, 1)
        assert figures["notifications_undelivered",] == 1

    def test_attempts_kills_and_errors_of_the_last_hour(self, client: Client) -> None:
        job = make_job(state=JobState.RUNNING)
        attempt(job, 0, AttemptOutcome.CRASHED, error_code="renderer_crashed")
        attempt(job, 0, AttemptOutcome.TIMEOUT, error_code="clip_timeout")
        attempt(
            job, 1, AttemptOutcome.DONE, rss_peak_bytes=7, gpu={"available": True, "name": "G", "memory_peak_bytes": 9}
        )
        old = attempt(job, 2, AttemptOutcome.CRASHED, error_code="renderer_crashed")
        Attempt.objects.filter(pk=old.pk).update(started_at=timezone.now() - timedelta(hours=2))
        figures = scrape(client)
        assert [figures["recent_attempts", name] for name in ("crashed", "timeout", "done", "lost")] == [1, 1, 1, 0]
        assert figures["recent_attempt_errors", "renderer_crashed"] == 1
        assert figures["renderer_memory_peak_bytes",] == 7
        assert figures["gpu_memory_peak_bytes", "G"] == 9

    def test_ends_and_their_reasons(self, client: Client) -> None:
        now = timezone.now()
        make_finished_job(profile="fast")
        make_job(state=JobState.FAILED, error_code="no_space", finished_at=now, profile="fast")
        stood_in = make_job(state=JobState.FALLBACK, finished_at=now, profile="quality")
        stood_in.clips.filter(index=0).update(is_fallback=True, error_code="poisoned")
        make_job(state=JobState.FAILED, error_code="no_space", finished_at=now - timedelta(hours=2))
        figures = scrape(client)
        assert figures["recent_jobs", "fast", "completed"] == 1
        assert figures["recent_jobs", "quality", "fallback"] == 1
        assert figures["recent_failures", "no_space"] == 1
        assert figures["recent_fallbacks", "poisoned"] == 1

    def test_stages_and_speed_leave_out_what_the_cache_answered(self, client: Client) -> None:
        job = make_job(state=JobState.RUNNING, profile="fast")
        for index, (wall_seconds, cached) in enumerate([(1.28, False), (5.12, False), (0.01, True)]):
            finish_clip(job, index, cached=cached, stages={"speech": 0.5, "frames": 1.0})
            attempt(job, index, AttemptOutcome.DONE, wall_seconds=wall_seconds)
        figures = scrape(client)
        assert figures["recent_stage_seconds", "speech"] == 1.0
        assert figures["recent_stage_runs", "frames"] == 2
        assert (figures["recent_cache_answers", "hit"], figures["recent_cache_answers", "miss"]) == (1, 2)
        assert figures["day_real_time_factor", "fast", "0.5"] == pytest.approx(0.5)
        assert figures["day_real_time_factor", "fast", "0.95"] == pytest.approx(2.0)

    def test_waiting_by_class(self, client: Client) -> None:
        for seconds in (1, 2, 30):
            job = make_job(state=JobState.RUNNING)
            Job.objects.filter(pk=job.pk).update(started_at=job.created_at + timedelta(seconds=seconds))
        vip = make_job(state=JobState.RUNNING, priority=Priority.VIP)
        Job.objects.filter(pk=vip.pk).update(started_at=vip.created_at + timedelta(seconds=0.5))
        figures = scrape(client)
        assert figures["day_waiting_seconds", "normal", "0.5"] == 2
        assert figures["day_waiting_seconds", "normal", "0.95"] == 30
        assert figures["day_waiting_seconds", "vip", "0.95"] == 0.5

    def test_the_cache_and_the_disk(self, client: Client) -> None:
        job = make_job()
        for index in range(3):
            finish_clip(job, index, data=b"x" * 100)
        figures = scrape(client)
        assert (figures["cache_entries", "clips"], figures["cache_bytes", "clips"]) == (3, 300)
        assert figures["media_free_bytes",] > 0

    def test_without_a_media_folder_the_rest_is_still_told(self, client: Client, media_root: Path) -> None:
        media_root.rmdir()
        figures = scrape(client)
        assert ("media_free_bytes",) not in figures
        assert figures["jobs", "queued"] == 0


def test_the_documents_table_names_exactly_what_there_is(client: Client) -> None:
    response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    told = {family.name for family in text_string_to_metric_families(response.content.decode())}
    document = (Path(settings_of_the_site.BASE_DIR) / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in document.splitlines() if line.startswith("| `lectern_")]
    assert told == {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    alerts = document[document.index("## Alerts") : document.index("## Quotas")]
    assert set(re.findall(r"lectern_\w+", alerts)) <= told


def test_the_cost_does_not_grow_with_the_rows(client: Client) -> None:
    prometheus.exposition()
    with CaptureQueriesContext(connection) as few:
        scrape(client)
    for _ in range(5):
        make_finished_job()
    with CaptureQueriesContext(connection) as many:
        scrape(client)
    assert len(many) == len(few) <= 20


def test_several_scrapers_cost_as_much_as_one(client: Client) -> None:
    scrape(client)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(5):
            client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert not [query for query in queries if "talking_head" in query["sql"]]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([0.5, 0.95]))
def test_a_quantile_is_one_of_the_values_and_leaves_enough_below(values: list[float], share: float) -> None:
    found = prometheus.quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)
