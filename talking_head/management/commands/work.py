"""``manage.py work``: the workers of this machine, each in a process of its own. With ``--until-idle``
this process itself renders until nothing is left and ends."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from talking_head.checks import RENDERING
from talking_head.worker.pool import WorkerPool
from talking_head.worker.renderer_handle import close_warm_renderer, warm_renderer
from talking_head.worker.worker import Worker


class Command(BaseCommand):
    help = "Starts the workers that render videos."
    requires_system_checks = [RENDERING]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until-idle", action="store_true", help="render in this process until nothing is left")

    def handle(self, *args: Any, until_idle: bool = False, **options: Any) -> None:
        if until_idle:
            try:
                Worker(warm_renderer()).work()
            finally:
                close_warm_renderer()
            return
        WorkerPool().run()
