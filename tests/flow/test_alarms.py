"""Alarms come at once, once, to whom they concern, and say nothing about anybody."""

import os
import re
import uuid
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from feedback_service import alarm_rows, clock, mail, worker
from feedback_service.access import sessions
from feedback_service.access.sessions import CurrentUser
from feedback_service.alarms import email_outbox
from feedback_service.config import Settings
from feedback_service.database import reading, transaction
from feedback_service.errors import ChangedMeanwhile, Invalid, NotFound
from feedback_service.figures import bad_series
from feedback_service.flow import alarm_duties, alarms, answers, duties, uninvited_answers, users
from feedback_service.models import Alarm, AlarmCheck, Centre, EmailDigest, JournalEntry, QueuedEmail
from feedback_service.surveys.answers import JsonSubmission
from feedback_service.vocabulary import BAD_ANSWERS, BREACH
from tests.conftest import TimeIs
from tests.support import respondents, story
from tests.support.environment import build_environment
from tests.support.mailbox import Mailbox
from tests.support.respondents import SERVICES, Person
from tests.support.staff import create_session, create_user, use_fast_hashing
from tests.support.stored import read_rows
from tests.support.story import CENTRE, create_centre, create_invitation, send_answer

pytestmark = pytest.mark.usefixtures("centre")

TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
SENDER = "vidhuk@rada.example"

Work = Callable[..., None]

list_open_alarms = reading(alarms.read_open_alarms)  # as the dashboard shows them


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A mail server."""
    with Mailbox() as box:
        yield box


@pytest.fixture
def settings(tmp_path: Path, database_url: str, box: Mailbox) -> Settings:
    """Letters go to the box."""
    mail = {"FEEDBACK_SMTP_URL": box.url, "FEEDBACK_MAIL_FROM": SENDER}
    return Settings.from_env(build_environment(tmp_path, database_url) | mail)


@pytest.fixture
def centre(app: Flask, context: None, time_is: TimeIs, monkeypatch: pytest.MonkeyPatch) -> str:
    """A centre on a noon in November."""
    use_fast_hashing(monkeypatch)
    time_is(NOON)
    return create_centre()


@pytest.fixture
def work(time_is: TimeIs) -> Work:
    """``work(minutes=6)``: so much later the worker does what is due."""

    def do(**later: float) -> None:
        time_is(clock.now() + timedelta(**later))
        for duty in (alarm_duties.raise_alarms, alarm_duties.review_alarms, alarm_duties.send_alarm_emails):
            duty(duties.never_stop)

    return do


@reading
def visitor(tx: Session, /, email: str) -> CurrentUser:
    """Somebody with an open session."""
    found = sessions.find_current_user(tx, create_session(email), clock.now())
    assert found is not None
    return found


def person(role: str = "head", *scopes: str) -> CurrentUser:
    """Somebody new, signed in."""
    return visitor(create_user(role, *scopes))


def refuse_email(*_of_an_email: object) -> None:
    """Stand for a mail server that takes nothing."""
    raise mail.EmailNotSent("450")


def usual(days: int = 30, bad: int = 0, service: tuple[str, str] = SERVICES[0]) -> None:
    """For so many days before today ten people a day answered, of whom ``bad`` badly on each."""
    respondents.store_answers(
        Person(
            TODAY - timedelta(days=day),
            {"off.quality": "awful" if number < bad else "great"},
            service=service,
        )
        for day in range(1, days + 1)
        for number in range(10)
    )


def bad_answer() -> None:
    """Somebody is not satisfied with the whole."""
    send_answer(create_invitation().token, {"off.quality": "awful"})


def breach() -> None:
    """Somebody was asked for money."""
    send_answer(create_invitation().token, {"any.breach": ["bribe"], "any.comment": "Вимагали гроші"})


# ---- bad answers -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_rise_of_bad_answers_raises_one_alarm_with_its_evidence(work: Work) -> None:
    head = person()
    usual(60)
    for _ in range(6):
        bad_answer()

    work()
    work(minutes=10)

    [whole] = [alarm for alarm in list_open_alarms(head) if alarm.service is None]
    assert (whole.kind, whole.n, whole.bad, whole.noticed, whole.needs_attention) == (
        "bad_answers",
        6,
        6,
        TODAY,
        True,
    )
    assert read_rows(AlarmCheck) == []


def test_one_bad_answer_among_many_is_no_alarm(work: Work) -> None:
    head = person()
    usual(60)
    bad_answer()

    work()

    assert list_open_alarms(head) == []


def test_fewer_bad_answers_than_may_be_shown_raise_no_alarm(work: Work) -> None:
    head = person()
    for _ in range(4):
        bad_answer()
    work()
    assert list_open_alarms(head) == []

    bad_answer()
    work()

    assert {(a.n, a.bad) for a in list_open_alarms(head)} == {(5, 5)}


@pytest.mark.slow
def test_the_service_that_got_worse_is_named(work: Work) -> None:
    head = person()
    usual(60, service=SERVICES[3])
    usual(10)
    for _ in range(6):
        bad_answer()

    work()

    assert {alarm.service_key for alarm in list_open_alarms(head)} == {None, "00034"}


def test_sources_outside_the_official_figures_raise_no_alarm_of_bad_answers(work: Work) -> None:
    head = person()
    for _ in range(9):
        answer = JsonSubmission({"off.quality": "awful"})
        uninvited_answers.record_hall_answer(CENTRE, client_id=uuid.uuid4(), submission=answer, language="uk")

    work()

    assert list_open_alarms(head) == []


def test_an_alarm_ends_when_bad_answers_are_as_frequent_as_usual(work: Work) -> None:
    head = person()
    usual(60)
    for _ in range(6):
        bad_answer()
    work()
    assert len([a for a in list_open_alarms(head) if a.service is None]) == 1

    respondents.store_answers(Person(TODAY + timedelta(1), {"off.quality": "great"}) for _ in range(200))
    work(days=1)

    assert list_open_alarms(head) == []
    assert [a.over_on for a in alarms.list_all_alarms(head) if a.service is None] == [TODAY + timedelta(1)]
    work(days=1)
    assert len([a for a in alarms.list_all_alarms(head) if a.service is None]) == 1


# ---- breaches --------------------------------------------------------------------------------------------------


def test_a_serious_answer_is_a_breach_at_once_without_words_and_case(work: Work) -> None:
    head = person()
    breach()
    send_answer(create_invitation().token, {"any.breach": ["none"], "off.nps": 1})

    work()

    [alarm] = list_open_alarms(head)
    assert (alarm.kind, alarm.bad, alarm.service) == ("breach", 1, None)


def test_every_way_of_answering_raises_a_breach(work: Work) -> None:
    head = person()
    answer = JsonSubmission({"any.breach": ["insult"]})
    uninvited_answers.record_hall_answer(CENTRE, client_id=uuid.uuid4(), submission=answer, language="uk")
    story.begin_answer(create_invitation().token, {"any.breach": ["bribe"]})

    work()
    assert [(a.bad, a.without_case) for a in list_open_alarms(head)] == [(0, 1)]
    work(minutes=40)
    answers.submit_abandoned_drafts()
    work()

    assert [(a.bad, a.without_case) for a in list_open_alarms(head)] == [(1, 1)]


def test_many_answers_without_a_case_bring_no_second_letter(work: Work, box: Mailbox) -> None:
    person()
    breach()
    work()
    work(minutes=6)
    assert len(box.emails) == 1

    for _ in range(20):
        answer = JsonSubmission({"any.breach": ["insult"]})
        uninvited_answers.record_hall_answer(CENTRE, client_id=uuid.uuid4(), submission=answer, language="uk")
    work(minutes=180)
    work(minutes=6)
    assert len(box.emails) == 1

    breach()
    work()
    work(minutes=6)
    assert len(box.emails) == 2


def test_only_roles_that_may_read_breaches_get_emails_about_them(work: Work, box: Mailbox) -> None:
    head, administrator = person(), person("administrator")
    breach()

    work()
    work(minutes=6)

    assert len(list_open_alarms(head)) == 1
    assert list_open_alarms(administrator) == []
    assert [letter.recipients for letter in box.emails] == [(head.email,)]


@pytest.mark.parametrize("role", ["council", "provider", "oblast", "central_body", "ministry", "operator"])
def test_nobody_else_reads_alarms(work: Work, box: Mailbox, role: str) -> None:
    other = person(role)
    for _ in range(5):
        breach()
        bad_answer()

    work()
    work(minutes=6)

    assert list_open_alarms(other) == []
    assert box.emails == []


def test_staff_of_another_centre_get_no_alarms(work: Work, box: Mailbox) -> None:
    create_centre("SN99000008")
    stranger = person("head", "SN99000008")
    breach()

    work()
    work(minutes=6)

    assert list_open_alarms(stranger) == []
    assert box.emails == []
    with pytest.raises(NotFound):
        list_open_alarms(stranger, CENTRE)
    [alarm] = read_rows(Alarm)
    with pytest.raises(NotFound):
        alarms.acknowledge_alarm(stranger, CENTRE, alarm.id, "")
    with pytest.raises(NotFound):
        alarms.acknowledge_alarm(stranger, "SN99000008", alarm.id, "")


def test_stored_alarms_do_not_show_when_somebody_answered(work: Work) -> None:
    person()
    breach()
    [concern] = read_rows(AlarmCheck)
    assert {column.key for column in AlarmCheck.__table__.columns} == {
        "centre_id",
        "id",
        "kind",
        "service_id",
        "without_case",
    }
    assert concern.id.version == 4
    work()
    assert {type(getattr(read_rows(Alarm)[0], name)) for name in ("since", "noticed")} == {date}
    work(minutes=6)
    work(hours=3)

    assert read_rows(QueuedEmail) == read_rows(AlarmCheck) == read_rows(EmailDigest) == []


# ---- centres that fail -----------------------------------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> uuid.UUID:
    """A second centre; of the two, the one that the worker begins with: its answers and staff cannot be read."""
    create_centre("SN99000008")
    centre: Centre = min(read_rows(Centre), key=lambda each: each.id)
    find_bad_series, list_recipients = bad_series.find_bad_series, email_outbox.list_recipients

    def find_other_series(tx: Session, centre_id: uuid.UUID, *args: Any) -> Any:
        if centre_id == centre.id:
            raise RuntimeError("what is stored cannot be read")
        return find_bad_series(tx, centre_id, *args)

    def list_other_recipients(tx: Session, code: str, roles: Collection[str]) -> Any:
        if code == centre.code:
            raise RuntimeError("what is stored cannot be read")
        return list_recipients(tx, code, roles)

    monkeypatch.setattr(bad_series, "find_bad_series", find_other_series)
    monkeypatch.setattr(email_outbox, "list_recipients", list_other_recipients)
    return centre.id


def test_a_centre_whose_answers_cannot_be_read_leaves_the_others_their_alarms(
    failing: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_duties, "CHECKS_AT_ONCE", 1)  # so that those of one centre fill a batch
    for code in (CENTRE, "SN99000008"):
        for _ in range(2):
            send_answer(create_invitation(centre=code).token, {"any.breach": ["bribe"]})

    with pytest.raises(RuntimeError, match="cannot be read"):
        alarm_duties.raise_alarms(duties.never_stop)

    [alarm] = read_rows(Alarm)
    assert (alarm.bad, alarm.centre_id != failing) == (2, True)
    assert [check.centre_id for check in read_rows(AlarmCheck)] == [failing] * 2


def test_a_centre_whose_answers_cannot_be_read_keeps_no_alarm_of_others_open(failing: uuid.UUID) -> None:
    evidence = alarm_rows.Evidence(TODAY, TODAY, 6, 6)
    for centre in read_rows(Centre):
        transaction(alarm_rows.add_alarm)(centre.id, BAD_ANSWERS, alarm_rows.WHOLE_CENTRE, evidence)

    with pytest.raises(RuntimeError, match="cannot be read"):
        alarm_duties.review_alarms(duties.never_stop)

    ends = {alarm.centre_id == failing: alarm.over_on for alarm in read_rows(Alarm)}
    assert ends == {True: None, False: TODAY}


def test_a_centre_whose_email_cannot_be_written_delays_no_email_of_others(
    failing: uuid.UUID, box: Mailbox, time_is: TimeIs
) -> None:
    heads = {centre.id: person("head", centre.code) for centre in read_rows(Centre)}
    for centre in read_rows(Centre):
        transaction(email_outbox.add_to_digest)(centre.id, BREACH, NOON)
        evidence = alarm_rows.Evidence(TODAY, TODAY, 1, 1)
        transaction(alarm_rows.add_alarm)(centre.id, BREACH, alarm_rows.WHOLE_CENTRE, evidence)
    time_is(NOON + timedelta(minutes=6))

    with pytest.raises(RuntimeError, match="cannot be read"):
        alarm_duties.send_alarm_emails(duties.never_stop)

    del heads[failing]
    assert [letter.recipients for letter in box.emails] == [(head.email,) for head in heads.values()]


# ---- acknowledging ---------------------------------------------------------------------------------------------


def test_an_alarm_is_acknowledged_once(work: Work) -> None:
    head, deputy = person(), person()
    breach()
    work()
    [alarm] = list_open_alarms(head)

    alarms.acknowledge_alarm(head, CENTRE, alarm.id, "Розмовляю з працівниками")

    with pytest.raises(ChangedMeanwhile):
        alarms.acknowledge_alarm(deputy, CENTRE, alarm.id, "і я")
    [done] = alarms.list_all_alarms(head)
    assert (done.acknowledged_by, done.note) == (head.email, "Розмовляю з працівниками")
    assert list_open_alarms(head) == []


def test_the_audit_log_does_not_show_that_an_alarm_was_a_breach(work: Work) -> None:
    head = person()
    breach()
    work()

    alarms.acknowledge_alarm(head, CENTRE, list_open_alarms(head)[0].id, "Розмовляю з працівниками")

    [entry] = [each for each in read_rows(JournalEntry) if each.action == "alarm_acknowledged"]
    assert "breach" not in entry.object and str(TODAY) not in entry.object


def test_a_breach_after_an_acknowledged_one_is_a_new_alarm(work: Work) -> None:
    head = person()
    breach()
    work()
    alarms.acknowledge_alarm(head, CENTRE, list_open_alarms(head)[0].id, "")

    breach()
    work()

    assert [a.bad for a in list_open_alarms(head)] == [1]
    assert len(alarms.list_all_alarms(head)) == 2


@pytest.mark.parametrize("note", ["x" * 501, "a\u202eb", "a\x00b"])
def test_an_unusable_note_on_an_alarm_is_refused(work: Work, note: str) -> None:
    head = person()
    breach()
    work()

    with pytest.raises(Invalid):
        alarms.acknowledge_alarm(head, CENTRE, list_open_alarms(head)[0].id, note)


# ---- letters ---------------------------------------------------------------------------------------------------


def test_alarms_within_five_minutes_are_one_email_and_the_next_one_waits(work: Work, box: Mailbox) -> None:
    person()
    breach()
    work()
    work(minutes=4)
    breach()
    work()
    assert box.emails == []

    work(minutes=1.1)
    assert len(box.emails) == 1
    assert "2" in box.emails[0].text

    breach()
    work(minutes=30)
    assert len(box.emails) == 1
    work(minutes=95)
    assert len(box.emails) == 2
    work(hours=5)
    assert len(box.emails) == 2


def test_an_alarm_email_says_what_and_where_in_two_languages_and_nothing_about_people(work: Work, box: Mailbox) -> None:
    head = person()
    breach()
    work()
    work(minutes=6)

    [letter] = box.emails
    assert letter.sender == SENDER
    assert letter.recipients == (head.email,)
    assert letter.message["Subject"] == "Тривога: ЦНАП міста Підзвітне"
    assert letter.message["Auto-Submitted"] == "auto-generated"
    assert letter.message.get_content_type() == "text/plain"
    assert f"http://127.0.0.1:8000/admin/alarms?centre={CENTRE}" in letter.text
    assert "серйозне" in letter.text and "serious" in letter.text
    assert "гроші" not in letter.text
    assert "12-2026" not in letter.text
    assert "bribe" not in letter.text


def test_users_who_want_no_alarm_emails_and_disabled_users_get_none(work: Work, box: Mailbox) -> None:
    declines, stays, leaves = person(), person(), person()
    assert alarms.wants_alarm_emails(declines)
    alarms.set_alarm_emails(declines, False)
    alarms.set_alarm_emails(stays, False)
    alarms.set_alarm_emails(stays, True)
    users.disable_user(None, leaves.user_id)
    breach()

    work()
    work(minutes=6)

    assert [letter.recipients for letter in box.emails] == [(stays.email,)]
    assert not alarms.wants_alarm_emails(declines)


def test_an_email_to_a_disabled_user_does_not_hold_up_those_behind_it(
    work: Work, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [person() for _ in range(3)]
    breach()
    work()
    with monkeypatch.context() as patch:
        patch.setattr(mail, "send_email", refuse_email)
        work(minutes=6)
    first = min(read_rows(QueuedEmail), key=lambda email: email.due_at)
    for each in people:
        if each.user_id == first.user_id:
            users.disable_user(None, each.user_id)

    work(hours=1)

    assert len(box.emails) == 2
    assert read_rows(QueuedEmail) == []


def test_no_email_reports_an_acknowledged_alarm(work: Work, box: Mailbox) -> None:
    head = person()
    breach()
    work()
    alarms.acknowledge_alarm(head, CENTRE, list_open_alarms(head)[0].id, "")

    work(minutes=6)

    assert box.emails == []


def test_an_email_that_the_server_refuses_is_sent_again_later_unchanged(work: Work, box: Mailbox) -> None:
    person()
    box.replies["DATA"] = b"451 later"
    breach()
    work()
    work(minutes=6)
    assert box.emails == []
    [waiting] = read_rows(QueuedEmail)

    box.replies.clear()
    work(seconds=10)
    assert box.emails == []
    work(minutes=1)

    [letter] = box.emails
    assert str(waiting.id) in letter.message["Message-ID"]
    work(hours=1)
    assert len(box.emails) == 1


def test_metrics_show_how_many_emails_wait_and_how_long(
    work: Work, box: Mailbox, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(os.environ, "PROMETHEUS_MULTIPROC_DIR", raising=False)

    def told() -> dict[str, str]:
        return dict(re.findall(r"^vidhuk_(letter\w+) (\S+)$", client.get("/metrics").text, re.MULTILINE))

    assert told() == {"letters_pending": "0.0", "letter_oldest_pending_seconds": "0.0"}
    person(), person()
    box.replies["DATA"] = b"451 later"
    breach()
    work()
    work(minutes=6)
    work(minutes=10)
    assert told() == {"letters_pending": "2.0", "letter_oldest_pending_seconds": "600.0"}

    box.replies.clear()
    work(hours=1)
    work(hours=1)
    assert told() == {"letters_pending": "0.0", "letter_oldest_pending_seconds": "0.0"}


def test_one_refused_address_delays_no_other_email(work: Work, box: Mailbox) -> None:
    people = sorted((person() for _ in range(3)), key=lambda each: each.user_id)
    box.refused_addresses.add(people[0].email)
    breach()
    work()
    for _ in range(4):
        work(minutes=6)

    assert {letter.recipients for letter in box.emails} == {(each.email,) for each in people[1:]}
    work(days=3)
    assert read_rows(QueuedEmail) == []


def test_an_email_repeated_after_a_broken_connection_has_the_same_id(work: Work, box: Mailbox) -> None:
    person()
    box.hangs_up_after_data = True
    breach()
    work()
    work(minutes=6)
    box.hangs_up_after_data = False
    work(minutes=2)

    assert len(box.emails) == 2
    assert len({letter.message["Message-ID"] for letter in box.emails}) == 1


def test_two_workers_do_not_send_the_same_email(work: Work, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    person()
    breach()
    work()
    by_the_other = []
    send = mail.send_email

    def meanwhile(*letter: Any) -> None:
        by_the_other.append(alarm_duties._claim_email(clock.now()))
        send(*letter)

    monkeypatch.setattr(mail, "send_email", meanwhile)
    work(minutes=6)

    assert len(box.emails) == 1
    assert by_the_other == [None]


def test_without_a_mail_server_alarms_stay_on_their_page(
    tmp_path: Path, app: Flask, work: Work, box: Mailbox, database_url: str
) -> None:
    app.config["SETTINGS"] = Settings.from_env(build_environment(tmp_path, database_url))
    head = person()
    breach()

    work()
    work(minutes=6)

    assert len(list_open_alarms(head)) == 1
    assert read_rows(QueuedEmail) == []
    app.config["SETTINGS"] = Settings.from_env(
        build_environment(tmp_path, database_url) | {"FEEDBACK_SMTP_URL": box.url, "FEEDBACK_MAIL_FROM": SENDER}
    )
    work(minutes=6)
    assert box.emails == []


def test_emails_do_not_wait_for_a_mail_server_that_was_removed(
    tmp_path: Path, app: Flask, work: Work, box: Mailbox, database_url: str
) -> None:
    person()
    box.replies["DATA"] = b"451 later"
    breach()
    work()
    work(minutes=6)
    assert len(read_rows(QueuedEmail)) == 1

    app.config["SETTINGS"] = Settings.from_env(build_environment(tmp_path, database_url))
    work(days=1)
    assert len(read_rows(QueuedEmail)) == 1
    work(days=2)

    assert read_rows(QueuedEmail) == []


def test_the_worker_does_all_alarm_duties() -> None:
    done = {duty.function for duty in worker.DUTIES}
    assert {alarm_duties.raise_alarms, alarm_duties.send_alarm_emails, alarm_duties.review_alarms} <= done
