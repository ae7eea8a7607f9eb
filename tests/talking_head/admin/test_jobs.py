"""The administrators' pages of jobs: what they show, what they can do, and what no administrator can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from talking_head.admin import search
from talking_head.models import Attempt, AttemptOutcome, Clip, ClipState, Job, JobState
from tests.factories import make_user
from tests.talking_head.rows import finish_clip, make_finished_job, make_job

LIST = "/admin/talking_head/job/"


def page(job: Job) -> str:
    return f"{LIST}{job.pk}/change/"


def act(client: Client, action: str, *jobs: Job) -> str:
    response = client.post(LIST, {"action": action, "_selected_action": [job.pk for job in jobs]}, follow=True)
    return response.content.decode()


def failed_job(owner: User | None = None, **fields: Any) -> Job:
    values: dict[str, Any] = {
        "state": JobState.FAILED,
        "speech": "fakespeech",
        "face": "still",
        "error_code": "renderer_crashed",
    }
    return make_job(owner, **{**values, **fields})


class TestList:
    def test_it_shows_state_and_error(self, as_admin: Client, teacher: User) -> None:
        failed_job(teacher, title="Cells")
        content = as_admin.get(LIST).content.decode()
        assert "Cells" in content
        assert "lectern-bad" in content
        assert "renderer_crashed" in content

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("state=failed", "failed old"),
            ("error_code=renderer_crashed", "failed"),
            ("profile=quality", "finished"),
            ("age=older", "old"),
            ("age=hour", "failed finished late"),
            ("duration=short", "finished"),
            ("duration=very_long", "old"),
            ("duration=late", "late old"),
            ("q=Photo", "finished"),
            ("q=curie", "failed"),
        ],
    )
    def test_it_can_be_narrowed_down(self, as_admin: Client, query: str, found: str) -> None:
        now = timezone.now()
        times: dict[str, Any] = {
            "started_at": now - timedelta(seconds=50),
            "finished_at": now,
        }
        short = partial(make_job, title="x", sentences=("One.",))
        jobs = {
            "failed": failed_job(make_user("curie"), title="x", sentences=("One.",)),
            "finished": make_finished_job(profile="quality", title="Photosynthesis", **times),
            "late": short(state=JobState.RUNNING, timeout_seconds=300.0, worked_seconds=301.0),
            "old": short(
                state=JobState.FAILED,
                started_at=now - timedelta(hours=2),
                finished_at=now - timedelta(hours=1),
                timeout_seconds=300.0,
                worked_seconds=300.0,
            ),
        }
        Job.objects.filter(pk=jobs["old"].pk).update(created_at=now - timedelta(days=40))
        shown = {job.pk for job in as_admin.get(f"{LIST}?{query}").context["cl"].queryset}
        assert shown == {jobs[name].pk for name in found.split()}

    def test_the_filter_offers_the_errors_that_there_are_and_no_empty_one(self, as_admin: Client) -> None:
        make_job()
        for code in ("no_space", "no_space", "renderer_crashed"):
            failed_job(error_code=code)
        response = as_admin.get(LIST, {"error_code": "no_space"})
        assert response.context["cl"].result_count == 2
        assert "?error_code=renderer_crashed" in response.content.decode()
        assert '?error_code="' not in response.content.decode()

    def test_a_job_is_found_by_its_number(self, as_admin: Client) -> None:
        job, _other = make_job(), make_job()
        for number in (str(job.pk), str(job.pk)[:13]):
            assert [row.pk for row in as_admin.get(LIST, {"q": number}).context["cl"].queryset] == [job.pk]

    def test_the_number_of_queries_does_not_grow_with_the_jobs(
        self, as_admin: Client, django_assert_max_num_queries: Callable[..., object]
    ) -> None:
        for number in range(12):
            make_job(make_user(f"owner{number}"))
        with django_assert_max_num_queries(20):  # type: ignore[attr-defined]
            as_admin.get(LIST)


class TestOneJob:
    @pytest.fixture
    def job(self, teacher: User) -> Job:
        job = failed_job(teacher, error_message="It <b>crashed</b>.", error_hint="Try again.")
        finish_clip(job, 0, cached=True)
        Clip.objects.filter(job=job, index=1).update(state=ClipState.FAILED, error_code="renderer_crashed")
        Attempt.objects.create(
            clip=job.clips.get(index=1),
            fence=1,
            worker="box:1",
            outcome=AttemptOutcome.CRASHED,
            error_code="renderer_crashed",
            log_tail="Segmentation fault <script>alert(1)</script>",
        )
        return job

    def test_it_shows_what_happened_to_every_sentence(self, as_admin: Client, job: Job) -> None:
        content = as_admin.get(page(job)).content.decode()
        for words in ("Plants eat light.", "from cache", "1. Crashed after", "Segmentation fault", "Try again."):
            assert words in content

    def test_what_was_written_by_others_is_escaped(self, as_admin: Client, job: Job) -> None:
        content = as_admin.get(page(job)).content.decode()
        assert "<script>alert" not in content
        assert "It &lt;b&gt;crashed" in content

    def test_it_links_to_the_files_that_are_there(self, as_admin: Client, teacher: User, job: Job) -> None:
        finished = make_finished_job(teacher)
        content = as_admin.get(page(finished)).content.decode()
        for name in ("video.mp4", "log.txt", "manifest.json", f"performance_metrics_{finished.pk}.json"):
            link = f"/media/jobs/{finished.pk}/{name}"
            assert f'href="{link}"' in content
            assert as_admin.get(link).status_code == 200
        assert f"/media/jobs/{job.pk}/video.mp4" not in as_admin.get(page(job)).content.decode()

    def test_a_long_job_needs_no_more_queries_than_a_short_one(
        self, as_admin: Client, django_assert_max_num_queries: Callable[..., object]
    ) -> None:
        job = failed_job(sentences=tuple(f"Sentence {number}." for number in range(40)))
        with django_assert_max_num_queries(20):  # type: ignore[attr-defined]
            assert as_admin.get(page(job)).status_code == 200

    @pytest.mark.parametrize("address", ["nonsense", "00000000-0000-4000-8000-000000000000"])
    def test_one_that_does_not_exist(self, as_admin: Client, address: str) -> None:
        assert as_admin.get(f"{LIST}{address}/change/", follow=True).status_code == 200
        assert as_admin.post(f"{LIST}{address}/do/cancel/").status_code == 404


class TestMending:
    def test_a_failed_job_is_tried_again(self, as_admin: Client, teacher: User) -> None:
        job = failed_job(teacher)
        content = act(as_admin, "retry_selected", job)
        assert "1 of 1 jobs retried." in content
        again = Job.objects.exclude(pk=job.pk).get()
        assert (again.owner, again.script, again.state) == (teacher, job.script, JobState.QUEUED)
        assert job.actions.get().new_job == again

    def test_with_a_faster_profile_where_there_is_one(self, as_admin: Client) -> None:
        jobs = [failed_job(profile="quality"), failed_job(profile="fast")]
        assert "1 of 2 jobs retried with a faster profile." in act(as_admin, "retry_selected_faster", *jobs)
        assert Job.objects.filter(state=JobState.QUEUED).get().profile == "balanced"

    def test_what_cannot_be_done_is_said(self, as_admin: Client) -> None:
        content = act(as_admin, "retry_selected", make_job(title="Gravity"))
        assert "Gravity: This video is still being rendered." in content
        assert "0 of 1 jobs" in content

    def test_cancelling(self, as_admin: Client) -> None:
        running, finished = make_job(state=JobState.RUNNING), make_finished_job()
        assert "1 of 2 jobs cancelled." in act(as_admin, "cancel_selected", running, finished)
        running.refresh_from_db()
        finished.refresh_from_db()
        assert (running.state, finished.state) == (JobState.CANCELLED, JobState.COMPLETED)

    @pytest.mark.parametrize(
        ("state", "verbs"),
        [
            (JobState.RUNNING, {"cancel"}),
            (JobState.FAILED, {"retry", "retry-faster"}),
            (JobState.COMPLETED, {"retry", "retry-faster"}),
        ],
    )
    def test_the_page_offers_what_makes_sense(self, as_admin: Client, state: str, verbs: set[str]) -> None:
        response = as_admin.get(page(make_job(state=state)))
        assert {button.verb for button in response.context["buttons"]} == verbs

    def test_its_buttons_lead_to_the_new_job(self, as_admin: Client) -> None:
        job = failed_job(profile="quality")
        response = as_admin.post(f"{LIST}{job.pk}/do/retry-faster/", {"seen": 0})
        again = Job.objects.exclude(pk=job.pk).get()
        assert (response["Location"], again.profile) == (page(again), "balanced")

    def test_a_link_alone_changes_nothing(self, as_admin: Client) -> None:
        job = make_job()
        assert as_admin.get(f"{LIST}{job.pk}/do/cancel/").status_code == 405
        job.refresh_from_db()
        assert job.state == JobState.QUEUED


class TestRights:
    def test_teachers_and_strangers_are_sent_away(self, client: Client, teacher: User) -> None:
        job = make_job(teacher)
        for address in (LIST, page(job)):
            assert client.get(address).status_code == 302
            client.force_login(teacher)
            assert client.get(address).status_code == 302

    def test_staff_who_may_look_cannot_mend(self, staff: Callable[..., Client]) -> None:
        client, job = staff("view_job"), make_job()
        assert client.get(page(job)).context["buttons"] == []
        act(client, "cancel_selected", job)
        assert client.post(f"{LIST}{job.pk}/do/cancel/").status_code == 403
        job.refresh_from_db()
        assert job.state == JobState.QUEUED

    def test_who_may_cancel_can_cancel_and_nothing_else(self, staff: Callable[..., Client]) -> None:
        client, job, failed = staff("view_job", "cancel_job"), make_job(), failed_job()
        assert [button.verb for button in client.get(page(job)).context["buttons"]] == ["cancel"]
        assert client.get(page(failed)).context["buttons"] == []
        assert client.post(f"{LIST}{failed.pk}/do/retry/", {"seen": 0}).status_code == 403
        client.post(f"{LIST}{job.pk}/do/cancel/", {"seen": 0})
        job.refresh_from_db()
        assert job.state == JobState.CANCELLED

    def test_not_even_superusers_edit_add_or_delete_rows(self, as_admin: Client) -> None:
        job = make_job()
        assert as_admin.post(page(job), {"state": "completed"}).status_code == 403
        assert as_admin.get(f"{LIST}add/").status_code == 403
        assert as_admin.post(f"{LIST}{job.pk}/delete/", {"post": "yes"}).status_code == 403
        act(as_admin, "delete_selected", job)
        job.refresh_from_db()
        assert job.state == JobState.QUEUED


class TestTaskQueue:
    def test_nobody_schedules_functions_from_the_admin(self, as_admin: Client) -> None:
        registered = {model._meta.label for model in admin.site._registry}
        assert not {label for label in registered if label.startswith("django_q.")}
        for name in ("schedule", "success", "failure", "ormq"):
            with pytest.raises(NoReverseMatch):
                reverse(f"admin:django_q_{name}_changelist")
            assert as_admin.get(f"/admin/django_q/{name}/").status_code == 404
        assert as_admin.post("/admin/django_q/schedule/add/", {"func": "os.system"}).status_code == 404


class TestLongLists:
    def test_a_month_is_narrowed_down_to(self, as_admin: Client) -> None:
        old, new = make_job(), make_job()
        Job.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=70))
        old.refresh_from_db()
        month = f"{timezone.localtime(old.created_at):%Y-%m}"
        response = as_admin.get(LIST, {"month": month})
        assert [job.pk for job in response.context["cl"].queryset] == [old.pk]
        assert f"{timezone.localtime(new.created_at):%B %Y}" in response.content.decode()

    def test_texts_are_searched_in_the_newest_jobs_and_owners_in_all(
        self, as_admin: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(search, "SEARCHED_JOBS", 2)
        old = make_job(make_user("curie"), title="Radium")
        Job.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=70))
        for number in range(2):
            make_job(title=f"Radium again {number}")

        def found(**query: str) -> set[str]:
            return {job.title for job in as_admin.get(LIST, query).context["cl"].queryset}

        assert found(q="radium") == {"Radium again 0", "Radium again 1"}
        assert found(q="curie") == {"Radium"}
        old.refresh_from_db()
        assert found(q="radium", month=f"{timezone.localtime(old.created_at):%Y-%m}") == {"Radium"}

    def test_a_long_job_shows_its_sentences_in_pages(self, as_admin: Client) -> None:
        job = failed_job(sentences=tuple(f"Sentence number {number}." for number in range(60)))
        first, second = (
            as_admin.get(f"{page(job)}?sentences={number}").content.decode().split('id="sentences"')[1]
            for number in (1, 2)
        )
        assert "Sentence number 49." in first and "Sentence number 50." not in first
        assert "Sentence number 50." in second

    def test_of_many_attempts_the_latest_are_shown_with_their_numbers(self, as_admin: Client) -> None:
        job = failed_job(sentences=("One.",))
        clip = job.clips.get()
        for fence in range(13):
            Attempt.objects.create(clip=clip, fence=fence, worker="box:1", outcome=AttemptOutcome.LOST)
        content = as_admin.get(page(job)).content.decode()
        assert "3 earlier attempts" in content and ">13. Worker lost" in content and ">3. Worker lost" not in content
