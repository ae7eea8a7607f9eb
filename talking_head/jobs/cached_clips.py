"""Clips that were in the cache before any worker claimed them: finished all at once, however many there are.

After one sentence of a thousand was changed, 999 clips only have to be found. A claim, a lease and a report for each
would cost the job layer ten milliseconds a clip, and viewers an event. Instead one statement moves them from waiting to
done, another writes their attempts, and one event says that something changed. What holds for a claim holds here too:
the job's row is locked first and must be running, the fence rises by one, and the statement changes only clips that no
worker has claimed (fence 0). A clip that another worker claims meanwhile is left to that worker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection

from talking_head.jobs.claim import clip_request_for
from talking_head.jobs.state_machine import LostRace, atomic_transition, touch_running_job
from talking_head.live import events
from talking_head.models import Clip, ClipState, Job
from talking_head.pipeline.requests import ClipRequest, ClipResult

FINISH = {
    "postgresql": """
        UPDATE talking_head_clip AS clip
        SET state = %(done)s, seq = (SELECT seq FROM talking_head_job WHERE id = clip.job_id), fence = clip.fence + 1,
            cached = TRUE, clip_key = found.result ->> 'clip_key', take_key = found.result ->> 'take_key',
            video_seconds = (found.result ->> 'video_seconds')::double precision, render_seconds = %(seconds)s,
            stages = found.result -> 'stages', result = found.result
        FROM jsonb_to_recordset(%(found)s::jsonb) AS found(id bigint, result jsonb)
        WHERE clip.id = found.id AND clip.state = %(waiting)s AND clip.fence = 0
          AND NOT clip.is_fallback AND NOT clip.is_smaller""",
    "sqlite": """
        UPDATE talking_head_clip AS clip
        SET state = %(done)s, seq = (SELECT seq FROM talking_head_job WHERE id = clip.job_id), fence = clip.fence + 1,
            cached = TRUE, clip_key = json_extract(found.result, '$.clip_key'),
            take_key = json_extract(found.result, '$.take_key'),
            video_seconds = json_extract(found.result, '$.video_seconds'), render_seconds = %(seconds)s,
            stages = json_extract(found.result, '$.stages'), result = found.result
        FROM (SELECT json_extract(value, '$.id') AS id, json_extract(value, '$.result') AS result
              FROM json_each(%(found)s)) AS found
        WHERE clip.id = found.id AND clip.state = %(waiting)s AND clip.fence = 0
          AND NOT clip.is_fallback AND NOT clip.is_smaller""",
}

ATTEMPTS = """
    INSERT INTO talking_head_attempt
        (clip_id, fence, worker, form, started_at, finished_at, stage, outcome, error_code, error_message, log_tail,
         gpu)
    SELECT id, fence, %(worker)s, '', {now}, {now}, '', 'done', '', '', '', '{{}}'
    FROM talking_head_clip
    WHERE job_id = %(job)s AND state = %(done)s AND seq = (SELECT seq FROM talking_head_job WHERE id = %(job)s)"""
NOW = {"postgresql": "statement_timestamp()", "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"}


def unclaimed_requests(job_id: UUID) -> dict[int, ClipRequest]:
    """Return the renderer's requests for the clips of a job that no worker has claimed yet, by the clip's id."""
    clips = Clip.objects.filter(job=job_id, state=ClipState.WAITING, fence=0, is_fallback=False)
    requests = {}
    job = Job.objects.get(pk=job_id)
    for clip in clips.filter(is_half_resolution=False):
        clip.job = job
        requests[clip.pk] = clip_request_for(clip)
    return requests


@atomic_transition
def finish_cached(job_id: UUID, worker: str, found: Mapping[int, ClipResult], seconds: float) -> None:
    """Record that these clips (by their ids) are done: those that still wait and that no worker has claimed. Return
    False, with nothing changed, when there are none, or when the job no longer runs.

    Args:
        job_id: the job of all of them.
        worker: its name, for the records.
        found: the results, from the cache.
        seconds: what finding them took, all together.
    """
    touch_running_job(job_id)
    values: dict[str, Any] = {
        "done": ClipState.DONE.value,
        "waiting": ClipState.WAITING.value,
        "seconds": seconds / max(1, len(found)),
        "found": json.dumps([{"id": clip_id, "result": result.to_json()} for clip_id, result in found.items()]),
    }
    with connection.cursor() as cursor:
        cursor.execute(FINISH[connection.vendor], values)
        if not cursor.rowcount:
            raise LostRace
        # Exactly those clips carry the job's newest seq, which this transaction has raised under its lock.
        owner = Job._meta.pk.get_db_prep_value(job_id, connection)
        cursor.execute(ATTEMPTS.format(now=NOW[connection.vendor]), {"job": owner, "worker": worker, **values})
    events.notify_clips_changed(job_id)
