"""Chemistry: formulas are spelled letter by letter, ions with their charges, isotopes with the names of elements."""

from __future__ import annotations

import re
from itertools import pairwise

from talking_head.engines.speech.reading.english.algebra import letters
from talking_head.engines.speech.reading.english.mathematics import SUBSCRIPTS, SUPERSCRIPTS
from talking_head.engines.speech.reading.english.numbers import cardinal
from talking_head.engines.speech.reading.spans import SpanClass, Words, left, right, rule

ELEMENTS = frozenset(
    """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo
    Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl
    Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr
    """.split()  # noqa: SIM905
)
# symbol -> name, and the least and the greatest mass that is spoken of ("B-52" is no boron)
ISOTOPES = {
    "H": ("hydrogen", 2, 3), "He": ("helium", 3, 4), "Li": ("lithium", 6, 7), "Be": ("beryllium", 7, 10),
    "B": ("boron", 10, 11), "C": ("carbon", 11, 14), "N": ("nitrogen", 13, 15), "O": ("oxygen", 15, 18),
    "F": ("fluorine", 18, 19), "Ne": ("neon", 20, 22), "Na": ("sodium", 22, 24), "P": ("phosphorus", 30, 33),
    "S": ("sulfur", 32, 36), "Cl": ("chlorine", 35, 37), "Ar": ("argon", 36, 40), "K": ("potassium", 39, 42),
    "Ca": ("calcium", 40, 48), "Fe": ("iron", 52, 60), "Co": ("cobalt", 57, 60), "Ga": ("gallium", 67, 72),
    "Kr": ("krypton", 78, 92), "Rb": ("rubidium", 82, 87), "Sr": ("strontium", 82, 90), "Mo": ("molybdenum", 92, 100),
    "Tc": ("technetium", 95, 99), "I": ("iodine", 123, 135), "Xe": ("xenon", 124, 140), "Cs": ("cesium", 131, 137),
    "Ba": ("barium", 130, 144), "Ir": ("iridium", 191, 193), "Pb": ("lead", 204, 214), "Bi": ("bismuth", 207, 214),
    "Po": ("polonium", 208, 218), "Rn": ("radon", 219, 222), "Ra": ("radium", 223, 228), "Th": ("thorium", 227, 234),
    "U": ("uranium", 232, 239), "Np": ("neptunium", 236, 239), "Pu": ("plutonium", 238, 244),
    "Am": ("americium", 241, 243),
}  # fmt: skip
# formulas without a figure; others of that shape are names and abbreviations
_PLAIN = frozenset(
    """
    NaCl NaOH HCl HBr HI HF KCl KOH KBr KI NaF NaBr NaI LiF LiCl LiOH CaO MgO ZnO CuO FeO BaO CsCl AgCl AgBr AgI CO NO
    ZnS FeS PbS CuS HgS HgO SiC GaAs HCN NaH LiH NaCN KCN NaHS HClO NaClO KNO TiN AlN BN GaN MnO NiO CoO SrO PbO
    """.split()  # noqa: SIM905
)
# elements whose molecules have a figure alone: "O2"; other letters with a figure are names ("B12", "A4", "F16")
_MOLECULES = frozenset(
    "H2 O2 N2 F2 Cl2 Br2 I2 O3 P4 S8 H₂ O₂ N₂ F₂ Cl₂ Br₂ I₂ O₃ P₄ S₈ C60 C₆₀".split()  # noqa: SIM905
)
# spelled like formulas, said as names
_NAMES = re.compile(r"(?:COP|PCI|USB|BBC|PS|UN|US|HP|II|PIN|WI|CIV|SIP|BIOS|IOS|COVI|NBC|CNN|ISO|IP|PPO|NBA|CO2?E)\d*")
_SYMBOL = (
    r"(?:He|Li|Be|Ne|Na|Mg|Al|Si|Cl|Ar|Ca|Sc|Ti|Cr|Mn|Fe|Co|Ni|Cu|Zn|Ga|Ge|As|Se|Br|Kr|Rb|Sr|Zr|Nb|Mo|Ag"
    r"|Cd|Sn|Sb|Te|Xe|Cs|Ba|La|Ce|Pt|Au|Hg|Tl|Pb|Bi|Po|Rn|Fr|Ra|Th|Pu|[HBCNOFPSKVYIWU])"
)
_WORDS = frozenset(("NO", "CO", "HI", "KI", "BN"))  # formulas only where the sentence speaks of chemistry
_COUNT = r"(?:\d{1,2}|[₀-₉]{1,2}|ₙ|n(?!\w))?"
_UNIT = rf"(?:{_SYMBOL}{_COUNT})"
_GROUPED = rf"(?:{_UNIT}|\((?:{_UNIT}){{1,8}}\){_COUNT}|\[(?:{_UNIT}|\((?:{_UNIT}){{1,4}}\){_COUNT}){{1,8}}\]{_COUNT})"
_CHARGE = (
    r"(?:\^\{?\d?[+−-]\}?|\^\{?[+−-]\d?\}?|[⁰¹²³⁴⁵⁶]?[⁺⁻]|\d?[+−](?![\w+])|-(?=[\s.,;:)]|$)| \d[+−-](?=[\s.,;:)]|$))"
)
_STATE = r"(?:\((?:aq|s|l|g)\))?"
_STATES = {"(aq)": " aqueous", "(s)": " solid", "(l)": " liquid", "(g)": " gas"}
_FIGURES = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻−", "0123456789+--")


def spelled(formula: str) -> str:
    """Return "H two S O four"; both letters of a symbol are said."""
    parts = re.findall(r"\d+|[A-Za-z]", formula.translate(SUBSCRIPTS))
    return " ".join(cardinal(part) if part.isdecimal() else letters(part) for part in parts)


def _charge_words(charge: str) -> str:
    plain = charge.translate(_FIGURES).strip("^{} ")
    digits = "".join(character for character in plain if character.isdecimal())
    sign = "plus" if "+" in plain else "minus"
    return f" {cardinal(digits)} {sign}" if digits else f" {sign}"


def _is_substance(match: re.Match[str], formula: str, plain: str, symbols: list[str]) -> bool:
    """Return whether letters and figures without a charge are a formula, not a name such as "B12" or "BBC2"."""
    if formula != plain:
        return True  # its figures are lowered
    if _NAMES.fullmatch(plain) or (len(symbols) == 1 and formula not in _MOLECULES):
        return False
    doubled = any(first == second for first, second in pairwise(symbols)) and "(" not in plain
    if doubled and plain != "HCOOH" and len(symbols) < 4:
        return False
    if not any(character.isdecimal() for character in plain) and plain not in _PLAIN:
        return False
    return formula not in _WORDS or _in_chemistry(match)


def _formula(match: re.Match[str]) -> Words | None:
    amount, formula, charge, state = match[1], match[2], match[3], match[4]
    plain = formula.translate(SUBSCRIPTS)
    symbols = re.findall(_SYMBOL, plain)
    has_figure = any(character.isdecimal() for character in plain)
    if not state and not charge:
        if not _is_substance(match, formula, plain, symbols):
            return None
    elif not has_figure and not (len(symbols) > 1 and plain in _PLAIN) and not _is_ion(match, plain, charge, state):
        return None
    if charge and "+" not in charge and charge.strip() == "-" and re.match(r"\s?[-\d]", right(match)):
        return None
    words = f"{cardinal(amount)} " if amount else ""
    words += spelled(formula)
    if charge:
        words += _charge_words(charge)
    return words + _STATES.get(state, "")


_IN_CHEMISTRY = re.compile(
    r"\b(?:gas|gases|oxide|monoxide|molecules?|emissions?|pollutants?|toxic|react\w*|oxidi\w*|burn\w*|atoms?"
    r"|bond\w*|acid|combustion"
    r"|carbon|nitrogen|nitric|haemoglobin|hemoglobin|poison\w*|exhaust|formula|compounds?)\b|[→⇌]"
)


def _in_chemistry(match: re.Match[str]) -> bool:
    """Return whether the sentence around a word such as NO or CO speaks of chemistry."""
    return bool(_IN_CHEMISTRY.search(left(match, 80) + right(match, 80)))


_IONS = frozenset(
    """
    H Li Na K Rb Cs Ag Cu F Cl Br I Ca Mg Zn Fe Al Ba Sr Pb Sn Hg Mn Cr Co Ni O S N OH CN Au Cd Ti NO
    """.split()  # noqa: SIM905
)
_BLOOD = re.compile(r"\b(?:grade|grades|blood|type|plan|score|vitamin|class|an?|got|language)\s$", re.I)


def _is_ion(match: re.Match[str], symbol: str, charge: str, state: str) -> bool:
    """Return whether a symbol with a sign is an ion: a spaced sign is a sum and "B+" is a grade."""
    if state:
        return len(symbol) > 1 or bool(re.search(r"\((?:g|l|aq)\)|[→⇌]", left(match) + right(match) + state))
    if symbol not in _IONS:
        return False
    if charge.strip() in ("+", "-", "−"):
        return not (
            len(symbol) == 1
            and (
                _BLOOD.search(left(match))
                or (re.match(r"\s?[+\w(=]\s?\w", right(match)) and symbol in "FIOSN" and not _in_chemistry(match))
            )
        )
    return True


def _isotope(match: re.Match[str]) -> Words | None:
    """Return "carbon fourteen" for "C-14"."""
    return _isotope_words(match[1], match[2])


def _raised_isotope(match: re.Match[str]) -> Words | None:
    """Return "carbon fourteen" for "¹⁴C"."""
    return _isotope_words(match[2], match[1].translate(SUPERSCRIPTS).lstrip("^").strip("{}"))


def _isotope_words(symbol: str, mass: str) -> str | None:
    name, least, most = ISOTOPES.get(symbol, ("", 1, 0))
    return f"{name} {_mass(mass)}" if mass.isdecimal() and least <= int(mass) <= most else None


def _mass(digits: str) -> str:
    """Return "two thirty-five" for 235, as physicists say."""
    if len(digits) == 3 and digits[1] != "0":
        return f"{cardinal(digits[0])} {cardinal(digits[1:])}"
    return cardinal(digits)


def _named_isotope(match: re.Match[str]) -> Words:
    return f"{match[1]} {_mass(match[2])}"


_NOBLE_GASES = {"He": "helium", "Ne": "neon", "Ar": "argon", "Kr": "krypton", "Xe": "xenon", "Rn": "radon"}


def _configuration(match: re.Match[str]) -> Words:
    """Return "argon, four S two" for the electrons of an atom, such as "[Ar] 4s²"."""
    core = f"{_NOBLE_GASES[match[1]]}, " if match[1] else ""
    shells = re.findall(r"([1-7])([spdf])(\d+)", match[2].translate(_FIGURES))
    return core + " ".join(f"{cardinal(shell)} {letters(kind)} {cardinal(count)}" for shell, kind, count in shells)


def _electrons(match: re.Match[str]) -> Words:
    """Return "two electrons" for "2e⁻"."""
    name = "electron" if match[2][-1] in "⁻-−" else "positron"
    return f"{cardinal(match[1])} {name}s" if match[1] and match[1] != "1" else name


def _yields(match: re.Match[str]) -> Words | None:
    """Return "yields" for the arrow of a reaction."""
    near = left(match, 8) + right(match, 8)
    return " yields " if re.search(rf"(?:{_SYMBOL}[\d₀-₉)+⁺⁻²³]|{_SYMBOL}{_SYMBOL})", near) else None


CHEMISTRY = SpanClass(
    "chemistry",
    (
        rule(
            rf"(?<![\w.₀-₉^/-])(\d{{1,2}}(?=[A-Z(\[]))?((?:{_GROUPED}){{1,14}})({_CHARGE})?({_STATE})(?![\w₀-₉'’]|-(?![a-z]{{2}})\w|\.\w)",
            _formula,
        ),
        rule(
            r"(?:\[(He|Ne|Ar|Kr|Xe|Rn)\]\s?)?(?<![\w.])((?:[1-7][spdf](?:1[0-4]|[1-9]|[¹²³⁴-⁹]|¹[⁰¹²³⁴])(?!\d)[\s,]{0,2}){1,20}(?<![\s,]))(?![\w/])",
            _configuration,
        ),
        rule(r"(?<![\w.])(\d{1,2})?e((?:⁻|⁺)|\^[-−+]|[-−](?=\s?(?:$|[+),.;]|→|->|⟶)))(?!\w)", _electrons),
        rule(r"(?<![\w-])([A-Z][a-z]?)-(\d{1,3})(?![\w.-])", _isotope),
        rule(r"(?<![\w])(\^\{\d{1,3}\}|[⁰¹²³⁴-⁹]{1,3})([A-Z][a-z]?)(?![a-z\d])", _raised_isotope),
        rule(
            rf"\b({'|'.join(name for name, _, _ in ISOTOPES.values())}|[A-Z]?[a-z]+ium)-(\d{{1,3}})(?![\w.])",
            _named_isotope,
            re.IGNORECASE,
        ),
        rule(r"(?<=[\dA-Za-z)₀-₉])\s?[·•]\s?(?=\d{0,2}H[2₂]O)", " dot "),
        rule(r"\s?(?:→|⟶|-->|->)\s?", _yields),
    ),
    re.compile(
        r"[A-Z][a-z]?[\d₀-₉⁰¹²³⁴-⁹\^⁺⁻+−(-]|[A-Z][a-zA-Z]?[A-Z]|[⁰¹²³⁴-⁹][A-Z]|→|->|\b[a-z]{3,}-\d|\d[spdf][\d¹²³⁴-⁹]|e[⁻⁺^−-]"
    ),
)
