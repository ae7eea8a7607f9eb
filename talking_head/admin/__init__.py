"""The administrators' pages of the renderer. Django imports this package; its modules register what they show."""

from talking_head.admin import jobs, quotas  # noqa: F401 - they register themselves
