"""``manage.py document_states``: writes the diagrams and tables of all transitions into ``docs/jobs.md``."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from talking_head.jobs.state_docs import with_state_tables


class Command(BaseCommand):
    help = "Writes the diagrams and tables of all transitions into docs/jobs.md, from the tables that the code uses."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "jobs.md"
        path.write_text(with_state_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
        self.stdout.write(f"{path.relative_to(settings.BASE_DIR)} is up to date.")
