"""The classes of English in their order of precedence."""

from __future__ import annotations

from functools import lru_cache

from talking_head.engines.speech.reading.english.abbreviations import SHORTENED, TITLE_NAMES
from talking_head.engines.speech.reading.english.addresses import ADDRESSES
from talking_head.engines.speech.reading.english.algebra import LETTERS
from talking_head.engines.speech.reading.english.angles import DEGREES
from talking_head.engines.speech.reading.english.calculations import CALCULATIONS
from talking_head.engines.speech.reading.english.calculus import CALCULUS
from talking_head.engines.speech.reading.english.calendar import CALENDAR
from talking_head.engines.speech.reading.english.capitals import STRESS
from talking_head.engines.speech.reading.english.chemistry import CHEMISTRY
from talking_head.engines.speech.reading.english.codes import CODES
from talking_head.engines.speech.reading.english.dates import DATES, FALSE_DATES
from talking_head.engines.speech.reading.english.fractions import FRACTIONS
from talking_head.engines.speech.reading.english.latex import LATEX_FORMULAS
from talking_head.engines.speech.reading.english.lengths import FEET_AND_INCHES
from talking_head.engines.speech.reading.english.mathematics import MATHEMATICS, QUOTIENTS, SUBSCRIPT
from talking_head.engines.speech.reading.english.measures import (
    BARE_UNITS,
    MEASURES,
    PER,
)
from talking_head.engines.speech.reading.english.menus import MENUS
from talking_head.engines.speech.reading.english.money import MONEY, MONEY_RANGES
from talking_head.engines.speech.reading.english.music import MUSIC
from talking_head.engines.speech.reading.english.numbers import LEFT_FIGURES, NUMBERS
from talking_head.engines.speech.reading.english.ordinals import ORDINALS
from talking_head.engines.speech.reading.english.phones import PHONES
from talking_head.engines.speech.reading.english.punctuation import PICTURES, PUNCTUATION
from talking_head.engines.speech.reading.english.ranges import DASHES, LETTER_RANGES, TIME_RANGES, YEAR_ENDS
from talking_head.engines.speech.reading.english.roman import ROMAN_NUMERALS
from talking_head.engines.speech.reading.english.scales import SCALES
from talking_head.engines.speech.reading.english.scripture import SCRIPTURE
from talking_head.engines.speech.reading.english.signs import SIGNS
from talking_head.engines.speech.reading.english.times import TIMES
from talking_head.engines.speech.reading.english.years import DECADES, YEARS
from talking_head.engines.speech.reading.spans import Finder, Reader

# An expression belongs to the first class that takes its characters: whole expressions before their parts.
CLASSES: tuple[Finder, ...] = (
    LATEX_FORMULAS,
    ADDRESSES,
    CODES,
    SCRIPTURE,
    MUSIC,
    MENUS,
    DATES,
    FALSE_DATES,
    MONEY_RANGES,
    TIME_RANGES,
    PHONES,
    DEGREES,
    FEET_AND_INCHES,
    TIMES,
    MONEY,
    DECADES,
    CHEMISTRY,
    CALCULUS,
    SCALES,
    ORDINALS,
    ROMAN_NUMERALS,
    MEASURES,
    BARE_UNITS,
    PER,
    MATHEMATICS,
    CALCULATIONS,
    YEAR_ENDS,
    YEARS,
    FRACTIONS,
    CALENDAR,
    TITLE_NAMES,
    SHORTENED,
    NUMBERS,
    LEFT_FIGURES,
    DASHES,
    LETTERS,
    SUBSCRIPT,
    QUOTIENTS,
    LETTER_RANGES,
    STRESS,
    SIGNS,
    PICTURES,
    PUNCTUATION,
)


@lru_cache(maxsize=1)
def english_reader() -> Reader:
    """Return the reader of English."""
    return Reader(CLASSES)
