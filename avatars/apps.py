from __future__ import annotations

from django.apps import AppConfig


class AvatarsConfig(AppConfig):
    name = "avatars"

    def ready(self) -> None:
        from avatars.permissions import may_view_portrait
        from avatars.services import consent
        from avatars.services.voices import cloned_voices_of
        from edu_platform.people import is_teacher
        from talking_head import services

        services.register_portrait_rule(may_view_portrait)
        services.register_submitter_rule(is_teacher)
        services.register_voices_rule(cloned_voices_of)
        services.register_withdrawal_rule(consent.is_withdrawn)
        services.register_consent_rule(consent.is_consented)
        services.register_housekeeping(consent.complete_withdrawals)
