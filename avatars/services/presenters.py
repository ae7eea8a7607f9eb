"""The drawn presenters that the site shares with every teacher: a new teacher's first lesson has a face."""

from __future__ import annotations

import logging
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User

from avatars.models import Portrait
from avatars.services import portraits
from talking_head.errors import TalkingHeadError

logger = logging.getLogger(__name__)
OWNER = "lectern-presenters"  # an account that cannot log in
PICTURES = Path(__file__).resolve().parent.parent / "presenters"
NAMES = {"robin.png": "Robin (drawing)", "sam.png": "Sam (drawing)"}
STATEMENT = "A drawing made for this software. It shows no real person, so no consent is needed."


def share_presenters() -> None:
    """Add the presenters, once: what an administrator deleted, renamed or no longer shares stays so. A site that cannot
    store them now gets them later; the caller's page works without them."""
    if not settings.STOCK_PRESENTERS or Portrait.objects.filter(owner__username=OWNER).exists():
        return
    try:
        owner, is_new = User.objects.get_or_create(
            username=OWNER, defaults={"first_name": "Lectern", "is_active": False}
        )
        if is_new:
            owner.set_unusable_password()
            owner.save(update_fields=["password"])
        for file_name, name in NAMES.items():
            portraits.add_portrait(
                owner,
                name,
                (PICTURES / file_name).read_bytes(),
                consent_given_by="Drawn for Lectern",
                consent_statement=STATEMENT,
                is_shared=True,
            )
    except (TalkingHeadError, OSError) as error:  # also: another request adds them at this moment
        logger.warning("The presenters could not be added: %s", error)


def first_portrait_for(teacher: User) -> Portrait | None:
    """Return the portrait for a teacher's first lesson: their own newest, else a presenter."""
    share_presenters()
    own = portraits.portraits_owned_by(teacher).order_by("-created_at", "-pk").first()
    return own or portraits.portraits_shared_with(teacher).filter(owner__username=OWNER).first()
