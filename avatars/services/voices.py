"""What can be done with voice samples. Pages and the API call these; none touches rows itself.

A cloned voice can say anything in somebody's name, so it is narrower than a portrait: it belongs to one person, is
never shared, and a withdrawn one is gone.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from avatars.models import VoiceSample
from avatars.services.portraits import clean_name
from edu_platform.people import Person
from talking_head import services as rendering
from talking_head.errors import InvalidInput
from talking_head.services import Voice

# Kept with every sample as it was agreed to; changing it here changes nothing that was agreed before.
CONSENT_STATEMENT = (
    "The person who speaks in this recording, named here, agrees that a synthetic copy of their voice reads texts "
    "written by the owner of this account in videos for the students of their courses. The videos are labelled as "
    "synthetic. This agreement can be withdrawn at any time on the page “Voices”: the recording is then deleted for "
    "good, and no new video can speak with the voice."
)
SAMPLE_NAME = "My voice"


def voice_samples_of(user: Person) -> QuerySet[VoiceSample]:
    """A person's own, as far as the agreement stands."""
    if not isinstance(user, User) or not user.is_active:
        return VoiceSample.objects.none()
    return VoiceSample.objects.filter(owner=user, withdrawn_at=None)


def cloned_voices_of(user: Person) -> tuple[Voice, ...]:
    """The rule that the renderer asks for voices that are somebody's own."""
    return tuple(
        Voice(rendering.cloned_voice_name(sample.digest, sample.language), sample.language, sample.name)
        for sample in voice_samples_of(user)
    )


def add_voice_sample(
    owner: User,
    name: str,
    data: bytes,
    *,
    language: str,
    consent_given_by: str,
    consent_statement: str = CONSENT_STATEMENT,
) -> VoiceSample:
    """Checks and keeps a recorded voice. Nothing is stored when it is refused.

    Raises:
        EngineError: voices cannot be cloned here. InvalidInput: the recording cannot be used (see
            :func:`talking_head.services.store_voice_sample`), ``consent_missing``, ``unsupported_language``, or
            ``voice_exists`` when the owner has the very same recording already.
        ResourceError: the media folder is full or cannot be written to.
    """
    if problem := rendering.cloning_problem():
        raise problem
    if not consent_given_by.strip() or not consent_statement.strip():
        raise InvalidInput(
            "Nobody has agreed to the use of this voice.",
            code="consent_missing",
            hint="Name the person who speaks.",
        )
    if language not in rendering.cloning_languages():
        raise InvalidInput(
            f"Cloned voices cannot read “{language}” here.",
            code="unsupported_language",
            hint=f"Choose one of: {', '.join(rendering.cloning_languages())}.",
        )
    stored = rendering.store_voice_sample(data)
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
            "You have this recording already.", code="voice_exists", hint="Use that one, or record another."
        ) from error


def withdraw_voice_sample(sample: VoiceSample) -> None:
    """Ends the agreement: videos in the making stop, the recording is deleted, finished videos stay. The row remains as
    the record of what was agreed. Doing it twice changes nothing.

    Raises:
        ResourceError: the file cannot be deleted; the agreement is withdrawn all the same.
    """
    VoiceSample.objects.filter(pk=sample.pk, withdrawn_at=None).update(withdrawn_at=timezone.now())
    sample.refresh_from_db(fields=["withdrawn_at"])
    _delete_recording(sample)


@receiver(post_delete, sender=VoiceSample)
def _forget_with_the_account(instance: VoiceSample, **_: object) -> None:
    """An account that is deleted takes its recordings along."""
    transaction.on_commit(lambda: _delete_recording(instance))


def _delete_recording(sample: VoiceSample) -> None:
    if not VoiceSample.objects.filter(digest=sample.digest, withdrawn_at=None).exists():  # two may keep the same file
        rendering.delete_voice_sample(sample.digest)
