"""Cases 33, 34, 35: too few files, too many jobs, very many viewers who read too slowly."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.faults.clerk import accept_jobs
from tests.faults.conftest import FaultRecord
from tests.faults.invariants import check_invariants
from tests.faults.web import FIRST_TEACHER, Web
from tests.scale_out.servers import origin_of
from tests.talking_head.jobs.site import ROOT, Site, wait_for

FILES = 64
TEACHERS = ("anna", "berta")
JOBS_EACH = 250
PAGES = ("/courses/", "/portraits/", "/voices/", "/api/jobs/")
VIEWERS = 1_000
PREVIEW_BYTES = 20_000
PREVIEWS = 400  # 8 MB for each viewer, 8 GB if the server kept them
FLAT_BYTES = 150_000_000


# --- 33 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["work", "sweep", "serve"])
def test_33_with_64_files_nothing_starts_and_the_reason_is_said(site: Site, command: str) -> None:
    words = ["prlimit", f"--nofile={FILES}", "--", sys.executable, "manage.py", command]
    done = subprocess.run(
        words, cwd=ROOT, env=site.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert f"Only {FILES} files may be open at once" in done.stderr
    assert "ulimit -n" in done.stderr


@pytest.mark.faults
def test_33_a_web_server_out_of_files_neither_spins_nor_dies(site: Site, fault: FaultRecord) -> None:
    """A client opens more connections than it may have files: others wait, and it works again when they are gone."""
    with Web(site, ("prlimit", f"--nofile={FILES}", "--")) as web:
        assert web.get("/livez").status == 200
        server = psutil.Process(web.process.pid if web.process else 0)
        with _idle_connections(web.port, 2 * FILES):
            wait_for(lambda: server.num_fds() >= FILES - 4, "the server to run out of files")
            used = _cpu_seconds(server)
            time.sleep(3.0)  # what is looked at is what it does in this time
            used = _cpu_seconds(server) - used
        fault.inject()
        fault.wait_for_recovery(lambda: _answers(web), "the server to answer again")
        fault.figures = {"cpu_seconds_in_3_s_without_files": round(used, 2)}
        assert used < 1.5, f"it span: {used:.1f} processor seconds in 3 s"


@contextlib.contextmanager
def _idle_connections(port: int, count: int) -> Iterator[None]:
    opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    try:
        yield
    finally:
        for connection in opened:
            connection.close()


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _answers(web: Web) -> bool:
    try:
        return web.get("/livez").status == 200
    except OSError:
        return False


# --- 34 ------------------------------------------------------------------------------------------------------------


@pytest.mark.faults
def test_34_five_hundred_jobs_of_two_teachers(site: Site, fault: FaultRecord) -> None:
    """One more than allowed is refused with a time to come back; while they are rendered pages still open, and the
    teachers are served in turn."""
    limits = {"JOBS_IN_FLIGHT": JOBS_EACH, "MINUTES_A_DAY": 0, "MAX_WAIT_SECONDS": 0}
    site.environment |= {f"TALKING_HEAD_{name}": str(value) for name, value in limits.items()}
    with Web(site) as web:
        for name in TEACHERS:
            web.add_teacher(name)
        with ThreadPoolExecutor(len(TEACHERS)) as pool:
            accepted = [job for jobs in pool.map(lambda name: _submit_all(web, name), TEACHERS) for job in jobs]
        for name in TEACHERS:
            refused = web.post_job("One too many.", teacher=name)
            assert (refused.status, refused.json()["code"]) == (429, "quota_exceeded")
            assert int(refused.headers["Retry-After"]) > 0
        site.start("sweep", "--every", "0.3")
        site.start("work")
        milliseconds = _visit_until_all_ended(site, web)
        assert set(site.states()) == {"completed"}
        assert _longest_run(site) <= 2, "one teacher waited while the other was served"
        fault.add(check_invariants(site, accepted))
        fault.figures = _figures_of_pages(milliseconds)


def _submit_all(web: Web, teacher: str) -> list[UUID]:
    answers = [web.post_job(f"Job {n} of {teacher}.", f"{n}", teacher) for n in range(JOBS_EACH)]
    assert {answer.status for answer in answers} == {201}
    return [UUID(answer.json()["id"]) for answer in answers]


def _visit_until_all_ended(site: Site, web: Web) -> list[float]:
    """How long each page takes that a teacher waits for while all this is rendered."""
    pages = itertools.cycle([(path, name) for path in PAGES for name in TEACHERS])
    milliseconds = []
    while any(state not in ("completed", "fallback", "failed") for state in site.states()):
        milliseconds.append(_milliseconds_for(web, *next(pages)))
    return milliseconds


def _milliseconds_for(web: Web, path: str, teacher: str) -> float:
    started = time.monotonic()
    assert web.get_page(path, teacher).status == 200
    return 1_000 * (time.monotonic() - started)


def _figures_of_pages(milliseconds: list[float]) -> dict[str, int]:
    """They are recorded and not asserted: they are the machine's, too."""
    p95 = statistics.quantiles(milliseconds, n=20, method="inclusive")[-1]
    return {
        "pages": len(milliseconds),
        "page_p50_ms": round(statistics.median(milliseconds)),
        "page_p95_ms": round(p95),
    }


def _longest_run(site: Site) -> int:
    """The most clips in a row that were claimed for one teacher while the other had some waiting."""
    owners = [owner for (owner,) in site.rows(
        "SELECT job.owner_id FROM talking_head_attempt AS attempt JOIN talking_head_clip AS clip ON clip.id = clip_id "
        "JOIN talking_head_job AS job ON job.id = clip.job_id ORDER BY attempt.id"
    )]  # fmt: skip
    both_waited = owners[: min(_last(owners, owner) for owner in set(owners)) + 1]
    return max(len(list(run)) for _owner, run in itertools.groupby(both_waited))


def _last(values: list[int], value: int) -> int:
    return len(values) - 1 - values[::-1].index(value)


# --- 35 ------------------------------------------------------------------------------------------------------------

GIVE_ALL_JOBS = """
import sys
from django.contrib.auth.models import User
from talking_head.models import Job
Job.objects.update(owner=User.objects.get(username=sys.argv[1]))
"""
FLOOD = """
import sys, time
from talking_head.live import events
from talking_head.models import Job
job = Job.objects.get(pk=sys.argv[1])
for number in range(int(sys.argv[2])):
    events.preview(job.pk, bytes(int(sys.argv[3])))
    events.notify_stage(job.pk, 0, "frames", number, int(sys.argv[2]))
    time.sleep(0.02)
"""


@pytest.mark.faults
async def test_35_a_thousand_viewers_who_do_not_read(site: Site, fault: FaultRecord) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3 * VIEWERS:
        pytest.skip(f"only {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3 * VIEWERS), hard))
    site.environment["TALKING_HEAD_SOCKETS_PER_PERSON"] = "0"
    (job,) = accept_jobs(site, "watched", [f"{number}." for number in range(60)])
    with Web(site) as web:
        site.python(GIVE_ALL_JOBS, FIRST_TEACHER)
        server = psutil.Process(web.process.pid if web.process else 0)
        address, cookie = f"ws://127.0.0.1:{web.port}/ws/jobs/{job}/", web.cookie(FIRST_TEACHER)
        viewers = await _open_viewers(address, cookie)
        before = server.memory_info().rss
        flood = asyncio.create_task(asyncio.to_thread(site.python, FLOOD, str(job), str(PREVIEWS), str(PREVIEW_BYTES)))
        milliseconds = []
        while not flood.done():
            milliseconds.append(await asyncio.to_thread(_milliseconds_for, web, PAGES[0], FIRST_TEACHER))
        await flood
        during = server.memory_info().rss
        assert _connections(server) >= VIEWERS, "some were cut off, so this memory says nothing"
        worker = await asyncio.to_thread(site.start, "work", "--until-idle")
        await asyncio.to_thread(worker.wait, 120)
        afterwards = server.memory_info().rss
        endings = await asyncio.gather(*(_last_word(viewer, address, cookie) for viewer in viewers))
        assert {(ending["type"], ending["job"]["state"]) for ending in endings} == {("snapshot", "completed")}
        assert len({ending["seq"] for ending in endings}) == 1
        grown = max(during, afterwards) - before
        memory = {"memory_mb": before // 1_000_000, "grown_mb": grown // 1_000_000}
        fault.figures = {"viewers": len(viewers), **memory, **_figures_of_pages(milliseconds)}
        assert grown < FLAT_BYTES
        fault.add(check_invariants(site, [job]))


def _connections(server: psutil.Process) -> int:
    return sum(connection.status == psutil.CONN_ESTABLISHED for connection in server.net_connections("tcp"))


async def _open_viewers(address: str, cookie: dict[str, str]) -> list[ClientConnection]:
    """Ten at a time; each takes one message and leaves the rest in its socket."""
    gate = asyncio.Semaphore(10)

    async def open_one() -> ClientConnection:
        async with gate:
            viewer = await _connect(address, cookie)
            assert json.loads(await viewer.recv())["type"] == "snapshot"
            return viewer

    return list(await asyncio.gather(*(open_one() for _ in range(VIEWERS))))


async def _connect(address: str, cookie: dict[str, str]) -> ClientConnection:
    return await connect(
        address, additional_headers=cookie, origin=origin_of(address), proxy=None,
        max_queue=1, ping_interval=None, compression=None, open_timeout=60,
    )  # fmt: skip


async def _last_word(viewer: ClientConnection, address: str, cookie: dict[str, str]) -> dict[str, Any]:
    """The last thing that the server says. It gives a viewer a second to answer its goodbye and then hangs up; who was
    too slow for that comes back once, as a page does."""
    last, code = await _read_to_the_end(viewer)
    if code is None:
        seq = last.get("seq", 0)
        last, code = await _read_to_the_end(await _connect(address, cookie))
        assert last["seq"] >= seq
    assert code == 1_000
    return last


async def _read_to_the_end(viewer: ClientConnection) -> tuple[dict[str, Any], int | None]:
    """The last message, and the code of the goodbye, if there was one. Numbers never fall, even past gaps."""
    seq, last = 0, {}
    try:
        while True:
            message = await asyncio.wait_for(viewer.recv(), 120)
            if isinstance(message, str):
                last = json.loads(message)
                assert last["seq"] >= seq
                seq = last["seq"]
    except ConnectionClosed as closed:
        return last, closed.rcvd.code if closed.rcvd else None
