"""URLs of the pages."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from lessons.views import courses, editor, home, player, students

LESSON = "courses/<slug:slug>/lessons/<int:pk>/"

urlpatterns = [
    path("", home.home, name="home"),
    path("accounts/login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("courses/", home.course_list, name="course_list"),
    path("courses/new/", courses.course_create, name="course_create"),
    path("courses/<slug:slug>/", courses.course_detail, name="course_detail"),
    path("courses/<slug:slug>/edit/", courses.course_edit, name="course_edit"),
    path("courses/<slug:slug>/students/", students.course_students, name="course_students"),
    path("courses/<slug:slug>/students/add/", students.enrolment_add, name="enrolment_add"),
    path("courses/<slug:slug>/students/<int:student_id>/remove/", students.enrolment_remove, name="enrolment_remove"),
    path(
        "courses/<slug:slug>/invitations/<int:invitation_id>/withdraw/",
        students.invitation_withdraw,
        name="invitation_withdraw",
    ),
    path("invitations/<int:invitation_id>/", students.invitation_answer, name="invitation_answer"),
    path("courses/<slug:slug>/lessons/", courses.lesson_create, name="lesson_create"),
    path(LESSON, player.lesson_detail, name="lesson_detail"),
    path(f"{LESSON}edit/", editor.lesson_edit, name="lesson_edit"),
    path(f"{LESSON}forecast/", editor.lesson_forecast, name="lesson_forecast"),
    path(f"{LESSON}cancel/", editor.lesson_cancel, name="lesson_cancel"),
    path(f"{LESSON}move/", courses.lesson_move, name="lesson_move"),
    path(f"{LESSON}publish/", courses.lesson_publish, name="lesson_publish"),
    path(f"{LESSON}video/", courses.lesson_video, name="lesson_video"),
    path(f"{LESSON}delete/", courses.lesson_delete, name="lesson_delete"),
    path(f"{LESSON}undelete/", courses.lesson_undelete, name="lesson_undelete"),
    path(f"{LESSON}progress/", player.lesson_progress, name="lesson_progress"),
]
