"""Centres are known as an operator types or imports them."""

from collections.abc import Mapping

import pytest

from feedback_service.delivery.events import CENTRE_PROFILE
from feedback_service.errors import Conflict, Invalid
from feedback_service.flow import registers, service_import
from feedback_service.imports import ImportedRow
from feedback_service.models import Centre
from tests.support import stored

pytestmark = pytest.mark.usefixtures("context")

PROFILE = {
    "code": "SN05000001",
    "name": "ЦНАП міста Вінниця",
    "edrpou": "00032112",
    "katottg": "UA05020030010063857",
}


def table(*rows: Mapping[str, str]) -> list[ImportedRow]:
    """The rows of a file, numbered as in a CSV with a header."""
    return [ImportedRow(line, row) for line, row in enumerate(rows, start=2)]


def centre() -> Centre:
    """The only centre there is."""
    [found] = stored.read_rows(Centre)
    assert isinstance(found, Centre)
    return found


def test_a_new_centre_is_told_to_the_central_system_with_its_whole_profile() -> None:
    assert registers.add_centre(PROFILE | {"contact": "dpo@rada.example"}) == []

    assert centre().prefix
    said = {"contact": "dpo@rada.example", "controller": None}
    not_said = {"notice": None, "opening": None, "windows": [], "languages": ["uk", "en"]}
    assert stored.read_event_data(CENTRE_PROFILE) == [PROFILE | said | not_said]


def test_a_centre_is_added_once() -> None:
    registers.add_centre(PROFILE)

    with pytest.raises(Conflict, match="SN05000001"):
        registers.add_centre(PROFILE | {"code": "sn05000001", "name": "Інший"})

    assert centre().name == PROFILE["name"]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("code", "SN05-00001"),
        ("code", ""),
        ("name", "  "),
        ("name", "ЦНАП\u202eОЗЕР"),
        ("name", "ЦНАП\x00"),
        ("name", "Ц" * 501),
        ("edrpou", "3211"),
        ("edrpou", "00032113"),
        ("katottg", "UA0502"),
    ],
)
def test_a_mistyped_centre_field_is_refused_by_name(column: str, cell: str) -> None:
    with pytest.raises(Invalid) as refusal:
        registers.add_centre(PROFILE | {column: cell})

    assert f"/{column}" in {error.pointer for error in refusal.value.errors}
    assert stored.read_rows(Centre) == []


def test_all_mistyped_centre_fields_are_named_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        registers.add_centre({"code": "?", "name": "", "edrpou": "1", "katottg": "2"})

    assert [error.pointer for error in refusal.value.errors] == ["/code", "/name", "/edrpou", "/katottg"]


def test_a_centre_code_of_another_form_is_taken_with_a_warning() -> None:
    assert registers.add_centre(PROFILE | {"code": "7"}) == ["The centre code 7 is not like SN12000007."]


def test_a_territory_newer_than_our_codifier_is_taken_with_a_warning() -> None:
    [warning] = registers.add_centre(PROFILE | {"katottg": "UA05999990010063857"})

    assert "UA05999990010063857" in warning


def test_importing_the_same_file_again_changes_nothing_and_tells_nobody() -> None:
    rows = table(PROFILE, PROFILE | {"code": "SN05000002", "name": "ЦНАП Тиврівської громади"})

    first, second = registers.import_centres(rows), registers.import_centres(rows)

    assert (first.added, first.changed, first.unchanged) == (2, 0, 0)
    assert (second.added, second.changed, second.unchanged) == (0, 0, 2)
    assert len(stored.read_event_data(CENTRE_PROFILE)) == 2


def test_an_import_changes_what_its_columns_say_and_leaves_the_rest() -> None:
    registers.add_centre(PROFILE | {"controller": "Вінницька міська рада", "contact": "dpo@rada.example"})
    before = centre()

    done = registers.import_centres(table(PROFILE | {"name": "Прозорий офіс", "contact": ""}))

    after = centre()
    assert done.changed == 1
    assert (after.name, after.controller, after.contact) == ("Прозорий офіс", "Вінницька міська рада", None)
    assert (after.id, after.prefix) == (before.id, before.prefix)
    assert [profile["name"] for profile in stored.read_event_data(CENTRE_PROFILE)] == [
        PROFILE["name"],
        "Прозорий офіс",
    ]


def test_a_register_s_odd_codes_are_taken_with_a_warning_that_names_the_line() -> None:
    odd = PROFILE | {"edrpou": "00032113", "katottg": "UA05999990010063857"}

    done = registers.import_centres(table(odd))

    assert done.added == 1
    assert [warning.line for warning in done.warnings] == [2, 2]


def test_a_code_that_no_database_would_compare_is_a_fault_like_any_other() -> None:
    centres = registers.import_centres(table(PROFILE | {"code": "SN\x00"}, PROFILE))
    services = service_import.import_services(table({"centre": "SN\x00", "code": "1", "title": "Т"}))

    assert (centres.added, [fault.line for fault in centres.faults]) == (1, [2])
    assert [fault.line for fault in services.faults] == [2]


def test_a_faulty_row_is_named_by_its_line_and_does_not_affect_others() -> None:
    done = registers.import_centres(
        table(PROFILE | {"name": ""}, PROFILE | {"code": "SN05000002"}, PROFILE | {"code": "sn05000002"})
    )

    assert done.added == 1
    assert [(fault.line, fault.sentence) for fault in done.faults] == [
        (2, "The name is empty."),
        (4, "It repeats line 3."),
    ]
    assert centre().code == "SN05000002"


@pytest.mark.slow
def test_every_centre_gets_short_codes_of_its_own() -> None:
    registers.import_centres(table(*(PROFILE | {"code": f"SN0500{number:04}"} for number in range(600))))

    assert len({centre.prefix for centre in stored.read_rows(Centre)}) == 600
