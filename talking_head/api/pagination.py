"""Pages of lists that are answered as plain arrays."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response

PAGE = OpenApiParameter(
    "page", int, description="The page, 50 rows each. The header Link names the next and the previous one."
)


class LinkedPages(PageNumberPagination):
    """Pages whose neighbours are in the header ``Link`` (RFC 8288), so that the body stays a plain array."""

    page_size = 50

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self.get_next_link(), "prev": self.get_previous_link()}
        header = ", ".join(f'<{url}>; rel="{name}"' for name, url in links.items() if url)
        return Response(data, headers={"Link": header} if header else None)
