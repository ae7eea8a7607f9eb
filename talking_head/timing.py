"""All time limits and intervals of the job layer; ``settings.TALKING_HEAD_TIMING`` overrides any of them by name."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Timing:
    lease_seconds: float = 30.0
    renew_seconds: float = 10.0  # a lease survives two lost renewals
    publish_seconds: float = 300.0  # for joining the clips of one job, however long it is
    find_seconds: float = 60.0  # for finding a job's clips in the cache; those not found by then are claimed one by one
    fallback_seconds: float = 60.0  # for one fallback clip, which is rendered after the job's deadline
    poll_seconds: float = 0.3  # how often a supervisor checks whether its job was cancelled
    stall_seconds: float = 20.0  # without a heartbeat
    start_seconds: float = 60.0  # until a new renderer process reports that it is ready
    terminate_seconds: float = 2.0  # between TERM and KILL
    drain_seconds: float = 5.0  # for the current clip when the worker is asked to stop
    backoff_seconds: float = 1.0  # doubled with every failure, and jittered
    ageing_seconds: float = 600.0  # after which a normal job counts as urgent as a VIP's
    short_seconds: float = 30.0  # of video to render anew: jobs with no more than this may use reserved slots
    quick_seconds: float = 2.0  # while no clip takes longer, reserved slots take any job's
    background_seconds: float = 60.0  # while there are videos to make, a worker transcribes one chunk this often
    stuck_seconds: float = 10.0  # without a worker looking at waiting work; after twice that the cluster is replaced
    bucket_seconds: float = 20.0  # for one response of the object storage; a longer silence is a failed attempt
    bucket_attempts: int = 4  # at one request, with growing pauses between them
    work_seconds: float = 900.0  # then a task ends and wakes a successor, so that django-q2's timeout never expires


def timing() -> Timing:
    return Timing(**getattr(settings, "TALKING_HEAD_TIMING", {}))
