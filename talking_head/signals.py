"""What other apps may hang on: both signals carry ``job`` and are sent by :class:`~talking_head.models.Job`.

``job_published`` is sent **inside** the transaction that publishes: what a receiver writes becomes visible together
with the video or not at all, and a receiver that raises prevents the publication. It must be quick, because it holds
the transaction open. ``job_ended`` follows after the end of any job is committed, whatever the end; after a crash it
may come twice.
"""

from __future__ import annotations

from django.dispatch import Signal

job_published = Signal()
job_ended = Signal()
