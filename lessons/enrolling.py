"""Who takes a course: students who accepted its teacher's invitation, and those whom an administrator enrolled.

A teacher types a user name and learns nothing about it: the invitation waits in the list of students until the user of
that name accepts it on the home page, whether there is such a user or not. So user names cannot be tried out, and no
account, an administrator's least of all, is put into a course without its owner's word. A user who may see the accounts
enrols others at once.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from edu_platform.people import Person
from lessons.models import Course, Enrolment, Invitation
from talking_head.errors import InvalidInput, LimitReached

VIEW_ACCOUNTS = "auth.view_user"
MAX_INVITATIONS = 500  # open ones of one course


def add_student(course: Course, username: str, by: User) -> Enrolment | Invitation:
    """Invite the user of that name to a course, or enrol them at once if ``by`` may see the accounts.

    Raises:
        InvalidInput: ``teacher_of_course``, ``already_enrolled``; ``unknown_student`` only for users who may see the
            accounts. LimitReached: ``too_many_invitations``.
    """
    name = username.strip()
    if name == course.teacher.get_username():
        raise InvalidInput("The teacher of this course can already see all of it.", code="teacher_of_course")
    if course.enrolments.filter(student__username=name).exists():
        raise InvalidInput(f"“{name}” is in this course already.", code="already_enrolled")
    if by.has_perm(VIEW_ACCOUNTS):
        return _enrol(course, name)
    if course.invitations.count() >= MAX_INVITATIONS:
        raise LimitReached(
            f"This course has {MAX_INVITATIONS} invitations that were not accepted.",
            code="too_many_invitations",
            hint="Withdraw those that you no longer need.",
        )
    return Invitation.objects.get_or_create(course=course, username=name)[0]


def _enrol(course: Course, name: str) -> Enrolment:
    student = User.objects.filter(username=name, is_active=True, is_staff=False, is_superuser=False).first()
    if student is None:
        raise InvalidInput(
            f"There is no student named “{name}”.", code="unknown_student", hint="Check the spelling in the accounts."
        )
    with transaction.atomic():
        Invitation.objects.filter(course=course, username=name).delete()
        return Enrolment.objects.get_or_create(course=course, student=student)[0]


def remove_student(course: Course, student_id: int) -> bool:
    """End an enrolment, and with it the access to the videos; progress is kept. Return whether there was one."""
    deleted, _ = Enrolment.objects.filter(course=course, student_id=student_id).delete()
    return bool(deleted)


def withdraw_invitation(course: Course, invitation_id: int) -> bool:
    """Take an invitation back; return whether it was still open."""
    deleted, _ = Invitation.objects.filter(course=course, pk=invitation_id).delete()
    return bool(deleted)


def invitations_of(user: Person) -> QuerySet[Invitation]:
    """Return the invitations that a user may accept; none for administrative accounts."""
    if not isinstance(user, User) or not user.is_active or user.is_staff or user.is_superuser:
        return Invitation.objects.none()
    open_ones = Invitation.objects.filter(username=user.get_username(), declined_at=None)
    return open_ones.exclude(course__teacher=user).select_related("course__teacher")


@transaction.atomic
def accept(user: User, invitation_id: int) -> Course | None:
    """Enrol a user in the course that they were invited to, and return it; None when the invitation was withdrawn."""
    invitation = invitations_of(user).filter(pk=invitation_id).first()
    if invitation is None:
        return None
    Enrolment.objects.get_or_create(course=invitation.course, student=user)
    invitation.delete()
    return invitation.course


def decline(user: User, invitation_id: int) -> bool:
    """Hide an invitation from its user for good; return whether it was open. Its teacher is not told."""
    return bool(invitations_of(user).filter(pk=invitation_id).update(declined_at=timezone.now()))
