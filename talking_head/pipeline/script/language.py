"""The check that a text is written in the letters of its language."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from talking_head.engines.speech.reading.spoken_form import primary_language
from talking_head.errors import ScriptError

_LATIN = frozenset({"LATIN"})
_WRITTEN_IN = {
    **dict.fromkeys(("ru", "uk", "bg", "be", "mk", "kk", "ky", "mn", "tg"), frozenset({"CYRILLIC"})),
    **dict.fromkeys(("ar", "fa", "ur", "ps"), frozenset({"ARABIC"})),
    **dict.fromkeys(("hi", "mr", "ne", "sa"), frozenset({"DEVANAGARI"})),
    **dict.fromkeys(("he", "yi"), frozenset({"HEBREW"})),
    **dict.fromkeys(("am", "ti"), frozenset({"ETHIOPIC"})),
    "sr": frozenset({"CYRILLIC", "LATIN"}),
    "el": frozenset({"GREEK"}),
    "hy": frozenset({"ARMENIAN"}),
    "ka": frozenset({"GEORGIAN"}),
    "bn": frozenset({"BENGALI"}),
    "ta": frozenset({"TAMIL"}),
    "te": frozenset({"TELUGU"}),
    "th": frozenset({"THAI"}),
    "my": frozenset({"MYANMAR"}),
    "km": frozenset({"KHMER"}),
    "zh": frozenset({"CJK", "BOPOMOFO", "LATIN"}),
    "ja": frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "LATIN"}),
    "ko": frozenset({"HANGUL", "CJK", "LATIN"}),
}
# First words of the Unicode names of letters that belong to no writing system in particular.
_NEUTRAL = frozenset(
    {"MODIFIER", "FEMININE", "MASCULINE", "MICRO", "SUPERSCRIPT", "SUBSCRIPT", "SCRIPT", "MATHEMATICAL"}
)


_PHONETIC = frozenset(map(chr, range(0x0250, 0x02B0))) - {"ə"}  # "ʃip": Latin by name, sounds to a linguist
_NAMED_WORDS = 5  # a notice names so many and counts the rest


def foreign_word_notices(spoken: Iterable[str], language: str) -> tuple[str, ...]:
    """Return a sentence that names the words in a writing system which a voice for the language cannot read; such words
    within a sentence are no error, but the voice leaves them out or spells them oddly.

    Args:
        spoken: the utterances as they are said.
    """
    expected = _WRITTEN_IN.get(primary_language(language), _LATIN) | _LATIN
    words: dict[str, None] = {}  # in order, each once
    for text in spoken:
        for word in _words(text):
            if _PHONETIC & set(word) or any(system and system not in expected for system in map(_writing_system, word)):
                words[word] = None
    if not words:
        return ()
    named = ", ".join(f"“{word}”" for word in list(words)[:_NAMED_WORDS])
    more = f" and {len(words) - _NAMED_WORDS} more" if len(words) > _NAMED_WORDS else ""
    return (f"The voice cannot say {named}{more}. Write how it sounds, in the letters of the lesson's language.",)


def _words(text: str) -> Iterable[str]:
    """Return the runs of letters with the marks that belong to them: the vowels of Hindi and Thai are marks."""
    joined = "".join(
        each if each.isalpha() or unicodedata.category(each) in ("Mn", "Mc") or each in "'’-\u200c\u200d" else " "
        for each in text
    )
    return (word.strip("'’-\u200c\u200d") for word in joined.split())


def check_language(spoken: Iterable[str], language: str) -> None:
    """Check that the text's writing system is that of the language.

    The writing system alone is checked because it cannot be mistaken. (Spanish in an English lesson is not noticed:
    quotations and names make every guess about single sentences wrong sometimes.)

    Args:
        spoken: the utterances as they are spoken; signs and single Greek letters are already words there.

    Raises:
        ScriptError: ``unsupported_language`` when most letters, or all letters of one utterance, are foreign.
    """
    expected = _WRITTEN_IN.get(primary_language(language), _LATIN)
    total: Counter[str] = Counter()
    foreign_utterance = ""
    for text in spoken:
        systems = Counter(system for system in map(_writing_system, text) if system)
        total += systems
        if systems and not expected & systems.keys() and not foreign_utterance:
            foreign_utterance = text
    expected_count = sum(total[system] for system in expected)
    if total and 2 * expected_count < total.total():
        raise _foreign("Most of the text", total, expected, language)
    if foreign_utterance:
        excerpt = foreign_utterance[:40] + ("…" if len(foreign_utterance) > 40 else "")
        systems = Counter(system for system in map(_writing_system, foreign_utterance) if system)
        raise _foreign(f"The sentence “{excerpt}”", systems, expected, language)


def _foreign(subject: str, systems: Counter[str], expected: frozenset[str], language: str) -> ScriptError:
    system = next(name for name, _ in systems.most_common() if name not in expected)
    name = "Chinese" if system == "CJK" else system.capitalize()
    return ScriptError(
        f"{subject} is written in {name} letters, which a voice for “{language}” cannot read.",
        code="unsupported_language",
        hint="Choose a voice for that language, or write it in the lesson's language.",
    )


@lru_cache(maxsize=8_192)
def _writing_system(character: str) -> str:
    """Return "LATIN", "CYRILLIC", "CJK" ...; empty for a character that is no letter or belongs to no system."""
    if not character.isalpha():
        return ""
    system = unicodedata.name(unicodedata.normalize("NFKC", character)[0], "").split(" ")[0]
    return "" if system in _NEUTRAL else system
