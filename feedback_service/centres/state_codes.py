"""Codes of the State: legal entities (ЄДРПОУ), territories (КАТОТТГ), centres.

``data/katottg.csv`` is the State's open codifier of 16.05.2025: regions, districts, communities, cities and
city districts. It has no villages: the code of a village begins like that of its community.
"""

import csv
import re
from functools import cache
from pathlib import Path

from feedback_service.vocabulary import CENTRE_CODE, EDRPOU, STATE_CENTRE_CODE

_KATOTTG = re.compile(r"UA[0-9]{17}")
_CODIFIER_FILE = Path(__file__).with_name("data") / "katottg.csv"
_COMMUNITY_CODE_LENGTH = 9  # characters that all codes within one community begin with
_COMMUNITY_CATEGORIES = ("H", "K")  # communities, and the two cities that are regions of their own


def is_edrpou(code: str) -> bool:
    """Whether the code has the form of a ЄДРПОУ: eight digits."""
    return re.fullmatch(EDRPOU, code) is not None


def has_valid_check_digit(edrpou: str) -> bool:
    """Whether the eighth digit of a ЄДРПОУ follows from the seven before it.

    About one real code in a hundred fails this check, so an import only warns.
    """
    *digits, check_digit = (int(digit) for digit in edrpou)
    weights = range(1, 8) if not 30_000_000 <= int(edrpou) <= 60_000_000 else (7, 1, 2, 3, 4, 5, 6)
    remainder = sum(weight * digit for weight, digit in zip(weights, digits, strict=True)) % 11
    if remainder == 10:
        remainder = sum((weight + 2) * digit for weight, digit in zip(weights, digits, strict=True)) % 11
    return remainder % 10 == check_digit


def is_katottg(code: str) -> bool:
    """Whether the code has the form of a КАТОТТГ: UA and 17 digits."""
    return _KATOTTG.fullmatch(code) is not None


def is_known_territory(katottg: str) -> bool:
    """Whether the codifier has this territory or its community."""
    codes, communities = _load_codifier()
    return katottg in codes or (is_katottg(katottg) and katottg[:_COMMUNITY_CODE_LENGTH] in communities)


def is_centre_code(code: str) -> bool:
    """Whether a centre's code has the State's form, such as ``SN12000007``."""
    return re.fullmatch(STATE_CENTRE_CODE, code) is not None


def may_be_centre_code(code: str) -> bool:
    """Whether a centre can be registered under this code: one to ten Latin capitals and digits."""
    return re.fullmatch(CENTRE_CODE, code) is not None


@cache
def _load_codifier() -> tuple[frozenset[str], frozenset[str]]:
    """Return all codes, and the first nine characters of the codes of all communities."""
    with _CODIFIER_FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return frozenset(row["code"] for row in rows), frozenset(
        row["code"][:_COMMUNITY_CODE_LENGTH] for row in rows if row["category"] in _COMMUNITY_CATEGORIES
    )
