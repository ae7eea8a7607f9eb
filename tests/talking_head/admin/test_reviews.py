"""What the staff does with a job: done once, recorded for good, and refused in words when a colleague was faster."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from talking_head.errors import LimitReached, OptionError
from talking_head.models import ActionVerb, Job, JobAction, JobState
from talking_head.services import reviews
from talking_head.services.reviews import act
from tests.factories import make_user
from tests.talking_head.admin.failures import make_failure
from tests.talking_head.rows import make_finished_job, make_job


def refused(code: str) -> Any:
    return pytest.raises(OptionError, check=lambda error: error.code == code)


class TestRetrying:
    def test_it_makes_a_new_job_and_records_who_asked_for_it(self, admin_user: User, teacher: User) -> None:
        job = make_failure(teacher)
        again = act(job, ActionVerb.RETRY, admin_user, seen=0)
        assert (again.owner, again.script, again.state) == (teacher, job.script, JobState.QUEUED)
        action = job.actions.get()
        assert (action.actor_name, action.verb, action.new_job) == ("admin", "retry", again)
        assert action.before["state"] == "failed"
        assert action.after["new_job"] == str(again.pk)

    def test_faster_takes_the_next_cheaper_profile(self, admin_user: User) -> None:
        again = act(make_failure(profile="quality"), ActionVerb.RETRY_FASTER, admin_user, seen=0)
        assert again.profile == "balanced"

    def test_there_is_nothing_faster_than_the_fastest(self, admin_user: User) -> None:
        job = make_failure(profile="fast")
        assert ActionVerb.RETRY_FASTER not in reviews.possible_verbs(job)
        with refused("no_faster_profile"):
            act(job, ActionVerb.RETRY_FASTER, admin_user, seen=0)

    def test_a_second_retry_waits_for_the_end_of_the_first(self, admin_user: User) -> None:
        job = make_failure()
        again = act(job, ActionVerb.RETRY, admin_user, seen=0)
        with refused("already_retried"):
            act(job, ActionVerb.RETRY, admin_user, seen=1)
        Job.objects.filter(pk=again.pk).update(state=JobState.FAILED)
        assert act(job, ActionVerb.RETRY, admin_user, seen=1).pk not in (job.pk, again.pk)

    def test_a_video_that_is_being_made_is_not_tried_again(self, admin_user: User) -> None:
        with refused("job_active"):
            act(make_job(), ActionVerb.RETRY, admin_user, seen=0)

    def test_what_the_services_refuse_leaves_no_trace(self, admin_user: User, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_args: Any, **_kwargs: Any) -> Job:
            raise LimitReached("The queue is full.", code="queue_full")

        monkeypatch.setattr(reviews, "retry_job", full)
        job = make_failure()
        with pytest.raises(LimitReached):
            act(job, ActionVerb.RETRY, admin_user, seen=0)
        job.refresh_from_db()
        assert (job.review_seq, JobAction.objects.count()) == (0, 0)


class TestTwoAtOnce:
    def test_who_saw_an_old_page_is_told_what_happened_since(self, admin_user: User) -> None:
        job, other = make_failure(), make_user("operator", is_staff=True)
        act(job, ActionVerb.REVIEW, other, seen=0, reason="A known crash.")
        with refused("acted_meanwhile") as caught:
            act(job, ActionVerb.RETRY, admin_user, seen=0)
        assert "operator" in caught.value.message
        assert Job.objects.count() == 1

    def test_both_get_past_the_first_look_and_still_one_job_is_made(
        self, admin_user: User, teacher: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The other one acts between this one's look at the row and its write."""
        job, real = make_failure(teacher), reviews.retry_job

        def overtaken(same: Job, **values: Any) -> Job:
            monkeypatch.setattr(reviews, "retry_job", real)
            act(Job.objects.get(pk=same.pk), ActionVerb.RETRY, admin_user, seen=0)
            return real(same, **values)

        monkeypatch.setattr(reviews, "retry_job", overtaken)
        with refused("acted_meanwhile"):
            act(job, ActionVerb.RETRY, admin_user, seen=0)
        assert Job.objects.exclude(pk=job.pk).count() == 1
        assert JobAction.objects.count() == 1


class TestReviewing:
    def test_a_failure_is_marked_with_a_reason_and_taken_back(self, admin_user: User) -> None:
        job = make_failure()
        act(job, ActionVerb.REVIEW, admin_user, seen=0, reason="  The disk was full.  ")
        assert job.reviewed_at is not None
        assert job.actions.get().reason == "The disk was full."
        act(job, ActionVerb.REOPEN, admin_user, seen=1)
        assert job.reviewed_at is None
        assert [action.after["reviewed"] for action in job.actions.all()] == [False, True]

    def test_without_a_reason_it_is_not_marked(self, admin_user: User) -> None:
        job = make_failure()
        with refused("reason_missing"):
            act(job, ActionVerb.REVIEW, admin_user, seen=0, reason="  ")
        assert job.reviewed_at is None

    def test_stand_ins_are_reviewed_and_whole_videos_are_not(self, admin_user: User) -> None:
        act(make_failure(state=JobState.FALLBACK), ActionVerb.REVIEW, admin_user, seen=0, reason="Seen.")
        with refused("not_reviewable"):
            act(make_finished_job(), ActionVerb.REVIEW, admin_user, seen=0, reason="Seen.")

    @pytest.mark.parametrize(
        ("verb", "code"), [(ActionVerb.REVIEW, "already_reviewed"), (ActionVerb.REOPEN, "not_reviewed")]
    )
    def test_nothing_is_marked_or_taken_back_twice(self, admin_user: User, verb: str, code: str) -> None:
        job = make_failure()
        if verb == ActionVerb.REVIEW:
            act(job, verb, admin_user, seen=0, reason="Seen.")
        with refused(code):
            act(job, verb, admin_user, seen=job.review_seq, reason="Seen.")


class TestCancelling:
    def test_it_is_recorded(self, admin_user: User) -> None:
        job = make_job(state=JobState.RUNNING)
        act(job, ActionVerb.CANCEL, admin_user, seen=0)
        assert job.state == JobState.CANCELLED
        action = job.actions.get()
        assert (action.before["state"], action.after["state"]) == ("running", "cancelled")

    def test_one_that_ended_stays_as_it_is_and_nothing_is_recorded(self, admin_user: User) -> None:
        job = make_finished_job()
        with refused("job_ended"):
            act(job, ActionVerb.CANCEL, admin_user, seen=0)
        job.refresh_from_db()
        assert (job.state, job.review_seq, job.actions.count()) == (JobState.COMPLETED, 0, 0)


class TestTheTrail:
    def test_its_rows_are_never_rewritten_or_deleted(self, admin_user: User) -> None:
        act(make_failure(), ActionVerb.REVIEW, admin_user, seen=0, reason="Seen.")
        action = JobAction.objects.get()
        action.reason = "Something else."
        for change in (
            action.save,
            action.delete,
            JobAction.objects.all().delete,
            lambda: JobAction.objects.update(reason="Something else."),
        ):
            with pytest.raises(TypeError):
                change()

    def test_it_outlives_the_job_and_the_account(self, teacher: User) -> None:
        job = make_failure()
        number = job.pk
        act(job, ActionVerb.REVIEW, teacher, seen=0, reason="Seen.")
        job.delete()
        teacher.delete()
        action = JobAction.objects.get()
        assert (action.job, action.actor) == (None, None)
        assert (action.job_number, action.actor_name) == (number, "teacher")


class TestRights:
    @pytest.mark.parametrize("verb", ActionVerb.values)
    def test_each_action_has_a_permission_and_needs_the_staff(self, db: None, verb: str) -> None:
        assert reviews.may_act(make_user(is_staff=True, is_superuser=True), verb)
        assert not reviews.may_act(make_user(is_staff=True), verb)
        assert not reviews.may_act(make_user(is_superuser=True), verb)

    def test_the_groups_that_come_with_the_platform(self, db: None) -> None:
        def may(group: str) -> set[str]:
            person = make_user(is_staff=True)
            person.groups.add(Group.objects.get(name=group))
            return {verb for verb in ActionVerb.values if reviews.may_act(person, verb)}

        assert may("Support") == {"retry", "retry-faster", "review", "reopen"}
        assert may("Operators") == set(ActionVerb.values)
