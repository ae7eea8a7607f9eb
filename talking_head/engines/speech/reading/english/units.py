"""The units of measures."""

from __future__ import annotations

_METRIC = {
    "m": "meter", "g": "gram", "l": "liter", "L": "liter", "s": "second", "Hz": "hertz", "N": "newton", "J": "joule",
    "W": "watt", "V": "volt", "A": "ampere", "Ω": "ohm", "Pa": "pascal", "mol": "mole",
    "eV": "electron volt", "Wh": "watt hour", "Ah": "ampere hour", "F": "farad", "H": "henry", "T": "tesla",
    "Bq": "becquerel", "Sv": "sievert", "Gy": "gray", "cal": "calorie", "bar": "bar", "B": "byte", "bit": "bit",
    "pc": "parsec", "lm": "lumen",
}  # fmt: skip
_PREFIXES = {
    "f": "femto", "p": "pico", "n": "nano", "µ": "micro", "μ": "micro", "m": "milli", "c": "centi", "d": "deci",
    "h": "hecto", "k": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta",
}  # fmt: skip
# Which prefixes are in use with which unit: others would turn words and symbols into measures.
_WITH_PREFIX = {
    "m": "fpnµμmcdk", "g": "nµμmck", "l": "nµμmcdh", "L": "nµμmcdh", "s": "fpnµμm", "Hz": "mkMGT", "N": "mkM",
    "J": "mkMGT", "W": "nµμmkMGT", "V": "nµμmkM", "A": "nµμmk", "Ω": "mkM", "Pa": "hkMG", "mol": "nµμmk",
    "eV": "mkMGT", "Wh": "mkMGT", "Ah": "mk", "F": "pnµμm", "H": "µμm", "T": "nµμm", "Bq": "kMGT", "Sv": "µμm",
    "Gy": "m", "cal": "k", "bar": "mk", "B": "kMGTP", "bit": "kMGT", "pc": "kMG",
}  # fmt: skip
_OTHER = {
    "KB": "kilobyte", "ha": "hectare", "mi": "mile", "yd": "yard", "yds": "yard", "ft": "foot", "lb": "pound",
    "lbs": "pound", "oz": "ounce", "fl oz": "fluid ounce", "gal": "gallon", "qt": "quart", "pt": "pint",
    "tbsp": "tablespoon", "Tbsp": "tablespoon", "tbsps": "tablespoon", "tsp": "teaspoon", "tsps": "teaspoon",
    "doz": "dozen", "t": "ton", "kt": "kiloton", "Mt": "megaton", "Gt": "gigaton", "cc": "cubic centimeter",
    "sec": "second", "secs": "second", "min": "minute", "mins": "minute", "h": "hour", "hr": "hour", "hrs": "hour",
    "wk": "week", "wks": "week", "mo": "month", "mos": "month", "yr": "year", "yrs": "year", "ly": "light year",
    "au": "astronomical unit", "AU": "astronomical unit", "mph": "mile per hour", "kph": "kilometer per hour",
    "kmh": "kilometer per hour", "km/hr": "kilometer per hour", "mpg": "mile per gallon",
    "psi": "pound per square inch", "rpm": "revolution per minute", "bpm": "beat per minute", "wpm": "word per minute",
    "ppm": "part per million", "ppb": "part per billion", "fps": "frame per second", "kbps": "kilobit per second",
    "Kbps": "kilobit per second", "Mbps": "megabit per second", "Gbps": "gigabit per second", "atm": "atmosphere",
    "mmHg": "millimeter of mercury", "dB": "decibel", "px": "pixel", "pts": "point", "dpi": "dot per inch",
    "MP": "megapixel", "hp": "horsepower", "kn": "knot", "kts": "knot", "nmi": "nautical mile", "rad": "radian",
    "K": "kelvin", "cd": "candela", "lx": "lux", "Mb": "megabit", "Gb": "gigabit", "kb": "kilobit",
    "sq ft": "square foot", "sq. ft.": "square foot", "sq m": "square meter", "sq. ft": "square foot",
    "sq mi": "square mile", "sq km": "square kilometer", "sq in": "square inch", "sq yd": "square yard",
    "cu ft": "cubic foot", "cu. ft.": "cubic foot", "cu m": "cubic meter", "cu in": "cubic inch", "GiB": "gibibyte",
    "MiB": "mebibyte", "KiB": "kibibyte", "Nm": "newton meter", "N m": "newton meter", "N·m": "newton meter",
    "Da": "dalton", "kDa": "kilodalton", "U": "unit", "IU": "international unit", "VA": "volt ampere",
    "kVA": "kilovolt ampere", "kWp": "kilowatt peak", "Å": "angstrom", "°C": "degree Celsius",
    "pcs": "piece", "dz": "dozen",
}  # fmt: skip
_IRREGULAR = {
    "foot": "feet", "hertz": "hertz", "henry": "henries", "horsepower": "horsepower", "lux": "lux", "gray": "grays",
    "dozen": "dozen", "inch": "inches", "siemens": "siemens",
}  # fmt: skip


def plural_unit(name: str) -> str:
    """Return the plural of a unit: "square feet", "miles per hour", "degrees Celsius"."""
    head, of, rest = name.partition(" per ")
    if not of:
        head, of, rest = name.partition(" of ")
    if not of and name.startswith("degree "):
        head, of, rest = name.partition(" ")
    first, space, last = head.rpartition(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith("hertz"):
        pass
    else:
        last += "s"
    return f"{first}{space}{last}{of}{rest}"


def _table() -> dict[str, tuple[str, str]]:
    names = dict(_METRIC)
    for unit, prefixes in _WITH_PREFIX.items():
        names |= {prefix + unit: _PREFIXES[prefix] + _METRIC[unit] for prefix in prefixes}
    names |= _OTHER
    return {unit: (name, plural_unit(name)) for unit, name in names.items()}


UNITS = _table()  # symbol -> one, many
# Letters that stand for so much else that they are units only directly behind their figure or in front of a slash.
CLOSE_ONLY = frozenset(("B", "H", "F", "T", "U", "t", "pt", "pc", "au", "mo", "MP", "rad", "Da", "Gy", "bit"))
# Words that may follow a slash: "people/km²", "heartbeats/min".
PER_WORDS = {
    "second": "second", "sec": "second", "s": "second", "minute": "minute", "min": "minute", "hour": "hour",
    "hr": "hour", "h": "hour", "day": "day", "d": "day", "week": "week", "wk": "week", "month": "month", "mo": "month",
    "year": "year", "yr": "year", "annum": "annum", "capita": "capita", "person": "person", "liter": "liter",
    "litre": "litre", "gallon": "gallon", "mile": "mile", "meter": "meter", "metre": "metre", "kilometer": "kilometer",
    "kilogram": "kilogram", "unit": "unit", "dozen": "dozen", "acre": "acre", "hectare": "hectare", "barrel": "barrel",
    "household": "household", "worker": "worker", "student": "student", "pupil": "pupil", "class": "class",
    "inch": "inch", "dose": "dose", "kg": "kilogram", "km": "kilometer", "L": "liter", "ml": "milliliter",
    "mL": "milliliter", "cell": "cell", "page": "page", "line": "line", "lesson": "lesson", "game": "game",
    "cycle": "cycle", "mol": "mole", "ha": "hectare",
}  # fmt: skip
