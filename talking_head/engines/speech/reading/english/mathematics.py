"""Mathematics: factorials, bars, primes, functions, powers, roots, differences, dimensions."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.algebra import is_quantity_run, letters
from talking_head.engines.speech.reading.english.numbers import (
    SIGNS,
    cardinal,
    number,
    one_of,
    ordinal,
    signed,
)
from talking_head.engines.speech.reading.offsets import LETTER_MARK
from talking_head.engines.speech.reading.spans import Again, SpanClass, Words, inner, left, right, rule

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱˣʸᵏᵐᵗ", "0123456789+-=()nixykmt")
SUPERSCRIPT = "[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣʸᵏᵐᵗ]{1,12}"
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₌ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼ", "0123456789+-=aeoxhklmnpstij")
OPERATOR = "[=+×÷√<>≈≠≤≥*^]"
ASKED = re.compile(
    r"(?:\b(?:what is|what's|calculate|compute|work out|evaluate|subtract|solve|find|simplify|sum|answer to"
    r"|result of|value of)"
    r"|[=+×÷√<>≈≠≤≥*^(])[^.;?!]{0,20}$",
    re.IGNORECASE,
)
FUNCTIONS = {
    "sin": "sine", "cos": "cosine", "tan": "tangent", "cot": "cotangent", "sec": "secant", "csc": "cosecant",
    "arcsin": "arc sine", "arccos": "arc cosine", "arctan": "arc tangent", "sinh": "hyperbolic sine",
    "cosh": "hyperbolic cosine", "tanh": "hyperbolic tangent", "log": "log", "ln": "natural log", "exp": "exponential",
    "lg": "log", "lim": "limit", "max": "maximum", "min": "minimum", "det": "determinant",
    "gcd": "greatest common divisor", "lcm": "least common multiple", "Var": "variance", "Cov": "covariance",
    "Re": "real part", "Im": "imaginary part", "sgn": "sign", "deg": "degree",
}  # fmt: skip
_NAMED = one_of(FUNCTIONS)
# letters in front of a bracket that are functions rather than factors
_FUNCTION_LETTERS = "fghFGHPEOTpqruvsyRVNQSLCMWUφψΦΨθΓζρσ"
_GREEK = "Α-Ωα-ωϑϕϵ"
_ARGUMENT = rf"[\w\s{LETTER_MARK}{_GREEK}+\-−–×·*/^=<>≤≥≠,.;|∩∪∧∨¬'′’°√!²³⁴⁵⁶⁷⁸⁹ⁿ⁻₀-₉ₙᵢⱼ]{{1,40}}"
_NESTED = rf"{_ARGUMENT}(?:\({_ARGUMENT}\)(?:{_ARGUMENT})?){{0,2}}|(?:{_ARGUMENT})?\({_ARGUMENT}\)"
_PRIMES = {1: "prime", 2: "double prime", 3: "triple prime"}


def _formula(text: str, start: int) -> Again:
    """Return a part of a formula to be read again: a hyphen in it is a minus."""
    return Again(re.sub(r"(?<!\w\w)-(?!\w\w)|(?<=\d)-(?=\d)", "−", text), start)


def power_words(raised: str) -> str:
    """Return "squared", "cubed" or "to the power of" for what stands raised."""
    if raised in ("2", "3"):
        return "squared" if raised == "2" else "cubed"
    sign, rest = (raised[0], raised[1:]) if raised[:1] in ("-", "−", "+") else ("", raised)
    if rest.isdecimal():
        return f"to the power of {SIGNS[sign]}{number(rest)}"
    return f"to the power of {SIGNS[sign]}{' '.join(letters(each) if each.isalpha() else each for each in rest)}"


def _raised(match: re.Match[str]) -> Words:
    raised = match.group().translate(SUPERSCRIPTS).lstrip("^").strip("{}()")
    if not raised:
        return " "
    if raised[-1] in "+-":  # the charge of an ion
        return f" {number(raised[:-1])} {SIGNS[raised[-1]]}" if raised[:-1].isdecimal() else f" {SIGNS[raised[-1]]}"
    if re.fullmatch(r"[-−+]?(?:\d+|[A-Za-z]{1,2})", raised):
        return f" {power_words(raised)} "
    return [" to the power of ", Again(raised), " "]


def _primes(marks: str) -> str:
    count = sum({"″": 2, "‴": 3, '"': 2}.get(mark, 1) for mark in marks)
    return _PRIMES.get(count, f"{ordinal(count)} prime")


def _function(match: re.Match[str]) -> Words | None:
    """Return "f of x", "P of A given B", "f prime of x"."""
    name, marks, power, content = match[1], match[2], match[3], match[4]
    if (
        re.search(r"[A-Za-z]{4,}", content)
        and not (name == "P" and "|" in content)
        and not re.search(r"\b(?:and|or|not|given|" + "|".join(FUNCTIONS) + r")\b", content)
    ):
        return None  # prose in brackets
    if name in "sC" and re.fullmatch(r"[sS]|\d{4}", content):
        return None
    words = [letters(name) if name.isascii() else Again(name)]
    if marks:
        words.append(f" {_primes(marks)}")
    if power:
        words.append(f" {'inverse' if power in ('⁻¹', '^-1', '^{-1}') else power_words(_plain_power(power))}")
    return [*words, " of ", *_arguments(match, 4), " "]


def _plain_power(power: str) -> str:
    return power.translate(SUPERSCRIPTS).lstrip("^").strip("{}")


def _arguments(match: re.Match[str], group: int) -> list[str | Again]:
    """Return the content of brackets: a bar is "given", a letter is a name."""
    parts: list[str | Again] = []
    position = match.start(group)
    for piece in re.split(r"(\||,)", match[group]):
        if piece == "|":
            parts.append(" given ")
        elif piece == ",":
            parts.append(", ")
        elif re.fullmatch(rf"\s?{LETTER_MARK}?[A-Za-z]\s?", piece):
            parts.append(letters(piece.strip(f" {LETTER_MARK}")))
        elif piece.strip():
            parts.append(_formula(piece, position))
        position += len(piece)
    return parts


def _named_function(match: re.Match[str]) -> Words | None:
    name, power, base, gap, content = match.groups()
    if not (power or base or gap) and content.isalpha() and content.isascii():
        return None  # "sine"
    words: list[str | Again] = [FUNCTIONS[name]]
    if power:
        inverse = power in ("⁻¹", "^-1", "^{-1}")
        words = [f"inverse {FUNCTIONS[name]}"] if inverse else [f"{FUNCTIONS[name]} {power_words(_plain_power(power))}"]
    if base:
        plain = base.translate(SUBSCRIPTS).lstrip("_").strip("{}")
        words.append(f" base {number(plain) if plain.isdecimal() else letters(plain)}")
    link = " of " if content.startswith("(") or name in ("log", "ln", "lg") else " "
    if content.startswith("("):
        return [*words, link, _formula(content[1:-1], match.start(5) + 1), " "]
    return [*words, link, letters(content) if re.fullmatch("[A-Za-z]", content) else Again(content, match.start(5))]


def _is_factorial(match: re.Match[str]) -> bool:
    """Return whether a mark behind a figure or a letter is a factorial, not the end of an exclamation."""
    after = right(match)
    if re.match(
        rf"\s?{OPERATOR}|\s?[/)\]−–-]\s?[\d(a-z]|\s?[)\],;?.]|\s(?:is|equals|ways|permutations|means)\b|\s[a-z]", after
    ):
        return True
    return bool(ASKED.search(left(match)) or re.search(r"[/(]$", left(match, 1)))


def _gap(match: re.Match[str]) -> str:
    """Return a space where the next factor follows at once."""
    return " " if right(match, 1).isalnum() or right(match, 1) == "(" else ""


def _derivative(match: re.Match[str]) -> Words:
    """Return "d y d x"; a second derivative has its twos."""
    twice = " squared" if match[1] else ""
    return f"d{twice} {letters(match[2])} d {letters(match[3])}{twice}"


def _factorial(match: re.Match[str]) -> Words | None:
    content = match[1]
    is_sum = content.startswith("(") and not re.search(r"[A-Za-z]{3,}", content)
    is_alone = not re.search(r"[A-Za-z]", left(match) + right(match))
    if not (is_sum or is_alone or _is_factorial(match)):
        return None
    words = f" factorial{_gap(match)}"
    if is_sum or content.startswith("("):
        return [_formula(content[1:-1], match.start(1) + 1), words]
    return [cardinal(content), words]


def _letter_factorial(match: re.Match[str]) -> Words | None:
    return f"{letters(match[1])} factorial{_gap(match)}" if match[1] not in "aAI" else None


def _absolute(match: re.Match[str]) -> Words | None:
    """Return "the absolute value of x"; the bars of a table part cells."""
    content = match[1]
    if re.search(r"[A-Za-z]{4,}", content) or not re.search(r"[\w]", content):
        return None
    if right(match, 1) == "|":
        return None
    words = letters(content) if re.fullmatch("[A-Za-z]", content) else _formula(content, match.start(1))
    return ["the absolute value of ", words, " "]


def _norm(match: re.Match[str]) -> Words:
    return ["the norm of ", letters(match[1]) if len(match[1]) == 1 else inner(match, 1), " "]


def _prime(match: re.Match[str]) -> Words | None:
    """Return "x prime"; a letter in single quotation marks is none, nor is one with a plural or a contraction."""
    if (
        match[1] in "aAIOo"
        and not re.search(r"\b(?:points?|angles?|vertex|set|triangle|line) $", left(match))
        and not re.match(r"\s?[=+(∪∩]", right(match))
    ):
        return None
    if re.search(r"(?:^|[\s(])['‘][^'’]{0,30}$", left(match, 32)) and "′" not in match[2]:
        return None
    return f"{letters(match[1])} {_primes(match[2])}"


def _lower(match: re.Match[str]) -> Words:
    """Return "x sub one" for "x_1"."""
    lower = match[2].strip("{}")
    return f"{letters(match[1])} sub {cardinal(lower) if lower.isdecimal() else letters(lower)}"


def _scientific(match: re.Match[str]) -> Words:
    return f"{number(match[1])} times ten to the power of {signed((match[2] or '').strip('+'), match[3])}"


MATHEMATICS = SpanClass(
    "math",
    (
        rule(r"(?<![\w.])(\d{1,18}(?:\.\d{1,18})?)[eE]([-−+]?)(\d{1,4})(?!\w)", _scientific),
        rule(r"(?<!\w)d([²2]|\^2)?([a-zA-Z]) ?/ ?d([a-zA-Z])(?:[²2]|\^2)?(?!\w)", _derivative),
        rule(
            rf"(?<![A-Za-z_'’])([{_FUNCTION_LETTERS}])(['′’″‴]{{0,3}})(⁻¹|\^-1|\^\{{-1\}}|[²³])?\(({_NESTED})\)",
            _function,
        ),
        rule(r"(?<![\w'’])([a-zA-Z])(['′’″‴]{0,3})(⁻¹)?\(([a-zA-Z0-9]|t|x\s?,\s?y)\)(?=\s?[=+<>≤≥])", _function),
        rule(
            rf"(?<![\w'’])({_NAMED})(?:\s?([²³]|⁻¹|\^2|\^-1|\^\{{-1\}}))?([₀-₉ₐₑ]{{1,3}}|_\w|_\{{\w{{1,3}}\}})?(\s?)"
            rf"(\([^()]{{1,40}}\)|[\d.]*°?[a-zA-Z{_GREEK}](?!\w)|\d[\d.]*°?)(?!\w)",
            _named_function,
        ),
        rule(rf"(?<![\w'’])({_NAMED})(?= ?\(?\d[\d.]{{0,8}} ?°)", lambda match: FUNCTIONS[match[1]]),
        rule(r"(?<![\w.])(\d{1,9}|\([^()]{1,20}\))!(?![!?]?[!\"”])", _factorial),
        rule(r"(?<![\w'’.\"“])([a-zA-Z])!(?![!?])", _letter_factorial),
        rule(r"(?<![\w|])\|\|([^|\s][^|]{0,20})\|\|(?![\w|])", _norm),
        rule(r"(?<!\|)\|(?=\S)([^|\n]{1,40})(?<=\S)\|(?!\|)", _absolute),
        rule(r"(?<![\w'’‘])([a-zA-Z])(['′’]{1,3}|″|‴)(?=[\s=+,.;)(^]|$)", _prime),
        rule(r"(?<![\w'’])([a-zA-Z])_(\{[^\W_]{1,6}\}|[^\W_])(?!\w)", _lower),
        rule(
            rf"\^(?:\{{[^{{}}]{{1,30}}\}}|\([^()]{{1,30}}\)|[-−]?\d{{1,6}}|[-−]?\w)|(?<=[\w)\]}}|'′’]){SUPERSCRIPT}",
            _raised,
        ),
        rule(r"√\s?\(([^()]{1,40})\)", lambda match: ["the square root of ", _formula(match[1], match.start(1)), " "]),
    ),
    re.compile(rf"[\d/^|!'′’″√*·×({{⁰-⁹¹²³ⁿ₀-₉–-]|\b(?:{_NAMED})\b"),
)


def _over(match: re.Match[str]) -> Words | None:
    """Return the fraction bar between two quantities; "I/O" and "A/B tests" are none."""
    around = left(match, 1) + right(match, 2).strip()[:1]
    is_name = around.isupper() and around.isalpha() and not re.search("[=+×<>≈]", match.string)
    return None if is_name else " over "


def _product_over(match: re.Match[str]) -> Words | None:
    """Return the fraction bar of "ab/c"; "w/o" and "he/I" are words."""
    return " over " if is_quantity_run(left(match, 2)) and left(match, 2).islower() else None


# Behind the letters of algebra: the slash and the minus between two quantities.
QUOTIENTS = SpanClass(
    "math",
    (
        rule(
            r"(?<=[a-zA-Zπθ)²³])\s?/(?=\s?(?:\d|\(|[a-zA-Zπθ](?![a-zA-Z])))(?<![a-zA-Z]{2}/)(?<![a-zA-Z]{2} /)", _over
        ),
        rule(r"(?<=\b[a-zA-Z]{2})/(?=[a-zA-Z](?![a-zA-Z]))", _product_over),
        rule(r"(?<=[\d)!])\s?/(?=\s?(?:[\d(]|[a-zA-Zπθ](?![a-zA-Z])))", " over "),
        rule(r"(?<=\b(?:sin|cos|tan|log|lim) \w)\s?/(?=\s?[\w(])|(?<=\bln \w)\s?/(?=\s?[\w(])", " over "),
        rule(r"(?<=[=+(×])\s?[-−](?=[a-zA-Z](?![a-zA-Z]))|^[-−](?=[a-zA-Z](?![a-zA-Z]))", " minus "),
        rule(r"(?<=\d[a-zA-Z])[-–](?=\d)", " minus "),
    ),
    re.compile(r"[/−–-]"),
)


_LOWERED_SIGNS = {**SIGNS, "=": "equals "}


def _lowered(part: str) -> str:
    if part.isdecimal():
        return cardinal(part)
    return letters(part) if part.isalpha() else _LOWERED_SIGNS.get(part, " ")


def _subscript(match: re.Match[str]) -> Words:
    plain = match.group().translate(SUBSCRIPTS)
    return "".join(
        f" {cardinal(part)} "
        if part.isdecimal()
        else f" {letters(part) if part.isalpha() else _LOWERED_SIGNS.get(part, part)} "
        for part in re.findall(r"\d+|\D", plain)
    )


SUBSCRIPT = SpanClass("math", (rule(r"[₀-₎ₐ-ₜᵢⱼ]{1,20}", _subscript),), re.compile("[₀-₎ₐ-ₜᵢⱼ]"))
