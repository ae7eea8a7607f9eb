"""How much may be asked for: exactly up to the limit, however many ask at once, and a new day is the database's."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from talking_head import services
from talking_head.errors import LimitReached
from talking_head.models import Clip, ClipState, Job, JobState, Priority, Quota
from talking_head.planning import queue_forecast, quotas
from tests.talking_head import fakes
from tests.talking_head.jobs.site import Site
from tests.talking_head.rows import finish_clip, make_job

MINUTE_OF_TEXT = " ".join(f"This is sentence number {number} of a text that takes a while." for number in range(14))


@pytest.fixture(autouse=True)
def fake_engines(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    fakes.install(monkeypatch)
    services.scripts.voices_of.cache_clear()
    settings.TALKING_HEAD_FACE, settings.TALKING_HEAD_SPEECH = "fakeface", "fakespeech"


def refused(**request: object) -> LimitReached:
    before = Job.objects.count()
    with pytest.raises(LimitReached) as caught:
        services.submit_job(**{"script": "Hello there.", **request})  # type: ignore[arg-type]
    assert Job.objects.count() == before
    return caught.value


@pytest.mark.django_db
class TestJobsInFlight:
    def test_at_the_cap_one_more_is_refused_and_an_ended_one_makes_room(
        self, teacher: User, settings: Settings
    ) -> None:
        settings.TALKING_HEAD_JOBS_IN_FLIGHT = 2
        first, _ = (services.submit_job(owner=teacher, script="Hello there.") for _ in range(2))
        error = refused(owner=teacher)
        assert error.code == "quota_exceeded"
        assert error.retry_after_seconds is not None
        assert error.retry_after_seconds > 0
        assert not error.permanent
        services.cancel_job(first)
        assert services.submit_job(owner=teacher, script="Hello there.").state == JobState.QUEUED

    def test_one_persons_limit_is_nobody_elses(self, teacher: User, outsider: User, settings: Settings) -> None:
        settings.TALKING_HEAD_JOBS_IN_FLIGHT = 1
        for owner in (teacher, outsider, None, None):
            services.submit_job(owner=owner, script="Hello there.")
        refused(owner=outsider)

    def test_a_row_overrides_the_default_and_0_is_no_limit(self, teacher: User, settings: Settings) -> None:
        settings.TALKING_HEAD_JOBS_IN_FLIGHT = 1
        quota = Quota.objects.create(owner=teacher, jobs_in_flight=2)
        services.submit_job(owner=teacher, script="Hello there.")
        services.submit_job(owner=teacher, script="Hello there.")
        refused(owner=teacher)
        Quota.objects.filter(pk=quota.pk).update(jobs_in_flight=0)
        services.submit_job(owner=teacher, script="Hello there.")

    def test_a_newer_version_of_the_same_lesson_takes_the_olders_place(self, teacher: User, settings: Settings) -> None:
        settings.TALKING_HEAD_JOBS_IN_FLIGHT = 1
        services.submit_job(owner=teacher, script="Hello there.", subject="lesson:1")
        services.submit_job(owner=teacher, script="Hello you.", subject="lesson:1")
        refused(owner=teacher, subject="lesson:2")

    def test_the_same_request_sent_twice_is_not_refused_for_itself(self, teacher: User, settings: Settings) -> None:
        settings.TALKING_HEAD_JOBS_IN_FLIGHT = 1
        job = services.submit_job(owner=teacher, script="Hello there.", idempotency_key="k")
        assert services.submit_job(owner=teacher, script="Hello there.", idempotency_key="k").pk == job.pk


@pytest.mark.django_db
class TestMinutesADay:
    @pytest.fixture(autouse=True)
    def two_minutes(self, settings: Settings) -> None:
        settings.TALKING_HEAD_MINUTES_A_DAY = 2

    def test_the_text_that_would_exceed_them_is_refused(self, teacher: User) -> None:
        first = services.submit_job(owner=teacher, script=MINUTE_OF_TEXT)
        assert 50 < first.estimated_seconds < 80
        error = refused(owner=teacher, script=MINUTE_OF_TEXT.replace("while", "moment"))
        assert error.code == "quota_exceeded"
        assert error.retry_after_seconds is not None
        assert 0 < error.retry_after_seconds <= 25 * 3_600
        services.submit_job(owner=teacher, script="A short one still fits.")

    def test_a_text_longer_than_a_day_is_not_told_to_wait(self, teacher: User) -> None:
        error = refused(owner=teacher, script=f"{MINUTE_OF_TEXT} {MINUTE_OF_TEXT} {MINUTE_OF_TEXT}")
        assert error.retry_after_seconds is None
        assert error.permanent
        assert "Split" in error.hint

    def test_sentences_that_were_rendered_already_are_free(self, teacher: User) -> None:
        first = services.submit_job(owner=teacher, script=MINUTE_OF_TEXT)
        first.clips.update(state=ClipState.DONE)
        Job.objects.filter(pk=first.pk).update(state=JobState.COMPLETED)
        again = services.submit_job(owner=teacher, script=f"{MINUTE_OF_TEXT} And one sentence more.")
        assert 0 < again.estimated_seconds < 4
        assert refused(owner=teacher, script=MINUTE_OF_TEXT, speed=1.2).code == "quota_exceeded"

    def test_what_was_not_rendered_of_a_cancelled_job_is_given_back(self, teacher: User) -> None:
        job = services.submit_job(owner=teacher, script=MINUTE_OF_TEXT)
        finish_clip(job, 0, video_seconds=5.0)
        services.cancel_job(job)
        assert quotas.seconds_used(teacher.pk, timezone.now() - timedelta(hours=1)) == 5.0

    def test_yesterdays_videos_do_not_count(self, teacher: User) -> None:
        first = services.submit_job(owner=teacher, script=MINUTE_OF_TEXT)
        start, _ = quotas.day_of(timezone.now())
        other_text = MINUTE_OF_TEXT.replace("while", "moment")
        Job.objects.filter(pk=first.pk).update(created_at=start)
        refused(owner=teacher, script=other_text)
        Job.objects.filter(pk=first.pk).update(created_at=start - timedelta(microseconds=1))
        services.submit_job(owner=teacher, script=other_text)

    @pytest.mark.parametrize("days", [-1, 1])
    def test_a_wrong_clock_of_the_web_server_makes_no_new_day(
        self, teacher: User, monkeypatch: pytest.MonkeyPatch, days: int
    ) -> None:
        real_now = timezone.now
        monkeypatch.setattr(timezone, "now", lambda: real_now() + timedelta(days=days))
        job = services.submit_job(owner=teacher, script=MINUTE_OF_TEXT)
        assert abs(job.created_at - real_now()) < timedelta(hours=1)
        monkeypatch.setattr(timezone, "now", lambda: real_now() - timedelta(days=days))
        refused(owner=teacher, script=MINUTE_OF_TEXT.replace("while", "moment"))

    def test_stored_times_compare_equal_to_themselves(self, teacher: User) -> None:
        job = services.submit_job(owner=teacher, script="Hello there.")
        assert Job.objects.filter(created_at=job.created_at).exists()
        assert not Job.objects.filter(created_at__lt=job.created_at).exists()


@pytest.mark.parametrize(
    ("moment", "hours"),
    [
        (datetime(2026, 6, 1, 12, tzinfo=UTC), 24),
        (datetime(2026, 3, 29, 12, tzinfo=UTC), 23),  # clocks go forward in Berlin
        (datetime(2026, 10, 25, 12, tzinfo=UTC), 25),  # and back
        (datetime(2026, 10, 24, 22, 0, 1, tzinfo=UTC), 25),  # a second after midnight there
    ],
)
def test_a_day_lasts_from_midnight_to_midnight_where_the_school_is(
    settings: Settings, moment: datetime, hours: int
) -> None:
    with timezone.override("Europe/Berlin"):
        start, tomorrow = quotas.day_of(moment)
    assert start.astimezone(UTC) <= moment < tomorrow.astimezone(UTC)
    assert tomorrow.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=hours)
    assert (start.hour, tomorrow.hour) == (0, 0)


PARALLEL = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from django.contrib.auth.models import User
from talking_head import services
from talking_head.errors import LimitReached
owner = User.objects.create_user("teacher")
def submit(number):
    try:
        services.submit_job(owner=owner, script=sys.argv[1] + f" This is request {number}.")
        return "accepted"
    except LimitReached as error:
        return error.code
with ThreadPoolExecutor(10) as pool:
    print(json.dumps(list(pool.map(submit, range(10)))))
"""


@pytest.mark.parametrize(
    ("variable", "limit", "script", "accepted"),
    [("TALKING_HEAD_JOBS_IN_FLIGHT", 3, "Hello.", 3), ("TALKING_HEAD_MINUTES_A_DAY", 3, MINUTE_OF_TEXT, 2)],
)
def test_ten_parallel_requests_get_no_more_than_one_after_the_other(
    tmp_path: Path, empty_database: Path, variable: str, limit: int, script: str, accepted: int
) -> None:
    (tmp_path / "site").mkdir()
    site = Site(tmp_path / "site", empty_database)
    site.environment[variable] = str(limit)
    answers = json.loads(site.python(PARALLEL, script).splitlines()[-1])
    assert sorted(answers) == ["accepted"] * accepted + ["quota_exceeded"] * (10 - accepted)
    assert site.rows("SELECT COUNT(*) FROM talking_head_job") == [(accepted,)]


# --- the queue -------------------------------------------------------------------------------------------------------


@pytest.fixture
def one_second_a_second(db: None, settings: Settings) -> None:
    """One slot, and rendering takes as long as the video."""
    settings.TALKING_HEAD_SLOTS = 1
    known = make_job(sentences=("Known.",), state=JobState.COMPLETED)
    finish_clip(known, 0, video_seconds=9.5, render_seconds=10.0)


def seconds_of_text(seconds: float) -> tuple[str, ...]:
    """One sentence that weighs so much."""
    return ("x" * round((seconds - 0.5) * 15),)


MakeForecast = Callable[..., queue_forecast.Forecast]


@pytest.mark.django_db
class TestForecast:
    @pytest.fixture(autouse=True)
    def pace(self, one_second_a_second: None) -> None:
        pass

    def of_new(self, owner: User | None, weight: float = 10.0, priority: int = Priority.NORMAL) -> tuple[float, float]:
        found = queue_forecast.queue_now().of_new_job(owner.pk if owner else None, priority, weight)
        assert found is not None
        return found.start_seconds, found.finish_seconds

    def test_an_empty_queue_begins_at_once(self, teacher: User) -> None:
        assert self.of_new(teacher) == pytest.approx((0, 10), abs=0.2)

    def test_nobody_knows_before_anything_was_rendered(self, teacher: User) -> None:
        Clip.objects.all().delete()
        assert queue_forecast.queue_now().of_new_job(teacher.pk, 0, 10.0) is None

    def test_own_jobs_come_first_and_others_take_turns(self, teacher: User, outsider: User) -> None:
        make_job(outsider, sentences=seconds_of_text(100))
        assert self.of_new(teacher) == pytest.approx((0, 20), abs=0.2)
        make_job(teacher, sentences=seconds_of_text(30))
        assert self.of_new(teacher) == pytest.approx((60, 80), abs=0.2)

    def test_a_vip_passes_what_is_normal_and_waits_for_vips_and_what_has_aged(
        self, teacher: User, outsider: User, student: User
    ) -> None:
        make_job(outsider, sentences=seconds_of_text(100))
        assert self.of_new(teacher, priority=Priority.VIP) == pytest.approx((0, 10), abs=0.2)
        make_job(teacher, sentences=seconds_of_text(20), priority=Priority.VIP)
        assert self.of_new(teacher, priority=Priority.VIP) == pytest.approx((20, 30), abs=0.2)
        assert self.of_new(student) == pytest.approx((20, 40), abs=0.2)
        Job.objects.filter(owner=outsider).update(created_at=timezone.now() - timedelta(hours=1))
        assert self.of_new(teacher, priority=Priority.VIP) == pytest.approx((40, 60), abs=0.2)

    def test_more_slots_are_faster_and_a_busy_one_is_waited_for(self, teacher: User, outsider: User) -> None:
        job = make_job(outsider, sentences=seconds_of_text(20), state=JobState.RUNNING)
        lease = timezone.now() + timedelta(seconds=30)
        job.clips.update(state=ClipState.LEASED, leased_by="a:1", lease_expires_at=lease)
        start, finish = self.of_new(teacher, weight=100)
        assert (start, finish) == pytest.approx((10, 120), abs=0.2)
        other = make_job(outsider, sentences=seconds_of_text(20), state=JobState.RUNNING)
        other.clips.update(state=ClipState.LEASED, leased_by="b:1", lease_expires_at=lease)
        assert self.of_new(teacher, weight=100)[1] == pytest.approx((40 + 100) / 2, abs=0.2)

    def test_a_waiting_job_says_when_it_will_be_ready(self, teacher: User, outsider: User) -> None:
        make_job(outsider, sentences=seconds_of_text(100))
        mine = make_job(teacher, sentences=seconds_of_text(30))
        make_job(teacher, sentences=seconds_of_text(50))
        assert services.job_snapshot(mine)["seconds_left"] == pytest.approx(60, abs=0.5)

    def test_the_queue_takes_nothing_more_when_it_is_too_long(self, teacher: User, settings: Settings) -> None:
        settings.TALKING_HEAD_MAX_WAIT_SECONDS = 60
        make_job(teacher, sentences=seconds_of_text(50))
        services.submit_job(owner=teacher, script="Hello there.")
        make_job(teacher, sentences=seconds_of_text(50))
        error = refused(owner=teacher)
        assert error.code == "queue_full"
        assert error.retry_after_seconds == pytest.approx(41, abs=1)
        services.submit_job(owner=teacher, script="Hello there.", priority=Priority.VIP)
        settings.TALKING_HEAD_MAX_WAIT_SECONDS = 0
        services.submit_job(owner=teacher, script="Hello there.")


# --- what people are told --------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestAnswers:
    @pytest.fixture(autouse=True)
    def only_one(self, settings: Settings, teacher: User) -> None:
        settings.TALKING_HEAD_JOBS_IN_FLIGHT = 1
        make_job(teacher)

    def test_the_api_says_429_and_when_to_come_back(self, client: Client, teacher: User) -> None:
        client.force_login(teacher)
        response = client.post("/api/jobs/", json.dumps({"script": "Hello there."}), content_type="application/json")
        assert response.status_code == 429
        assert int(response["Retry-After"]) >= 1
        assert response.json()["code"] == "quota_exceeded"
        assert response.json()["hint"]

    def test_an_administrator_sees_and_changes_quotas(self, client: Client, teacher: User, admin_user: User) -> None:
        client.force_login(admin_user)
        form = {"owner": teacher.pk, "jobs_in_flight": "5", "minutes_a_day": ""}
        assert client.post("/admin/talking_head/quota/add/", form).status_code == 302
        page = client.get("/admin/talking_head/quota/").content.decode()
        assert "1 of 5" in page
        assert "of 120" in page
        services.submit_job(owner=teacher, script="Hello there.")
