"""Letters that stand for quantities: they are said by their names, never as the article "a" or as a word."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.offsets import LETTER_MARK
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

# Signs next to which a letter is a quantity.
SIGNS = r"=+−×÷*/<>≤≥≠≈≡±·⋅∙∈∉⊂⊆∪∩∝→⇒⇔√∞^²³¹⁴⁵⁶⁷⁸⁹⁰ⁿ⁻⁺₀-₉ₐ-ₜᵢⱼ|!∂∫∑"
_WORDS_OF_TWO = frozenset(
    """
    ad ah am an as at be by do eg eh em en ex go he hi ho id ie if in is it me mr ms my no of oh ok on or ox pi so to up
    us vs we ye dr st ln tv uk eu un pc ph am pm
    """.split()  # noqa: SIM905
)
_QUANTITY_BEFORE = (
    r"(?:(?<=\bside )|(?<=\bsides )|(?<=\bletter )|(?<=\bvariable )|(?<=\bvowel )|(?<=\bconstant )"
    r"|(?<=\bpoint )|(?<=\blet )"
    r"|(?<=\bLet )|(?<=\bcoefficient )|(?<=\bvector )|(?<=\bcalled )|(?<=\bparameter )|(?<=\bunknown )|(?<=\bterm )"
    r"|(?<=\bvalue of )|(?<=\bfor )|(?<=\bof )|(?<=\bnote )|(?<=\bangle )|(?<=\bsolve for )|(?<=\bgrade )|(?<=\bnamed )"
    r"|(?<=\bby )|(?<=\band )|(?<=\bset )|(?<=\bIf )|(?<=\bif )|(?<=\bthen )|(?<=\bwhere )|(?<=\bthat )|(?<=\bedge )"
    r"|(?<=\bwith )|(?<=\bbase )|(?<=\belement )|(?<=\bvitamin )|(?<=\bVitamin )|(?<=\bplan )|(?<=\btype )"
    r"|(?<=\bgroup ))"
)
_CLOSED = r"(?=(?: (?:and|is|equals|in|or|to|be|are|by|has)\b(?! (?:half|third|quarter))|[.,;:!?)](?:\s|$)|$))"


def letters(run: str) -> str:
    """Return a run of letters as names: "mc" as "m c"."""
    return " ".join(f"{LETTER_MARK}{'A' if letter in 'aA' else letter}" for letter in run)


def is_quantity_run(run: str) -> bool:
    """Return whether two or three letters next to a sign are a product of quantities such as "mc" or "ab"."""
    if len(run) == 1:
        return True
    return run.lower() not in _WORDS_OF_TWO and (len(run) == 2 or not re.search("[aeiouy]", run, re.I))


def _run(match: re.Match[str]) -> Words | None:
    run = match[1]
    if run in ("a", "A") and re.match(r"[-/]?\s?[a-z]{2,}", right(match)):
        return None  # an article
    if re.match(r" [-+/] \w{2,} ", right(match)) and len(run) > 1:
        return None
    return letters(run) if is_quantity_run(run) else None


def _lone_a(match: re.Match[str]) -> Words | None:
    return letters(match[1])


def _after_figure(match: re.Match[str]) -> Words | None:
    """Return the letters of "2ab" behind the figure that another class reads."""
    return f" {letters(match[1])}" if is_quantity_run(match[1]) else None


def _before_sign(match: re.Match[str]) -> Words | None:
    """Return the letters in front of a sign; a slash or a dash may also join two words."""
    after = right(match)
    if re.match(r" [^\w\s] (?:sign|symbol|key|button)", after):
        return None
    if re.match(r" ?[/-]", after) and not re.match(r" ?[/-] ?(?:\d|[a-zA-Z](?![a-zA-Z]))", after):
        return None
    if re.match(r" ?[!|]", after) and len(match[1]) > 1:
        return None
    if re.match(r"[/-]", after) and (len(match[1]) > 1 or re.match(r"[/-][A-Za-z][-/]?\w", after)):
        return None
    return _run(match)


def _behind_sign(match: re.Match[str]) -> Words | None:
    """Return the letters behind a sign, and the space between them."""
    before, run = left(match), match[2]
    if re.search(r"\w\w[/(-]$|^[/(]$|[a-z]{2}[>|/]$|\s[-/]$", before) and (len(run) > 1 or run in "aA"):
        return None
    if re.search(r"\w{4} [>→] ?$", before + match[1]) and len(run) > 1:
        return None
    if (
        run in ("a", "A", "I")
        and re.match(r" [a-z]{2,}", right(match))
        and not re.match(
            r" (?:and|is|or|are|then|for|where|if|when|with|so|by|has|in|equals|squared|cubed)\b", right(match)
        )
    ):
        return None
    return match[1] + letters(run) if is_quantity_run(run) else None


LETTERS = SpanClass(
    "letter",
    (
        rule(
            rf"(?<![\w'’.&@#$€£\\-])([a-zA-Z]{{1,3}})(?= ?(?:[{SIGNS}]|[-–] ?\d| [-–] ?[a-zA-Z](?!\w)))",
            _before_sign,
        ),
        rule(r"(?<=[=+−×÷*<>≤≥≠≈≡±√(·⋅∈∪∩|^/-])( ?)([a-zA-Z]{1,3})(?!['’.]?\w)", _behind_sign),
        rule(
            r"(?<![\w'’.&@-])([abcdkmnxyzr])(?=\([^()]{1,20}[+−-][^()]{1,20}\))",
            lambda match: f"{letters(match[1])} times ",
        ),
        rule(rf"{_QUANTITY_BEFORE}([aA]){_CLOSED}", _lone_a),
        rule(r"(?<![\w'’.-])([aA])(?=, [b-zB-Z](?!\w)|,[b-z]| and [bB](?!\w)| or [bB](?!\w)|[₀-₉])", _lone_a),
        rule(r"(?<=[(\[{,'‘“\"])([aA])(?=[)\]},'’”\"])", _lone_a),
        rule(r"(?<=\b[b-z], )([aA])(?!\w)(?! \w\w)", _lone_a),
        rule(rf"(?<=\)){LETTER_MARK}?([a-zA-Z])(?![\w'’(])", lambda match: f" {letters(match[1])}"),
        rule(r"(?<=\d)([a-zA-Z]{1,3})(?![\w'’])", _after_figure),
    ),
    re.compile(
        rf"[{SIGNS}(\[{{–-]|\d[a-zA-Z]|\b[aA]\b(?! [a-z]{{2}})|\b[aA] (?:and|or|is|equals|in|to|be|are|by|has)\b"
    ),
)
