"""URLs of the pages about portraits and voices."""

from __future__ import annotations

from django.urls import path

from avatars.views import portraits as views
from avatars.views import voices

urlpatterns = [
    path("portraits/", views.portrait_list, name="portrait_list"),
    path("portraits/new/", views.portrait_upload, name="portrait_upload"),
    path("portraits/check/", views.portrait_check, name="portrait_check"),
    path("portraits/<int:pk>/edit/", views.portrait_edit, name="portrait_edit"),
    path("portraits/<int:pk>/thumbnail.jpg", views.portrait_thumbnail, name="portrait_thumbnail"),
    path("portraits/<int:pk>/delete/", views.portrait_delete, name="portrait_delete"),
    path("portraits/<int:pk>/undelete/", views.portrait_undelete, name="portrait_undelete"),
    path("portraits/<int:pk>/keep-videos/", views.portrait_keep_videos, name="portrait_keep_videos"),
    path("portraits/<int:pk>/withdraw/", views.portrait_withdraw, name="portrait_withdraw"),
    path("voices/", voices.voice_list, name="voice_samples"),
    path("voices/new/", voices.voice_upload, name="voice_sample_upload"),
    path("voices/<int:pk>/withdraw/", voices.voice_withdraw, name="voice_sample_withdraw"),
    path("voices/<int:pk>/keep-videos/", voices.voice_keep_videos, name="voice_keep_videos"),
]
