"""The profiles that people choose between, and how the time they allow grows with the text."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from talking_head import services
from talking_head.errors import OptionError
from talking_head.profiles import (
    BALANCED,
    CHARACTERS_COVERED_BY_TIMEOUT,
    FAST,
    PROFILES,
    QUALITY,
    Profile,
    faster_than,
    profile_named,
)
from tests.talking_head import fakes


def test_the_table_is_what_people_were_told() -> None:
    assert [astuple(profile) for profile in PROFILES.values()] == [
        ("fast", 300, "crop", "none", 256, 1.0),
        ("balanced", 600, "crop", "gfpgan", 256, 1.0),
        ("quality", 900, "full", "gfpgan", 512, 1.0),
    ]
    assert profile_named(None) is profile_named("") is BALANCED


@pytest.mark.parametrize(
    ("characters", "seconds"), [(0, 300), (1, 300), (3_600, 300), (3_601, 300 * 3_601 / 3_600), (36_000, 3_000)]
)
def test_a_text_has_the_profiles_time_and_a_long_one_more_in_proportion(characters: int, seconds: float) -> None:
    assert FAST.timeout_for("x" * characters) == pytest.approx(seconds)


@given(st.sampled_from([*PROFILES.values()]), st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_longer_text_never_has_less_time(profile: Profile, short: int, more: int) -> None:
    assert profile.timeout_seconds <= profile.timeout_for("x" * short) <= profile.timeout_for("x" * (short + more))


@pytest.mark.django_db
def test_a_job_keeps_the_time_that_its_text_has(
    teacher: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    fakes.install(monkeypatch)
    services.scripts.voices_of.cache_clear()
    settings.TALKING_HEAD_SPEECH, settings.TALKING_HEAD_MINUTES_A_DAY = "fakespeech", 0
    sentence = "This sentence is read aloud. "
    script = sentence * (2 * CHARACTERS_COVERED_BY_TIMEOUT // len(sentence))
    job = services.submit_job(owner=teacher, script=script, profile="quality")
    assert job.timeout_seconds == QUALITY.timeout_for(script) > 1.9 * QUALITY.timeout_seconds


def test_the_next_faster_profile() -> None:
    assert [faster_than(name) for name in ("quality", "balanced", "fast", "of another release")] == [
        BALANCED,
        FAST,
        None,
        None,
    ]


def test_an_unknown_profile_is_named_with_those_there_are() -> None:
    with pytest.raises(OptionError, match="auto, fast, balanced, quality"):
        profile_named("sublime")
