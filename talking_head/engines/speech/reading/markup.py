"""What is written but never said, in any language: tags, emphasis, links, footnotes, entities, invisible characters.

The text without it is what captions show, and what the rules of a language read.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from talking_head.engines.speech.reading.offsets import LETTER_MARK
from talking_head.engines.speech.reading.spans import (
    Claims,
    Finder,
    Rule,
    Span,
    SpanClass,
    Words,
    inner,
    left,
    right,
    rule,
    verbatim,
)

# Pictographs, dingbats, arrows used as pictures, flags, keycaps, skin tones (Unicode blocks, not single characters).
EMOJI = (
    "[\U0001f000-\U0001faff\U00002600-\U000027bf\U00002b00-\U00002bff\U0001f1e6-\U0001f1ff"
    "\U000e0020-\U000e007f\u2300-\u23ff\u25a0-\u25ff\u20e3\u3030\u303d\u3297\u3299]"
)
# Soft hyphens, joiners, direction marks, variation selectors: they shape the picture of a word, not its sound.
INVISIBLE = (
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    f"\ufe00-\ufe0f\ufeff{LETTER_MARK}]"
)
CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f]"

# Tags that are known may stand next to anything; others only where their attributes have values or they have none.
HTML_TAGS = frozenset(
    """
    a abbr acronym address article aside audio b big blockquote body br button caption center cite code col dd del
    details dfn div dl dt em embed figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img
    input ins kbd label li link main mark math meta nav object ol p param picture pre q s samp section select small
    source span strike strong sub summary sup svg table tbody td tfoot th thead title tr tt u ul var video wbr
    """.split()  # noqa: SIM905 - ninety quoted words would read worse
)
_ATTRIBUTES = r"""(?:\s+[\w:.-]{1,40}\s?=\s?(?:"[^"<>]{0,300}"|'[^'<>]{0,300}'|[^\s"'<>]{1,300}))"""
_LATEX_ENVIRONMENTS = "equation|align|gather|math|displaymath|cases|matrix|pmatrix"
LATEX = (
    rf"\$\$[^$]{{1,600}}\$\$|\\\[.{{1,600}}?\\\]|\\\(.{{1,600}}?\\\)"
    rf"|\\begin\{{(?:{_LATEX_ENVIRONMENTS})\*?\}}.{{1,900}}?\\end\{{\w+\*?\}}"
)
_DOLLAR_MATH = re.compile(r"(?<![\w$\\])\$(?=[^\s$])([^$\n]{0,300}[^\s$\\])\$(?![\w$])")
_MATH_SIGN = re.compile(r"[\\^_{}=+<>|/≤≥≠×·−!]|\w\(|^[-−]?(?:[A-Za-z]{1,2}|\d+(?:[.,]\d+)?[A-Za-z]?|\d*[A-Za-z]'?)$")
_PROSE = re.compile(r"(?<![\\{\w])(?=[A-Za-z]{3,40}(?![\w}]))[A-Za-z]?[a-z]{0,39}[aeiou][a-z]{0,39}(?![\w}])")
_SUBTITLE_STYLE = r"\{\\(?:an?\d|[ibus][01]\b|(?:pos|fade?|move)\(|[1-4]?c&|fs\d|fn|k[fo]?\d|q\d|r\})[^{}]{0,80}\}?"
_ADDRESS = r"(?:https?|ftp)://[^\s<>()\[\]]{1,2000}|(?<!\w)www\.[^\s<>()\[\]]{1,2000}"


def _tag(match: re.Match[str]) -> Words | None:
    """Return what a tag leaves behind: nothing within a word, a space where it breaks the line."""
    name, attributes = match[1].lower(), match[2]
    before = left(match, 1)
    if name not in HTML_TAGS and before.isalnum() and name[0] != match[1][0]:
        return None  # List<Integer>
    if name not in HTML_TAGS and len(name) == 1 and not attributes and before.isalnum():
        return None  # x<y>z
    if re.match(r"\s(?:tag|element)s?\b", right(match)) and not attributes:
        return f" {match[1]} "  # "the <br> tag" speaks of it
    return "" if name in ("b", "i", "em", "strong", "u", "span", "small", "mark", "wbr", "font") else " "


def _known_tag(match: re.Match[str]) -> Words | None:
    return _tag(match) if match[1].lower() in HTML_TAGS else None


def _entity(match: re.Match[str]) -> Words | None:
    """Return the character of an entity; one without its semicolon only when it is a common one."""
    character = html.unescape(match.group())
    if character == match.group() or (not match.group().endswith(";") and match[1] not in ("amp", "nbsp", "lt", "gt")):
        return None
    return "".join(" " if each.isspace() else "" if re.match(INVISIBLE, each) else each for each in character)


def _raised(match: re.Match[str]) -> Words:
    """Return a raised tag as a power where it stands behind a quantity, and nothing for a reference to a note."""
    before, content = left(match), match[1]
    if content.isdigit() and re.search(r"[^\W\d_]{3}[.,;:!?)”\"]?$|[.,;:!?)”\"]$", before):
        return ""
    return (
        content if re.fullmatch("st|nd|rd|th", content) else f"^{content}" if content.isalnum() else f"^{{{content}}}"
    )


def _note(match: re.Match[str]) -> Words | None:
    """Return nothing for a reference such as [12]; an index such as ``list[0]`` or ``a[1]`` stays."""
    before = left(match)
    if re.search(r"(?<!\w)[A-Za-z]$|_\w*$", before) and not match.group().startswith("[^"):
        return None
    if re.search(r"(?:array|list|arr|items|args|argv|data|nums|matrix|names|values|string|tuple)s?$", before):
        return None
    return ""


def _raised_note(match: re.Match[str]) -> Words | None:
    """Return nothing for a raised figure behind a word of prose; units, functions and variables have powers."""
    word = re.search(r"[^\W\d_]+$", match[1])
    if word and not word[0].isalpha():
        return None  # a formula: "SO₄²⁻"
    if word and (len(word[0]) < 3 or word[0].lower() in ("sin", "cos", "tan", "log", "sec", "cot", "csc", "mol")):
        return None
    return [inner(match, 1)]


def _dollar_math(match: re.Match[str]) -> Words | None:
    return verbatim(match) if is_formula(match[1]) else None


def is_formula(content: str) -> bool:
    """Return whether the text between two dollar signs is a formula, not the words between two prices."""
    if re.match(r"[\d.,]+\s?[A-Za-z]{2,}", content) and "\\" not in content:
        return False
    return bool(_MATH_SIGN.search(content)) and ("\\" in content or not _PROSE.search(content))


def _content(match: re.Match[str]) -> Words:
    return [inner(match, 1)]


class _Emphasis:
    """Stars that open and close an emphasis, in pairs; "3 * 4" and "3*4" are sums."""

    _PAIR = re.compile(r"(?<![\w*\\])(\*{1,3})(?=[^\s*])[^*]{0,400}(?<=[^\s*])(\*{1,3})(?![\w*])")

    def find(self, text: str, claims: Claims, spans: Sequence[Span]) -> Iterable[Span]:
        """Return the stars of every pair."""
        position = 0
        while match := self._PAIR.search(text, position):
            position = match.end()
            for group in (1, 2):
                if claims.first_taken(*match.span(group)) < 0:
                    yield Span(match.start(group), match.end(group), "markup", "")


# What stands as it is for the rules that follow: its stars, underscores and brackets are no markup.
_VERBATIM: tuple[Rule, ...] = (
    rule(LATEX, verbatim, re.DOTALL),
    Rule(_DOLLAR_MATH, _dollar_math),
    rule(_ADDRESS, verbatim),
    rule(r"(?<!\w)_{3,}(?!\w)", " "),
)
_LINES: tuple[Rule, ...] = (
    rule(
        r"^(?:\d{1,5}\s*\n)?(?:\d{2}:)?\d{2}:\d{2}[.,]\d{3} ?--> ?(?:\d{2}:)?\d{2}:\d{2}[.,]\d{3}[^\n]{0,80}$\n?",
        " ",
        re.MULTILINE,
    ),
    rule(r"^[ \t]{0,3}#{1,6}[ \t]+(?=\S)", "", re.MULTILINE),
    rule(r"^[ \t]{0,8}(?:>[ \t]{0,2}){1,3}(?=[^\W\d_]|[\"“*])", "", re.MULTILINE),
    rule(r"^[ \t]{0,12}(?:[-*+•][ \t]{1,3})?\[[ xX]\][ \t]{1,3}(?=\S)", "", re.MULTILINE),
    rule(r"^[ \t]{0,12}[*+•▪‣◦][ \t]{1,3}(?=[^\W\d_]{2})", "", re.MULTILINE),
    rule(r"(?<![\w=])==(?=[^\s=])([^=\n]{1,80})(?<=\S)==(?=[\s.,;:!?)]|$)", _content),  # a marked word
)
_TEXT_COMMANDS: tuple[Rule, ...] = (
    rule(r"\\(?:(?:sub){0,2}section|chapter|part|paragraph|title|caption|item)\*?\{([^{}]{0,300})\}", _content),
    rule(
        r"\\(?:cite[pt]?|ref|eqref|label|pageref|vspace|hspace|includegraphics)(?:\[[^\[\]]{0,80}\])?\{[^{}]{0,200}\}",
        "",
    ),
    rule(r"\\(?:item|noindent|newpage|maketitle|centering|par|bigskip|medskip|hfill|newline)(?![A-Za-z])", " "),
    rule(r"\\(?:begin|end)\{(?:itemize|enumerate|document|center|figure|table|quote|abstract)\}", " "),
)
_TAGS: tuple[Rule, ...] = (
    rule(r"<!--.*?-->", " ", re.DOTALL),
    rule(r"<(?:script|style)\b[^<>]{0,300}>.{0,5000}?</(?:script|style)\s{0,3}>", " ", re.DOTALL | re.IGNORECASE),
    rule(r"<v(?:\.[\w.]+)?\s[^<>]{1,80}>|</v>|<\d\d:\d\d(?::\d\d)?[.,]\d{3}>|</?c(?:\.[\w.]+)?>", ""),  # WebVTT
    rule(r"<sup>([^<>]{1,12})</sup>", _raised, re.IGNORECASE),
    rule(r"<sub>([^<>]{1,12})</sub>", lambda match: [inner(match, 1)], re.IGNORECASE),
    rule(rf"</?([A-Za-z][\w:.-]{{0,40}})({_ATTRIBUTES}{{0,20}})\s{{0,3}}/?>", _tag),
    rule(r"</?([A-Za-z]\w{0,20})(\s[^<>]{0,300})>", _known_tag),
    rule(r"<[?!][A-Za-z][^<>]{0,300}>", " "),
    rule(_SUBTITLE_STYLE, ""),
)
_LINKS: tuple[Rule, ...] = (
    rule(r"<((?:https?|ftp)://[^<>\s]{1,2000}|[\w.+-]{1,64}@[\w.-]{1,250})>", _content),
    rule(r"!\[[^\[\]]{0,500}\]\([^()\s]{0,2000}\)", " "),  # a picture
    rule(r"\[(?=[^\[\]]{1,500}\]\([^()\s]{1,2000}(?:\s\"[^\"]{0,200}\")?\))", ""),  # a link: its text stays
    rule(r"\]\([^()\s]{1,2000}(?:\s\"[^\"]{0,200}\")?\)", ""),
)
_NOTES: tuple[Rule, ...] = (
    rule(r"\s?\[\^[\w-]{1,20}\]:?", _note),
    rule(r"(?<=[\w.,:;!?)”\"’'\]])\s?\[(?:\d{1,3}|[a-e](?=\]))(?:\s?[,–-]\s?\d{1,3}){0,8}\]", _note),
    rule(r"\s?\[(?:citation needed|note \d{1,2}|n \d{1,2}|when\?|who\?)\]", ""),
    rule(r"([^\W\d_]{2,40}[.,;:!?”\"]?|[.,;:!?”\"])[¹²³⁴-⁹⁰]{1,3}(?:[,⁻][¹²³⁴-⁹⁰]{1,3})*(?![\w⁺⁻])", _raised_note),
    rule(r"(?<=\w)[†‡]+|(?<=[.,;:!?])[†‡]+", ""),
)
_EMPHASIS: tuple[Rule, ...] = (
    rule(r"\\(?=[*_`#\[\]~|>-])", ""),  # a sign that is meant as it stands
    rule(r"\*{2,3}(?![\d ])|(?<=[^\s\d*])\*{2,3}|~~|`+", ""),
    rule(r"(?<![^\s(“\"'‘—_-])\*(?=[^\W\d_])(?=[^*]*$)", ""),  # opens what another sentence closes
    rule(r"(?<=[.,;:!?])\*(?=\s|$)|(?<=[^\W\d_]{2})\*(?=[\s.,;:!?]|$)", ""),  # closes, or refers to a note
    rule(r"(?<![\w∑∏∫∮⋃⋂])_+(?=[^\W_])|(?<=[^\W_])_+(?![\w{])", ""),
)
_ENTITIES: tuple[Rule, ...] = (rule(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});?", _entity),)


def _class(rules: tuple[Rule, ...], needs: str) -> SpanClass:
    return SpanClass("markup", rules, re.compile(needs, re.MULTILINE))


# Captions apply these and no others, so that they show the text as people know it.
MARKUP_CLASSES: tuple[Finder, ...] = (
    _class((rule(INVISIBLE, ""), rule(CONTROL, " ")), f"{INVISIBLE}|{CONTROL}"),
    _class(_LINES, r"-->|==|^[ \t]*(?:[#>*+•▪‣◦]|[-*+•]?[ \t]*\[)"),
    _class(_LINKS, r"\]\(|<[\w.+-]+[:@]"),
    _class(_TEXT_COMMANDS, r"\\[a-z]"),
    _class(_TAGS, r"[<{]"),
    _class(_VERBATIM, r"[$\\_]|://|www"),
    _class(_NOTES, r"[\[†‡¹²³⁴-⁹⁰]"),
    _Emphasis(),
    _class(_EMPHASIS, r"[\\*`~_]"),
    _class(_ENTITIES, "&"),
)
# Thousands that narrow spaces hold together, for the rules of a language: spaces of all kinds are one kind afterwards.
NARROW_SPACES = SpanClass(
    "markup", (rule(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))", ","),), re.compile("[\u00a0\u2009\u202f]")
)
