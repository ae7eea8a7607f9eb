"""``manage.py cache --stats | --prune | --clear``: see :mod:`talking_head.files.cache_limits`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from talking_head.errors import TalkingHeadError
from talking_head.files import cache_limits, local
from talking_head.pipeline.cache.store import ContentCache

MB = 1_000_000


class Command(BaseCommand):
    help = "Shows or frees the disk space of the cache of takes and clips. Nothing that a job needs is deleted."

    def add_arguments(self, parser: CommandParser) -> None:
        choice = parser.add_mutually_exclusive_group(required=True)
        choice.add_argument("--stats", action="store_true", help="show entries, sizes and limits")
        choice.add_argument("--prune", action="store_true", help="delete what is beyond the limits")
        choice.add_argument("--clear", action="store_true", help="delete all that no waiting or running job needs")

    def handle(self, *args: Any, stats: bool = False, clear: bool = False, **options: Any) -> None:
        try:
            if stats:
                self._write_stats()
            else:
                freed = cache_limits.prune(everything=clear)
                self.stdout.write(f"Freed {freed / MB:,.1f} MB.")
        except (TalkingHeadError, OSError) as error:
            raise CommandError(str(error)) from error

    def _write_stats(self) -> None:
        cache = ContentCache(local.cache_root())
        for kind, row in cache.stats().items():
            self.stdout.write(f"{kind}: {row.entries:,} entries, {row.bytes / MB:,.1f} MB")
        limits = cache_limits.limits_now(cache)
        size = "no limit" if limits.max_bytes is None else f"{limits.max_bytes / MB:,.1f} MB"
        days = limits.max_age_seconds
        age = "no limit" if days is None else f"{days / cache_limits.DAY_SECONDS:.0f} days"
        self.stdout.write(f"limits: {size}, unused for {age}")
        if missing := cache_limits.missing_bytes(cache):
            self.stdout.write(f"The disk is short of {missing / MB:,.1f} MB; the cache makes room.")
