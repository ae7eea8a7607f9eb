"""How long ``manage.py serve`` takes until its first page and its first clip, and what its processes cost at rest.

A site is made in a temporary folder, as ``make demo`` makes one, and served for real. Times depend on the machine;
packages, processes and wakeups hardly do.
"""

from __future__ import annotations

import re
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

from benchmarks.machine import describe_machine
from tests.talking_head.jobs.site import Site, wait_for

REST_SECONDS = 30.0
SETTLE_SECONDS = 12.0  # the engines are loaded, the machine is measured
SUBMIT = """
from django.conf import settings
from talking_head import services
picture = (settings.BASE_DIR / "edu_platform/demo/astronaut.png").read_bytes()
services.submit_job(owner=None, script="The Moon is a ball of rock.", profile="fast", face="puppet", speech="hibari",
                    portrait_digest=services.store_portrait(picture).digest)
"""


def measure(rest_seconds: float = REST_SECONDS) -> dict[str, Any]:
    """Serve an empty site and return seconds to the first page and the first clip, and what it costs at rest.

    Returns:
        ``first_page_seconds`` and ``first_clip_seconds`` from the start of the command (a job is waiting already);
        ``processes`` by name, each with ``pss_mb``, ``cpu_percent`` of one core and ``wakeups`` a second; ``total``.
    """
    with tempfile.TemporaryDirectory(prefix="lectern-start-") as folder:
        site = Site(Path(folder))
        site.environment |= {"DJANGO_SETTINGS_MODULE": "edu_platform.settings", "LOG_LEVEL": "ERROR"}
        try:
            return _measure(site, rest_seconds)
        finally:
            site.end()


def _measure(site: Site, rest_seconds: float) -> dict[str, Any]:
    assert site.start("migrate", "-v", "0").wait() == 0, site.log()
    site.python(SUBMIT)
    port = _free_port()
    started = time.monotonic()
    site.start("serve", "--bind", f"127.0.0.1:{port}")
    wait_for(lambda: _answers(f"http://127.0.0.1:{port}/accounts/login/"), "the first page")
    first_page = time.monotonic() - started
    clip_done = "SELECT 1 FROM talking_head_clip WHERE state = 'done'"
    wait_for(lambda: site.rows(clip_done), f"the first clip\n{site.log()}")
    first_clip = time.monotonic() - started
    site.wait_until_all_ended()
    time.sleep(SETTLE_SECONDS)
    rest = at_rest(site.processes(), rest_seconds)
    return {
        "machine": describe_machine(),
        "first_page_seconds": round(first_page, 2),
        "first_clip_seconds": round(first_clip, 2),
        **rest,
    }


def at_rest(processes: Iterable[psutil.Process], seconds: float) -> dict[str, Any]:
    """Return what these processes cost while nothing is asked of them, measured over so many seconds."""
    pids = {process.pid: _name(process) for process in processes}
    before = {pid: (_cpu_seconds(pid), _switches(pid)) for pid in pids}
    began = time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - began
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "pss_mb": round(pss_bytes(pid) / 1e6, 1),
            "cpu_percent": round(100 * (_cpu_seconds(pid) - before[pid][0]) / elapsed, 3),
            "wakeups_per_second": round((_switches(pid) - before[pid][1]) / elapsed, 2),
        }
        for pid, name in sorted(pids.items())
    ]
    keys = ("pss_mb", "cpu_percent", "wakeups_per_second")
    return {"processes": rows, "total": {key: round(sum(row[key] for row in rows), 2) for key in keys}}


def pss_bytes(pid: int) -> int:
    """Return the process's memory, in which a page shared by n processes counts as one n-th (Linux)."""
    return _number("Pss", Path(f"/proc/{pid}/smaps_rollup")) * 1024


def _cpu_seconds(pid: int) -> float:
    """The scheduler's own account, in nanoseconds: the clock ticks of ``stat`` are too coarse for a process at rest."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(path.read_text(encoding="ascii").split()[0]) for path in tasks) / 1e9


def _switches(pid: int) -> int:
    """How often its threads have gone to sleep, which is how often they were woken."""
    tasks = Path(f"/proc/{pid}/task").glob("*/status")
    return sum(_number("voluntary_ctxt_switches", path) for path in tasks)


def _number(name: str, path: Path) -> int:
    found = re.search(rf"^{name}:\s+(\d+)", path.read_text(encoding="ascii"), re.MULTILINE)
    assert found is not None, path
    return int(found[1])


def _name(process: psutil.Process) -> str:
    words = process.cmdline()
    is_renderer = any("talking_head.renderer.child" in word for word in words)
    return "renderer" if is_renderer else process.name() if process.name().startswith("lectern-") else words[-3]


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    import json

    print(json.dumps(measure(), indent=1))
