"""``manage.py bucket --create`` creates the bucket, ``manage.py bucket --move`` uploads the files of MEDIA_ROOT."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from talking_head.errors import TalkingHeadError
from talking_head.files import bucket, bucket_migration


class Command(BaseCommand):
    help = "Prepares the bucket that AWS_STORAGE_BUCKET_NAME names (docs/deploy.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_mutually_exclusive_group(required=True)
        actions.add_argument("--create", action="store_true", help="create the bucket unless it exists")
        actions.add_argument(
            "--move", action="store_true", help="upload the missing files of MEDIA_ROOT; remove nothing"
        )

    def handle(self, *args: Any, create: bool, move: bool, **options: Any) -> None:
        if not bucket.is_enabled():
            raise CommandError("No bucket is configured: set AWS_STORAGE_BUCKET_NAME.")
        name = settings.AWS_STORAGE_BUCKET_NAME
        try:
            if create:
                self.stdout.write(f"{name}: {'created' if bucket.create() else 'exists already'}")
            if move:
                count = bucket_migration.upload_media(lambda done, total: self.stdout.write(f"{done} of {total}"))
                self.stdout.write(f"{name}: {count} files uploaded and checked")
        except TalkingHeadError as error:
            raise CommandError(str(error)) from error
