"""Operations on voice samples. Pages and the API call these; none touches rows itself.

A cloned voice can say anything in a person's name, so it is more restricted than a portrait: it belongs to one user, is
never shared, and is deleted when it is withdrawn.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from avatars.models import VoiceSample
from avatars.services.portraits import clean_name
from edu_platform.people import Person
from talking_head import services as rendering
from talking_head.errors import InvalidInput
from talking_head.services import UploadSource, Voice

# Stored with every sample as it was agreed to; changing it here does not change earlier agreements.
CONSENT_STATEMENT = (
    "The person who speaks in this recording, named here, agrees that a synthetic copy of their voice reads texts "
    "written by the owner of this account in videos for the students of their courses. The videos are labelled as "
    "synthetic. This agreement can be withdrawn at any time on the page “Voices”: the recording is then deleted for "
    "good, and no new video can speak with the voice."
)
SAMPLE_NAME = "My voice"
MAX_VOICES = 50  # of one user: every lesson's editor offers all of them


def voice_samples_of(user: Person) -> QuerySet[VoiceSample]:
    """Return a user's own samples that have not been withdrawn."""
    if not isinstance(user, User) or not user.is_active:
        return VoiceSample.objects.none()
    return VoiceSample.objects.filter(owner=user, withdrawn_at=None)


def cloned_voices_of(user: Person) -> tuple[Voice, ...]:
    """Return the voices that only this user may use; the renderer's rule for own voices."""
    return tuple(
        Voice(rendering.cloned_voice_name(sample.digest, sample.language), sample.language, sample.name)
        for sample in voice_samples_of(user)
    )


def add_voice_sample(
    owner: User,
    name: str,
    source: UploadSource,
    *,
    language: str,
    consent_given_by: str,
    consent_statement: str = CONSENT_STATEMENT,
) -> VoiceSample:
    """Check and store a recorded voice. Nothing is stored when it is refused.

    Raises:
        EngineError: voices cannot be cloned here. InvalidInput: the recording cannot be used (see
            :func:`talking_head.services.store_voice_sample`), ``consent_missing``, ``unsupported_language``,
            ``too_many_voices``, or ``voice_exists`` when the owner already has the very same recording.
        ResourceError: the media folder is full or cannot be written to.
    """
    if problem := rendering.cloning_problem():
        raise problem
    if not consent_given_by.strip() or not consent_statement.strip():
        raise InvalidInput(
            "Consent to use this voice is missing.",
            code="consent_missing",
            hint="Enter the name of the person who speaks.",
        )
    if language not in rendering.cloning_languages():
        raise InvalidInput(
            f"Cloned voices cannot read “{language}” here.",
            code="unsupported_language",
            hint=f"Choose one of: {', '.join(rendering.cloning_languages())}.",
        )
    if voice_samples_of(owner).count() >= MAX_VOICES:
        raise InvalidInput(
            f"You have {MAX_VOICES} voices already.", code="too_many_voices", hint="Withdraw one that you do not use."
        )
    stored = rendering.store_voice_sample(source)
    try:
        with transaction.atomic():
            return VoiceSample.objects.create(
                owner=owner,
                name=clean_name(name) or SAMPLE_NAME,
                digest=stored.digest,
                language=language,
                duration_seconds=stored.report.duration_seconds,
                report=stored.report.to_json(),
                consent_statement=consent_statement,
                consent_given_by=consent_given_by.strip()[:200],
            )
    except IntegrityError as error:
        raise InvalidInput(
            "You already have this recording.", code="voice_exists", hint="Use that voice, or record another."
        ) from error


def withdraw_voice_sample(sample: VoiceSample) -> None:
    """End the agreement: running renders stop, the recording and what it said are deleted, finished videos are hidden.
    The row remains as the record of what was agreed. Withdrawing twice changes nothing.

    Raises:
        ResourceError: the file cannot be deleted; the agreement is withdrawn nevertheless.
    """
    VoiceSample.objects.filter(pk=sample.pk, withdrawn_at=None).update(withdrawn_at=timezone.now())
    sample.refresh_from_db(fields=["withdrawn_at"])
    rendering.purge_withdrawn(rendering.VOICE, sample.digest)
