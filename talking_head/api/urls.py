"""URLs under ``/api/``. Other apps add their own with an ``api_urls`` module of the same form."""

from __future__ import annotations

from django.urls import path

from talking_head.api import jobs, narrations, render_service, studio
from talking_head.api.schema import SchemaView

urlpatterns = [
    path("schema/", SchemaView.as_view(), name="api_schema"),
    path("jobs/", jobs.JobList.as_view(), name="job_list"),
    path("jobs/<uuid:job_id>/", jobs.JobDetail.as_view(), name="job_detail"),
    path("jobs/<uuid:job_id>/changes", jobs.JobChanges.as_view(), name="job_changes"),
    path("jobs/<uuid:job_id>/cancel", jobs.JobCancel.as_view(), name="job_cancel"),
    path("jobs/<uuid:job_id>/retry", jobs.JobRetry.as_view(), name="job_retry"),
    path("forecast/", jobs.VideoEstimate.as_view(), name="forecast"),
    path("voices/", studio.VoiceList.as_view(), name="voice_list"),
    path("script/check", studio.ScriptCheck.as_view(), name="script_check"),
    path("narrations/", narrations.NarrationUpload.as_view(), name="narration_upload"),
    path("narrations/<uuid:narration_id>/", narrations.NarrationDetail.as_view(), name="narration_detail"),
    path("cache/stats", studio.CacheStats.as_view(), name="cache_stats"),
    path("avatar/upload", render_service.AvatarUpload.as_view(), name="avatar_upload"),
    path("avatar/status/<str:image_id>", render_service.AvatarStatus.as_view(), name="avatar_status"),
    path("vip/generate", render_service.VipGenerate.as_view(), name="vip_generate"),
    path("vip/status/<uuid:job_id>", render_service.VipStatus.as_view(), name="vip_status"),
    path("vip/download/<uuid:job_id>", render_service.VipDownload.as_view(), name="vip_download"),
]
