"""The drawn presenters: they pass the check of portraits, are shared once, and are a new teacher's first face."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from avatars.models import Portrait
from avatars.services import portraits, presenters
from lessons import services
from talking_head.errors import ResourceError

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def with_presenters(settings: Settings) -> None:
    settings.STOCK_PRESENTERS = True


def first_lesson(teacher: User) -> Portrait | None:
    return services.add_lesson(services.create_course(teacher, "Stars"), "One").portrait


@pytest.mark.parametrize("name", presenters.NAMES)
def test_a_presenter_passes_the_check_of_portraits_without_a_hint(name: str) -> None:
    inspected = portraits.inspect_portrait(Path(presenters.PICTURES, name).read_bytes())
    assert inspected.report.to_json()["problems"] == []


def test_the_first_lesson_of_a_new_teacher_has_a_face(teacher: User) -> None:
    portrait = first_lesson(teacher)
    assert portrait is not None and portrait.name in presenters.NAMES.values()
    assert set(portraits.portraits_usable_by(teacher).values_list("name", flat=True)) == set(presenters.NAMES.values())
    assert not portrait.owner.is_active and not portrait.owner.has_usable_password()


def test_a_teachers_own_portrait_comes_first(teacher: User, portrait_png: Path) -> None:
    own = portraits.add_portrait(teacher, "Me", portrait_png.read_bytes(), consent_given_by="Me")
    assert first_lesson(teacher) == own


def test_what_an_administrator_deleted_does_not_come_back(teacher: User) -> None:
    presenters.share_presenters()
    for portrait in Portrait.objects.all():
        portraits.delete_portrait(portrait)
    presenters.share_presenters()
    assert not portraits.portraits_usable_by(teacher).exists()
    assert first_lesson(teacher) is None


def test_a_full_disk_or_a_setting_leaves_a_lesson_without_a_face_and_nothing_else(
    teacher: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_data: bytes) -> None:
        raise ResourceError("The disk is full.", code="no_space")

    with monkeypatch.context() as broken:
        broken.setattr("talking_head.services.store_portrait", full)
        assert first_lesson(teacher) is None
    settings.STOCK_PRESENTERS = False
    assert first_lesson(teacher) is None
