"""Who takes and cancels orders for a site: a process that stays, because to start one for every job would take longer
than the faults that are to strike it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from tests.talking_head.jobs.site import ROOT, Site

_clerks: WeakKeyDictionary[Site, subprocess.Popen[str]] = WeakKeyDictionary()


def accept_jobs(site: Site, key: str, *jobs: list[str]) -> list[UUID]:
    """Asks for these jobs, a list of sentences each, and returns when they are committed and rung for; ``key`` must be
    new to the site."""
    return [UUID(job) for job in _ask(site, "accept", [key, jobs])]


def cancel_job(site: Site, job: UUID) -> bool:
    """False when it had ended before."""
    return bool(_ask(site, "cancel", str(job)))


def _ask(site: Site, what: str, values: Any) -> Any:
    clerk = _clerks.get(site)
    if clerk is None:
        clerk = _clerks[site] = _start(site)
    assert clerk.stdin is not None
    assert clerk.stdout is not None
    clerk.stdin.write(json.dumps([what, values]) + "\n")
    clerk.stdin.flush()
    answer = clerk.stdout.readline()
    assert answer, site.log()
    return json.loads(answer)


def _start(site: Site) -> subprocess.Popen[str]:
    with (site.folder / "log.txt").open("ab") as log:
        clerk = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.clerk"],
            cwd=ROOT, env=site.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    site.started.append(clerk)  # type: ignore[arg-type]
    return clerk


def main() -> None:
    """Reads ``[what, values]`` a line and answers each with a line."""
    import django

    django.setup()
    from django.db import close_old_connections

    for line in sys.stdin:
        close_old_connections()
        what, values = json.loads(line)
        print(json.dumps(_accept_all(*values) if what == "accept" else _cancel(values)), flush=True)


def _accept_all(key: str, jobs: list[list[str]]) -> list[str]:
    return [_accept(f"{key} {number}", texts) for number, texts in enumerate(jobs)]


def _cancel(job: str) -> bool:
    from talking_head.jobs import state_machine

    return state_machine.cancel(UUID(job))


def _accept(key: str, texts: list[str]) -> str:
    """As ``services.submit_job`` does it, for the fake engines."""
    from django.db import transaction

    from talking_head.jobs import wakeups
    from talking_head.models import Clip, Job

    values: dict[str, Any] = {"speech": "fake", "face": "fake", "profile": "fast", "timeout_seconds": 120.0}
    with transaction.atomic():
        job = Job.objects.create(script=" ".join(texts), idempotency_key=key, **values)
        Clip.objects.bulk_create(
            Clip(job=job, index=index, text=text, spoken=text, start=0, end=1) for index, text in enumerate(texts)
        )
        wakeups.wake_worker_on_commit(job.pk)
    return str(job.pk)


if __name__ == "__main__":
    main()
