"""Roman numerals: counted after a chapter, ranked after a ruler, a year on a monument."""

from __future__ import annotations

import re

from talking_head.engines.speech.reading.english.numbers import cardinal, one_of, ordinal
from talking_head.engines.speech.reading.english.years import year
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_ROMAN = r"(?=[IVXLCDM])(M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3}))(?!['’.]?\w)"
_SMALL = r"(x{0,3}(?:ix|iv|v?i{1,3}|v)|x{1,3})(?![\w'’-]|\.\w)"
BEFORE_CARDINALS = (
    "Act", "Acts", "Annex", "Apollo", "Appendix", "Article", "Articles", "Band", "Book", "Books", "Canto", "Case",
    "Chapter", "Chapters", "Class", "Clause", "Column", "Element", "Episode", "Episodes", "Figure", "Gemini", "Grade",
    "Group", "Groups", "Layer", "Level", "Mark", "Movement", "Number", "Part", "Parts", "Period", "Phase",
    "Photosystem", "Plate", "Problem", "Question", "Round", "Scene", "Schedule", "Section", "Sections", "Series",
    "Session", "Stage", "Step", "Super Bowl", "Symphony", "Table", "Theorem", "Title",
    "Factor", "Lesson", "Model", "Nerve", "Quadrant", "factor", "lesson", "nerve", "quadrant",
    "Type", "Unit", "Volume",
    "Volumes", "War", "act", "appendix", "article", "book", "chapter", "chapters", "class", "column", "element",
    "episode", "figure", "grade", "group", "layer", "level", "movement", "number", "part", "parts", "period", "phase",
    "photosystem", "question", "scene", "section", "series", "stage", "step", "table", "theorem", "type", "unit",
    "volume", "volumes",
)  # fmt: skip
_SHORT = {
    "vol.": "volume", "Vol.": "volume", "vols.": "volumes", "ch.": "chapter", "Ch.": "chapter", "chap.": "chapter",
    "Chap.": "chapter", "pt.": "part", "Pt.": "part", "bk.": "book", "Bk.": "book", "sec.": "section",
    "Sec.": "section", "art.": "article", "Art.": "article", "no.": "number", "No.": "number", "fig.": "figure",
    "Fig.": "figure", "App.": "appendix", "app.": "appendix", "sc.": "scene", "Sc.": "scene", "Tab.": "table",
    "tab.": "table",
}  # fmt: skip
BEFORE_ORDINALS = (
    "Abdul Hamid", "Abdullah", "Adrian", "Agesilaus", "Albert", "Alexander", "Alexios", "Alfonso", "Amenemhat",
    "Amenhotep", "Andrew", "Anne", "Antiochus", "Arsinoe", "Artaxerxes", "Attalus", "Baldwin", "Basil", "Baudouin",
    "Bayezid", "Bela", "Benedict", "Berenice", "Boleslaw", "Boniface", "Caesar", "Carl", "Casimir", "Catherine",
    "Celestine", "Charles", "Christian", "Clement", "Cleopatra", "Constantine", "Constantius", "Conrad", "Cyrus",
    "Darius", "David", "Edmund", "Edward", "Elizabeth", "Emmanuel", "Eric", "Eugene", "Felipe", "Ferdinand", "Francis",
    "Franz", "Frederick", "Frederik", "Friedrich", "George", "Gregory", "Gustav", "Haakon", "Hadrian", "Harald",
    "Harold", "Heinrich", "Henri", "Henry", "Honorius", "Hussein", "Innocent", "Isabella", "Ivan", "James", "Joanna",
    "John", "John Paul", "Joseph", "Juan Carlos", "Julius", "Justin", "Justinian", "Kamehameha", "Karl", "Khosrow",
    "King", "Ladislaus", "Leo", "Leon", "Leopold", "Louis", "Ludwig", "Magnus", "Malcolm", "Manuel", "Margaret",
    "Margrethe", "Maria", "Martin", "Mary", "Matthias", "Maximilian", "Mehmed", "Mehmet", "Mentuhotep", "Michael",
    "Mithridates", "Mohammed", "Moctezuma", "Montezuma", "Murad", "Mustafa", "Napoleon", "Nicholas", "Olaf", "Olav",
    "Oscar", "Otto", "Paul", "Pedro", "Pepi", "Peter", "Philip", "Pius", "Pope", "Psamtik", "Ptolemy", "Queen",
    "Rainier", "Rama", "Rameses", "Ramesses", "Ramses", "Ramiro", "Richard", "Robert", "Rudolf", "Rudolph", "Sancho",
    "Sargon", "Selim", "Seleucus", "Senusret", "Seti", "Shapur", "Sigismund", "Sixtus", "Stephen", "Suleiman",
    "Sylvester", "Theodosius", "Thutmose", "Tiberius", "Tutmosis", "Umberto", "Urban", "Valentinian", "Victor",
    "Victor Emmanuel", "Vladimir", "Wenceslaus", "Wilhelm", "Willem", "William", "Xerxes", "Yohannes", "Zog",
)  # fmt: skip
# letters that are read as letters, though they could be figures
_NO_FIGURES = frozenset(
    """
    CD CV CC DC DM DI DIV DIX LCD MC MD MI MIX MM MV MCD CIV CI CM CL LI LL LD LV LC ML MDI XL XC XD XX XXL DX
    MX DV CX DL CDI MDX MCC CCC CLI MMC CCD MCI LX LIV
    """.split()  # noqa: SIM905
)
_RANKED_AFTER = r"\s(?:century|centuries|dynasty|legion|legions|corps|olympiad|olympic|arrondissement|congress|army)\b"
_DRIP = re.compile(r"\s(?:drip|fluids?|line|therapy|infusion|bag|injection|antibiotics?)\b")
_NO_RANK_AFTER = re.compile(
    r"\s(?:am|was not|think|thought|have|had|do|did|don['’]t|will|would|can|could|shall|should|know|knew|see"
    r"|saw|love|like"
    r"|liked|want|wanted|need|hope|went|took|mean|found|said|say|guess|believe|might|must|may)\b"
)


def roman_value(numeral: str) -> int:
    """Return the value of a Roman numeral."""
    values = [_VALUES[letter] for letter in numeral.upper()]
    return sum(-value if value < max(values[place:]) else value for place, value in enumerate(values))


def _cardinal(match: re.Match[str]) -> Words | None:
    """Return "Chapter four"; in "the class I took" the letter is a pronoun."""
    if match[2] == "I" and (match[1][0].islower() or _NO_RANK_AFTER.match(right(match))):
        return None
    return f"{match[1]} {cardinal(str(roman_value(match[2])))}"


def _small(match: re.Match[str]) -> Words:
    return f"{match[1]} {cardinal(str(roman_value(match[2])))}"


def _front_pages(match: re.Match[str]) -> Words:
    """Return the pages of a preface: "pp. ix–xii"."""
    return f"pages {cardinal(str(roman_value(match[1])))} to {cardinal(str(roman_value(match[2])))}"


def _short(match: re.Match[str]) -> Words | None:
    if match[2] == "I" and re.match(r"\s[a-z]", right(match)):
        return None  # "No. I will not."
    return f"{_SHORT[match[1]]} {cardinal(str(roman_value(match[2])))}"


def _pair(match: re.Match[str]) -> Words:
    """Return "Chapters four and five"."""
    link = match[3].strip()
    word = ", " if link == "," else f" {'and' if link == '&' else 'to' if link in '-–—' else link} "
    return f"{match[1]} {cardinal(str(roman_value(match[2])))}{word}{cardinal(str(roman_value(match[4])))}"


def _ordinal(match: re.Match[str]) -> Words | None:
    if match[2] == "I" and _NO_RANK_AFTER.match(right(match)):
        return None
    if match.group() == "Malcolm X":
        return None
    return f"{match[1]} the {ordinal(roman_value(match[2]))}"


def _ranked(match: re.Match[str]) -> Words | None:
    return ordinal(roman_value(match[1])) if match[1] != "I" else "first"


def _ranked_pair(match: re.Match[str]) -> Words:
    link = "to" if match[2].strip() in "-–—" else match[2].strip()
    return f"{ordinal(roman_value(match[1]))} {link} {ordinal(roman_value(match[3]))}"


def _alone(match: re.Match[str]) -> Words | None:
    """Return a numeral of at least two letters that stands alone: a year where it is long, a number otherwise."""
    numeral = match[1]
    if len(numeral) < 2 or numeral in _NO_FIGURES or re.match(r"[-–]?[a-z&+]", right(match, 2)):
        return None
    value = roman_value(numeral)
    if value >= 1000 and len(numeral) >= 4:
        return year(str(value))
    if numeral == "IV" and (_DRIP.match(right(match)) or re.search(r"\b(?:an|by|via|through) $", left(match))):
        return None
    if numeral == "XX" or (numeral == "XXX" and not re.search(r"[A-Z]\w+ $", left(match))):
        return None
    return cardinal(str(value))


def _bracketed(match: re.Match[str]) -> Words | None:
    """Return an item of a list, or the charge of a metal: "(iii)", "iron(III)"."""
    return f" {cardinal(str(roman_value(match[1])))} " if match[1] not in ("I", "i", "v", "x", "c", "C", "D") else None


def _charge(match: re.Match[str]) -> Words:
    return f"{match[1]} {cardinal(str(roman_value(match[2])))}"


def _place_in_play(match: re.Match[str]) -> Words:
    """Return act, scene and line of "III.ii.14"."""
    act, scene, line = match.groups()
    words = f"{cardinal(str(roman_value(act)))}, {cardinal(str(roman_value(scene)))}"
    return f"{words}, {cardinal(line)}" if line else words


def _range(match: re.Match[str]) -> Words | None:
    if re.match(r"\s(?:curves?|characteristics?|graphs?|plots?)\b", right(match)):
        return None  # the I–V curve
    first, last = roman_value(match[1]), roman_value(match[2])
    return f"{cardinal(str(first))} to {cardinal(str(last))}" if first < last else None


ROMAN_NUMERALS = SpanClass(
    "roman",
    (
        rule(
            r"(?<!\w)WW ?(II|I|2|1)(?![\w’'])", lambda match: f"World War {'two' if match[1] in ('II', '2') else 'one'}"
        ),
        rule(rf"\b({one_of(BEFORE_CARDINALS)})\s{_ROMAN}", _cardinal),
        rule(rf"\b({one_of(BEFORE_CARDINALS)})\s{_ROMAN}(,\s|\s?[-–—&]\s?|\sand\s|\sto\s|\sor\s){_ROMAN}", _pair),
        rule(rf"(?<!\w)({one_of(_SHORT)})\s?{_ROMAN}", _short),
        rule(rf"(?<!\w)({one_of(_SHORT)})\s?{_SMALL}", _short),
        rule(rf"\b((?:Act|act|Scene|scene|[Pp]art|[Pp]age|[Cc]hapter|[Pp]ages|[Ss]ection|p\.|pp\.))\s{_SMALL}", _small),
        rule(r"(?<!\w)pp?\. ?([ivxl]{1,7})\s?[-–]\s?([ivxl]{1,7})(?!\w)", _front_pages),
        rule(rf"\b({one_of(BEFORE_ORDINALS)})\s{_ROMAN}", _ordinal),
        rule(rf"\b{_ROMAN}(?={_RANKED_AFTER})", _ranked, re.IGNORECASE),
        rule(rf"\b{_ROMAN}(\s?[-–]\s?|\sand\s|\sto\s|\sor\s){_ROMAN}(?={_RANKED_AFTER})", _ranked_pair),
        rule(rf"(?<![\w.'’&+-]){_ROMAN}(?![-’'])", _alone),
        rule(r"(?<!\w)([IVXLC]{1,8})(?:th|st|nd|rd|ᵗʰ)(?!\w)", _ranked),
        rule(r"(?<![\w.])([IVX]{1,6})[-–]([IVX]{1,6})(?![\w-])", _range),
        rule(r"(?<![\w.])([IVX]{1,5})\.\s?([ivx]{1,5})(?:\.\s?(\d{1,4}))?(?![\w]|[–-]\d)", _place_in_play),
        rule(r"(?<!\w)\(([ivx]{1,5}|[IVX]{2,5})\)", _bracketed),
        rule(r"\b([a-z]{3,}|Fe|Cu|Co|Mn|Pb|Sn|Cr|Ni|Hg)\s?\(([IV]{1,3})\)", _charge),
    ),
    re.compile(r"\b[IVXLCDM]+(?:th|st|nd|rd|ᵗʰ)?\b|\b[ivx]+\b|WW"),
)
