"""Byte ranges, conditions and headers of served files, as RFC 9110 has them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from talking_head.files import local, range_response
from talking_head.files.range_response import ByteRange, RangeNotSatisfiable, parse_range
from talking_head.models import Job
from tests.talking_head.rows import make_finished_job

DATA = bytes(range(256)) * 4


@pytest.fixture
def job(teacher: User) -> Job:
    return make_finished_job(teacher, data=DATA, title="Plants: “light” & sugar\nпривет")


@pytest.fixture
def url(job: Job) -> str:
    return f"/media/jobs/{job.pk}/video.mp4"


@pytest.fixture
def viewer(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


class TestRanges:
    @pytest.mark.parametrize(
        ("asked", "start", "end"),
        [
            ("bytes=0-1", 0, 1),
            ("bytes=0-0", 0, 0),
            ("bytes=100-", 100, 1023),
            ("bytes=-10", 1014, 1023),
            ("bytes=-5000", 0, 1023),
            ("bytes=1000-9999", 1000, 1023),
            ("bytes= 5 - 6 ", 5, 6),
        ],
    )
    def test_one_range_gives_that_part(self, viewer: Client, url: str, asked: str, start: int, end: int) -> None:
        response = viewer.get(url, headers={"range": asked})
        assert response.status_code == 206
        assert response["Content-Range"] == f"bytes {start}-{end}/1024"
        assert body(response) == DATA[start : end + 1]
        assert response["Content-Length"] == str(end - start + 1)

    @pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
    def test_a_range_behind_the_end_cannot_be_had(self, viewer: Client, url: str, asked: str) -> None:
        response = viewer.get(url, headers={"range": asked})
        assert (response.status_code, response["Content-Range"]) == (416, "bytes */1024")

    @pytest.mark.parametrize(
        "asked",
        [
            "bytes=0-1,5-6",
            "bytes=5-2",
            "bytes=-",
            "bytes=a-b",
            "chars=0-1",
            "bytes=0-" + "9" * 5000,
            "bytes=٣-٤",
            "0-1",
        ],
    )
    def test_what_is_not_one_range_gives_the_whole(self, viewer: Client, url: str, asked: str) -> None:
        response = viewer.get(url, headers={"range": asked})
        assert response.status_code == 200
        assert body(response) == DATA

    def test_an_empty_file_has_no_ranges(self, viewer: Client, job: Job, url: str) -> None:
        (local.results_folder(job.pk) / "video.mp4").write_bytes(b"")
        assert viewer.get(url, headers={"range": "bytes=0-"}).status_code == 416
        assert body(viewer.get(url)) == b""

    @given(header=st.text(max_size=40) | st.from_regex(r"bytes=\d*-\d*", fullmatch=True), size=st.integers(0, 10**6))
    def test_whatever_is_asked_lies_inside_the_file(self, header: str, size: int) -> None:
        try:
            part = parse_range(header, size)
        except RangeNotSatisfiable:
            return
        assert part is None or (part.start >= 0 and part.size > 0 and part.start + part.size <= size)

    @given(size=st.integers(1, 1000), data=st.data())
    def test_every_part_can_be_asked_for(self, size: int, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, size - 1))
        end = data.draw(st.integers(start, size - 1))
        assert parse_range(f"bytes={start}-{end}", size) == ByteRange(start, end - start + 1)


class TestConditions:
    def test_who_has_it_already_gets_no_body(self, viewer: Client, url: str) -> None:
        first = viewer.get(url)
        again = viewer.get(url, headers={"if-none-match": first["ETag"]})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
        assert viewer.get(url, headers={"if-modified-since": first["Last-Modified"]}).status_code == 304

    def test_a_range_is_given_only_of_the_file_they_know(self, viewer: Client, url: str) -> None:
        first = viewer.get(url)
        for known in (first["ETag"], first["Last-Modified"]):
            assert viewer.get(url, headers={"range": "bytes=0-1", "if-range": known}).status_code == 206
        for other in ('"other"', "W/" + first["ETag"], "Thu, 01 Jan 1970 00:00:00 GMT", "nonsense"):
            response = viewer.get(url, headers={"range": "bytes=0-1", "if-range": other})
            assert (response.status_code, body(response)) == (200, DATA)

    def test_another_file_has_another_tag(self, viewer: Client, job: Job, url: str) -> None:
        before = viewer.get(url)["ETag"]
        (local.results_folder(job.pk) / "video.mp4").write_bytes(DATA[:-1])
        assert viewer.get(url)["ETag"] != before

    def test_a_precondition_that_fails(self, viewer: Client, url: str) -> None:
        assert viewer.get(url, headers={"if-match": '"other"'}).status_code == 412


class TestHeaders:
    def test_head_says_the_same_without_the_body(self, viewer: Client, url: str) -> None:
        head, get = viewer.head(url), viewer.get(url)
        for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges"):
            assert head[name] == get[name]
        assert head.content == b""

    @pytest.mark.parametrize(
        ("name", "content_type"),
        [
            ("video.mp4", "video/mp4"),
            ("captions.vtt", "text/vtt; charset=utf-8"),
            ("transcript.json", "application/json"),
            ("poster.jpg", "image/jpeg"),
            ("log.txt", "text/plain; charset=utf-8"),
        ],
    )
    def test_types_are_stated_and_not_to_be_guessed(
        self, viewer: Client, job: Job, name: str, content_type: str
    ) -> None:
        response = viewer.get(f"/media/jobs/{job.pk}/{name}")
        assert (response["Content-Type"], response["X-Content-Type-Options"]) == (content_type, "nosniff")

    def test_no_shared_cache_keeps_it_and_browsers_ask_again(self, viewer: Client, url: str) -> None:
        response = viewer.get(url)
        assert response["Cache-Control"] == "private, no-cache"
        assert "Cookie" in response["Vary"]

    def test_downloads_have_a_readable_name_on_one_line(self, viewer: Client, url: str) -> None:
        response = viewer.get(url, {"download": "1"})
        assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''Plants")
        assert "Content-Disposition" not in viewer.get(url)

    @pytest.mark.parametrize(
        ("title", "name"),
        [
            ("exe\u202egpj.", "exe gpj. video.mp4"),
            ("a\u200eb\u2066c\u2069d", "a b c d video.mp4"),
            ("../../etc\\passwd", ".. .. etc passwd video.mp4"),
            ("line\r\nSet-Cookie: x\u2028y\x00z", "line Set-Cookie: x y z video.mp4"),
            ("می\u200cخواهم", "می\u200cخواهم video.mp4"),
        ],
    )
    def test_download_names_hide_nothing_and_turn_nothing_around(
        self, viewer: Client, job: Job, url: str, title: str, name: str
    ) -> None:
        Job.objects.filter(pk=job.pk).update(title=title)
        header = viewer.get(url, {"download": "1"})["Content-Disposition"]
        kind, _, encoded = header.partition("; filename")
        shown = unquote(encoded.removeprefix("*=utf-8''")) if encoded.startswith("*") else encoded[2:-1]
        assert (kind, shown) == ("attachment", name)

    def test_a_proxy_can_send_the_file_itself(self, viewer: Client, job: Job, url: str, settings: Settings) -> None:
        settings.MEDIA_ACCEL_PREFIX = "/protected/"
        response = viewer.get(url)
        assert response["X-Accel-Redirect"] == f"/protected/results_{job.pk}/video.mp4"
        assert (response.content, response["Content-Type"]) == (b"", "video/mp4")


class TestStreaming:
    @pytest.mark.django_db(transaction=True)
    async def test_under_asgi_it_comes_in_blocks_and_the_file_is_closed(
        self, teacher: User, job: Job, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(range_response, "BLOCK_BYTES", 100)
        client = AsyncClient()
        await client.aforce_login(teacher)
        response: Any = await client.get(url, headers={"range": "bytes=10-309"})
        blocks = await _take_blocks(response.streaming_content)
        assert [len(block) for block in blocks] == [100, 100, 100]
        assert b"".join(blocks) == DATA[10:310]
        response.close()
        assert response._content._file.closed

    def test_only_the_blocks_that_are_wanted_are_read(self, viewer: Client, job: Job, url: str) -> None:
        with (local.results_folder(job.pk) / "video.mp4").open("wb") as file:
            file.truncate(10**12)  # a sparse terabyte: reading it all would never end
        response: Any = viewer.get(url)
        assert (
            sum(len(block) for block in itertools.islice(response.streaming_content, 3))
            == 3 * range_response.BLOCK_BYTES
        )
        response.close()
        assert body(viewer.get(url, headers={"range": f"bytes={10**12 - 2}-"})) == b"\0\0"


async def _take_blocks(content: AsyncIterator[bytes]) -> list[bytes]:
    return [block async for block in content]
