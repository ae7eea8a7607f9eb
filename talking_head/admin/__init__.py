"""The administrators' pages of the renderer. Django imports this package; its modules register what they show."""

from talking_head.admin import failures, jobs, quotas, trail  # noqa: F401 - they register themselves
