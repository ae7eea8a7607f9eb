"""Words in capitals: stressed words are words, not abbreviations to be spelled."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from talking_head.engines.speech.reading.english.capital_words import ACRONYMS, AMBIGUOUS, STRESSED
from talking_head.engines.speech.reading.spans import Claims, Span

_WORD = re.compile(r"(?<![\w&.@/-])[A-Z]{2,}(?:['’][A-Z]{1,2})?(?![\w&@]|\.[A-Z]\b|-\d)")
_SPELLED = frozenset(("WHO", "IT"))  # a voice would take them for words
_SHOUTED = 3  # words in capitals in a row are a sentence that is stressed as a whole


class _Stress:
    """Finds words in capitals that are said as words."""

    def find(self, text: str, claims: Claims, spans: Sequence[Span]) -> Iterable[Span]:
        """Return the stressed words, in small letters."""
        words = [match for match in _WORD.finditer(text) if claims.first_taken(*match.span()) < 0]
        runs: list[list[re.Match[str]]] = []
        for match in words:
            if runs and not re.search(r"[^\W_]{2,}|[a-z]|[.!?]", text[runs[-1][-1].end() : match.start()]):
                runs[-1].append(match)
            else:
                runs.append([match])
        for run in runs:
            shouted = len(run) >= _SHOUTED and any(_plain(match) in STRESSED for match in run)
            for match in run:
                if _is_a_word(match, text, shouted=shouted):
                    yield Span(match.start(), match.end(), "stress", match.group().lower())
                elif match.group() in _SPELLED:
                    yield Span(match.start(), match.end(), "acronym", "".join(f"{letter}." for letter in match.group()))


def _plain(match: re.Match[str]) -> str:
    return match.group().lower().replace("’", "'")


def _is_a_word(match: re.Match[str], text: str, *, shouted: bool) -> bool:
    word = _plain(match)
    if match.group() in ACRONYMS and not (shouted and word in AMBIGUOUS):
        return (
            word in AMBIGUOUS
            and bool(AMBIGUOUS[word])
            and bool(re.match(AMBIGUOUS[word], text[match.end() : match.end() + 20]))
        )
    if word in STRESSED or word.partition("'")[0] in STRESSED:
        return True
    return shouted and len(word) > 2 and bool(re.search("[aeiouy]", word))


STRESS = _Stress()
