"""Every address of the URL table, asked by every kind of person, answers as tests/permissions/table.py says.

An address that is added to the site is asked by itself, and fails here until it has a row.
"""

from __future__ import annotations

import pytest

from talking_head.live.socket_auth import close_code_for
from talking_head.models import Job
from talking_head.routing import websocket_urlpatterns
from tests.permissions.asking import Asked, all_routes, ask_everything
from tests.permissions.people import SIDES, School, video_of
from tests.permissions.table import CLASSES, ELSEWHERE, SOCKETS, TABLE, who_may

CHANGES = ("POST", "PUT", "PATCH", "DELETE")


def test_every_address_has_a_row() -> None:
    routes = set(all_routes())
    missing, gone = routes - set(TABLE), set(TABLE) - routes
    assert not missing, f"Say in tests/permissions/table.py who may use: {', '.join(sorted(missing))}"
    assert not gone, f"These rows of tests/permissions/table.py have no address: {', '.join(sorted(gone))}"
    assert {route for rows in ELSEWHERE.values() for route in rows} <= routes


def test_reading(school: School) -> None:
    asked = list(ask_everything(school, ("GET",)))
    assert sum(one.status == 200 for one in asked) > 300  # they were really shown
    check(asked)


def test_changing(school: School) -> None:
    check(list(ask_everything(school, CHANGES)))


def check(asked: list[Asked]) -> None:
    """Fail with a line for every answer that the table does not allow, every leak, and every refusal that writes."""
    wrong = [f"{one}; the table says {wanted}" for one in asked if (wanted := _wanted(one)) != _given(one)]
    wrong += [f"{one} shows {', '.join(one.leaked)}" for one in asked if one.leaked]
    wrong += [f"{one} writes {one.writes[0]}" for one in asked if one.writes and _given(one) == "sent away"]
    assert not wrong, "\n".join(wrong)


def _wanted(one: Asked) -> str:
    people = who_may(one.route, one.side).get(one.method, frozenset())
    return "answered" if one.person in people else "sent away"


def _given(one: Asked) -> str:
    if one.answer in ("answered", "broken"):
        return one.answer
    is_visitor_told = one.answer != "refused" or one.person != "visitor"
    return "sent away" if is_visitor_told else "refused instead of asked to log in"


@pytest.mark.parametrize("pattern", [str(pattern.pattern) for pattern in websocket_urlpatterns])
def test_sockets(school: School, pattern: str) -> None:
    assert pattern in SOCKETS, f"Say in SOCKETS of tests/permissions/table.py who may use {pattern}"
    if SOCKETS[pattern] == "none":
        return  # which tests/talking_head/live shows
    for side in SIDES[:3]:
        people = CLASSES["making" if side in ELSEWHERE else SOCKETS[pattern]]
        job = Job.objects.get(pk=video_of(school.sides[side]))
        for person, user in school.people.items():
            wanted = 0 if person in people else 4401 if user is None else 4403
            assert close_code_for({"user": user}, job.pk) == wanted, (side, person)
