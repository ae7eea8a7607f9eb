from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "edu_platform"

    def ready(self) -> None:
        from edu_platform import checks  # noqa: F401 - registers them
