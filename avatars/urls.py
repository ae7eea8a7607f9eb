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
    path("voices/", voices.voice_list, name="voice_samples"),
    path("voices/new/", voices.voice_upload, name="voice_sample_upload"),
    path("voices/<int:pk>/withdraw/", voices.voice_withdraw, name="voice_sample_withdraw"),
]
