"""Recordings from upload to clips: listened to in pieces, by workers that may die, and what waits for them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from uuid import UUID

import av
import pytest
from django.contrib.auth.models import User

from talking_head import services
from talking_head.errors import InvalidInput, OptionError, RendererError, ScriptError
from talking_head.files import uploads
from talking_head.files.uploads import UploadKind
from talking_head.jobs import claim as clip_work
from talking_head.jobs import claims, transcription
from talking_head.jobs.transcription import TranscriptionClaim
from talking_head.models import Clip, Job, JobState, Narration, NarrationState
from talking_head.pipeline.clips_to_video import RECORDED_NOTICE
from talking_head.worker import sweeper
from tests.media import inspect_video
from tests.talking_head.recordings import spoken as recording
from tests.talking_head.recordings import wav

FIRST, SECOND = "Plants make their own food from light.", "Water travels up from the roots."
SCRIPT = f"{FIRST} {SECOND}"
pytestmark = pytest.mark.django_db


@pytest.fixture
def narration(teacher: User) -> Narration:
    return services.store_narration(io.BytesIO(wav(recording((FIRST, SECOND)))), teacher)


def segment(text: str, start_seconds: float) -> dict[str, Any]:
    words = [
        {"text": word, "start_seconds": start_seconds + 0.3 * i, "end_seconds": start_seconds + 0.3 * i + 0.3,
         "probability": 0.9}
        for i, word in enumerate(text.lower().rstrip(".").split())
    ]  # fmt: skip
    end_seconds = words[-1]["end_seconds"]
    return {"text": text, "start_seconds": start_seconds, "end_seconds": end_seconds, "probability": 0.9,
            "words": words}  # fmt: skip


def piece(*segments: dict[str, Any], end_seconds: float, is_last: bool = True) -> dict[str, Any]:
    return {"segments": list(segments), "end_seconds": end_seconds, "is_last": is_last, "recogniser": "fake 1",
            "language": "en" if segments else "", "language_probability": 0.8 if segments else 0.0}  # fmt: skip


def claimed() -> TranscriptionClaim:
    claim = transcription.claim_chunk()
    assert claim is not None
    return claim


def hear_all(narration: Narration) -> None:
    end_seconds = narration.duration_seconds
    assert transcription.record_chunk(
        claimed(), piece(segment(FIRST, 0.5), segment(SECOND, 3.5), end_seconds=end_seconds)
    )
    narration.refresh_from_db()


class TestUpload:
    def test_it_is_kept_plain_under_its_digest_and_waits_to_be_heard(self, narration: Narration) -> None:
        assert uploads.fetch(UploadKind.NARRATION, narration.digest).read_bytes()[:4] == b"fLaC"
        assert narration.state == NarrationState.WAITING
        assert narration.report["verdict"] == "good"
        assert transcription.has_claimable_chunks()

    def test_the_same_recording_twice_is_one_row_and_heard_once(self, narration: Narration, teacher: User) -> None:
        hear_all(narration)
        again = services.store_narration(io.BytesIO(wav(recording((FIRST, SECOND)))), teacher)
        assert (again.pk, again.state) == (narration.pk, NarrationState.READY)

    def test_uploading_it_again_gives_a_failed_one_another_try(self, narration: Narration, teacher: User) -> None:
        transcription.record_failure(claimed(), InvalidInput("No.", code="audio_no_speech"))
        again = services.store_narration(io.BytesIO(wav(recording((FIRST, SECOND)))), teacher)
        assert (again.pk, again.state, again.error_code) == (narration.pk, NarrationState.WAITING, "")

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"#EXTM3U\nhttp://127.0.0.1:1/a.ts\n", "audio_format"),
            (wav(recording())[:60], "audio_too_short"),
            (wav(0 * recording()), "audio_silent"),
            (b"RIFF\0\0\0\0WAVE" + bytes(50), "audio_unreadable"),
        ],
        ids=["a playlist", "cut off", "silent", "a header alone"],
    )
    def test_what_cannot_be_used_leaves_nothing(self, teacher: User, data: bytes, code: str, media_root: Any) -> None:
        with pytest.raises(InvalidInput) as caught:
            services.store_narration(io.BytesIO(data), teacher)
        assert caught.value.code == code
        assert not Narration.objects.exists()
        assert not [path for path in media_root.rglob("*") if path.is_file()]


class TestListening:
    def test_pieces_follow_each_other_and_the_last_makes_the_text(self, narration: Narration) -> None:
        assert transcription.record_chunk(claimed(), piece(segment(FIRST, 0.5), end_seconds=3.0, is_last=False))
        second = claimed()
        assert (second.start_seconds, second.language) == (3.0, "en")
        assert transcription.record_chunk(second, piece(segment(SECOND, 6.0), end_seconds=9.0))
        narration.refresh_from_db()
        assert narration.state == NarrationState.READY
        assert narration.text == f"{FIRST}\n\n{SECOND}"  # three seconds of pause: a new paragraph
        assert transcription.claim_chunk() is None

    def test_silence_at_the_end_says_nothing_about_the_language(self, narration: Narration) -> None:
        transcription.record_chunk(claimed(), piece(segment(FIRST, 0.5), end_seconds=3.0, is_last=False))
        transcription.record_chunk(claimed(), piece(end_seconds=9.0))
        narration.refresh_from_db()
        assert (narration.transcript["language"], narration.text) == ("en", FIRST)

    def test_nobody_takes_a_piece_that_somebody_has(self, narration: Narration) -> None:
        claimed()
        assert transcription.claim_chunk() is None

    def test_a_piece_of_a_worker_that_went_away_is_taken_over_and_its_report_refused(
        self, narration: Narration
    ) -> None:
        stale = claimed()
        Narration.objects.update(lease_expires_at="2000-01-01T00:00Z")
        fresh = claimed()
        assert not transcription.record_chunk(stale, piece(segment(FIRST, 0.5), end_seconds=3.0))
        assert not transcription.renew_lease(stale)
        assert transcription.record_chunk(fresh, piece(segment(FIRST, 0.5), end_seconds=3.0))

    def test_a_piece_that_ends_its_renderer_twice_fails_the_recording(self, narration: Narration) -> None:
        for _ in range(transcription.MAX_TRIES):
            transcription.record_failure(claimed(), RendererError("It crashed."))
        assert transcription.claim_chunk() is None
        narration.refresh_from_db()
        assert (narration.state, narration.error_code) == (NarrationState.FAILED, "narration_failed")

    def test_a_worker_that_stops_gives_its_piece_back_without_a_black_mark(self, narration: Narration) -> None:
        transcription.release(claimed())
        narration.refresh_from_db()
        assert (narration.state, narration.tries) == (NarrationState.WAITING, 0)

    def test_no_speech_at_all_is_a_failure_in_words(self, narration: Narration) -> None:
        transcription.record_chunk(claimed(), piece(end_seconds=3.0))
        narration.refresh_from_db()
        assert (narration.state, narration.error_code) == (NarrationState.FAILED, "audio_no_speech")
        assert "microphone" in narration.error_hint

    def test_the_sweeper_rings_for_a_recording_that_nobody_listens_to(
        self, narration: Narration, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("talking_head.jobs.wakeups.pending_wakeups", lambda: 0)
        rings: list[UUID | None] = []

        def ring(job_id: UUID | None = None) -> bool:
            rings.append(job_id)
            return True

        monkeypatch.setattr("talking_head.jobs.wakeups.wake_worker", ring)
        assert sweeper.wake_workers_if_needed()
        hear_all(narration)
        assert not sweeper.wake_workers_if_needed()
        assert len(rings) == 1


class TestJobs:
    def test_each_clip_gets_its_passage(self, narration: Narration, teacher: User) -> None:
        hear_all(narration)
        job = services.submit_job(owner=teacher, script=SCRIPT, narration_digest=narration.digest)
        assert job.speech == "recorded"
        first, second = job.clips.all()
        times = [clips.narration_start_seconds for clips in (first, second)]
        assert times[0] is not None and times[1] is not None
        assert 0 < times[0] < times[1] == first.narration_end_seconds
        request = clip_work.clip_request_for(first)
        assert request.narration_path.endswith(narration.digest)
        assert (request.narration_digest, request.voice) == (narration.digest, "")

    def test_without_a_text_the_transcript_is_the_script(self, narration: Narration, teacher: User) -> None:
        hear_all(narration)
        job = services.submit_job(owner=teacher, script="", narration_digest=narration.digest)
        assert job.script == SCRIPT
        assert [clip.text for clip in job.clips.all()] == [FIRST, SECOND]

    @pytest.mark.parametrize("script", ["", SCRIPT])
    def test_a_job_waits_for_a_recording_that_is_still_listened_to(
        self, narration: Narration, teacher: User, script: str
    ) -> None:
        job = services.submit_job(owner=teacher, script=script, narration_digest=narration.digest)
        assert (job.state, job.clips.count()) == (JobState.QUEUED, 0)
        assert claims.claim_clip("tester") is None
        assert services.job_snapshot(job)["narration"]["state"] == "waiting"
        hear_all(narration)
        job.refresh_from_db()
        assert (job.script, job.clips.count()) == (SCRIPT, 2)
        snapshot = services.job_snapshot(job)["narration"]
        assert (snapshot["text"], snapshot["language"]) == (SCRIPT, "en")
        assert claims.claim_clip("tester") is not None

    def test_a_recording_that_cannot_be_used_ends_the_jobs_that_wait_for_it(
        self, narration: Narration, teacher: User
    ) -> None:
        job = services.submit_job(owner=teacher, script="", narration_digest=narration.digest)
        transcription.record_chunk(claimed(), piece(end_seconds=3.0))
        job.refresh_from_db()
        assert (job.state, job.error_code) == (JobState.FAILED, "audio_no_speech")

    def test_a_cancelled_job_gets_no_clips(self, narration: Narration, teacher: User) -> None:
        job = services.submit_job(owner=teacher, script="", narration_digest=narration.digest)
        assert services.cancel_job(job)
        hear_all(narration)
        assert not Clip.objects.exists()

    def test_a_text_that_the_recording_does_not_say_names_the_sentence(
        self, narration: Narration, teacher: User
    ) -> None:
        hear_all(narration)
        wrong = f"{FIRST} Nothing of this was ever recorded anywhere. {SECOND}"
        with pytest.raises(ScriptError) as caught:
            services.submit_job(owner=teacher, script=wrong, narration_digest=narration.digest)
        assert caught.value.code == "audio_text_mismatch"
        assert "Nothing of this was ever recorded anywhere" in caught.value.message
        assert not Job.objects.exists()

    def test_the_same_mistake_in_a_text_that_waits_ends_the_job(self, narration: Narration, teacher: User) -> None:
        job = services.submit_job(
            owner=teacher, script="Nothing of this was ever recorded.", narration_digest=narration.digest
        )
        hear_all(narration)
        job.refresh_from_db()
        assert (job.state, job.error_code) == (JobState.FAILED, "audio_text_mismatch")

    @pytest.mark.parametrize("options", [{"voice": "af_heart"}, {"speed": 1.2}, {"speech": "hibari"}])
    def test_a_voice_beside_a_recording_is_refused(
        self, narration: Narration, teacher: User, options: dict[str, Any]
    ) -> None:
        with pytest.raises(OptionError) as caught:
            services.submit_job(owner=teacher, script=SCRIPT, narration_digest=narration.digest, **options)
        assert caught.value.code == "audio_and_voice"

    @pytest.mark.parametrize("digest", ["a" * 64, "../../etc/passwd"])
    def test_an_unknown_recording_is_said(self, teacher: User, digest: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            services.submit_job(owner=teacher, script=SCRIPT, narration_digest=digest)
        assert caught.value.code == "unknown_narration"

    def test_trying_again_keeps_the_recording(self, narration: Narration, teacher: User) -> None:
        hear_all(narration)
        job = services.submit_job(owner=teacher, script=SCRIPT, narration_digest=narration.digest)
        services.cancel_job(job)
        again = services.retry_job(job)
        assert (again.narration_digest, again.clips.count()) == (narration.digest, 2)


def test_one_call_makes_a_video_of_a_recording(tmp_path: Path, settings: Any, transactional_db: None) -> None:
    del settings.TALKING_HEAD_RENDERER
    settings.TALKING_HEAD_TIMING = {}
    (tmp_path / "voice.wav").write_bytes(wav(recording((FIRST, SECOND))))
    path = services.generate_talking_video("", performance_mode="fast", audio_path=tmp_path / "voice.wav")
    assert inspect_video(Path(path)).frame_count > 50
    with av.open(path) as video:
        assert video.metadata["comment"] == RECORDED_NOTICE
    assert "make their own food" in Job.objects.get().script
    with pytest.raises(InvalidInput) as caught:
        services.generate_talking_video("", audio_path=tmp_path / "none.wav")
    assert caught.value.code == "audio_unreadable"


def test_a_recorded_lesson_from_upload_to_video(teacher: User, settings: Any, transactional_db: None) -> None:
    """The real way: the recogniser listens, the aligner finds the words, and the clips have the voice of the file."""
    del settings.TALKING_HEAD_RENDERER
    settings.TALKING_HEAD_TIMING = {}
    narration = services.store_narration(io.BytesIO(wav(recording((FIRST, SECOND)))), teacher)
    job = services.run_job(services.submit_job(owner=teacher, script=SCRIPT, narration_digest=narration.digest))
    assert (job.state, [clip.error_message for clip in job.clips.all()]) == (JobState.COMPLETED, ["", ""])
    assert {clip.result["engines"]["speech"] for clip in job.clips.all()} == {"recorded 1"}

    corrected = services.submit_job(
        owner=teacher, script=f"{FIRST} Water travels up from its roots.", narration_digest=narration.digest
    )
    services.run_job(corrected)
    assert [clip.cached for clip in corrected.clips.all()] == [True, False]  # only what was changed is made anew
