"""One site as every kind of person meets it: its rows, its files, and the words that only its teacher may read."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group, Permission, User

from benchmarks.growth.filling import Site, Sizes, fill
from benchmarks.growth.media import fill_results
from lessons.models import Course, Enrolment, Lesson
from talking_head.engines.speech.recognition import TranscriptMetadata
from talking_head.files import local, uploads
from talking_head.files.uploads import UploadKind
from talking_head.models import Clip, Job, JobState
from tests.factories import make_user

if TYPE_CHECKING:
    from uuid import UUID

PEOPLE = ("visitor", "outsider", "enrolled", "other", "owner", "head", "staff", "operator", "superuser")
# The site from three sides: a published lesson with its video; one that was never published, with its video; and the
# published one with the video that is being made of its draft; and one whose teacher has withdrawn portrait and voice.
SIDES = ("published", "unpublished", "draft", "withdrawn")

DRAFT = ("Zeppelindraft", "Zeppelinscript", "Zeppelinface", "Zeppelinvoice", "Zeppelinrecording", "Zeppelinjob")
CLASSMATE = "Zeppelinclassmate"
COURSE = ("Quaggacourse", "Quaggalesson", "Quaggascript")


@dataclass(frozen=True, slots=True)
class School:
    """A site from its four sides, who visits it, and the words that a person may not read anywhere."""

    sides: dict[str, Site]
    people: dict[str, User | None]
    secrets: dict[str, tuple[str, ...]]


def open_school() -> School:
    """Return a small site in which every list has two entries, and everything has files."""
    site = fill(Sizes.of_every_list(2, sentences=2))
    sides = _sides(site)
    drafts = (*DRAFT, CLASSMATE, *(str(video_of(sides[side])) for side in ("unpublished", "draft")))
    secrets = dict.fromkeys(("visitor", "outsider", "other", "staff"), (*drafts, *COURSE))
    return School(sides, _people(site), {**secrets, "enrolled": drafts})


def _people(site: Site) -> dict[str, User | None]:
    head, operator = make_user("head"), make_user("operator", is_staff=True)
    head.groups.add(Group.objects.get(name="Course administrators"))
    operator.user_permissions.add(Permission.objects.get(codename="view_job"))
    return {
        "visitor": None,
        "outsider": make_user("outsider"),
        "enrolled": site.student,
        "other": make_user("other", teacher=True),
        "owner": site.teacher,
        "head": head,
        "staff": make_user("staff", is_staff=True),
        "operator": operator,
        "superuser": site.administrator,
    }


def _sides(site: Site) -> dict[str, Site]:
    Course.objects.filter(pk=site.course.pk).update(title="Quaggacourse", description="Quaggacourse")
    Enrolment.objects.create(course=site.course, student=make_user(CLASSMATE))
    film = Job.objects.get(pk=video_of(site))
    _rewrite(film, "Quaggalesson", "Quaggascript")
    draft, hidden = _copy(film, "draft"), _copy(film, "hidden")
    Job.objects.filter(pk=draft.pk).update(state=JobState.RUNNING)
    type(site.portrait).objects.filter(pk=site.portrait.pk).update(name="Zeppelinface", is_shared=False)
    type(site.voice).objects.filter(pk=site.voice.pk).update(name="Zeppelinvoice")
    transcript = TranscriptMetadata("fake 1", "en", 1.0, 20.0, ()).to_json()
    type(site.narration).objects.filter(pk=site.narration.pk).update(text="Zeppelinrecording", transcript=transcript)
    unpublished = site.course.lessons.exclude(pk=site.lesson.pk).earliest("pk")
    changes = {"title": "Zeppelindraft", "script": "Zeppelinscript.", "portrait": site.portrait, "version": 2}
    changes |= {"voice": f"sample:{site.voice.digest}", "narration": site.narration.pk}
    Lesson.objects.filter(pk__in=(site.lesson.pk, unpublished.pk)).update(**changes)
    Lesson.objects.filter(pk=site.lesson.pk).update(latest_job=draft.pk)
    Lesson.objects.filter(pk=unpublished.pk).update(latest_job=hidden.pk, current_job=hidden.pk, is_published=False)
    for row in (site.course, site.portrait, site.voice, site.narration, site.lesson, unpublished):
        row.refresh_from_db()
    in_work = copy.copy(site.lesson)
    in_work.current_job = draft.pk  # the examples name a lesson's current video; never saved
    return {
        "published": site,
        "unpublished": replace(site, lesson=unpublished),
        "draft": replace(site, lesson=in_work),
        "withdrawn": replace(
            site,
            portrait=site.teacher.portraits.get(name="Withdrawn 000000"),
            voice=site.teacher.voice_samples.get(name="Withdrawn 000000"),
        ),
    }


def _rewrite(job: Job, title: str, text: str) -> None:
    Job.objects.filter(pk=job.pk).update(title=title, script=text, subject_version="1")
    Clip.objects.filter(job=job).update(text=text, spoken=text)


def _copy(film: Job, subject: str) -> Job:
    """Store a job like ``film`` with the words of a draft."""
    job = copy.copy(film)
    job.pk, job.subject, job._state = None, subject, copy.copy(film._state)
    job._state.adding = True
    job.pk = Job._meta.pk.get_default()
    job.save(force_insert=True)
    for clip in film.clips.all():
        clip.pk, clip.job, clip._state.adding = None, job, True
        clip.save(force_insert=True)
    _rewrite(job, "Zeppelinjob", "Zeppelinscript")
    return job


def video_of(site: Site) -> UUID:
    """Return the job whose video the lesson of this side shows."""
    assert site.lesson.current_job is not None
    return site.lesson.current_job


def write_files(sides: dict[str, Site]) -> None:
    """Store every file that the rows name; again after requests that may have deleted some."""
    for site in sides.values():
        fill_results(video_of(site))
        for clip in Clip.objects.filter(job=video_of(site)):
            path = local.cache_root() / "clips" / clip.clip_key[:2] / clip.clip_key / "clip.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"clip")
    site = sides["published"]
    for kind, digest in (
        (UploadKind.PORTRAIT, site.portrait.digest),
        (UploadKind.VOICE_SAMPLE, site.voice.digest),
        (UploadKind.NARRATION, site.narration.digest),
    ):
        path = uploads.local_path(kind, digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"upload")
