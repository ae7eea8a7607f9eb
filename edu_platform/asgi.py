"""The web process: HTTP through Django, sockets through Channels."""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "edu_platform.settings")
http_application = get_asgi_application()  # loads the apps, so it must precede the imports below

from edu_platform.flow_control import wait_for_slow_clients  # noqa: E402
from edu_platform.sockets import same_origin_only  # noqa: E402
from talking_head.routing import websocket_urlpatterns  # noqa: E402

application = wait_for_slow_clients(
    ProtocolTypeRouter(
        {
            "http": http_application,
            "websocket": same_origin_only(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
        }
    )
)
