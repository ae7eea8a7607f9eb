"""The socket of a job: who gets in, what they hear, what heals by itself, and what closes it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import F
from django.test import AsyncClient
from pytest_django import Settings

from edu_platform.asgi import application
from edu_platform.sockets import is_same_origin
from talking_head import permissions as access
from talking_head.files import local, published_files
from talking_head.live import consumers, events, socket_auth
from talking_head.live.consumers import JobSocket
from talking_head.live.unix_layer import UnixSocketChannelLayer
from talking_head.models import Job, JobState
from tests.talking_head.rows import finish_clip, make_job, write_published_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live")]

SECONDS = 10.0
ORIGIN = (b"origin", b"http://localhost")
Json = dict[str, Any]


class Viewer:
    """A browser with a session, a page of ours, and an open socket."""

    def __init__(self, communicator: WebsocketCommunicator) -> None:
        self.communicator = communicator

    async def hears(self) -> Json:
        return json.loads(await self.communicator.receive_from(SECONDS))

    async def sees(self) -> bytes:
        return await self.communicator.receive_from(SECONDS)

    async def says(self, text: str | None = None, data: bytes | None = None) -> None:
        await self.communicator.send_to(text_data=text, bytes_data=data)

    async def close_code(self) -> int:
        while True:
            message = await self.communicator.receive_output(SECONDS)
            if message["type"] == "websocket.close":
                return message["code"]


Connect = Callable[..., Awaitable[tuple[Viewer, bool, int | None]]]
Watch = Callable[..., Awaitable[Viewer]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens a socket through the whole application: routing, Origin check, session, rights."""
    opened: list[WebsocketCommunicator] = []

    async def connect(
        job_id: Any, user: User | None = None, origin: tuple[bytes, bytes] | None = ORIGIN, query: str = ""
    ) -> tuple[Viewer, bool, int | None]:
        headers = [origin] if origin else []
        if user is not None:
            client = AsyncClient()
            await sync_to_async(client.force_login)(user)
            headers.append((b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode()))
        communicator = WebsocketCommunicator(application, f"/ws/jobs/{job_id}/{query}", headers=headers)
        opened.append(communicator)
        accepted, code = await communicator.connect(SECONDS)
        return Viewer(communicator), accepted, None if accepted else code

    yield connect
    for communicator in opened:
        await communicator.disconnect(timeout=SECONDS)
    for reader in (consumers.updates, consumers.states):
        await reader.settle()


@pytest.fixture
async def watch(connect: Connect) -> Watch:
    """Connects a user who may watch and returns after the first snapshot."""

    async def watch(job: Job, user: User, first: bool = True, since: object = None) -> Viewer:
        query = "" if since is None else f"?since={quote(str(since))}"
        viewer, accepted, _code = await connect(job.pk, user, query=query)
        assert accepted
        if first:
            assert (await viewer.hears())["type"] == "snapshot"
        return viewer

    return watch


@sync_to_async
def change(job: Job, **values: Any) -> None:
    Job.objects.filter(pk=job.pk).update(seq=F("seq") + 1, **values)


class TestWhoGetsIn:
    @pytest.mark.parametrize("person", ["teacher", "admin_user"])
    async def test_owner_and_staff(
        self, connect: Connect, job: Job, request: pytest.FixtureRequest, person: str
    ) -> None:
        user = await sync_to_async(request.getfixturevalue)(person)
        _viewer, accepted, _code = await connect(job.pk, user)
        assert accepted

    async def test_whom_a_registered_rule_lets_in(
        self, connect: Connect, job: Job, student: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(access, "_job_rules", [lambda user, asked: user == student and asked == job])
        _viewer, accepted, _code = await connect(job.pk, student)
        assert accepted

    async def test_nobody_else(self, connect: Connect, job: Job, outsider: User) -> None:
        assert (await connect(job.pk, outsider))[1:] == (False, 4403)

    async def test_not_without_logging_in(self, connect: Connect, job: Job) -> None:
        assert (await connect(job.pk))[1:] == (False, 4401)

    async def test_not_for_a_job_that_does_not_exist(self, connect: Connect, teacher: User) -> None:
        assert (await connect("00000000-0000-4000-8000-000000000000", teacher))[1:] == (False, 4404)

    async def test_not_at_another_address(self, connect: Connect, teacher: User) -> None:
        assert (await connect("not-a-job", teacher))[1:] == (False, 4404)

    @pytest.mark.parametrize("origin", [None, (b"origin", b"https://evil.example"), (b"origin", b"null")])
    async def test_not_from_a_foreign_page(
        self, connect: Connect, job: Job, teacher: User, origin: tuple[bytes, bytes] | None
    ) -> None:
        assert not (await connect(job.pk, teacher, origin))[1]

    @pytest.mark.parametrize(
        ("origin", "host", "accepted"),
        [
            ("http://localhost:8000", "localhost:8000", True),
            ("http://LocalHost:8000", "localhost:8000", True),
            ("http://localhost", "localhost:80", True),
            ("https://localhost", "localhost", True),
            ("http://[::1]:8000", "[::1]:8000", True),
            ("http://localhost:8001", "localhost:8000", False),
            ("http://localhost", "localhost:8000", False),
            ("http://127.0.0.1:8000", "localhost:8000", False),
            ("http://localhost:99999", "localhost:8000", False),
            ("https://pages.example", "localhost:8000", True),
            ("https://pages.example:444", "localhost:8000", False),
            ("https://a.school.example", "localhost:8000", True),
            ("https://school.example.evil.example", "localhost:8000", False),
            ("http://evil.example", "evil.example", False),
        ],
    )
    async def test_only_from_pages_of_this_host_and_port(
        self, job: Job, teacher: User, settings: Settings, origin: str, host: str, accepted: bool
    ) -> None:
        settings.CSRF_TRUSTED_ORIGINS = ["https://pages.example", "https://*.school.example"]
        scope = {"headers": [(b"origin", origin.encode()), (b"host", host.encode())]}
        assert is_same_origin(scope) is accepted

    def test_every_close_code_is_one_that_a_server_may_send(self) -> None:
        codes = {value for module in (consumers, socket_auth) for value in vars(module).values() if _is_code(value)}
        assert len(codes) >= 8
        assert all(code == 1000 or 3000 <= code <= 4999 for code in codes)

    async def test_authentication_without_a_session_counts_too(self, job: Job, teacher: User) -> None:
        for user, accepted in ((teacher, True), (AnonymousUser(), False)):
            communicator = WebsocketCommunicator(consumers.job_socket, "/")
            communicator.scope |= {"user": user, "url_route": {"kwargs": {"job_id": job.pk}}}
            assert (await communicator.connect(SECONDS))[0] is accepted
            await communicator.disconnect(timeout=SECONDS)


class TestWhatViewersHear:
    async def test_first_a_snapshot(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher, first=False)
        snapshot = await viewer.hears()
        assert snapshot["type"] == "snapshot"
        assert snapshot["seq"] == snapshot["job"]["seq"] == 5
        assert snapshot["job"]["clips"][0]["text"] == "Plants eat light."

    async def test_every_viewer_hears_of_a_finished_clip(
        self, watch: Watch, job: Job, teacher: User, admin_user: User
    ) -> None:
        viewers = [await watch(job, teacher), await watch(job, admin_user), await watch(job, teacher)]
        await sync_to_async(finish_clip)(job, 1)
        await change(job)
        await sync_to_async(events.notify_clip_changed)(job.pk, 1)
        for viewer in viewers:
            event = await viewer.hears()
            assert (event["type"], event["seq"], event["clips_done"]) == ("clip", 6, 1)
            assert event["clip"]["url"] == f"/media/jobs/{job.pk}/clips/1.mp4"

    async def test_a_stage_repeats_the_last_seq(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher)
        await sync_to_async(events.notify_stage)(job.pk, 0, "frames", 40, 96)
        event = await viewer.hears()
        assert {name: event[name] for name in ("type", "seq", "index", "stage", "frame", "frames")} == {
            "type": "stage", "seq": 5, "index": 0, "stage": "frames", "frame": 40, "frames": 96,
        }  # fmt: skip

    async def test_previews_are_binary(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher)
        await sync_to_async(events.send_preview)(job.pk, b"\xff\xd8picture")
        assert await viewer.sees() == b"\xff\xd8picture"

    async def test_two_events_of_one_moment_both_arrive(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher)
        await change(job)
        await sync_to_async(events.notify_clip_changed)(job.pk, 0)
        await sync_to_async(events.notify_job_changed)(job.pk)
        heard = [await viewer.hears(), await viewer.hears()]
        assert [(event["type"], event["seq"]) for event in heard] == [("clip", 6), ("job", 6)]

    async def test_other_jobs_are_none_of_their_business(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher)
        other = await sync_to_async(make_job)(teacher)
        await sync_to_async(events.send_preview)(other.pk, b"other")
        await sync_to_async(events.send_preview)(job.pk, b"mine")
        assert await viewer.sees() == b"mine"

    async def test_the_end_is_a_snapshot_with_the_video_and_then_a_normal_close(
        self, watch: Watch, job: Job, teacher: User
    ) -> None:
        viewer = await watch(job, teacher)
        await sync_to_async(write_published_files)(job)
        await change(job, state=JobState.COMPLETED)
        await sync_to_async(events.notify_job_changed)(job.pk)
        assert (await viewer.hears())["state"] == "completed"
        last = await viewer.hears()
        assert last["job"]["video"]["url"] == f"/media/jobs/{job.pk}/video.mp4"
        assert await viewer.close_code() == 1000

    async def test_a_job_that_is_over_is_shown_once(self, watch: Watch, teacher: User) -> None:
        job = await sync_to_async(make_job)(teacher, state=JobState.FAILED, error_code="no_space")
        viewer = await watch(job, teacher, first=False)
        assert (await viewer.hears())["job"]["error"]["code"] == "no_space"
        assert await viewer.close_code() == 1000


@pytest.mark.usefixtures("quick_clock")
class TestWhatHeals:
    async def test_a_lost_event(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher)
        await change(job, state=JobState.PUBLISHING)  # and no process says so
        healed = await viewer.hears()
        assert (healed["type"], healed["seq"], healed["job"]["state"]) == ("snapshot", 6, "publishing")

    async def test_a_lost_end(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher)
        await change(job, state=JobState.CANCELLED)
        assert (await viewer.hears())["job"]["state"] == "cancelled"
        assert await viewer.close_code() == 1000

    async def test_a_gap_in_seq_brings_a_snapshot(
        self, watch: Watch, job: Job, teacher: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(JobSocket, "poll_every_seconds", 3600.0)
        viewer = await watch(job, teacher)
        await change(job)
        await change(job)
        await sync_to_async(events.notify_job_changed)(job.pk)
        assert (await viewer.hears())["seq"] == 7
        healed = await viewer.hears()
        assert (healed["type"], healed["seq"]) == ("snapshot", 7)

    async def test_what_a_snapshot_overtook_is_not_repeated(
        self, watch: Watch, job: Job, teacher: User, live: UnixSocketChannelLayer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(JobSocket, "poll_every_seconds", 3600.0)
        viewer = await watch(job, teacher)
        for seq, state in ((4, "queued"), (5, "running")):
            event = {"type": "job", "seq": seq, "state": state}
            live.group_send_now(events.group_name(job.pk), {"type": "job.event", "event": event})
        assert (await viewer.hears())["seq"] == 5

    async def test_a_broken_channel_layer(
        self, watch: Watch, job: Job, teacher: User, live: UnixSocketChannelLayer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def broken(*_arguments: Any) -> None:
            raise OSError("gone")

        monkeypatch.setattr(live, "group_add", broken)
        viewer = await watch(job, teacher)
        await change(job, state=JobState.PUBLISHING)
        assert (await viewer.hears())["job"]["state"] == "publishing"


@pytest.mark.usefixtures("quick_clock")
class TestViewersWhoKnowAState:
    """They connect with ``?since=<seq>`` and get what has changed since then, never the whole job."""

    async def test_first_what_has_changed(self, watch: Watch, job: Job, teacher: User) -> None:
        await sync_to_async(finish_clip)(job, 1, seq=5)
        viewer = await watch(job, teacher, first=False, since=5)
        changes = await viewer.hears()
        assert (changes["type"], changes["since"], changes["seq"]) == ("changes", 5, 5)
        assert [group["indexes"] for group in changes["clips"]] == [[[1, 1]]]

    async def test_many_clips_at_once_are_one_message(
        self, watch: Watch, job: Job, teacher: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(JobSocket, "poll_every_seconds", 3600.0)
        viewer = await watch(job, teacher, first=False, since=5)
        assert (await viewer.hears())["clips"] == []
        for index in range(3):
            await sync_to_async(finish_clip)(job, index, seq=6)
        await change(job)
        await sync_to_async(events.notify_clips_changed)(job.pk)
        changes = await viewer.hears()
        assert (changes["type"], changes["since"], changes["seq"]) == ("changes", 5, 6)
        assert [group["indexes"] for group in changes["clips"]] == [[[0, 2]]]

    async def test_a_lost_event_is_made_up_for_from_before_the_gap(
        self, watch: Watch, job: Job, teacher: User, live: UnixSocketChannelLayer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(JobSocket, "poll_every_seconds", 3600.0)
        viewer = await watch(job, teacher, first=False, since=5)
        await viewer.hears()
        await sync_to_async(finish_clip)(job, 0, seq=6)  # no process tells
        await sync_to_async(Job.objects.filter(pk=job.pk).update)(seq=8)
        for seq in (8, 8):
            event = {"type": "job", "seq": seq, "state": "running"}
            live.group_send_now(events.group_name(job.pk), {"type": "job.event", "event": event})
        heard = [await viewer.hears() for _ in range(3)]
        (changes,) = [message for message in heard if message["type"] == "changes"]
        assert (changes["since"], changes["seq"]) == (5, 8)
        assert [group["indexes"] for group in changes["clips"]] == [[[0, 0]]]

    async def test_what_no_event_told_is_found_in_the_rows(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher, first=False, since=5)
        await viewer.hears()
        await sync_to_async(finish_clip)(job, 2, seq=6)
        await change(job)
        assert [group["indexes"] for group in (await viewer.hears())["clips"]] == [[[2, 2]]]

    async def test_they_may_ask_again_from_an_earlier_state_or_for_everything(
        self, watch: Watch, job: Job, teacher: User
    ) -> None:
        viewer = await watch(job, teacher, first=False, since=5)
        await viewer.hears()
        await viewer.says('{"type": "changes", "since": 3}')
        assert (await viewer.hears())["since"] == 3
        await viewer.says('{"type": "snapshot"}')
        assert (await viewer.hears())["type"] == "snapshot"

    async def test_the_end_is_told_with_the_video(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher, first=False, since=5)
        await viewer.hears()
        local.results_folder(job.pk).mkdir(parents=True)
        for name in published_files.FILES:
            (local.results_folder(job.pk) / name).write_bytes(b"bytes")
        await change(job, state=JobState.COMPLETED)
        changes = await viewer.hears()
        assert (changes["type"], changes["job"]["state"]) == ("changes", "completed")
        assert changes["job"]["video"]["url"] == f"/media/jobs/{job.pk}/video.mp4"
        assert await viewer.close_code() == 1000

    @pytest.mark.parametrize("since", ["x", "-1", "", "1.5", "٣"])
    async def test_a_state_that_cannot_be_gets_a_snapshot(
        self, watch: Watch, job: Job, teacher: User, since: str
    ) -> None:
        viewer = await watch(job, teacher, first=False, since=since)
        assert (await viewer.hears())["type"] == "snapshot"


@pytest.mark.usefixtures("quick_clock")
class TestTakingRightsAway:
    async def test_logging_out_closes_it(self, watch: Watch, job: Job, teacher: User) -> None:
        from django.contrib.sessions.models import Session

        viewer = await watch(job, teacher)
        await Session.objects.all().adelete()
        assert await viewer.close_code() == 4401

    async def test_deactivation_closes_it(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher)
        await User.objects.filter(pk=teacher.pk).aupdate(is_active=False)
        assert await viewer.close_code() == 4401

    async def test_a_new_password_closes_it(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher)
        await User.objects.filter(pk=teacher.pk).aupdate(password="changed")
        assert await viewer.close_code() == 4401

    async def test_leaving_the_course_closes_it(
        self, watch: Watch, job: Job, student: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(access, "_job_rules", [lambda _user, _job: True])
        viewer = await watch(job, student)
        monkeypatch.setattr(access, "_job_rules", [])
        assert await viewer.close_code() == 4403

    async def test_deleting_the_job_closes_it(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher)
        await Job.objects.filter(pk=job.pk).adelete()
        assert await viewer.close_code() == 4404


class TestWhatClientsMaySay:
    async def test_that_they_want_a_snapshot(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher)
        await viewer.says('{"type": "snapshot"}')
        assert (await viewer.hears())["type"] == "snapshot"

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("{", 4400),
            ("\x00", 4400),
            ("[" * 190, 4400),
            ("null", 4400),
            ('"snapshot"', 4400),
            ('{"type": "job", "state": "completed"}', 4400),
            ('{"type": "snapshot", "more": 1}', 4400),
            ('{"type": "changes"}', 4400),
            ('{"type": "changes", "since": -1}', 4400),
            ('{"type": "changes", "since": true}', 4400),
            ('{"type": "changes", "since": "1"}', 4400),
            ('{"type": "changes", "since": 1, "more": 1}', 4400),
            ("x" * 100_000, 4413),
        ],
    )
    async def test_nothing_else(self, watch: Watch, job: Job, teacher: User, text: str, code: int) -> None:
        viewer = await watch(job, teacher)
        await viewer.says(text)
        assert await viewer.close_code() == code

    async def test_nothing_binary(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher)
        await viewer.says(data=b"\x00\x01")
        assert await viewer.close_code() == 4415

    async def test_not_too_often(self, watch: Watch, job: Job, teacher: User) -> None:
        viewer = await watch(job, teacher)
        for _ in range(consumers.CLIENT_MESSAGES_PER_MINUTE + 1):
            await viewer.says('{"type": "snapshot"}')
        assert await viewer.close_code() == 4429


class TestHowManySocketsOnePersonHolds:
    async def test_66_one_more_is_told_why_and_others_are_served(
        self, watch: Watch, job: Job, teacher: User, django_user_model: type[User], settings: Settings
    ) -> None:
        settings.TALKING_HEAD_SOCKETS_PER_PERSON = 2
        staff = await sync_to_async(django_user_model.objects.create_superuser)("root")
        first = await watch(job, teacher)
        await watch(job, teacher)
        for _ in range(3):
            refused = await watch(job, teacher, first=False)
            assert await refused.close_code() == 4429
        await watch(job, staff)
        await first.communicator.disconnect(timeout=SECONDS)
        await watch(job, teacher)


def _is_code(value: object) -> bool:
    return isinstance(value, int) and 1000 <= value <= 4999
