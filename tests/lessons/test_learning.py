"""How far a student came, and where to go on."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from lessons import learning
from lessons.models import Course, Lesson, Progress
from tests.factories import make_lesson
from tests.lessons.conftest import make_job, show


@pytest.mark.parametrize(("sent", "kept"), [(7.5, 7.5), (-3.0, 0.0), (9999.0, 20.0)])
def test_positions_stay_within_the_video(watchable: Lesson, enrolled: User, sent: float, kept: float) -> None:
    assert learning.save_progress(enrolled, watchable, sent).position_seconds == kept


def test_a_later_position_replaces_the_earlier_one_and_keeps_the_mark(watchable: Lesson, enrolled: User) -> None:
    learning.save_progress(enrolled, watchable, 20.0, [(0.0, 20.0)])
    row = learning.save_progress(enrolled, watchable, 4.0)
    assert (row.position_seconds, row.completed_at is not None, Progress.objects.count()) == (4.0, True, 1)


@pytest.mark.parametrize(
    ("watched", "done"),
    [
        ([], False),
        ([(17.0, 20.0)], False),  # a jump to the last seconds
        ([(0.0, 10.0), (0.0, 10.0), (5.0, 10.0)], False),  # the same half again and again
        ([(0.0, 9.0), (11.0, 20.0)], True),
        ([(-50.0, 10.0), (15.0, 9999.0)], False),  # beyond the video counts as nothing
        ([(20.0, 0.0)], False),
    ],
)
def test_done_means_that_nine_tenths_were_played(
    watchable: Lesson, enrolled: User, watched: list[tuple[float, float]], done: bool
) -> None:
    row = learning.save_progress(enrolled, watchable, 20.0, watched)
    assert (row.completed_at is not None) == done


def test_the_parts_of_several_visits_add_up(watchable: Lesson, enrolled: User) -> None:
    assert learning.save_progress(enrolled, watchable, 10.0, [(0.0, 10.0)]).completed_at is None
    row = learning.save_progress(enrolled, watchable, 18.5, [(9.0, 18.5)])
    row.refresh_from_db()
    assert (row.watched, row.completed_at is not None) == ([[0.0, 18.5]], True)


def test_a_mark_that_was_taken_back_stays_away(watchable: Lesson, enrolled: User) -> None:
    learning.save_progress(enrolled, watchable, 20.0, [(0.0, 20.0)])
    learning.set_completed(enrolled, watchable, False)
    assert learning.save_progress(enrolled, watchable, 20.0, [(0.0, 20.0)]).completed_at is None


def test_an_old_mark_stays_without_any_watched_part(watchable: Lesson, enrolled: User) -> None:
    learning.set_completed(enrolled, watchable, True)
    assert learning.save_progress(enrolled, watchable, 1.0, [(0.0, 1.0)]).completed_at is not None


def test_the_own_mark_leaves_the_position(watchable: Lesson, enrolled: User) -> None:
    learning.save_progress(enrolled, watchable, 6.0)
    assert learning.set_completed(enrolled, watchable, True).position_seconds == 6.0
    assert learning.set_completed(enrolled, watchable, False).completed_at is None


@pytest.mark.parametrize(("position", "offered"), [(0.0, 0.0), (2.0, 0.0), (12.0, 12.0), (19.0, 0.0)])
def test_resuming_is_offered_only_where_it_saves_something(
    watchable: Lesson, enrolled: User, position: float, offered: float
) -> None:
    progress = learning.save_progress(enrolled, watchable, position)
    assert learning.resume_position(progress, 20.0) == offered


def test_students_see_published_lessons_with_a_video_in_their_order(course: Course) -> None:
    last = make_lesson(course, title="last", position=3)
    first = make_lesson(course, title="first", position=1)
    make_lesson(course, title="no video", position=2, is_published=True)
    hidden = make_lesson(course, title="hidden", position=4)
    for lesson in (first, last):
        show(lesson, make_job(lesson))
    show(hidden, make_job(hidden), published=False)
    assert [lesson.title for lesson in learning.watchable_lessons(course)] == ["first", "last"]
    assert learning.next_lesson_after(first) == last
    assert learning.next_lesson_after(last) is None
    assert learning.next_lesson_after(hidden) is None


def test_going_on_means_the_unfinished_lesson_touched_last(course: Course, enrolled: User) -> None:
    lessons = [make_lesson(course, position=position) for position in range(3)]
    assert learning.continue_where_left_off(enrolled) is None
    for lesson in lessons:
        show(lesson, make_job(lesson))
    step = learning.continue_where_left_off(enrolled)
    assert step is not None and (step.lesson, step.position_seconds) == (lessons[0], 0.0)
    learning.save_progress(enrolled, lessons[1], 8.0)
    step = learning.continue_where_left_off(enrolled)
    assert step is not None and (step.lesson, step.position_seconds) == (lessons[1], 8.0)
    learning.set_completed(enrolled, lessons[1], True)
    learning.set_completed(enrolled, lessons[0], True)
    step = learning.continue_where_left_off(enrolled)
    assert step is not None and step.lesson == lessons[2]
    learning.set_completed(enrolled, lessons[2], True)
    assert learning.continue_where_left_off(enrolled) is None
