"""Centres are found by their code in any spelling."""

import pytest

from feedback_service.centres.register import find_by_prefix, find_centre, find_centres, require_centre
from feedback_service.database import reading
from feedback_service.errors import NotFound
from feedback_service.flow import registers

pytestmark = pytest.mark.usefixtures("context")

CODE, OTHER = "SN05000001", "SN05000002"
PROFILE = {"name": "ЦНАП", "edrpou": "00032112", "katottg": "UA05020030010063857"}


@pytest.fixture(autouse=True)
def centres(context: None) -> None:
    """Two centres."""
    for code in (CODE, OTHER):
        registers.add_centre({"code": code} | PROFILE)


def test_a_centre_is_found_however_its_code_is_typed() -> None:
    assert reading(require_centre)(" sn05000001 ").code == CODE


def test_strange_codes_find_nothing_on_any_database() -> None:
    assert reading(find_centres)(["SN\x00", "ЖЖ05000001", "", OTHER]).keys() == {OTHER}
    assert reading(find_centre)("SN\x00") is None
    with pytest.raises(NotFound):
        reading(require_centre)("SN99000001")


def test_several_centres_come_in_the_same_order_whatever_was_asked_first() -> None:
    there, back = reading(find_centres)([CODE, OTHER]), reading(find_centres)([OTHER, CODE])

    assert list(there) == list(back)


def test_a_centre_is_found_by_the_prefix_of_its_short_codes() -> None:
    prefix = reading(require_centre)(CODE).prefix

    found = reading(find_by_prefix)(prefix)
    assert found is not None
    assert found.code == CODE
