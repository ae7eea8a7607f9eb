from __future__ import annotations

from django.apps import AppConfig


class AvatarsConfig(AppConfig):
    name = "avatars"

    def ready(self) -> None:
        from avatars.permissions import may_view_portrait
        from avatars.services.voices import cloned_voices_of
        from edu_platform.people import is_teacher
        from talking_head.services import register_portrait_rule, register_submitter_rule, register_voices_rule

        register_portrait_rule(may_view_portrait)
        register_submitter_rule(is_teacher)
        register_voices_rule(cloned_voices_of)
