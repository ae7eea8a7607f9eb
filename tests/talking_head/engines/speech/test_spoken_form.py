from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talking_head.engines.speech.reading.offsets import aligned, word_ranges
from talking_head.engines.speech.reading.spoken_form import plain_form, spoken_form

READINGS = {
    # abbreviations
    "Dr. Smith and Mr. J. K. Rowling": "Doctor Smith and Mister J. K. Rowling",
    "Dr Who, Prof. Plum": "Doctor Who, Professor Plum",
    "St. Paul lives in Main St. 5": "Saint Paul lives in Main Street five",
    "e.g. this, i.e. that, etc.": "for example this, that is that, et cetera.",
    "cats, dogs, etc. are animals": "cats, dogs, et cetera are animals",
    "A vs. B, approx. 5": "A versus B, approximately five",
    "Smith et al. found it": "Smith et al found it",
    "No. 5, Fig. 3, pp. 3-5": "number five, figure three, pages three to five",
    "No. I will not.": "No. I will not.",
    "the U.S. Navy": "the U.S. Navy",
    # years, decades, dates, times
    "In 1857 and 2024": "In eighteen fifty-seven and twenty twenty-four",
    "1905, 2000, 2005, 1900": "nineteen oh five, two thousand, two thousand five, nineteen hundred",
    "1250 students in 1994": "one thousand two hundred fifty students in nineteen ninety-four",
    "the 1990s, '90s and 20s": "the nineteen nineties, nineties and twenties",
    "1914–1918": "nineteen fourteen to nineteen eighteen",
    "2024-05-12": "May twelfth, twenty twenty-four",
    "13/05/2024": "May thirteenth, twenty twenty-four",
    "March 3, 1776": "March third, seventeen seventy-six",
    "on 3rd of March": "on the third of March",
    "at 7:30 pm": "at seven thirty P.M.",
    "from 9:05 to 12:00": "from nine oh five to twelve o'clock",
    "It ends at 5 p.m.": "It ends at five P.M.",
    # figures
    "3.14 and 0.001": "three point one four and zero point zero zero one",
    "1,250,000": "one million two hundred fifty thousand",
    "1 250 000 and 10 000": "one million two hundred fifty thousand and ten thousand",
    "007": "zero zero seven",
    "1st, 23rd, 100th": "first, twenty-third, one hundredth",
    "3/4, 1/2, 22/7, 24/7": "three quarters, one half, twenty-two over seven, twenty-four seven",
    "2½ cups, ¾ l": "two and a half cups, three quarters of a liter",
    "1.5e3": "one point five times ten to the power of three",
    "v2.0.1": "v two point zero point one",
    "ISBN 978-3-16": "ISBN nine seven eight, three, one six",
    "5:3": "five to three",
    # money and measures
    "$9.99, €5, 20¢": "nine dollars and ninety-nine cents, five euros, twenty cents",
    "$1.5 million, $5bn, 5 €": "one point five million dollars, five billion dollars, five euros",
    "£3.50; 50% of it": "three pounds and fifty pence; fifty percent of it",
    "-5 °C, 77°F": "minus five degrees Celsius, seventy-seven degrees Fahrenheit",
    "10–20 km/h": "ten to twenty kilometers per hour",
    "9.8 m/s² and 5 km²": "nine point eight meters per second squared and five square kilometers",
    "1 kg, 2 kg, a 5-m pole": "one kilogram, two kilograms, a five meter pole",
    # Roman numerals
    "Henry VIII and World War II": "Henry the eighth and World War two",
    "Chapter IV; Type I error; I am": "Chapter four; Type one error; I am",
    "the class I took": "the class I took",
    # signs
    "a + b = c × d − e": "A plus b equals c times d minus e",
    "x² + y³ ≤ 10^6": "x squared plus y cubed is less than or equal to ten to the power of six",
    "5 - 3 = 2": "five minus three equals two",
    "H₂O, CO₂, Ca²⁺": "H two O, C O two, C A two plus",
    "π ≈ 3": "pi is approximately three",
    "R&D, C++, C#": "R and D, C plus plus, C sharp",
    "and/or": "and or",
    # punctuation
    "no—never -- and - so": "no — never — and — so",
    "What?! Hi!!! So...": "What? Hi! So…",
    "don’t ‘quote’ 'me'": "don't quote me",
    # markup and what is only seen
    "**bold** *it* _em_ `code` ~~del~~": "bold it em code del",
    "3*4 and 3 * 4, snake_case": "three times four and three times four, snake case",
    "[a link](http://x.org/y) ![pic](q.png)": "a link",
    "see https://www.example.org/a_b?c=1.": "see example dot org.",
    "me@example.org": "me at example dot org",
    "well said.[12]": "well said.",
    "nice 👍🏽 👨‍👩‍👧 day": "nice day",
    "co\u00adop\u200berate": "cooperate",
    "cafe\u0301 ﬁne": "café fine",
    "one\n two\tthree": "one two three",
    "²0 ① 𝟘": "two zero one zero",
    # nothing to say
    "…": "",
    "🎉 !!": "",
    "": "",
}  # fmt: skip


@pytest.mark.parametrize(("written", "spoken"), READINGS.items(), ids=range(len(READINGS)))
def test_english_reads(written: str, spoken: str) -> None:
    assert spoken_form(written).text == spoken


def words_of(written: str) -> list[str]:
    return [written[start:end] for _, _, start, end in word_ranges(spoken_form(written), written)]


@pytest.mark.parametrize(
    ("written", "words"),
    {
        "Hello, “world”!": ["Hello", "world"],
        "It cost $9.99, or 50%.": ["It", "cost", "$9.99", "or", "50%"],
        "In 1857 we": ["In", "1857", "we"],
        "Dr. Smith, e.g. me": ["Dr.", "Smith", "e.g.", "me"],
        "the U.S. is (well-known).": ["the", "U.S.", "is", "well-known"],
        "H₂O and **bold** don’t": ["H₂O", "and", "bold", "don’t"],
        "no—never 🎉 again": ["no", "never", "again"],
        "see https://www.example.org/a_b?c=1.": ["see", "https://www.example.org/a_b?c=1"],
    }.items(),
    ids=range(8),
)
def test_several_spoken_words_belong_to_the_one_written_word_they_stand_for(written: str, words: list[str]) -> None:
    assert words_of(written) == words


scraps = st.lists(
    st.sampled_from(
        ["$5", "1,250", "3.14", "e.g.", "**", "_", "[a](b)", "½", "²", "H₂O", "—", "'", "👍🏽", "α", " ", "-"]
    )
    | st.text(max_size=6),
    max_size=20,
).map("".join)


@given(scraps)
def test_any_text_has_a_spoken_form_whose_words_lie_in_order_within_it(written: str) -> None:
    form = spoken_form(written)
    assert len(form.origins) == len(form.text)
    assert form.text == " ".join(form.text.split())
    reached = 0
    for spoken_start, spoken_end, start, end in word_ranges(form, written):
        assert 0 <= spoken_start < spoken_end <= len(form.text)
        assert reached <= start < end <= len(written)
        reached = end


@given(scraps)
@example("*<")  # a run of signs of which another class takes one
@example("²\u0301")
@example("+-0")
@example("_*0")
@example("[^2")
def test_the_spoken_form_is_read_as_it_stands(written: str) -> None:
    """Nothing that a rule produced is a case for another rule: no figure, no sign is left for the voice to guess."""
    spoken = spoken_form(written).text
    assert not any(character.isdigit() and character.isascii() for character in spoken)
    assert not set(spoken) & set("$€£%+=<>*_`~^{}[]|\\")


def test_a_spoken_text_of_somebody_elses_is_spread_over_the_written_words() -> None:
    written, spoken = "GIF files", "jiff files"
    words = word_ranges(aligned(spoken, spoken_form(written), written), written)
    assert [written[start:end] for _, _, start, end in words] == ["GIF", "files"]


def test_captions_keep_the_text_and_lose_only_its_markup() -> None:
    written = "**Light** costs $9.99 & [more](http://x.org) 🎉"
    plain = plain_form(written)
    assert plain.text == "Light costs $9.99 & more 🎉"
    assert all(written[slice(*origin)] == letter for letter, origin in zip(plain.text, plain.origins, strict=True))


def test_other_languages_get_their_number_words() -> None:
    assert spoken_form("Es sind 21 Kinder.", "de").text == "Es sind einundzwanzig Kinder."


def test_a_language_without_number_words_keeps_its_figures() -> None:
    assert spoken_form("21 abc", "xx").text == "21 abc"
