"""What time does: answers left become final, days are closed, old things are deleted."""

import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from feedback_service import clock
from feedback_service.config import Settings
from feedback_service.counts import closing
from feedback_service.database import transaction
from feedback_service.flow import health, maintenance, purge_permission, receipts, uninvited_answers
from feedback_service.flow.health import Backlog
from feedback_service.flow.maintenance import PurgeCounts
from feedback_service.flow.uninvited_answers import AssistedAnswer
from feedback_service.models import (
    Case,
    CaseStatus,
    Centre,
    Comment,
    CountedDay,
    CountRollup,
    DraftAnswer,
    Event,
    Invitation,
    JournalEntry,
    Response,
    UserSession,
)
from feedback_service.surveys.answers import JsonSubmission
from feedback_service.worker import run_duties_once
from tests.conftest import TimeIs
from tests.support import stored
from tests.support.staff import create_session, create_user
from tests.support.story import (
    begin_answer,
    create_centre,
    create_invitation,
    make_case_update,
    minutes_later,
    register_case,
    send_answer,
    use_service_now,
)

pytestmark = pytest.mark.usefixtures("context")

COMMENT = {"off.nps": 9, "any.comment": "Дякую, усе швидко"}


@pytest.fixture(autouse=True)
def centre(context: None) -> None:
    create_centre()


@pytest.fixture
def day_one(time_is: TimeIs) -> date:
    """The day on which it all begins."""
    return clock.kyiv_day(time_is("2026-03-02T10:00+02:00"))


def noon(day: date) -> str:
    """Noon of that day, for ``time_is``."""
    return f"{day.isoformat()}T12:00+02:00"


@transaction
def spoil_counts(tx: Session) -> None:
    """Stored figures are no longer what the answers add up to."""
    tx.execute(update(CountRollup).values(counts=func.replace(CountRollup.counts, ":1", ":2")))


def closed_days() -> set[date]:
    """Days whose figures are stored."""
    return {row.day for row in stored.read_rows(CountedDay) if row.closed}


def test_all_abandoned_drafts_become_final(time_is: TimeIs, day_one: date) -> None:
    for _ in range(maintenance.DRAFTS_AT_ONCE + 1):
        begin_answer(create_invitation().token, {"off.nps": 9})
    time_is(minutes_later(31))

    assert maintenance.complete_abandoned_drafts() == maintenance.DRAFTS_AT_ONCE + 1
    assert stored.read_rows(DraftAnswer) == []
    assert len(stored.read_rows(Response)) == maintenance.DRAFTS_AT_ONCE + 1


def test_a_day_is_closed_only_when_no_response_of_it_can_still_be_recorded(time_is: TimeIs, day_one: date) -> None:
    send_answer(create_invitation().token, {"off.nps": 9})

    time_is("2026-03-03T00:05+02:00")
    assert maintenance.close_days() == 0
    time_is("2026-03-03T00:15+02:00")
    assert maintenance.close_days() == 1

    assert closed_days() == {day_one}
    assert maintenance.close_days() == 0
    assert maintenance.find_count_mismatches() == []


def test_recounting_makes_stored_figures_what_the_answers_add_up_to(time_is: TimeIs, day_one: date) -> None:
    send_answer(create_invitation().token, {"off.nps": 9})
    time_is(noon(day_one + timedelta(days=1)))
    maintenance.close_days()
    spoil_counts()
    assert maintenance.find_count_mismatches() != []

    assert maintenance.recount_days() == 1
    assert maintenance.find_count_mismatches() == []


def test_comments_go_when_they_are_old_enough_and_coded_answers_never(
    time_is: TimeIs, day_one: date, settings: Settings
) -> None:
    send_answer(create_invitation().token, COMMENT)
    kept = timedelta(days=settings.retention_days)

    time_is(noon(day_one + kept))
    use_service_now()
    assert maintenance.purge_expired_data() == PurgeCounts(comments=0, cases=0)
    time_is(noon(day_one + kept + timedelta(days=1)))
    use_service_now()
    assert maintenance.purge_expired_data() == PurgeCounts(comments=1, cases=1)

    assert stored.read_comments() == []
    assert stored.read_answers() == {("off.nps", "9")}


def test_a_comment_s_age_counts_from_the_day_it_was_left(time_is: TimeIs, day_one: date, settings: Settings) -> None:
    time_is(noon(day_one + timedelta(days=100)))
    told = AssistedAnswer(
        centre="SN12000007",
        client_id=uuid.uuid4(),
        service=make_case_update().service,
        front_office="offline",
        source="paper_box",
        answered_on=day_one,
        language="uk",
        submission=JsonSubmission(COMMENT),
    )
    uninvited_answers.record_assisted_answer(told, centres=frozenset({"SN12000007"}))

    time_is(noon(day_one + timedelta(days=settings.retention_days + 1)))
    use_service_now()

    assert maintenance.purge_expired_data().comments == 1


def test_spent_invitations_go_with_their_cases_and_history(time_is: TimeIs, day_one: date, settings: Settings) -> None:
    report = make_case_update("registered")
    register_case(report)
    invitation = register_case(make_case_update(case_number=report.case_number)).invitation
    assert invitation is not None
    send_answer(invitation.token, {"off.nps": 9})

    time_is(noon(day_one + timedelta(days=settings.retention_days + 1)))
    use_service_now()

    assert maintenance.purge_expired_data().cases == 1
    assert [stored.read_rows(table) for table in (Case, CaseStatus, Invitation)] == [[], [], []]
    assert len(stored.read_rows(Response)) == 1


def test_an_invitation_that_nobody_answered_goes_when_its_last_day_is_as_old(
    time_is: TimeIs, day_one: date, settings: Settings
) -> None:
    create_invitation()
    last_day = day_one + timedelta(days=settings.invitation_days)
    kept = timedelta(days=settings.retention_days)

    time_is(noon(last_day + kept))
    use_service_now()
    assert maintenance.purge_expired_data().cases == 0
    time_is(noon(last_day + kept + timedelta(days=1)))
    use_service_now()
    assert maintenance.purge_expired_data().cases == 1


def test_a_case_that_may_yet_be_completed_stays(time_is: TimeIs, day_one: date, settings: Settings) -> None:
    register_case(make_case_update("in_progress"))

    time_is(noon(day_one + timedelta(days=2 * settings.retention_days)))
    use_service_now()

    assert maintenance.purge_expired_data().cases == 0
    assert len(stored.read_rows(Case)) == 1


def test_a_draft_is_completed_before_its_invitation_is_purged(
    time_is: TimeIs, day_one: date, settings: Settings
) -> None:
    begin_answer(create_invitation().token, {"off.nps": 9})
    time_is(noon(day_one + timedelta(days=2 * settings.retention_days)))
    use_service_now()

    assert maintenance.purge_expired_data().cases == 0
    maintenance.complete_abandoned_drafts()
    assert maintenance.purge_expired_data().cases == 1

    assert stored.read_answers() == {("off.nps", "9")}


def test_purging_repeats_batches_until_everything_is_deleted(
    time_is: TimeIs, day_one: date, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "ROWS_AT_ONCE", 2)
    for _ in range(5):
        send_answer(create_invitation().token, COMMENT)
    time_is(noon(day_one + timedelta(days=settings.retention_days + 1)))
    use_service_now()

    assert maintenance.purge_expired_data() == PurgeCounts(comments=5, cases=5)


def test_no_duty_goes_on_when_told_to_stop(time_is: TimeIs, day_one: date) -> None:
    begin_answer(create_invitation().token, {"off.nps": 9})
    time_is(minutes_later(31))

    assert maintenance.complete_abandoned_drafts(stop=lambda: True) == 0


def test_a_centre_that_fails_leaves_the_others_their_turn(
    time_is: TimeIs, day_one: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_centre("SN12000008")
    for code in ("SN12000007", "SN12000008"):
        send_answer(create_invitation(centre=code).token, {"off.nps": 9})
    time_is(noon(day_one + timedelta(days=1)))
    first, second = sorted(centre.id for centre in stored.read_rows(Centre))
    close_days = closing.close_days

    def fails_in_the_first(tx: Session, /, centre_id: uuid.UUID, **how: Any) -> int:
        if centre_id == first:
            raise RuntimeError("what is stored cannot be read")
        return close_days(tx, centre_id, **how)

    monkeypatch.setattr(maintenance, "_close_days", transaction(fails_in_the_first))
    with pytest.raises(RuntimeError, match="cannot be read"):
        maintenance.close_days()

    assert {row.centre_id for row in stored.read_rows(CountedDay)} == {second}


@transaction
def acknowledged(tx: Session, event_id: uuid.UUID) -> None:
    """The central system took the event just now."""
    values = {
        "state": "delivered",
        "due_at": None,
        "delivered_at": clock.truncate_to_hour(clock.now()),
        "content": None,
    }
    travelled = {"body": b"sealed", "digest": b"d" * 32, "sequence": 1}
    tx.execute(update(Event).where(Event.id == event_id).values(values | travelled))


def test_events_delivered_30_days_ago_are_blanked_and_no_others(time_is: TimeIs, day_one: date) -> None:
    create_invitation()
    send_answer(create_invitation().token, {"off.nps": 9})
    *_, answer = stored.read_events()
    acknowledged(answer.row.id)
    hour = clock.truncate_to_hour(clock.now())

    time_is(hour + timedelta(days=30, minutes=59, seconds=59))
    assert maintenance.blank_delivered_events() == 0
    time_is(hour + timedelta(days=30, hours=1))
    assert maintenance.blank_delivered_events() == 1
    assert maintenance.blank_delivered_events() == 0

    blank, *waiting = stored.read_events()
    assert (blank.row.body, blank.row.content, blank.row.response_hash) == (None, None, None)
    assert (blank.row.digest, blank.row.sequence, blank.row.state) == (b"d" * 32, 1, "delivered")
    assert all(event.data and event.subject for event in waiting)


def test_the_log_warns_of_events_that_nobody_took_for_30_days(time_is: TimeIs, day_one: date) -> None:
    create_invitation()
    with capture_logs() as early:
        time_is(clock.now() + timedelta(days=30))
        maintenance.warn_of_overdue_events()
    with capture_logs() as late:
        time_is(clock.now() + timedelta(seconds=1))
        maintenance.warn_of_overdue_events()

    assert early == []
    [line] = late
    assert (line["log_level"], line["n"]) == ("warning", 1)
    assert "content is still stored" in line["event"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("goes", ["withdrawn", "purged"])
def test_nothing_that_is_deleted_stays_in_the_files_of_the_database(
    database_url: str, time_is: TimeIs, day_one: date, goes: str
) -> None:
    path = Path(database_url.removeprefix("sqlite:///"))
    files = (path, Path(f"{path}-wal"))

    def holds_comment() -> list[bool]:
        return ["усе швидко".encode() in file.read_bytes() for file in files]

    recorded = send_answer(create_invitation().token, COMMENT)
    if goes == "withdrawn":
        receipts.withdraw_answer(recorded.receipt)
    else:
        time_is(clock.now() + timedelta(days=2000))
        use_service_now()
        assert maintenance.purge_expired_data().comments == 1
    assert holds_comment() == [False, True], "the log still has what the database no longer has"

    maintenance.empty_write_log()

    assert holds_comment() == [False, False]
    send_answer(create_invitation(status_at=clock.now()).token, {"off.nps": 9})


# A clock that may be wrong


def age_of_everything(settings: Settings) -> timedelta:
    """So long that everything is old enough to be deleted."""
    return timedelta(days=2 * settings.retention_days)


def measure_backlog() -> Backlog:
    """The backlog of a database that can be reached."""
    backlog = health.measure_backlog()
    assert backlog is not None
    return backlog


def test_nothing_is_deleted_by_a_worker_whose_clock_is_years_ahead(
    time_is: TimeIs, day_one: date, settings: Settings
) -> None:
    send_answer(create_invitation().token, COMMENT)
    [event, *_] = stored.read_rows(Event)
    acknowledged(event.id)
    create_session(create_user())
    before = [len(stored.read_rows(table)) for table in (Case, CaseStatus, Invitation, Comment, UserSession)]

    time_is(noon(day_one + age_of_everything(settings)))
    with capture_logs() as lines:
        for _ in range(2):
            run_duties_once()

    assert [len(stored.read_rows(table)) for table in (Case, CaseStatus, Invitation, Comment, UserSession)] == before
    assert all(event.content or event.body for event in stored.read_rows(Event))
    assert "critical" in {line["log_level"] for line in lines}
    refusals = [entry for entry in stored.read_rows(JournalEntry) if entry.action == purge_permission.REFUSED]
    assert len(refusals) == 1, "once for each time that the clock is wrong"
    assert measure_backlog().purge_refused


def test_what_is_old_goes_again_when_the_clock_is_right(time_is: TimeIs, day_one: date, settings: Settings) -> None:
    send_answer(create_invitation().token, COMMENT)
    time_is(noon(day_one + age_of_everything(settings)))
    assert maintenance.purge_expired_data() == PurgeCounts(comments=0, cases=0)

    use_service_now()

    assert maintenance.purge_expired_data() == PurgeCounts(comments=1, cases=1)
    assert not measure_backlog().purge_refused
    actions = [entry.action for entry in stored.read_rows(JournalEntry)]
    assert actions.count(purge_permission.REFUSED) == actions.count(purge_permission.RESUMED) == 1


def test_a_clock_sixty_days_ahead_of_the_last_use_is_believed(time_is: TimeIs, day_one: date) -> None:
    use_service_now()
    time_is(clock.now() + purge_permission.MAX_LEAD)
    assert purge_permission.may_purge()
    time_is(clock.now() + timedelta(seconds=1))
    assert not purge_permission.may_purge()


def test_an_empty_database_has_nothing_to_compare_the_clock_with(time_is: TimeIs) -> None:
    time_is("2040-01-01T12:00+02:00")

    assert purge_permission.may_purge()
