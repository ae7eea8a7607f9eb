"""``/api/avatars/``: portraits as users manage them, with the consent that each of them needs."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from avatars.models import Portrait
from avatars.services import portraits as services
from edu_platform.body_limits import accepts_file
from edu_platform.people import signed_in_user
from talking_head.api.pagination import PAGE, LinkedPages
from talking_head.api.parsers import Utf8JSONParser, Utf8MultiPartParser
from talking_head.api.permissions import MaySubmitJobs
from talking_head.api.requests import RequestSerializer
from talking_head.api.schema import answers


class PortraitSerializer(serializers.ModelSerializer):
    """A portrait; ``POST /api/jobs/`` takes its ``digest`` as ``portrait_digest``."""

    is_mine = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()
    report = serializers.DictField(help_text="The strengths and problems of the picture.")

    class Meta:
        model = Portrait
        fields = [
            "id",
            "name",
            "digest",
            "url",
            "width_px",
            "height_px",
            "report",
            "is_mine",
            "is_shared",
            "created_at",
        ]

    def get_is_mine(self, portrait: Portrait) -> bool:
        """Return whether the portrait is the caller's own."""
        return bool(portrait.owner_id == self.context["user"].pk)

    @extend_schema_field(serializers.CharField())
    def get_url(self, portrait: Portrait) -> str:
        """Return the URL of the picture."""
        return reverse("portrait_file", args=[portrait.digest])


class NewPortraitSerializer(RequestSerializer):
    image_file = serializers.FileField(max_length=1_000)
    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    consent_given_by = serializers.CharField(
        max_length=200, help_text="The person shown, or the person who may consent for them."
    )
    is_shared = serializers.BooleanField(required=False, default=False)


class PortraitChangeSerializer(RequestSerializer):
    name = serializers.CharField(max_length=100, required=False)
    is_shared = serializers.BooleanField(required=False)


@accepts_file(services.MAX_UPLOAD_BYTES)
class AvatarList(APIView):
    """Portraits that may be used in a new video."""

    permission_classes = [IsAuthenticated, MaySubmitJobs]
    parser_classes = [Utf8MultiPartParser]
    throttle_scope = "upload"

    @extend_schema(operation_id="avatars_list", parameters=[PAGE], responses=answers(PortraitSerializer(many=True)))
    def get(self, request: Request) -> Response:
        user = signed_in_user(request.user)
        pages = LinkedPages()
        portraits = pages.paginate_queryset(
            services.portraits_usable_by(user).order_by("name", "pk"), request, view=self
        )
        rows = PortraitSerializer(portraits, many=True, context={"user": user}).data
        return pages.get_paginated_response(rows)

    @extend_schema(
        request={"multipart/form-data": NewPortraitSerializer},
        responses=answers(PortraitSerializer, status.HTTP_201_CREATED),
    )
    def post(self, request: Request) -> Response:
        """Check and store a picture, together with who agreed to its use."""
        form = NewPortraitSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        upload = values["image_file"]
        if upload.size > services.MAX_UPLOAD_BYTES:  # before it is read into memory
            raise services.too_many_bytes()
        portrait = services.add_portrait(
            signed_in_user(request.user),
            values.get("name") or services.name_from_file_name(upload.name),
            upload,
            consent_given_by=values["consent_given_by"],
            is_shared=values["is_shared"],
        )
        return Response(_view(portrait, signed_in_user(request.user)), status=status.HTTP_201_CREATED)


class AvatarDetail(APIView):
    """One portrait."""

    permission_classes = [IsAuthenticated, MaySubmitJobs]
    parser_classes = [Utf8JSONParser]

    @extend_schema(responses=answers(PortraitSerializer))
    def get(self, request: Request, pk: int) -> Response:
        return Response(_view(_usable(request, pk), signed_in_user(request.user)))

    @extend_schema(request=PortraitChangeSerializer, responses=answers(PortraitSerializer))
    def patch(self, request: Request, pk: int) -> Response:
        portrait = _own(request, pk)
        form = PortraitChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = {"name": portrait.name, "is_shared": portrait.is_shared, **form.validated_data}
        return Response(_view(services.change_portrait(portrait, **values), signed_in_user(request.user)))

    @extend_schema(responses=answers(None, status.HTTP_204_NO_CONTENT))
    def delete(self, request: Request, pk: int) -> Response:
        """Withdraw the portrait from new videos."""
        services.delete_portrait(_own(request, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _usable(request: Request, pk: int) -> Portrait:
    portrait = services.portraits_usable_by(signed_in_user(request.user)).filter(pk=pk).first()
    if portrait is None:
        raise Http404
    return portrait


def _own(request: Request, pk: int) -> Portrait:
    portrait = _usable(request, pk)
    if not services.may_change(signed_in_user(request.user), portrait):
        raise PermissionDenied("This portrait belongs to another user.")
    return portrait


def _view(portrait: Portrait, user: User) -> dict[str, object]:
    return dict(PortraitSerializer(portrait, context={"user": user}).data)
