"""``manage.py render`` as a person uses it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import av
import pytest
from django.core.management import call_command
from pytest_django import Settings

from talking_head.engines import registry
from talking_head.management.commands.render import RenderBar
from talking_head.pipeline.clips_to_video import RECORDED_NOTICE
from talking_head.pipeline.render_script import RenderProgress
from talking_head.pipeline.requests import RenderEvent
from tests.media import inspect_video
from tests.talking_head import fakes
from tests.talking_head.recordings import RATE_HZ, hum, spoken, wav

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def fake_engines(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    fakes.install(monkeypatch)
    monkeypatch.setitem(registry.ENGINES["face"], "deadlyface", "tests.talking_head.commands.fake_child:DeadlyFace")
    settings.CHECKPOINTS_DIR = tmp_path / "checkpoints"
    settings.TALKING_HEAD_RENDERER = [sys.executable, "-m", "tests.talking_head.commands.fake_child"]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "plants.txt"
    path.write_text("The leaf is green. The root is brown.", encoding="utf-8")
    return path


def render(script: Path | None, portrait: Path, tmp_path: Path, **options: Any) -> None:
    values = {"profile": "fast", "speech": "fakespeech", "face": "fakeface", "cache": tmp_path / "cache", **options}
    call_command("render", *([script] if script else []), portrait=portrait, **{"out": tmp_path / "out.mp4", **values})


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_it_writes_what_was_asked_for_and_says_so(
    script: Path, portrait_png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    render(script, portrait_png, tmp_path, captions=tmp_path / "out.vtt", metrics=tmp_path / "m.json")

    assert files(tmp_path) == {"plants.txt", "out.mp4", "out.vtt", "m.json"}
    assert inspect_video(tmp_path / "out.mp4").frame_count > 0
    assert json.loads((tmp_path / "m.json").read_text())["outcome"] == "completed"
    shown = capsys.readouterr()
    assert "out.mp4" in shown.out and "real-time factor" in shown.out
    assert shown.err.splitlines() == ["clip 1/2 done", "clip 2/2 done"]  # not a terminal: lines, no bar


def test_names_are_relative_to_the_folder_of_the_caller(
    script: Path, portrait_png: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The renderer process has another working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "face.png").write_bytes(portrait_png.read_bytes())
    render(Path(script.name), Path("face.png"), Path(), captions=Path("out.vtt"), cache=Path("cache"))
    assert {"out.mp4", "out.vtt"} <= files(tmp_path)


def test_it_needs_no_database(script: Path, portrait_png: Path, tmp_path: Path) -> None:
    """pytest-django refuses the database to tests that did not ask for it, as this one did not."""
    render(script, portrait_png, tmp_path)
    assert (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"profile": "sublime"}, "no profile “sublime”"),
        ({"face": "sadtalkr"}, "no face engine “sadtalkr”"),
        ({"speech": "parrot"}, "no speech engine “parrot”"),
        ({"voice": "nobody"}, "no voice “nobody”"),
        ({"language": "xx"}, "xx"),
        ({"portrait": None}, "No portrait"),
        ({"portrait": Path("/nowhere/face.png")}, "face.png"),
        ({"out": Path("/nowhere/out.mp4")}, "does not exist"),
        ({"metrics": Path("/nowhere/m.json")}, "does not exist"),
        ({"speed": 0.0}, "speed"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    script: Path,
    portrait_png: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, Any],
    said: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        render(script, options.pop("portrait", portrait_png), tmp_path, **options)
    assert ended.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("render: ")
    assert said in lines[0]
    assert files(tmp_path) == {"plants.txt"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"script": None}, "There is no script"),
        ({"transcript": Path("t.txt")}, "only be written without a script"),
        ({"audio": Path("/nowhere/voice.wav"), "speech": ""}, "There is no recording “voice.wav”"),
        ({"audio": Path("/"), "speech": ""}, "Is a directory"),
        ({"out": Path("/dev/null")}, "is not a regular file"),
        ({"captions": Path("/dev/null")}, "is not a regular file"),
    ],
)
def test_what_does_not_go_together_is_one_line_and_status_2(
    script: Path,
    portrait_png: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, Any],
    said: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        render(options.pop("script", script), portrait_png, tmp_path, **options)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_recording_without_a_script_is_written_down(portrait_png: Path, tmp_path: Path) -> None:
    voice = tmp_path / "voice.wav"
    voice.write_bytes(wav(spoken()))
    heard, captions = tmp_path / "heard.txt", tmp_path / "out.vtt"
    render(None, portrait_png, tmp_path, audio=voice, speech="", transcript=heard, captions=captions)
    text = heard.read_text()
    assert "make their own food" in text and "next chapter" in text
    recording_seconds = len(spoken()) / RATE_HZ
    video_seconds = inspect_video(tmp_path / "out.mp4").video_seconds
    assert 0.6 * recording_seconds < video_seconds < recording_seconds  # the pauses became shorter, the words did not
    assert "next" in captions.read_text()
    with av.open(str(tmp_path / "out.mp4")) as video:
        assert video.metadata["comment"] == RECORDED_NOTICE


def test_what_is_wrong_with_the_sound_of_a_recording_is_said_in_words(
    script: Path, portrait_png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voice, text = tmp_path / "voice.wav", "Plants make their own food from light."
    sound = spoken((text,))
    voice.write_bytes(wav(sound + hum(len(sound), 0.01)))
    script.write_text(text, encoding="utf-8")
    render(script, portrait_png, tmp_path, audio=voice, speech="")
    (note,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("note: "))
    assert "a steady hum behind your voice" in note and "quieter room" in note

    voice.write_bytes(wav(0 * sound))
    with pytest.raises(SystemExit):
        render(script, portrait_png, tmp_path, audio=voice, speech="")
    assert "The recording is silent" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00bad", "UTF-8"),
        (b"...", "nothing to say"),
        (b"x" * 5_000_000, "too long"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_script_is_one_line_and_status_2(
    script: Path,
    portrait_png: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    said: str,
) -> None:
    if content is None:
        script.unlink()
    else:
        script.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        render(script, portrait_png, tmp_path)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "out.mp4").exists()


def test_a_picture_that_is_none_is_bad_input(script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    portrait = tmp_path / "face.png"
    portrait.write_text("<svg/>")
    with pytest.raises(SystemExit) as ended:
        render(script, portrait, tmp_path)
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_older_video_survives_a_failed_render(script: Path, portrait_png: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"older")
    script.write_text("")
    with pytest.raises(SystemExit):
        render(script, portrait_png, tmp_path)
    assert (tmp_path / "out.mp4").read_bytes() == b"older"


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("SEGV", "killed by signal 11"),
        ("KILL", "killed by signal 9"),
        ("EXIT", "exited with status 7"),
        ("MEMORY", "memory"),
    ],
)
def test_a_sentence_that_ends_its_renderer_is_shown_as_a_still_picture_and_said(
    portrait_png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], deed: str, said: str
) -> None:
    script, metrics = tmp_path / "plants.txt", tmp_path / "m.json"
    script.write_text(f"The {deed} comes first. The leaf is green. The root is brown.", encoding="utf-8")

    with pytest.raises(SystemExit) as ended:
        render(script, portrait_png, tmp_path, face="deadlyface", metrics=metrics)

    assert ended.value.code == 3
    shown = capsys.readouterr()
    fallback, summary = shown.err.splitlines()[-2:]
    assert f"The {deed} comes first." in fallback and said in fallback
    assert "1 of 3 sentences" in summary and "still picture" in summary
    assert "out.mp4" in shown.out
    video = inspect_video(tmp_path / "out.mp4")
    assert (video.width_px, video.height_px) == (128, 128)  # the size of the other clips, not of the still engine's
    document = json.loads(metrics.read_text())
    assert document["outcome"] == "fallback"
    assert [clip["is_fallback"] for clip in document["clips"]] == [True, False, False]
    assert video.video_seconds == pytest.approx(document["video_seconds"])


def test_a_script_of_which_no_sentence_can_be_rendered_is_a_video_of_still_pictures(
    portrait_png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "plants.txt"
    script.write_text("The KILL comes.", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        render(script, portrait_png, tmp_path, face="deadlyface")
    assert ended.value.code == 3
    assert "1 of 1 sentences" in capsys.readouterr().err
    assert inspect_video(tmp_path / "out.mp4").frame_count > 0


def test_one_kill_from_outside_costs_nothing(
    portrait_png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The engine dies once, as if the kernel had taken the process, and the second try succeeds."""
    script = tmp_path / "plants.txt"
    script.write_text("The ONCE comes first. The leaf is green.", encoding="utf-8")
    render(script, portrait_png, tmp_path, face="deadlyface")
    assert "fallback" not in capsys.readouterr().err


def test_a_renderer_that_dies_hears_the_recording_again(portrait_png: Path, tmp_path: Path) -> None:
    text = "Plants ONCE make their own food from light."
    script, voice = tmp_path / "plants.txt", tmp_path / "voice.wav"
    script.write_text(text, encoding="utf-8")
    voice.write_bytes(wav(spoken((text.replace("ONCE", "once"),))))
    render(script, portrait_png, tmp_path, face="deadlyface", audio=voice, speech="")
    assert inspect_video(tmp_path / "out.mp4").frame_count > 0


def test_nothing_is_left_behind(
    script: Path, portrait_png: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"  # of this test alone: others render at the same time
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))  # for the processes that it starts
    render(script, portrait_png, tmp_path)
    assert list(temporary.iterdir()) == []
    assert list((tmp_path / "cache" / "tmp").iterdir()) == []


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_render_leaves_nothing_half_written(
    portrait_png: Path, tmp_path: Path, signal_number: signal.Signals
) -> None:
    script = tmp_path / "long.txt"
    script.write_text(" ".join(f"This is sentence number {number} of a long lesson." for number in range(200)))
    command = [
        sys.executable, str(ROOT / "manage.py"), "render", str(script), "--portrait", str(portrait_png),
        "--out", str(tmp_path / "out.mp4"), "--cache", str(tmp_path / "cache"), "--profile", "fast", "--face", "still",
    ]  # fmt: skip
    environment = {**os.environ, "MEDIA_ROOT": str(tmp_path / "media")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        assert "clip 1/" in process.stderr.readline()
        process.send_signal(signal_number)
        rest = process.stderr.read()
        assert process.wait(timeout=60) == 130
    assert "Interrupted" in rest.splitlines()[-1]
    assert files(tmp_path) == {"long.txt"}
    assert list((tmp_path / "cache" / "tmp").iterdir()) == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_redraws_itself_and_vanishes() -> None:
    terminal = Terminal()
    bar = RenderBar(terminal)
    bar.show(RenderProgress(0, 2, RenderEvent("frames", 10, 20), 0.25))
    bar.show(RenderProgress(1, 2, RenderEvent("done", 1, 1), 1.0))
    bar.end()
    shown = terminal.getvalue()
    assert "25%" in shown and "clip 1/2" in shown and "100%" in shown
    assert "\n" not in shown
    assert shown.endswith("\r\x1b[K")


@pytest.mark.parametrize("option", ["pose_video", "blink_video"])
def test_only_sadtalker_follows_a_video(
    script: Path, portrait_png: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        render(script, portrait_png, tmp_path, **{option: tmp_path / "moves.mp4"})
    assert ended.value.code == 2
    assert "--face sadtalker" in capsys.readouterr().err
    assert not (tmp_path / "out.mp4").exists()
