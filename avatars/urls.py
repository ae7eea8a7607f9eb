"""Addresses of the portrait pages."""

from __future__ import annotations

from django.urls import path

from avatars import views

urlpatterns = [
    path("portraits/", views.portrait_list, name="portrait_list"),
    path("portraits/new/", views.portrait_upload, name="portrait_upload"),
    path("portraits/check/", views.portrait_check, name="portrait_check"),
    path("portraits/<int:pk>/edit/", views.portrait_edit, name="portrait_edit"),
    path("portraits/<int:pk>/thumbnail.jpg", views.portrait_thumbnail, name="portrait_thumbnail"),
    path("portraits/<int:pk>/delete/", views.portrait_delete, name="portrait_delete"),
    path("portraits/<int:pk>/undelete/", views.portrait_undelete, name="portrait_undelete"),
]
