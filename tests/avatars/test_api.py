"""Portraits over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from avatars.models import Portrait
from tests.factories import make_portrait, make_user

URL = "/api/avatars/"


@pytest.fixture(autouse=True)
def no_requests_counted_yet() -> None:
    cache.clear()


@pytest.fixture
def as_teacher(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


def upload(client: Client, data: bytes, **values: Any) -> Any:
    return client.post(URL, {"image_file": SimpleUploadedFile("ada_lovelace.png", data), **values})


def test_a_portrait_is_kept_with_who_agreed(as_teacher: Client, portrait_png: Path) -> None:
    response = upload(as_teacher, portrait_png.read_bytes(), consent_given_by="Eileen Collins")
    assert response.status_code == 201
    shown = response.json()
    portrait = Portrait.objects.get(pk=shown["id"])
    assert (portrait.consent_given_by, portrait.name, shown["is_mine"]) == ("Eileen Collins", "ada lovelace", True)
    assert as_teacher.get(shown["url"]).status_code == 200
    assert as_teacher.get(f"{URL}{portrait.pk}/").json() == shown
    again = upload(as_teacher, portrait_png.read_bytes(), consent_given_by="Eileen Collins")
    assert (again.status_code, again.json()["code"]) == (409, "portrait_exists")


@pytest.mark.parametrize("consent", [{}, {"consent_given_by": ""}, {"consent_given_by": "  "}])
def test_without_consent_nothing_is_kept(
    as_teacher: Client, portrait_png: Path, media_root: Path, consent: dict[str, str]
) -> None:
    assert upload(as_teacher, portrait_png.read_bytes(), **consent).status_code == 400
    assert not Portrait.objects.exists()
    assert not [path for path in media_root.rglob("*") if path.is_file()]


def test_what_is_no_picture_is_refused(as_teacher: Client) -> None:
    response = upload(as_teacher, b"not a picture", consent_given_by="Somebody")
    assert response.status_code == 400
    assert set(response.json()) == {"code", "message", "hint"}


def test_ones_own_and_shared_ones_can_be_used(as_teacher: Client, teacher: User) -> None:
    colleague = make_user("colleague", teacher=True)
    mine, shared = make_portrait(teacher), make_portrait(colleague, is_shared=True)
    private, withdrawn = make_portrait(colleague), make_portrait(teacher, deleted_at="2024-01-01T00:00Z")
    assert {row["id"] for row in as_teacher.get(URL).json()} == {mine.pk, shared.pk}
    for portrait in (private, withdrawn):
        assert as_teacher.get(f"{URL}{portrait.pk}/").status_code == 404


def test_only_its_owner_changes_or_withdraws_it(as_teacher: Client, teacher: User) -> None:
    mine, shared = make_portrait(teacher), make_portrait(make_user("colleague", teacher=True), is_shared=True)
    changed = as_teacher.patch(f"{URL}{mine.pk}/", {"name": "Ada"}, content_type="application/json")
    assert (changed.json()["name"], changed.json()["is_shared"]) == ("Ada", False)
    assert as_teacher.delete(f"{URL}{mine.pk}/").status_code == 204
    mine.refresh_from_db()
    assert mine.deleted_at is not None
    assert as_teacher.delete(f"{URL}{shared.pk}/").status_code == 403


def test_portraits_are_not_for_students(client: Client, student: User) -> None:
    client.force_login(student)
    assert client.get(URL).status_code == 403
    client.logout()
    assert client.get(URL).status_code == 401
