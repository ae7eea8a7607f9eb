"""The administrators' pages of the renderer. Django imports this package; its modules register what they show."""

from django.contrib import admin

from talking_head.admin import audit_log, failures, jobs, quotas  # noqa: F401 - they register themselves

# The lists have many columns; what one goes to often is in the head of every page (templates/admin/base_site.html).
admin.site.enable_nav_sidebar = False
