"""Checks of what a masking rule found: can these digits be a card, an IBAN, a telephone, or are they a list?"""

import re

from feedback_service.surveys.spoken_numbers import count_spoken_digits


def extract_digits(found: str) -> str:
    """Return the digits alone."""
    return re.sub(r"\D", "", found)


def passes_luhn(found: str) -> bool:
    """Tell whether the check digit of a card number is right (ISO/IEC 7812-1, Luhn)."""
    digits = extract_digits(found)
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(digit // 10 + digit % 10 for digit in doubled)) % 10 == 0


def is_card(found: str) -> bool:
    """Tell whether these are the digits of a bank card: 16, or 13 to 19 with a right check digit."""
    length = len(extract_digits(found))
    return length == 16 or (13 <= length <= 19 and passes_luhn(found))


def is_odd_card(found: str) -> bool:
    """Tell whether digits in unusual groups are a card; single digits and pairs are rather a list."""
    return bool(re.search(r"\d{3}", found)) and passes_luhn(found)


def passes_iban_check(found: str) -> bool:
    """Tell whether the check digits of an IBAN are right (ISO 13616, remainder 1 by 97)."""
    plain = re.sub(r"\W", "", found).upper()
    return plain.isascii() and int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def is_unzr(found: str) -> bool:
    """Tell whether it is a number of the demographic register (УНЗР): a birthday, then five digits."""
    return bool(re.fullmatch(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d{6}", extract_digits(found)))


def is_phone(found: str) -> bool:
    """Tell whether it is a Ukrainian telephone number, with or without the country code."""
    return bool(re.fullmatch(r"(?:3?8)?0[3-9]\d{8}", extract_digits(found)))


def is_id_card(found: str) -> bool:
    """Tell whether it is the number of an ID card: nine digits, together or in threes."""
    return bool(re.fullmatch(r"\d{9}|\d{3}\D{1,4}\d{3}\D{1,4}\d{3}", found))


def is_tax_number(found: str) -> bool:
    """Tell whether it has the ten digits of a tax number (РНОКПП)."""
    return len(extract_digits(found)) == 10


def is_rising(found: str) -> bool:
    """Tell whether the numbers rise, so they are a range («100-200 людей») and no number of a document."""
    numbers = [int(number) for number in re.findall(r"\d+", found)]
    return numbers == sorted(numbers)


def is_list_of_grades(found: str) -> bool:
    """Tell whether it is a list of grades."""
    # Ten single digits are rather a tax number, typed with spaces.
    return len(extract_digits(found)) < 10 or bool(re.search(r"\d\d", found))


def is_said_card(found: str) -> bool:
    """Tell whether the 16 digits of a bank card are said, at least partly in words."""
    return bool(re.search(r"[^\W\d]", found)) and count_spoken_digits(found) == 16


def is_said_phone(found: str) -> bool:
    """Tell whether a telephone number with its code is said, at least partly in words."""
    return bool(re.search(r"[^\W\d]", found)) and 9 <= count_spoken_digits(found) <= 13


def is_short_phone(found: str) -> bool:
    """Tell whether a city number of 5 to 7 digits, or one said in words, is meant."""
    in_words = re.search(r"[^\W\d]", found)
    return (5 <= count_spoken_digits(found) <= 13) if in_words else bool(re.fullmatch(r"[\d\s.-]+", found))
