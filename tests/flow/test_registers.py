"""Centres and services are known as an operator types or imports them."""

from collections.abc import Mapping

import pytest
from sqlalchemy.orm import Session

from feedback_service.delivery.events import CENTRE_PROFILE
from feedback_service.errors import Conflict, Invalid, LostRace
from feedback_service.flow import registers
from feedback_service.imports import ImportedRow
from feedback_service.models import Centre, Service
from tests.support import stored
from tests.support.statements import record_statements

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


def services() -> set[tuple[str, str, str]]:
    """Codes and titles of all services."""
    return {(service.code, service.local_code, service.title) for service in stored.read_rows(Service)}


def test_other_writers_get_their_turn_while_services_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    registers.add_centre(PROFILE)
    monkeypatch.setattr(registers, "ROWS_AT_ONCE", 10)
    rows = table(*({"code": f"{number}", "title": "Витяг"} for number in range(35)))

    with record_statements("INSERT INTO services") as inserts:
        assert registers.import_services(rows, PROFILE["code"]).added == 35
    assert len(inserts) == 4, "a transaction for each portion"

    with record_statements("SELECT services") as reads:
        assert registers.import_services(rows, PROFILE["code"]).unchanged == 35
    assert all(len(values) < 35 for _, values in reads), "a portion reads its own services only"


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
    services = registers.import_services(table({"centre": "SN\x00", "code": "1", "title": "Т"}))

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


def test_services_are_known_by_both_their_codes_and_get_new_titles() -> None:
    registers.add_centre(PROFILE)
    national = {"code": "00034", "local_code": "", "title": "Реєстрація місця проживання"}
    local = {"code": "00034", "local_code": "01/01", "title": "Реєстрація місця проживання дитини"}

    first = registers.import_services(table(national, local), "sn05000001")
    again = registers.import_services(table(national | {"title": "Реєстрація"}, local), "SN05000001")

    assert (first.added, again.added, again.changed, again.unchanged) == (2, 0, 1, 1)
    assert services() == {
        ("00034", "", "Реєстрація"),
        ("00034", "01/01", "Реєстрація місця проживання дитини"),
    }


def test_a_service_row_may_name_its_centre_itself() -> None:
    registers.import_centres(table(PROFILE, PROFILE | {"code": "SN05000002"}))
    row = {"local_code": "14-13", "title": "Видача довідки"}

    done = registers.import_services(table(row, row | {"centre": "SN05000002"}), "SN05000001")

    assert done.added == 2
    assert len({service.centre_id for service in stored.read_rows(Service)}) == 2


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"centre": "SN00000000", "code": "1", "title": "Т"}, "There is no centre SN00000000."),
        ({"code": "1", "title": "Т"}, "No centre is named."),
        ({"centre": "SN05000001", "title": "Т"}, "A service needs a code or a local code."),
        ({"centre": "SN05000001", "code": "1", "title": ""}, "The title is empty."),
        ({"centre": "SN05000001", "code": "1" * 33, "title": "Т"}, "code is longer than 32 characters."),
        (
            {"centre": "SN05000001", "code": "00034", "title": "Витяг\nпро землю"},
            "title: remove character 6, U+000A; it is invisible, breaks the line or has no fixed meaning.",
        ),
        (
            {"centre": "SN05000001", "code": "00034\u200b", "title": "Т"},
            "code: remove character 6, U+200B; it is invisible, breaks the line or has no fixed meaning.",
        ),
    ],
)
def test_a_service_row_at_fault_says_why(row: dict[str, str], sentence: str) -> None:
    registers.add_centre(PROFILE)

    done = registers.import_services(table(row))

    assert [fault.sentence for fault in done.faults] == [sentence]
    assert services() == set()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("34", "The service 00034 is known already; 34 is another one, and their figures stay apart."),
        ("777", "The national code 777 has fewer than five digits; case systems send 00777."),
    ],
)
def test_a_code_that_a_spreadsheet_robbed_of_its_zeros_is_taken_with_a_warning(code: str, sentence: str) -> None:
    registers.add_centre(PROFILE)
    registers.import_services(table({"code": "00034", "local_code": "14-13", "title": "Витяг"}), "SN05000001")

    done = registers.import_services(table({"code": code, "title": "Витяг"}), "SN05000001")

    assert (done.added, [warning.sentence for warning in done.warnings]) == (1, [sentence])


@pytest.mark.parametrize("rows_at_once", [1, 100])
def test_a_code_in_other_letters_that_look_the_same_is_taken_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr(registers, "ROWS_AT_ONCE", rows_at_once)
    registers.add_centre(PROFILE)
    latin, cyrillic = {"local_code": "A-1", "title": "Витяг"}, {"local_code": "А-1", "title": "Витяг"}

    done = registers.import_services(table(latin, cyrillic), "SN05000001")

    assert (done.added, [warning.line for warning in done.warnings]) == (2, [3])
    assert "Latin or Cyrillic" in done.warnings[0].sentence


def test_codes_and_titles_that_look_the_same_are_one_service() -> None:
    registers.add_centre(PROFILE)
    registers.import_services(table({"local_code": "14-13", "title": "Об’єкт  права"}), "SN05000001")

    done = registers.import_services(table({"local_code": "14\u201113", "title": "Об'єкт\u00a0права"}), "SN05000001")

    assert (done.added, done.unchanged) == (0, 1)
    assert services() == {("", "14-13", "Об’єкт права")}


def test_two_rows_for_one_service_in_two_spellings_are_named() -> None:
    registers.add_centre(PROFILE)
    rows = table({"local_code": "14-13", "title": "Перша"}, {"local_code": "14–13", "title": "Друга"})

    done = registers.import_services(rows, "SN05000001")

    assert [fault.sentence for fault in done.faults] == ["It repeats line 2."]


def test_two_rows_for_one_service_that_write_its_centre_differently_are_named() -> None:
    registers.add_centre(PROFILE)
    row = {"local_code": "14-13", "title": "Витяг"}

    done = registers.import_services(table(row | {"centre": "SN05000001"}, row | {"centre": "sn05000001"}))

    assert (done.added, [fault.sentence for fault in done.faults]) == (1, ["It repeats line 2."])


def test_an_import_that_lost_a_race_warns_of_the_same_as_one_that_did_not() -> None:
    registers.add_centre(PROFILE)
    attempts: list[registers.ImportResult] = []

    def lose_the_first_race(tx: Session, result: registers.ImportResult) -> None:
        attempts.append(result)
        if len(attempts) == 1:
            raise LostRace

    rows = table({"code": "777", "title": "Витяг"}, {"code": "00777", "title": "Витяг"})
    done = registers.import_services(rows, "SN05000001", lose_the_first_race)

    assert (len(attempts), done.added) == (2, 2)
    assert [warning.sentence for warning in done.warnings] == [
        "The national code 777 has fewer than five digits; case systems send 00777."
    ]
