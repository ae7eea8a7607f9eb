"""Two machines that share a database and no disk collect recordings that nothing uses: each once, and no used one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.scale_out.site import SharedSite

pytestmark = pytest.mark.xdist_group("servers")

PREPARE = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from lessons import services as lessons
from talking_head.models import Narration
owner = User.objects.create(username="owner", is_superuser=True)
long_ago = timezone.now() - timedelta(days=31)
used, *_ = [
    Narration.objects.create(owner=owner, digest=f"{i:064x}", duration_seconds=1.0, unused_since=long_ago)
    for i in range(40)
]
lessons.change_lesson(lessons.add_lesson(lessons.create_course(owner, "Physics"), "Water"), narration=used.pk)
"""
COLLECT = "from talking_head.jobs.narration_retention import collect_unused; print(collect_unused())"
LEFT = "from talking_head.models import Narration; print(Narration.objects.values_list('digest', 'unused_since'))"


def test_each_is_collected_once_and_none_that_is_used(site: SharedSite) -> None:
    site.python(PREPARE)
    with ThreadPoolExecutor() as both:
        collected = [int(said) for said in both.map(site.python, (COLLECT, COLLECT))]
    assert sum(collected) == 39
    assert site.python(LEFT).strip() == f"<QuerySet [('{0:064x}', None)]>"
