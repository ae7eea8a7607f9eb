"""Small fragments of escaped HTML that show jobs, clips and attempts on the administrators' pages."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from talking_head.files import job_files, local
from talking_head.models import Attempt, AttemptOutcome, Clip, ClipState, Job, JobState

NOTHING = "–"
MAX_ATTEMPTS = 10  # at one clip, which a page shows
TONES: dict[str, str] = {
    JobState.QUEUED: "calm",
    JobState.RUNNING: "busy",
    JobState.PUBLISHING: "busy",
    JobState.COMPLETED: "good",
    JobState.FALLBACK: "warn",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "calm",
    ClipState.WAITING: "calm",
    ClipState.LEASED: "busy",
    ClipState.DONE: "good",
}
RESULT_FILES = {
    "Video": "video.mp4",
    "Captions": "captions.vtt",
    "Transcript": "transcript.json",
    "Poster": "poster.jpg",
    "Manifest": "manifest.json",
    "Log": "log.txt",
}


def badge(value: str, label: str) -> SafeString:
    """Return a word on a colour; the colour only helps to find it."""
    return format_html('<span class="lectern-badge lectern-{}">{}</span>', TONES.get(value, "calm"), label)


def duration(span: timedelta | None) -> str:
    """Return a duration such as "4.2 s", "3 min 05 s", "2 h 10 min" or "1 day"."""
    if span is None:
        return NOTHING
    seconds = max(0.0, span.total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3_600:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    if seconds < 86_400:
        return f"{int(seconds // 3_600)} h {int(seconds % 3_600 // 60):02d} min"
    days = int(seconds // 86_400)
    return "1 day" if days == 1 else f"{days} days"


def at_most(count: int, limit: int) -> str:
    """Return a number that was counted up to a limit, such as "12" or "200 or more"; "" for 0."""
    return f"{count:,} or more" if count >= limit else f"{count:,}" if count else ""


def amount(size_bytes: float | None) -> str:
    """Return a size such as "812 MB" or "3.4 GB"; "" when it is not known."""
    if not size_bytes:
        return ""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"


def between(start: datetime | None, end: datetime | None) -> str:
    """Return the duration from start to end, or to now where the end is None."""
    return duration((end or timezone.now()) - start) if start else NOTHING


def problem(code: str, message: str, hint: str = "") -> SafeString | str:
    if not code:
        return NOTHING
    return format_html("<strong><code>{}</code></strong><br>{} {}", code, message, hint)


def folded(title: str, text: str, *, is_open: bool = False) -> SafeString | str:
    """Return long text that opens with a click."""
    if not text:
        return NOTHING
    opened = mark_safe(" open") if is_open else ""
    return format_html("<details{}><summary>{}</summary><pre>{}</pre></details>", opened, title, text)


def result_links(job: Job) -> SafeString | str:
    """Return links to the result files that exist."""
    files = {**RESULT_FILES, "Metrics": local.metrics_file(job.pk).name}
    existing = job_files.files_of(job)
    links = [(reverse("job_file", args=[job.pk, name]), title) for title, name in files.items() if name in existing]
    return format_html_join(" · ", '<a href="{}">{}</a>', links) or NOTHING


def portrait(job: Job) -> SafeString | str:
    if not job.portrait_digest:
        return "None: the fallback card is shown"
    url = reverse("portrait_file", args=[job.portrait_digest])
    return format_html('<a href="{0}"><img class="lectern-portrait" src="{0}" alt="Portrait" loading="lazy"></a>', url)


def clip_text(clip: Clip) -> SafeString:
    return format_html('<span class="lectern-text">{}</span>', clip.text or f"pause of {clip.pause_seconds:g} s")


def clip_state(clip: Clip) -> SafeString:
    state = badge(clip.state, clip.get_state_display())
    marks = [("fallback", clip.is_fallback), ("from cache", clip.cached)]
    return format_html("{} {}", state, ", ".join(name for name, applies in marks if applies))


def clip_video(clip: Clip) -> SafeString | str:
    if clip.state != ClipState.DONE:
        return NOTHING
    url = reverse("job_clip", args=[clip.job_id, clip.index])
    return format_html('<a href="{}">{} s</a>', url, f"{clip.video_seconds or 0:.2f}")


def attempts(clip: Clip) -> SafeString | str:
    """Return the latest attempts at a clip; failed ones with the end of the renderer's log. The clip has its attempts
    as ``latest_attempts``, the newest first, and how many there were as ``attempt_count``."""
    latest: list[Attempt] = clip.latest_attempts  # type: ignore[attr-defined]
    earlier: int = clip.attempt_count - len(latest)  # type: ignore[attr-defined]
    lines = [_attempt(number, attempt) for number, attempt in enumerate(reversed(latest), start=earlier + 1)]
    if earlier:
        lines.insert(0, format_html("<div>{} earlier attempts</div>", f"{earlier:,}"))
    return format_html_join("", "{}", ((line,) for line in lines)) or NOTHING


def _attempt(number: int, attempt: Attempt) -> SafeString:
    outcome = attempt.get_outcome_display() or "Running"
    took = between(attempt.started_at, attempt.finished_at)
    head = f"{number}. {outcome} after {took}" + (f" in {attempt.stage}" if attempt.stage else "")
    if attempt.outcome in (AttemptOutcome.DONE, AttemptOutcome.RELEASED, ""):
        return format_html('<div title="{}">{}</div>', attempt.worker, head)
    details = "\n".join(
        line
        for line in (
            f"worker {attempt.worker}, renderer process {attempt.renderer_pid or 'unknown'}",
            f"{attempt.error_code}: {attempt.error_message}" if attempt.error_code else "",
            attempt.log_tail,
        )
        if line
    )
    return format_html("<div>{}</div>", folded(head, details))
