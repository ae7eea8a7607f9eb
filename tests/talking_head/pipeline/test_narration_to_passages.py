"""Where in a recording each sentence is said, found from what a recogniser heard."""

from __future__ import annotations

import pytest

from talking_head.engines.speech.recognition import RecognisedWord
from talking_head.errors import ScriptError
from talking_head.pipeline.narration.passages import Passage, narration_to_passages

WORD_SECONDS, PAUSE_SECONDS = 0.4, 0.6
LEAF = "The leaf catches light from the sun."
ROOT = "The root drinks water out of the ground."
FRUIT = "A fruit holds the seeds of another plant."


def heard(*sentences: str) -> list[RecognisedWord]:
    """Words of equal length, with a pause behind each sentence; a bar marks a pause inside one."""
    words, now = [], 1.0
    for sentence in sentences:
        for word in sentence.lower().replace(".", "").split():
            if word == "|":
                now += PAUSE_SECONDS
                continue
            words.append(RecognisedWord(word, now, now + WORD_SECONDS, 0.9))
            now += WORD_SECONDS
        now += PAUSE_SECONDS
    return words


def hurried(words: list[RecognisedWord]) -> list[RecognisedWord]:
    """The same words half a pause earlier."""
    early = PAUSE_SECONDS / 2
    return [RecognisedWord(word.text, word.start_seconds - early, word.end_seconds - early, 0.9) for word in words]


def duration(words: list[RecognisedWord]) -> float:
    return words[-1].end_seconds + 2.0


def places(script: list[str], words: list[RecognisedWord]) -> list[Passage | None]:
    return narration_to_passages(script, words, duration(words))


def seconds(*passages: Passage | None) -> list[float]:
    return [time for passage in passages if passage for time in (passage.start_seconds, passage.end_seconds)]


def test_passages_meet_in_the_pauses_between_sentences() -> None:
    words = heard(LEAF, ROOT, FRUIT)
    leaf, root, fruit = places([LEAF, ROOT, FRUIT], words)
    first_pause = words[6].end_seconds + PAUSE_SECONDS / 2
    second_pause = words[14].end_seconds + PAUSE_SECONDS / 2
    assert seconds(leaf, root, fruit) == pytest.approx(
        [0.65, first_pause, first_pause, second_pause, second_pause, words[-1].end_seconds + 0.35]
    )


def test_misheard_words_still_mark_their_place() -> None:
    truth = places([LEAF, ROOT, FRUIT], heard(LEAF, ROOT, FRUIT))
    misrecognised = heard("believe catches light from this sun", "the route drinks what are out of the crowned", FRUIT)
    found = places([LEAF, ROOT, FRUIT], misrecognised)
    assert found[2] is not None and truth[2] is not None
    # every cut is in the pause behind the sentence, though a word is missing here and one is two there
    assert found[0] is not None and found[0].end_seconds == pytest.approx(misrecognised[5].end_seconds + 0.3)
    assert found[1] is not None and found[1].end_seconds == pytest.approx(misrecognised[14].end_seconds + 0.3)


def test_a_word_too_many_between_two_sentences_goes_where_the_pause_is_not() -> None:
    (leaf, root) = places([LEAF, ROOT], heard(LEAF, "Um the root drinks water out of the ground."))
    assert leaf is not None and root is not None
    assert leaf.end_seconds == root.start_seconds == pytest.approx(1.0 + 7 * WORD_SECONDS + PAUSE_SECONDS / 2)


def test_a_word_heard_across_the_pause_belongs_to_who_spoke_before_it() -> None:
    """“… the sun. A fruit …” heard as “… the sudden fruit …”: one word too few, which may be missing on either side."""
    words = heard("the leaf catches light from the sudden", "fruit holds the seeds of another plant")
    leaf, fruit = places([LEAF, FRUIT], words)
    assert leaf is not None and fruit is not None
    assert leaf.end_seconds == fruit.start_seconds == pytest.approx(words[6].end_seconds + PAUSE_SECONDS / 2)


def test_a_pause_before_a_misheard_word_is_no_cut() -> None:
    words = heard("the leaf catches light from the | son | the root drinks water out of the ground")
    leaf, root = places([LEAF, ROOT], [*words[:7], *hurried(words[7:])])
    assert leaf is not None and root is not None
    assert leaf.end_seconds == root.start_seconds == pytest.approx(words[6].end_seconds + PAUSE_SECONDS / 4)


def test_a_sentence_deleted_from_the_text_is_cut_from_the_recording() -> None:
    words = heard(LEAF, ROOT, FRUIT)
    whole, cut = places([LEAF, ROOT, FRUIT], words), places([LEAF, FRUIT], words)
    assert cut == [whole[0], whole[2]]


def test_changing_one_sentence_moves_no_other() -> None:
    words = heard(LEAF, ROOT, FRUIT)
    before = places([LEAF, ROOT, FRUIT], words)
    after = places([LEAF, "The root drinks all the water of the ground.", FRUIT], words)
    assert (after[0], after[2]) == (before[0], before[2])


def test_utterances_without_words_take_nothing_of_the_recording() -> None:
    words = heard(LEAF, ROOT)
    leaf, silence, root = places([LEAF, "", ROOT], words)
    assert [leaf, root] == places([LEAF, ROOT], words)
    assert silence is None


def test_a_sentence_that_is_not_said_is_named() -> None:
    with pytest.raises(ScriptError) as caught:
        places([LEAF, "Nothing like this was ever spoken here.", ROOT], heard(LEAF, ROOT))
    assert caught.value.code == "audio_text_mismatch"
    assert "“Nothing like this was ever spoken here.”." in caught.value.message


def test_several_sentences_that_are_not_said_are_counted() -> None:
    script = ["Nobody ever spoke these other words.", LEAF, ROOT, "Nor can those be heard anywhere."]
    with pytest.raises(ScriptError) as caught:
        places(script, heard(LEAF, ROOT))
    assert "“Nobody ever spoke these other words.”, nor one other sentence." in caught.value.message


def test_another_text_is_refused_as_a_whole() -> None:
    with pytest.raises(ScriptError) as caught:
        places(["Nobody ever spoke these words.", "Nor can those be heard anywhere."], heard(LEAF, FRUIT))
    assert caught.value.message == "The recording does not match the text."


def test_where_most_is_misheard_no_sentence_is_refused_for_it() -> None:
    """A recogniser in a noisy room: the aligner, which knows the words, decides later."""
    words = heard("believe hatches lied from the sum", "a route rings what her out on this crowned", "fruit holes")
    assert all(places([LEAF, ROOT, FRUIT], words))


def test_a_short_sentence_may_be_misheard_completely() -> None:
    _, yes, _ = places([LEAF, "It does.", ROOT], heard(LEAF, "with us", ROOT))
    assert yes is not None
    assert yes.end_seconds - yes.start_seconds == pytest.approx(2 * WORD_SECONDS + PAUSE_SECONDS)


def test_nothing_heard_fits_no_text() -> None:
    with pytest.raises(ScriptError):
        narration_to_passages([LEAF], [], 3.0)


def test_a_script_without_words_needs_no_recording() -> None:
    assert narration_to_passages(["", ""], [], 3.0) == [None, None]
