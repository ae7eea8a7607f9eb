"""``/api/narrations/``: recordings instead of a voice. Upload one, wait for its transcript, correct the text."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from edu_platform.body_limits import accepts_file
from edu_platform.people import signed_in_user
from talking_head import services
from talking_head.api import serializers
from talking_head.api.parsers import Utf8MultiPartParser
from talking_head.api.permissions import MaySubmitJobs
from talking_head.api.schema import answers
from talking_head.models import Narration


@accepts_file(services.MAX_NARRATION_BYTES)
class NarrationUpload(APIView):
    """Checks and stores a recording, and has it transcribed."""

    permission_classes = [IsAuthenticated, MaySubmitJobs]
    parser_classes = [Utf8MultiPartParser]
    throttle_scope = "upload"

    @extend_schema(
        request={"multipart/form-data": serializers.NarrationUploadSerializer},
        responses=answers(serializers.NarrationSerializer, status.HTTP_201_CREATED),
    )
    def post(self, request: Request) -> Response:
        form = serializers.NarrationUploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        narration = services.store_narration(form.validated_data["audio_file"], signed_in_user(request.user))
        return Response(_view(narration), status=status.HTTP_201_CREATED)


class NarrationDetail(APIView):
    """The sound quality of a recording, the progress of its transcription and its transcript; only for the user who
    uploaded it."""

    permission_classes = [IsAuthenticated, MaySubmitJobs]

    @extend_schema(responses=answers(serializers.NarrationSerializer))
    def get(self, request: Request, narration_id: UUID) -> Response:
        narration = services.narration_of(narration_id)
        if narration is None or narration.owner_id != signed_in_user(request.user).pk:
            raise Http404
        return Response(_view(narration))


def _view(narration: Narration) -> dict[str, Any]:
    return {"id": str(narration.pk), **services.narration_view(narration)}
