"""Calculations: differences and ranges of figures, sizes and multiples, products."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.mathematics import ASKED, OPERATOR
from talking_head.engines.speech.reading.english.numbers import AMOUNT, NUMBER, number
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

_RELATION = r"(?:is|equals|gives|leaves|makes|was|yields|=)"


_SPAN_BEFORE = re.compile(
    r"\b(?:pages?|pp\.|chapters?|verses?|ages?|aged|years?|from|between|lines?|questions?|grades?|rooms?"
    r"|numbers?|items?"
    r"|steps?|levels?|scores?|scored|won|lost|beat|drew|win|victory|parts?|sections?|units?|exercises?|problems?"
    r"|(?:score|scores|lead|win|loss|victory|defeat|result) of)"
    r"\s$",
    re.IGNORECASE,
)


def _difference(match: re.Match[str]) -> Words | None:
    """Return "seven minus four" for figures with a spaced dash; "4 - 6 weeks" and "1914 - 1918" are ranges."""
    first, *others = re.split(r" [-–] ", match.group())
    last = others[0]
    before, after = left(match), right(match)
    asked = ASKED.search(before) or re.match(rf"\s?(?:[=×÷+*^<>]|[-−–] \d|{_RELATION}\b)", after)
    if not asked and len(others) == 1:
        if re.match(r"\s?(?:[%°$€£]|[a-z]{1,3}\b)", after) and not re.match(
            r"\s(?:is|and|or|so|as|we|to|it|if|by)\b", after
        ):
            return None
        if re.match(
            r"\s(?!is\b|was\b|equals\b|gives\b|leaves\b|makes\b|yields\b)(?:[a-z]{3,}s|people|children|men|women)\b",
            after,
        ):
            return None
        if _SPAN_BEFORE.search(before) or re.search(r"[$€£]\s?$", before):
            return None
        if _value(first) < _value(last) or (len(first) == len(last) == 4 and first[0] in "12"):
            return None
    return " minus ".join(map(number, (first, *others)))


def _value(text: str) -> float:
    return float(text.replace(",", "").replace(" ", ""))


_FACTOR_BEFORE = re.compile(r"(?:[\d=+×÷√*/^)]|(?<![a-z])[a-z]) ?\($")
_SIGN_BEHIND = re.compile(r"\)\s?[=×÷+*/^²³!−-]")


def _close_difference(match: re.Match[str]) -> Words | None:
    """Return "nine minus five" for "9-5" where the sentence calculates."""
    before, after = left(match), right(match)
    asked = re.match(r"\s?[=×÷+*^]|\s(?:equals|gives)\b", after) or re.search(r"[=+×÷√]\s?$", before)
    if before.endswith("(") and after.startswith(")"):  # "2(7-4)", "(7-4) × 2", and not "(1564–1616)"
        asked = _FACTOR_BEFORE.search(before) or _SIGN_BEHIND.match(after)
    if not asked and not re.search(
        r"\b(?:what is|calculate|compute|work out|evaluate|subtract)\s(?:\d+ ?[+×] ?)?$", before, re.I
    ):
        return None
    if re.match(r"\s?(?:%|°|[a-z]{1,2}\b)", after):
        return None
    return f"{number(match[1])} minus {number(match[2])}"


_CHAIN = re.compile(r"(?:^|[^\d\s.,=+÷*×x])\s?[\d.,]+\s?[×xX]\s?[\d.,]+\s?$")  # "30 × 20", before "× 10 cm"
_LENGTH_NEXT = re.compile(r"[\d.,]+\s?(?:mm|cm|m|km|in|ft|px|\"|″|inch(?:es)?|feet|met[er]{2}s?)\b")


def _dimensions(match: re.Match[str]) -> Words | None:
    """Return the sign between two sizes: "by" for a grid, "times" where the sentence calculates."""
    before, after = left(match), right(match)
    sign = match[1]
    calculates = re.search(
        rf"{OPERATOR}\s?[\d.,\s]*$|\b(?:what is|calculate|work out|multiply|compute|evaluate)\s[\d.,\s×x]*$",
        before,
        re.I,
    ) or re.match(
        r"[\d.,]+(?:\s?x\s?[\d.]+)*\s?[=+÷*<>]|[\d.,]+\s?[-−]\s?\d|[\d.,]+\s(?:is|equals|makes|gives)\b", after
    )
    if _CHAIN.search(before) and _LENGTH_NEXT.match(after):
        return " by "
    if calculates or re.match(r"10(?:\^|[⁰¹²³⁴-⁹⁻])", after):
        return " times "
    if sign in "xX":
        return " by "
    grid = re.match(
        r"[\d.,]+(?:\s?[×x]\s?[\d.]+)?\s?(?:mm|cm|m|km|in|ft|px|\"|″|'|inch(?:es)?|feet|meters?|metres?|pixels?"
        r"|matri\w+|grid|tables?|squares?"
        r"|board|array|lumber|photo|room|sheet|block|piece|determinant|chess\w*|cube|picture|print|card"
        r"|contingency|punnett)\b",
        after,
        re.IGNORECASE,
    )
    is_screen = re.search(r"\d{3}\s?$", before) and re.match(r"\d{3,}(?!\s?[=\d])", after)
    return (
        " by "
        if grid or is_screen or re.search(r"\b(?:an?|the|each|sizes?|order|dimensions?|measures)\s[\d.,]+\s?$", before)
        else " times "
    )


def _by_measures(match: re.Match[str]) -> Words | None:
    """Return the sign behind a measure: "4 m × 5 m", "8.5\" x 11\""."""
    if re.search(r"\d\s?(?:mm|cm|m|km|in\.?|ft|px|\"|″|”|'|′|inch(?:es)?|feet|met[er]{2}s?)$", left(match)):
        return " by "
    return " times " if match[1] == "×" else None


_MORE = (
    r"(?:faster|slower|more|less|larger|bigger|smaller|the|as|higher|lower|greater|longer|stronger|cheaper"
    r"|better|worse|that"
    r"|heavier|brighter|louder|deeper|wider|thicker|cleaner|safer|farther|further|taller|shorter|older|younger"
    r"|denser|hotter"
    r"|colder|zoom|speed|magnification|growth|increase|return|returns|improvement|objective|lens|reduction|what"
    r"|what's|its|his|her|their|our"
    r"|your|my|power|leverage|per|a|daily|weekly|than|stronger|weaker|fewer|over|gain|gains|multiplier|scale|optical)\b"
)


CALCULATIONS = SpanClass(
    "math",
    (
        rule(rf"(?<![\w.,:/-]){NUMBER}(?: [-–] {NUMBER}){{1,6}}(?![\w:/-]|,?\d)", _difference),
        rule(rf"(?<![\w.,:/-])({NUMBER})[-–]({NUMBER})(?![\w:/-])", _close_difference),
        rule(r"(?<=\d)\s?([x×X])\s?(?=\d)", _dimensions),
        rule(r"(?<=[\w\"″'′”.)])\s?([x×])\s?(?=\d)", _by_measures),
        rule(
            rf"(?<![\w.,])({AMOUNT})\s?[x×](?= {_MORE}|-(?:faster|more|zoom|magnification))",
            lambda match: f"{number(match[1])} times",
        ),
        rule(
            rf"(?:(?<=\bby )|(?<=\bat )|(?<=\bto )|(?<=\bof ))({AMOUNT})[x×](?=[\s.,;)]|$)(?! [=+])",
            lambda match: f"{number(match[1])} times",
        ),
        rule(r"(?<=\d)\s?\*\s?(?=[\d(])|(?<=\w) ?\* ?(?=\w)|(?<=\w) · ?(?=\w)|(?<=[\w)])·(?=[\w(])", " times "),
        rule(r"(?<![a-zA-Z]{2})(?<=[a-zA-Zπθ)²³⁴ⁿ!]) [-–] (?=[a-zA-Z](?![\w'’])|\d|\(|√|π|\|)", " minus "),
        rule(
            r"(?<=\d) [-–−] (?=[a-zA-Z](?![\w'’]))|(?<=\b[a-z])[-–−](?=\d{1,3}\b)|(?<=\([a-z])[-–](?=[a-z]\))",
            " minus ",
        ),
        rule(r"(?<=\))[-–](?=\d|[a-z](?!\w)|\()|(?<=[²³⁴])[-–](?=\d|[a-z])", " minus "),
        rule(r"(?<=[a-z]\d)[-–](?=\d)", " to "),
    ),
    re.compile(r"[\d*·×)²³⁴–-]"),
)
