"""``manage.py bucket --create`` makes the bucket, ``manage.py bucket --move`` brings in what lies in MEDIA_ROOT."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from talking_head.errors import TalkingHeadError
from talking_head.files import bucket, bucket_migration


class Command(BaseCommand):
    help = "Prepares the bucket that AWS_STORAGE_BUCKET_NAME names (docs/deploy.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--create", action="store_true", help="make it, unless it is there")
        what.add_argument("--move", action="store_true", help="upload what it lacks of MEDIA_ROOT; removes nothing")

    def handle(self, *args: Any, create: bool, move: bool, **options: Any) -> None:
        if not bucket.is_enabled():
            raise CommandError("There is no bucket: set AWS_STORAGE_BUCKET_NAME.")
        name = settings.AWS_STORAGE_BUCKET_NAME
        try:
            if create:
                self.stdout.write(f"{name}: {'made' if bucket.create() else 'is there already'}")
            if move:
                count = bucket_migration.upload_media(lambda done, of_all: self.stdout.write(f"{done} of {of_all}"))
                self.stdout.write(f"{name}: {count} files uploaded and checked")
        except TalkingHeadError as error:
            raise CommandError(str(error)) from error
