"""``manage.py backup DIR``: a copy of everything that cannot be rebuilt, while the site runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from talking_head.backup.site import back_up
from talking_head.errors import TalkingHeadError
from talking_head.management.terminal_line import TerminalLine, write_and_flush

REDRAW_SECONDS = 0.2
MAX_DAMAGED_SHOWN = 10


class Command(BaseCommand):
    help = "Writes a backup of the site into a new folder: database, uploads, videos, secret key, accepted licences."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        progress = file_progress()
        try:
            record = back_up(folder.absolute(), lambda done, total: progress.draw(f"{done} of {total} files"))
        except TalkingHeadError as error:
            raise CommandError(str(error)) from error
        finally:
            progress.end()
        self.stdout.write(f"{folder}: {len(record.digests)} files, each compared with its digest")
        if record.damaged:
            shown = "\n".join(f"  {name}" for name in record.damaged[:MAX_DAMAGED_SHOWN])
            raise CommandError(
                f"{len(record.damaged)} uploads were damaged before this backup was made:\n{shown}\n"
                "The backup is complete. An older one may still have these files."
            )


def file_progress() -> TerminalLine:
    """Return a line that shows how many files are done; it shows nothing where no person watches."""
    write = write_and_flush(sys.stderr) if sys.stderr.isatty() else str
    return TerminalLine(write, REDRAW_SECONDS)
