"""The rules of ``auto``, case by case: what speaks against a profile, and when sadtalker would be done in time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from talking_head.profiles import BALANCED, FAST, PROFILES, QUALITY
from talking_head.selection_rules import GIGABYTE, Machine, ProfileForecast, best_first, choose_face, choose_profile

LAPTOP = Machine(2, 8 * GIGABYTE, sadtalker_problem="torch is not installed.")
SERVER = Machine(16, 64 * GIGABYTE, sadtalker_seconds_per_frame=0.8)
GPU = Machine(16, 64 * GIGABYTE, "NVIDIA", 0.01)
PATIENCE_SECONDS = 900.0


def outlooks(**by_profile: dict[str, Any]) -> list[ProfileForecast]:
    plain = [ProfileForecast(profile, profile.timeout_seconds) for profile in best_first()]
    return [replace(each, **by_profile.get(each.profile.name, {})) for each in plain]


@pytest.mark.parametrize(
    ("machines", "name"),
    [([], "balanced"), ([LAPTOP], "balanced"), ([SERVER], "quality"), ([GPU], "quality"), ([GPU, LAPTOP], "balanced"),
     ([Machine(1, GIGABYTE)], "fast")],
)  # fmt: skip
def test_the_hardware_decides_where_nothing_else_is_known(machines: list[Machine], name: str) -> None:
    assert choose_profile(outlooks(), machines, PATIENCE_SECONDS).name == name


def test_what_was_measured_counts_more_than_the_number_of_cores() -> None:
    quick = choose_profile(outlooks(quality={"render_seconds": 60.0}), [LAPTOP], PATIENCE_SECONDS)
    assert quick.name == "quality"


@pytest.mark.parametrize(("jobs", "troubled", "name"), [(2, 2, "quality"), (8, 2, "quality"), (8, 3, "balanced")])
def test_recent_trouble_steps_down_once_there_is_enough_of_it(jobs: int, troubled: int, name: str) -> None:
    choice = choose_profile(outlooks(quality={"recent_jobs": jobs, "troubled_jobs": troubled}), [GPU], PATIENCE_SECONDS)
    assert choice.name == name
    assert ("3 of the last 8" in choice.reason) is (name == "balanced")


def test_a_video_that_would_come_close_to_its_time_limit_steps_down() -> None:
    choice = choose_profile(outlooks(quality={"render_seconds": 500.0}), [GPU], 0)
    assert (choice.name, "about 8 minutes" in choice.reason) == ("balanced", True)


def test_a_long_queue_steps_down_as_far_as_it_helps_and_ends_with_fast() -> None:
    some = {"quality": {"wait_seconds": 700.0, "render_seconds": 400.0}, "balanced": {"wait_seconds": 700.0}}
    assert choose_profile(outlooks(**some), [GPU], PATIENCE_SECONDS).name == "balanced"
    endless = {name: {"wait_seconds": 5_000.0} for name in PROFILES}
    choice = choose_profile(outlooks(**endless), [GPU], PATIENCE_SECONDS)
    assert choice.name == "fast"
    assert choice.reason.count("Not ") == 2
    assert choose_profile(outlooks(**endless), [GPU], 0).name == "quality", "0 is endless patience"


def test_sentences_that_are_ready_keep_a_video_in_their_profile() -> None:
    busy = {"wait_seconds": 5_000.0}
    choice = choose_profile(outlooks(balanced={**busy, "ready_share": 0.9}, quality=busy), [GPU], PATIENCE_SECONDS)
    assert (choice.name, choice.reason.startswith("90%")) == ("balanced", True)


@pytest.mark.parametrize(
    ("machines", "profile", "video_seconds", "face", "because"),
    [
        ([], BALANCED, 60, "puppet", "No worker has reported yet"),
        ([LAPTOP], BALANCED, 60, "puppet", "torch is not installed"),
        ([SERVER], BALANCED, 60, "puppet", "about 20 minutes"),  # 0.8 * 25 * 60 = 1,200 s of 600
        ([SERVER], BALANCED, 20, "sadtalker", "about 7 minutes"),  # 400 s, and a third more is 533
        ([SERVER], BALANCED, 25, "puppet", "about 8 minutes"),  # 500 s, but the probe is good to a third only
        ([SERVER], QUALITY, 20, "puppet", "about 27 minutes"),  # four times the pixels
        ([GPU], QUALITY, 240, "sadtalker", "within the time limit"),
        ([GPU, SERVER], QUALITY, 240, "puppet", "about 5 hours"),  # any of them may get a sentence
        ([GPU, LAPTOP], FAST, 10, "puppet", "torch is not installed"),
    ],
)  # fmt: skip
def test_sadtalker_is_chosen_where_every_machine_would_be_done_in_time(
    machines: list[Machine], profile: Any, video_seconds: float, face: str, because: str
) -> None:
    choice = choose_face(profile, video_seconds, profile.timeout_seconds, machines)
    assert choice.name == face
    assert because in choice.reason
