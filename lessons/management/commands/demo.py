"""``manage.py demo``: set everything up, render one lesson, serve the site. ``make demo`` calls it."""

from __future__ import annotations

import logging
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from edu_platform.proxies import is_loopback
from edu_platform.sign_in.demo_accounts import DEMO_ACCOUNTS
from lessons import services as lessons
from lessons.management.commands.load_demo import DEMO_LESSON_TITLE
from lessons.models import Lesson
from talking_head import services as rendering
from talking_head.services import Job

BAR_WIDTH = 32


class Command(BaseCommand):
    help = "Sets everything up, renders the lesson of the demo course and serves the site."
    drawn = 0  # sentences that the log names already

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="stop after the render")
        parser.add_argument("--bind", default="127.0.0.1:8000", help="address and port to serve on")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        call_command("load_demo", verbosity=0)
        lesson = Lesson.objects.select_related("course__teacher").get(title=DEMO_LESSON_TITLE)
        video = self.video_of(lesson)
        self.stdout.write(f"Video:  {video}")
        if options["no_serve"]:
            return
        self.print_addresses(options["bind"])
        call_command("serve", bind=options["bind"])

    def video_of(self, lesson: Lesson) -> str:
        """Return the path of the lesson's MP4; render it unless it exists."""
        if lesson.current_job is None:
            job = lessons.generate_video(lesson, by=lesson.course.teacher)
            job = self.render(job)
        else:
            job = Job.objects.get(pk=lesson.current_job)
        return str(rendering.video_path(job))

    def render(self, job: Job) -> Job:
        """Run the job in this process while the main thread draws the bar."""
        logging.getLogger("talking_head").setLevel(logging.WARNING)  # the bar shows the same on one line
        outcome: list[Job | Exception] = []

        def work() -> None:
            try:
                outcome.append(rendering.run_job(job))
            except Exception as error:  # noqa: BLE001 - raised again in the main thread
                outcome.append(error)

        worker = threading.Thread(target=work, name="demo-render")
        worker.start()
        while worker.is_alive():
            worker.join(timeout=0.25)
            self.draw(rendering.job_snapshot(job))
        if sys.stderr.isatty():
            sys.stderr.write("\n")
        if isinstance(outcome[0], Exception):
            raise CommandError(str(outcome[0])) from outcome[0]
        finished = outcome[0]
        if not finished.is_watchable:
            raise CommandError(f"The demo lesson could not be rendered: {finished.error_message} {finished.error_hint}")
        return finished

    def draw(self, snapshot: dict[str, Any]) -> None:
        """Draw the progress bar; in a log, write one line for each finished sentence."""
        done, total = snapshot["clips_done"], snapshot["clips_total"]
        if not sys.stderr.isatty():
            if done != self.drawn:
                sys.stderr.write(f"sentence {done} of {total}\n")
                self.drawn = done
            return
        filled = BAR_WIDTH * done // max(1, total)
        bar = "█" * filled + "·" * (BAR_WIDTH - filled)
        sys.stderr.write(f"\rRendering the demo lesson  {bar}  sentence {done} of {total}  {snapshot['state']:<10}")
        sys.stderr.flush()

    def print_addresses(self, bind: str) -> None:
        """Print where the site is and the demo accounts."""
        self.stdout.write(f"\nLectern is at  http://{bind}/\n")
        if not (settings.SITE_IS_LOCAL and is_loopback(bind.rpartition(":")[0])):
            self.stdout.write("Other machines can reach it, so the demo accounts are switched off: make your own with")
            self.stdout.write("  python manage.py createsuperuser\n\nCtrl-C stops it.")
            return
        for role, username, password in DEMO_ACCOUNTS:
            self.stdout.write(f"  {role:<8} {username:<10} password {password}")
        self.stdout.write(f"  admin pages  http://{bind}/admin/\n\nPress Ctrl-C to stop.")
