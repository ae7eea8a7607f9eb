"""``manage.py restore DIR``: puts a backup in the place of an empty site, or of one that is to be replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from talking_head.backup.site import restore
from talking_head.errors import TalkingHeadError
from talking_head.management.commands.backup import file_progress


class Command(BaseCommand):
    help = "Restores a site from a folder that `manage.py backup` wrote. Stop the site's processes first."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that `manage.py backup` wrote")
        parser.add_argument("--replace", action="store_true", help="overwrite the site that is in the database now")

    def handle(self, *args: Any, folder: Path, replace: bool, **options: Any) -> None:
        progress = file_progress()
        try:
            record, left = restore(
                folder.absolute(), replace=replace, report=lambda done, total: progress.draw(f"{done} of {total} files")
            )
        except TalkingHeadError as error:
            raise CommandError(str(error)) from error
        finally:
            progress.end()
        self.stdout.write(f"The site is as it was at {record.made_at}. Start its processes.")
        for step in left:
            self.stdout.write(self.style.WARNING(step))
