"""What must hold after every fault, in every process and on every machine:

- accepted jobs = ended + waiting; nothing is forgotten;
- at most one publication for each idempotency key, and no clip rendered to its end twice;
- no process without its parent, no temporary file;
- no lease older than twice its length;
- an attempt row for every claim, with an error code for each that failed.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from uuid import UUID

import psutil

from tests.scale_out.site import SharedSite
from tests.talking_head.jobs.site import Site
from tests.talking_head.jobs.site_settings import TALKING_HEAD_TIMING

LEASE_SECONDS = TALKING_HEAD_TIMING["lease_seconds"]
ENDED = ("completed", "fallback", "failed", "cancelled")
GONE_SECONDS = 10.0  # for processes that were killed a moment ago, and for what their parents tidy up

# The database itself keeps the record: no change of a job's state gets past a trigger, by any code.
RECORD_MOVES_SQLITE = """
CREATE TABLE recorded_move (number INTEGER PRIMARY KEY, job TEXT, source TEXT, target TEXT);
CREATE TRIGGER record_move AFTER UPDATE OF state ON talking_head_job WHEN OLD.state IS NOT NEW.state BEGIN
    INSERT INTO recorded_move (job, source, target) VALUES (NEW.id, OLD.state, NEW.state);
END;
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """What was found. ``lost``: accepted jobs that are neither ended nor waiting. ``doubled``: publications and clips
    beyond the first of their kind. ``problems``: everything that breaks an invariant, these two included."""

    lost: int
    doubled: int
    problems: list[str] = field(default_factory=list)


def progress(site: Site) -> int:
    """Rises with every claim and with every change of a job: how a test sees that work goes on."""
    ((claims, moves),) = site.rows(
        "SELECT (SELECT COUNT(*) FROM talking_head_attempt), (SELECT COUNT(*) FROM recorded_move)"
    )
    return int(claims + moves)


def examine(site: Site, accepted: list[UUID]) -> Tally:
    """Looks at rows, files and processes of a site, which may still run."""
    lost, doubled = _lost(site, accepted), _doubled(site)
    problems = [f"lost: {job}" for job in lost] + [f"doubled: {what}" for what in doubled]
    problems += _faults_in_rows(site)
    problems += _faults_in_files(site)
    problems += _orphans(site)
    return Tally(len(lost), len(doubled), problems)


def check_invariants(site: Site, accepted: list[UUID]) -> Tally:
    """Asserts all of them; who was killed and what is tidied up after it gets a moment to go."""
    tally = examine(site, accepted)
    deadline = time.monotonic() + GONE_SECONDS
    while tally.problems and time.monotonic() < deadline:
        time.sleep(0.1)
        tally = examine(site, accepted)
    assert not tally.problems, "\n".join([*tally.problems, site.log()])
    return tally


def _lost(site: Site, accepted: list[UUID]) -> list[str]:
    waiting = f"""
        SELECT job.id FROM talking_head_job AS job WHERE job.state IN {ENDED}
        OR (job.state = 'publishing' AND NOT ({_is_overdue(site, "job.lease_expires_at")}))
        OR (job.state IN ('queued', 'running') AND EXISTS (
            SELECT 1 FROM talking_head_clip AS clip WHERE clip.job_id = job.id AND (clip.state = 'waiting'
            OR (clip.state = 'leased' AND NOT ({_is_overdue(site, "clip.lease_expires_at")})))))
        OR (job.state = 'running' AND NOT EXISTS (
            SELECT 1 FROM talking_head_clip AS clip WHERE clip.job_id = job.id AND clip.state <> 'done'))
    """
    kept = {UUID(str(job)) for (job,) in site.rows(waiting)}
    return [str(job) for job in accepted if job not in kept]


def _doubled(site: Site) -> list[str]:
    published = """
        SELECT COALESCE(job.idempotency_key, CAST(job.id AS text)), COUNT(*) FROM recorded_move AS move
        JOIN talking_head_job AS job ON job.id = move.job WHERE move.target IN ('completed', 'fallback')
        GROUP BY job.owner_id, 1 HAVING COUNT(*) > 1
    """
    rendered = """
        SELECT clip_id, COUNT(*) FROM talking_head_attempt WHERE outcome = 'done' AND NOT EXISTS (
            SELECT 1 FROM recorded_move AS move JOIN talking_head_clip AS clip ON clip.job_id = move.job
            WHERE clip.id = clip_id AND move.source = 'publishing' AND move.target = 'running')
        GROUP BY 1 HAVING COUNT(*) > 1
    """
    found = [f"{count} publications of {key}" for key, count in site.rows(published)]
    return found + [f"clip {clip} rendered {count} times" for clip, count in site.rows(rendered)]


def _faults_in_rows(site: Site) -> list[str]:
    overdue = f"SELECT id FROM talking_head_clip WHERE state = 'leased' AND {_is_overdue(site, 'lease_expires_at')}"
    unexplained = """
        SELECT id FROM talking_head_attempt
        WHERE finished_at IS NOT NULL AND outcome NOT IN ('done', 'released') AND error_code = ''
    """
    unfinished = """
        SELECT attempt.id FROM talking_head_attempt AS attempt JOIN talking_head_clip AS clip ON clip.id = clip_id
        WHERE attempt.finished_at IS NULL AND NOT (clip.state = 'leased' AND clip.fence = attempt.fence)
    """
    uncounted = """
        SELECT clip.id FROM talking_head_clip AS clip
        WHERE fence <> (SELECT COUNT(*) FROM talking_head_attempt WHERE clip_id = clip.id)
    """
    untold = f"""
        SELECT job.id FROM talking_head_job AS job WHERE state IN {ENDED}
        AND 1 <> (SELECT COUNT(*) FROM talking_head_notification WHERE job_id = job.id)
    """
    questions = {
        "lease older than twice its length": overdue,
        "failed attempt without an error code": unexplained,
        "attempt without an end": unfinished,
        "claims and attempts differ": uncounted,
        "not told exactly once": untold,
    }
    return [f"{what}: {row}" for what, sql in questions.items() for (row,) in site.rows(sql)]


def _faults_in_files(site: Site) -> list[str]:
    watchable = site.rows("SELECT id FROM talking_head_job WHERE state IN ('completed', 'fallback')")
    videos = {UUID(path.parent.name.removeprefix("results_")) for path in site.media.glob("results_*/video.mp4")}
    differing = videos ^ {UUID(str(job)) for (job,) in watchable}
    return [f"video and row differ: {job}" for job in differing] + _temporary_files(site)


def _temporary_files(site: Site) -> list[str]:
    """Unfinished files and folders, except the folders of the renderers that live."""
    in_use = {name for process in site.processes() if (name := _scratch_folder(process))}
    found = list(site.media.glob("results_*.staging-*"))
    for place in (site.media / "tmp", site.media / "cache" / "tmp"):
        found += [path for path in place.glob("*") if str(path) not in in_use]
    return [f"left behind: {path.name}" for path in found]


def _scratch_folder(process: psutil.Process) -> str:
    try:
        return str(process.environ().get("TMPDIR", ""))
    except (psutil.Error, OSError):
        return ""


def _orphans(site: Site) -> list[str]:
    """Processes of the site whose parent is gone: everything was started by this process or by another of the site."""
    processes = site.processes()
    family = {os.getpid(), *(process.pid for process in processes)}
    found = []
    for process in processes:
        try:
            if process.ppid() not in family:
                found.append(f"process without its parent: {process.pid} {process.name()}")
        except psutil.NoSuchProcess:
            continue
    return found


def _is_overdue(site: Site, column: str) -> str:
    """SQL: a lease that ended longer ago than it lasted, by the database's clock."""
    if isinstance(site, SharedSite):
        return f"{column} < now() - interval '{LEASE_SECONDS} seconds'"
    return f"{column} < datetime('now', '-{LEASE_SECONDS} seconds')"
