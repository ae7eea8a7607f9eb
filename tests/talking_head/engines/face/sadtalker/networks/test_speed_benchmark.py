"""``manage.py benchmark --face sadtalker`` measures what it says, with narrow networks, whatever comes out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from benchmarks import original_sadtalker, sadtalker_speed
from talking_head.engines.face.sadtalker import engine as engine_module
from talking_head.engines.face.sadtalker import speed
from tests.talking_head.engines.face.sadtalker.networks.stand_in_weights import TINY


@pytest.fixture(autouse=True)
def narrow_and_short(settings: Settings, checkpoints_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CHECKPOINTS_DIR = checkpoints_dir
    measure = sadtalker_speed.measure_speed
    monkeypatch.setattr(sadtalker_speed, "measure_speed", lambda plan: measure(replace(plan, sizes=TINY)))
    monkeypatch.setattr(sadtalker_speed, "PASTE_RUNS", 1)


def benchmark(**options: Any) -> None:
    call_command("benchmark", face="sadtalker", quick=True, **options)


def test_every_form_draws_the_same_picture_and_is_timed(capsys: pytest.CaptureFixture[str]) -> None:
    benchmark(json=True)

    figures = json.loads(capsys.readouterr().out)
    assert [form["form"] for form in figures["forms"]] == ["plain", "plain, tuned process", "fast"]
    assert figures["forms"][0]["times_faster"] == 1
    assert all(form["psnr_db"] is None or form["psnr_db"] > 80 for form in figures["forms"])
    assert all(form["frames_per_second"] > 0 for form in figures["forms"])
    assert figures["gflop_per_frame"] == {"published": 1203, "needed": 938}
    assert figures["engine"]["frames_per_second"] > 0
    assert figures["engine"]["load_and_prepare_seconds"] > 0 < figures["engine"]["prepare_seconds"]
    assert figures["estimated_seconds_per_frame"] > 0
    shown = sadtalker_speed.speed_table(figures)
    for row in ("plain, tuned process", "estimated from the probe", "a portrait, warm", "Poisson clone"):
        assert row in shown


def test_the_original_takes_part_and_is_what_others_are_compared_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    class Original:
        @staticmethod
        def draw(picture: Any, kp_source: Any, kp_driving: Any) -> Any:
            return picture + kp_source.sum() * 0 + kp_driving.sum() * 0

    monkeypatch.setattr(sadtalker_speed, "load_original", lambda repository, checkpoints: Original)
    benchmark(original=tmp_path)
    shown = capsys.readouterr().out.splitlines()
    forms = [line.split("  ")[0] for line in shown if line.startswith(("original", "plain", "fast"))]
    assert forms == ["original", "plain", "plain, tuned process", "fast"]


def refused(capsys: pytest.CaptureFixture[str], **options: Any) -> str:
    with pytest.raises(SystemExit) as ended:
        benchmark(**options)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_a_folder_without_the_original_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "no checkout of the original" in refused(capsys, original=tmp_path)
    with pytest.raises(original_sadtalker.OriginalMissingError):
        original_sadtalker.load_original(tmp_path, tmp_path)


def test_missing_weights_and_packages_are_named(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHECKPOINTS_DIR = tmp_path
    assert "download_checkpoints" in refused(capsys)
    monkeypatch.setattr(engine_module, "find_spec", lambda package: None)
    assert "requirements-sadtalker.txt" in refused(capsys)


def test_the_estimate_grows_with_the_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(1000))
    monkeypatch.setattr(speed.time, "perf_counter", lambda: float(next(ticks)))
    assert speed.estimated_seconds_per_frame(512) == pytest.approx(4 * speed.estimated_seconds_per_frame(256))
