"""``manage.py load_demo``: a course with real lessons, and accounts to try it with. Running it again does not overwrite
changes that were made in the meantime."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand
from django.db import transaction

from avatars.models import Portrait
from avatars.services import portraits as avatars
from edu_platform.people import TEACHERS_GROUP
from edu_platform.sign_in.demo_accounts import DEMO_ACCOUNTS
from lessons.models import Course, Enrolment, Lesson
from talking_head.errors import PortraitError

PORTRAIT = settings.BASE_DIR / "edu_platform" / "demo" / "astronaut.png"
FIRST_NAMES = {"teacher": "Tessa", "student": "Sam", "admin": "Ada"}
DEMO_COURSE_SLUG = "the-moving-sky"
DEMO_COURSE_TITLE = "The Moving Sky"
DEMO_COURSE_DESCRIPTION = (
    "Why the Moon changes its face, why summers are warm, and how to see it all without a telescope."
)
DEMO_LESSON_TITLE = "Why the Moon changes its shape"
DEMO_LESSON = """\
# What we see

Look at the sky for a month, and the Moon seems to change its shape. \
Some nights it is a thin curve, and two weeks later it is a bright, round disc.

# What really happens

The Moon itself does not change at all. \
It is a ball of rock, and the Sun always lights exactly one half of it. \
As the Moon travels around the Earth, which takes about 29.5 days, we see that bright half from different sides.

# Try it yourself

You can try this at home with a lamp and an orange. \
Hold the orange at arm's length, turn slowly on the spot, and watch how the light moves across it. \
What you see on the orange is what you see in the sky.
"""
SECOND_LESSON_TITLE = "Why we have seasons"
SECOND_LESSON = """\
Many people believe that summer comes because the Earth is closer to the Sun. \
In fact the Earth is closest to the Sun in early January.

The reason is the tilt of the Earth's axis, about 23.4 degrees. \
In June the northern half leans towards the Sun, so its days are long and the light falls steeply. \
Half a year later it leans away, and the same light is spread over more ground. \
That is why Sydney celebrates the new year in the heat.
"""


class Command(BaseCommand):
    help = "Loads a demo course with two lessons and the accounts teacher, student and admin. Safe to run again."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        teacher, student, _admin = (self.account(*account) for account in DEMO_ACCOUNTS)
        portrait = self.portrait_of(teacher)
        course, _ = Course.objects.get_or_create(
            slug=DEMO_COURSE_SLUG,
            defaults={"title": DEMO_COURSE_TITLE, "description": DEMO_COURSE_DESCRIPTION, "teacher": teacher},
        )
        Enrolment.objects.get_or_create(course=course, student=student)
        texts = ((DEMO_LESSON_TITLE, DEMO_LESSON, True), (SECOND_LESSON_TITLE, SECOND_LESSON, False))
        for position, (title, script, is_published) in enumerate(texts):
            Lesson.objects.get_or_create(
                course=course,
                title=title,
                defaults={
                    "position": position,
                    "script": script,
                    "portrait": portrait,
                    # Published before its video exists: students see it the moment the first render is done.
                    "is_published": is_published,
                },
            )
        if options["verbosity"]:
            self.stdout.write(f"The course “{course.title}” is ready. Accounts:")
            for role, username, password in DEMO_ACCOUNTS:
                self.stdout.write(f"  {role:<8} {username:<10} password {password}")

    def account(self, role: str, username: str, password: str) -> User:
        """Return the account, created if needed; an existing one keeps its password."""
        user = User.objects.filter(username=username).first()
        if user is None:
            is_admin = role == "admin"
            user = User(username=username, first_name=FIRST_NAMES[role], is_staff=is_admin, is_superuser=is_admin)
            user.set_password(password)
            user.save()
        teachers, _ = Group.objects.get_or_create(name=TEACHERS_GROUP)
        if role == "teacher":
            user.groups.add(teachers)
        return user

    def portrait_of(self, teacher: User) -> Portrait:
        """Return the astronaut's portrait, added once; ``edu_platform/demo/README.md`` names the picture's source."""
        name = "Astronaut"
        existing = avatars.portraits_usable_by(teacher).filter(owner=teacher, name=name).first()
        if existing is not None:
            return existing
        data = PORTRAIT.read_bytes()
        try:
            return avatars.add_portrait(
                teacher,
                name,
                data,
                consent_given_by="NASA (public domain photograph of astronaut Eileen Collins)",
            )
        except PortraitError as error:
            if error.code != "portrait_exists":
                raise
            # The teacher gave it another name.
            return avatars.portraits_usable_by(teacher).filter(owner=teacher).earliest("created_at")
