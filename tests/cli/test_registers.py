"""Commands that register centres and services, publish documents and make demo data."""

import json
from pathlib import Path

import pytest

from feedback_service import clock, imports
from feedback_service.models import Centre, Service
from tests.cli.conftest import ADD_CENTRE, Operator
from tests.support import stored
from tests.support.environment import ROOT


def test_a_centre_is_added_with_its_controller_of_personal_data(operator: Operator, context: None) -> None:
    operator.run_successfully(*ADD_CENTRE, "--controller", "Вінницька міська рада", "--contact", "dpo@rada.example")

    [centre] = stored.read_rows(Centre)
    assert (centre.code, centre.controller, centre.contact) == (
        *("SN05000001", "Вінницька міська рада", "dpo@rada.example"),
    )


def test_the_code_that_is_told_is_the_one_that_is_stored(operator: Operator, context: None) -> None:
    told = operator.run_successfully(*("../sn05000001" if word == "SN05000001" else word for word in ADD_CENTRE))

    [centre] = stored.read_rows(Centre)
    assert told.strip() == f"Centre {centre.code} added."


def test_a_centre_is_not_added_twice_or_with_a_wrong_code(operator: Operator) -> None:
    assert "00032113" in operator.run_failing(*("00032113" if word == "00032112" else word for word in ADD_CENTRE))
    operator.run_successfully(*ADD_CENTRE)
    assert "SN05000001" in operator.run_failing(*ADD_CENTRE)


def test_files_of_centres_and_services_are_imported(operator: Operator, context: None, tmp_path: Path) -> None:
    centres, services = tmp_path / "centres.csv", tmp_path / "services.json"
    centres.write_text("code;name;edrpou;katottg\nSN05000001;ЦНАП міста Вінниця;00032112;UA05020030010063857\n")
    services.write_text('[{"code": "00034", "title": "Реєстрація місця проживання"}]')

    assert operator.run_successfully("centre", "import", str(centres)).startswith("1 added")
    assert operator.run_successfully("centre", "import", str(centres)).startswith("0 added, 0 changed, 1 unchanged")
    assert operator.run_successfully("service", "import", str(services), "--centre", "SN05000001").startswith("1 added")

    assert [service.title for service in stored.read_rows(Service)] == ["Реєстрація місця проживання"]


def test_a_file_with_too_many_rows_is_not_taken(
    operator: Operator, tmp_path: Path, context: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MAX_ROWS", 1)
    operator.run_successfully(*ADD_CENTRE)
    file = tmp_path / "services.csv"
    file.write_text("title,code\nВитяг,1\nДовідка,2\n")

    error = operator.run_failing("service", "import", str(file), "--centre", "SN05000001", code=2)

    assert error == "Error: services.csv has more than 1 rows; split it."
    assert stored.read_rows(Service) == []


def test_a_refused_row_is_named_and_makes_the_command_fail(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "centres.csv"
    file.write_text(
        "code,name,edrpou,katottg\nSN05000001,А,00032113,UA05020030010063857\nSN05000002,Б,1,UA05020030010063857\n"
    )

    result = operator.run_command("centre", "import", str(file))

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Warning, line 2: The check digit of the ЄДРПОУ 00032113 does not fit.",
        "Not taken, line 3: The ЄДРПОУ '1' is not eight digits.",
    ]
    assert result.stdout == "1 added, 0 changed, 0 unchanged, 1 not taken.\n"


@pytest.mark.parametrize("command", ["questionnaire", "methodology"])
def test_a_file_that_is_no_document_is_refused(operator: Operator, tmp_path: Path, command: str) -> None:
    file = tmp_path / "document.json"
    file.write_text('{"version": 1, "version": 2}')
    assert "named twice" in operator.run_failing(command, "load", str(file))
    file.write_text("{}")
    assert "breaks a rule" in operator.run_failing(command, "load", str(file))


def test_documents_are_loaded(operator: Operator) -> None:
    folder = ROOT / "feedback_service"
    questionnaire = folder / "surveys" / "questionnaires" / "offline-2026.1.json"
    methodology = folder / "indicators" / "methodologies" / "864-2021.json"

    assert "offline-2026.1" in operator.run_successfully("questionnaire", "load", str(questionnaire))
    assert "864-2021" in operator.run_successfully("methodology", "load", str(methodology))


def test_demo_data_is_made(operator: Operator, context: None) -> None:
    operator.run_successfully("demo", "seed", "--cases", "30", "--seed", "7")

    printed = json.loads(operator.run_successfully("summary", "--centre", "SN05990001"))
    today = clock.kyiv_day(clock.now())
    assert printed["period"]["to"] == today.isoformat()
    assert len(stored.read_rows(Centre)) == 1
