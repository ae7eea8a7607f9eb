"""System checks of the site as a whole: what an attacker would find out first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from edu_platform.private_files import is_shared
from edu_platform.proxies import networks
from edu_platform.sign_in import demo_accounts


@register(Tags.security)
def check_trusted_proxies(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report entries that name no network, and TLS without a proxy that could have terminated it."""
    try:
        networks(tuple(settings.TRUSTED_PROXIES))
    except ValueError as error:
        return [
            Error(
                f"TRUSTED_PROXIES: {error}.",
                hint="Write addresses or networks, separated by commas: 10.0.0.5,172.18.0.0/16.",
                id="edu_platform.E001",
            )
        ]
    if settings.HTTPS and not settings.TRUSTED_PROXIES:
        return [
            Error(
                "HTTPS is on, but no proxy is trusted: every page would redirect to itself.",
                hint="Set TRUSTED_PROXIES to the address of the proxy that terminates TLS.",
                id="edu_platform.E002",
            )
        ]
    return []


@register(Tags.security)
def check_demo_accounts(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report demo accounts on a site that other machines can reach."""
    text = demo_accounts.warning(is_local=settings.SITE_IS_LOCAL)
    return [Warning(text, hint=demo_accounts.HINT, id="edu_platform.W001")] if text else []


@register(Tags.security)
def check_database_file(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Report a SQLite file that other users of this machine can read."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3") or not is_shared(str(database["NAME"])):
        return []
    return [
        Warning(
            "Other users of this machine may read the database.",
            hint=f"chmod 600 {database['NAME']}",
            id="edu_platform.W002",
        )
    ]
