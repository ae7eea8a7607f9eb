"""``manage.py runserver``: Daphne's, which speaks web sockets too.

It stands here instead of the app ``daphne`` in ``INSTALLED_APPS``, because that app makes every process of the site
load Twisted, also those that only render or sweep.
"""

from __future__ import annotations

from daphne.management.commands.runserver import Command

__all__ = ["Command"]
