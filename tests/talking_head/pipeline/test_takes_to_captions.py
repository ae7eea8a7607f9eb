from __future__ import annotations

import html
import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from talking_head.engines.base import Take, TimedWord
from talking_head.engines.speech.reading.offsets import word_ranges
from talking_head.engines.speech.reading.spoken_form import spoken_form
from talking_head.pipeline.script.script_to_utterances import Utterance, script_to_utterances
from talking_head.pipeline.takes_to_captions import (
    CaptionedUtterance,
    captioned_utterances,
    captions,
    takes_to_captions,
    transcript,
)
from talking_head.timebase import AUDIO_HZ, round_up_to_quantum

WORD_SECONDS = 0.3
LEAD_SECONDS = 0.1


@dataclass
class ParsedCue:
    start_seconds: float
    end_seconds: float
    lines: list[str]  # plain text
    stamps: list[float]


def seconds_of(stamp: str) -> float:
    match = re.fullmatch(r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})", stamp)
    assert match, stamp
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]) + int(match[4]) / 1000


def parse(vtt: str) -> list[ParsedCue]:
    """Reads WebVTT as strictly as its grammar is."""
    header, *blocks = vtt.removesuffix("\n").split("\n\n")
    assert header == "WEBVTT"
    cues = []
    for number, block in enumerate(blocks, 1):
        identifier, timing, *lines = block.split("\n")
        assert identifier == str(number)
        start, arrow, end = timing.split(" ")
        assert arrow == "-->" and lines and all(lines)
        stamps = [seconds_of(stamp) for line in lines for stamp in re.findall(r"<([^>]*)>", line)]
        plain = [re.sub(r"<[^>]*>", "", line) for line in lines]
        assert not any(re.search(r"[<>]|&(?!amp;|lt;|gt;)", line) for line in plain)
        cues.append(ParsedCue(seconds_of(start), seconds_of(end), [html.unescape(line) for line in plain], stamps))
    return cues


def take_of(utterance: Utterance) -> Take:
    """A silent take whose words follow each other at a steady pace."""
    words = []
    if utterance.spoken:
        for number, (_, _, start, end) in enumerate(word_ranges(spoken_form(utterance.text), utterance.text)):
            begin = LEAD_SECONDS + number * WORD_SECONDS
            words.append(TimedWord(utterance.text[start:end], begin, begin + WORD_SECONDS, start, end))
    seconds = LEAD_SECONDS + len(words) * WORD_SECONDS + 0.2 + utterance.pause_seconds
    return Take(np.zeros(round_up_to_quantum(round(seconds * AUDIO_HZ)), np.float32), (), tuple(words), "misaki")


def rendered(script: str) -> tuple[list[Utterance], list[Take], list[ParsedCue]]:
    utterances = list(script_to_utterances(script).utterances)
    takes = [take_of(utterance) for utterance in utterances]
    return utterances, takes, parse(takes_to_captions(utterances, takes))


LONG = (
    "This is a long sentence that goes on and on, because the teacher could not stop writing; it explains one thing, "
    "then another thing, and in the end a third thing which nobody had asked for."
)
SCRIPTS = {
    "short": "Hello there. How are you?",
    "long": LONG,
    "signs": "Tom & Jerry: if x < 5 --> y > 3, it costs $9.99!",
    "markup": "# Start\n**Bold** and [a link](http://x.org). [pause 2s] 🎉 Done.",
    "address": "See https://en.wikipedia.org/wiki/A_very_long_address_which_nobody_could_ever_read_aloud for more.",
    "one word": "Antidisestablishmentarianism" * 3,
    "lesson": "\n\n".join([LONG] * 30),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_captions_are_valid_short_and_never_overlap(name: str) -> None:
    _, takes, cues = rendered(SCRIPTS[name])
    assert cues
    for cue in cues:
        assert cue.start_seconds < cue.end_seconds
        assert len(cue.lines) <= 2 and all(len(line) <= 42 for line in cue.lines)
        assert all(before < after for before, after in pairwise([cue.start_seconds, *cue.stamps, cue.end_seconds]))
    assert all(before.end_seconds <= after.start_seconds for before, after in pairwise(cues))
    assert cues[-1].end_seconds <= sum(len(take.waveform) for take in takes) / AUDIO_HZ + 0.001


def test_captions_hold_the_words_as_written_without_markup() -> None:
    _, _, cues = rendered(SCRIPTS["signs"] + "\n\n" + SCRIPTS["markup"])
    shown = " ".join(line for cue in cues for line in cue.lines)
    assert shown == "Tom & Jerry: if x < 5 --> y > 3, it costs $9.99! Bold and a link. 🎉 Done."


def test_every_word_appears_when_it_is_said() -> None:
    utterances, takes, cues = rendered("One two three, four five. Six seven.")
    offset_seconds = len(takes[0].waveform) / AUDIO_HZ
    assert [cue.start_seconds for cue in cues] == pytest.approx([LEAD_SECONDS, offset_seconds + LEAD_SECONDS])
    assert cues[0].stamps == pytest.approx([LEAD_SECONDS + WORD_SECONDS * number for number in range(1, 5)])
    assert cues[1].stamps == pytest.approx([offset_seconds + LEAD_SECONDS + WORD_SECONDS])
    assert len(utterances) == 2


def test_lines_and_cues_break_after_clauses_where_they_can() -> None:
    _, _, cues = rendered(LONG)
    ends = [cue.lines[-1][-1] for cue in cues]
    assert sum(end in ",;." for end in ends) >= len(cues) - 1


def test_pauses_have_no_caption() -> None:
    utterances, _, cues = rendered("[pause 2s] Hello.")
    assert utterances[0].text == "[pause 2s]"
    assert [cue.lines for cue in cues] == [["Hello."]]
    assert cues[0].start_seconds > 2


def test_a_silent_stand_in_shows_its_text_over_its_whole_time() -> None:
    utterances = list(script_to_utterances(LONG).utterances)
    takes = [Take(np.zeros(10 * AUDIO_HZ // 15_360 * 15_360, np.float32), (), (), "") for _ in utterances]
    cues = parse(takes_to_captions(utterances, takes))
    assert " ".join(line for cue in cues for line in cue.lines) == LONG
    assert cues[0].start_seconds == 0


def test_the_transcript_gives_the_place_and_time_of_every_word() -> None:
    script = "# Start\nHello, “world”. Bye now."
    utterances = script_to_utterances(script).utterances
    takes = [take_of(utterance) for utterance in utterances]
    first, second = transcript(captioned_utterances(utterances, takes, fallbacks={1}))["utterances"]
    assert (first["chapter"], first["is_fallback"], second["chapter"], second["is_fallback"]) == (
        "Start",
        False,
        "",
        True,
    )
    assert first["start_seconds"] == 0 and first["end_seconds"] == second["start_seconds"]
    assert second["end_seconds"] == pytest.approx(sum(len(take.waveform) for take in takes) / AUDIO_HZ, abs=0.001)
    for utterance in (first, second):
        for word in utterance["words"]:
            assert utterance["text"][word["start"] : word["end"]] == word["text"]
            assert utterance["start_seconds"] <= word["start_seconds"] < word["end_seconds"] <= utterance["end_seconds"]
    assert [word["text"] for word in first["words"]] == ["Hello", "world"]


def test_times_of_many_hours_stay_valid() -> None:
    hours = 400_000.0
    words = (TimedWord("Hello", hours + 0.5, hours + 1.0, 0, 5),)
    late = CaptionedUtterance(0, "Hello.", False, "", hours, hours + 2.0, words)
    assert parse(captions([late]))[0].start_seconds == hours + 0.5
