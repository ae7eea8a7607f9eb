"""``manage.py benchmark``: speed and memory use of the renderer on this machine, without web, database or queue.

With ``--jobs`` it measures the job layer: clips per second by the number of slots, with real databases and workers.
With ``--face sadtalker`` it measures that engine's networks instead, which needs torch and weights.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from benchmarks import job_throughput
from benchmarks.measure import Plan, run_all
from benchmarks.report import table
from talking_head.engines.registry import engine_class
from talking_head.errors import TalkingHeadError
from talking_head.pipeline.portrait_to_source import load_portrait

DEFAULT_PORTRAIT = settings.BASE_DIR / "edu_platform" / "demo" / "astronaut.png"


class Command(BaseCommand):
    help = "Measures the renderer: milliseconds per frame, time to the first picture, cost of a change, memory."
    requires_system_checks: list[str] = []  # they check web and database, which are not used here

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the results as JSON")
        parser.add_argument("--portrait", type=Path, default=DEFAULT_PORTRAIT, help="a picture of one face")
        parser.add_argument("--quick", action="store_true", help="short lessons and few repeats: about a minute")
        jobs = parser.add_argument_group("with --jobs")
        jobs.add_argument("--jobs", action="store_true", help="measure clips per second by the number of slots instead")
        jobs.add_argument("--slots", type=int, nargs="+", default=[1, 4], help="(default: 1 4)")
        jobs.add_argument("--renderer", choices=job_throughput.RENDERERS, default="waiting")
        jobs.add_argument("--clips", type=int, default=48, help="for each number of slots (default: 48)")
        sadtalker = parser.add_argument_group("with --face sadtalker")
        sadtalker.add_argument("--face", choices=["sadtalker"], help="measure this engine's networks instead")
        sadtalker.add_argument("--original", type=Path, help="a checkout of the original program, to compare with")
        sadtalker.add_argument("--size", type=int, choices=[256, 512], default=256, help="pixels, 256 or 512")
        sadtalker.add_argument("--threads", type=int, default=1, help="for torch (default: 1)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            load_portrait(options["portrait"])
            if options["face"]:
                return self._measure_sadtalker(options)
            if options["jobs"]:
                return self._measure_jobs(options)
            results = run_all(Plan(options["portrait"].resolve(), options["quick"]), self._say)
        except TalkingHeadError as error:
            self._stop(str(error))
        except subprocess.CalledProcessError as error:
            self._stop(f"A measurement failed.\n{error.stderr}")
        self.stdout.write(json.dumps(results, indent=1) if options["json"] else table(results))

    def _measure_jobs(self, options: dict[str, Any]) -> None:
        plan = job_throughput.Plan(
            tuple(options["slots"]), options["renderer"], options["clips"], options["portrait"].resolve()
        )
        try:
            results = job_throughput.run(plan, self._say)
        except RuntimeError as error:
            self._stop(str(error))
        self.stdout.write(json.dumps(results, indent=1) if options["json"] else job_throughput.table(results))

    def _measure_sadtalker(self, options: dict[str, Any]) -> None:
        """Measure the networks of SadTalker.

        Raises:
            TalkingHeadError: torch, the weights or the picture cannot be used.
        """
        engine_class("face", "sadtalker").check_packages()
        from benchmarks import sadtalker_speed  # needs torch

        plan = sadtalker_speed.SpeedPlan(
            checkpoints=settings.CHECKPOINTS_DIR,
            picture=options["portrait"],
            original=options["original"],
            size=options["size"],
            rounds=1 if options["quick"] else 3,
            threads=options["threads"],
        )
        self._say("a frame in every form, then the engine's own stream")
        try:
            results = sadtalker_speed.measure_speed(plan)
        except sadtalker_speed.OriginalMissingError as error:
            self._stop(str(error))
        self.stdout.write(json.dumps(results, indent=1) if options["json"] else sadtalker_speed.speed_table(results))

    def _say(self, measurement: str) -> None:
        self.stderr.write(f"measuring: {measurement} ...")

    def _stop(self, message: str) -> None:
        self.stderr.write(f"benchmark: {message}")
        raise SystemExit(2)
