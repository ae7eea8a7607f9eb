"""What ``auto`` comes to, from rows: the machines that are known, how recent videos fared, and what waits."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from talking_head import services
from talking_head.errors import OptionError
from talking_head.files import local
from talking_head.models import Clip, ClipState, Job, JobState, RenderMachine
from talking_head.planning import auto_selection, machines
from talking_head.renderer.supervisor import Watcher
from talking_head.worker import registration
from talking_head.worker.worker import Worker
from tests.talking_head import fakes

SCRIPT = "This is a leaf. It is green. It drinks water."


@pytest.fixture(autouse=True)
def fake_engines(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    fakes.install(monkeypatch)
    services.scripts.voices_of.cache_clear()
    settings.TALKING_HEAD_FACE, settings.TALKING_HEAD_SPEECH = "fakeface", "fakespeech"


def a_machine(name: str = "one", **fields: object) -> RenderMachine:
    values = {"basis": "-", "cores": 8, "memory_bytes": 16_000_000_000, "seen_at": timezone.now()}
    return RenderMachine.objects.create(name=name, **{**values, **fields})


def ended_jobs(count: int, profile: str, state: str = JobState.COMPLETED, code: str = "") -> None:
    for _ in range(count):
        Job.objects.create(
            script="x", speech="s", face="f", profile=profile, timeout_seconds=1, state=state, error_code=code,
            finished_at=timezone.now(),
        )  # fmt: skip


@pytest.mark.django_db
class TestChoosing:
    def test_a_named_profile_is_nobodys_choice(self, teacher: User) -> None:
        job = services.submit_job(owner=teacher, script=SCRIPT, profile="quality")
        assert (job.profile, job.asked_profile, job.profile_reason) == ("quality", "quality", "")

    def test_auto_goes_by_the_machines_that_are_known(self, teacher: User) -> None:
        ordinary = services.submit_job(owner=teacher, script=SCRIPT, profile="auto")
        a_machine()
        strong = services.submit_job(owner=teacher, script="Another text.", profile="auto")
        assert (ordinary.profile, strong.profile) == ("balanced", "quality")
        assert "GPU" in ordinary.profile_reason
        assert ordinary.timeout_seconds == 600
        assert strong.asked_profile == "auto"

    def test_a_machine_that_has_not_been_seen_for_days_no_longer_counts(self) -> None:
        a_machine(seen_at=timezone.now() - timedelta(days=4))
        assert machines.known() == ()

    def test_recent_trouble_with_a_profile_steps_down_and_a_bad_picture_does_not(self, teacher: User) -> None:
        a_machine()
        ended_jobs(4, "quality", JobState.FALLBACK, "no_face")
        assert services.submit_job(owner=teacher, script=SCRIPT, profile="auto").profile == "quality"
        ended_jobs(3, "quality", JobState.FALLBACK, "out_of_memory")
        job = services.submit_job(owner=teacher, script="Another text.", profile="auto")
        assert (job.profile, "3 of the last 7" in job.profile_reason) == ("balanced", True)

    def test_sentences_that_are_ready_keep_a_lesson_in_its_profile(self, teacher: User) -> None:
        first = services.submit_job(owner=teacher, script=SCRIPT, profile="auto")
        Clip.objects.filter(job=first).update(state=ClipState.DONE)
        a_machine()
        again = services.submit_job(owner=teacher, script=f"{SCRIPT} And it grows.", profile="auto")
        assert (again.profile, again.profile_reason[:3]) == ("balanced", "75%")

    def test_a_long_queue_steps_down(self, teacher: User, outsider: User, settings: Settings) -> None:
        a_machine()
        settings.TALKING_HEAD_PATIENCE_SECONDS = 15
        done = services.submit_job(owner=outsider, script=SCRIPT, profile="quality")
        Clip.objects.filter(job=done).update(state=ClipState.DONE, render_seconds=20.0, video_seconds=2.0)
        job = services.submit_job(owner=teacher, script="One text that nobody rendered.", profile="auto")
        assert job.profile == "balanced"
        assert services.submit_job(owner=teacher, script="Another.", profile="quality").profile == "quality"

    def test_a_retry_chooses_anew(self, teacher: User) -> None:
        job = services.submit_job(owner=teacher, script=SCRIPT, profile="auto")
        services.cancel_job(job)
        a_machine()
        assert services.retry_job(job).profile == "quality"

    def test_an_unknown_profile_is_named_with_what_there_is(self, teacher: User) -> None:
        with pytest.raises(OptionError, match="auto, fast, balanced, quality"):
            services.submit_job(owner=teacher, script=SCRIPT, profile="sublime")

    def test_auto_chooses_sadtalker_only_where_every_machine_is_quick_enough(self) -> None:
        job = Job(script=SCRIPT, portrait_digest="a" * 64)
        utterances = services.check_script(SCRIPT).utterances
        a_machine(sadtalker_seconds_per_frame=0.01, gpu_name="NVIDIA")
        quick = auto_selection.select_profile_and_face(job, utterances, "quality", "auto")
        a_machine("two", sadtalker_seconds_per_frame=9.0)
        slow = auto_selection.select_profile_and_face(job, utterances, "quality", "auto")
        named = auto_selection.select_profile_and_face(job, utterances, "quality", "sadtalker")
        assert (quick.face, slow.face, named.face) == ("sadtalker", "puppet", "sadtalker")
        assert "allows about 15 minutes" in slow.face_reason
        assert named.face_reason == ""


def test_a_worker_introduces_its_machine_once_and_the_choice_is_in_the_metrics(worker: Worker, teacher: User) -> None:
    for _ in range(2):
        registration.register_machine(worker.renderer, Watcher())
    (row,) = RenderMachine.objects.all()
    assert row.cores == 8
    assert worker.renderer.requests_served == 1, "it was measured again"
    job = services.submit_job(owner=teacher, script=SCRIPT, profile="auto")
    worker.work()
    chosen = json.loads(local.metrics_file(job.pk).read_text())["chosen"]
    assert (chosen["asked_profile"], job.profile) == ("auto", "quality")
    assert chosen["profile_reason"] == job.profile_reason == services.job_snapshot(job)["profile_reason"]
