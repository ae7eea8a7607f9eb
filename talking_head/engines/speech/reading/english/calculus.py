"""Sums, products, integrals and limits in plain text: their bounds stand lowered and raised, or behind "_" and "^"."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.algebra import letters
from talking_head.engines.speech.reading.english.mathematics import SUBSCRIPTS, SUPERSCRIPTS
from talking_head.engines.speech.reading.spans import Again, SpanClass, Words, rule

BIG_OPERATORS = {
    "∑": "the sum", "Σ": "the sum", "∏": "the product", "∫": "the integral", "∮": "the contour integral",
    "∬": "the double integral", "∭": "the triple integral", "⋃": "the union", "⋂": "the intersection",
}  # fmt: skip
_LOWER = r"(?:_\{([^{}]{1,30})\}|_\(([^()]{1,30})\)|_([\w=∞+-]{1,12})|([₀₁₂₃₄₅₆₇₈₉₊₋₌ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼ]{1,12}))"
_UPPER = r"(?:\^\{([^{}]{1,30})\}|\^\(([^()]{1,30})\)|\^([-+−]?[\w∞]{1,6})|([⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵏᵐ]{1,12}))"
_TARGET = r"(-?−?\+?(?:∞|\d+(?:\.\d+)?|[a-zπ](?!\w))[⁺⁻+-]?)"


def _bound(match: re.Match[str], first: int) -> str:
    """Return the text of one bound from its four groups, lowered and raised figures as ordinary ones."""
    plain = match[first] or match[first + 1] or match[first + 2]
    if plain is None:
        plain = (match[first + 3] or "").translate(SUBSCRIPTS).translate(SUPERSCRIPTS)
    return plain.replace("-", "−")


def _term(text: str) -> str | Again:
    plain = text.strip()
    return letters(plain) if re.fullmatch("[A-Za-z]{1,2}", plain) else Again(plain)


def _big_operator(match: re.Match[str]) -> Words | None:
    """Return "the sum from i equals one to n of"."""
    low, high = _bound(match, 2), _bound(match, 6)
    words: list[str | Again] = [f" {BIG_OPERATORS[match[1]]}"]
    if low and high:
        words += [" from ", _term(low), " to ", _term(high)]
    elif low:
        words += [" over ", _term(low)]
    elif high:
        return None
    return [*words, " of "]


def _limit(match: re.Match[str]) -> Words:
    """Return "the limit as x approaches zero of"; a raised sign is the side that it is approached from."""
    variable, target = match[1], match[2].replace("-", "−")
    side = {"⁺": " from above", "⁻": " from below"}.get(target[-1], "")
    if len(target) > 1 and target[-1] in "+−":
        side = " from above" if target[-1] == "+" else " from below"
    target = target[:-1] if side else target
    return ["the limit as ", letters(variable), " approaches ", _term(target), f"{side} of "]


def _differential(match: re.Match[str]) -> Words | None:
    return f" {letters('d' + match[1])}" if re.search(r"[∫∬∭∮]", match.string) else None


def _index(letter: str) -> str:
    return letter.translate(SUBSCRIPTS).replace("ᵣ", "r")


CALCULUS = SpanClass(
    "math",
    (
        rule(rf"([{''.join(BIG_OPERATORS)}])\s?{_LOWER}?\s?{_UPPER}?(?<![∑∏Σ∫∮∬∭⋃⋂\s])", _big_operator),
        rule(rf"(?<!\w)lim\s?(?:_?[({{]\s?)?_?([a-zA-Z])\s?(?:→|->|⟶)\s?{_TARGET}\s?[)}}]?", _limit),
        rule(r"(?:(?<=[\s\d)²³⁴])|(?<=[a-z]))d([xyzstuvrθ])(?!\w)", _differential),
        rule(r"(?<!\w)([a-zA-Z]): (?=[A-ZℝℕℤℚℂΩ][\w×²]{0,2} ?(?:→|->|⟶))", lambda match: f"{letters(match[1])} from "),
        rule(r"(?<!\w)[nⁿ]C([rkᵣₖ])(?!\w)", lambda match: f"{letters('n')} choose {letters(_index(match[1]))}"),
        rule(r"(?<!\w)[nⁿ]P([rkᵣₖ])(?!\w)", lambda match: letters(f"nP{_index(match[1])}")),
    ),
    re.compile(rf"[{''.join(BIG_OPERATORS)}]|lim|[→⟶]|->|[nⁿ][CP]"),
)
