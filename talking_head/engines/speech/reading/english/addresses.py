"""Addresses: of sites and mail, which are read by their names, and of streets."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.numbers import cardinal, one_of
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

_TOP_DOMAINS = "com|org|net|edu|gov|int|info|io|ai|app|dev|eu|uk|ca|de|fr|nl|ch|au|nz|tv|co"
STREETS = {
    "St": "Street", "Ave": "Avenue", "Av": "Avenue", "Rd": "Road", "Dr": "Drive", "Blvd": "Boulevard", "Ln": "Lane",
    "Ct": "Court", "Pl": "Place", "Sq": "Square", "Hwy": "Highway", "Pkwy": "Parkway", "Cir": "Circle",
    "Ter": "Terrace", "Pde": "Parade", "Cres": "Crescent", "Bldg": "Building", "Apt": "Apartment", "Ste": "Suite",
    "Fwy": "Freeway", "Expy": "Expressway", "Rte": "Route",
}  # fmt: skip
_BEFORE_STREETS = re.compile(r"(?:[A-Z][\w’']+|\d+(?:st|nd|rd|th)|[a-z]+(?:st|nd|rd|th)) $")


def _site(match: re.Match[str]) -> Words:
    """Return the name of the site alone: no listener can follow the rest."""
    name = re.sub(r"^(?:[a-z]+://)?(?:www\.)?", "", match.group(), flags=re.IGNORECASE)
    name = re.split(r"[/?#:]", name, maxsplit=1)[0]
    return f" {spelled_address(name)} "


def spelled_address(name: str) -> str:
    """Return "me two at example dot org" for ``me2@example.org``."""
    signs = {"@": " at ", ".": " dot ", "_": " ", "-": " ", "+": " plus "}
    return re.sub(
        r"\d+|[^\w'’]|_",
        lambda match: f" {cardinal(match[0])} " if match[0].isdecimal() else signs.get(match[0], " "),
        name,
    )


def _street(match: re.Match[str]) -> Words | None:
    """Return the street whose short name follows its own; before another name "St." and "Dr." are titles."""
    short, dot, after = match[1], match[2], right(match)
    before = left(match)
    if not _BEFORE_STREETS.search(before) or re.search(
        r"\b(?:Mr|Mrs|Ms|The|See|Ask|Dear|And|In|By|To|Saint)\.? $", before
    ):
        return None
    if short in ("St", "Dr", "Ct", "Pl", "Av", "Ter", "Cir") and not dot and not re.match(r",|$|\s\d", after):
        return None
    if (
        short in ("St", "Dr")
        and re.match(r"\s[A-Z][a-z]+", after)
        and not re.match(
            r"\s(?:North|South|East|West|Apt|Suite|In|On|At|The|It|He|She|We|They|Then|You|This|Turn|Go)\b", after
        )
    ):
        return None
    sentence_ends = bool(dot) and (not after.strip("\"'”’)*_ ") or bool(re.match(r"\s[A-Z]", after)))
    return STREETS[short] + ("." if sentence_ends else "")


ADDRESSES = SpanClass(
    "address",
    (
        rule(r"(?:https?|ftp)://[^\s<>()\[\]]{0,2000}[\w/]|(?<![\w@])www\.[^\s<>()\[\]]{0,2000}[\w/]", _site),
        rule(
            r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.\w{2,24}",
            lambda match: f" {spelled_address(match.group())} ",
        ),
        rule(
            rf"(?<![\w@.-])(?:[a-zA-Z0-9][\w-]{{0,62}}\.){{1,8}}(?:{_TOP_DOMAINS})(?![\w-]|\.\w)"
            rf"(?:/[\w/.?=&%#-]{{0,500}}[\w/])?",
            _site,
        ),
        rule(rf"(?<=[\w’'] )({one_of(STREETS)})(\.?)(?![\w'’])", _street),
        rule(r"(?<!\w)(Apt|Ste|Bldg|Rte|Hwy)\.? (?=#?\d|[A-Z]\b)", lambda match: f"{STREETS[match[1]]} "),
        rule(r"(?<!\w)P\.?O\.? Box\b", "P.O. Box"),
    ),
    re.compile(r"://|www|@|\w\.\w|\.\w\w|\w (?:[A-Z][a-z]{1,4})\b|P\.?O"),
)
