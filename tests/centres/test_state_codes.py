"""Codes of the State: check digits on published vectors, territories on real codes."""

import csv
from pathlib import Path

import pytest

from feedback_service.centres import state_codes

VECTORS = list(csv.reader(Path(__file__).with_name("edrpou_vectors.csv").read_text().splitlines()))[1:]


@pytest.mark.parametrize(("code", "verdict"), VECTORS)
def test_the_check_digit_agrees_with_the_published_vectors(code: str, verdict: str) -> None:
    assert (state_codes.is_edrpou(code) and state_codes.has_valid_check_digit(code)) == (verdict == "yes")


@pytest.mark.parametrize("code", ["43220851 ", "", "4322085", "432208511", "٤٣٢٢٠٨٥١", "43220851\n"])
def test_a_code_of_a_legal_entity_is_eight_plain_digits(code: str) -> None:
    assert not state_codes.is_edrpou(code)


@pytest.mark.parametrize("code", ["30000000", "60000000", "29999999", "60000001"])
def test_of_the_ten_last_digits_at_the_edges_of_the_weights_exactly_one_fits(code: str) -> None:
    fitting = [digit for digit in "0123456789" if state_codes.has_valid_check_digit(code[:7] + digit)]
    assert len(fitting) == 1


def test_a_city_a_region_and_kyiv_are_known_by_their_own_codes() -> None:
    assert state_codes.is_known_territory("UA05020030010063857")
    assert state_codes.is_known_territory("UA05000000000010236")
    assert state_codes.is_known_territory("UA80000000000093317")


def test_a_village_is_known_by_the_community_it_lies_in() -> None:
    assert state_codes.is_known_territory("UA05020030020012345")


@pytest.mark.parametrize(
    "code",
    [
        "UA05999990010063857",
        "UA05020000010063857",
        "UA0502003001006385",
        "ua05020030010063857",
        "UA05020030",
        "",
    ],
)
def test_a_territory_that_does_not_exist_is_not_known(code: str) -> None:
    assert not state_codes.is_known_territory(code)


def test_a_centre_is_registered_under_latin_capitals_and_digits() -> None:
    assert all(state_codes.may_be_centre_code(code) for code in ("A", "12", "SN12000007"))
    assert not any(
        state_codes.may_be_centre_code(code) for code in ("", "sn12", "ЦНАП", "A" * 11, "A\n", "\x00", "A B")
    )


def test_a_centre_code_is_two_capitals_and_eight_digits() -> None:
    assert state_codes.is_centre_code("SN12000007")
    assert not any(
        state_codes.is_centre_code(code) for code in ("sn12000007", "SN1200007", "SN120000071", "ЦН12000007")
    )
