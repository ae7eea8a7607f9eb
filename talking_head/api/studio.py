"""Endpoints that an editor needs besides jobs: voices, a check of a text before rendering, and cache statistics."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db.models import Count, Q
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from talking_head import services
from talking_head.api import serializers
from talking_head.api.permissions import MaySubmitJobs
from talking_head.api.schema import answers
from talking_head.files import local
from talking_head.models import ACTIVE_JOB_STATES, Clip, ClipState, Job, JobState
from talking_head.pipeline.cache.store import ContentCache

HIT_RATE_CLIPS = 1_000


class VoiceList(APIView):
    """The available voices: the default first, the caller's own cloned voices last."""

    @extend_schema(responses=answers(serializers.VoiceSerializer(many=True)))
    def get(self, request: Request) -> Response:
        return Response([asdict(voice) for voice in services.voices_for(request.user)])


class ScriptCheck(APIView):
    """The sentences of a text, their positions in it, and the estimated length of its video. Stores nothing."""

    permission_classes = [IsAuthenticated, MaySubmitJobs]
    throttle_scope = "script"

    @extend_schema(request=serializers.ScriptSerializer, responses=answers(serializers.ScriptCheckSerializer))
    def post(self, request: Request) -> Response:
        form = serializers.ScriptSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        summary = services.check_script(form.validated_data["text"], form.validated_data["language"])
        return Response(serializers.ScriptCheckSerializer(summary).data)


class CacheStats(APIView):
    """The contents of the cache, its hit rate, and how much work is queued."""

    permission_classes = [IsAuthenticated, MaySubmitJobs]

    @extend_schema(responses=answers(serializers.CacheStatsSerializer))
    def get(self, request: Request) -> Response:
        return Response({"kinds": _kinds(), "hit_rate": _hit_rate(), "queue": _queue()})


def _kinds() -> dict[str, dict[str, int]]:
    stats = ContentCache(local.cache_root()).stats()
    return {kind: {"entries": kind_stats.entries, "bytes": kind_stats.bytes} for kind, kind_stats in stats.items()}


def _hit_rate() -> float | None:
    recent = Clip.objects.filter(state=ClipState.DONE).order_by("-pk").values_list("cached", flat=True)
    hits = list(recent[:HIT_RATE_CLIPS])
    return round(sum(hits) / len(hits), 3) if hits else None


def _queue() -> dict[str, Any]:
    """Return the numbers of open jobs and clips; what has ended is not read."""
    jobs = Job.objects.filter(state__in=ACTIVE_JOB_STATES).aggregate(
        jobs_queued=Count("pk", filter=Q(state=JobState.QUEUED)),
        jobs_running=Count("pk", filter=Q(state__in=(JobState.RUNNING, JobState.PUBLISHING))),
    )
    open_clips = Clip.objects.filter(state__in=(ClipState.WAITING, ClipState.LEASED))
    clips = open_clips.filter(job__state__in=(JobState.QUEUED, JobState.RUNNING)).aggregate(
        clips_waiting=Count("pk", filter=Q(state=ClipState.WAITING)),
        clips_rendering=Count("pk", filter=Q(state=ClipState.LEASED)),
    )
    return {**jobs, **clips}
