"""Portraits on the administrators' pages."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.urls import reverse

from avatars.models import Portrait
from tests.avatars.conftest import LogIn

LIST = "admin:avatars_portrait_changelist"


def act(log_in: LogIn, admin_user: User, action: str, portrait: Portrait) -> str:
    response = log_in(admin_user).post(
        reverse(LIST), {"action": action, "_selected_action": [portrait.pk]}, follow=True
    )
    portrait.refresh_from_db()
    return response.content.decode()


def test_administrators_find_portraits_and_their_agreement(log_in: LogIn, admin_user: User, portrait: Portrait) -> None:
    client = log_in(admin_user)
    assert "Eileen Collins" in client.get(reverse(LIST), {"q": "Collins", "state": "in-use"}).content.decode()
    assert "Eileen Collins" not in client.get(reverse(LIST), {"state": "deleted"}).content.decode()
    page = client.get(reverse("admin:avatars_portrait_change", args=[portrait.pk])).content.decode()
    assert portrait.digest in page and "The mouth is open." in page
    assert client.get(reverse("portrait_thumbnail", args=[portrait.pk])).status_code == 200


def test_the_record_of_agreement_cannot_be_edited(log_in: LogIn, admin_user: User, portrait: Portrait) -> None:
    url = reverse("admin:avatars_portrait_change", args=[portrait.pk])
    log_in(admin_user).post(url, {"name": "Renamed", "consent_given_by": "Somebody else", "digest": "0" * 64})
    digest = portrait.digest
    portrait.refresh_from_db()
    assert (portrait.name, portrait.consent_given_by, portrait.digest) == ("Renamed", "Eileen Collins", digest)


def test_portraits_cannot_be_added_past_the_checks(log_in: LogIn, admin_user: User) -> None:
    assert log_in(admin_user).get(reverse("admin:avatars_portrait_add")).status_code == 403


def test_administrators_withdraw_and_bring_back(log_in: LogIn, admin_user: User, portrait: Portrait) -> None:
    assert "Withdrawn" in act(log_in, admin_user, "withdraw", portrait)
    assert portrait.is_deleted
    act(log_in, admin_user, "bring_back", portrait)
    assert not portrait.is_deleted
