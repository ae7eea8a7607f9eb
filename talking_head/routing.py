"""WebSocket URLs. The allowed origins are configured in edu_platform/asgi.py."""

from __future__ import annotations

from django.urls import path, re_path

from talking_head.live import consumers

websocket_urlpatterns = [
    path("ws/jobs/<uuid:job_id>/", consumers.job_socket),  # type: ignore[arg-type]
    re_path("", consumers.no_such_socket),  # type: ignore[arg-type]
]
