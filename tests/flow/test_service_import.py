"""Services of centres are known as a file names them."""

import pytest
from sqlalchemy.orm import Session

from feedback_service.errors import LostRace
from feedback_service.flow import registers, row_import, service_import
from feedback_service.flow.row_import import ImportResult
from feedback_service.models import Service
from tests.flow.test_registers import PROFILE, table
from tests.support import stored
from tests.support.statements import record_statements

pytestmark = pytest.mark.usefixtures("context")


def services() -> set[tuple[str, str, str]]:
    """Codes and titles of all services."""
    return {(service.code, service.local_code, service.title) for service in stored.read_rows(Service)}


def test_other_writers_get_their_turn_while_services_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    registers.add_centre(PROFILE)
    monkeypatch.setattr(row_import, "ROWS_AT_ONCE", 10)
    rows = table(*({"code": f"{number}", "title": "Витяг"} for number in range(35)))

    with record_statements("INSERT INTO services") as inserts:
        assert service_import.import_services(rows, PROFILE["code"]).added == 35
    assert len(inserts) == 4, "a transaction for each portion"

    with record_statements("SELECT services") as reads:
        assert service_import.import_services(rows, PROFILE["code"]).unchanged == 35
    assert len(reads) == 5, "once for what is known, and for each portion"
    assert all(len(values) < 35 for _, values in reads), "a portion reads its own services only"


def test_services_are_known_by_both_their_codes_and_get_new_titles() -> None:
    registers.add_centre(PROFILE)
    national = {"code": "00034", "local_code": "", "title": "Реєстрація місця проживання"}
    local = {"code": "00034", "local_code": "01/01", "title": "Реєстрація місця проживання дитини"}

    first = service_import.import_services(table(national, local), "sn05000001")
    again = service_import.import_services(table(national | {"title": "Реєстрація"}, local), "SN05000001")

    assert (first.added, again.added, again.changed, again.unchanged) == (2, 0, 1, 1)
    assert services() == {
        ("00034", "", "Реєстрація"),
        ("00034", "01/01", "Реєстрація місця проживання дитини"),
    }


def test_a_service_row_may_name_its_centre_itself() -> None:
    registers.import_centres(table(PROFILE, PROFILE | {"code": "SN05000002"}))
    row = {"local_code": "14-13", "title": "Видача довідки"}

    done = service_import.import_services(table(row, row | {"centre": "SN05000002"}), "SN05000001")

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

    done = service_import.import_services(table(row))

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
    service_import.import_services(table({"code": "00034", "local_code": "14-13", "title": "Витяг"}), "SN05000001")

    done = service_import.import_services(table({"code": code, "title": "Витяг"}), "SN05000001")

    assert (done.added, [warning.sentence for warning in done.warnings]) == (1, [sentence])


@pytest.mark.parametrize("rows_at_once", [1, 100])
def test_a_code_in_other_letters_that_look_the_same_is_taken_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr(row_import, "ROWS_AT_ONCE", rows_at_once)
    registers.add_centre(PROFILE)
    latin, cyrillic = {"local_code": "A-1", "title": "Витяг"}, {"local_code": "А-1", "title": "Витяг"}

    done = service_import.import_services(table(latin, cyrillic), "SN05000001")

    assert (done.added, [warning.line for warning in done.warnings]) == (2, [3])
    assert "Latin or Cyrillic" in done.warnings[0].sentence


def test_codes_and_titles_that_look_the_same_are_one_service() -> None:
    registers.add_centre(PROFILE)
    service_import.import_services(table({"local_code": "14-13", "title": "Об’єкт  права"}), "SN05000001")

    done = service_import.import_services(
        table({"local_code": "14\u201113", "title": "Об'єкт\u00a0права"}), "SN05000001"
    )

    assert (done.added, done.unchanged) == (0, 1)
    assert services() == {("", "14-13", "Об’єкт права")}


def test_two_rows_for_one_service_in_two_spellings_are_named() -> None:
    registers.add_centre(PROFILE)
    rows = table({"local_code": "14-13", "title": "Перша"}, {"local_code": "14–13", "title": "Друга"})

    done = service_import.import_services(rows, "SN05000001")

    assert [fault.sentence for fault in done.faults] == ["It repeats line 2."]


def test_two_rows_for_one_service_that_write_its_centre_differently_are_named() -> None:
    registers.add_centre(PROFILE)
    row = {"local_code": "14-13", "title": "Витяг"}

    done = service_import.import_services(table(row | {"centre": "SN05000001"}, row | {"centre": "sn05000001"}))

    assert (done.added, [fault.sentence for fault in done.faults]) == (1, ["It repeats line 2."])


def test_an_import_that_lost_a_race_warns_of_the_same_as_one_that_did_not() -> None:
    registers.add_centre(PROFILE)
    attempts: list[ImportResult] = []

    def lose_the_first_race(tx: Session, result: ImportResult) -> None:
        attempts.append(result)
        if len(attempts) == 1:
            raise LostRace

    rows = table({"code": "777", "title": "Витяг"}, {"code": "00777", "title": "Витяг"})
    done = service_import.import_services(rows, "SN05000001", lose_the_first_race)

    assert (len(attempts), done.added) == (2, 2)
    assert [warning.sentence for warning in done.warnings] == [
        "The national code 777 has fewer than five digits; case systems send 00777."
    ]
