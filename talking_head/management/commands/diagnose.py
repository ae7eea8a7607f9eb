"""``manage.py diagnose``: what works here, what does not, and what to do about it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from talking_head.diagnostics.diagnosis import Depth, diagnose
from talking_head.diagnostics.findings import Report
from talking_head.diagnostics.wording import fact_rows


class Command(BaseCommand):
    help = "Looks at everything the platform needs. Exit status: 0 fine, 1 something optional is broken, 2 unusable."
    requires_system_checks: list[str] = []  # it runs them itself and says what they found

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print everything as one JSON object")
        parser.add_argument("--deep", action="store_true", help="read every byte of the checkpoints")
        parser.add_argument("--no-render", action="store_true", help="do not measure the engines, only load them")

    def handle(self, *args: Any, **options: Any) -> None:
        report = diagnose(Depth(measure=not options["no_render"], deep=options["deep"]), self._say)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=1, ensure_ascii=False))
        else:
            self._print(report)
        if report.exit_status:
            raise SystemExit(report.exit_status)

    def _say(self, what: str) -> None:
        self.stderr.write(f"looking at {what} ...")

    def _print(self, report: Report) -> None:
        for label, words in fact_rows(report):
            self.stdout.write(f"{label:14} {words}")
        self.stdout.write("")
        for finding in report.as_json()["findings"]:
            self.stdout.write(f"{finding['level'].upper()}: {finding['message']}")
            if finding["hint"]:
                self.stdout.write(f"    {finding['hint']}")
        if wanted := report.recommendations:
            self.stdout.write(f"Recommended profile: {wanted['profile']}. {wanted['why']}")
            for action in wanted["actions"]:
                self.stdout.write(action)
        self.stdout.write(report.verdict)
