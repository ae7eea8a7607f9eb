"""The page's modules on their own: what is decided in the browser and nowhere else."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Page

from lessons.clip_states import CLIP_STATES, clip_state
from talking_head.models import ClipState, JobState
from tests.talking_head.live.client import after_edit, with_changes

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def module(open_page: Any) -> Any:
    """``module("name.js", "m => ...")``: what the expression makes of the module."""
    page: Page = open_page()
    page.goto("/accounts/login/")

    def evaluate(name: str, expression: str) -> Any:
        return page.evaluate(f"import('/static/lessons/{name}').then({expression})")

    return evaluate


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("{type: 'clip', seq: 6}", "stale"),
        ("{type: 'clip', seq: 7}", "next"),  # a second row that changed with the same number
        ("{type: 'job', seq: 8}", "next"),
        ("{type: 'job', seq: 9}", "gap"),
        ("{type: 'stage', seq: 7}", "next"),
        ("{type: 'stage', seq: 8}", "gap"),
    ],
)
def test_events_are_followed_ignored_or_reveal_a_gap(module: Any, event: str, expected: str) -> None:
    assert module("job_state.js", f"m => m.relation({{seq: 7}}, {event})") == expected


def test_an_event_changes_only_what_it_tells_of(module: Any) -> None:
    job = "{seq: 1, title: 'Tides', clips: [{index: 0, state: 'leased'}, {index: 1, state: 'waiting'}]}"
    event = "{type: 'clip', seq: 2, clip: {index: 0, state: 'done'}, clips_done: 1}"
    assert module("job_state.js", f"m => m.apply({job}, {event})") == {
        "seq": 2,
        "title": "Tides",
        "clips_done": 1,
        "clips": [{"index": 0, "state": "done"}, {"index": 1, "state": "waiting"}],
    }


def _clip(index: int, text: str, start: int, **outcome: Any) -> dict[str, Any]:
    waiting = {"state": "waiting", "is_fallback": False, "cached": False, "notices": [], "error": None}
    place = {"index": index, "text": text, "start": start, "end": start + len(text), "chapter": ""}
    return {**place, **waiting, "video_seconds": None, "url": None, **outcome}


KNOWN: dict[str, Any] = {
    "id": "a",
    "seq": 4,
    "state": "running",
    "clips_total": 4,
    "title": "Tides",
    "narration": None,
    "clips": [_clip(0, "A.", 0), _clip(1, "B.", 3), _clip(2, "C.", 6), _clip(3, "D.", 9)],
}
CACHED = {"state": "done", "is_fallback": False, "cached": True, "notices": ["Smaller."], "error": None}
CHANGES: dict[str, Any] = {
    "type": "changes",
    "since": 4,
    "seq": 5,
    "job": {"id": "a", "seq": 5, "state": "running", "clips_total": 4, "title": "Tides"},
    "clips": [{"indexes": [[0, 1], [3, 3]], **CACHED, "video_seconds": [1.5, 2.5, 3.5], "url": "/clips/{index}.mp4"}],
}
EDIT: dict[str, Any] = {
    "type": "edit",
    "base": "a",
    "seq": 1,
    "job": {"id": "b", "seq": 1, "state": "queued", "clips_total": 4, "title": "Tides"},
    "first": 1,
    "between": [{"index": 1, "text": "Longer.", "start": 3, "end": 10, "chapter": "New"}],
    "last": 2,
    "shift": 5,
    "clips": [{"indexes": [[0, 3]], **CACHED, "state": "waiting", "cached": False, "video_seconds": None, "url": None}],
}


def test_changes_are_put_together_as_other_clients_do(module: Any) -> None:
    after = module("job_state.js", f"m => m.applyChanges({json.dumps(KNOWN)}, {json.dumps(CHANGES)})")
    assert after == with_changes(KNOWN, CHANGES)
    assert [clip["url"] for clip in after["clips"]] == ["/clips/0.mp4", "/clips/1.mp4", None, "/clips/3.mp4"]


def test_an_edit_is_put_together_as_other_clients_do(module: Any) -> None:
    after = module("job_state.js", f"m => m.jobOfEdit({json.dumps(KNOWN)}, {json.dumps(EDIT)})")
    assert after == after_edit(KNOWN, EDIT)
    assert [clip["text"] for clip in after["clips"]] == ["A.", "Longer.", "C.", "D."]
    assert [clip["start"] for clip in after["clips"]] == [0, 3, 11, 14]


@pytest.mark.parametrize(
    "expression",
    [
        f"m.applyChanges({json.dumps({**KNOWN, 'clips': []})}, {json.dumps(CHANGES)})",
        f"m.applyChanges({json.dumps({**KNOWN, 'clips': KNOWN['clips'][:2]})}, {json.dumps(CHANGES)})",
        f"m.jobOfEdit({json.dumps({**KNOWN, 'id': 'c'})}, {json.dumps(EDIT)})",
        f"m.jobOfEdit(null, {json.dumps(EDIT)})",
    ],
)
def test_what_does_not_fit_asks_for_everything(module: Any, expression: str) -> None:
    assert module("job_state.js", f"m => {expression}") is None


@pytest.mark.parametrize(
    ("after", "message", "expected"),
    [
        ("{state: 'running'}", CHANGES, [0, 1, 3]),
        ("{state: 'running'}", {"type": "clip", "clip": {"index": 2}}, [2]),
        ("{state: 'publishing'}", {"type": "job"}, []),
        ("{state: 'running'}", {"type": "stage", "index": 2}, []),
        ("{state: 'cancelled'}", {"type": "job"}, None),  # what waited is stopped now
    ],
)
def test_only_the_sentences_that_changed_are_drawn(
    module: Any, after: str, message: dict[str, Any], expected: list[int] | None
) -> None:
    call = f"m.changedClips({{state: 'running'}}, {after}, {json.dumps(message)})"
    assert module("job_state.js", f"m => {call}") == expected


def test_an_inserted_sentence_does_not_shift_the_states_of_the_others(module: Any) -> None:
    utterances = "['New.', 'A.', 'B.', 'A.'].map(text => ({text, start: 0, end: 1}))"
    clips = "['A.', 'B.', 'A.'].map((text, index) => ({index, text, state: index ? 'waiting' : 'done'}))"
    job = f"{{state: 'running', clips: {clips}}}"
    states = module("sentences.js", f"m => m.match({utterances}, {job}).map(row => row.state)")
    assert states == ["new", "done", "waiting", "waiting"]


def test_the_page_and_the_server_give_a_clip_the_same_state(module: Any) -> None:
    pairs = [
        ({"state": state, "is_fallback": is_fallback, "cached": cached}, job_state)
        for state, is_fallback, cached, job_state in product(
            ClipState.values, (False, True), (False, True), JobState.values
        )
    ]
    states = module("job_state.js", f"m => {json.dumps(pairs)}.map(pair => m.clipState(...pair))")
    assert states == [clip_state(*pair) for pair in pairs]
    assert set(states) == set(CLIP_STATES) - {"new"}


def test_places_are_right_after_an_emoji(module: Any) -> None:
    places = module("words.js", "m => { const at = m.unitsOf('a🌙b'); return [0, 1, 2, 3].map(at); }")
    assert places == [0, 1, 3, 4]


@pytest.mark.parametrize(("seconds", "words"), [(None, ""), (1, "almost there"), (12.2, "about 13 seconds left")])
def test_time_left_is_said_in_words(module: Any, seconds: float | None, words: str) -> None:
    argument = "null" if seconds is None else seconds
    assert module("words.js", f"m => m.timeLeft({argument})") == words


def test_progress_is_said_every_ten_seconds_at_most_and_the_end_at_once(module: Any) -> None:
    said = module(
        "announcer.js",
        """m => {
          let clock = 0, due = [], said = [];
          const region = {
            get textContent() { return said.at(-1) ?? ""; },
            set textContent(words) { said.push(words); },
          };
          const later = (call, ms) => due.push([clock + ms, call]);
          const announcer = new m.Announcer(region, {now: () => clock, later});
          announcer.say("Started.");
          for (let number = 1; number <= 40; number += 1) {
            clock += 1000;
            for (const [at, call] of due.splice(0)) at <= clock ? call() : due.push([at, call]);
            announcer.progress(`${number} ready.`);
          }
          announcer.say("Done.");
          clock += 60000;
          for (const [, call] of due.splice(0)) call();
          return said;
        }""",
    )
    assert said[0] == "Started." and said[-1] == "Done."
    assert 4 <= len(said) <= 6


def test_doubtful_words_are_marked_in_their_own_sentence(module: Any) -> None:
    text = "The sea is deep. The season of the sea."
    segments = (
        "[{text: 'The sea is deep.', doubtful: ['the', 'deep']}, {text: 'The season of the sea.', doubtful: ['sea']}]"
    )
    pieces = module("doubtful.js", f"m => m.pieces({text!r}, {segments})")
    assert "".join(piece["text"] for piece in pieces) == text
    marked = [index for index, piece in enumerate(pieces) if piece["isDoubtful"]]
    assert [pieces[index]["text"] for index in marked] == ["The", "deep", "sea"]
    assert pieces[marked[2] - 1]["text"] == ". The season of the "
