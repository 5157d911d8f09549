"""E-mails about alarms: every mail program shows them as intended, whatever the name of a centre or service."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_service import mail
from feedback_service.alarms.email_text import (
    LONGEST_SUBJECT,
    AlarmLine,
    compose_email,
    describe_alarms,
    to_one_line,
)
from feedback_service.breaches import email_text as breach_email_text
from feedback_service.mail import OutgoingEmail
from tests.support.payloads import PAYLOADS

ADDRESS = "https://vidhuk.example/admin/alarms?centre=SN12000007"
LINE = AlarmLine(None, date(2026, 11, 3), 58, 6)
BREACHES = breach_email_text.describe_breaches([(date(2026, 11, 3), 6, 2)])


def build_email_bytes(centre: str, service: str | None = None) -> bytes:
    """Build an e-mail about two alarms, as bytes."""
    lines = [LINE, AlarmLine(service, date(2026, 11, 9), 20, 5)]
    subject, body = compose_email(centre, describe_alarms(lines), ADDRESS)
    at = datetime(2026, 11, 20, 10, tzinfo=UTC)
    return mail.build_message(OutgoingEmail("1", "head@rada.example", subject, body, at), "v@rada.example").as_bytes()


def test_an_email_says_in_two_languages_what_rose_since_when() -> None:
    subject, body = compose_email(
        "ЦНАП", describe_alarms([LINE, AlarmLine("Паспорт", date(2026, 11, 9), 20, 5)]), ADDRESS
    )

    assert subject == "Тривога: ЦНАП"
    for words in (
        "Центр загалом: з 03.11.2026 поганих відповідей 6 з 58.",
        "Послуга «Паспорт»: з 09.11.2026 поганих відповідей 5 з 20.",
        "The centre as a whole: since 03.11.2026, 6 of 58 answers are bad.",
        "The service “Паспорт”: since 09.11.2026, 5 of 20 answers are bad.",
    ):
        assert words in body
    assert body.count(ADDRESS) == 2
    assert body.index("Погані") < body.index("Bad answers")


@pytest.mark.parametrize("payload", [*PAYLOADS, "x\r\nBcc: all@evil.example", "x\nTo: y@z.example\n\nbody"])
def test_no_name_adds_a_header_or_ends_the_body(payload: str) -> None:
    head, _, body = build_email_bytes(payload, payload).partition(b"\r\n\r\n")

    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert sorted(names) == sorted(
        b"From To Subject Date Message-ID Auto-Submitted MIME-Version".split()
        + b"Content-Type Content-Transfer-Encoding Content-Language".split()
    )
    assert b"text/plain" in head
    assert b"\r\n.\r\n" not in body


@given(st.text(max_size=600))
def test_any_name_leaves_the_lines_of_the_email_as_intended(name: str) -> None:
    subject, body = compose_email(name, BREACHES, ADDRESS)

    assert "\n" not in subject and len(subject) <= LONGEST_SUBJECT
    assert all(each.isprintable() or each == "\n" for each in body)
    assert len(body.splitlines()) == len(compose_email("x", BREACHES, ADDRESS)[1].splitlines())
    assert build_email_bytes(name)


def test_to_one_line_removes_line_ends_and_invisible_characters() -> None:
    assert to_one_line(" a\r\nb\u2028c\u202ed\x00e\u200bf ") == "a b c d e f"
