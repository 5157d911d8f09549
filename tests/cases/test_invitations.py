"""A completed case brings one invitation, which is open for a limited time and stores no secret."""

from dataclasses import replace
from datetime import timedelta

import pytest

from feedback_service import clock
from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db
from feedback_service.errors import InvitationExpired
from feedback_service.flow import answers, cases, short_codes
from feedback_service.models import Case, Invitation
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.story import CENTRE, create_centre, create_invitation, make_case_update, register_case

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture(autouse=True)
def centre(context: None) -> None:
    create_centre()


@pytest.mark.parametrize("final", ["completed", "refused"])
def test_a_final_status_brings_one_invitation(final: str) -> None:
    report = make_case_update("registered")
    register_case(report)

    case = register_case(replace(report, status=final, status_at=report.status_at + timedelta(minutes=5)))

    assert case.invitation is not None
    assert case.invitation.state == "issued"
    assert [entry.status for entry in case.history] == ["registered", final]


def test_the_other_final_status_is_taken_and_brings_no_second_invitation() -> None:
    report = make_case_update("completed")
    first = register_case(report)

    case = register_case(replace(report, status="refused", status_at=clock.now()))

    assert case.status == "refused"
    assert case.invitation == first.invitation


def test_who_is_invited_rates_the_place_where_the_case_ended_first() -> None:
    report = make_case_update("registered", workplace="window-1")
    register_case(report)
    ended = replace(report, status="completed", status_at=clock.now(), workplace="window-2")
    register_case(ended)

    elsewhere = replace(ended, workplace="window-3", provider_edrpou="43220851")
    register_case(replace(elsewhere, status="refused", status_at=clock.now()))

    [case] = stored.read_rows(Case)
    assert (case.status, case.workplace, case.provider_edrpou) == ("refused", "window-2", "00032112")


def test_an_invitation_lives_until_the_end_of_its_last_day_in_kyiv(time_is: TimeIs) -> None:
    time_is("2026-11-20T10:15:00+02:00")
    invitation = create_invitation()
    assert invitation.expires_at.isoformat() == "2026-12-20T23:59:59+02:00"

    time_is("2026-12-20T23:59:59+02:00")
    answers.open_survey(invitation.token, mark_opened=False)

    time_is("2026-12-21T00:00:00+02:00")
    with pytest.raises(InvitationExpired):
        answers.open_survey(invitation.token, mark_opened=False)


def test_what_is_printed_can_be_derived_again_after_the_key_was_rotated(settings: Settings) -> None:
    case = register_case(make_case_update())
    rotated = replace(settings, token_keys=(b"new" * 12, *settings.token_keys))

    with create_app(rotated).app_context():
        assert cases.find_case(case.id, {CENTRE}) == case
        assert case.invitation is not None
        answers.open_survey(case.invitation.token, mark_opened=False)
        assert short_codes.find_token_by_short_code(case.invitation.short_code) == case.invitation.token
        db.engine.dispose()


def test_the_database_keeps_neither_case_number_nor_token_nor_code() -> None:
    report = make_case_update()
    invitation = register_case(report).invitation
    assert invitation is not None

    kept = repr([vars(row) for table in (Case, Invitation) for row in stored.read_rows(table)])

    code = invitation.short_code.replace("-", "")[4:]
    for secret in (report.case_number, invitation.token, code):
        assert secret not in kept
