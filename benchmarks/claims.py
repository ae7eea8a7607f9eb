"""Measures how many clips per second can be claimed, and whether any is claimed twice.

    python -m benchmarks.claims --temporary-servers --claimers 8

starts a PostgreSQL (durable) and a Redis of its own and lets 8 processes claim clips until none is left. Without
``--temporary-servers`` the configured database is used, which must hold no jobs. Prints one line of JSON.

On a machine that is otherwise busy, root may add ``--undisturbed``: claimers and servers then get the processors before
all other processes, for the few seconds that it takes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from tests.scale_out.servers import Server

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Load:
    """The clips to claim: ``jobs`` with ``clips`` each, of ``teachers`` in rotation; 1 job means that every claimer
    wants the same row."""

    claimers: int
    jobs: int
    clips: int
    teachers: int


def race(load: Load) -> dict[str, Any]:
    """Start all claimers at once and return the counts. It needs a configured Django and an empty table of jobs."""
    from django.db import connections

    _make_jobs(load)
    connection = connections["default"]
    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE")  # autovacuum does it within a minute where jobs accumulate
    connections.close_all()  # forks must not share one
    context = multiprocessing.get_context("fork")
    start = context.Barrier(load.claimers + 1)
    pipes, claimers = [], []
    for number in range(load.claimers):
        receiver, sender = context.Pipe(duplex=False)
        claimers.append(context.Process(target=_claim_all, args=(number, start, sender)))
        claimers[-1].start()
        sender.close()
        pipes.append(receiver)
    start.wait()
    started, database_cpu = time.monotonic(), _database_cpu_seconds()
    claims = [(clip, fence) for pipe in pipes for clip, fence in pipe.recv()]
    seconds = time.monotonic() - started
    for claimer in claimers:
        claimer.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    database_cpu = _database_cpu_seconds() - database_cpu
    clips_claimed = Counter(clip for clip, _fence in claims)
    return {
        **asdict(load),
        "database": connection.vendor,
        "seconds": round(seconds, 2),
        "claims": len(claims),
        "claims_per_second": round(len(claims) / seconds, 1),
        # Unlike the seconds, it hardly depends on other work of the machine.
        "cpu_ms_per_claim": round(1_000 * (used.ru_utime + used.ru_stime) / max(1, len(claims)), 2),
        "database_cpu_ms_per_claim": round(1_000 * database_cpu / max(1, len(claims)), 2),
        "doubled": sum(count - 1 for count in clips_claimed.values()),
        "left": load.jobs * load.clips - len(clips_claimed),
    }


def _database_cpu_seconds() -> float:
    """Return the CPU seconds of a PostgreSQL on this machine, ended backends included; 0 when it is elsewhere."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend_id,) = cursor.fetchone()
    connection.close()
    try:
        server = psutil.Process(backend_id).parent()
    except psutil.NoSuchProcess:
        server = None
    if server is None or not server.name().startswith("postgres"):
        return 0.0
    return cpu_seconds_of(server)


def cpu_seconds_of(server: psutil.Process) -> float:
    """Return the CPU seconds of a PostgreSQL with all its backends, including those that have ended."""
    own = server.cpu_times()
    ended = own.children_user + own.children_system
    return float(own.user + own.system + ended + sum(map(_own_cpu_seconds, server.children())))


def _own_cpu_seconds(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:2]))
    except psutil.NoSuchProcess:  # it has ended since it was listed, and its parent counts it
        return 0.0


def _make_jobs(load: Load) -> None:
    from django.contrib.auth.models import User

    from talking_head.jobs import queue
    from talking_head.models import Clip, Job

    if Job.objects.exists():
        raise SystemExit("This database holds jobs: the benchmark would claim their clips. Use an empty one.")
    names = [f"teacher {number}" for number in range(load.teachers)]
    teachers = User.objects.bulk_create([User(username=name) for name in names])
    values = {"script": "Words.", "speech": "none", "face": "none", "timeout_seconds": 3_600.0}
    jobs = Job.objects.bulk_create(
        [Job(owner=teachers[number % load.teachers], **values) for number in range(load.jobs)]
    )
    clip = {"text": "Words.", "spoken": "Words.", "start": 0, "end": 6}
    for job in jobs:
        Clip.objects.bulk_create(
            queue.enqueue(job, [Clip(job=job, index=index, **clip) for index in range(load.clips)])
        )


def _claim_all(number: int, start: Any, sender: Connection) -> None:
    from django.db import connection

    from talking_head.jobs import claims

    connection.ensure_connection()
    start.wait()
    claimed = []
    # A claimer that finds nothing may only have been slower than the others at every job it looked at.
    while (claim := claims.claim_clip(f"claimer:{number}")) or claims.has_claimable_clips():
        if claim:
            claimed.append((claim.clip_id, claim.fence))
    sender.send(claimed)
    connection.close()


def _with_temporary_servers(arguments: list[str], *, undisturbed: bool) -> int:
    from tests.scale_out.servers import Postgres, Redis

    postgres, redis = Postgres(durable=True), Redis()
    try:
        postgres.start()
        redis.start()
        addresses = {"DATABASE_URL": postgres.url("postgres"), "REDIS_URL": redis.url}
        environment = {**os.environ, **addresses, "LOG_LEVEL": "ERROR"}
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        if undisturbed:
            _raise_priority(postgres, redis)
        command = [sys.executable, "-m", "benchmarks.claims", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    finally:
        postgres.end()
        redis.end()


def _raise_priority(*servers: Server) -> None:
    """Raise the priority of this process and the servers, and of all processes that they will start."""
    for pid in (0, *(server.process.pid for server in servers if server.process)):
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claimers", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--clips", type=int, default=4, help="of each job")
    parser.add_argument("--teachers", type=int, default=20)
    parser.add_argument("--temporary-servers", action="store_true")
    parser.add_argument("--undisturbed", action="store_true", help="with --temporary-servers, as root")
    options = parser.parse_args()
    if options.temporary_servers:
        arguments = [word for word in sys.argv[1:] if word not in ("--temporary-servers", "--undisturbed")]
        return _with_temporary_servers(arguments, undisturbed=options.undisturbed)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edu_platform.settings")
    import django

    django.setup()
    result = race(Load(options.claimers, options.jobs, options.clips, options.teachers))
    print(json.dumps(result))
    return 1 if result["doubled"] or result["left"] else 0


if __name__ == "__main__":
    sys.exit(main())
