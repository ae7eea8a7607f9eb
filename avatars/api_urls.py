"""URLs under ``/api/``."""

from __future__ import annotations

from django.urls import path

from avatars import api

urlpatterns = [
    path("avatars/", api.AvatarList.as_view(), name="api_avatar_list"),
    path("avatars/<int:pk>/", api.AvatarDetail.as_view(), name="api_avatar_detail"),
]
