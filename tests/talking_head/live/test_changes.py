"""What changed since a state: put together with that state it is the snapshot, and it is small."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from talking_head.errors import EngineError
from talking_head.jobs import attempt_outcomes, cached_clips, claims
from talking_head.jobs.claim import AttemptFailure, Claim, Usage
from talking_head.live import events
from talking_head.live.changes import common_ends, job_changes, job_since_edit
from talking_head.live.snapshots import job_snapshot
from talking_head.live.unix_layer import UnixSocketChannelLayer
from talking_head.models import Clip, Job, JobState
from talking_head.pipeline.requests import ClipResult
from talking_head.planning import render_rate
from tests.talking_head.live.client import after_edit, with_changes
from tests.talking_head.rows import finish_clip, make_job

RESULT = ClipResult("a" * 64, "b" * 64, 0.96, 24, 64, 64, False, False)
PERMANENT = AttemptFailure(EngineError("It cannot be done here."))
ACTIONS = ("claim", "finish", "fail", "finish_cached", "look")


def _sentences(count: int) -> tuple[str, ...]:
    return tuple(f"Sentence {number}." for number in range(count))


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(st.sampled_from(ACTIONS), min_size=3, max_size=20))
def test_changes_and_the_state_before_make_the_snapshot(db: None, actions: list[str]) -> None:
    with transaction.atomic():
        job = make_job(sentences=_sentences(6))
        known = job_snapshot(job)
        claimed: list[Claim] = []
        for action in (*actions, "look"):
            match action:
                case "claim":
                    claimed += filter(None, [claims.claim_clip("tester:1")])
                case "finish" if claimed:
                    attempt_outcomes.finish_clip(claimed.pop(), RESULT, Usage())
                case "fail" if claimed:
                    attempt_outcomes.fail_clip(claimed.pop(), PERMANENT)
                case "finish_cached":
                    found = dict.fromkeys(job.clips.filter(index__gte=4).values_list("pk", flat=True), RESULT)
                    cached_clips.finish_cached(job.pk, "tester:1", found, 0.1)
                case "look":
                    render_rate.invalidate(job.pk)
                    known = with_changes(known, job_changes(job.pk, known["seq"])) or {}
                    assert known == job_snapshot(job)
        transaction.set_rollback(True)


TEXTS = st.lists(st.sampled_from(("A.", "B.", "Longer.")), min_size=1, max_size=6)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=TEXTS, new=TEXTS)
def test_an_edit_and_the_job_before_make_the_snapshot(db: None, old: list[str], new: list[str]) -> None:
    with transaction.atomic():
        before, job = make_job(sentences=tuple(old)), make_job(sentences=tuple(new))
        render_rate.invalidate(job.pk)
        assert after_edit(job_snapshot(before), job_since_edit(job, before.pk)) == job_snapshot(job)
        transaction.set_rollback(True)


def test_sentences_that_only_moved_are_common() -> None:
    old = [("A.", 0, 2, ""), ("B.", 3, 5, ""), ("C.", 6, 8, "")]
    new = [("A.", 0, 2, ""), ("Longer.", 3, 10, ""), ("C.", 11, 13, "")]
    assert common_ends(old, new) == (1, 1, 5)


@pytest.mark.django_db
def test_a_job_that_has_got_its_sentences_meanwhile_needs_a_snapshot() -> None:
    job = make_job(sentences=())
    known = job_snapshot(job)
    Clip.objects.create(job=job, index=0, text="A.", start=0, end=2)
    assert with_changes(known, job_changes(job.pk, known["seq"])) is None


@pytest.mark.django_db
def test_what_is_hidden_has_no_addresses() -> None:
    job = make_job(state=JobState.CANCELLED)
    finish_clip(job, 0)
    Job.objects.filter(pk=job.pk).update(delete_after=job.created_at)
    assert {group["url"] for group in job_changes(job.pk, 0)["clips"]} == {None}


@pytest.mark.django_db
def test_the_size_of_an_edit_does_not_grow_with_the_script() -> None:
    sizes = []
    for count in (20, 200):
        texts = _sentences(count)
        before, job = make_job(sentences=texts), make_job(sentences=(*texts[:9], "New.", *texts[10:]))
        sizes.append(len(json.dumps(job_since_edit(job, before.pk))))
    assert sizes[1] <= sizes[0] + 10  # digits of larger numbers


@pytest.mark.django_db(transaction=True)
class TestEventsOfLongScripts:
    """The number of queries and bytes of one event is the same for 10 and for 200 sentences."""

    @pytest.fixture
    def sent(self, live: UnixSocketChannelLayer, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
        messages: list[bytes] = []
        monkeypatch.setattr(live, "has_listeners", lambda group: True)
        monkeypatch.setattr(live, "group_send_now", lambda group, message: messages.append(repr(message).encode()))
        return messages

    @pytest.mark.parametrize(
        "notify",
        [
            lambda job_id: events.notify_clip_changed(job_id, 5),
            events.notify_clips_changed,
            events.notify_job_changed,
            lambda job_id: events.notify_stage(job_id, 5, "frames", 10, 100),
        ],
        ids=["clip", "clips", "job", "stage"],
    )
    def test_cost(self, sent: list[bytes], notify: Callable[[Any], None]) -> None:
        queries = []
        for count in (10, 200):
            job = make_job(sentences=_sentences(count), state=JobState.RUNNING)
            finish_clip(job, 0)
            render_rate.invalidate(job.pk)
            with CaptureQueriesContext(connection) as context:
                notify(job.pk)
            queries.append(len(context))
        assert queries[0] == queries[1] <= 6
        assert len(sent[1]) <= len(sent[0]) + 8  # digits of larger numbers

    def test_a_stage_reads_nothing_without_viewers(
        self, live: UnixSocketChannelLayer, django_assert_num_queries: Callable[..., Any]
    ) -> None:
        job = make_job(state=JobState.RUNNING)
        with django_assert_num_queries(0):
            events.notify_stage(job.pk, 1, "frames", 1, 10)
            events.notify_clip_changed(job.pk, 1)
            events.notify_clips_changed(job.pk)
            events.notify_job_changed(job.pk)
            events.send_preview(job.pk, b"jpeg")


@pytest.mark.django_db
class TestOverHttp:
    def test_the_changes_of_a_job(self, client: Browser, teacher: User) -> None:
        job = make_job(teacher, state=JobState.RUNNING, seq=3)
        finish_clip(job, 1, seq=3)
        client.force_login(teacher)
        answer = client.get(f"/api/jobs/{job.pk}/changes", {"since": 2}).json()
        assert (answer["type"], answer["seq"]) == ("changes", 3)
        assert [group["indexes"] for group in answer["clips"]] == [[[1, 1]]]

    def test_not_of_others(self, client: Browser, teacher: User, outsider: User) -> None:
        job = make_job(teacher)
        client.force_login(outsider)
        assert client.get(f"/api/jobs/{job.pk}/changes", {"since": 0}).status_code == 404

    @pytest.mark.parametrize(
        "query", ["", "?since=", "?since=-1", "?since=x", "?since=1&until=2", "?since=" + 30 * "9"]
    )
    def test_a_state_that_cannot_be(self, client: Browser, teacher: User, query: str) -> None:
        job = make_job(teacher)
        client.force_login(teacher)
        assert client.get(f"/api/jobs/{job.pk}/changes{query}").status_code == 400
