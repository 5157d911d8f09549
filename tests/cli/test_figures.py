"""Commands that recount, sum up and purge what is stored."""

import json
from datetime import date, timedelta

import pytest

from feedback_service.config import Settings
from tests.cli.conftest import Operator
from tests.conftest import TimeIs
from tests.support.story import CENTRE, create_centre, create_invitation, minutes_later, send_answer, use_service_now
from tests.support.summaries import read_summary_json


def test_recounting_confirms_that_stored_figures_fit_the_answers(
    operator: Operator, context: None, time_is: TimeIs
) -> None:
    time_is("2026-03-02T10:00+02:00")
    create_centre()
    send_answer(create_invitation().token, {"off.nps": 9})
    time_is("2026-03-03T10:00+02:00")

    assert operator.run_successfully("recount") == "1 days recounted.\n"
    operator.run_successfully("recount", "--check")


def test_a_summary_is_the_json_of_the_api_and_says_that_the_methodology_is_not_confirmed(
    operator: Operator, settings: Settings, context: None, time_is: TimeIs
) -> None:
    time_is("2026-03-02T10:00+02:00")
    create_centre()
    for score in (10, 10, 9, 8, 7, 3):
        send_answer(create_invitation().token, {"off.nps": score})

    result = operator.run_command("summary", "--centre", CENTRE.lower(), "--from", "2026-03-01")

    printed = json.loads(result.stdout)
    assert printed.pop("without_signals")["signalled"] == 0
    assert printed == read_summary_json(
        centres={CENTRE}, first=date(2026, 3, 1), last=date(2026, 3, 2), min_group=settings.min_group
    )
    assert "Методика не підтверджена" in result.stderr
    assert json.loads(operator.run_successfully("summary", "--centre", CENTRE))["period"]["from"] == "2026-01-01"


def test_a_summary_of_a_centre_that_does_not_exist_is_refused(operator: Operator) -> None:
    assert operator.run_failing("summary", "--centre", "SN05000009") == "Error: There is no centre SN05000009."


@pytest.mark.parametrize("day", ["1999-12-31", "9999-12-31"])
def test_a_summary_accepts_the_same_years_as_the_api(operator: Operator, day: str) -> None:
    error = operator.run_failing("summary", "--centre", CENTRE, "--to", day, code=2)
    assert "'--to': The year must be from 2000 to 2100" in error


def test_purging_prints_how_much_was_deleted(
    operator: Operator, settings: Settings, context: None, time_is: TimeIs
) -> None:
    time_is("2026-03-02T10:00+02:00")
    create_centre()
    send_answer(create_invitation().token, {"off.nps": 9, "any.comment": "Дякую"})
    time_is(minutes_later(timedelta(days=settings.retention_days + 1) / timedelta(minutes=1)))

    assert "the clock of this machine says" in operator.run_failing("purge")
    use_service_now()

    assert operator.run_successfully("purge") == "1 comments and 1 cases deleted.\n"
