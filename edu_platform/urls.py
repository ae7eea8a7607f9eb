"""URLs of the whole site; each app has its own."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

admin.autodiscover()

handler403 = "talking_head.api.errors.forbidden"
handler404 = "talking_head.api.errors.page_not_found"
urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("lessons.api_urls")),
    path("api/", include("avatars.api_urls")),
    path("", include("talking_head.urls")),
    path("", include("avatars.urls")),
    path("", include("lessons.urls")),
]

# Both answer 503 while the database is unavailable.
handler400 = "edu_platform.unavailable.bad_request"
handler500 = "edu_platform.unavailable.server_error"
