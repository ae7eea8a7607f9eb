"""Signals for other apps: both carry ``job`` and are sent by :class:`~talking_head.models.Job`.

``job_published`` is sent **inside** the transaction that publishes: what a receiver writes becomes visible together
with the video or not at all, and a receiver that raises prevents the publication. It must be quick, because it holds
the transaction open. ``job_ended`` is sent after the end of any job is committed, whether it succeeded or not; after a
crash it may be sent twice.
"""

from __future__ import annotations

from django.dispatch import Signal

job_published = Signal()
job_ended = Signal()
