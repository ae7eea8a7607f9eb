"""Recordings over HTTP: on their own, and as the voice of a video."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from talking_head.api.render_service import ImageId
from talking_head.decoding import sounds
from talking_head.errors import InvalidInput
from talking_head.jobs import transcription
from talking_head.models import Job, Narration
from tests.talking_head.jobs.test_narrations import FIRST, SECOND, hear_all
from tests.talking_head.recordings import hum, spoken, wav

DIGEST = "ab" * 32
SOUND = spoken((FIRST, SECOND))


@pytest.fixture
def image_id(teacher: User, media_root: Path) -> str:
    stored = media_root / "portraits" / "ab" / DIGEST
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"a picture")
    return str(ImageId(DIGEST, "crop", teacher.pk))


def upload(client: Client, data: bytes, name: str = "speech.wav") -> Any:
    return client.post("/api/narrations/", {"audio_file": SimpleUploadedFile(name, data)})


def generate(client: Client, image_id: str, data: bytes, **values: str) -> Any:
    audio = SimpleUploadedFile("speech.wav", data)
    return client.post("/api/vip/generate", {"image_id": image_id, "audio_file": audio, **values})


class TestNarrations:
    def test_an_upload_is_answered_with_the_verdict_on_its_sound(self, as_teacher: Client) -> None:
        response = upload(as_teacher, wav(SOUND + hum(len(SOUND), 0.02)))
        assert response.status_code == 201
        found = response.json()
        assert (found["state"], found["report"]["verdict"]) == ("waiting", "warn")
        assert "hum" in found["report"]["problems"][0]["message"]
        assert found["duration_seconds"] == pytest.approx(len(SOUND) / 24_000, abs=0.01)

    def test_what_was_heard_can_be_fetched(self, as_teacher: Client) -> None:
        address = f"/api/narrations/{upload(as_teacher, wav(SOUND)).json()['id']}/"
        assert as_teacher.get(address).json()["text"] == ""
        hear_all(Narration.objects.get())
        found = as_teacher.get(address).json()
        assert (found["state"], found["text"], found["language"]) == ("ready", f"{FIRST} {SECOND}", "en")
        assert [segment["text"] for segment in found["segments"]] == [FIRST, SECOND]
        assert [segment["doubtful"] for segment in found["segments"]] == [[], []]

    def test_words_that_may_be_misheard_are_named(self, as_teacher: Client) -> None:
        address = f"/api/narrations/{upload(as_teacher, wav(SOUND)).json()['id']}/"
        hear_all(narration := Narration.objects.get())
        narration.transcript["segments"][1]["words"][0]["probability"] = 0.1
        narration.save()
        found = as_teacher.get(address).json()["segments"]
        unsure = narration.transcript["segments"][1]["words"][0]["text"]
        assert [segment["doubtful"] for segment in found] == [[], [unsure]]

    def test_nobody_else_hears_of_it(self, as_teacher: Client, as_admin: Client, as_student: Client) -> None:
        address = f"/api/narrations/{upload(as_teacher, wav(SOUND)).json()['id']}/"
        assert as_admin.get(address).status_code == 404
        assert as_student.get(address).status_code == 403
        assert Client().get(address).status_code == 401

    def test_students_may_not(self, as_student: Client) -> None:
        assert upload(as_student, wav(SOUND)).status_code == 403

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n", "audio_format"),
            (b"ffconcat version 1.0\nfile /etc/passwd\n", "audio_format"),
            (b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>', "audio_format"),
            (b"\xff\xfb\x90" + bytes(64), "audio_unreadable"),
            (wav(0 * SOUND), "audio_silent"),
            (b"", "invalid_input"),
        ],
        ids=["40 m3u8", "40 concat list", "40 DASH", "a header alone", "silence", "nothing"],
    )
    def test_what_is_no_recording_is_400_whatever_its_name(self, as_teacher: Client, data: bytes, code: str) -> None:
        for name in ("speech.wav", "speech.mp4"):
            response = upload(as_teacher, data, name)
            assert (response.status_code, response.json()["code"]) == (400, code)
        assert not Narration.objects.exists()

    def test_40_a_playlist_inside_a_real_container_asks_nobody(
        self, as_teacher: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An MP4 may refer to other files by name; only the bytes that were sent are ever opened."""
        opened: list[Any] = []
        really_open = av.open

        def note(file: Any, *args: Any, **options: Any) -> Any:
            opened.append(file)
            return really_open(file, *args, **options)

        monkeypatch.setattr(av, "open", note)
        data = b"\0\0\0\x18ftypM4A \0\0\0\0isomiso2" + b"http://127.0.0.1:1/a.m4a"
        with pytest.raises(InvalidInput):  # what the decoder's process does, where it can be watched
            sounds.narration(io.BytesIO(data), tmp_path, max_seconds=60.0)
        assert upload(as_teacher, data).status_code == 400
        assert opened and not any(isinstance(file, str) for file in opened)

    def test_what_browsers_record_is_understood(self, as_teacher: Client) -> None:
        file = io.BytesIO()
        with av.open(file, "w", format="webm") as container:
            stream: Any = container.add_stream("libopus", rate=48_000, layout="mono")
            frame = av.AudioFrame.from_ndarray(SOUND[None], format="fltp", layout="mono")
            frame.sample_rate = 24_000
            for part in av.AudioResampler(format=stream.format, layout="mono", rate=48_000).resample(frame):
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))
        response = upload(as_teacher, file.getvalue(), "recording.webm")
        assert response.status_code == 201, response.content
        assert response.json()["duration_seconds"] == pytest.approx(len(SOUND) / 24_000, abs=0.1)


class TestVideos:
    def test_audio_alone_is_written_down_and_the_status_tells(self, as_teacher: Client, image_id: str) -> None:
        response = generate(as_teacher, image_id, wav(SOUND))
        assert (response.status_code, response.json()["clips_total"]) == (201, 0)
        address = f"/api/vip/status/{response.json()['id']}"
        assert as_teacher.get(address).json()["narration"]["state"] == "waiting"
        hear_all(Narration.objects.get())
        found = as_teacher.get(address).json()
        assert (found["narration"]["text"], found["clips_total"]) == (f"{FIRST} {SECOND}", 2)
        assert [clip["text"] for clip in found["clips"]] == [FIRST, SECOND]

    def test_audio_with_a_text_is_laid_beside_it(self, as_teacher: Client, image_id: str) -> None:
        text = f"{FIRST} Water travels up from all the roots."
        job = Job.objects.get(pk=generate(as_teacher, image_id, wav(SOUND), text=text).json()["id"])
        hear_all(Narration.objects.get())
        assert [clip.text for clip in job.clips.all()] == [FIRST, "Water travels up from all the roots."]
        assert all(clip.narration_end_seconds for clip in job.clips.all())

    def test_no_speech_ends_the_video_in_words(self, as_teacher: Client, image_id: str) -> None:
        address = f"/api/vip/status/{generate(as_teacher, image_id, wav(SOUND)).json()['id']}"
        claim = transcription.claim_chunk()
        assert claim is not None
        nothing = {"segments": [], "end_seconds": 9.0, "is_last": True, "recogniser": "fake 1",
                   "language": "", "language_probability": 0.0}  # fmt: skip
        transcription.record_chunk(claim, nothing)
        found = as_teacher.get(address).json()
        assert (found["state"], found["error"]["code"]) == ("failed", "audio_no_speech")

    def test_a_picture_that_is_gone_takes_no_recording_in(
        self, as_teacher: Client, image_id: str, media_root: Path
    ) -> None:
        (media_root / "portraits" / "ab" / DIGEST).unlink()
        assert generate(as_teacher, image_id, wav(SOUND)).json()["code"] == "unknown_portrait"
        assert not Narration.objects.exists()

    def test_a_playlist_is_refused(self, as_teacher: Client, image_id: str) -> None:
        response = generate(as_teacher, image_id, b"#EXTM3U\nhttp://127.0.0.1:1/a.ts\n")
        assert (response.status_code, response.json()["code"]) == (400, "audio_format")
        assert not Job.objects.exists()
