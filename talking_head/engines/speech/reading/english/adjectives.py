"""Whether an amount stands before a noun as an adjective: then its unit is singular ("a five kilometer run")."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.spans import left, right

_ARTICLE = re.compile(r"\b(?:an?|another|one|each|every)\s(?:([a-z]+)\s)?(?:[\d.]+\s?[x×]\s?){0,2}$", re.I)
_DETERMINER = re.compile(
    r"\b(?:the|this|that|these|those|his|her|its|my|your|our|their|no|any|first|last|next|new|old|same|whose|single)\s$"
    r"|['’]s\s$|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|several|many|some|few|both|more|\d{1,2})\s$",
    re.I,
)
_NOUN = re.compile(r"(?:\s|-)(?:[a-z]+-)*([A-Za-z][a-z]*)")
# What follows an amount without being a noun that it describes.
NO_NOUN = frozenset(
    """
    a about above across after again against ago all along also although always among an and apart are around as at away
    back be because been before behind below beneath beside between beyond both but by can cannot could day's deep did
    do does down during each either else equals ever every except far fell for from further gave goes got had has have
    he head her here high his hot how i if in inside instead into is it its just later least less long lower may might
    more most must my near nearly never nor not now of off often old on once only onto opposite or our out outside over
    past per perhaps plus quickly rather right should since slower so south soon still such tall than that the their
    them then there these they thick this those though through thus till to today together tomorrow too toward towards
    tonight under underneath until up upon upwards us very via was we were what when where whereas whether which while
    who whom whose why wide will with within without would yesterday yet you your north east west downward upward faster
    slower heavier lighter taller shorter longer higher deeper closer gives costs makes means remain remains altogether
    last each apiece daily weekly monthly yearly annually too
    """.split()  # noqa: SIM905
)


# Things that a measure in front of them always describes: "100 m sprint", "450 nm light", "$1,000 prize".
_DESCRIBED = frozenset(
    """
    sprint sprints race races dash hurdles relay relays freestyle backstroke butterfly breaststroke medley run swim hike
    bill bills note notes coin coins banknote banknotes prize prizes fine fines ticket tickets voucher vouchers fee fees
    budget deficit surplus loan loans grant grants bond bonds reward bonus deposit angle angles turn turns rotation
    rotations triangle triangles light laser lasers wavelength oven bulb bulbs battery batteries motor motors engine
    engines drive drives disk disks card cards monitor monitors screen screens display displays television pipe pipes
    ruler rulers rope ropes pole poles ladder ladders cable cables camera cameras bottle bottles carton cartons jug bag
    bags pack packs box boxes tank tanks container containers pan pans tin tins line lines pool pools track tracks
    radius resistor resistors capacitor capacitors supply magnet lens lenses telescope exam exams lesson lessons
    shift shifts drip drips syringe syringes beaker beakers flask flasks solution solutions weight weights dumbbell
    dumbbells plank break breaks film films video videos test tests rest fence wall walls baby babies limit limits
    """.split()  # noqa: SIM905
)


def describes_next(match: re.Match[str]) -> bool:
    """Return whether a noun follows, regardless of what stands before the amount."""
    following = _NOUN.match(right(match))
    return bool(following) and following is not None and following[1].lower() not in NO_NOUN


def is_adjective(match: re.Match[str]) -> bool:
    """Return whether the amount of a match describes the noun behind it."""
    following = _NOUN.match(right(match))
    before = left(match)
    article = _ARTICLE.search(before)
    if article and re.match(r"[\s-](?:tall|long|wide|deep|high|thick)\s[a-z]+", right(match)):
        return True
    if not following or following[1].lower() in NO_NOUN:
        return False
    if following[1].lower() in _DESCRIBED:
        return True
    if article and (article[1] or "").lower() not in NO_NOUN:
        return True
    return bool(_DETERMINER.search(before))
