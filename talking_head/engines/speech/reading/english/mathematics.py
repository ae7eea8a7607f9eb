"""Mathematics: factorials, bars, primes, functions, powers, roots, differences, dimensions."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.algebra import letters
from talking_head.engines.speech.reading.english.numbers import (
    AMOUNT,
    NUMBER,
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
_RELATION = r"(?:is|equals|gives|leaves|makes|was|yields|=)"
_ASKED = re.compile(
    r"(?:\b(?:what is|what's|calculate|compute|work out|evaluate|subtract|solve|find|simplify|sum|answer to"
    r"|result of|value of)"
    r"|[=+×÷√<>≈≠≤≥*^(])[^.;?!]{0,20}$",
    re.IGNORECASE,
)
_SPAN_BEFORE = re.compile(
    r"\b(?:pages?|pp\.|chapters?|verses?|ages?|aged|years?|from|between|lines?|questions?|grades?|rooms?"
    r"|numbers?|items?"
    r"|steps?|levels?|scores?|scored|won|lost|beat|drew|win|victory|parts?|sections?|units?|exercises?|problems?"
    r"|(?:score|scores|lead|win|loss|victory|defeat|result) of)"
    r"\s$",
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
            parts.append(Again(piece, position))
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
        return [*words, link, Again(content[1:-1], match.start(5) + 1), " "]
    return [*words, link, letters(content) if re.fullmatch("[A-Za-z]", content) else Again(content, match.start(5))]


def _is_factorial(match: re.Match[str]) -> bool:
    """Return whether a mark behind a figure or a letter is a factorial, not the end of an exclamation."""
    after = right(match)
    if re.match(
        rf"\s?{OPERATOR}|\s?[/)\]−–-]\s?[\d(a-z]|\s?[)\],;?.]|\s(?:is|equals|ways|permutations|means)\b|\s[a-z]", after
    ):
        return True
    return bool(_ASKED.search(left(match)) or re.search(r"[/(]$", left(match, 1)))


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
        return [Again(content[1:-1], match.start(1) + 1), words]
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
    words = letters(content) if re.fullmatch("[A-Za-z]", content) else inner(match, 1)
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


def _difference(match: re.Match[str]) -> Words | None:
    """Return "seven minus four" for figures with a spaced dash; "4 - 6 weeks" and "1914 - 1918" are ranges."""
    first, *others = re.split(r" [-–] ", match.group())
    last = others[0]
    before, after = left(match), right(match)
    asked = _ASKED.search(before) or re.match(rf"\s?(?:[=×÷+*^<>]|[-−–] \d|{_RELATION}\b)", after)
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


def _close_difference(match: re.Match[str]) -> Words | None:
    """Return "nine minus five" for "9-5" where the sentence calculates."""
    before, after = left(match), right(match)
    asked = re.match(r"\s?[=×÷+*^]|\s(?:equals|gives)\b", after) or re.search(r"[=+×÷√(]\s?$", before)
    if not asked and not re.search(
        r"\b(?:what is|calculate|compute|work out|evaluate|subtract)\s(?:\d+ ?[+×] ?)?$", before, re.I
    ):
        return None
    if re.match(r"\s?(?:%|°|[a-z]{1,2}\b)", after):
        return None
    return f"{number(match[1])} minus {number(match[2])}"


def _dimensions(match: re.Match[str]) -> Words | None:
    """Return the sign between two sizes: "by" for a grid, "times" where the sentence calculates."""
    before, after = left(match), right(match)
    sign = match[1]
    calculates = re.search(
        rf"{OPERATOR}\s?[\d.,\s]*$|\b(?:what is|calculate|work out)\s[\d.,\s×x]*$", before, re.I
    ) or re.match(
        r"[\d.,]+(?:\s?x\s?[\d.]+)*\s?[=+÷*<>]|[\d.,]+\s?[-−]\s?\d|[\d.,]+\s(?:is|equals|makes|gives)\b", after
    )
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
    return (
        " by "
        if grid or re.search(r"\b(?:an?|the|each|sizes?|order|dimensions?|measures)\s[\d.,]+\s?$", before)
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
            rf"(?<![\w'’])({_NAMED})\s?([²³]|⁻¹|\^2|\^-1|\^\{{-1\}})?([₀-₉ₐₑ]{{1,3}}|_\w|_\{{\w{{1,3}}\}})?(\s?)"
            rf"(\([^()]{{1,40}}\)|[\d.]*°?[a-zA-Z{_GREEK}](?!\w)|\d[\d.]*°?)(?!\w)",
            _named_function,
        ),
        rule(rf"(?<![\w'’])({_NAMED})(?= ?\(?\d[\d.]{{0,8}} ?°)", lambda match: FUNCTIONS[match[1]]),
        rule(r"(?<![\w.])(\d{1,9}|\([^()]{1,20}\))!(?![!?]?[!\"”])", _factorial),
        rule(r"(?<![\w'’.\"“])([a-zA-Z])!(?![!?])", _letter_factorial),
        rule(r"(?<![\w|])\|\|([^|\s][^|]{0,20})\|\|(?![\w|])", _norm),
        rule(r"(?<!\|)\|(?=\S)([^|\n]{1,40})(?<=\S)\|(?!\|)", _absolute),
        rule(r"(?<![\w'’‘])([a-zA-Z])(['′’]{1,3}|″|‴)(?=[\s=+,.;)(^]|$)", _prime),
        rule(r"(?<![\w'’])([a-zA-Z])_(\{\w{1,6}\}|\w)(?!\w)", _lower),
        rule(
            rf"\^(?:\{{[^{{}}]{{1,30}}\}}|\([^()]{{1,30}}\)|[-−]?\d{{1,6}}|[-−]?\w)|(?<=[\w)\]}}'′’]){SUPERSCRIPT}",
            _raised,
        ),
        rule(r"√\s?\(([^()]{1,40})\)", lambda match: ["the square root of ", inner(match, 1), " "]),
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
        rule(r"(?<![^\W\d_]{2})(?<=[a-zA-Zπθ)²³⁴ⁿ!]) [-–] (?=[a-zA-Z](?![\w'’])|\d|\(|√|π|\|)", " minus "),
        rule(
            r"(?<=\d) [-–−] (?=[a-zA-Z](?![\w'’]))|(?<=\b[a-z])[-–−](?=\d{1,3}\b)|(?<=\([a-z])[-–](?=[a-z]\))",
            " minus ",
        ),
        rule(r"(?<=\))[-–](?=\d|[a-z](?!\w)|\()|(?<=[²³⁴])[-–](?=\d|[a-z])", " minus "),
        rule(r"(?<=[a-z]\d)[-–](?=\d)", " to "),
    ),
    re.compile(r"[\d/^|!'′’″√*·×({⁰-⁹¹²³ⁿ–-]"),
)

# Behind the letters of algebra: the slash and the minus between two quantities.
QUOTIENTS = SpanClass(
    "math",
    (
        rule(r"(?<=[a-zA-Zπθ)²³])\s?/\s?(?=\d|\(|[a-zA-Zπθ](?![a-zA-Z]))(?<![a-zA-Z]{2}/)(?<![a-zA-Z]{2} /)", " over "),
        rule(r"(?<=\d)\s?/\s?(?=[a-zA-Zπθ(](?![a-zA-Z]))", " over "),
        rule(r"(?<=[\d)!])\s?/\s?(?=[\d(])", " over "),
        rule(r"(?<=[=+(×])\s?[-−](?=[a-zA-Z](?![a-zA-Z]))|^[-−](?=[a-zA-Z](?![a-zA-Z]))", " minus "),
        rule(r"(?<=\d[a-zA-Z])[-–](?=\d)", " minus "),
    ),
    re.compile(r"[/−–-]"),
)


def _subscript(match: re.Match[str]) -> Words:
    plain = match.group().translate(SUBSCRIPTS)
    return "".join(
        f" {cardinal(part)} " if part.isdecimal() else f" {letters(part) if part.isalpha() else SIGNS.get(part, part)} "
        for part in re.findall(r"\d+|\D", plain)
    )


SUBSCRIPT = SpanClass("math", (rule(r"[₀-₎ₐ-ₜᵢⱼ]{1,20}", _subscript),), re.compile("[₀-₎ₐ-ₜᵢⱼ]"))
