"""Keeping, sharing and withdrawing portraits, and who may use or see them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import AnonymousUser, User
from PIL import Image

from avatars.models import Portrait
from avatars.services import portraits as services
from edu_platform.people import is_teacher
from talking_head.errors import PortraitError, ResourceError
from talking_head.files.uploads import UploadKind, local_path
from talking_head.services import may_view_portrait
from tests.factories import make_user


def stored_files(media_root: Path) -> list[Path]:
    return [path for path in media_root.rglob("*") if path.is_file()]


def jpeg_with_a_place(portrait_png: Path) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    output = io.BytesIO()
    Image.open(portrait_png).save(output, format="JPEG", exif=exif)
    return output.getvalue()


# --- keeping -----------------------------------------------------------------------------------------------------


def test_a_portrait_is_kept_with_its_report_and_the_agreement(portrait: Portrait, teacher: User) -> None:
    portrait.refresh_from_db()
    assert portrait.owner == teacher and (portrait.width_px, portrait.height_px) == (512, 512)
    assert portrait.consent_given_by == "Eileen Collins"
    assert portrait.consent_statement == services.CONSENT_STATEMENT
    assert portrait.consent_recorded_at is not None
    assert [problem["code"] for problem in portrait.warnings] == ["open_mouth"]
    assert portrait.report["face_box"]["width"] > 50


def test_the_digest_is_that_of_the_stored_bytes_and_nothing_rides_along(teacher: User, portrait_png: Path) -> None:
    upload = jpeg_with_a_place(portrait_png)
    portrait = services.add_portrait(teacher, "Eileen", upload, consent_given_by="Eileen")
    stored = local_path(UploadKind.PORTRAIT, portrait.digest).read_bytes()
    assert hashlib.sha256(stored).hexdigest() == portrait.digest
    assert b"SecretCamera" in upload and b"SecretCamera" not in stored


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda rgb: np.full_like(rgb, 128), "no_face"),
        (lambda rgb: np.hstack([rgb, rgb]), "several_faces"),
    ],
)
def test_a_refused_picture_leaves_nothing_behind(
    teacher: User, portrait_png: Path, media_root: Path, make: object, code: str
) -> None:
    assert callable(make)
    output = io.BytesIO()
    Image.fromarray(make(np.asarray(Image.open(portrait_png).convert("RGB")))).save(output, format="PNG")
    with pytest.raises(PortraitError) as caught:
        services.add_portrait(teacher, "x", output.getvalue(), consent_given_by="x")
    assert caught.value.code == code
    assert not Portrait.objects.exists() and not stored_files(media_root)


def test_nothing_is_kept_without_agreement(teacher: User, portrait_png: Path, media_root: Path) -> None:
    with pytest.raises(PortraitError) as caught:
        services.add_portrait(teacher, "x", portrait_png.read_bytes(), consent_given_by="  ")
    assert caught.value.code == "consent_missing"
    assert not Portrait.objects.exists() and not stored_files(media_root)


def test_a_full_disk_is_said_and_leaves_no_row(
    teacher: User, portrait_png: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ResourceError) as caught:
        services.add_portrait(teacher, "x", portrait_png.read_bytes(), consent_given_by="x")
    assert caught.value.code == "no_space"
    assert not Portrait.objects.exists()


def test_the_same_picture_twice_is_refused_and_names_the_first(portrait: Portrait, portrait_png: Path) -> None:
    with pytest.raises(PortraitError) as caught:
        services.add_portrait(portrait.owner, "Again", portrait_png.read_bytes(), consent_given_by="x")
    assert caught.value.code == "portrait_exists" and "Eileen" in caught.value.message
    assert Portrait.objects.count() == 1


def test_two_teachers_may_have_the_same_picture(portrait: Portrait, colleague: User, portrait_png: Path) -> None:
    other = services.add_portrait(colleague, "Mine", portrait_png.read_bytes(), consent_given_by="x")
    assert other.digest == portrait.digest


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("Ada_Lovelace.final.jpg", "Ada Lovelace final"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\me.png", "me"),
        ("nul\x00byte\r\n.png", "nul byte"),
        (".png", "png"),
        ("", "Portrait"),
        ("....", "Portrait"),
        ("\u202egnp.evil.png", "gnp evil"),
        ("x" * 5_000 + ".png", "x" * 100),
        ("Жанна.heic", "Жанна"),
    ],
)
def test_file_names_become_harmless_names(file_name: str, name: str) -> None:
    assert services.name_from_file_name(file_name) == name


# --- changing ----------------------------------------------------------------------------------------------------


def test_a_deleted_portrait_cannot_be_used_until_it_comes_back(portrait: Portrait, teacher: User) -> None:
    services.delete_portrait(portrait)
    assert portrait.is_deleted
    assert not services.portraits_usable_by(teacher).exists()
    services.undelete_portrait(portrait)
    assert services.portraits_usable_by(teacher).get() == portrait


def test_deleting_twice_keeps_the_first_time(portrait: Portrait) -> None:
    services.delete_portrait(portrait)
    first = portrait.deleted_at
    services.delete_portrait(portrait)
    assert portrait.deleted_at == first


def test_bringing_back_a_picture_that_was_uploaded_again_is_refused(portrait: Portrait, portrait_png: Path) -> None:
    services.delete_portrait(portrait)
    services.add_portrait(portrait.owner, "Again", portrait_png.read_bytes(), consent_given_by="x")
    with pytest.raises(PortraitError) as caught:
        services.undelete_portrait(portrait)
    assert caught.value.code == "portrait_exists"
    portrait.refresh_from_db()
    assert portrait.is_deleted


def test_an_empty_new_name_keeps_the_old_one(portrait: Portrait) -> None:
    services.change_portrait(portrait, name=" \n ", is_shared=False)
    assert portrait.name == "Eileen"


# --- who ---------------------------------------------------------------------------------------------------------


def test_sharing_reaches_other_teachers_but_not_students(portrait: Portrait, colleague: User, student: User) -> None:
    assert not services.portraits_usable_by(colleague).exists()
    services.change_portrait(portrait, name="Eileen", is_shared=True)
    assert services.portraits_usable_by(colleague).get() == portrait
    assert not services.portraits_usable_by(student).exists()
    assert not services.portraits_usable_by(AnonymousUser()).exists()


def test_own_portraits_are_listed_once_even_when_shared(shared_portrait: Portrait, teacher: User) -> None:
    assert list(services.portraits_usable_by(teacher)) == [shared_portrait]


def test_only_the_owner_may_change_a_portrait(
    shared_portrait: Portrait, teacher: User, colleague: User, student: User, admin_user: User
) -> None:
    assert services.may_change(teacher, shared_portrait)
    assert not any(services.may_change(user, shared_portrait) for user in (colleague, student, admin_user))


def test_the_renderer_shows_a_picture_to_whom_the_rule_lets_in(
    portrait: Portrait, teacher: User, colleague: User, student: User, admin_user: User
) -> None:
    digest = portrait.digest
    assert may_view_portrait(teacher, digest) and may_view_portrait(admin_user, digest)
    assert not any(may_view_portrait(user, digest) for user in (colleague, student, AnonymousUser()))
    services.change_portrait(portrait, name="Eileen", is_shared=True)
    assert may_view_portrait(colleague, digest) and not may_view_portrait(student, digest)
    services.delete_portrait(portrait)
    assert may_view_portrait(teacher, digest) and not may_view_portrait(colleague, digest)


def test_people_who_left_see_nothing(portrait: Portrait, teacher: User) -> None:
    teacher.is_active = False
    assert not may_view_portrait(teacher, portrait.digest)
    assert not services.portraits_usable_by(teacher).exists()
    assert not is_teacher(teacher)


def test_staff_status_makes_no_teacher(db: None) -> None:
    assert is_teacher(make_user(is_staff=True, is_superuser=True))
    assert not is_teacher(make_user(is_staff=True))
    assert not is_teacher(make_user())
