"""What the sweeper does for the apps above, which it does not know: deletions that are due, withdrawals to complete."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from talking_head.errors import TalkingHeadError
from talking_head.jobs import deletion, withdrawal
from talking_head.models import PortraitUpload

logger = logging.getLogger(__name__)

Chore = Callable[[], object]
_chores: list[Chore] = []


def register_housekeeping(chore: Chore) -> None:
    """Add what the sweeper does every few seconds; it must be quick when there is nothing to do. Registering the same
    function again changes nothing."""
    if chore not in _chores:
        _chores.append(chore)


def keep_house() -> None:
    """Do all chores; one that fails does not keep the others from being done, and is done again in the next round."""
    for chore in (*_chores, deletion.delete_due_jobs, collect_expired_uploads):
        try:
            chore()
        except (TalkingHeadError, OSError):
            logger.warning("%s failed; it is done again.", getattr(chore, "__name__", chore), exc_info=True)


def note_upload(owner_id: int, digest: str) -> None:
    """Note who uploaded a picture without recorded consent, and until when it may stay; a new upload prolongs it."""
    expires_at = timezone.now() + timedelta(days=settings.TALKING_HEAD_SERVICE_PORTRAIT_DAYS)
    PortraitUpload.objects.update_or_create(owner_id=owner_id, digest=digest, defaults={"expires_at": expires_at})


def collect_expired_uploads() -> int:
    """Delete the pictures whose time is over, with the clips of them; return how many. The videos stay."""
    ended = list(PortraitUpload.objects.filter(expires_at__lte=timezone.now())[:100])
    for upload in ended:
        with transaction.atomic():
            upload.delete()
            withdrawal.forget_portrait(upload.digest, upload.owner_id)
    return len(ended)
