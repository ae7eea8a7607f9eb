"""The render service's own small API: a picture in, a video out, without courses and lessons.

A picture's ``image_id`` is a signed token that names its owner and its framing. The calling service is responsible for
consent, so a picture without recorded consent is kept for a limited time (``TALKING_HEAD_SERVICE_PORTRAIT_DAYS``), and
refused if the person shown has withdrawn theirs. Portraits with recorded consent are managed by the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from edu_platform.body_limits import accepts_file
from edu_platform.people import signed_in_user
from talking_head import services
from talking_head.api import idempotency, serializers
from talking_head.api.parsers import Utf8JSONParser, Utf8MultiPartParser
from talking_head.api.permissions import MaySubmitJobs, visible_job
from talking_head.api.schema import answers
from talking_head.errors import OptionError, PortraitError, unknown_portrait
from talking_head.files import job_files, uploads
from talking_head.files.range_response import serve_file
from talking_head.files.uploads import UploadKind
from talking_head.jobs import housekeeping
from talking_head.models import Priority
from talking_head.permissions import may_use_vip
from talking_head.profiles import BALANCED, FAST, PROFILES, QUALITY, Profile
from talking_head.services.portraits import MAX_PORTRAIT_BYTES, portrait_too_heavy
from talking_head.services.rebuilds import missing_video

SIGNER = signing.Signer(salt="talking_head.image_id")
NOT_VIP = "Your account may not go ahead of others, so this video waits in the normal queue."
ENHANCERS = sorted({profile.enhancer for profile in PROFILES.values()})


@dataclass(frozen=True, slots=True)
class ImageId:
    """The content of an ``image_id`` whose signature has been checked."""

    digest: str
    preprocess: str
    owner_id: int

    def __str__(self) -> str:
        return SIGNER.sign_object([self.digest, self.preprocess, self.owner_id])

    @classmethod
    def parse(cls, text: str, user: Any) -> ImageId:
        """Return the content of an image ID.

        Raises:
            PortraitError: ``unknown_portrait`` when this server did not sign it, or another user owns the image.
        """
        try:
            image = cls(*SIGNER.unsign_object(text))
        except (signing.BadSignature, ValueError, TypeError):
            raise unknown_portrait() from None
        if image.owner_id != user.pk:
            raise unknown_portrait()
        return image

    @property
    def is_stored(self) -> bool:
        return uploads.exists(UploadKind.PORTRAIT, self.digest)


@accepts_file(MAX_PORTRAIT_BYTES)
class AvatarUpload(APIView):
    """Checks and stores a picture of a face."""

    permission_classes = [IsAuthenticated, MaySubmitJobs]
    parser_classes = [Utf8MultiPartParser]
    throttle_scope = "upload"

    @extend_schema(
        request={"multipart/form-data": serializers.AvatarUploadSerializer},
        responses=answers(serializers.AvatarSerializer, status.HTTP_201_CREATED),
    )
    def post(self, request: Request) -> Response:
        form = serializers.AvatarUploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        upload = form.validated_data["image_file"]
        if upload.size > MAX_PORTRAIT_BYTES:  # before it is read into memory
            raise portrait_too_heavy()
        owner_id = signed_in_user(request.user).pk
        stored = services.store_portrait(upload)
        try:
            services.refuse_withdrawn(owner_id, stored.digest, "")
        except PortraitError:
            services.purge_withdrawn(services.PORTRAIT, stored.digest)
            raise
        housekeeping.note_upload(owner_id, stored.digest)
        image = ImageId(stored.digest, form.validated_data["preprocess_mode"], owner_id)
        return Response(_avatar(image), status=status.HTTP_201_CREATED)


class AvatarStatus(APIView):
    """Whether a picture can be used for videos: from the response to its upload until it is deleted."""

    permission_classes = [IsAuthenticated, MaySubmitJobs]

    @extend_schema(responses=answers(serializers.AvatarSerializer))
    def get(self, request: Request, image_id: str) -> Response:
        return Response(_avatar(ImageId.parse(image_id, request.user)))


@accepts_file(services.MAX_NARRATION_BYTES)
class VipGenerate(APIView):
    """Submits a job that is rendered ahead of all normal jobs, if the caller has the permission
    ``talking_head.use_vip``; otherwise like any other job, and the response says so."""

    permission_classes = [IsAuthenticated, MaySubmitJobs]
    parser_classes = [Utf8JSONParser, Utf8MultiPartParser]
    throttle_scope = "jobs"

    @extend_schema(
        request={
            "application/json": serializers.VipRequestSerializer,
            "multipart/form-data": serializers.VipRequestSerializer,
        },
        parameters=[idempotency.PARAMETER],
        responses=answers(serializers.VipJobSerializer, status.HTTP_201_CREATED),
    )
    def post(self, request: Request) -> Response:
        form = serializers.VipRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        digest = idempotency.request_digest(values)
        user = signed_in_user(request.user)
        image = ImageId.parse(values["image_id"], user)
        profile = _profile_for(image, values.get("enhancer", ""), values.get("quality", ""))
        recording = values.get("audio_file")
        if not image.is_stored:  # before the recording is stored
            raise unknown_portrait()
        job = services.submit_job(
            owner=user,
            script=values.get("text", ""),
            portrait_digest=image.digest,
            narration_digest=services.store_narration(recording, user).digest if recording else "",
            profile=profile.name,
            priority=Priority.VIP if may_use_vip(user) else Priority.NORMAL,
            idempotency_key=idempotency.idempotency_key(request),
            request_digest=digest,
        )
        is_vip = job.priority == Priority.VIP
        answer = {"priority": "vip" if is_vip else "normal", "priority_notice": "" if is_vip else NOT_VIP}
        return Response({**services.job_snapshot(job), **answer}, status=status.HTTP_201_CREATED)


class VipStatus(APIView):
    """The progress of a video."""

    @extend_schema(responses=answers(serializers.JobSerializer))
    def get(self, request: Request, job_id: UUID) -> Response:
        return Response(services.job_snapshot(visible_job(request, job_id)))


class VipDownload(APIView):
    """The finished video as a file; supports byte ranges."""

    @extend_schema(responses=answers(OpenApiTypes.BINARY, media_type="video/mp4"))
    def get(self, request: Request, job_id: UUID) -> HttpResponseBase:
        job = visible_job(request, job_id)
        if not job.is_watchable:
            raise OptionError("The video is not available.", code="not_ready", hint="Check the status of the job.")
        if error := missing_video(job):
            raise error
        http_request: HttpRequest = request._request
        return serve_file(
            http_request, job_files.storage_key(job, "video.mp4"), download_name=f"{job.title or job.pk}.mp4"
        )


def _avatar(image: ImageId) -> dict[str, str]:
    status_word = "ready" if image.is_stored else "gone"
    return {"image_id": str(image), "status": status_word, "preprocess_mode": image.preprocess}


def _profile_for(image: ImageId, enhancer: str, quality: str) -> Profile:
    """Return the profile that ``quality`` names; without it, the one that has the image's framing and the enhancer.

    Raises:
        OptionError: ``unknown_enhancer``, or ``conflicting_options`` when the named profile uses another enhancer.
    """
    if enhancer and enhancer not in ENHANCERS:
        raise OptionError(
            f"There is no enhancer “{enhancer}”.",
            code="unknown_enhancer",
            hint=f"Choose one of: {', '.join(ENHANCERS)}.",
        )
    if not quality:
        if enhancer == FAST.enhancer:
            return FAST
        return QUALITY if image.preprocess == QUALITY.preprocess else BALANCED
    profile = PROFILES[quality]
    if enhancer and enhancer != profile.enhancer:
        raise OptionError(
            f"“{quality}” always uses the enhancer “{profile.enhancer}”.",
            code="conflicting_options",
            hint="Leave out either “enhancer” or “quality”.",
        )
    return profile
