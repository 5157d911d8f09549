"""Commands for users, API keys and the audit log."""

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_service.database import transaction
from feedback_service.errors import NotFound
from feedback_service.flow import api_keys, sign_in
from feedback_service.models import Centre, JournalEntry
from tests.cli.conftest import ADD_CENTRE, Operator
from tests.support import stored
from tests.support.story import CENTRE, create_centre


@pytest.mark.slow
def test_a_user_is_added_with_a_password_from_standard_input(operator: Operator, context: None) -> None:
    create_centre()
    add = ("user", "add", "Olena@rada.example", "--role", "head", "--scope", CENTRE, "--password-stdin")

    assert "12 characters" in operator.run_failing(*add, stdin_text="коротке\n")
    operator.run_successfully(*add, stdin_text="три сосни біля ставка\n")

    assert sign_in.sign_in("olena@rada.example", "три сосни біля ставка")
    assert "e-mail" in operator.run_failing(*add, stdin_text="три сосни біля ставка\n")
    assert operator.run_successfully("user", "list").split("\t")[:3] == ["olena@rada.example", "head", CENTRE]


def test_a_user_without_a_password_chooses_one_by_the_link_on_the_last_line(operator: Operator, context: None) -> None:
    create_centre()
    output = operator.run_successfully(
        "user", "add", "taras@rada.example", "--role", "administrator", "--scope", CENTRE
    )
    link = output.splitlines()[-1]
    assert link.startswith("http://127.0.0.1:8000/admin/set-password/")
    new_link = operator.run_successfully("user", "link", "taras@rada.example").splitlines()[-1]

    assert sign_in.find_email_by_link(new_link.rsplit("/", 1)[-1]) == "taras@rada.example"
    with pytest.raises(NotFound):
        sign_in.find_email_by_link(link.rsplit("/", 1)[-1])


@pytest.mark.parametrize(
    ("role", "scope"),
    [("head", "SN77777777"), ("oblast", "Вінницька"), ("ministry", CENTRE), ("administrator", "*")],
)
def test_a_user_with_a_wrong_scope_is_not_added(operator: Operator, role: str, scope: str) -> None:
    error = operator.run_failing("user", "add", "olena@rada.example", "--role", role, "--scope", scope)
    assert scope in error and "%(" not in error


def test_a_user_whom_no_letter_can_reach_is_not_added(operator: Operator) -> None:
    error = operator.run_failing("user", "add", "олена@rada.example", "--role", "head", "--scope", CENTRE)
    assert "“@”" in error


@pytest.mark.parametrize("password", [None, "три сосни біля ставка"])
def test_a_user_whose_e_mail_looks_like_another_is_added_with_a_warning(
    operator: Operator, context: None, password: str | None
) -> None:
    create_centre()
    rest = ("--role", "head", "--scope", CENTRE, *(["--password-stdin"] if password else []))
    first = operator.run_command("user", "add", "olena@rada.example", *rest, stdin_text=password)

    second = operator.run_command("user", "add", "olena@xn--rda-6cd.example", *rest, stdin_text=password)

    assert first.exit_code == second.exit_code == 0
    assert "Warning" not in first.stderr
    assert "Warning: This e-mail looks like that of another user, olena@rada.example" in second.stderr


def test_a_user_is_disabled_and_enabled_again(operator: Operator, context: None) -> None:
    create_centre()
    add = ("user", "add", "olena@rada.example", "--role", "head", "--scope", CENTRE)
    operator.run_successfully(*add)
    operator.run_successfully("user", "disable", "olena@rada.example")
    assert "disabled" in operator.run_successfully("user", "list")
    operator.run_successfully("user", "enable", "OLENA@rada.example")
    assert "disabled" not in operator.run_successfully("user", "list")
    operator.run_successfully("user", "second-factor", "reset", "olena@rada.example")
    assert "no user" in operator.run_failing("user", "disable", "nobody@rada.example")


def test_checking_the_audit_log_says_where_it_is_broken(operator: Operator, context: None) -> None:
    create_centre()
    for number in range(3):
        operator.run_successfully(*("user", "add", f"u{number}@rada.example", "--role", "head", "--scope", CENTRE))
    [centre] = stored.read_rows(Centre)
    [line] = operator.run_successfully("journal", "check").splitlines()
    assert line.split("\t")[:2] == [str(centre.id), "3"]

    _change_entry()

    result = operator.run_command("journal", "check")
    assert result.exit_code == 1
    assert f"{centre.id}\tbroken at entry 2" in result.stderr


@transaction
def _change_entry(tx: Session) -> None:
    tx.execute(update(JournalEntry).where(JournalEntry.number == 2).values(email="somebody@else.example"))


def test_a_key_is_printed_alone_on_the_last_line(operator: Operator, context: None) -> None:
    operator.run_successfully(*ADD_CENTRE)

    output = operator.run_successfully(
        "key", "add", "--centre", "SN05000001", "--scope", "cases:write", "--scope", "cases:read"
    )

    caller = api_keys.find_caller(output.splitlines()[-1])
    assert caller is not None
    assert set(caller.scopes) == {"cases:write", "cases:read"}


def test_a_key_for_a_centre_that_does_not_exist_is_refused(operator: Operator) -> None:
    assert "SN05000009" in operator.run_failing("key", "add", "--centre", "SN05000009", "--scope", "cases:write")


def test_a_revoked_key_is_refused(operator: Operator, app: Flask) -> None:
    operator.run_successfully(*ADD_CENTRE)
    scope = ("--scope", "summaries:read")
    key = operator.run_successfully("key", "add", "--centre", "SN05000001", *scope).splitlines()[-1]
    address, header = "/api/v1/summaries?centre=SN05000001", {"Authorization": f"Bearer {key}"}
    assert app.test_client().get(address, headers=header).status_code == 200

    assert key not in operator.run_successfully("key", "revoke", "--key-stdin", stdin_text=f"{key}\n")

    assert app.test_client().get(address, headers=header).status_code == 401
    assert key not in operator.run_failing("key", "revoke", "--key-stdin", stdin_text=key)
