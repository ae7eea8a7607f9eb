"""Courses, their lessons, enrolments, and the progress of each student."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse

from talking_head import profiles


class Course(models.Model):
    """A course of one teacher: lessons, and the students who may watch them."""

    title = models.CharField(max_length=200)
    slug = models.SlugField(max_length=200, unique=True)
    description = models.TextField(blank=True)
    teacher = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="courses_taught")
    students = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Enrolment", related_name="courses_taken")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the URL of the course's page."""
        return reverse("course_detail", args=[self.slug])


class Enrolment(models.Model):
    """A student's place in a course."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="enrolments")
    student = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="enrolments")
    enrolled_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["course", "student"], name="one_enrolment_per_student")]

    def __str__(self) -> str:
        return f"{self.student} in {self.course}"


class Invitation(models.Model):
    """A user name that a teacher typed, until the user of that name answers; perhaps no user has it.

    ``declined_at`` is the student's own: for the teacher the invitation waits on, as it would without such a user.
    """

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="invitations")
    username = models.CharField(max_length=150)
    invited_at = models.DateTimeField(auto_now_add=True)
    declined_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["username"]
        constraints = [models.UniqueConstraint(fields=["course", "username"], name="one_invitation_per_user_name")]
        indexes = [models.Index(fields=["username"], name="invitation_username")]

    def __str__(self) -> str:
        return f"{self.username} to {self.course}"


class LiveLessons(models.Manager["Lesson"]):
    """The lessons that are not deleted: what every page, list and rule reads."""

    def get_queryset(self) -> models.QuerySet[Lesson]:
        return super().get_queryset().filter(deleted_at=None)


class Lesson(models.Model):
    """A text that is read aloud, and the video that currently shows it.

    ``objects`` and a course's ``lessons`` leave out deleted ones.

    ``version`` rises with every change that would alter the video; a finished render becomes current only if it was
    made for the version that is still current.
    """

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="lessons")
    position = models.PositiveIntegerField(default=0)
    title = models.CharField(max_length=200)
    script = models.TextField(blank=True)
    language = models.CharField(max_length=20, default="en")
    portrait = models.ForeignKey("avatars.Portrait", null=True, blank=True, on_delete=models.SET_NULL)
    voice = models.CharField(max_length=100, blank=True)
    speed = models.FloatField(default=1.0, validators=[MinValueValidator(0.5), MaxValueValidator(2.0)])
    narration = models.UUIDField(null=True, blank=True)  # the teacher's own recording; without one the voice speaks
    profile = models.CharField(
        max_length=20,
        default=profiles.DEFAULT_PROFILE,
        choices=[(name, name.title()) for name in profiles.ASKABLE_PROFILES],
    )
    version = models.PositiveIntegerField(default=1)
    latest_job = models.UUIDField(null=True, blank=True)  # the render requested last, in any state
    current_job = models.UUIDField(null=True, blank=True)  # the render that students watch
    is_published = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)  # for an hour it can be restored

    objects = LiveLessons()
    with_deleted: models.Manager[Lesson] = models.Manager()

    class Meta:
        ordering = ["course", "position", "id"]
        permissions = [("publish_lesson", "Can show lessons to students and hide them")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the URL of the page where the lesson is watched."""
        return reverse("lesson_detail", args=[self.course.slug, self.pk])


class Progress(models.Model):
    """The progress of a student in a lesson."""

    lesson = models.ForeignKey(Lesson, on_delete=models.CASCADE, related_name="progress")
    student = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="progress")
    position_seconds = models.FloatField(default=0.0)
    watched = models.JSONField(null=True, blank=True)  # [[from, to], ...] in seconds, in order and apart
    completed_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lesson", "student"], name="one_progress_per_student")]
        verbose_name_plural = "progress"

    def __str__(self) -> str:
        return f"{self.student}: {self.lesson} at {self.position_seconds:.0f} s"
