"""URLs of the renderer: files, health, API. The site includes them at its root."""

from __future__ import annotations

from django.urls import include, path

from talking_head.views import files, probes
from talking_head.views.metrics import metrics

urlpatterns = [
    path("media/jobs/<uuid:job_id>/clips/<int:index>.mp4", files.job_clip, name="job_clip"),
    path("media/jobs/<uuid:job_id>/<str:name>", files.job_file, name="job_file"),
    path("media/portraits/<str:digest>", files.portrait_file, name="portrait_file"),
    path("media/voices/<str:digest>", files.voice_sample_file, name="voice_sample_file"),
    path("media/narrations/<uuid:narration_id>", files.narration_file, name="narration_file"),
    path("api/", include("talking_head.api.urls")),
    path("livez", probes.livez, name="livez"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
