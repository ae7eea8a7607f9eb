"""``/api/courses/`` and ``/api/lessons/``: the pages' operations for programs. Access: :mod:`lessons.permissions`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from avatars.services import portraits as avatars
from edu_platform.people import require_teacher, signed_in_user
from lessons import permissions as rules
from lessons import services
from lessons.models import Course, Lesson
from lessons.publication import all_as_published, as_published
from talking_head import services as rendering
from talking_head.api.pagination import PAGE, LinkedPages
from talking_head.api.parsers import Utf8JSONParser, Utf8MultiPartParser
from talking_head.api.requests import RequestSerializer, refuse_all_fields
from talking_head.api.schema import answers
from talking_head.api.serializers import MAX_SCRIPT_CHARACTERS, JobSerializer, RetrySerializer
from talking_head.errors import InvalidInput, OptionError, PortraitError
from talking_head.profiles import ASKABLE_PROFILES

DEFAULT_LANGUAGE = "en"
LESSONS_OF_COURSE = 50  # in the answer about a course


class CourseSerializer(serializers.ModelSerializer):
    teacher = serializers.CharField(source="teacher.username")

    class Meta:
        model = Course
        fields = ["slug", "title", "description", "teacher", "created_at"]


class LessonRowSerializer(serializers.ModelSerializer):
    class Meta:
        model = Lesson
        fields = ["id", "title", "position", "is_published", "updated_at"]


class CourseDetailSerializer(CourseSerializer):
    """A course with the first lessons that the caller may open; ``/api/courses/<slug>/lessons/`` lists all of them."""

    lessons = LessonRowSerializer(many=True, help_text=f"At most {LESSONS_OF_COURSE}.")
    lesson_count = serializers.IntegerField(help_text="Of all lessons that the caller may open.")

    class Meta(CourseSerializer.Meta):
        fields = [*CourseSerializer.Meta.fields, "lessons", "lesson_count"]


class NewCourseSerializer(RequestSerializer):
    title = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True, default="")


class NewLessonSerializer(RequestSerializer):
    title = serializers.CharField(max_length=200)


class LessonSerializer(serializers.ModelSerializer):
    """A lesson. ``current_job`` is the video that students watch, ``latest_job`` the render requested last,
    ``held_back_job`` one with still pictures that waits for the teacher's word, because the current one is complete.
    Callers who cannot change the lesson see title, text and settings of the published video; for them the last two are
    null, and so is what is still being written.
    """

    course = serializers.SlugField(source="course.slug")
    latest_job = serializers.UUIDField(allow_null=True)
    held_back_job = serializers.SerializerMethodField()

    class Meta:
        model = Lesson
        fields = [
            "id", "course", "title", "script", "language", "portrait", "voice", "speed", "narration", "profile",
            "version", "current_job", "latest_job", "held_back_job", "is_published", "updated_at",
        ]  # fmt: skip

    def get_held_back_job(self, lesson: Lesson) -> uuid.UUID | None:
        """Return the id of the render that waits for the teacher's word."""
        job = services.held_back_job_of(lesson)
        return job.pk if job else None


class LessonChangeSerializer(RequestSerializer):
    title = serializers.CharField(max_length=200, required=False)
    script = serializers.CharField(
        max_length=MAX_SCRIPT_CHARACTERS, required=False, allow_blank=True, trim_whitespace=False
    )
    portrait = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**63 - 1)
    voice = serializers.CharField(max_length=100, required=False, allow_blank=True)
    speed = serializers.FloatField(required=False, min_value=0.5, max_value=2.0)
    narration = serializers.UUIDField(
        required=False, allow_null=True, help_text="A recording of /api/narrations/ instead of a voice."
    )
    profile = serializers.ChoiceField(
        ASKABLE_PROFILES,
        required=False,
        # Without the value: a lone surrogate in it could not be sent back.
        error_messages={"invalid_choice": f"Choose one of: {', '.join(ASKABLE_PROFILES)}."},
    )
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="The version that was read; 409 if the lesson has changed since."
    )


class PublishSerializer(RequestSerializer):
    is_published = serializers.BooleanField()


class CourseList(generics.ListAPIView):
    """Courses that the caller teaches or takes."""

    serializer_class = CourseSerializer

    def get_queryset(self) -> QuerySet[Course]:
        return rules.courses_visible_to(self.request.user).select_related("teacher").order_by("title", "pk")

    @extend_schema(responses=answers(CourseSerializer(many=True)))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=NewCourseSerializer, responses=answers(CourseSerializer, status.HTTP_201_CREATED))
    def post(self, request: Request) -> Response:
        """Create a course; for teachers."""
        user = require_teacher(request.user, "Only teachers can create courses.")
        values = _checked(NewCourseSerializer, request)
        course = services.create_course(user, **values)
        return Response(CourseSerializer(course).data, status=status.HTTP_201_CREATED)


class CourseDetail(APIView):
    """One course and its lessons."""

    @extend_schema(responses=answers(CourseDetailSerializer))
    def get(self, request: Request, slug: str) -> Response:
        course = _visible_course(request, slug)
        lessons = _lessons_for(request, course)
        rows = _as_seen_by(request, course, lessons[:LESSONS_OF_COURSE])
        lesson_rows = LessonRowSerializer(rows, many=True).data
        return Response({**CourseSerializer(course).data, "lessons": lesson_rows, "lesson_count": lessons.count()})


class LessonList(APIView):
    """The lessons of a course."""

    @extend_schema(parameters=[PAGE], responses=answers(LessonRowSerializer(many=True)))
    def get(self, request: Request, slug: str) -> Response:
        """List the lessons that the caller may open, in their order."""
        course = _visible_course(request, slug)
        pages = LinkedPages()
        lessons = pages.paginate_queryset(_lessons_for(request, course), request, view=self)
        return pages.get_paginated_response(
            LessonRowSerializer(_as_seen_by(request, course, lessons or []), many=True).data
        )

    @extend_schema(request=NewLessonSerializer, responses=answers(LessonSerializer, status.HTTP_201_CREATED))
    def post(self, request: Request, slug: str) -> Response:
        """Add a lesson to a course."""
        course = _visible_course(request, slug)
        if not rules.may(request.user, course, rules.ADD_LESSON):
            raise PermissionDenied("Only the teacher of a course can change it.")
        lesson = services.add_lesson(course, _checked(NewLessonSerializer, request)["title"])
        return Response(LessonSerializer(lesson).data, status=status.HTTP_201_CREATED)


class LessonDetail(APIView):
    """One lesson."""

    @extend_schema(responses=answers(LessonSerializer))
    def get(self, request: Request, pk: int) -> Response:
        lesson = _visible_lesson(request, pk)
        if not rules.may_manage(request.user, lesson.course):
            lesson = as_published(lesson, services.current_job_of(lesson))
        return Response(LessonSerializer(lesson).data)

    @extend_schema(request=LessonChangeSerializer, responses=answers(LessonSerializer))
    def patch(self, request: Request, pk: int) -> Response:
        """Change the given fields. The video stays the same until the next one is generated."""
        lesson = _own_lesson(request, pk)
        values = _checked(LessonChangeSerializer, request)
        expected_version = values.pop("version", None)
        if "portrait" in values:
            values["portrait_id"] = _usable_portrait_id(request, values.pop("portrait"))
        if "voice" in values:
            values["language"] = _language_of(values["voice"], lesson)
        if values.get("narration") and not services.may_use_narration(request.user, lesson, values["narration"]):
            raise InvalidInput("There is no such recording.", code="unknown_narration", hint="Upload it again.")
        changed = services.change_lesson(lesson, expected_version=expected_version, **values)
        return Response(LessonSerializer(changed).data)

    @extend_schema(responses=answers(None, status.HTTP_204_NO_CONTENT))
    def delete(self, request: Request, pk: int) -> Response:
        services.delete_lesson(_own_lesson(request, pk, rules.DELETE_LESSON))
        return Response(status=status.HTTP_204_NO_CONTENT)


class LessonGenerate(APIView):
    """Rendering of a lesson's current version; a render of it that already runs is returned, not repeated."""

    throttle_scope = "jobs"

    @extend_schema(request=RetrySerializer, responses=answers(JobSerializer, status.HTTP_201_CREATED))
    def post(self, request: Request, pk: int) -> Response:
        lesson = _own_lesson(request, pk)
        profile = _checked(RetrySerializer, request).get("profile")
        job = services.generate_video(lesson, signed_in_user(request.user), profile)
        return Response(rendering.job_snapshot(job), status=status.HTTP_201_CREATED)


class LessonPublish(APIView):
    """Publication of a lesson to the students of its course."""

    @extend_schema(request=PublishSerializer, responses=answers(LessonSerializer))
    def post(self, request: Request, pk: int) -> Response:
        lesson = _own_lesson(request, pk, rules.PUBLISH_LESSON)
        services.set_published(lesson, _checked(PublishSerializer, request)["is_published"])
        lesson.refresh_from_db()
        return Response(LessonSerializer(lesson).data)


class LessonUseVideo(APIView):
    """The teacher's word that students shall see a video with still pictures instead of the complete one."""

    parser_classes = [Utf8JSONParser, Utf8MultiPartParser, FormParser]  # to see that there are no fields in any form

    @extend_schema(request=None, responses=answers(LessonSerializer))
    def post(self, request: Request, pk: int) -> Response:
        """Let students watch the video that was held back."""
        lesson = _own_lesson(request, pk)
        refuse_all_fields(request.data)
        services.use_held_back_video(lesson)
        lesson.refresh_from_db()
        return Response(LessonSerializer(lesson).data)


def _checked(form_class: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    form = form_class(data=request.data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def _lessons_for(request: Request, course: Course) -> QuerySet[Lesson]:
    """Return the lessons of a course that the caller may open."""
    lessons = course.lessons.defer("script").order_by("position", "pk")
    if rules.may_manage(request.user, course):
        return lessons
    return lessons.filter(is_published=True).exclude(rules.with_hidden_video())


def _as_seen_by(request: Request, course: Course, lessons: Iterable[Lesson]) -> list[Lesson]:
    return list(lessons) if rules.may_manage(request.user, course) else all_as_published(lessons)


def _visible_course(request: Request, slug: str) -> Course:
    course = rules.courses_visible_to(request.user).select_related("teacher").filter(slug=slug).first()
    if course is None:
        raise Http404
    return course


def _visible_lesson(request: Request, pk: int) -> Lesson:
    lesson = Lesson.objects.select_related("course__teacher").filter(pk=pk).first()
    if lesson is None or not rules.may_watch(request.user, lesson):
        raise Http404
    return lesson


def _own_lesson(request: Request, pk: int, permission: str = rules.CHANGE_LESSON) -> Lesson:
    lesson = _visible_lesson(request, pk)
    if not rules.may(request.user, lesson.course, permission):
        raise PermissionDenied("Only the teacher of a course can change its lessons.")
    return lesson


def _usable_portrait_id(request: Request, pk: int | None) -> int | None:
    if pk is not None and not avatars.portraits_usable_by(signed_in_user(request.user)).filter(pk=pk).exists():
        raise PortraitError("There is no such portrait.", code="unknown_portrait", hint="Choose one of /api/avatars/.")
    return pk


def _language_of(voice: str, lesson: Lesson) -> str:
    """Return the language that a voice speaks; "" is the default voice."""
    voices = {known.name: known.language for known in rendering.voices_for(lesson.course.teacher)}
    if voice and voice not in voices:
        if rendering.voice_sample_digest(voice):
            raise rendering.voice_withdrawn()
        raise OptionError(f"There is no voice “{voice}”.", code="unknown_voice", hint="Choose one of /api/voices/.")
    return voices.get(voice, DEFAULT_LANGUAGE)
