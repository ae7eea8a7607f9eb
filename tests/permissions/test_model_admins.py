"""Staff with one permission of a model get from its administrators' pages what that permission is for, and no more."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client

from benchmarks.growth.addresses import address_of
from tests.factories import make_user
from tests.permissions.people import School
from tests.permissions.table import MODEL_PAGES, MODELS

PAGES_OF = {
    "view": {"list", "history", "change"},
    "add": {"add"},
    "change": {"list", "history", "change", "change by POST"},
    "delete": {"delete"},
}
# Records that no one changes: the permission to change these models only lets its holder read them.
ONLY_READ = {"talking_head/job", "talking_head/failure", "talking_head/jobaction"}
# Where a page takes more, or another permission, than its own.
TAKES_ANOTHER = {
    ("auth/user", "add"): set[str](),  # Django: who may add users but not change them could make superusers
    ("talking_head/jobaction", "change"): set[str](),  # there is no such permission
    ("talking_head/failure", "change"): set[str](),  # failures take the one to view jobs
}


def test_every_model_has_a_row() -> None:
    registered = {f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry}
    assert registered == set(MODELS), "Say in MODELS of tests/permissions/table.py which pages a model has."


@pytest.mark.parametrize("action", PAGES_OF)
def test_one_permission_opens_its_own_pages(school: School, action: str) -> None:
    wrong = []
    for name in MODELS:
        given, wanted = _pages_for(school, name, action), _wanted(name, action)
        if given != wanted:
            wrong.append(f"{action} {name}: {sorted(given)}, not {sorted(wanted)}")
    assert not wrong, "\n".join(wrong)


def _wanted(name: str, action: str) -> set[str]:
    there = {*MODELS[name].split(), *({"change by POST"} if name not in ONLY_READ else ())}
    return TAKES_ANOTHER.get((name, action), PAGES_OF[action] & there)


def _pages_for(school: School, name: str, action: str) -> set[str]:
    """Return the pages that a member of the staff with one permission gets; nothing that they change is kept."""
    app, model = name.split("/")
    user = make_user(is_staff=True)
    # The page of failures shows jobs, and takes their permissions.
    of = "job" if name == "talking_head/failure" else model
    # Of what no one may do with a model there is no permission.
    user.user_permissions.set(Permission.objects.filter(codename=f"{action}_{of}", content_type__app_label=app))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    given = set()
    for page, ending in MODEL_PAGES.items():
        for method in ("GET", "POST") if page == "change" else ("GET",):
            with transaction.atomic():
                path = address_of(f"admin/{name}/{ending}", school.sides["published"])
                status = client.generic(method, path).status_code
                transaction.set_rollback(True)
            assert status in (200, 302, 403), (name, page, status)
            if status != 403:
                given.add(page if method == "GET" else f"{page} by POST")
    return given
