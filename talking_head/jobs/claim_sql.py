"""Claiming on PostgreSQL: one statement, one round trip, one transaction.

It does what :func:`talking_head.jobs.claims._claim_sqlite` does in seven, for which two busy cores have no time a
thousand times a second. Claimers do not wait for each other: each takes the first queued job that no other process is
claiming from at that moment. Only when every queued job is being claimed from (many workers, one lecture) does it wait
for the first one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

from talking_head.models import Clip, Job

HEADS = 32  # queue entries examined: more than processes ever claim at the same moment


def _fields(model: type[Model], *names: str) -> dict[str, str]:
    """Return attribute -> column, in the order of the model's fields, as ``from_db`` expects them."""
    columns = {
        field.attname: field.column
        for field in model._meta.concrete_fields
        if field.attname in names and field.column is not None
    }
    if len(columns) != len(names):
        raise ValueError(f"{model.__name__} lacks one of {names}.")
    return columns


CLIP_FIELDS = _fields(
    Clip, "id", "job_id", "index", "text", "spoken", "pause_seconds", "narration_start_seconds",
    "narration_end_seconds", "is_short", "fence", "is_half_resolution", "is_fallback",
)  # fmt: skip
JOB_FIELDS = _fields(
    Job, "id", "script", "language", "voice", "speed", "portrait_digest", "narration_digest", "profile", "speech",
    "face", "timeout_seconds", "worked_seconds",
)  # fmt: skip

# `started` locks the job's row before `taken` looks for a clip, as every change locks in this order. What other
# processes have claimed since the statement began shows only there: FOR UPDATE reads the current rows.
STATEMENT = """
WITH chosen AS (
    SELECT job.id
    FROM (SELECT job_id, lane, turn, id FROM talking_head_clip
          WHERE {is_queued} {filters} ORDER BY lane DESC, turn, id LIMIT {heads}) AS head
    JOIN talking_head_job AS job ON job.id = head.job_id
    WHERE job.state IN ('queued', 'running')
    ORDER BY head.lane DESC, head.turn, head.id
    LIMIT 1
    FOR UPDATE OF job {skip_locked}
), started AS (
    UPDATE talking_head_job AS job
    SET state = 'running', seq = seq + 1,
        started_at = CASE state WHEN 'queued' THEN statement_timestamp() ELSE started_at END
    FROM chosen
    WHERE job.id = chosen.id AND job.state IN ('queued', 'running')
    RETURNING job.seq AS new_seq, {job_columns}
), taken AS (
    UPDATE talking_head_clip AS clip
    SET state = 'leased', seq = (SELECT new_seq FROM started),
        fence = fence + 1, crashes = crashes + 1, leased_by = %(worker)s,
        lease_expires_at = statement_timestamp() + %(lease_seconds)s * interval '1 second'
    WHERE clip.id = (SELECT id FROM talking_head_clip
                     WHERE job_id = (SELECT id FROM started) AND {is_queued} {filters}
                     ORDER BY index LIMIT 1 FOR UPDATE)
    RETURNING {clip_columns}
), attempt AS (
    INSERT INTO talking_head_attempt
        (clip_id, fence, worker, form, started_at, stage, outcome, error_code, error_message, log_tail, gpu)
    SELECT id, fence, %(worker)s, {form}, statement_timestamp(), '', '', '', '', '', '{{}}' FROM taken
    RETURNING id
)
SELECT attempt.id, taken.*, {started_columns} FROM taken, started, attempt
"""
FORM = (
    "CASE WHEN is_fallback THEN 'fallback' WHEN is_smaller THEN 'half resolution, no enhancer' ELSE '' END"  # Clip.form
)
QUEUED_CLIPS = "state = 'waiting' AND turn IS NOT NULL AND (not_before IS NULL OR not_before <= statement_timestamp())"


@dataclass(frozen=True, slots=True)
class ClaimedRow:
    clip: Clip  # with its job; columns that a claim does not need are deferred
    attempt_id: int


def claim_next(worker: str, lease_seconds: float, *, job_id: UUID | None, only_short: bool) -> ClaimedRow | None:
    """Claim the next clip; return None when no clip can be claimed now."""
    values = {"worker": worker, "lease_seconds": lease_seconds, "job_id": job_id}
    for skip_locked in (True, False):
        statement = _statement(skip_locked=skip_locked, of_job=job_id is not None, only_short=only_short)
        if row := _execute(statement, values):
            attempt_id, *columns = row
            clip = Clip.from_db(connection.alias, CLIP_FIELDS, columns[: len(CLIP_FIELDS)])
            clip.job = Job.from_db(connection.alias, JOB_FIELDS, columns[len(CLIP_FIELDS) :])
            return ClaimedRow(clip, attempt_id)
    return None


@cache
def _statement(*, skip_locked: bool, of_job: bool, only_short: bool) -> str:
    filters = ("AND job_id = %(job_id)s " if of_job else "") + ("AND is_short" if only_short else "")
    return STATEMENT.format(
        is_queued=QUEUED_CLIPS,
        form=FORM,
        filters=filters,
        heads=HEADS,
        skip_locked="SKIP LOCKED" if skip_locked else "",
        job_columns=", ".join(f"job.{column}" for column in JOB_FIELDS.values()),
        started_columns=", ".join(f"started.{column}" for column in JOB_FIELDS.values()),
        clip_columns=", ".join(f"clip.{column}" for column in CLIP_FIELDS.values()),
    )


def _execute(statement: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
    """Execute a prepared statement, which Django's own cursors cannot do: planning takes longer than all the rest."""
    import psycopg  # sites on SQLite never need it

    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        row: tuple[Any, ...] | None = cursor.execute(statement, values, prepare=True).fetchone()
        return row
