from __future__ import annotations

from django.apps import AppConfig


class LessonsConfig(AppConfig):
    name = "lessons"

    def ready(self) -> None:
        from lessons import receivers
        from talking_head.services import register_job_viewer_rule, register_narration_use
        from talking_head.signals import job_published

        job_published.connect(receivers.on_job_published, dispatch_uid="lessons.show_published_job")
        register_job_viewer_rule(receivers.may_view_lesson_job)
        register_narration_use(receivers.narrations_of_lessons)
