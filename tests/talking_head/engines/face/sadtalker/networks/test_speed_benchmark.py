"""``manage.py benchmark --face sadtalker`` measures what it says, with narrow networks and any result."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.management import call_command
from pytest_django import Settings

from benchmarks import original_sadtalker, sadtalker_speed
from benchmarks.sadtalker_forms import compare_forms
from talking_head.engines.face.sadtalker import engine as engine_module
from talking_head.engines.face.sadtalker.checkpoints import FACE_FILES
from talking_head.engines.face.sadtalker.networks.load import load_networks
from tests.talking_head.engines.face.sadtalker.networks.stand_in_weights import TINY

ENGINE_FIGURES = ("load_and_prepare_seconds", "prepare_seconds", "frames_per_second", "memory_mb", "memory_growth_mb")


@pytest.fixture(autouse=True)
def narrow_and_short(settings: Settings, checkpoints_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CHECKPOINTS_DIR = checkpoints_dir
    measure = sadtalker_speed.measure_speed
    monkeypatch.setattr(sadtalker_speed, "measure_speed", lambda plan: measure(replace(plan, sizes=TINY)))
    monkeypatch.setattr(sadtalker_speed, "PASTE_RUNS", 1)
    monkeypatch.setattr(sadtalker_speed, "CPU_FRAMES", 1)


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
    assert all(figures["engine"][name] > 0 for name in ENGINE_FIGURES if name != "memory_growth_mb")
    assert figures["engine"]["memory_growth_mb"] < figures["engine"]["memory_mb"]
    assert figures["estimated_seconds_per_frame"] > 0
    shown = sadtalker_speed.speed_table(figures)
    for row in (
        "memory after 1 of its frames",
        "plain, tuned process",
        "estimated from the probe",
        "a portrait, warm",
        "Poisson clone",
    ):
        assert row in shown


def test_the_original_takes_part_and_is_what_others_are_compared_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    class Original:
        @staticmethod
        def draw(picture: Any, kp_source: Any, kp_driving: Any) -> Any:
            return picture + kp_source.sum() * 0 + kp_driving.sum() * 0

    engine = {"device": "cpu", "frames": 1} | dict.fromkeys(ENGINE_FIGURES, 1.0)
    monkeypatch.setattr(sadtalker_speed, "load_original", lambda repository, checkpoints: Original)
    monkeypatch.setattr(sadtalker_speed, "engine_figures", lambda *_: engine)
    benchmark(original=tmp_path)
    shown = capsys.readouterr().out.splitlines()
    forms = [line.split("  ")[0] for line in shown if line.startswith(("original", "plain", "fast"))]
    assert forms == ["original", "plain", "plain, tuned process", "fast"]


def test_single_optimisations_are_shown_to_leave_the_picture_alone(checkpoints_dir: Path) -> None:
    torch.manual_seed(3)
    networks = load_networks(checkpoints_dir / FACE_FILES[256].name, TINY)

    forms = compare_forms(networks, torch.rand(1, 3, 128, 128), rounds=1, steps=True)

    decibels = {form.form: form.psnr_db for form in forms}
    assert list(decibels)[2:] == ["fast, no Winograd", "fast", "fast, half precision"]
    assert min(decibels["fast, no Winograd"], decibels["fast"]) > 80
    assert 45 < decibels["fast, half precision"] < decibels["fast"]


def refused(capsys: pytest.CaptureFixture[str], **options: Any) -> str:
    with pytest.raises(SystemExit) as ended:
        benchmark(**options)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_a_folder_without_the_original_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "not a checkout of the original" in refused(capsys, original=tmp_path)
    with pytest.raises(original_sadtalker.OriginalMissingError):
        original_sadtalker.load_original(tmp_path, tmp_path)


def test_missing_weights_and_packages_are_named(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHECKPOINTS_DIR = tmp_path
    assert "download_checkpoints" in refused(capsys)
    monkeypatch.setattr(engine_module, "find_spec", lambda package: None)
    assert "requirements/sadtalker.txt" in refused(capsys)
