"""Money: amounts with the sign, the code or the short name of a currency, before or after."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.adjectives import is_adjective
from talking_head.engines.speech.reading.english.numbers import (
    AMOUNT,
    BIG,
    BIG_LETTERS,
    BIG_WORDS,
    SIGN,
    SIGNS,
    cardinal,
    number,
    one_of,
    plain_number,
)
from talking_head.engines.speech.reading.spans import SpanClass, Words, rule

_CENT = ("cent", "cents")
_NONE = ("", "")
# sign -> one, many, one hundredth, many hundredths ("" where people do not count them)
CURRENCIES = {
    "$": ("dollar", "dollars", *_CENT),
    "US$": ("US dollar", "US dollars", *_CENT),
    "USD": ("US dollar", "US dollars", *_CENT),
    "A$": ("Australian dollar", "Australian dollars", *_CENT),
    "AU$": ("Australian dollar", "Australian dollars", *_CENT),
    "AUD": ("Australian dollar", "Australian dollars", *_CENT),
    "C$": ("Canadian dollar", "Canadian dollars", *_CENT),
    "CA$": ("Canadian dollar", "Canadian dollars", *_CENT),
    "CAD": ("Canadian dollar", "Canadian dollars", *_CENT),
    "NZ$": ("New Zealand dollar", "New Zealand dollars", *_CENT),
    "NZD": ("New Zealand dollar", "New Zealand dollars", *_CENT),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", *_CENT),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars", *_CENT),
    "S$": ("Singapore dollar", "Singapore dollars", *_CENT),
    "SGD": ("Singapore dollar", "Singapore dollars", *_CENT),
    "NT$": ("Taiwan dollar", "Taiwan dollars", *_NONE),
    "R$": ("Brazilian real", "Brazilian reais", "centavo", "centavos"),
    "BRL": ("Brazilian real", "Brazilian reais", "centavo", "centavos"),
    "Mex$": ("Mexican peso", "Mexican pesos", "centavo", "centavos"),
    "MXN": ("Mexican peso", "Mexican pesos", "centavo", "centavos"),
    "€": ("euro", "euros", *_CENT),
    "EUR": ("euro", "euros", *_CENT),
    "£": ("pound", "pounds", "penny", "pence"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", *_NONE),
    "JPY": ("yen", "yen", *_NONE),
    "CN¥": ("yuan", "yuan", *_NONE),
    "CNY": ("yuan", "yuan", *_NONE),
    "RMB": ("yuan", "yuan", *_NONE),
    "元": ("yuan", "yuan", *_NONE),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "Rs.": ("rupee", "rupees", "paisa", "paise"),
    "Rs": ("rupee", "rupees", "paisa", "paise"),
    "INR": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", *_NONE),
    "KRW": ("won", "won", *_NONE),
    "₽": ("rouble", "roubles", "kopeck", "kopecks"),
    "RUB": ("rouble", "roubles", "kopeck", "kopecks"),
    "₺": ("lira", "lira", *_NONE),
    "TRY": ("lira", "lira", *_NONE),
    "₴": ("hryvnia", "hryvnias", *_NONE),
    "UAH": ("hryvnia", "hryvnias", *_NONE),
    "₦": ("naira", "naira", *_NONE),
    "NGN": ("naira", "naira", *_NONE),
    "₫": ("dong", "dong", *_NONE),
    "VND": ("dong", "dong", *_NONE),
    "₪": ("shekel", "shekels", *_NONE),
    "ILS": ("shekel", "shekels", *_NONE),
    "฿": ("baht", "baht", *_NONE),
    "THB": ("baht", "baht", *_NONE),
    "₱": ("peso", "pesos", *_NONE),
    "PHP": ("peso", "pesos", *_NONE),
    "₿": ("bitcoin", "bitcoins", *_NONE),
    "BTC": ("bitcoin", "bitcoins", *_NONE),
    "CHF": ("Swiss franc", "Swiss francs", *_NONE),
    "Fr.": ("franc", "francs", *_NONE),
    "SFr.": ("Swiss franc", "Swiss francs", *_NONE),
    "SEK": ("Swedish krona", "Swedish kronor", *_NONE),
    "NOK": ("Norwegian krone", "Norwegian kroner", *_NONE),
    "DKK": ("Danish krone", "Danish kroner", *_NONE),
    "kr": ("krone", "kroner", *_NONE),
    "kr.": ("krone", "kroner", *_NONE),
    "PLN": ("zloty", "zlotys", *_NONE),
    "zł": ("zloty", "zlotys", *_NONE),
    "CZK": ("Czech koruna", "Czech koruna", *_NONE),
    "Kč": ("Czech koruna", "Czech koruna", *_NONE),
    "HUF": ("forint", "forints", *_NONE),
    "Ft": ("forint", "forints", *_NONE),
    "ZAR": ("rand", "rand", *_NONE),
    "AED": ("dirham", "dirhams", *_NONE),
    "SAR": ("riyal", "riyals", *_NONE),
    "KES": ("Kenyan shilling", "Kenyan shillings", *_NONE),
    "Ksh": ("Kenyan shilling", "Kenyan shillings", *_NONE),
    "DM": ("mark", "marks", *_NONE),
    "¢": ("cent", "cents", *_NONE),
}  # fmt: skip
# where "1.500" is one thousand five hundred: their countries write decimals with a comma
_THOUSANDS_WITH_POINTS = ("€", "EUR", "kr", "kr.", "DKK", "NOK", "SEK", "R$", "BRL", "TRY", "₺", "zł", "PLN")
_PENCE = {"p": ("penny", "pence"), "c": ("cent", "cents")}
_ONLY_AFTER = ("¢", "zł", "Kč", "Ft", "元")
_ONLY_BEFORE = ("Fr.", "SFr.", "Rs.", "Rs", "kr.")
_BEFORE = one_of(sign for sign in CURRENCIES if sign not in _ONLY_AFTER)
_AFTER = one_of(sign for sign in CURRENCIES if sign not in _ONLY_BEFORE)
_BIG = rf"(?:\s?(?:({BIG_WORDS})\b|({BIG_LETTERS})))?"
_DASH = r"\s?[-–—]\s?"
_PER = {
    "hr": "hour", "hrs": "hour", "h": "hour", "hour": "hour", "day": "day", "d": "day", "wk": "week", "week": "week",
    "mo": "month", "mth": "month", "month": "month", "yr": "year", "y": "year", "year": "year", "annum": "annum",
    "min": "minute", "minute": "minute", "s": "second", "sec": "second", "second": "second", "kg": "kilogram",
    "g": "gram", "lb": "pound", "oz": "ounce", "t": "ton", "ton": "ton", "tonne": "tonne", "l": "liter", "L": "liter",
    "liter": "liter", "litre": "litre", "gal": "gallon", "gallon": "gallon", "bbl": "barrel", "barrel": "barrel",
    "m": "meter", "km": "kilometer", "mi": "mile", "mile": "mile", "ft": "foot", "sqft": "square foot",
    "m²": "square meter", "m2": "square meter", "m³": "cubic meter", "m3": "cubic meter", "kWh": "kilowatt hour",
    "MWh": "megawatt hour", "GB": "gigabyte", "pp": "person", "person": "person", "head": "head", "capita": "capita",
    "student": "student", "pupil": "pupil", "child": "child", "unit": "unit", "item": "item", "piece": "piece",
    "night": "night", "ticket": "ticket", "user": "user", "seat": "seat", "share": "share", "page": "page",
    "call": "call", "trip": "trip", "dozen": "dozen", "bottle": "bottle", "box": "box", "word": "word", "car": "car",
    "lesson": "lesson", "worker": "worker", "household": "household", "session": "session", "bushel": "bushel",
    "hectare": "hectare", "ha": "hectare", "acre": "acre", "€": "euro", "$": "dollar", "£": "pound", "USD": "US dollar",
}  # fmt: skip
PER = rf"(?:\s?/\s?({one_of(_PER)})(?![\w/]))?"


def per(unit: str | None) -> str:
    """Return " per hour" for what stands behind a slash."""
    return f" per {_PER[unit]}" if unit else ""


def money(sign: str, currency: str, amount: str, big: str, *, adjective: bool) -> str:
    """Return the words of an amount; before a noun its currency is singular: "a ten dollar bill"."""
    singular, many, cent, cents = CURRENCIES[currency]
    if currency in _THOUSANDS_WITH_POINTS and re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", amount):
        amount = amount.replace(".", "")
    amount = plain_number(amount)
    size = BIG.get(big, "")
    if size:
        return f"{SIGNS[sign]}{number(amount)} {size} {singular if adjective else many}"
    whole, _, hundredths = amount.partition(".")
    if len(hundredths) != 2 or not cent:
        return f"{SIGNS[sign]}{number(amount)} {singular if amount == '1' or adjective else many}"
    parts = []
    if whole.strip("0"):
        parts.append(f"{cardinal(whole)} {singular if whole == '1' or adjective else many}")
    if hundredths != "00":
        one_cent = hundredths == "01" or (adjective and cent != "penny")
        parts.append(f"{cardinal(str(int(hundredths)))} {cent if one_cent else cents}")
    return SIGNS[sign] + (" and ".join(parts) or f"zero {many}")


def _big(match: re.Match[str], group: int) -> str:
    return match[group] or match[group + 1] or ""


def _before(match: re.Match[str]) -> Words | None:
    sign, currency, amount, unit = match[1], match[2], match[3], match[6]
    if currency == "Fr." and "." in currency and not amount:
        return None
    hyphen = match.string[match.end() : match.end() + 1] == "-"
    return money(sign, currency, amount, _big(match, 4), adjective=hyphen or is_adjective(match)) + per(unit)


def _after(match: re.Match[str]) -> Words:
    sign, amount, currency, unit = match[1], match[2], match[5], match[6]
    return money(sign, currency, amount, _big(match, 3), adjective=is_adjective(match)) + per(unit)


def _range(match: re.Match[str]) -> Words:
    """Return "five to ten dollars": both ends are of one currency, named once; each may have its own size."""
    currency, first, last, unit = match[1], match[2], match[6], match[9]
    first_big, last_big = _big(match, 3), _big(match, 7)
    words = number(first)
    if first_big and BIG[first_big] != BIG.get(last_big):
        words = money("", currency, first, first_big, adjective=False)
    return f"{words} to {money('', currency, last, last_big, adjective=is_adjective(match))}{per(unit)}"


def _range_after(match: re.Match[str]) -> Words:
    big = _big(match, 3)
    return f"{number(match[1])} to {money('', match[5], match[2], big, adjective=is_adjective(match))}{per(match[6])}"


def _pence(match: re.Match[str]) -> Words:
    one, many = _PENCE[match[2]]
    return f"{number(match[1])} {one if match[1] == '1' or is_adjective(match) else many}"


MONEY_RANGES = SpanClass(
    "range",
    (
        rule(
            rf"(?<![\w.])({_BEFORE})\s?(?<![\d.,])({AMOUNT}){_BIG}{_DASH}(\1)?\s?({AMOUNT})(?!\d|:)"
            rf"{_BIG}{PER}(?![\w%])",
            _range,
        ),
        rule(rf"(?<![\w.,$€£-])({AMOUNT}){_DASH}({AMOUNT}){_BIG}\s?({_AFTER})(?!\w){PER}", _range_after),
    ),
    re.compile(rf"{_BEFORE}|{_AFTER}"),
)

MONEY = SpanClass(
    "money",
    (
        rule(rf"(?<![\w.])([-−+]?)({_BEFORE})\s?({AMOUNT}){_BIG}{PER}(?![\d:])", _before),
        rule(rf"(?<![\w.,])({SIGN})({AMOUNT}){_BIG}\s?({_AFTER})(?!\w){PER}", _after),
        rule(
            r"(?<![\w.,£$€])(\d{1,3})([pc])(?![\w/²³^])(?=[\s.,;!?)]|$)"
            r"(?! ?[=+×<>]| (?:orbitals?|subshells?|electrons?|shell|level))",
            _pence,
        ),
    ),
    re.compile(rf"{_BEFORE}|{_AFTER}|\d[pc]\b"),
)
