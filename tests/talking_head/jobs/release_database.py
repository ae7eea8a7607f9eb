"""Writes the database of this release as SQL, for the next release to start from.

Run at a release: ``python -m tests.talking_head.jobs.release_database tests/data/release_database.sql``. It holds a
finished job, one that was interrupted in mid-clip, one that waits with its message still in the queue, and reports as
this release stores them.
"""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.talking_head.jobs.site import ROOT, Site, wait_for

ROWS_OF_OTHER_APPS = """
from django.contrib.auth.models import Group, User
from avatars.models import Portrait, VoiceSample
from lessons.models import Course, Enrolment, Lesson
from talking_head.models import Job, Narration
teacher = User.objects.create_user("teacher")
student = User.objects.create_user("student")
teacher.groups.add(Group.objects.get_or_create(name="Teachers")[0])
report = {"problems": [{"code": "small", "severity": "warn", "message": "Small.", "advice": "Take a larger one."}]}
consent = {"consent_statement": "I agree.", "consent_given_by": "Ada"}
portrait = Portrait.objects.create(
    owner=teacher, name="Ada", digest="a" * 64, width_px=512, height_px=512, report=report, **consent
)
VoiceSample.objects.create(
    owner=teacher, name="Ada", digest="b" * 64, language="en", duration_seconds=12.0, report=report, **consent
)
Narration.objects.create(owner=teacher, digest="c" * 64, duration_seconds=9.0, report=report)
course = Course.objects.create(teacher=teacher, title="Botany", slug="botany")
job = Job.objects.get(state="completed")
Job.objects.filter(state="running").update(deadline_at="2100-01-01T00:00Z")  # read long after it was written
lesson = Lesson.objects.create(
    course=course, title="Leaves", script=job.script, portrait=portrait, current_job=job.pk, is_published=True
)
Enrolment.objects.create(course=course, student=student)
"""
WAKE = "from django_q.tasks import async_task\nasync_task('talking_head.tasks.work')"


def make(folder: Path) -> Path:
    """Fill a site's database below ``folder`` and return its file."""
    site = Site(folder)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=site.environment, check=True)
    site.make_jobs(["One.", "Two."])
    site.python(WAKE)
    worker = site.start("work")
    wait_for(lambda: site.states() == ["completed"], "the first job")
    site.make_jobs(["Three.", "hang once"])
    site.python(WAKE)
    site.wait_for_render("hang once")
    os.killpg(worker.pid, signal.SIGKILL)
    site.end()
    site.python(ROWS_OF_OTHER_APPS)
    site.make_jobs(["Four."])
    site.python(WAKE)
    return site.database


def main() -> None:
    """Write the dump to the file that the command line names."""
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(make(Path(folder)))
        dump = "\n".join(database.iterdump()).replace(f"{socket.gethostname()}:", "worker:")
        Path(sys.argv[1]).write_text(dump + "\n", encoding="utf-8")
        database.close()


if __name__ == "__main__":
    main()
