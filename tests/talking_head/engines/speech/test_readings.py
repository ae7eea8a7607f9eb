"""Every kind of expression is read as a teacher reads it, and every word belongs to its characters."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talking_head.engines.base import EngineSettings
from talking_head.engines.speech import hibari
from talking_head.engines.speech.reading.english.reader import english_reader
from talking_head.engines.speech.reading.markup import MARKUP_CLASSES
from talking_head.engines.speech.reading.offsets import word_ranges
from talking_head.engines.speech.reading.spans import Reader
from talking_head.engines.speech.reading.spoken_form import plain_form, spoken_form
from talking_head.pipeline.script.script_to_utterances import script_to_utterances

from .reading_cases import CASES, SOUNDS, plain

ROWS = json.loads((Path(__file__).parents[3] / "data" / "readings.json").read_text(encoding="utf-8"))
OWN = [written for rows in CASES.values() for written in rows]


@pytest.fixture(scope="module")
def voice() -> hibari.HibariSpeech:
    return hibari.HibariSpeech(EngineSettings(checkpoints_dir=Path()))


def sounds(voice: hibari.HibariSpeech, written: str) -> str:
    speech = voice.speak(spoken_form(written).text, written, voice="", speed=1.0)
    return re.sub("[ˈˌ ]", "", "".join(token.text for token in speech.phonemes))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["written"])
def test_the_collected_cases_are_read_as_a_teacher_reads_them(row: dict[str, str], voice: hibari.HibariSpeech) -> None:
    written, accepted = row["written"], row["accept"]
    wanted = accepted[0].removeprefix("sounds contain ")
    if accepted[0] == "one utterance":
        assert [utterance.text for utterance in script_to_utterances(written).utterances] == [written]
    elif wanted != accepted[0]:
        assert wanted in sounds(voice, written)
    else:
        assert plain(spoken_form(written).text) in {plain(reading) for reading in accepted}


@pytest.mark.parametrize("kind", CASES)
def test_every_kind_is_read_and_nothing_else_is_taken_for_it(kind: str) -> None:
    readings = {written: spoken_form(written).text for written in CASES[kind]}
    assert {written: said for written, said in readings.items() if plain(said) not in CASES[kind][written]} == {}


@pytest.mark.parametrize(("written", "part"), SOUNDS.items(), ids=range(len(SOUNDS)))
def test_letters_and_stressed_words_sound_as_they_should(written: str, part: str, voice: hibari.HibariSpeech) -> None:
    assert part in sounds(voice, written)


@pytest.mark.parametrize(
    ("written", "part"),
    {
        "Łódź": "lɑdz",
        "Ștefan": "stɛfən",
        "Ħal": "hæl",
        "naïve": "nɑiv",
        "début": "dAbju",
        "Reykjavík": "ɹAkjəvɪk",
        "château": "ʃætO",
        "Noël": "nOɛl",
        "résumé": "sumA",
        "señor": "njəɹ",
        "café": "kæfA",
        "à la": "æ",
        "Nguyễn": "ŋIən",
        "São Paulo": "pɔlO",
    }.items(),
)
def test_letters_with_marks_are_said(written: str, part: str, voice: hibari.HibariSpeech) -> None:
    assert part in sounds(voice, written)


@pytest.mark.parametrize("kind", CASES)
def test_every_kind_has_a_dozen_cases(kind: str) -> None:
    assert len(CASES[kind]) >= 12


pieces = st.sampled_from(sorted({piece for written in OWN for piece in written.split()})) | st.text(
    "aAbI1270 .,:;-–/$€%°'\"()[]{}<>*_^|!?&\\=+×²₂α\ue000\n", max_size=6
)
texts = st.lists(pieces, max_size=12).map(" ".join)


@given(texts)
def test_spans_never_overlap_and_lie_within_the_text(written: str) -> None:
    reached = 0
    for span in english_reader().spans(written):
        assert reached <= span.start < span.end <= len(written)
        reached = span.end


@given(texts)
def test_every_spoken_character_belongs_to_written_characters_in_order(written: str) -> None:
    form = spoken_form(written)
    assert len(form.origins) == len(form.text)
    assert all(0 <= start < end <= len(written) for start, end in form.origins)
    assert all(form.text[place] in "aA" or form.text[place].isalpha() for place in form.letters)
    reached = 0
    for _, _, start, end in word_ranges(form, written):
        assert reached <= start < end
        reached = end


WORDS = ("the", "cat", "sat", "on", "a mat", "and", "slept", "while", "rain", "fell")


@given(st.lists(st.sampled_from(WORDS), min_size=1).map(" ".join))
def test_plain_words_stay_as_they_are(written: str) -> None:
    form = spoken_form(written)
    assert form.text == written
    assert form.origins == tuple((place, place + 1) for place in range(len(written)))


@pytest.mark.parametrize("kind", CASES)
def test_what_was_said_is_said_again_as_it_is(kind: str) -> None:
    said = {spoken_form(written).text for written in CASES[kind]}
    again = {words: spoken_form(words).text for words in said}
    assert {words: other for words, other in again.items() if plain(words) != plain(other)} == {}


@pytest.mark.parametrize(
    ("written", "words"),
    {
        "at $5-10 each": ["at", "$5-10", "each"],
        "7 - 4 is 3": ["7 - 4", "is", "3"],
        "f(x) = 2x": ["f(x)", "=", "2x"],
        "It is **5** km &amp; more": ["It", "is", "5** km", "&amp;", "more"],
        "H<sub>2</sub>O here": ["H<sub>2</sub>O", "here"],
        "see $x^2$ now": ["see", "$x^2$", "now"],
    }.items(),
    ids=range(6),
)
def test_words_light_up_what_they_stand_for(written: str, words: list[str]) -> None:
    form = spoken_form(written)
    assert [written[start:end] for _, _, start, end in word_ranges(form, written)] == words


def test_captions_show_entities_as_characters_and_no_tags() -> None:
    plain_text = plain_form("Tom &amp; <emphasis>Jerry</emphasis>[^1] cost &euro;5 <break time='1s'/>and $x^2$.").text
    assert plain_text == "Tom & Jerry cost €5 and $x^2$."


@pytest.mark.parametrize(
    "piece",
    ["1", "12 ", "1/", "1-", "1.", "1,", "(", "[", "<", "{", "$", "\\", "*a", "_a", "|a", "&", "a^", "II ", "A", "x²",
     "1:", "°", "'", '"', "a!", "http://", "&amp", "<a ", "[1", "a/", "H2", "\\frac{", "CO", "- ", "> A", "1 000 ",
     "==a", "Luke 2:", "a.", "∑_{", "1s2 ", "★", "#f", "0x", "1.1", "1,", "9.15-", "3 in. ", "lim x", "\\section{", "<http://"],
)  # fmt: skip
def test_the_work_grows_with_the_text_alone(piece: str) -> None:
    """Eight times the text may take about eight times the work; a rule that tries everything again takes 64 times."""
    fresh = Reader(MARKUP_CLASSES)

    def seconds(length: int) -> float:
        text = piece * (length // len(piece))
        started = time.process_time()
        english_reader().read(fresh.read(text).text)
        return time.process_time() - started

    # Other programs make single measurements longer, never shorter: only a text that is slow each time is.
    ratios = (seconds(24_000) / max(seconds(3_000), 0.02) for _ in range(5))
    assert any(ratio < 30 for ratio in ratios)


# What a spoken text never holds: a voice would leave it out, or say it as it pleases.
UNSPOKEN = re.compile(r"[0-9$€£%+=<>*_`~^{}\[\]|\\]")
signs = st.text("0123456789$€£%+=<>*_`~^{}[]|\\.,:;-–/()'\" aIxXmn!?²₂π\n", max_size=40)


@given(texts | signs)
def test_no_figure_and_no_sign_is_left_to_the_voice(written: str) -> None:
    assert not UNSPOKEN.search(spoken_form(written).text)


NOUNS = ("cat", "lesson", "river", "energy", "teacher", "window")
between = st.text("0123456789+=%&@#/.,;:!?'-–×÷≤≈°²$€", max_size=8)


@given(st.lists(st.tuples(st.sampled_from(NOUNS), between), min_size=1))
def test_no_word_is_lost_between_figures_and_signs(pairs: list[tuple[str, str]]) -> None:
    written = " ".join(f"{noun} {signs}" for noun, signs in pairs)
    said = re.findall("|".join(NOUNS), spoken_form(written).text)
    assert said == [noun for noun, _ in pairs]


RUNS = st.lists(st.integers(0, 9999).map(str), min_size=2, max_size=6)


@given(RUNS, st.sampled_from(".,"), st.sampled_from(["", '"', "°", " km", "%", "$", "€", "th", "x", "'"]))
def test_a_run_of_figures_is_never_torn(parts: list[str], separator: str, behind: str) -> None:
    written = separator.join(parts) + behind
    start, end = 0, len(written) - len(behind)
    for span in english_reader().spans(written):
        assert not start < span.start < end, span
        assert span.end >= end, span


@pytest.mark.parametrize(
    ("written", "reading"),
    {
        '3.3.4"': "three point three point four",
        "3.1,0°": "three point one zero degrees",
        "see 2.10.3 km": "see two point ten point three km",
        "items 1,2,3 and 4": "items one two three and four",
        "(0.5,1.5)": "zero point five one point five",
        "1,250,30": "one two hundred fifty thirty",
    }.items(),
)
def test_runs_of_figures_are_read_whole(written: str, reading: str) -> None:
    assert plain(spoken_form(written).text) == plain(reading)
