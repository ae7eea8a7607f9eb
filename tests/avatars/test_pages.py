"""The portrait pages as their owner, another teacher, a student and a stranger meet them."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from PIL import Image

from avatars.models import Portrait
from avatars.services import portraits as services
from talking_head.decoding.decoder import MediaDecoder
from talking_head.decoding.slots import too_busy
from talking_head.errors import ResourceError
from tests.avatars.conftest import LogIn

PAGES = ("portrait_list", "portrait_upload")
PAGES_OF_ONE = ("portrait_edit", "portrait_thumbnail")
ACTIONS_OF_ONE = ("portrait_delete", "portrait_undelete", "portrait_withdraw", "portrait_keep_videos")


def upload(client: Client, data: bytes, file_name: str = "face.png", **fields: Any) -> HttpResponse:
    values = {"name": "Eileen", "consent": "on", "consent_given_by": "Eileen Collins", **fields}
    picture = SimpleUploadedFile(file_name, data, content_type="image/png")
    return client.post(reverse("portrait_upload"), {"picture": picture, **values})  # type: ignore[return-value]


def post_check(client: Client, data: bytes, file_name: str = "face.png") -> HttpResponse:
    sent = {"picture": SimpleUploadedFile(file_name, data)}
    return client.post(reverse("portrait_check"), sent)  # type: ignore[return-value]


def check(client: Client, data: bytes, file_name: str = "face.png") -> dict[str, Any]:
    response: Any = post_check(client, data, file_name)
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


def png(rgb: np.ndarray) -> bytes:
    output = io.BytesIO()
    Image.fromarray(rgb).save(output, format="PNG")
    return output.getvalue()


def text_of(response: Any) -> str:
    return str(response.content.decode())


@pytest.fixture
def two_faces(portrait_png: Path) -> bytes:
    rgb = np.asarray(Image.open(portrait_png).convert("RGB"))
    return png(np.hstack([rgb, rgb]))


# --- who may come in ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_strangers_are_sent_to_the_log_in(client: Client, db: None, page: str) -> None:
    response = client.get(reverse(page))
    assert response.status_code == 302 and response["Location"].startswith(reverse("login"))


@pytest.mark.parametrize("page", PAGES)
def test_students_have_no_portrait_pages(log_in: LogIn, student: User, page: str) -> None:
    assert log_in(student).get(reverse(page)).status_code == 403


@pytest.mark.parametrize("page", [*PAGES_OF_ONE, *ACTIONS_OF_ONE])
def test_a_portrait_is_not_there_for_strangers_students_and_other_teachers(
    client: Client, log_in: LogIn, student: User, colleague: User, portrait: Portrait, page: str
) -> None:
    url = reverse(page, args=[portrait.pk])
    method = "post" if page in ACTIONS_OF_ONE else "get"
    assert getattr(client, method)(url).status_code == 302
    assert getattr(log_in(student), method)(url).status_code in (403, 404)
    assert getattr(log_in(colleague), method)(url).status_code == 404
    portrait.refresh_from_db()
    assert not portrait.is_deleted


def test_sharing_shows_the_picture_but_lets_nobody_change_it(
    log_in: LogIn, colleague: User, shared_portrait: Portrait
) -> None:
    client = log_in(colleague)
    page = text_of(client.get(reverse("portrait_list")))
    assert "Eileen" in page and "Shared by teacher" in page
    assert reverse("portrait_edit", args=[shared_portrait.pk]) not in page
    assert client.get(reverse("portrait_thumbnail", args=[shared_portrait.pk])).status_code == 200
    assert client.get(reverse("portrait_edit", args=[shared_portrait.pk])).status_code == 404
    assert client.post(reverse("portrait_delete", args=[shared_portrait.pk])).status_code == 404


def test_actions_need_a_post(log_in: LogIn, teacher: User, portrait: Portrait) -> None:
    for action in ACTIONS_OF_ONE:
        assert log_in(teacher).get(reverse(action, args=[portrait.pk])).status_code == 405


@pytest.mark.parametrize("page", ["portrait_upload", "portrait_check"])
def test_posts_from_other_sites_are_refused(teacher: User, portrait_png: Path, page: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(teacher)
    picture = SimpleUploadedFile("face.png", portrait_png.read_bytes())
    fields = {"picture": picture, "consent": "on", "consent_given_by": "x"}
    assert client.post(reverse(page), fields).status_code == 403
    assert not Portrait.objects.exists()


# --- upload ------------------------------------------------------------------------------------------------------


def test_an_upload_becomes_a_portrait_with_recorded_consent(log_in: LogIn, teacher: User, portrait_png: Path) -> None:
    client = log_in(teacher)
    response = upload(client, portrait_png.read_bytes(), is_shared="on")
    portrait = Portrait.objects.get()
    assert response.status_code == 302
    assert (portrait.owner, portrait.name, portrait.is_shared) == (teacher, "Eileen", True)
    assert portrait.consent_given_by == "Eileen Collins" and portrait.consent_statement in text_of(
        client.get(reverse("portrait_edit", args=[portrait.pk]))
    )


def test_warnings_let_the_upload_pass_and_are_shown_with_advice(
    log_in: LogIn, teacher: User, portrait_png: Path
) -> None:
    client = log_in(teacher)
    response = upload(client, portrait_png.read_bytes())
    page = text_of(client.get(response["Location"]))
    assert "The mouth is open." in page and "a closed mouth works better" in page


def test_a_picture_that_cannot_speak_is_refused_at_the_form(
    log_in: LogIn, teacher: User, two_faces: bytes, media_root: Path
) -> None:
    response = upload(log_in(teacher), two_faces)
    assert response.status_code == 400
    assert "more than one face" in text_of(response) and "Crop the picture" in text_of(response)
    assert not Portrait.objects.exists()
    assert not [path for path in media_root.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("consent", "only be used if the person shown has agreed"),
        ("consent_given_by", "Enter the name of the person who agreed"),
    ],
)
def test_without_agreement_nothing_is_kept(
    log_in: LogIn, teacher: User, portrait_png: Path, media_root: Path, missing: str, words: str
) -> None:
    response = upload(log_in(teacher), portrait_png.read_bytes(), **{missing: ""})
    assert response.status_code == 400 and words in text_of(response)
    assert not Portrait.objects.exists()
    assert not [path for path in media_root.rglob("*") if path.is_file()]


def test_what_was_typed_survives_a_refusal(log_in: LogIn, teacher: User, two_faces: bytes) -> None:
    page = text_of(upload(log_in(teacher), two_faces, name="My <b>name</b>", is_shared="on"))
    assert "My &lt;b&gt;name&lt;/b&gt;" in page and "My <b>" not in page
    assert page.count(" checked") == 2  # agreement and sharing


@pytest.mark.parametrize(
    "file_name", ["../../../etc/cron.d/evil.png", "a\x00b.png", "x" * 5_000 + ".png", "<script>.png", "", "C:\\me.png"]
)
def test_hostile_file_names_are_harmless(
    log_in: LogIn, teacher: User, portrait_png: Path, media_root: Path, file_name: str
) -> None:
    response = upload(log_in(teacher), portrait_png.read_bytes(), file_name or "x.png", name="")
    assert response.status_code in (302, 400)
    stored = [path for path in media_root.rglob("*") if path.is_file()]
    assert all(path.parent.parent == media_root / "portraits" and len(path.name) == 64 for path in stored)
    for portrait in Portrait.objects.all():
        assert 0 < len(portrait.name) <= 100 and not set(portrait.name) & set("\x00/\\\n")


def test_an_unnamed_portrait_is_named_after_its_file(log_in: LogIn, teacher: User, portrait_png: Path) -> None:
    upload(log_in(teacher), portrait_png.read_bytes(), "Eileen_Collins.heic", name="")
    assert Portrait.objects.get().name == "Eileen Collins"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a supported picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "damaged or incomplete"),
        (b"", "file is empty"),
    ],
)
def test_bad_files_get_a_sentence_not_a_crash(log_in: LogIn, teacher: User, data: bytes, words: str) -> None:
    response = upload(log_in(teacher), data)
    assert response.status_code == 400 and words in text_of(response)


def test_a_nul_in_a_field_gets_a_sentence_not_a_crash(log_in: LogIn, teacher: User, portrait_png: Path) -> None:
    response = upload(log_in(teacher), portrait_png.read_bytes(), name="a\x00b", consent_given_by="c\x00d")
    assert response.status_code == 400 and not Portrait.objects.exists()


def test_files_over_the_limit_get_a_form_error(
    log_in: LogIn, teacher: User, portrait_png: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatars.forms.MAX_UPLOAD_BYTES", 1_000)
    response = upload(log_in(teacher), portrait_png.read_bytes())
    assert response.status_code == 400 and "larger than" in text_of(response)


@pytest.mark.parametrize("page", ["portrait_upload", "portrait_check"])
def test_huge_uploads_are_refused_before_they_are_read(log_in: LogIn, teacher: User, page: str) -> None:
    response = log_in(teacher).generic(
        "POST", reverse(page), b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH="10000000000"
    )
    assert response.status_code == (413 if page == "portrait_upload" else 200)
    assert "larger than 20 MB" in text_of(response)


@pytest.mark.parametrize("length", ["", "-1", "nonsense"])
def test_odd_content_lengths_are_no_crash(log_in: LogIn, teacher: User, length: str) -> None:
    response = log_in(teacher).generic(
        "POST", reverse("portrait_upload"), b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=length
    )
    assert response.status_code == 400


def test_a_full_disk_is_said_on_the_page(
    log_in: LogIn, teacher: User, portrait_png: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_data: bytes) -> None:
        raise ResourceError("The disk is full.", code="no_space", hint="Free some space in the media folder.")

    monkeypatch.setattr("talking_head.services.store_portrait", full)
    response = upload(log_in(teacher), portrait_png.read_bytes())
    assert response.status_code == 503 and "The server’s disk is full. Tell an administrator" in text_of(response)


@pytest.mark.parametrize("name", ["portrait_upload", "portrait_check"])
def test_54_a_busy_machine_says_when_to_come_back(
    log_in: LogIn, teacher: User, portrait_png: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise too_busy()

    monkeypatch.setattr(MediaDecoder, "decoded", busy)
    client = log_in(teacher)
    data = portrait_png.read_bytes()
    response = upload(client, data) if name == "portrait_upload" else post_check(client, data)
    assert response.status_code == 503 and int(response["Retry-After"]) > 0
    assert "Too many files are being checked" in response.content.decode()


def test_54_a_thumbnail_waits_for_its_turn(
    log_in: LogIn, teacher: User, portrait: Portrait, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise too_busy()

    address = reverse("portrait_thumbnail", args=[portrait.pk])
    with monkeypatch.context() as patched:
        patched.setattr(MediaDecoder, "decoded", busy)
        response = log_in(teacher).get(address)
        assert response.status_code == 503 and int(response["Retry-After"]) > 0
    assert log_in(teacher).get(address).status_code == 200
    monkeypatch.setattr(MediaDecoder, "decoded", busy)  # once made, it is kept
    assert log_in(teacher).get(address).status_code == 200


# --- the instant report ------------------------------------------------------------------------------------------


def test_the_check_reports_and_keeps_nothing(
    log_in: LogIn, teacher: User, portrait_png: Path, media_root: Path
) -> None:
    answer = check(log_in(teacher), portrait_png.read_bytes(), "Eileen_Collins.png")
    assert [problem["code"] for problem in answer["problems"]] == ["open_mouth"]
    assert answer["name"] == "Eileen Collins"
    assert answer["preview_url"].startswith("data:image/jpeg;base64,")
    assert not Portrait.objects.exists()
    assert not [path for path in media_root.rglob("*") if path.is_file()]


def test_the_check_says_why_a_picture_stops(log_in: LogIn, teacher: User, two_faces: bytes) -> None:
    client = log_in(teacher)
    assert check(client, two_faces)["problems"][0]["severity"] == "stop"
    problem = check(client, b"GIF89a not allowed")["problems"][0]
    assert (problem["code"], problem["severity"]) == ("image_format", "stop") and problem["hint"]


def test_the_check_without_a_picture_is_a_bad_request(log_in: LogIn, teacher: User, student: User) -> None:
    assert log_in(teacher).post(reverse("portrait_check")).status_code == 400
    assert log_in(student).post(reverse("portrait_check")).status_code == 403


# --- the list, changing, deleting --------------------------------------------------------------------------------


def test_an_empty_list_says_what_to_do(log_in: LogIn, teacher: User) -> None:
    page = text_of(log_in(teacher).get(reverse("portrait_list")))
    assert "Add your first portrait" in page and reverse("portrait_upload") in page


def test_the_upload_page_offers_heic(log_in: LogIn, teacher: User) -> None:
    page = text_of(log_in(teacher).get(reverse("portrait_upload")))
    assert ".heic" in page and services.CONSENT_STATEMENT in page


def test_renaming_and_sharing(log_in: LogIn, teacher: User, portrait: Portrait) -> None:
    client = log_in(teacher)
    url = reverse("portrait_edit", args=[portrait.pk])
    assert client.post(url, {"name": "Commander", "is_shared": "on"}).status_code == 302
    portrait.refresh_from_db()
    assert (portrait.name, portrait.is_shared) == ("Commander", True)
    response = client.post(url, {"name": ""})
    assert response.status_code == 400 and "<h1>Commander</h1>" in text_of(response)


def test_deleting_can_be_undone_from_the_next_page(log_in: LogIn, teacher: User, portrait: Portrait) -> None:
    client = log_in(teacher)
    response = client.post(reverse("portrait_delete", args=[portrait.pk]), follow=True)
    page = text_of(response)
    assert "“Eileen” was deleted" in page and reverse("portrait_undelete", args=[portrait.pk]) in page
    assert client.get(reverse("portrait_edit", args=[portrait.pk])).status_code == 404
    client.post(reverse("portrait_undelete", args=[portrait.pk]))
    portrait.refresh_from_db()
    assert not portrait.is_deleted


@pytest.mark.parametrize("value", ["999999", "abc", "-1", "1' OR 1=1"])
def test_the_undo_offer_ignores_nonsense(log_in: LogIn, teacher: User, value: str) -> None:
    assert log_in(teacher).get(reverse("portrait_list"), {"deleted": value}).status_code == 200


def test_undo_of_a_picture_that_is_back_already_is_said(
    log_in: LogIn, teacher: User, portrait: Portrait, portrait_png: Path
) -> None:
    services.delete_portrait(portrait)
    services.add_portrait(teacher, "Again", portrait_png.read_bytes(), consent_given_by="x")
    response = log_in(teacher).post(reverse("portrait_undelete", args=[portrait.pk]), follow=True)
    assert "You already have this picture: “Again”" in text_of(response)


def test_thumbnails_are_small_and_private(log_in: LogIn, teacher: User, portrait: Portrait) -> None:
    response = log_in(teacher).get(reverse("portrait_thumbnail", args=[portrait.pk]))
    assert response["Content-Type"] == "image/jpeg" and "private" in response["Cache-Control"]
    assert max(Image.open(io.BytesIO(response.content)).size) <= 480


def test_a_lost_file_is_a_missing_thumbnail_not_a_crash(
    log_in: LogIn, teacher: User, portrait: Portrait, media_root: Path
) -> None:
    next((media_root / "portraits").rglob(portrait.digest)).unlink()
    client = log_in(teacher)
    assert client.get(reverse("portrait_thumbnail", args=[portrait.pk])).status_code == 404
    assert client.get(reverse("portrait_list")).status_code == 200


def test_errors_of_the_portrait_and_consent_forms_belong_to_their_fields(log_in: LogIn, teacher: User) -> None:
    html = log_in(teacher).post(reverse("portrait_upload"), {"name": "x" * 101}).content.decode()
    for name, error in ((name, f"id_{name}_error") for name in ("name", "consent_given_by", "consent")):
        (field,) = re.findall(rf'<input[^>]*name="{name}"[^>]*>', html)
        (described,) = re.findall(r'aria-describedby="([^"]*)"', field)
        assert error in described.split() and f'id="{error}"' in html
        assert 'aria-invalid="true"' in field
    assert not re.search(r"<img(?![^>]* src=)", html), "an img without a picture is not valid"
