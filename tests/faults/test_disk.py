"""Cases 23 and 24: a disk that is full, and one that may only be read, both of them real: a small file system in memory
is mounted as the media folder of a site with the real renderer."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from tests.faults.conftest import FaultRecord, new_site
from tests.faults.invariants import check_invariants
from tests.faults.web import Web
from tests.talking_head.jobs.site import Site

DISK_MEGABYTES = 20
SCRIPT = "The disk is about to fill up. This sentence has no room."


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system of its own, mounted at ``place``."""

    place: Path

    @property
    def ballast(self) -> Path:
        return self.place / "ballast"

    def fill(self) -> None:
        """Until not a single block is left."""
        with self.ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        file.write(b"\1" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC

    def make_room(self) -> None:
        self.ballast.unlink()

    def forbid_writing(self) -> None:
        _mount("-o", "remount,ro", str(self.place))

    def allow_writing(self) -> None:
        _mount("-o", "remount,rw", str(self.place))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    place = tmp_path / "site" / "media"
    place.mkdir(parents=True)
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    try:
        _mount("-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "lectern-test", str(place))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine allows no mounts: {error.stderr.decode().strip()}")
    yield Disk(place)
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def site(tmp_path: Path, disk: Disk, recording_database: Path) -> Iterator[Site]:
    site = new_site(tmp_path / "site", recording_database)
    site.environment["DJANGO_SETTINGS_MODULE"] = "tests.faults.real_renderer_settings"
    yield site
    site.end()


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("hurt", "heal", "code"),
    [(Disk.fill, Disk.make_room, "no_space"), (Disk.forbid_writing, Disk.allow_writing, "storage_denied")],
    ids=["full", "read-only"],
)
def test_23_24_a_media_folder_that_takes_nothing(
    site: Site, disk: Disk, fault: FaultRecord, hurt: Callable[[Disk], None], heal: Callable[[Disk], None], code: str
) -> None:
    with Web(site) as web:
        accepted = web.post_job(SCRIPT)
        assert accepted.status == 201, accepted.body
        job = UUID(accepted.json()["id"])

        hurt(disk)
        refused = web.post_job("Not now.")
        assert (refused.status, refused.json()["code"]) == (503, code)
        assert refused.json()["hint"]
        assert refused.headers["Retry-After"]
        ready = web.get("/readyz")
        assert (ready.status, ready.json()["checks"]["media"]) == (503, code)
        # Without the checks at the start, which would say it too: as a worker that runs already.
        site.start("work", "--until-idle", "--skip-checks").wait(timeout=120)
        ended = web.get(f"/api/jobs/{job}/").json()
        assert ended["state"] == "failed", site.log()
        assert ended["error"]["code"] == code
        assert {error for _outcome, error in site.attempts()} == {code}
        assert _files_left(disk) == []

        heal(disk)
        site.python(
            "from talking_head.worker import sweeper\nsweeper.OUTBOX_AFTER_SECONDS = 0.0\nsweeper.deliver_outbox()"
        )
        retried = web.retry(job)
        assert retried.status == 201, retried.body
        again = UUID(retried.json()["id"])
        site.start("work", "--until-idle").wait(timeout=120)
        assert web.get(f"/api/jobs/{again}/").json()["state"] == "completed"
        assert site.rows("SELECT COUNT(*) FROM talking_head_job") == [(2,)]
        fault.add(check_invariants(site, [job, again]))


def _files_left(disk: Disk) -> list[str]:
    """Every file that is on the disk although nothing could be written to its end."""
    return [
        str(path.relative_to(disk.place)) for path in disk.place.rglob("*") if path.is_file() and path != disk.ballast
    ]
