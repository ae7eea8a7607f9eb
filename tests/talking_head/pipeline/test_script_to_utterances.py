from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talking_head.errors import ScriptError
from talking_head.pipeline.script.language import foreign_word_notices
from talking_head.pipeline.script.script_to_utterances import (
    CHAPTER_PAUSE_SECONDS,
    MAX_SCRIPT_CHARACTERS,
    PARAGRAPH_PAUSE_SECONDS,
    Script,
    estimated_seconds,
    script_to_utterances,
)
from talking_head.pipeline.script.sentences import MAX_UTTERANCE_CHARACTERS


def texts(script: str) -> list[str]:
    return [utterance.text for utterance in script_to_utterances(script).utterances]


def pauses(script: str) -> list[float]:
    return [utterance.pause_seconds for utterance in script_to_utterances(script).utterances]


def markup(script: Script, text: str, kind: str) -> list[str]:
    return [text[span.start : span.end] for span in script.markup if span.kind == kind]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Smith met Mr. J. K. Rowling at 7:30 p.m. on Monday.", "They talked."],
        ["Pi is 3.14, e.g. in Fig. 3.", "See No. 5 vs. No. 6 etc. too."],
        ["The U.S. Navy came.", "It left."],
        ['He said, "Hello there. How are you?"', "Then he left."],
        ["“I am fine,” she said.", "‘Go!’ he cried."],
        ["Really?!", "Yes... it is.", "No… it is not."],
        ["Great work! 🎉", "Next one."],
        ["A Ph.D. thesis by M. Curie won.", "E. coli is small."],
        ["It costs $9.99 (see p. 5).", "Visit www.example.org today."],
    ],
)
def test_sentences_end_where_a_reader_ends_them(sentences: list[str]) -> None:
    found = texts(" ".join(sentences))
    assert [text.strip("🎉 ") for text in found] == [text.strip("🎉 ") for text in sentences]


def test_lists_are_read_item_by_item_without_their_bullets() -> None:
    script = "We need:\n- flour\n* two eggs\n• [ ] some milk\n1. Mix it.\n2) Bake it\na) or fry it\n"
    assert texts(script) == ["We need:", "flour", "two eggs", "some milk", "1. Mix it.", "2) Bake it", "a) or fry it"]


def test_headings_become_chapters_and_are_not_read() -> None:
    script = "# Light #\nIt is fast.\n\n## The *eye*\n### Lens\nIt sees. It blinks.\n# The end\n"
    result = script_to_utterances(script)
    assert [utterance.text for utterance in result.utterances] == ["It is fast.", "It sees.", "It blinks."]
    assert [utterance.chapter for utterance in result.utterances] == ["Light", "The eye – Lens", ""]
    assert [(chapter.title, chapter.utterance_index) for chapter in result.chapters] == [
        ("Light", 0),
        ("The eye – Lens", 1),
    ]
    assert script[result.chapters[0].start : result.chapters[0].end] == "# Light #"
    assert markup(result, script, "heading") == ["# Light #", "## The *eye*", "### Lens", "# The end"]
    assert result.utterances[0].pause_seconds == CHAPTER_PAUSE_SECONDS


def test_a_hash_without_a_space_is_no_heading() -> None:
    assert texts("#learning is fun.") == ["#learning is fun."]


@pytest.mark.parametrize(
    ("mark", "seconds"),
    [
        ("[pause]", 1.0),
        ("[pause 1.5s]", 1.5),
        ("[Pause: 2 s]", 2.0),
        ("[pause 500ms]", 0.5),
        ("[pause 2,5 seconds]", 2.5),
    ],
)
def test_pauses_become_silence_after_what_was_said(mark: str, seconds: float) -> None:
    script = f"Think. {mark} Now answer."
    result = script_to_utterances(script)
    assert [(each.text, each.pause_seconds) for each in result.utterances] == [
        ("Think.", seconds),
        ("Now answer.", 0.0),
    ]
    assert markup(result, script, "pause") == [mark]


def test_blank_lines_pause_once_and_asked_pauses_add_up() -> None:
    assert pauses("One.\n\n\n\nTwo.\n\n[pause 1s] [pause 2s]\nThree.\n\n") == [
        PARAGRAPH_PAUSE_SECONDS,
        PARAGRAPH_PAUSE_SECONDS + 3.0,
        0.0,
    ]


def test_a_pause_at_the_beginning_is_an_utterance_without_words() -> None:
    first, second = script_to_utterances("[pause 2s]\n# Start\nHello.").utterances
    assert (first.spoken, first.pause_seconds) == ("", 2.0)
    assert (second.text, second.chapter) == ("Hello.", "Start")


@pytest.mark.parametrize("script", ["[pause 31s] a", "a [pause 20s] [pause 20s] b", "a [pause 99999ms]"])
def test_endless_pauses_are_refused(script: str) -> None:
    with pytest.raises(ScriptError) as caught:
        script_to_utterances(script)
    assert caught.value.code == "pause_too_long"


def test_wrapped_lines_are_one_sentence_and_short_lines_are_several() -> None:
    wrapped = "This sentence was wrapped by an editor at some column\nand goes on here, on the\nnext lines."
    assert texts(wrapped) == [wrapped]
    assert texts("Roses are red\nViolets are blue\r\nSugar is sweet") == [
        "Roses are red",
        "Violets are blue",
        "Sugar is sweet",
    ]


def test_long_sentences_are_cut_at_their_clauses() -> None:
    clause = "the teacher could not stop writing about the thing"
    script = f"First {clause}, and then {clause}; after that {clause}, because {clause}, which {clause}."
    parts = texts(script)
    assert len(parts) > 1
    assert all(len(part) <= MAX_UTTERANCE_CHARACTERS for part in parts)
    assert all(part[-1] in ",;." for part in parts)
    assert " ".join(parts) == script


def test_what_has_no_clauses_is_cut_between_words_and_then_between_characters() -> None:
    assert all(len(part) <= MAX_UTTERANCE_CHARACTERS and part[0] != " " for part in texts("word " * 200))
    parts = texts("e\u0301" * 400)
    assert "".join(parts) == "e\u0301" * 400
    assert not any(part.startswith("\u0301") for part in parts)


def test_numbers_that_grow_when_they_are_said_do_not_make_endless_clips() -> None:
    result = script_to_utterances("12345678901234567890 " * 50)
    assert all(len(utterance.spoken) <= 480 for utterance in result.utterances)


def test_what_cannot_be_said_joins_its_sentence_or_is_ornament() -> None:
    script = "🎉 Hello! 👍\n\n---\n\n🎈🎈\n\nBye."
    result = script_to_utterances(script)
    assert [utterance.text for utterance in result.utterances] == ["🎉 Hello! 👍", "Bye."]
    assert markup(result, script, "ornament") == ["---", "🎈🎈"]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("", "empty_script"),
        (" \n\t ", "empty_script"),
        ("x" * (MAX_SCRIPT_CHARACTERS + 1), "script_too_long"),
        ("x" * 1_000_000, "script_too_long"),
        ("Hi. " * 5_000, "script_too_long"),
        ("🎉 ... !?", "nothing_speakable"),
        ("# Only a heading", "nothing_speakable"),
        ("[pause 3s]", "nothing_speakable"),
        ("Привет, мир. Как дела?", "unsupported_language"),
        ("مرحبا بالعالم", "unsupported_language"),
        ("Hello. 你好吗？", "unsupported_language"),
        ("a\0b", "invalid_characters"),
        ("a\ud800b", "invalid_characters"),
    ],
)
def test_unusable_scripts_are_refused_with_a_reason_and_advice(script: str, code: str) -> None:
    with pytest.raises(ScriptError) as caught:
        script_to_utterances(script)
    assert caught.value.code == code
    assert caught.value.message and caught.value.hint
    assert len(str(caught.value)) < 300


def test_foreign_words_within_a_sentence_are_welcome() -> None:
    assert len(texts("In Russian, hello is Привет. The angle is α. Łódź, naïve, Ångström.")) == 3


def test_foreign_words_are_named_once_and_counted() -> None:
    spoken = ["In Russian Москва, in Japanese 日本 and Москва.", "The angle is alpha. Dvořák."]
    (notice,) = foreign_word_notices(spoken, "en")
    assert notice.startswith("The voice cannot say “Москва”, “日本”.")
    (notice,) = foreign_word_notices(["а б в г д е ж"], "en")
    assert "“д” and 2 more." in notice
    assert foreign_word_notices(["Привет, мир. NATO."], "ru") == ()


@pytest.mark.parametrize(
    "word",
    [
        "λόγος",
        "Ἀριστοτέλης",
        "Привет",
        "سلام",
        "中国",
        "नमस्ते",
        "ภาษาไทย",
        "שלום",
        "ひらがな",
        "한국",
        "Cаt",
        "კა",
        "ʃiːp",
    ],
)
def test_a_word_in_any_other_writing_system_is_named_whole(word: str) -> None:
    (utterance,) = script_to_utterances(f"The word {word} is foreign.").utterances
    (notice,) = foreign_word_notices([utterance.spoken], "en")
    assert f"“{word}”." in notice


@pytest.mark.parametrize(
    "text", ["Hello 👋 you", "Łódź, naïve, Việt Nam, ﬁnal", "ΔG, π and Ω", "5 µm and 20 Å", "x̄ = 5"]
)
def test_pictures_marks_and_single_greek_letters_are_no_foreign_words(text: str) -> None:
    assert foreign_word_notices([each.spoken for each in script_to_utterances(text).utterances], "en") == ()


def test_other_languages_expect_their_own_letters() -> None:
    assert [each.text for each in script_to_utterances("Привет. Как дела?", "ru").utterances] == [
        "Привет.",
        "Как дела?",
    ]
    with pytest.raises(ScriptError, match="Latin"):
        script_to_utterances("Hello there, my friend.", "ru-RU")


def test_the_estimate_grows_with_text_pauses_and_slowness() -> None:
    short = script_to_utterances("Hello there, my friend.")
    longer = script_to_utterances("Hello there, my friend. [pause 3s] How are you today?")
    assert 1 < estimated_seconds(short) < 4
    assert estimated_seconds(longer) > estimated_seconds(short) + 3
    assert estimated_seconds(short, speed=0.5) > estimated_seconds(short)


pieces = st.sampled_from(
    [
        "Hello world. ", "# Title\n", "## A [pause 1s] b\n", "[pause]", "[pause 2s]", " [pause 500ms] ", "\n\n", "\n",
        "- ", "1. ", "> ", "a) ", "🎉", "👨‍👩‍👧", "**b**", "e.g. ", "Dr. X ", "3.14", "$5", "…", "\u200f", "\u200b",
        "\u0301", "ﬁ", "٣", "½", "http://a.b/c ", "`", "|", "---\n", "'q'", '"Q." ', "(x) ", "x²", "\x0b", "\x0c",
        "\u2028", "\r\n", "\r", "\t", " ", "б", "α", "=", "<!--", "[", "]",
    ]
)  # fmt: skip
scripts = st.lists(pieces | st.text(max_size=8) | st.text("aB1 .,!?\n-#[]>*", max_size=30), max_size=40).map("".join)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scripts)
def test_every_character_is_said_or_is_markup(script: str) -> None:
    try:
        result = script_to_utterances(script)
    except ScriptError:
        return
    spans = sorted([*((u.start, u.end) for u in result.utterances), *((m.start, m.end) for m in result.markup)])
    reached = 0
    for start, end in spans:
        assert start == reached < end
        reached = end
    assert reached == len(script)
    for index, utterance in enumerate(result.utterances):
        assert utterance.index == index
        assert utterance.text == script[utterance.start : utterance.end] == utterance.text.strip()
        assert utterance.spoken or (index == 0 and utterance.pause_seconds > 0)
        assert 0 <= utterance.pause_seconds <= 31
    assert all(result.utterances[chapter.utterance_index].chapter == chapter.title for chapter in result.chapters)
    assert result == script_to_utterances(script)


@pytest.mark.parametrize(
    "piece",
    ["a", ".", "[", "1", "*a", "(", '"a ', "<a", "http://", "a@", "a-", "1,", "_", "²", "a.", "1/", "# ", "<!--"],
)
def test_no_text_of_full_length_takes_more_than_its_share_of_work(piece: str) -> None:
    """Without a clock: it is enough that these end, because what they provoke is quadratic or worse."""
    script = "a " + piece * ((MAX_SCRIPT_CHARACTERS - 2) // len(piece))
    try:
        assert script_to_utterances(script).utterances[0].start == 0
    except ScriptError as error:
        assert error.code == "script_too_long"  # more sentences than a lesson can have


@pytest.mark.parametrize(
    ("script", "sentences"),
    [
        (
            "The first is on page 3. The second is on page 4.",
            ["The first is on page 3.", "The second is on page 4."],
        ),
        (
            "Look at figure 1. It shows a cat. Then figure 2. It shows a dog.",
            ["Look at figure 1.", "It shows a cat.", "Then figure 2.", "It shows a dog."],
        ),
        ("Things to do: 1. Eat. 2. Sleep.", ["Things to do:", "1. Eat.", "2. Sleep."]),
        ("1. First item\n2. Second item", ["1. First item", "2. Second item"]),
    ],
)
def test_a_number_that_ends_a_sentence_is_no_list(script: str, sentences: list[str]) -> None:
    assert [utterance.text for utterance in script_to_utterances(script).utterances] == sentences
