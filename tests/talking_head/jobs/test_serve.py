"""``manage.py serve``: everything runs, what dies comes back, and when it ends nothing is left."""

from __future__ import annotations

import signal
import socket
import urllib.error
import urllib.request

import psutil
import pytest
from django.core.management import CommandError, call_command

from talking_head.management.commands.serve import _address
from tests.talking_head.jobs.site import Site, wait_for

pytestmark = pytest.mark.xdist_group("processes")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def part(site: Site, name: str) -> psutil.Process | None:
    """The process of that name, as ``ps -o comm`` shows it."""
    return next((process for process in site.processes() if process.name() == f"lectern-{name}"), None)


def test_it_serves_renders_restarts_what_dies_and_stops_when_told(site: Site) -> None:
    port = free_port()
    serve = site.start("serve", "--bind", f"127.0.0.1:{port}")
    wait_for(lambda: is_up(port), "the web server")
    site.make_jobs(["One.", "Two."])
    site.wait_until_all_ended()
    assert site.states() == ["completed"]

    web = part(site, "web")
    assert web is not None
    web.send_signal(signal.SIGKILL)
    wait_for(lambda: (new := part(site, "web")) and new.pid != web.pid and is_up(port), "a new web server")

    serve.terminate()
    assert serve.wait(timeout=20) == 0
    wait_for(lambda: not site.processes(), "the end of all processes", 5.0)


def test_5_when_it_is_killed_its_whole_tree_dies(site: Site) -> None:
    port = free_port()
    site.make_jobs(["hang"])
    serve = site.start("serve", "--bind", f"127.0.0.1:{port}")
    site.wait_for_render("hang")
    wait_for(lambda: is_up(port), "the web server")
    serve.send_signal(signal.SIGKILL)
    serve.wait()
    wait_for(lambda: not site.processes(), "the death of all processes", 5.0)


@pytest.mark.parametrize("bind", ["8000", "127.0.0.1:", "127.0.0.1:web", "127.0.0.1:70000", ":8000"])
def test_a_bad_address_is_refused(bind: str) -> None:
    with pytest.raises(CommandError, match="HOST:PORT"):
        _address(bind)


def test_a_taken_port_is_refused_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CommandError, match="cannot be used"):
            _address(f"127.0.0.1:{taken.getsockname()[1]}")


def test_the_sweeper_refuses_a_senseless_interval() -> None:
    with pytest.raises(CommandError, match="above 0"):
        call_command("sweep", "--every", "0", skip_checks=True)
