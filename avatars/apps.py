from __future__ import annotations

from django.apps import AppConfig


class AvatarsConfig(AppConfig):
    name = "avatars"

    def ready(self) -> None:
        from avatars.rules import may_keep_portraits, may_view_portrait
        from avatars.voices import cloned_voices_of
        from talking_head.permissions import register_portrait_rule, register_submitter_rule, register_voices_rule

        register_portrait_rule(may_view_portrait)
        register_submitter_rule(may_keep_portraits)
        register_voices_rule(cloned_voices_of)
