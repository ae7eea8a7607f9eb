"""Written text that is not spoken in any language: markup, addresses, pictographs, invisible characters."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.rules import Rule, rule

_TAGS = "a|b|blockquote|br|code|div|em|font|h[1-6]|hr|i|img|li|mark|ol|p|pre|s|small|span|strong|sub|sup|u|ul"
_TOP_DOMAINS = "com|org|net|edu|gov|int|info|io|ai|app|dev|eu|uk|ca|de|fr|nl|ch|au|nz"

# Pictographs, dingbats, arrows used as pictures, flags, keycaps, skin tones (Unicode blocks, not single characters).
EMOJI = (
    "[\U0001f000-\U0001faff\U00002600-\U000027bf\U00002b00-\U00002bff\U0001f1e6-\U0001f1ff"
    "\U000e0020-\U000e007f\u2300-\u23ff\u25a0-\u25ff\u20e3\u3030\u303d\u3297\u3299]"
)
# Soft hyphens, joiners, direction marks, variation selectors: they affect the appearance of a word, not its sound.
INVISIBLE = (
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff]"
)
CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f]"


def _address(match: re.Match[str]) -> str:
    """Read only the site name of a web address: no listener can follow the rest."""
    name = re.sub(r"^(?:[a-z]+://)?(?:www\.)?", "", match.group(), flags=re.IGNORECASE)
    name = re.split(r"[/?#:]", name, maxsplit=1)[0]
    return f" {spelled_address(name)} "


def spelled_address(name: str) -> str:
    """Return ``me@example.org`` as "me at example dot org"."""
    return name.replace("@", " at ").replace(".", " dot ").replace("_", " ").replace("-", " ")


# Rules that drop characters; captions apply only these, so that viewers see the text as written.
MARKUP_RULES: tuple[Rule, ...] = (
    rule(rf"<!--.*?-->|</?(?:{_TAGS})\b[^<>]*>", " "),
    rule(r"!\[[^\[\]]*\]\([^()\s]*\)", " "),  # a picture
    rule(r"\[(?=[^\[\]]+\]\([^()\s]+\))", ""),  # a link: its text stays
    rule(r"\]\([^()\s]+\)", ""),
    rule(r"(?<=[\w.,;:!?)”\"])\[\d{1,3}\]", ""),  # a reference such as [12]
    rule(r"\\(?=[*_`#\[\]~|>-])", ""),  # an escaped character
    rule(r"(?<![^\s(“\"'‘—*_-])\*+(?=[^\s*])", ""),  # emphasis opens ...
    rule(r"(?<=[^\s*])\*+(?![^\W_])", ""),  # ... and closes; "3*4" and "3 * 4" are sums
    rule(r"\*{2,3}|~~|`+", ""),
    rule(r"(?<!\w)_+(?=[^\W_])|(?<=[^\W_])_+(?!\w)", ""),
)

UNSPOKEN_RULES: tuple[Rule, ...] = (
    rule(INVISIBLE, ""),
    rule(CONTROL, " "),
    rule(rf"{EMOJI}+", " "),
)

ADDRESS_RULES: tuple[Rule, ...] = (
    rule(r"(?:https?|ftp)://[^\s<>()\[\]]*[\w/]|(?<![\w@])www\.[^\s<>()\[\]]*[\w/]", _address),
    rule(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.\w+", lambda match: f" {spelled_address(match.group())} "),
    rule(
        rf"(?<![\w@.-])(?:[a-zA-Z0-9][\w-]*\.)+(?:{_TOP_DOMAINS})(?![\w.-]*\w)(?:/[\w/.?=&%#-]*[\w/])?",
        _address,
    ),
)
