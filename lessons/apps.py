from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed_apps
from django.db.models.signals import post_migrate


class LessonsConfig(AppConfig):
    name = "lessons"

    def ready(self) -> None:
        from lessons import deletion, receivers
        from talking_head.services import (
            register_housekeeping,
            register_job_viewer_rule,
            register_narration_use,
            register_result_use,
        )
        from talking_head.signals import job_published

        job_published.connect(receivers.on_job_published, dispatch_uid="lessons.show_published_job")
        register_job_viewer_rule(receivers.may_view_lesson_job)
        register_narration_use(receivers.narrations_of_lessons)
        register_result_use(receivers.current_videos)
        register_result_use(receivers.latest_videos)
        register_housekeeping(deletion.delete_due_lessons)
        post_migrate.connect(_make_teachers_group, sender=self, dispatch_uid="lessons.make_teachers_group")


def _make_teachers_group(using: str, apps: Any = installed_apps, **_: Any) -> None:
    """Create the group that administrators put teachers into, so that it is in their list from the start."""
    from edu_platform.people import TEACHERS_GROUP

    try:
        group = apps.get_model("auth", "Group")
    except LookupError:
        return  # migrated to a state before there were groups
    group.objects.using(using).get_or_create(name=TEACHERS_GROUP)
