"""Operations on portraits. Pages, commands and the API call these; none touches rows itself.

:mod:`avatars.permissions` decides who may do them; its names are exported here too.
"""

from __future__ import annotations

import re
import unicodedata

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from avatars.models import Portrait
from avatars.permissions import (
    may_change,
    may_view_portrait,
    portraits_owned_by,
    portraits_shared_with,
    portraits_usable_by,
)
from avatars.services import consent
from avatars.services.consent import delete_portrait, withdraw_portrait
from talking_head import services as rendering
from talking_head.errors import PortraitError
from talking_head.services import InspectedPortrait, UploadSource

__all__ = [
    "CONSENT_STATEMENT",
    "MAX_UPLOAD_BYTES",
    "add_portrait",
    "change_portrait",
    "delete_portrait",
    "inspect_portrait",
    "may_change",
    "may_view_portrait",
    "name_from_file_name",
    "portraits_owned_by",
    "portraits_shared_with",
    "portraits_usable_by",
    "thumbnail",
    "too_many_bytes",
    "undelete_portrait",
    "withdraw_portrait",
]

# Stored with every portrait as it was agreed to; changing it here does not change earlier agreements.
CONSENT_STATEMENT = (
    "The person in this picture, named here, agrees that it is used to make videos in which they appear to say words "
    "written by teachers of this school. The videos are shown to the students of their courses and are labelled as "
    "synthetic. This agreement can be withdrawn at any time by deleting the portrait."
)
MAX_NAME_LENGTH = 100
MAX_UPLOAD_BYTES = rendering.MAX_PORTRAIT_BYTES


def inspect_portrait(source: UploadSource) -> InspectedPortrait:
    """Return the report and a preview of an upload, without storing anything.

    Raises:
        PortraitError: the bytes are not a picture, or beyond the limits.
    """
    return rendering.inspect_portrait(source)


def too_many_bytes() -> PortraitError:
    """Return the error for uploads whose declared size exceeds ``MAX_UPLOAD_BYTES``."""
    return rendering.portrait_too_heavy()


def thumbnail(portrait: Portrait, *, max_side_px: int) -> bytes:
    """Return a small JPEG; raise PortraitError or ResourceError when the stored picture is gone or unreadable."""
    return rendering.portrait_thumbnail(portrait.digest, max_side_px=max_side_px)


def add_portrait(
    owner: User,
    name: str,
    source: UploadSource,
    *,
    consent_given_by: str,
    consent_statement: str = CONSENT_STATEMENT,
    is_shared: bool = False,
) -> Portrait:
    """Check and store an uploaded picture. Nothing is stored when it is refused.

    Raises:
        PortraitError: the picture cannot be used (see :func:`talking_head.services.store_portrait`),
            ``consent_missing``, or ``portrait_exists`` when the owner already has the very same picture.
        ResourceError: the media folder is full or cannot be written to.
    """
    if not consent_given_by.strip() or not consent_statement.strip():
        raise PortraitError(
            "Consent to use this picture is missing.",
            code="consent_missing",
            hint="Enter the name of the person shown, or of the person who may consent for them.",
        )
    stored = rendering.store_portrait(source)
    try:
        with transaction.atomic():
            return Portrait.objects.create(
                owner=owner,
                name=clean_name(name) or "Portrait",
                digest=stored.digest,
                width_px=stored.width_px,
                height_px=stored.height_px,
                report=stored.report.to_json(),
                consent_statement=consent_statement,
                consent_given_by=consent_given_by.strip()[:200],
                is_shared=is_shared,
            )
    except IntegrityError as error:
        raise _already_exists(owner, stored.digest) from error


def change_portrait(portrait: Portrait, *, name: str, is_shared: bool) -> Portrait:
    """Rename a portrait, and share it with the other teachers or not."""
    portrait.name = clean_name(name) or portrait.name
    portrait.is_shared = is_shared
    portrait.save(update_fields=["name", "is_shared"])
    return portrait


def undelete_portrait(portrait: Portrait) -> None:
    """Restore a deleted portrait, and show its videos again. A portrait that is not deleted does not change.

    Raises:
        PortraitError: ``portrait_withdrawn`` when it is too late, ``portrait_exists`` when the same picture was
            uploaded again in the meantime.
    """
    portrait.refresh_from_db()
    deleted_at = portrait.deleted_at
    if deleted_at is not None and not consent.can_be_restored(portrait):
        raise PortraitError(
            "It is too late to restore this portrait: the picture has been deleted.",
            code="portrait_withdrawn",
            hint="Upload the picture again if the person shown agrees.",
        )
    try:
        with transaction.atomic():
            Portrait.objects.filter(pk=portrait.pk, purged_at=None).update(deleted_at=None)
    except IntegrityError as error:
        raise _already_exists(portrait.owner, portrait.digest) from error
    portrait.refresh_from_db(fields=["deleted_at"])
    if deleted_at is not None:
        consent.show_again(portrait, since=deleted_at)


def name_from_file_name(file_name: str) -> str:
    """Return a readable, safe name for a portrait: the last part of the path without its extension."""
    last_part = re.split(r"[/\\]", file_name)[-1]
    stem = last_part.rsplit(".", 1)[0] if "." in last_part.strip(".") else last_part
    return clean_name(re.sub(r"[._\-]+", " ", stem)) or "Portrait"


def clean_name(name: str) -> str:
    """Return one line of printable characters, at most ``MAX_NAME_LENGTH``."""
    printable = "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in name)
    return " ".join(printable.split())[:MAX_NAME_LENGTH].strip()


def _already_exists(owner: User, digest: str) -> PortraitError:
    name = Portrait.objects.filter(owner=owner, digest=digest, deleted_at=None).values_list("name", flat=True).first()
    return PortraitError(
        f"You already have this picture: “{name or 'Portrait'}”.",
        code="portrait_exists",
        hint="Use that portrait, or choose another picture.",
    )
