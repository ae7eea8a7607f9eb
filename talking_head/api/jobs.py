"""``/api/jobs/``: submit, follow, cancel and retry jobs; and an estimate before a job is submitted."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.parsers import FormParser
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from edu_platform.people import signed_in_user
from talking_head import services
from talking_head.api import idempotency, serializers
from talking_head.api.parsers import Utf8JSONParser, Utf8MultiPartParser
from talking_head.api.permissions import MaySubmitJobs, own_job, visible_job
from talking_head.api.requests import refuse_all_fields
from talking_head.api.schema import answers
from talking_head.errors import unknown_portrait
from talking_head.models import Job


class JobList(generics.ListAPIView):
    """The caller's own jobs."""

    serializer_class = serializers.JobRowSerializer
    throttle_scope = "jobs"

    def get_queryset(self) -> QuerySet[Job]:
        if getattr(self, "swagger_fake_view", False):  # the schema is generated without a user
            return Job.objects.none()
        return Job.objects.filter(owner=self.request.user.pk, delete_after=None).order_by("-created_at", "pk")

    def get_permissions(self) -> list[BasePermission]:
        is_reading = self.request is None or self.request.method in SAFE_METHODS
        return [IsAuthenticated()] if is_reading else [IsAuthenticated(), MaySubmitJobs()]

    @extend_schema(responses=answers(serializers.JobRowSerializer(many=True)))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        request=serializers.NewJobSerializer,
        parameters=[idempotency.PARAMETER],
        responses=answers(serializers.JobSerializer, status.HTTP_201_CREATED),
    )
    def post(self, request: Request) -> Response:
        """Submit a job that renders a video of a text."""
        form = serializers.NewJobSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        portrait = values.get("portrait_digest", "")
        if portrait and not services.may_view_portrait(request.user, portrait):
            raise unknown_portrait()
        voice = values.get("voice", "")
        own_names = {own_voice.name for own_voice in services.own_voices(request.user)}
        if services.voice_sample_digest(voice) and voice not in own_names:
            raise services.voice_withdrawn()
        key = idempotency.idempotency_key(request)
        digest = idempotency.request_digest(values)
        owner = signed_in_user(request.user)
        job = services.submit_job(owner=owner, **values, idempotency_key=key, request_digest=digest)
        return Response(services.job_snapshot(job), status=status.HTTP_201_CREATED)


class VideoEstimate(APIView):
    """An estimate of when a video of a text would be ready if it were submitted now. Stores nothing."""

    permission_classes = [IsAuthenticated, MaySubmitJobs]
    throttle_scope = "script"

    @extend_schema(request=serializers.ForecastRequestSerializer, responses=answers(serializers.ForecastSerializer))
    def post(self, request: Request) -> Response:
        form = serializers.ForecastRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        forecast = services.forecast_video(owner=signed_in_user(request.user), **form.validated_data)
        return Response(serializers.ForecastSerializer(forecast).data)


class JobDetail(APIView):
    """One job in the form of the WebSocket's snapshot, for every user who may view it."""

    @extend_schema(responses=answers(serializers.JobSerializer))
    def get(self, request: Request, job_id: UUID) -> Response:
        return Response(services.job_snapshot(visible_job(request, job_id)))


class JobChanges(APIView):
    """What has changed in a job since a state that the client knows: small, however long the script is."""

    @extend_schema(parameters=[serializers.SinceSerializer], responses=answers(serializers.JobChangesSerializer))
    def get(self, request: Request, job_id: UUID) -> Response:
        job = visible_job(request, job_id)
        form = serializers.SinceSerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        return Response(services.job_changes(job.pk, form.validated_data["since"]))


class JobCancel(APIView):
    """Cancels a job that has not ended; a job that has ended does not change."""

    parser_classes = [Utf8JSONParser, Utf8MultiPartParser, FormParser]  # to see that there are no fields in any form

    @extend_schema(request=None, responses=answers(serializers.JobSerializer))
    def post(self, request: Request, job_id: UUID) -> Response:
        job = own_job(request, job_id)
        refuse_all_fields(request.data)
        services.cancel_job(job)
        return Response(services.job_snapshot(job))


class JobRetry(APIView):
    """Submits a new job with the same values; finished sentences are not rendered again."""

    permission_classes = [IsAuthenticated, MaySubmitJobs]
    throttle_scope = "jobs"

    @extend_schema(
        request=serializers.RetrySerializer,
        parameters=[idempotency.PARAMETER],
        responses=answers(serializers.JobSerializer, status.HTTP_201_CREATED),
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        job = own_job(request, job_id)
        form = serializers.RetrySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        key = idempotency.idempotency_key(request)
        # Derived from this job, so that a client that reuses the key of its first request still gets a new job.
        key = f"again:{uuid5(job.pk, key)}" if key else None
        digest = idempotency.request_digest(form.validated_data)
        profile = form.validated_data.get("profile")
        new_job = services.retry_job(job, profile=profile, idempotency_key=key, request_digest=digest)
        return Response(services.job_snapshot(new_job), status=status.HTTP_201_CREATED)
