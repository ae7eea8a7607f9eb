"""What a claim brings along and leaves behind, on every database."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from talking_head.jobs import claim as clip_work
from talking_head.jobs import claims, queue
from talking_head.live import events
from talking_head.models import Attempt, Clip, ClipState, JobState
from talking_head.timing import timing
from tests.talking_head.jobs.conftest import MakeJob


@pytest.mark.parametrize("form", [{}, {"is_half_resolution": True}, {"is_fallback": True}])
def test_a_claim_is_written_down_before_the_work_starts(
    make_job: MakeJob, teacher: User, form: dict[str, bool]
) -> None:
    job = make_job("One.", owner=teacher, timeout_seconds=100.0)
    job.clips.update(**form)
    claim = claims.claim_clip("tester:1")
    assert claim is not None
    job.refresh_from_db()
    clip, attempt = Clip.objects.get(), Attempt.objects.get()
    assert (job.state, job.seq) == (JobState.RUNNING, 1)
    assert (clip.state, clip.fence, clip.crashes, clip.leased_by) == (ClipState.LEASED, 1, 1, "tester:1")
    assert (attempt.pk, attempt.clip_id, attempt.fence) == (claim.attempt_id, clip.pk, claim.fence)
    assert (attempt.worker, attempt.form, attempt.outcome) == ("tester:1", clip.form, "")
    assert (claim.clip_id, claim.job_id, claim.index) == (clip.pk, job.pk, 0)
    assert claim.request == clip_work.clip_request_for(clip)
    most_seconds = 20.0 if clip.is_fallback else 100.0  # less what a busy machine needs between two statements
    assert most_seconds - 15.0 < claim.seconds_allowed <= most_seconds


def test_on_postgresql_a_claim_asks_for_nothing_more(
    make_job: MakeJob, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column that a request needs and the statement does not bring would be read one by one."""
    if connection.vendor != "postgresql":
        pytest.skip("elsewhere it takes several queries")
    monkeypatch.setattr(events, "notify_clip_changed", lambda *_: None)
    make_job("One.")
    with django_assert_num_queries(0):  # the statement goes past Django
        assert claims.claim_clip("tester:1") is not None


def test_only_one_job_can_be_asked_for(make_job: MakeJob) -> None:
    make_job("Other.")
    job = make_job("Mine.")
    claim = claims.claim_clip("tester:1", job_id=job.pk)
    assert claim is not None
    assert claim.request.text == "Mine."
    assert claims.claim_clip("tester:1", job_id=job.pk) is None


def test_only_what_is_short_can_be_asked_for(make_job: MakeJob, teacher: User, colleague: User) -> None:
    make_job("Long 0.", "Long 1.", owner=teacher, estimated_seconds=timing().short_seconds + 1)
    make_job("Short 0.", "Short 1.", owner=colleague, estimated_seconds=timing().short_seconds)
    taken = [claims.claim_clip("tester:1", only_short=True) for _ in range(3)]
    assert [claim and (claim.request.text, claim.is_short) for claim in taken] == [
        ("Short 0.", True),
        ("Short 1.", True),
        None,
    ]
    assert queue.seconds_until_claimable(only_short=True) is None
    assert queue.seconds_until_claimable() == 0
