"""Portraits and voices for administrators: owners, consent, and withdrawal for every user."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from avatars.models import Portrait, VoiceSample
from avatars.services import portraits as services
from avatars.services import voices
from edu_platform.admin_lists import LongList
from talking_head.errors import PortraitError


class WithdrawnFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("in-use", "In use"), ("deleted", "Deleted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Portrait]) -> QuerySet[Portrait]:
        if self.value() is None:
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() == "in-use")


@admin.register(Portrait)
class PortraitAdmin(LongList):
    """Portraits are added only on the upload page, because only there they are checked and agreed to."""

    list_display = ("name", "owner", "picture_size", "is_shared", "consent_given_by", "created_at", "deleted_at")
    list_filter = (WithdrawnFilter, "is_shared", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username", "consent_given_by", "digest")
    actions = ("withdraw", "bring_back")
    fields = (
        "picture",
        "name",
        "owner",
        "is_shared",
        "picture_size",
        "hints",
        "consent_given_by",
        "consent_recorded_at",
        "consent_statement",
        "digest",
        "created_at",
        "deleted_at",
        "purged_at",
    )
    # The agreement and its picture are a record that is never edited.
    readonly_fields = tuple(field for field in fields if field not in ("name", "is_shared"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="size")
    def picture_size(self, portrait: Portrait) -> str:
        return f"{portrait.width_px} x {portrait.height_px}"

    @admin.display(description="picture")
    def picture(self, portrait: Portrait) -> str:
        return format_html(
            '<img src="{}" alt="" height="240">', reverse("portrait_thumbnail", kwargs={"pk": portrait.pk})
        )

    @admin.display(description="hints")
    def hints(self, portrait: Portrait) -> str:
        return " ".join(problem["message"] for problem in portrait.warnings) or "None"

    @admin.action(description="Withdraw consent (for a moment it can be restored)", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Portrait]) -> None:
        for portrait in queryset:
            services.delete_portrait(portrait)
        words = "Withdrawn. Their videos are hidden, and the pictures will be deleted in a moment."
        self.message_user(request, words, messages.SUCCESS)

    @admin.action(description="Restore", permissions=["change"])
    def bring_back(self, request: HttpRequest, queryset: QuerySet[Portrait]) -> None:
        for portrait in queryset:
            try:
                services.undelete_portrait(portrait)
            except PortraitError as error:
                self.message_user(request, f"{portrait.name}: {error}", messages.ERROR)


@admin.register(VoiceSample)
class VoiceSampleAdmin(LongList):
    """Who agreed to what, and until when. Only the owner can hear a recording."""

    list_display = ("name", "owner", "language", "consent_given_by", "consent_recorded_at", "withdrawn_at")
    list_select_related = ("owner",)
    list_filter = ("language", "consent_recorded_at")
    search_fields = ("name", "owner__username", "consent_given_by", "digest")
    actions = ("withdraw",)
    readonly_fields = (
        "name",
        "owner",
        "language",
        "duration_seconds",
        "consent_given_by",
        "consent_recorded_at",
        "consent_statement",
        "digest",
        "withdrawn_at",
    )
    exclude = ("report",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Withdraw permanently and delete the recording", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[VoiceSample]) -> None:
        for sample in queryset:
            voices.withdraw_voice_sample(sample)
        self.message_user(request, "Withdrawn. The recordings were deleted.", messages.SUCCESS)
