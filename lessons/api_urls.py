"""URLs under ``/api/``."""

from __future__ import annotations

from django.urls import path

from lessons import api

urlpatterns = [
    path("courses/", api.CourseList.as_view(), name="api_course_list"),
    path("courses/<slug:slug>/", api.CourseDetail.as_view(), name="api_course_detail"),
    path("courses/<slug:slug>/lessons/", api.LessonList.as_view(), name="api_lesson_list"),
    path("lessons/<int:pk>/", api.LessonDetail.as_view(), name="api_lesson_detail"),
    path("lessons/<int:pk>/generate", api.LessonGenerate.as_view(), name="api_lesson_generate"),
    path("lessons/<int:pk>/publish", api.LessonPublish.as_view(), name="api_lesson_publish"),
    path("lessons/<int:pk>/use-video", api.LessonUseVideo.as_view(), name="api_lesson_use_video"),
]
