"""Measures the effect of more slots: clips per second of the real job layer, behind ``manage.py benchmark --jobs``.

For each number of slots a site is made in a temporary folder: a database file, a queue, ``manage.py work`` with so many
workers and renderer processes. They are warmed up with other clips, then jobs of four sentences from several teachers
are stored at once, and the clock runs from the first clip's claim to the last clip's end.

``waiting`` renders nothing and waits a second a clip: the loss against the ideal ratio is the job layer's overhead.
``puppet`` really renders, voice and face, and cannot scale beyond the machine's cores.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lesson_text import sentences
from benchmarks.machine import describe_machine
from tests.talking_head.jobs.site import Site

RENDERERS = ("waiting", "puppet")
CLIPS_PER_JOB = 4
TEACHERS = 5
TIMEOUT_SECONDS = 900.0
POLL_SECONDS = 0.2
UNLIMITED = {
    "TALKING_HEAD_JOBS_IN_FLIGHT": "0",
    "TALKING_HEAD_MINUTES_A_DAY": "0",
    "TALKING_HEAD_MAX_WAIT_SECONDS": "0",
    "LOG_LEVEL": "ERROR",
}
SUBMIT_WAITING = """
import json, sys
from django.contrib.auth.models import User
from talking_head.jobs import queue, wakeups
from talking_head.models import Clip, Job
for number, texts in enumerate(json.loads(sys.argv[1])):
    teacher, _ = User.objects.get_or_create(username=f"teacher {number % int(sys.argv[2])}")
    job = Job.objects.create(owner=teacher, script="x", speech="fake", face="fake", profile="fast", timeout_seconds=900)
    rows = [Clip(job=job, index=index, text=text, start=0, end=1) for index, text in enumerate(texts)]
    Clip.objects.bulk_create(queue.enqueue(job, rows))
    wakeups.wake_worker(job.pk)
    print(job.pk)
"""
SUBMIT_PUPPET = """
import json, sys
from pathlib import Path
from django.contrib.auth.models import User
from talking_head import services
digest = services.store_portrait(Path(sys.argv[3]).read_bytes()).digest
for number, texts in enumerate(json.loads(sys.argv[1])):
    teacher, _ = User.objects.get_or_create(username=f"teacher {number % int(sys.argv[2])}")
    job = services.submit_job(owner=teacher, script=" ".join(texts), portrait_digest=digest, profile="fast",
                              face="puppet", speech="hibari")
    print(job.pk)
"""
READ = """
import json, sys
from talking_head.models import Attempt
attempts = Attempt.objects.filter(clip__job__in=json.loads(sys.argv[1]))
print(json.dumps([[row.worker, row.outcome, row.started_at.timestamp(), row.finished_at.timestamp()]
                  for row in attempts]))
"""


@dataclass(frozen=True, slots=True)
class Plan:
    slots: tuple[int, ...]
    renderer: str  # one of RENDERERS
    clips: int
    portrait: Path
    clip_seconds: float = 1.0  # of the renderer that waits


def run(plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Return the clips per second for every number of slots, and the ratio of each to the first."""
    machine, rows = describe_machine(), []
    for slots in plan.slots:
        say(f"{plan.clips} clips on {slots} slots")
        rows.append({"slots": slots, **_measure(plan, slots)})
    for row in rows:
        row["ratio"] = round(row["clips_per_second"] / rows[0]["clips_per_second"], 2)
    machine["load_1_minute_after"] = describe_machine()["load_1_minute"]
    return {"machine": machine, "renderer": plan.renderer, "clips": plan.clips, "rows": rows}


def table(figures: dict[str, Any]) -> str:
    machine = figures["machine"]
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores; load average {machine['load_1_minute']} before, "
        f"{machine['load_1_minute_after']} after",
        f"{figures['clips']} clips, renderer: {figures['renderer']}",
        f"{'slots':>6}{'workers':>9}{'clips/s':>10}{'ratio':>8}{'seconds':>10}{'doubled':>9}",
    ]
    lines += [
        f"{row['slots']:6}{row['workers']:9}{row['clips_per_second']:10.2f}{row['ratio']:8.2f}{row['seconds']:10.1f}"
        f"{row['doubled']:9}"
        for row in figures["rows"]
    ]
    return "\n".join(lines)


def _measure(plan: Plan, slots: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="lectern-jobs-") as folder:
        site = Site(Path(folder) / "site")
        settings = "benchmarks.queue_run_settings" if plan.renderer == "waiting" else "edu_platform.settings"
        site.environment |= {**UNLIMITED, "DJANGO_SETTINGS_MODULE": settings, "TALKING_HEAD_SLOTS": str(slots)}
        try:
            site.python("from django.core.management import call_command; call_command('migrate', verbosity=0)")
            site.start("work")
            texts = _texts(plan, plan.clips + 4 * slots)
            _render_all(site, plan, texts[plan.clips :])  # warms every slot up
            attempts = _render_all(site, plan, texts[: plan.clips])
        finally:
            site.end()
    done = [attempt for attempt in attempts if attempt[1] == "done"]
    seconds = max(attempt[3] for attempt in done) - min(attempt[2] for attempt in done)
    return {
        "workers": len({attempt[0] for attempt in done}),
        "seconds": round(seconds, 2),
        "clips_per_second": round(plan.clips / seconds, 3),
        "doubled": len(done) - plan.clips,
    }


def _texts(plan: Plan, count: int) -> list[str]:
    if plan.renderer == "puppet":
        return sentences(count)
    return [f"clip {number} {plan.clip_seconds}" for number in range(count)]  # the last word is the render time


def _render_all(site: Site, plan: Plan, texts: Sequence[str]) -> list[list[Any]]:
    """Submit the texts in jobs of a few sentences each, wait for the end, and return every attempt that it took."""
    jobs = [texts[start : start + CLIPS_PER_JOB] for start in range(0, len(texts), CLIPS_PER_JOB)]
    submit = SUBMIT_PUPPET if plan.renderer == "puppet" else SUBMIT_WAITING
    ids = site.python(submit, json.dumps(jobs), str(TEACHERS), str(plan.portrait)).split()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while set(site.states()) != {"completed"}:
        if time.monotonic() > deadline or {"failed", "fallback", "cancelled"} & set(site.states()):
            raise RuntimeError(f"Not every job was completed.\n{site.log()}")
        time.sleep(POLL_SECONDS)
    attempts: list[list[Any]] = json.loads(site.python(READ, json.dumps(ids)))
    return attempts
