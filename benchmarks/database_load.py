"""Measures what a clip costs the database, from its claim to its share of the published video.

    python -m benchmarks.database_load --slots 4

starts a PostgreSQL (durable), a Redis and real workers with a renderer that only waits, and has them render clips of
different lengths: PostgreSQL's processor time has a part for each clip and a part for each second in which a worker
asks whether its clip is still wanted. Prints one line of JSON for each length, and the line fitted through them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import django
import psutil

from benchmarks.claims import cpu_seconds_of
from benchmarks.job_throughput import CLIPS_PER_JOB, SUBMIT_WAITING, TEACHERS, UNLIMITED
from benchmarks.machine import describe_machine

LENGTHS_SECONDS = (0.2, 1.0, 4.0)
POLL_SECONDS = 1.0  # every look at the rows opens a connection, which costs more than a clip's claim


def measure(folder: Path, slots: int, clips: int) -> list[dict[str, Any]]:
    """Return PostgreSQL's CPU milliseconds per clip for every length, without the cost of submitting."""
    from tests.scale_out.servers import Postgres, Redis
    from tests.scale_out.site import SharedSite

    postgres, redis = Postgres(durable=True), Redis()
    try:
        postgres.start()
        redis.start()
        assert postgres.process is not None
        server = psutil.Process(postgres.process.pid)
        site = SharedSite(folder / "site", postgres, redis, "postgres")
        settings = {"DJANGO_SETTINGS_MODULE": "benchmarks.queue_run_settings", "TALKING_HEAD_SLOTS": str(slots)}
        site.environment |= {**UNLIMITED, **settings}
        site.python("from django.core.management import call_command; call_command('migrate', verbosity=0)")
        try:
            site.start_on("machine", "work")
            _render(site, server, CLIPS_PER_JOB * slots, LENGTHS_SECONDS[0], slots)  # warms every slot up
            return [_render(site, server, clips, seconds, slots) for seconds in LENGTHS_SECONDS]
        finally:
            site.end()
    finally:
        redis.end()
        postgres.end()


def _render(site: Any, server: psutil.Process, clips: int, clip_seconds: float, slots: int) -> dict[str, Any]:
    texts = [f"clip {time.time()} {number} {clip_seconds}" for number in range(clips)]  # the last word is its length
    jobs = [texts[start : start + CLIPS_PER_JOB] for start in range(0, clips, CLIPS_PER_JOB)]
    site.python(SUBMIT_WAITING, json.dumps(jobs), str(TEACHERS))
    before = cpu_seconds_of(server)
    time.sleep(clips * clip_seconds / slots)
    while set(site.states()) != {"completed"}:
        time.sleep(POLL_SECONDS)
    milliseconds = 1_000 * (cpu_seconds_of(server) - before) / clips
    return {"clip_seconds": clip_seconds, "clips": clips, "database_cpu_ms_per_clip": round(milliseconds, 2)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--clips", type=int, default=80, help="of each length")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edu_platform.settings")
    django.setup()
    print(json.dumps(describe_machine()))
    with tempfile.TemporaryDirectory(prefix="lectern-load-") as folder:
        rows = measure(Path(folder), options.slots, options.clips)
    for row in rows:
        print(json.dumps(row))
    lengths, costs = ([float(row[name]) for row in rows] for name in ("clip_seconds", "database_cpu_ms_per_clip"))
    slope, intercept = statistics.linear_regression(lengths, costs)
    print(f"{intercept:.1f} ms a clip, {slope:.1f} ms a second of rendering")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
