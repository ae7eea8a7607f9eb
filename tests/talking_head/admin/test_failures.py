"""The review of failures: the list to work through, a page that tells one of them, and who may do what there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from talking_head.models import AttemptOutcome, Clip, Job, JobAction, JobState
from talking_head.monitoring import dashboard_stats, failure_report
from talking_head.services import reviews
from tests.factories import make_user
from tests.talking_head.admin.failures import make_attempt, make_failure
from tests.talking_head.rows import finish_clip, make_finished_job, make_job

pytestmark = pytest.mark.django_db
LIST = "/admin/talking_head/failure/"


def page(job: Job) -> str:
    return f"{LIST}{job.pk}/change/"


def press(client: Client, job: Job, verb: str, *, seen: object = 0, **values: Any) -> str:
    """Presses a button and returns the page that follows."""
    response = client.post(f"{LIST}{job.pk}/do/{verb}/", {"seen": seen, **values}, follow=True)
    return response.content.decode()


def choose(client: Client, action: str, *jobs: Job, **values: Any) -> str:
    data = {"action": action, "_selected_action": [job.pk for job in jobs], **values}
    return client.post(f"{LIST}?reviewed=all", data, follow=True).content.decode()


def shown(client: Client, query: str = "") -> set[Any]:
    return {row.pk for row in client.get(f"{LIST}?{query}").context["cl"].queryset}


class TestList:
    def test_it_shows_what_is_to_be_reviewed(self, as_admin: Client, admin_user: User) -> None:
        failed, stand_in, done = make_failure(), make_failure(state=JobState.FALLBACK), make_failure()
        make_finished_job()
        make_job(state=JobState.RUNNING)
        reviews.act(done, "review", admin_user, seen=0, reason="Seen.")
        assert shown(as_admin) == {failed.pk, stand_in.pk}
        assert shown(as_admin, "reviewed=yes") == {done.pk}
        assert shown(as_admin, "reviewed=all") == {failed.pk, stand_in.pk, done.pk}

    def test_a_failure_whose_retry_succeeded_asks_for_nobody_any_more(self, as_admin: Client, admin_user: User) -> None:
        failed = make_failure(make_user("curie"))
        again = reviews.act(failed, "retry", admin_user, seen=0)
        assert shown(as_admin) == {failed.pk}
        Job.objects.filter(pk=again.pk).update(state=JobState.COMPLETED)
        assert shown(as_admin) == set()
        assert shown(as_admin, "reviewed=all") == {failed.pk}
        assert failure_report.unreviewed().count() == dashboard_stats.present().to_review == 0

    def test_a_failure_that_its_teacher_generated_again_asks_for_nobody_any_more(self, as_admin: Client) -> None:
        owner, other = make_user("curie"), make_user("other")
        failed = make_failure(owner, subject="lesson:7")
        make_finished_job(other, subject="lesson:7")  # a caller may name any subject
        assert shown(as_admin) == {failed.pk}
        make_finished_job(owner, subject="lesson:7")
        assert shown(as_admin) == set()

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("outcome=fallback", "stand_in"),
            ("error_code=no_space", "full"),
            ("stage=frames", "stand_in old"),
            ("stage=speech", "full"),
            ("stage=publish", "unjoined"),
            ("profile=quality", "full"),
            ("face=puppet", "stand_in"),
            ("speech=recorded", "old"),
            ("owner__id__exact={curie}", "full"),
            ("age=older", "old"),
            ("q=curie", "full"),
            ("q=Gravity", "stand_in"),
        ],
    )
    def test_it_can_be_narrowed_down(self, as_admin: Client, query: str, found: str) -> None:
        curie = make_user("curie")
        jobs = {
            "stand_in": make_failure(state=JobState.FALLBACK, face="puppet", title="Gravity"),
            "full": make_failure(curie, code="no_space", profile="quality"),
            "old": make_failure(speech="recorded"),
            "unjoined": make_failure(code="publish_failed"),
        }
        jobs["full"].clips.get(index=1).attempts.update(stage="speech")
        jobs["unjoined"].clips.get(index=1).attempts.all().delete()
        Job.objects.filter(pk=jobs["old"].pk).update(created_at=timezone.now() - timedelta(days=40))
        assert shown(as_admin, query.format(curie=curie.pk)) == {jobs[name].pk for name in found.split()}

    def test_the_number_of_queries_does_not_grow_with_the_failures(
        self, as_admin: Client, django_assert_max_num_queries: Callable[..., object]
    ) -> None:
        for number in range(12):
            make_failure(make_user(f"owner{number}"))
        with django_assert_max_num_queries(20):  # type: ignore[attr-defined]
            as_admin.get(LIST)


class TestPage:
    def test_it_tells_what_happened_to_whom_and_what_to_do(self, as_admin: Client) -> None:
        owner = make_user("curie", first_name="Marie", last_name="Curie")
        content = as_admin.get(page(make_failure(owner))).content.decode()
        for words in (
            "“Photosynthesis” could not be rendered",
            "Marie Curie",
            "while the frames were rendered",
            "The renderer process ended unexpectedly.",
            "a faster profile avoids most crashes",
            "<mark>They turn it into sugar.</mark>",
            "box-7:4711",
            "Segmentation fault",
            "900 MB",
            "150 % of a core",
        ):
            assert words in content, words

    def test_every_try_of_the_sentence_is_there_in_order(self, as_admin: Client) -> None:
        job = make_failure()
        make_attempt(job, 1, outcome=AttemptOutcome.TIMEOUT, code="clip_timeout", fence=2)
        make_attempt(job, 0, outcome=AttemptOutcome.DONE, code="")
        told = failure_report.report(job)
        assert [(one.sentence, one.number, one.code) for one in told.tries] == [
            (2, 1, "renderer_crashed"),
            (2, 2, "clip_timeout"),
        ]

    def test_stand_ins_are_counted_in_the_headline(self) -> None:
        job = make_failure(state=JobState.FALLBACK)
        finish_clip(job, 1, is_fallback=True)
        finish_clip(job, 2, is_fallback=True)
        told = failure_report.report(job)
        assert told.headline == "“Photosynthesis” shows a still picture for 2 sentences"
        assert [one.became for one in told.sentences] == ["shown as a still picture"] * 2

    def test_where_every_sentence_is_done_joining_them_failed(self) -> None:
        job = make_failure(code="publish_failed")
        finish_clip(job, 1)
        assert failure_report.report(job).stage == "publish"

    def test_a_long_script_is_shown_around_the_sentence(self) -> None:
        job = make_failure(sentences=tuple(f"This is sentence number {number}." for number in range(40)))
        Clip.objects.filter(job=job, index=1).update(state="done")
        Clip.objects.filter(job=job, index=20).update(state="failed")
        (sentence,) = failure_report.report(job).sentences
        assert sentence.before.startswith("… ")
        assert sentence.before.endswith("number 19. ")
        assert sentence.text == "This is sentence number 20."
        assert len(sentence.before + sentence.after) < 450

    def test_the_log_ends_after_eighty_lines_and_keeps_its_secrets(self, as_admin: Client) -> None:
        job = make_failure()
        lines = [f"line {number}" for number in range(200)] + ["token=abcdef123456", "<script>alert(1)</script>"]
        make_attempt(job, 1, log_tail="\n".join(lines), fence=2)
        assert len(failure_report.report(job).log.splitlines()) == 80
        content = as_admin.get(page(job)).content.decode()
        assert "line 199" in content
        assert "line 100" not in content
        assert "abcdef123456" not in content
        assert "<script>alert" not in content

    def test_a_long_job_needs_no_more_queries_than_a_short_one(
        self, as_admin: Client, django_assert_max_num_queries: Callable[..., object]
    ) -> None:
        job = make_failure(sentences=tuple(f"Sentence {number}." for number in range(60)))
        Clip.objects.filter(job=job).update(state="failed")
        for index in range(60):
            make_attempt(job, index)
        with django_assert_max_num_queries(16):  # type: ignore[attr-defined]
            assert as_admin.get(page(job)).status_code == 200

    def test_one_walks_from_failure_to_failure(self, as_admin: Client, admin_user: User) -> None:
        now = timezone.now()
        old, middle, new = (make_failure(finished_at=now - timedelta(minutes=age)) for age in (30, 20, 10))
        context = as_admin.get(page(middle)).context
        assert (context["newer"].pk, context["older"].pk, context["left"]) == (new.pk, old.pk, "3")
        reviews.act(old, "review", admin_user, seen=0, reason="Seen.")
        context = as_admin.get(page(middle)).context
        assert (context["older"], context["left"]) == (None, "2")

    def test_failures_that_ended_at_the_same_moment_are_not_skipped(self) -> None:
        now = timezone.now()
        jobs = sorted((make_failure(finished_at=now) for _ in range(3)), key=lambda job: str(job.pk))
        newer, older = failure_report.adjacent_failures(jobs[1])
        assert newer is not None
        assert older is not None
        assert {newer.pk, older.pk} == {jobs[0].pk, jobs[2].pk}

    def test_what_is_no_failure_has_no_page(self, as_admin: Client) -> None:
        for address in (page(make_finished_job()), f"{LIST}nonsense/change/", f"{LIST}{'0' * 32}/change/"):
            assert as_admin.get(address).status_code == 404


class TestButtons:
    def verbs(self, client: Client, job: Job) -> list[str]:
        return [button.verb for button in client.get(page(job)).context["buttons"]]

    def test_the_suggested_one_comes_forward(self, as_admin: Client) -> None:
        buttons = as_admin.get(page(make_failure(code="job_timeout"))).context["buttons"]
        assert [button.verb for button in buttons if button.is_first] == ["retry-faster"]

    def test_a_review_needs_a_reason_and_leads_to_the_next(self, as_admin: Client) -> None:
        now = timezone.now()
        job, older = make_failure(), make_failure(title="Gravity", finished_at=now - timedelta(hours=1))
        assert "A reason is missing." in press(as_admin, job, "review")
        content = press(as_admin, job, "review", reason="The disk was full.")
        assert "Marked as reviewed." in content
        assert "“Gravity” could not be rendered" in content
        assert older.pk
        assert self.verbs(as_admin, job) == ["retry", "retry-faster", "reopen"]
        assert "The disk was full." in as_admin.get(page(job)).content.decode()

    def test_after_a_retry_the_newer_try_can_be_cancelled(self, as_admin: Client) -> None:
        job = make_failure()
        assert "is the new video" in press(as_admin, job, "retry")
        assert self.verbs(as_admin, job) == ["cancel", "review"]
        again = Job.objects.exclude(pk=job.pk).get()
        response = as_admin.post(f"{LIST}{again.pk}/do/cancel/", {"seen": 0})
        assert response["Location"] == page(job)
        again.refresh_from_db()
        assert again.state == JobState.CANCELLED
        assert self.verbs(as_admin, job) == ["retry", "retry-faster", "review"]

    def test_the_button_of_an_old_page_does_nothing_and_says_why(self, as_admin: Client) -> None:
        job = make_failure()
        press(as_admin, job, "retry")
        content = press(as_admin, job, "retry")  # with the same sight, as on a page that stood open
        assert "This video has changed since you opened the page. admin did this: retried." in content
        assert Job.objects.count() == 2
        assert "This video has changed" in press(as_admin, job, "review", seen="nonsense", reason="Seen.")

    def test_the_page_carries_the_sight_it_was_made_from(self, as_admin: Client, admin_user: User) -> None:
        job = make_failure()
        reviews.act(job, "review", admin_user, seen=0, reason="Seen.")
        content = as_admin.get(page(job)).content.decode()
        assert set(re.findall(r'name="seen" value="(\d+)"', content)) == {"1"}

    def test_a_link_alone_and_a_form_from_elsewhere_change_nothing(self, admin_user: User) -> None:
        client, job = Client(enforce_csrf_checks=True), make_failure()
        client.force_login(admin_user)
        address = f"{LIST}{job.pk}/do/retry/"
        assert client.get(address).status_code == 405
        assert client.post(address, {"seen": 0}).status_code == 403
        assert client.post(page(job), {"state": "completed"}).status_code == 403
        assert Job.objects.count() == 1


class TestManyAtOnce:
    def test_they_are_marked_with_one_reason(self, as_admin: Client) -> None:
        jobs = [make_failure(), make_failure()]
        asked = choose(as_admin, "review_selected", *jobs)
        assert "Say briefly" in asked
        assert "Enter a reason." in choose(as_admin, "review_selected", *jobs, reason=" ")
        assert JobAction.objects.count() == 0
        assert "2 of 2 jobs marked as reviewed." in choose(as_admin, "review_selected", *jobs, reason="Disk.")
        assert [action.reason for action in JobAction.objects.all()] == ["Disk.", "Disk."]
        assert "2 of 2 jobs reopened." in choose(as_admin, "reopen_selected", *jobs)

    def test_they_are_tried_again_once(self, as_admin: Client) -> None:
        jobs = [make_failure(), make_failure(profile="fast")]
        assert "1 of 2 jobs retried with a faster" in choose(as_admin, "retry_selected_faster", *jobs)
        content = choose(as_admin, "retry_selected", *jobs)
        assert "This video has already been retried." in content
        assert "1 of 2 jobs retried." in content
        assert "2 of 2 jobs had their retry cancelled." in choose(as_admin, "cancel_newer_selected", *jobs)

    def test_not_more_than_can_be_checked_in_one_request(
        self, as_admin: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("talking_head.admin.actions.MAX_BULK", 1)
        assert "at most 1 videos" in choose(as_admin, "retry_selected", make_failure(), make_failure())
        assert Job.objects.count() == 2


class TestRights:
    RIGHTS = {
        "retry_job": {"retry"},
        "retry_job_faster": {"retry-faster"},
        "review_job": {"review"},
        "cancel_job": set[str](),
    }

    @pytest.mark.parametrize("right", RIGHTS)
    def test_each_right_opens_its_own_button_and_no_other(self, staff: Callable[..., Client], right: str) -> None:
        client, job = staff("view_job", right), make_failure()
        assert {button.verb for button in client.get(page(job)).context["buttons"]} == self.RIGHTS[right]
        for verb in ("retry", "retry-faster", "review", "reopen", "cancel"):
            allowed = verb in self.RIGHTS[right] or right == f"{verb}_job" or (verb, right) == ("reopen", "review_job")
            if not allowed:
                address = f"{LIST}{job.pk}/do/{verb}/"
                assert client.post(address, {"seen": 0, "reason": "Seen."}).status_code == 403, verb
        assert JobAction.objects.count() == 0

    def test_the_list_offers_only_what_one_may_do(self, staff: Callable[..., Client]) -> None:
        make_failure()
        choices = dict(staff("view_job", "review_job").get(LIST).context["action_form"].fields["action"].choices)
        assert set(choices) == {"", "review_selected", "reopen_selected"}

    def test_an_action_that_was_not_offered_is_not_done(self, staff: Callable[..., Client]) -> None:
        job = make_failure()
        choose(staff("view_job"), "retry_selected", job)
        assert Job.objects.count() == 1

    def test_without_the_right_to_see_jobs_there_is_nothing(self, staff: Callable[..., Client], client: Client) -> None:
        job = make_failure()
        assert staff("review_job").get(page(job)).status_code == 403
        assert client.get(page(job)).status_code == 302

    def test_the_trail_can_be_read_and_not_written(self, staff: Callable[..., Client], admin_user: User) -> None:
        reviews.act(make_failure(), "review", admin_user, seen=0, reason="The disk was full.")
        action, address = JobAction.objects.get(), "/admin/talking_head/jobaction/"
        client = staff("view_jobaction")
        assert "The disk was full." in client.get(address).content.decode()
        assert client.get(f"{address}{action.pk}/change/").status_code == 200
        assert client.post(f"{address}{action.pk}/change/", {"reason": "x"}).status_code == 403
        assert client.post(f"{address}{action.pk}/delete/", {"post": "yes"}).status_code == 403
        assert staff("view_job").get(address).status_code == 403
