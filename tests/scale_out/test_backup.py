"""``manage.py backup`` and ``restore``: a site that is wiped and comes back, with SQLite and PostgreSQL, files and a
bucket."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.object_store import KEYS, REGION, ObjectStore
from tests.scale_out.servers import Postgres
from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.conftest import empty_database  # noqa: F401 - a fixture
from tests.talking_head.jobs.site import ROOT, Site, wait_for

pytestmark = pytest.mark.xdist_group("servers")
# Only `make test-faults` runs them, because each takes up to a minute; one whole cycle is in every run of the tests.
slow = pytest.mark.faults

FILL = """
from django.core.management import call_command
from django.conf import settings
from talking_head.files import bucket, uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import JobState
from tests.factories import make_user
from tests.talking_head.rows import make_finished_job
has_bucket, settings.AWS_STORAGE_BUCKET_NAME = settings.AWS_STORAGE_BUCKET_NAME, ""
teacher = make_user("tina", teacher=True)
digests = [uploads.store(kind, kind.value.encode()) for kind in UploadKind]
make_finished_job(teacher, fence=3, portrait_digest=digests[0], narration_digest=digests[1])
make_finished_job(teacher, state=JobState.FAILED, title="Failed")
if has_bucket:
    settings.AWS_STORAGE_BUCKET_NAME = has_bucket
    call_command("bucket", "--move")
"""
LOOK = """
import hashlib, json
from django.contrib.auth.models import User
from django.test import Client
from talking_head.files import uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import Job, JobState
from talking_head.services import job_snapshot
browser = Client(HTTP_HOST="localhost")
browser.force_login(User.objects.get(username="tina"))
def answer(url):
    response = browser.get(url)
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return [response.status_code, hashlib.sha256(body).hexdigest()]
job = Job.objects.get(state=JobState.COMPLETED)
snapshot = job_snapshot(job)
urls = [clip["url"] for clip in snapshot["clips"]]
urls += [url for name, url in snapshot["video"].items() if name.endswith("url")]
urls += [f"/media/jobs/{job.pk}/{name}" for name in ("log.txt", "manifest.json", "metrics.json")]
answers = {url: answer(url) for url in urls}
for kind in UploadKind:
    answers[kind.value] = uploads.fetch(kind, hashlib.sha256(kind.value.encode()).hexdigest()).read_text()
failed = Job.objects.get(state=JobState.FAILED)
answers["failed"] = answer(f"/media/jobs/{failed.pk}/log.txt")
print(json.dumps(answers, sort_keys=True))
"""
KEEP_ADDING = """
import itertools, time
from talking_head.files import uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import Job
for number in itertools.count():
    digest = uploads.store(UploadKind.PORTRAIT, f"picture {number}".encode())
    Job.objects.create(script="Words.", speech="x", face="x", timeout_seconds=60.0, portrait_digest=digest)
    time.sleep(0.02)  # a site with users, not a benchmark
"""
MISSING = """
from talking_head.files import uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import Job
digests = [job.portrait_digest for job in Job.objects.all()]
print(len(digests), sum(not uploads.exists(UploadKind.PORTRAIT, digest) for digest in digests))
"""


@pytest.fixture
def sqlite_site(tmp_path: Path, empty_database: Path) -> Iterator[Site]:  # noqa: F811
    (tmp_path / "sqlite site").mkdir()
    site = Site(tmp_path / "sqlite site", empty_database)
    yield site
    site.end()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=slow)])
def any_site(request: pytest.FixtureRequest) -> Site:
    site: Site = request.getfixturevalue("sqlite_site" if request.param == "sqlite" else "site")
    checkpoints = site.folder / "checkpoints"
    checkpoints.mkdir()
    (checkpoints / "accepted-licences.json").write_text('{"cpml": {}}')
    site.environment["CHECKPOINTS_DIR"] = str(checkpoints)
    return site


@pytest.fixture(params=["files", pytest.param("bucket", marks=slow)])
def full_site(request: pytest.FixtureRequest, any_site: Site) -> Site:
    """A site with users, uploads of every kind, a finished and a failed video."""
    if request.param == "bucket":
        _give_bucket(any_site, request.getfixturevalue("object_store"))
    any_site.python(FILL)
    return any_site


def manage(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=ROOT, env=site.environment, capture_output=True, text=True, check=False)


def look(site: Site) -> dict[str, Any]:
    answers: dict[str, Any] = json.loads(site.python(LOOK))
    return answers


def wipe(site: Site, store: ObjectStore | None) -> None:
    """A new machine: an empty database server, empty disks, an empty bucket."""
    for folder in (site.media, site.folder / "checkpoints", site.folder / "run"):
        shutil.rmtree(folder, ignore_errors=True)
    site.media.mkdir()
    if isinstance(site, SharedSite):
        site.database_name = f"site_{uuid.uuid4().hex[:12]}"
        site.postgres.execute(f"CREATE DATABASE {site.database_name}")
        site.environment["DATABASE_URL"] = site.postgres.url(site.database_name)
    else:
        for path in site.folder.glob("db.sqlite3*"):
            path.unlink()
    if store is not None:
        _give_bucket(site, store)


def _give_bucket(site: Site, store: ObjectStore) -> None:
    site.environment |= {
        "AWS_STORAGE_BUCKET_NAME": store.make_bucket(),
        "AWS_S3_ENDPOINT_URL": store.url,
        "AWS_S3_REGION_NAME": REGION,
        **KEYS,
    }


def test_a_wiped_site_comes_back_with_every_address_of_old_snapshots(
    full_site: Site, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    site, backup = full_site, tmp_path / "backup"
    has_bucket = "AWS_STORAGE_BUCKET_NAME" in site.environment
    before = look(site)
    assert all(value[0] == 200 for value in before.values() if isinstance(value, list)), before
    done = manage(site, "backup", str(backup))
    assert done.returncode == 0, done.stderr
    assert backup.stat().st_mode & 0o077 == 0, "it holds passwords' hashes and voices"
    assert (backup / "secret_key").read_text() == site.environment["SECRET_KEY"]

    wipe(site, request.getfixturevalue("object_store") if has_bucket else None)
    done = manage(site, "restore", str(backup))
    assert done.returncode == 0, done.stderr
    assert look(site) == before
    assert (site.folder / "checkpoints" / "accepted-licences.json").read_text() == '{"cpml": {}}'
    assert manage(site, "migrate", "--check").returncode == 0

    again = manage(site, "restore", str(backup))
    assert again.returncode == 1
    assert "--replace" in again.stderr, "a site is not overwritten by accident"
    assert manage(site, "restore", "--replace", str(backup)).returncode == 0
    assert look(site) == before


@slow
def test_a_backup_of_a_running_site_has_every_file_that_its_rows_name(any_site: Site, tmp_path: Path) -> None:
    site = any_site
    adding = subprocess.Popen(
        [sys.executable, "-c", f"import django; django.setup()\n{KEEP_ADDING}"], cwd=ROOT, env=site.environment
    )
    site.started.append(adding)
    wait_for(lambda: site.rows("SELECT 1 FROM talking_head_job LIMIT 1"), "the first row")
    assert manage(site, "backup", str(tmp_path / "backup")).returncode == 0
    assert adding.poll() is None, "it could write all the while"
    adding.kill()
    adding.wait()
    wipe(site, None)
    done = manage(site, "restore", str(tmp_path / "backup"))
    assert done.returncode == 0, done.stderr
    rows, missing = site.python(MISSING).split()
    assert int(rows) > 0
    assert missing == "0"


@pytest.mark.parametrize("how", ["changed", *(pytest.param(how, marks=slow) for how in ("missing", "unfinished"))])
def test_a_damaged_backup_changes_nothing(sqlite_site: Site, tmp_path: Path, how: str) -> None:
    site, backup = sqlite_site, tmp_path / "backup"
    site.python(FILL)
    assert manage(site, "backup", str(backup)).returncode == 0
    (portrait,) = (path for path in (backup / "media" / "portraits").rglob("*") if path.is_file())
    if how == "changed":
        portrait.write_bytes(b"portraitz")
    elif how == "missing":
        portrait.unlink()
    else:
        (backup / "backup.json").unlink()
    wipe(site, None)
    done = manage(site, "restore", str(backup))
    assert done.returncode == 1
    assert "no complete backup" in done.stderr if how == "unfinished" else portrait.name in done.stderr
    assert list(site.media.iterdir()) == []
    assert not site.database.exists() or site.rows("SELECT name FROM sqlite_master") == []


def test_uploads_that_were_damaged_before_are_named(sqlite_site: Site, tmp_path: Path) -> None:
    sqlite_site.python(FILL)
    (portrait,) = (path for path in (sqlite_site.media / "portraits").rglob("*") if path.is_file())
    portrait.write_bytes(b"rotten")
    done = manage(sqlite_site, "backup", str(tmp_path / "backup"))
    assert done.returncode == 1
    assert portrait.name in done.stderr
    assert (tmp_path / "backup" / "backup.json").exists()


def test_a_folder_that_is_not_empty_is_left_alone(sqlite_site: Site, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "older.txt").write_text("old")
    done = manage(sqlite_site, "backup", str(tmp_path / "backup"))
    assert done.returncode == 1
    assert "not empty" in done.stderr
    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["older.txt"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "lectern-test", str(place)], check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_is_said_and_what_was_written_is_no_backup(sqlite_site: Site, small_disk: Path) -> None:
    sqlite_site.python(FILL)
    done = manage(sqlite_site, "backup", str(small_disk / "backup"))
    assert done.returncode == 1
    assert "The disk is full. Free some space where the copy is written" in done.stderr
    assert not (small_disk / "backup" / "backup.json").exists()


def test_a_restore_that_finds_no_room_changes_nothing(sqlite_site: Site, small_disk: Path, tmp_path: Path) -> None:
    site, backup = sqlite_site, tmp_path / "backup"
    site.python(FILL)
    assert manage(site, "backup", str(backup)).returncode == 0
    wipe(site, None)
    (small_disk / "ballast").write_bytes(bytes(60_000))
    record = json.loads((backup / "backup.json").read_text())
    (backup / "media" / "portraits" / "large").write_bytes(bytes(90_000))
    record["digests"]["media/portraits/large"] = hashlib.sha256(bytes(90_000)).hexdigest()
    (backup / "backup.json").write_text(json.dumps(record))
    site.environment["MEDIA_ROOT"] = str(small_disk)

    done = manage(site, "restore", str(backup))

    assert done.returncode == 1
    assert "MB left. Free some space. Nothing was changed." in done.stderr
    assert not site.database.exists() or site.rows("SELECT name FROM sqlite_master") == []


def test_a_backup_of_a_newer_release_is_refused(sqlite_site: Site, tmp_path: Path) -> None:
    site, backup = sqlite_site, tmp_path / "backup"
    site.python(FILL)
    assert manage(site, "backup", str(backup)).returncode == 0
    record = json.loads((backup / "backup.json").read_text())
    record["migrations"].append("talking_head.9999_of_the_next_release")
    (backup / "backup.json").write_text(json.dumps(record))
    wipe(site, None)
    done = manage(site, "restore", str(backup))
    assert done.returncode == 1
    assert "newer release" in done.stderr and "9999_of_the_next_release" in done.stderr
    assert list(site.media.iterdir()) == []


@slow
def test_without_the_programs_of_postgresql_it_says_what_to_install(
    site: SharedSite, postgres: Postgres, tmp_path: Path
) -> None:
    site.environment["PATH"] = str(tmp_path)
    done = manage(site, "backup", str(tmp_path / "backup"))
    assert done.returncode == 1
    assert "pg_dump is not installed" in done.stderr
    assert "postgresql-client" in done.stderr
    assert not (tmp_path / "backup").exists()
