"""Accounts, groups, tokens and sign-ins for administrators: their packages' pages, with lists of bounded length."""

from __future__ import annotations

from axes import admin as axes_admin
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth import admin as django_admin
from django.contrib.auth.models import Group, User
from rest_framework.authtoken import admin as token_admin
from rest_framework.authtoken.models import TokenProxy

from edu_platform.admin_lists import LongList

admin.site.unregister([User, Group, TokenProxy, AccessAttempt, AccessFailureLog, AccessLog])


@admin.register(User)
class UserAdmin(LongList, django_admin.UserAdmin):
    pass


@admin.register(Group)
class GroupAdmin(LongList, django_admin.GroupAdmin):
    pass


@admin.register(TokenProxy)
class TokenAdmin(LongList, token_admin.TokenAdmin):
    autocomplete_fields = ("user",)
    list_select_related = ("user",)


@admin.register(AccessAttempt)
class AccessAttemptAdmin(LongList, axes_admin.AccessAttemptAdmin):
    pass


@admin.register(AccessLog)
class AccessLogAdmin(LongList, axes_admin.AccessLogAdmin):
    pass


@admin.register(AccessFailureLog)
class AccessFailureLogAdmin(LongList, axes_admin.AccessFailureLogAdmin):
    pass
