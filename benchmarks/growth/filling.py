"""Fills a site with as many rows as asked: courses, students, jobs, portraits, and what administrators look through.

Rows are inserted in bulk and have the shape that the site itself would give them; nothing is rendered.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import islice
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from avatars.models import Portrait, VoiceSample
from edu_platform.people import TEACHERS_GROUP
from lessons.models import Course, Enrolment, Invitation, Lesson, Progress
from talking_head.models import (
    ActionVerb,
    Attempt,
    AttemptOutcome,
    Clip,
    ClipState,
    Job,
    JobAction,
    JobState,
    Narration,
    NarrationState,
    Quota,
)

BATCH = 2_000
SENTENCE = "Leaves make sugar out of light, and the tree lives on it. "
SCRIPT = SENTENCE * 12
# How jobs end, in turn: most as requested. An unfinished one is in none of them, because that would be work to do.
ENDS = (JobState.COMPLETED,) * 15 + (JobState.FALLBACK,) * 2 + (JobState.FAILED,) * 2 + (JobState.CANCELLED,)
VOICE_LIMIT = 50
_ENGINES = {"speech": "hibari", "face": "puppet", "profile": "balanced", "timeout_seconds": 600.0}
_CONSENT = {"consent_statement": "I agree.", "consent_given_by": "The person shown"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything a site holds."""

    courses: int
    lessons: int  # of one course
    other_lessons: int  # of all other courses
    students: int  # of that course
    other_enrolments: int
    jobs: int
    clips: int  # of every job
    sentences: int  # of one job with a video, and of one that failed
    attempts: int  # at the first sentence of the job that failed
    personal: int  # portraits and voices of a user, by state; rows of the audit log, quotas and tokens

    @classmethod
    def of_scale(cls, scale: int) -> Sizes:
        """Return the sizes of a benchmark: at 100 a large school, at 1 a teacher who tries it out."""
        return cls(
            courses=2 * scale,
            lessons=scale,
            other_lessons=49 * scale,
            students=50 * scale,
            other_enrolments=450 * scale,
            jobs=200 * scale,
            clips=2,
            sentences=min(10 * scale, 1_000),
            attempts=min(scale, 100),
            personal=5 * scale,
        )

    @classmethod
    def of_every_list(cls, length: int, *, sentences: int) -> Sizes:
        """Return sizes that give every list ``length`` entries."""
        return cls(
            courses=length,
            lessons=length,
            other_lessons=length,
            students=length,
            other_enrolments=length,
            jobs=6 * length,
            clips=1,
            sentences=sentences,
            attempts=length,
            personal=length,
        )


@dataclass(frozen=True, slots=True)
class Site:
    """The rows that measurements and tests ask for: those with the long lists."""

    administrator: User
    teacher: User
    student: User
    course: Course
    lesson: Lesson  # with the long video
    failed_job: Job
    portrait: Portrait
    voice: VoiceSample
    narration: Narration


def fill(sizes: Sizes) -> Site:
    """Fill a site; a second call fills up to the greater sizes and returns the same rows."""
    administrator, teacher, student = _people()
    students = _users("student", sizes.students)
    teachers = _users("teacher", sizes.personal)
    courses = _courses(teacher, sizes.courses)
    _enrolments(student, students, courses, sizes)
    _invitations(student, courses, sizes.personal)
    lessons = _lessons(courses, sizes)
    jobs = _jobs(teacher, sizes.jobs)
    _clips(jobs, sizes.clips)
    _show(lessons, jobs)
    film, failed = _long_jobs(teacher, sizes)
    lesson = courses[0].lessons.earliest("position", "pk")
    Lesson.objects.filter(pk=lesson.pk).update(current_job=film.pk, latest_job=film.pk)
    lesson.refresh_from_db()
    _progress(student, students, courses[0], lesson)
    portrait, voice = _portraits(teacher, teachers, sizes.personal), _voices(teacher, sizes.personal)
    _records(administrator, teachers, courses[0], failed, sizes.personal)
    narration = _narration(teacher)
    return Site(administrator, teacher, student, courses[0], lesson, failed, portrait, voice, narration)


def _missing(rows: Any, size: int) -> range:
    """Return the numbers of the rows that a table still lacks."""
    return range(rows.count(), size)


def _store(rows: Iterable[Any]) -> None:
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH)):
        type(batch[0])._default_manager.bulk_create(batch)


# --- people and courses ----------------------------------------------------------------------------------------------


def _people() -> tuple[User, User, User]:
    is_admin = {"is_staff": True, "is_superuser": True}
    administrator = User.objects.get_or_create(username="growth-administrator", defaults=is_admin)[0]
    teacher = User.objects.get_or_create(username="growth-teacher")[0]
    teacher.groups.add(Group.objects.get_or_create(name=TEACHERS_GROUP)[0])
    student = User.objects.get_or_create(username="growth-student")[0]
    return administrator, teacher, student


def _users(kind: str, size: int) -> list[User]:
    known = User.objects.filter(username__startswith=f"{kind}-")
    _store(
        User(username=f"{kind}-{number:06d}", first_name="Maria", last_name=f"Example {number:06d}", password="!")
        for number in _missing(known, size)
    )
    return list(known.order_by("username"))


def _courses(teacher: User, size: int) -> list[Course]:
    known = Course.objects.filter(teacher=teacher)
    _store(
        Course(teacher=teacher, title=f"Course {number:06d}", slug=f"course-{number:06d}", description=SENTENCE)
        for number in _missing(known, size)
    )
    return list(known.order_by("slug"))


def _enrolments(student: User, students: Sequence[User], courses: Sequence[Course], sizes: Sizes) -> None:
    pairs = [(courses[0].pk, person.pk) for person in students] + [(course.pk, student.pk) for course in courses]
    others = courses[1:] or courses
    pairs += [
        (others[number % len(others)].pk, students[number // len(others) % len(students)].pk)
        for number in range(sizes.other_enrolments)
    ]
    known = set(Enrolment.objects.values_list("course_id", "student_id"))
    _store(
        Enrolment(course_id=course, student_id=person)
        for course, person in dict.fromkeys(pairs)
        if (course, person) not in known
    )


def _invitations(student: User, courses: Sequence[Course], size: int) -> None:
    _store(
        Invitation(course=courses[0], username=f"invited-{number:06d}")
        for number in _missing(courses[0].invitations.filter(username__startswith="invited-"), size)
    )
    mine = Invitation.objects.filter(username=student.username)
    invited = set(mine.values_list("course_id", flat=True))
    _store(Invitation(course=course, username=student.username) for course in courses if course.pk not in invited)


def _lessons(courses: Sequence[Course], sizes: Sizes) -> list[Lesson]:
    def lesson(course: Course, number: int) -> Lesson:
        return Lesson(
            course=course,
            position=number,
            title=f"Lesson {number:06d}",
            script=SCRIPT,
            language="en",
            is_published=True,
        )

    _store(lesson(courses[0], number) for number in _missing(courses[0].lessons, sizes.lessons))
    others = courses[1:] or courses
    elsewhere = Lesson.objects.exclude(course=courses[0])
    if len(others) > 1 or others[0] != courses[0]:
        _store(lesson(others[number % len(others)], number) for number in _missing(elsewhere, sizes.other_lessons))
    return list(Lesson.objects.order_by("pk").only("pk", "course_id", "current_job", "latest_job", "version"))


# --- jobs ------------------------------------------------------------------------------------------------------------


def _jobs(teacher: User, size: int) -> list[Job]:
    """Store jobs of the last 29 days, the newest last."""
    known = Job.objects.filter(title__startswith="Video ")
    now = timezone.now()
    numbers = _missing(known, size)
    _store(_job(teacher, number, now - timedelta(days=29) * (1 - number / size)) for number in numbers)
    created = {number: now - timedelta(days=29) * (1 - number / size) for number in numbers}
    fresh = list(known.filter(title__in=[f"Video {number:06d}" for number in numbers])) if size < 1_000 else list(known)
    for job in fresh:  # auto_now_add has written the present
        number = int(job.title.removeprefix("Video "))
        job.created_at = created.get(number, job.created_at)
    for start in range(0, len(fresh), BATCH):
        Job.objects.bulk_update(fresh[start : start + BATCH], ["created_at"], batch_size=200)
    return list(known.order_by("title").only("pk", "state", "title"))


def _job(teacher: User, number: int, asked_at: Any) -> Job:
    state = ENDS[number % len(ENDS)]
    is_wrong = state in (JobState.FAILED, JobState.FALLBACK)
    return Job(
        owner=teacher,
        title=f"Video {number:06d}",
        script=SCRIPT,
        subject=f"growth:{number}",
        subject_version="1",
        state=state,
        started_at=asked_at + timedelta(seconds=2),
        finished_at=asked_at + timedelta(seconds=30 + number % 60),
        video_seconds=20.0,
        error_code="renderer_crashed" if is_wrong else "",
        error_message="The renderer process ended." if is_wrong else "",
        **_ENGINES,
    )


def _clips(jobs: Sequence[Job], size: int) -> None:
    known = set(Clip.objects.filter(job__title__startswith="Video ").values_list("job_id", flat=True))
    fresh = [job for job in jobs if job.pk not in known]
    _store(_clip(job, index) for job in fresh for index in range(size))
    clips = Clip.objects.filter(job__title__startswith="Video ", attempts=None).only("pk")
    _store([_attempt(clip, AttemptOutcome.DONE) for clip in clips])
    asked_at = Job.objects.filter(clips=OuterRef("clip")).values("created_at")[:1]
    begun = Attempt.objects.filter(clip__job__title__startswith="Video ")  # auto_now_add has written the present
    Attempt.objects.filter(pk__in=begun.values("pk")).update(started_at=Subquery(asked_at))


def _clip(job: Job, index: int, **values: Any) -> Clip:
    start = index * len(SENTENCE)
    result = {"state": ClipState.DONE, "video_seconds": 2.56, "render_seconds": 0.4, "clip_key": uuid.uuid4().hex}
    text = f"Sentence {index:06d}: leaves make sugar out of light."
    return Clip(
        job=job, index=index, text=text, spoken=text, start=start, end=start + len(SENTENCE), turn=None,
        stages={"speech": 0.1, "motion": 0.1, "frames": 0.2}, **{**result, **values},
    )  # fmt: skip


def _attempt(clip: Clip, outcome: str, **values: Any) -> Attempt:
    return Attempt(
        clip=clip, fence=1, worker="worker-1", outcome=outcome, stage="frames", cpu_seconds=0.4, wall_seconds=0.5,
        rss_peak_bytes=500_000_000, finished_at=timezone.now(), **values,
    )  # fmt: skip


def _show(lessons: Sequence[Lesson], jobs: Sequence[Job]) -> None:
    """Give every lesson a finished video, as long as there are enough of them."""
    finished = [job for job in jobs if job.state == JobState.COMPLETED]
    fresh = []
    for lesson, job in zip(lessons, finished, strict=False):
        if lesson.current_job is None:
            lesson.current_job = lesson.latest_job = job.pk
            fresh.append(lesson)
    Lesson.objects.bulk_update(fresh, ["current_job", "latest_job"], batch_size=200)


def _long_jobs(teacher: User, sizes: Sizes) -> tuple[Job, Job]:
    """Store a finished video with many sentences, and one that failed at all of them."""
    values = {"owner": teacher, "script": SENTENCE * sizes.sentences, "finished_at": timezone.now(), **_ENGINES}
    ends: dict[str, dict[str, Any]] = {
        "Long": {"state": JobState.COMPLETED, "video_seconds": 2.56 * sizes.sentences},
        "Failed": {"state": JobState.FAILED, "error_code": "renderer_crashed", "error_message": "It ended."},
    }
    film, failed = (
        Job.objects.update_or_create(title=title, defaults={**values, **end})[0] for title, end in ends.items()
    )
    _store(_clip(film, index) for index in _missing(film.clips, sizes.sentences))
    broken = {"state": ClipState.FAILED, "error_code": "renderer_crashed", "error_message": "It ended.", "clip_key": ""}
    _store(_clip(failed, index, **broken) for index in _missing(failed.clips, sizes.sentences))
    clip = failed.clips.earliest("index")
    error = {"error_code": "renderer_crashed", "error_message": "It ended.", "log_tail": "A line of the log.\n" * 10}
    _store(_attempt(clip, AttemptOutcome.CRASHED, **error) for _ in _missing(clip.attempts, sizes.attempts))
    return film, failed


# --- students' progress, portraits, voices, records ------------------------------------------------------------------


def _progress(student: User, students: Sequence[User], course: Course, lesson: Lesson) -> None:
    known = set(Progress.objects.values_list("lesson_id", "student_id"))
    pairs = [(lesson.pk, person.pk) for person in students]
    pairs += [(pk, student.pk) for pk in course.lessons.values_list("pk", flat=True)]
    _store(
        Progress(lesson_id=lesson_id, student_id=person, position_seconds=10.0, watched=[[0, 10]])
        for lesson_id, person in pairs
        if (lesson_id, person) not in known
    )


def _portraits(teacher: User, teachers: Sequence[User], size: int) -> Portrait:
    def portrait(owner: User, kind: str, number: int, **values: Any) -> Portrait:
        digest = sha256(f"{kind} {number}".encode()).hexdigest()
        name = f"{kind} {number:06d}"
        return Portrait(owner=owner, name=name, digest=digest, width_px=512, height_px=512, **_CONSENT, **values)

    ended = {"deleted_at": timezone.now() - timedelta(days=1), "purged_at": timezone.now()}
    own = Portrait.objects.filter(name__startswith="Own ")
    _store(portrait(teacher, "Own", number) for number in _missing(own, size))
    shared = Portrait.objects.filter(name__startswith="Shared ")
    _store(portrait(teachers[number], "Shared", number, is_shared=True) for number in _missing(shared, size))
    gone = Portrait.objects.filter(name__startswith="Withdrawn ")
    _store(portrait(teacher, "Withdrawn", number, **ended) for number in _missing(gone, size))
    return own.earliest("pk")


def _voices(teacher: User, size: int) -> VoiceSample:
    def voice(kind: str, number: int, **values: Any) -> VoiceSample:
        digest = sha256(f"{kind} {number}".encode()).hexdigest()
        name = f"{kind} {number:06d}"
        return VoiceSample(
            owner=teacher, name=name, digest=digest, language="en", duration_seconds=12.0, **_CONSENT, **values
        )

    own = VoiceSample.objects.filter(name__startswith="Own ")
    _store(voice("Own", number) for number in _missing(own, min(size, VOICE_LIMIT)))
    gone = VoiceSample.objects.filter(name__startswith="Withdrawn ")
    _store(voice("Withdrawn", number, withdrawn_at=timezone.now()) for number in _missing(gone, size))
    return own.earliest("pk")


def _records(administrator: User, teachers: Sequence[User], course: Course, job: Job, size: int) -> None:
    """Store what only administrators see: the audit log, quotas, tokens, sign-ins and the history of a course."""
    from axes.models import AccessAttempt, AccessFailureLog, AccessLog
    from rest_framework.authtoken.models import Token

    _store(
        JobAction(
            job=job, job_number=job.pk, actor=administrator, actor_name="growth-administrator", verb=ActionVerb.RETRY
        )
        for _ in _missing(JobAction.objects, size)
    )
    with_quota = set(Quota.objects.values_list("owner_id", flat=True))
    _store(Quota(owner=person) for person in teachers if person.pk not in with_quota)
    with_token = set(Token.objects.values_list("user_id", flat=True))
    _store(Token(user=person, key=uuid.uuid4().hex) for person in teachers if person.pk not in with_token)
    kind = ContentType.objects.get_for_model(Course)
    entry = {"user": administrator, "content_type": kind, "object_id": str(course.pk), "object_repr": str(course)}
    _store(LogEntry(action_flag=CHANGE, **entry) for _ in _missing(LogEntry.objects, size))
    sign_in = {"user_agent": "A browser", "path_info": "/accounts/login/", "ip_address": "192.0.2.1"}
    for model, more in ((AccessAttempt, {"failures_since_start": 1}), (AccessFailureLog, {}), (AccessLog, {})):
        numbers = _missing(model.objects, size)
        _store(model(username=f"guess-{number:06d}", **sign_in, **more) for number in numbers)


def _narration(teacher: User) -> Narration:
    values = {"duration_seconds": 20.0, "state": NarrationState.READY, "text": "Leaves are green."}
    return Narration.objects.get_or_create(owner=teacher, digest=f"{7:064x}", defaults=values)[0]
