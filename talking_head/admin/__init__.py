"""The administrators' pages of the renderer. Django imports this package; its modules register the model admins."""

from django.contrib import admin

from talking_head.admin import audit_log, failures, jobs, quotas  # noqa: F401 - importing them registers them

# The lists have many columns; the head of every page links to the main ones (templates/admin/base_site.html).
admin.site.enable_nav_sidebar = False
