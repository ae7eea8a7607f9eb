"""``manage.py benchmark``: how fast and how lean the renderer is on this machine. No web, database or queue."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from benchmarks.measure import Plan, run_all
from benchmarks.report import table
from talking_head.errors import TalkingHeadError
from talking_head.pipeline.portrait_to_source import load_portrait

DEFAULT_PORTRAIT = settings.BASE_DIR / "tests" / "data" / "astronaut.png"


class Command(BaseCommand):
    help = "Measures the renderer: milliseconds per frame, time to the first picture, what a change costs, memory."
    requires_system_checks: list[str] = []  # they look at web and database, which are not touched here

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the figures as JSON")
        parser.add_argument("--portrait", type=Path, default=DEFAULT_PORTRAIT, help="a picture of one face")
        parser.add_argument("--quick", action="store_true", help="short lessons and few repeats: about a minute")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            load_portrait(options["portrait"])
            figures = run_all(Plan(options["portrait"].resolve(), options["quick"]), self._say)
        except TalkingHeadError as error:
            self._stop(str(error))
        except subprocess.CalledProcessError as error:
            self._stop(f"A measurement failed.\n{error.stderr}")
        self.stdout.write(json.dumps(figures, indent=1) if options["json"] else table(figures))

    def _say(self, measurement: str) -> None:
        self.stderr.write(f"measuring: {measurement} ...")

    def _stop(self, message: str) -> None:
        self.stderr.write(f"benchmark: {message}")
        raise SystemExit(2)
