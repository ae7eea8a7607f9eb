"""``manage.py benchmark`` with engines that cost nothing: it must measure what it says, with any result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from benchmarks import measure
from benchmarks.lesson_text import lesson, sentences
from benchmarks.report import table
from talking_head.engines import registry
from talking_head.pipeline.script.script_to_utterances import script_to_utterances
from tests.talking_head import fakes


@pytest.fixture
def cheap_engines(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Fakes for all engines, and for the processes of their own; returns what was asked of those."""
    fakes.install(monkeypatch)
    monkeypatch.setitem(registry.ENGINES, "speech", {"fakespeech": f"{fakes.__name__}:FakeSpeech"})
    monkeypatch.setitem(registry.ENGINES, "face", {"fakeface": f"{fakes.__name__}:FakeFace"})
    monkeypatch.setattr(measure.Plan, "repeats", 1)
    monkeypatch.setattr(measure.Plan, "lesson_seconds", 3.0)
    monkeypatch.setattr(measure.Plan, "long_lesson_sentences", 3)
    asked: list[tuple[Any, ...]] = []

    def probe(name: str, *arguments: object) -> dict[str, float]:
        asked.append((name, *arguments))
        if name == "memory":
            return {"video_seconds": float(str(arguments[-1])), "rss_peak_bytes": 1e8}
        return {"first_preview_seconds": 1.0, "first_clip_seconds": 2.0}

    monkeypatch.setattr(measure, "probe", probe)
    return asked


def test_it_prints_all_figures(
    cheap_engines: list[tuple[Any, ...]], portrait_png: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("benchmark", "--quick", "--json", portrait=portrait_png)

    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"machine", "quick", *measure.MEASUREMENTS}
    assert list(figures["milliseconds_per_frame"]) == ["128", "256", "512"]
    assert all(value > 0 for stages in figures["milliseconds_per_frame"].values() for value in stages.values())
    assert figures["lesson_to_mp4"]["fast"]["real_time_factor"] > 0
    assert figures["one_sentence_edit"]["clips_rendered_per_edit"] == 1
    assert figures["rendering_again"]["same_text_again_seconds"] < figures["rendering_again"]["first_time_seconds"]
    assert figures["memory"]["long_over_short"] == 1.0
    assert {name for name, *_ in cheap_engines} == {"first_clip", "memory"}
    shown = table(figures)
    assert "cores" in shown.splitlines()[0]
    assert "load average" in shown.splitlines()[1]
    for row in ("128 px", "click to first clip, warm", "one sentence changed", "peak memory", "aim 1.5 x"):
        assert row in shown


def test_a_bad_portrait_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("benchmark", portrait=tmp_path / "nobody.png")
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("benchmark: ")


def test_no_sentence_of_a_lesson_comes_twice() -> None:
    texts = sentences(400)
    assert len(set(texts)) == 400
    assert set(lesson(60, 0).split(". ")).isdisjoint(lesson(60, 1).split(". "))


def test_every_sentence_is_one_utterance() -> None:
    texts = sentences(200)
    utterances = script_to_utterances(" ".join(texts)).utterances
    assert [utterance.text.strip() for utterance in utterances] == texts
