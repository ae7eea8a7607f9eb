"""Sentences end where they end, in every thread."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from talking_head.pipeline.script.script_to_utterances import script_to_utterances
from talking_head.pipeline.script.sentences import sentence_spans

WHOLE = """
We had 10 in. of rain.
The min. and max. values are shown.
It is approx. 5 km away.
See Fig. 3 for details.
At 5 p.m. we left.
He lives on Main St. near us.
Add 2 tbsp. of oil and 1 tsp. salt.
It weighs 3 lbs. and is red.
On Jan. 5 we met.
In Sept. we start.
Symphony No. 5, Op. 67 is famous.
See vol. II for more.
Rs. 500 is enough.
The dept. of physics opened.
He was born c. 1450.
The well is 30 ft. deep.
Germany vs. France was close.
The pop. of Rome grew.
Apples, pears, etc. are fruits.
Prof. Curie et al. found it.
Use e.g. this one.
Capt. Cook and Gen. Lee are dead.
See no. 5 and fig. 3 in vol. 2.
Dr. Smith met St. John on Mt. Everest.
She has a Ph.D. in physics.
The U.S. Constitution is old.
Use fruit, e.g. apples, i.e. what grows.
Come at 5 p.m. sharp.
Call at 5 p.m. GMT or at 9 a.m. EST.
The temp. rose by 5 deg. overnight.
He lives at 5 Oak St. in Rome.
The Rev. Martin Luther King Jr. spoke.
The U.N. met in N.Y. today.
""".strip().splitlines()

SEVERAL = {
    "It was 5 p.m. We left.": ["It was 5 p.m.", "We left."],
    "It rose by 2 ft. It fell again.": ["It rose by 2 ft.", "It fell again."],
    "I like apples, etc. They are good.": ["I like apples, etc.", "They are good."],
    "No. I will not.": ["No.", "I will not."],
    "The max. is 5. The min. is 2.": ["The max. is 5.", "The min. is 2."],
    "x is 5. y is 6.": ["x is 5.", "y is 6."],
    "pH is 7. pH is low.": ["pH is 7.", "pH is low."],
    "The U.S. is big. So is Canada.": ["The U.S. is big.", "So is Canada."],
    "I came at 5 p.m. The bell rang.": ["I came at 5 p.m.", "The bell rang."],
    "She has a Ph.D. He has none.": ["She has a Ph.D.", "He has none."],
    "They live on Oak St. The house is red.": ["They live on Oak St.", "The house is red."],
    "Take vitamin C. It helps.": ["Take vitamin C.", "It helps."],
    "Ask for no. 5. It is good.": ["Ask for no. 5.", "It is good."],
    "See fig. 3. It shows a cell.": ["See fig. 3.", "It shows a cell."],
    "The rod is 10 in. It is long.": ["The rod is 10 in.", "It is long."],
    "See Smith et al. They found it.": ["See Smith et al.", "They found it."],
    "See ch. 4. It helps.": ["See ch. 4.", "It helps."],
}


def texts(script: str) -> list[str]:
    return [utterance.text for utterance in script_to_utterances(script).utterances]


@pytest.mark.parametrize("sentence", WHOLE)
def test_an_abbreviation_tears_no_sentence(sentence: str) -> None:
    assert texts(sentence) == [sentence]


@pytest.mark.parametrize(("script", "sentences"), SEVERAL.items(), ids=range(len(SEVERAL)))
def test_an_abbreviation_may_end_a_sentence(script: str, sentences: list[str]) -> None:
    assert texts(script) == sentences


def test_eight_threads_split_eight_texts_at_once() -> None:
    """A segmenter that two threads share mixes up their texts: whole paragraphs became one sentence."""
    scripts = [
        " ".join(f"Sentence {number} of text {index} ends here. Dr. Smith said so." for number in range(12 + index))
        for index in range(8)
    ]
    alone = [sentence_spans(script, 0, len(script), "en") for script in scripts]
    assert [len(spans) for spans in alone] == [2 * (12 + index) for index in range(8)]
    start = Barrier(8)

    def split(index: int) -> list[list[tuple[int, int]]]:
        start.wait()
        return [sentence_spans(scripts[index], 0, len(scripts[index]), "en") for _ in range(15)]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(split, range(8)))
    finally:
        sys.setswitchinterval(interval)
    assert all(spans == alone[index] for index, results in enumerate(found) for spans in results)


def test_the_numbers_and_times_of_pasted_subtitles_are_not_said() -> None:
    srt = "1\n00:00:01,000 --> 00:00:03,500\nHello there.\n\n2\n00:00:04,000 --> 00:00:06,000\nGood bye.\n"
    vtt = (
        "WEBVTT\n\n00:01.000 --> 00:04.000 align:start\n<v Ann>Never drink nitrogen.\n\n00:05.000 --> 00:09.000\nBye.\n"
    )
    assert [each.spoken for each in script_to_utterances(srt).utterances] == ["Hello there.", "Good bye."]
    assert [each.pause_seconds for each in script_to_utterances(srt).utterances] == [0.0, 0.0]
    assert [each.spoken for each in script_to_utterances(vtt).utterances] == ["Never drink nitrogen.", "Bye."]


def test_numbers_that_no_time_follows_are_said() -> None:
    assert texts("1\nHello --> there.") == ["1", "Hello --> there."]
