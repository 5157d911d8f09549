"""Addresses of mail servers are read exactly, no password is shown, and every failure is one exception."""

import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedback_service import mail
from feedback_service.config import BadSettings, Settings
from feedback_service.mail import EmailNotSent, MailServer, OutgoingEmail
from feedback_service.setting_parsers import parse_smtp_url
from tests.support.environment import build_environment
from tests.support.mailbox import Mailbox

LETTER = OutgoingEmail("1", "head@rada.example", "Тривога", "Рядок\n.\nостанній", datetime(2026, 11, 20, tzinfo=UTC))
SENDER = "vidhuk@rada.example"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("smtps://mail.example", MailServer("smtps", "mail.example", 465, False)),
        ("smtp://mail.example", MailServer("smtp", "mail.example", 587, False)),
        ("smtp://127.0.0.1:2525", MailServer("smtp", "127.0.0.1", 2525, True)),
        (
            "smtps://u%40x:p%3Aw@mail.example:10465",
            MailServer("smtps", "mail.example", 10465, False, "u@x", "p:w"),
        ),
    ],
)
def test_an_address_names_server_port_and_who_comes(written: str, read: MailServer) -> None:
    assert parse_smtp_url(written) == read


@pytest.mark.parametrize(
    "written",
    ["mail.example", "http://mail.example", "smtps://", "smtps://secret@mail.example", "smtps://h:99999",
     "smtps://h/path", "smtps://h?x=secret", "smtps://:secret@h"],
)  # fmt: skip
def test_another_text_is_refused_without_being_quoted(written: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_smtp_url(written)

    assert "secret" not in str(refusal.value)


def test_a_password_is_in_no_representation(tmp_path: Path) -> None:
    told = {"FEEDBACK_SMTP_URL": "smtps://u:hunter2@mail.example", "FEEDBACK_MAIL_FROM": SENDER}
    settings = Settings.from_env(build_environment(tmp_path, "sqlite:///x.db") | told)

    assert settings.smtp_url is not None and settings.smtp_url.password == "hunter2"
    assert "hunter2" not in repr(settings) + str(settings.smtp_url)


def test_a_server_without_a_sender_and_a_sender_that_is_none_are_named(tmp_path: Path) -> None:
    told = build_environment(tmp_path, "sqlite:///x.db")

    with pytest.raises(BadSettings, match="FEEDBACK_MAIL_FROM is missing"):
        Settings.from_env(told | {"FEEDBACK_SMTP_URL": "smtps://mail.example"})
    for wrong in ("nobody", "a@b\r\nBcc: c@d", "a@b, c@d", "Ім'я <a@b.example>", "@b"):
        with pytest.raises(BadSettings, match="FEEDBACK_MAIL_FROM is not an e-mail address"):
            Settings.from_env(told | {"FEEDBACK_MAIL_FROM": wrong})


def test_a_letter_arrives_whole() -> None:
    with Mailbox() as box:
        mail.send_email(LETTER, parse_smtp_url(box.url), SENDER)

    [taken] = box.emails
    assert (taken.sender, taken.recipients) == (SENDER, ("head@rada.example",))
    assert taken.message["Subject"] == "Тривога"
    assert taken.text.splitlines() == "Рядок\n.\nостанній".splitlines()
    assert taken.message["Message-ID"] == "<1@rada.example>"


@pytest.mark.parametrize("to", ["a@[b.c", "a,b@c.d", "<a>@b.c", "a@b;c.d", "a(b)@c.d", '"a b"@c.d', "x" * 65 + "@c.d"])
def test_an_address_that_is_none_is_one_more_trouble(to: str) -> None:
    with Mailbox() as box, pytest.raises(EmailNotSent):
        mail.send_email(replace(LETTER, to=to), parse_smtp_url(box.url), SENDER)

    assert box.emails == []


def test_a_letter_to_a_domain_of_national_letters_goes_to_its_name_in_punycode() -> None:
    with Mailbox() as box:
        mail.send_email(replace(LETTER, to="olena@рада.укр"), parse_smtp_url(box.url), "vidhuk@rada.example")

    [taken] = box.emails
    assert taken.recipients == ("olena@xn--80aal0c.xn--j1amh",)
    assert taken.message["To"] == "olena@xn--80aal0c.xn--j1amh"


def test_an_address_with_national_letters_before_the_at_sign_cannot_be_sent() -> None:
    with Mailbox() as box, pytest.raises(EmailNotSent, match="UnsendableAddress"):
        mail.send_email(replace(LETTER, to="олена@рада.укр"), parse_smtp_url(box.url), SENDER)

    assert box.emails == []


def test_the_sender_may_have_a_domain_of_national_letters(tmp_path: Path) -> None:
    told = {"FEEDBACK_SMTP_URL": "smtps://mail.example", "FEEDBACK_MAIL_FROM": "vidhuk@рада.укр"}

    settings = Settings.from_env(build_environment(tmp_path, "sqlite:///x.db") | told)

    assert settings.mail_from == "vidhuk@xn--80aal0c.xn--j1amh"


def test_who_has_a_name_and_password_says_them() -> None:
    with Mailbox() as box:
        mail.send_email(LETTER, parse_smtp_url(box.url.replace("//", "//u:p@")), SENDER)

    assert any(word.startswith("AUTH PLAIN") for word in box.commands)


def test_outside_loopback_nothing_is_said_in_the_clear() -> None:
    with Mailbox() as box:
        there = parse_smtp_url(box.url.replace("//", "//u:p@"))
        away = MailServer("smtp", there.host, there.port, False, "u", "p")
        with pytest.raises(EmailNotSent):
            mail.send_email(LETTER, away, SENDER)

    assert not any(word.startswith(("AUTH", "MAIL")) for word in box.commands)
    assert box.emails == []


@pytest.mark.parametrize(
    "answers",
    [{"EHLO": b"500 no", "HELO": b"500 no"}, {"MAIL": b"451 later"}, {"RCPT": b"550 no"}, {"DATA": b"554 no"},
     {"AUTH": b"535 wrong"}, {"MAIL": b"nonsense"}],
)  # fmt: skip
def test_whatever_the_server_refuses_is_one_trouble_that_quotes_nobody(answers: dict[str, bytes]) -> None:
    with Mailbox(replies=answers) as box, pytest.raises(EmailNotSent) as trouble:
        mail.send_email(LETTER, parse_smtp_url(box.url.replace("//", "//u:p@")), SENDER)

    assert "head@" not in str(trouble.value)


def test_a_letter_that_was_taken_is_sent_whatever_the_farewell() -> None:
    with Mailbox(replies={"QUIT": b"421 too busy to say goodbye"}) as box:
        mail.send_email(LETTER, parse_smtp_url(box.url), SENDER)

    assert len(box.emails) == 1


def test_nobody_there_and_somebody_silent_are_the_same_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        with pytest.raises(EmailNotSent):
            mail.send_email(LETTER, MailServer("smtp", "127.0.0.1", port, True), SENDER)
    with pytest.raises(EmailNotSent):
        mail.send_email(LETTER, MailServer("smtp", "127.0.0.1", port, True), SENDER)


@pytest.mark.parametrize("to", ['"><script>x</script>@x.example', "a@b\r\nRCPT TO:<c@d>", "a@b,c@d", "", "x"])
def test_an_address_that_could_be_read_otherwise_gets_no_letter(to: str) -> None:
    with Mailbox() as box, pytest.raises(EmailNotSent):
        mail.send_email(OutgoingEmail("1", to, "x", "x", LETTER.at), parse_smtp_url(box.url), SENDER)

    assert box.emails == []
