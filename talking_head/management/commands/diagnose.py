"""``manage.py diagnose``: what works on this machine, what does not, and how to fix it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from talking_head.diagnostics.diagnosis import Depth, diagnose
from talking_head.diagnostics.findings import Report
from talking_head.diagnostics.wording import fact_rows


class Command(BaseCommand):
    help = "Checks everything the platform needs. Exit status: 0 fine, 1 an optional part is broken, 2 unusable."
    requires_system_checks: list[str] = []  # it runs them itself and reports their messages

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

    def _say(self, probe: str) -> None:
        self.stderr.write(f"checking {probe} ...")

    def _print(self, report: Report) -> None:
        for label, text in fact_rows(report):
            self.stdout.write(f"{label:14} {text}")
        self.stdout.write("")
        for finding in report.as_json()["findings"]:
            self.stdout.write(f"{finding['level'].upper()}: {finding['message']}")
            if finding["hint"]:
                self.stdout.write(f"    {finding['hint']}")
        if recommended := report.recommendations:
            self.stdout.write(f"Recommended profile: {recommended['profile']}. {recommended['why']}")
            for action in recommended["actions"]:
                self.stdout.write(action)
        self.stdout.write(report.verdict)
