"""LaTeX: a formula is turned into plain signs and words, which the other classes read."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.algebra import is_quantity_run, letters
from talking_head.engines.speech.reading.english.fractions import fraction_words
from talking_head.engines.speech.reading.english.mathematics import FUNCTIONS, power_words
from talking_head.engines.speech.reading.english.numbers import cardinal, one_of
from talking_head.engines.speech.reading.english.units import UNITS
from talking_head.engines.speech.reading.markup import LATEX, is_formula
from talking_head.engines.speech.reading.spans import Again, SpanClass, Words, rule

_GREEK = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "varepsilon",
    "zeta",
    "eta",
    "theta",
    "vartheta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "pi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "varphi",
    "chi",
    "psi",
    "omega",
    "Gamma",
    "Delta",
    "Theta",
    "Lambda",
    "Xi",
    "Pi",
    "Sigma",
    "Phi",
    "Psi",
    "Omega",
]
# commands without arguments -> signs or words
_COMMANDS = {
    "times": " times ", "cdot": " times ", "div": " divided by ", "pm": " plus or minus ", "mp": " minus or plus ",
    "le": " ≤ ", "leq": " ≤ ", "leqslant": " ≤ ", "ge": " ≥ ", "geq": " ≥ ", "geqslant": " ≥ ", "lt": " is less than ",
    "gt": " is greater than ", "ne": " ≠ ", "neq": " ≠ ", "approx": " ≈ ", "equiv": " ≡ ", "sim": " is similar to ",
    "simeq": " ≈ ", "cong": " ≅ ", "propto": " ∝ ", "ll": " ≪ ", "gg": " ≫ ", "infty": " infinity ", "to": " to ",
    "rightarrow": " to ", "longrightarrow": " to ", "Rightarrow": " implies ", "implies": " implies ",
    "iff": " if and only if ", "Leftrightarrow": " if and only if ", "rightleftharpoons": " is in equilibrium with ",
    "leftarrow": " from ", "mapsto": " maps to ", "in": " ∈ ", "notin": " ∉ ", "subset": " ⊂ ", "subseteq": " ⊆ ",
    "cup": " ∪ ", "cap": " ∩ ", "setminus": " without ", "emptyset": " the empty set ", "varnothing": " the empty set ",
    "forall": " for all ", "exists": " there is ", "neg": " not ", "lnot": " not ", "land": " and ", "wedge": " and ",
    "lor": " or ", "vee": " or ", "therefore": " therefore ", "because": " because ", "partial": " partial ",
    "nabla": " nabla ", "angle": " angle ", "perp": " ⊥ ", "parallel": " ∥ ", "circ": " degrees ",
    "degree": " degrees ", "ldots": " and so on ", "dots": " and so on ", "cdots": " and so on ", "prime": " prime ",
    "hbar": " h bar ", "ell": " l ", "Re": " real part of ", "Im": " imaginary part of ", "quad": ", ", "qquad": ", ",
    "mid": " given ", "vert": "|", "lvert": "|", "rvert": "|", "Vert": "", "lVert": " the norm of ", "rVert": " ",
    "star": " star ", "ast": " times ", "bullet": " ", "triangle": " triangle ", "oplus": " plus ", "otimes": " times ",
    "deg": " degrees ", "aleph": " aleph ", "colon": ":", "backslash": " ", "vdots": " ", "ddots": " ",
}  # fmt: skip
_SPACING = (
    "left|right|big|Big|bigg|Bigg|bigl|bigr|displaystyle|limits|nolimits|textstyle|mathstrut|hline|notag"
    "|nonumber|centering|tfrac"
)
_TEXT = (
    "text|textbf|textit|textrm|mathrm|mathbf|mathbb|mathcal|mathit|mathsf|boldsymbol|operatorname|mbox|emph"
    "|ce|underline|boxed|hbox|mathfrak|label|tag"
)
_ACCENTS = {
    "hat": "hat",
    "widehat": "hat",
    "bar": "bar",
    "overline": "bar",
    "tilde": "tilde",
    "dot": "dot",
    "ddot": "double dot",
}
_BIG = {
    "sum": "the sum",
    "prod": "the product",
    "int": "the integral",
    "oint": "the contour integral",
    "iint": "the double integral",
    "bigcup": "the union",
    "bigcap": "the intersection",
}
_GROUP = r"\s?\{([^{}]{0,120})\}"
_ANY = r"\s?(?:\{([^{}]{0,120})\}|(\\?\w))"
_DEEPEST = 8
_KNOWN = one_of(
    [
        *_GREEK,
        *_COMMANDS,
        *_ACCENTS,
        *_BIG,
        *_TEXT.split("|"),
        *FUNCTIONS,
        "frac",
        "dfrac",
        "tfrac",
        "sqrt",
        "vec",
        "binom",
        "lim",
        "left",
        "right",
    ]
)


def _fraction(match: re.Match[str]) -> str:
    upper, lower = match[1].strip(), match[2].strip()
    if upper.isdecimal() and lower.isdecimal() and len(upper) < 6 and len(lower) < 6:
        return f" {fraction_words(int(upper), int(lower))} "
    return f" {_term(upper)} over {_term(lower)} "


def _term(text: str) -> str:
    """Return a part of a formula; letters that stand alone get their names here, where no sign stands beside them."""
    plain = text.strip()
    if re.fullmatch(r"[A-Za-z]{1,3}", plain) and plain not in FUNCTIONS:
        return letters(plain)
    return plain


def _root(match: re.Match[str]) -> str:
    degree, content = match[1], match[2] if match[2] is not None else match[3]
    name = {None: "square", "2": "square", "3": "cube"}.get(degree)
    return (
        f" the {name} root of {_term(content)} " if name else f" the {_degree(degree or '')} root of {_term(content)} "
    )


def _degree(text: str) -> str:
    return {"4": "fourth", "5": "fifth", "6": "sixth", "8": "eighth", "10": "tenth"}.get(text, f"{text}th")


def _bounds(match: re.Match[str]) -> str:
    """Return "the sum from i equals one to n of"."""
    words = _BIG[match[1]]
    low, high = match[2] or match[3], match[4] or match[5]
    if low and high:
        words += f" from {_term(low)} to {_term(high)}"
    elif low:
        words += f" over {_term(low)}"
    return f" {words} of "


def _limit(match: re.Match[str]) -> str:
    condition = re.sub(r"\\(?:to|rightarrow)|→", " approaches ", match[1])
    variable, _, target = condition.partition(" approaches ")
    return (
        f" the limit as {_term(variable)} approaches {_term(target)} of "
        if target
        else f" the limit over {_term(condition)} of "
    )


def _power(match: re.Match[str]) -> str:
    raised = (match[1] if match[1] is not None else match[2]).strip()
    if raised in (r"\circ", "°"):
        return " degrees "
    if raised in (r"\prime", "'"):
        return " prime "
    if raised == "T":
        return " transpose "
    if re.fullmatch(r"[-−+]?(?:\d+|[A-Za-z])", raised):
        return f" {power_words(raised)} "
    return f" to the power of {_term(raised)} "


def _subscript(match: re.Match[str]) -> str:
    index = match[1] if match[1] is not None else match[2]
    return f" sub {cardinal(index) if index.isdecimal() else _term(index)} "


_STEPS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\\begin\{\w+\*?\}(?:\{[lcr|]*\})?|\\end\{\w+\*?\}", " "),
        (r"\\[,;:! ]|~|&", " "),
        (r"\\\\(?:\[\w+\])?", ", "),
        (r"\\([%$#&_])", r"\1"),
        (rf"\\(?:{_SPACING})(?![A-Za-z])\.?", " "),
        (rf"\\(?:{_TEXT}){_GROUP}", r" \1 "),
    )
)


def plain_formula(formula: str) -> str:
    """Return the formula without commands and braces, its structure in words."""
    text = formula.replace("-", "−")
    for pattern, replacement in _STEPS:
        text = pattern.sub(replacement, text)
    if re.fullmatch(r"(?:\d*[A-Z][a-z]?(?:_\{?\d+\}?)?){2,}", text.strip()):
        return re.sub(r"[_{}]", "", text)  # the formula of a substance
    text = re.sub(
        r"\\log\s?_(?:\{([^{}]{1,20})\}|(\w))", lambda match: f" log base {_term(match[1] or match[2])} of ", text
    )
    for _ in range(_DEEPEST):  # from the innermost braces outwards
        before = text
        text = re.sub(rf"\\lim\s?_{_GROUP}", _limit, text)
        text = re.sub(
            rf"\\({one_of(_BIG)})(?![A-Za-z])(?:\s?_(?:\{{([^{{}}]{{0,60}})\}}"
            rf"|(\w)))?(?:\s?\^(?:\{{([^{{}}]{{0,60}})\}}|(\\?\w+)))?",
            _bounds,
            text,
        )
        text = re.sub(rf"\\[dt]?frac{_GROUP}{_GROUP}", _fraction, text)
        text = re.sub(r"\\[dt]?frac\s?(\d)\s?(\d)", _fraction, text)
        text = re.sub(
            rf"\\[dt]?binom{_GROUP}{_GROUP}", lambda match: f" {_term(match[1])} choose {_term(match[2])} ", text
        )
        text = re.sub(rf"\\sqrt(?:\[(\w{{1,3}})\])?(?:{_GROUP}|\s?(\w))", _root, text)
        text = re.sub(
            rf"\\vec{_ANY}|\\overrightarrow{_GROUP}",
            lambda match: f" vector {_term(match[1] or match[2] or match[3] or '')} ",
            text,
        )
        text = re.sub(
            rf"\\({one_of(_ACCENTS)}){_ANY}",
            lambda match: f" {_term(match[2] or match[3] or '')} {_ACCENTS[match[1]]} ",
            text,
        )
        text = re.sub(r"\^\s?(?:\{([^{}]{0,80})\}|(\\[a-z]+|[-−]?\w|'))", _power, text)
        text = re.sub(r"_\s?(?:\{([^{}]{0,80})\}|(\\[a-z]+|\w))", _subscript, text)
        text = re.sub(rf"\\(?:{_TEXT}){_GROUP}", r" \1 ", text)
        if text == before:
            break
    text = re.sub(rf"\\({one_of(FUNCTIONS)})(?![A-Za-z])", lambda match: f" {FUNCTIONS[match[1]]} ", text)
    text = re.sub(r"\\([A-Za-z]+)", _command, text)
    text = re.sub(r"(?<![A-Za-z\ue000])([A-Za-z]{1,3})(?![A-Za-z(])", _product, text)
    return re.sub(r"[{}\\\s]+", " ", text)


def _command(match: re.Match[str]) -> str:
    name = match[1]
    if name in _COMMANDS:
        return _COMMANDS[name]
    if name in _GREEK:
        return f" {name.removeprefix('var').lower()} "
    return " "


_SMALL_WORDS = frozenset(
    """
    to of or is in if and the sub as by bar hat dot xi pi mu nu eta chi psi rho tau phi log for all not one two
    six ten so on be
    """.split()  # noqa: SIM905
)


def _product(match: re.Match[str]) -> str:
    run = match[1]
    if run in UNITS and re.search(r"\d\s+$", match.string[max(0, match.start() - 4) : match.start()]):
        return run
    return run if run.lower() in _SMALL_WORDS or not is_quantity_run(run) else letters(run)


def _formula(match: re.Match[str]) -> Words:
    content = re.sub(r"^(?:\$\$?|\\\[|\\\()|(?:\$\$?|\\\]|\\\))$", "", match.group())
    return [Again(f" {plain_formula(content)} ")]


def _dollars(match: re.Match[str]) -> Words | None:
    return _formula(match) if is_formula(match[1]) else None


def _bare(match: re.Match[str]) -> Words:
    return [Again(f" {plain_formula(match.group())} ")]


_BRACES = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]{0,40}\}){0,80}\}){0,120}\}"

LATEX_FORMULAS = SpanClass(
    "latex",
    (
        rule(LATEX, _formula, re.DOTALL),
        rule(r"(?<![\w$\\])\$(?=[^\s$])([^$\n]{0,300}[^\s$\\])\$(?![\w$])", _dollars),
        rule(
            rf"(?:[\w=+(|-]{{1,12}} ?)??\\(?:{_KNOWN})(?![A-Za-z])(?:\[\w{{1,3}}\]|{_BRACES}|[_^](?:{_BRACES}"
            rf"|\\?\w+)|\\[A-Za-z]{{1,12}}|[=+\-*/().,<>|]"
            rf"(?=\S)|\d|(?<=[=+\-^_(}}])[a-zA-Z](?![a-zA-Z])| (?=\\|[=+<>-] ?[\\\w]))*",
            _bare,
        ),
    ),
    re.compile(r"[\\$]"),
)
