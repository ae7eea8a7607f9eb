"""Reading of numbers in English: dates, times, money, measures, ranges, years and plain numbers."""

from __future__ import annotations

import re

from num2words import num2words

from talking_head.engines.speech.reading import tables
from talking_head.engines.speech.reading.rules import Rule, rule

LONGEST_NUMBER_DIGITS = 15  # a longer one is a serial number: read digit by digit
_NARROW_SPACES = "\u00a0\u2009\u202f"

INTEGER = (
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)"  # 1,250,000 and 12,50,000
    rf"|\d{{1,3}}(?:[{_NARROW_SPACES}]\d{{3}})+(?!\d)|\d{{1,3}}(?:(?: \d{{3}}){{2,}}| 000)(?![ ]?\d)|\d+)"  # 1 250 000
)
NUMBER = rf"(?:{INTEGER}(?:\.\d+)?|(?<![\w.])\.\d+)"
SIGN = r"(?:(?<![\w.)\]])[-−+±])?"
BIG = r"(?:hundred|thousand|million|billion|trillion)"
_BIG_LETTERS = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "bn": "billion", "b": "billion"}
_SIGNS = {"-": "minus ", "−": "minus ", "+": "plus ", "±": "plus or minus ", "": ""}
_MONTHS = "|".join([*tables.MONTHS.values(), *tables.MONTHS])
_UNITS = "|".join(re.escape(unit) for unit in sorted(tables.UNITS, key=len, reverse=True))
_POWER = r"(?:\^?[-−]?[123]|[⁻]?[¹²³])"
_CURRENCIES = "|".join(re.escape(sign) for sign in sorted(tables.CURRENCIES, key=len, reverse=True))
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ", "0123456789+-=()ni")
SUPERSCRIPT = "[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ]+"
_BEFORE_A_YEAR = re.compile(
    r"\b(?:in|since|until|till|by|from|year|before|after|during|of|circa|late|early|mid)\W+$", re.I
)
_YEAR = r"1[1-9]\d\d|20\d\d"
_COUNTED = re.compile(r" (?:[a-z]+s|people|men|women|children|feet|percent|per cent)\b")
_OPERATOR = "[=+×÷√<>≈≠≤≥*^]"


def cardinal(digits: str) -> str:
    """Return "1,250" as "one thousand two hundred fifty"; with leading zeros or many digits, digit by digit."""
    plain = re.sub(r"\D", "", digits)
    if len(plain) > LONGEST_NUMBER_DIGITS or (len(plain) > 1 and plain[0] in "0٠۰"):
        return digit_by_digit(plain)
    return _words(num2words(int(plain)))


def digit_by_digit(digits: str) -> str:
    return " ".join(_words(num2words(int(digit))) for digit in digits)


def ordinal(number: int) -> str:
    return _words(num2words(number, to="ordinal"))


def number(text: str) -> str:
    """Return a cardinal with or without decimals: "3.14" as "three point one four"."""
    whole, _, decimals = text.partition(".")
    words = cardinal(whole) if whole else "zero"
    return f"{words} point {digit_by_digit(decimals)}" if decimals else words


def year(digits: str) -> str:
    """Return "1857" as "eighteen fifty-seven", "2005" as "two thousand five", "2024" as "twenty twenty-four"."""
    century, rest = divmod(int(digits), 100)
    if int(digits) % 1000 < 10:
        return cardinal(digits)
    if rest == 0:
        return f"{cardinal(str(century))} hundred"
    return f"{cardinal(str(century))} {'oh ' if rest < 10 else ''}{cardinal(str(rest))}"


def _words(text: str) -> str:
    return text.replace(",", "").replace(" and ", " ")


def _plural(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}es" if word.endswith("x") else f"{word}s"


def _signed(sign: str, text: str) -> str:
    return _SIGNS[sign] + number(text)


# --- dates and times -------------------------------------------------------------------------------------------------


def _date(month: int, day: int, year_digits: str, fallback: str) -> str:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return fallback
    name = list(tables.MONTHS.values())[month - 1]
    return f"{name} {ordinal(day)}" + (f", {year(year_digits)}" if year_digits else "")


def _iso_date(match: re.Match[str]) -> str:
    return _date(int(match[2]), int(match[3]), match[1], _digit_groups(match.group()))


def _slash_date(match: re.Match[str]) -> str:
    """Read the month first, as in the voice's country, unless that is no valid month."""
    first, second = int(match[1]), int(match[2])
    month, day = (first, second) if first <= 12 else (second, first)
    return _date(month, day, match[3], _digit_groups(match.group()))


def _digit_groups(text: str) -> str:
    return " ".join(cardinal(part) for part in re.findall(r"\d+", text))


def _month_day(match: re.Match[str]) -> str:
    month = tables.MONTHS.get(match[1].rstrip("."), match[1])
    if not 1 <= int(match[2]) <= 31:
        return f"{month} {cardinal(match[2])}"
    return f"{month} {ordinal(int(match[2]))}"


def _day_month(match: re.Match[str]) -> str:
    month = tables.MONTHS.get(match[3].rstrip("."), match[3])
    if not 1 <= int(match[2]) <= 31:
        return f"{match[1] or ''}{cardinal(match[2])} {month}"
    return f"the {ordinal(int(match[2]))} of {month}"


def _time(match: re.Match[str]) -> str:
    hour, minute, second = match[1], match[2], match[3]
    if int(hour) > 24 or int(minute) > 59:
        return f"{cardinal(hour)} to {cardinal(minute)}"  # a ratio such as 3:75
    words = [cardinal(hour.lstrip("0") or "0")]
    if minute != "00":
        words.append(f"oh {cardinal(minute[1])}" if minute[0] == "0" else cardinal(minute))
    elif not match[4] and not second:
        words.append("o'clock" if int(hour) <= 12 else "hundred hours")
    if second:
        words.append(f"and {cardinal(second.lstrip('0') or '0')} seconds")
    return " ".join(words) + (f" {match[4].upper()}.M" + _full_stop(match) if match[4] else "")


def _hour(match: re.Match[str]) -> str:
    return f"{cardinal(match[1])} {match[2].upper()}.M" + _full_stop(match)


def _full_stop(match: re.Match[str]) -> str:
    """Return the full stop of an abbreviation, "" if the text continues with one: it closes the sentence, too."""
    return "" if match.string[match.end() : match.end() + 1] == "." else "."


# --- money and measures ----------------------------------------------------------------------------------------------


def _money(sign: str, currency: str, amount: str, big: str) -> str:
    singular, plural, cent, cents = tables.CURRENCIES[currency]
    size = _BIG_LETTERS.get(big, big)
    if size:
        return f"{_signed(sign, amount)} {size} {plural}"
    whole, _, hundredths = amount.partition(".")
    if len(hundredths) != 2 or not cent:
        return f"{_signed(sign, amount)} {singular if amount == '1' else plural}"
    parts = []
    if whole.strip("0"):
        parts.append(f"{cardinal(whole)} {singular if whole == '1' else plural}")
    if hundredths != "00":
        parts.append(f"{cardinal(str(int(hundredths)))} {cent if hundredths == '01' else cents}")
    return _SIGNS[sign] + (" and ".join(parts) or f"zero {plural}")


def _money_before(match: re.Match[str]) -> str:
    return _money(match[1], match[2], match[3], match[4] or "")


def _money_after(match: re.Match[str]) -> str:
    return _money(match[1], match[4], match[2], match[3] or "")


def _measure(match: re.Match[str]) -> str:
    sign, amount, hyphen, upper, upper_power, lower, lower_power = match.groups()
    singular, plural = tables.UNITS[upper]
    unit = singular if amount == "1" or hyphen else plural  # "a 5-m pole": a five meter pole
    words = f"{_signed(sign, amount)} {_power_word(upper_power, before=True)}{unit}"
    if lower:
        words += f" per {tables.UNITS[lower][0]}{_power_word(lower_power, before=False)}"
    return words


def _power_word(power: str | None, *, before: bool) -> str:
    """Return the words of a power: "square meters" before a length, "per second squared" after a fraction bar."""
    exponent = (power or "").translate(_SUPERSCRIPTS).lstrip("^")
    words = {"2": ("square ", " squared"), "3": ("cubic ", " cubed")}.get(exponent, ("", ""))
    return words[0] if before else words[1]


def _degrees(match: re.Match[str]) -> str:
    unit = "degree" if match[2] == "1" else "degrees"
    scale = {"C": " Celsius", "F": " Fahrenheit"}.get(match[3] or "", "")
    return f"{_signed(match[1], match[2])} {unit}{scale}"


# --- numbers ---------------------------------------------------------------------------------------------------------


def _decade(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    if len(digits) == 4 and digits.endswith("00"):
        return _plural(year(digits))
    if len(digits) == 4:
        return f"{cardinal(digits[:2])} {_plural(cardinal(digits[2:]))}"
    return _plural(cardinal(digits))


def _fraction(match: re.Match[str]) -> str:
    mixed, upper, lower = match[1], int(match[2]), int(match[3])
    before = f"{cardinal(mixed)} and " if mixed else ""
    if 0 < upper < lower and (lower <= 10 or lower in (12, 16, 20, 100, 1000)):
        part = {2: "half", 4: "quarter"}.get(lower) or ordinal(lower).removeprefix("one ")
        many = {2: "halves"}.get(lower, f"{part}s")
        return before + (f"{'a' if mixed else 'one'} {part}" if upper == 1 else f"{cardinal(match[2])} {many}")
    if (upper, lower) in ((24, 7), (50, 50)):
        return f"{cardinal(match[2])} {cardinal(match[3])}"
    return f"{before}{cardinal(match[2])} over {cardinal(match[3])}"


def _vulgar_fraction(match: re.Match[str]) -> str:
    alone, after_number = tables.VULGAR_FRACTIONS[match[2]]
    return f"{cardinal(match[1])} and {after_number}" if match[1] else alone


def _range(match: re.Match[str]) -> str:
    """Read the first of two numbers and the dash between them.

    It is a range ("10–20"), or a subtraction where the sentence has other arithmetic signs. The second number is left
    to the other rules: it may be a measure or money.
    """
    between = "minus" if re.search(_OPERATOR, match.string) else "to"
    first = year(match[1]) if re.fullmatch(_YEAR, match[1]) else number(match[1])
    return f"{first} {between} "


def _scientific(match: re.Match[str]) -> str:
    exponent = _signed((match[2] or "").strip("+"), match[3])
    return f"{number(match[1])} times ten to the power of {exponent}"


def _power(match: re.Match[str]) -> str:
    """Read a superscript: "squared", "cubed" or "to the power of"."""
    raised = match.group().translate(_SUPERSCRIPTS).lstrip("^").strip("{}")
    if raised[-1] in "+-":  # the charge of an ion
        return f" {number(raised[:-1])} {_SIGNS[raised[-1]]}" if raised[:-1] else f" {_SIGNS[raised]}"
    if raised in ("2", "3"):
        return " squared " if raised == "2" else " cubed "
    sign, rest = (raised[0], raised[1:]) if raised[:1] in ("-", "−", "+") else ("", raised)
    exponent = number(rest) if rest.isdecimal() else " ".join(rest)
    return f" to the power of {_SIGNS[sign]}{exponent} "


def _plain(match: re.Match[str]) -> str:
    """Read a number that no other rule matched: as a year where it looks like one, otherwise as a cardinal."""
    sign, digits = match[1], match[2]
    text, start, end = match.string, match.start(), match.end()
    if not sign and re.fullmatch(_YEAR, digits) and _is_a_year(text, start, end):
        words = year(digits)
    elif digits.count(".") > 1:
        words = " point ".join(cardinal(part) for part in digits.split("."))
    else:
        words = _signed(sign, digits)
    before = " " if text[start - 1 : start].isalpha() else ""
    after = " " if text[end : end + 1].isalpha() else ""
    return before + words + after


def _is_a_year(text: str, start: int, end: int) -> bool:
    if _BEFORE_A_YEAR.search(text, max(0, start - 12), start):
        return True
    counted = _COUNTED.match(text, end) or re.match(rf"\s?{_OPERATOR}", text[end:])
    return not counted and not re.search(rf"{_OPERATOR}\s?$", text[max(0, start - 2) : start])


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\+?\d+", match.group())
    return ", ".join(("plus " if group[0] == "+" else "") + digit_by_digit(group.lstrip("+")) for group in groups)


NUMBER_RULES: tuple[Rule, ...] = (
    rule(r"(?<![\w.])(\d{4})-(\d{2})-(\d{2})(?![\w-])", _iso_date),
    rule(r"(?<![\w./])(\d{1,2})/(\d{1,2})/(\d{4})(?![\w/])", _slash_date),
    rule(rf"\b({_MONTHS})\.? (\d{{1,2}})(?:st|nd|rd|th)?(?![\w:%]|[.,]\d)", _month_day),
    rule(rf"\b(the )?(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({_MONTHS})\b", _day_month),
    rule(r"(?<![\w.:])(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s?([AaPp])\.?[Mm]\b\.?)?(?![\w:])", _time),
    rule(r"(?<![\w.:])(\d{1,2})\s?([AaPp])\.?[Mm]\b\.?", _hour),
    rule(r"(?<![\w.])(?:\+\d{1,3}[ -])?(?:\(?\d{3}\)?[ -])?\d{3}[ -]\d{4}(?![\w-])", _phone),
    rule(rf"(?<![\w.])([-−]?)({_CURRENCIES})\s?({NUMBER})(?:\s?({BIG}\b|(?:bn|[kKmMb])(?!\w)))?", _money_before),
    rule(r"(?<![\w.-])\d+(?:-\d+){2,}(?![\w-])", _phone),  # an ISBN
    rule(rf"(?<![\w.\-–])({NUMBER})(?:[-–—]| [-–—] )(?={NUMBER}(?!\w*[-–]\d))", _range),
    rule(rf"(?<![\w.])({SIGN})({NUMBER})(?:\s({BIG}))?\s?({_CURRENCIES})(?!\w)", _money_after),
    rule(rf"({SIGN})({NUMBER})\s?[°º]\s?([CFK])?(?!\w)", _degrees),
    rule(
        r"(?<!\w)['’]?(\d{3}0)['’]?s\b"
        r"|(?:(?<=\b(?:the|his|her|mid|our) )|(?<=\b(?:late|your) )|(?<=\b(?:early|their) )|(?<!\w)['’])(\d0)['’]?s\b",
        _decade,
    ),
    rule(
        rf"(?<![\w.])({SIGN})({NUMBER})(?:\s?|(-))({_UNITS})({_POWER})?(?:/({_UNITS})({_POWER})?)?(?![\w°/^²³])",
        _measure,
    ),
    rule(rf"({SIGN})({NUMBER})\s?(%|‰)", lambda match: f"{_signed(match[1], match[2])} {tables.SHARES[match[3]]}"),
    rule(r"(?<![\w./])(?:(\d+) )?(\d{1,4})[/⁄](\d{1,4})(?![\w/]|\.\d)", _fraction),
    rule(rf"(?:(\d+)\s?)?([{''.join(tables.VULGAR_FRACTIONS)}])", _vulgar_fraction),
    rule(r"(?<![\w.,])(\d{1,15})(?:st|nd|rd|th)\b", lambda match: ordinal(int(match[1]))),
    rule(r"(?<![\w.])(\d+(?:\.\d+)?)[eE]([-−+]?)(\d{1,4})(?!\w)", _scientific),
    rule(r"(?<=\d)[-–—](?=\d)", " to "),
    rule(r"(?<![\w.:])(\d+) ?: ?(\d+)(?![\w:])", lambda match: f"{cardinal(match[1])} to {cardinal(match[2])}"),
    rule(rf"\^(?:\{{[-−]?\w+\}}|[-−]?\d+|\w)|(?<=[\w)\]]){SUPERSCRIPT}", _power),
    rule(rf"({SIGN})(\d+(?:\.\d+){{2,}}|{NUMBER})", _plain),
)
