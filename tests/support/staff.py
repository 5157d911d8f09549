"""People of the administration in tests: added, signed in, and what their browser sends."""

import itertools
import re
from datetime import datetime
from typing import Any

import pyotp
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from feedback_service import clock
from feedback_service.access import passwords, second_factor, sessions, users
from feedback_service.access.sessions import FULL
from feedback_service.config import settings
from feedback_service.database import transaction
from feedback_service.flow import staff

PASSWORD = "три сосни біля ставка"
SCOPES = {
    "administrator": "SN12000007",
    "head": "SN12000007",
    "council": "00032112",
    "provider": "00032112",
    "oblast": "UA12",
    "central_body": "*",
    "ministry": "*",
    "operator": "*",
}
FROM_HERE = {"Sec-Fetch-Site": "same-origin"}
_numbers = itertools.count(1)
_FORM_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


def a_user(
    role: str = "administrator", *scopes: str, email: str | None = None, password: str | None = None
) -> str:
    """A user of this role; the e-mail. Without a ``password`` nobody can sign in as them."""
    email = email or f"user{next(_numbers)}@rada.example"
    given = scopes or (SCOPES[role],)
    if password is None:
        staff.add_user(None, email, role, given)
    else:
        staff.add_user_with_password(email, role, given, password)
    return email


@transaction
def a_session(tx: Session, email: str, stage: str = FULL) -> str:
    """A session of this user, without the way through the door; the cookie's value."""
    user = users.by_email(tx, email)
    assert user is not None
    return sessions.begin(tx, user, stage, clock.now())


class Staff:
    """Somebody at a browser with a session."""

    def __init__(self, app: Flask, email: str, token: str) -> None:
        self.client: FlaskClient = app.test_client()
        self.email, self.token = email, token
        self.client.set_cookie("vidhuk", token, path="/admin")

    @classmethod
    def signed_in(cls, app: Flask, role: str = "administrator", *scopes: str) -> "Staff":
        """A new user with an open session."""
        with app.app_context():
            email = a_user(role, *scopes)
            return cls(app, email, a_session(email))

    def get(self, path: str, **how: Any) -> TestResponse:
        """Follow a link."""
        return self.client.get(path, **how)

    def post(self, path: str, fields: dict[str, Any] | None = None, **how: Any) -> TestResponse:
        """Send a form of ours."""
        data = {"csrf": sessions.form_token(self.token)} | (fields or {})
        return self.client.post(path, data=data, headers=FROM_HERE, **how)


def hash_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords cost next to nothing, for tests that are not about what they cost."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", quick)
    nobody = quick.hash("a password that nobody has")
    monkeypatch.setattr(passwords, "_nobody", lambda: nobody)


def code_of(secret: str, at: datetime | None = None) -> str:
    """What an authenticator with this secret shows."""
    return pyotp.TOTP(secret).at(at or clock.now())


@transaction
def with_second_factor(tx: Session, email: str) -> str:
    """The user has a second factor; its secret."""
    user = users.by_email(tx, email)
    assert user is not None
    secret = second_factor.new_secret()
    user.second_factor = second_factor.sealed(settings().secret_key, user.id, secret)
    return secret


@transaction
def a_link(tx: Session, email: str) -> str:
    """The secret of a link by which the user chooses a password."""
    user = users.by_email(tx, email)
    assert user is not None
    return users.new_link(user, clock.now())


def form_token(reply: TestResponse) -> str:
    """The token that the page's forms carry."""
    found = _FORM_TOKEN.search(reply.text)
    assert found, reply.text
    return found[1]
