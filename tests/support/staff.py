"""Staff in tests: adds users, signs them in, and sends what their browsers send."""

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
from feedback_service.access.sessions import FULL_STAGE
from feedback_service.config import current_settings
from feedback_service.database import transaction
from feedback_service.flow import users as staff

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
SAME_ORIGIN_HEADERS = {"Sec-Fetch-Site": "same-origin"}
_user_numbers = itertools.count(1)
_FORM_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


def create_user(
    role: str = "administrator", *scopes: str, email: str | None = None, password: str | None = None
) -> str:
    """Add a user of this role; return the e-mail. Without a ``password`` the user cannot sign in."""
    email = email or f"user{next(_user_numbers)}@rada.example"
    user_scopes = scopes or (SCOPES[role],)
    if password is None:
        staff.add_user(None, email, role, user_scopes)
    else:
        staff.add_user_with_password(email, role, user_scopes, password)
    return email


@transaction
def create_session(tx: Session, email: str, stage: str = FULL_STAGE) -> str:
    """Create a session of this user without the sign-in pages; return the value of its cookie."""
    user = users.find_by_email(tx, email)
    assert user is not None
    return sessions.start_session(tx, user, stage, clock.now())


class StaffClient:
    """A member of staff at a browser with a session."""

    def __init__(self, app: Flask, email: str, token: str) -> None:
        self.client: FlaskClient = app.test_client()
        self.email, self.token = email, token
        self.client.set_cookie("vidhuk", token, path="/admin")

    @classmethod
    def sign_in(cls, app: Flask, role: str = "administrator", *scopes: str) -> "StaffClient":
        """Add a user and open a session."""
        with app.app_context():
            email = create_user(role, *scopes)
            return cls(app, email, create_session(email))

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(path, **options)

    def post(self, path: str, fields: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a form with its token."""
        data = {"csrf": sessions.derive_form_token(self.token)} | (fields or {})
        return self.client.post(path, data=data, headers=SAME_ORIGIN_HEADERS, **options)


def use_fast_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords cost next to nothing, for tests that are not about what they cost."""
    fast_hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", fast_hasher)
    dummy_hash = fast_hasher.hash("a password that nobody has")
    monkeypatch.setattr(passwords, "_dummy_hash", lambda: dummy_hash)


def current_code(secret: str, at: datetime | None = None) -> str:
    """Return the code that an authenticator with this secret shows."""
    return pyotp.TOTP(secret).at(at or clock.now())


@transaction
def add_second_factor(tx: Session, email: str) -> str:
    """Give the user a second factor; return its secret."""
    user = users.find_by_email(tx, email)
    assert user is not None
    secret = second_factor.new_secret()
    user.second_factor = second_factor.seal_secret(current_settings().secret_key, user.id, secret)
    return secret


@transaction
def create_password_link(tx: Session, email: str) -> str:
    """Create a link by which the user chooses a password; return its secret."""
    user = users.find_by_email(tx, email)
    assert user is not None
    return users.issue_password_link(user, clock.now())


def find_form_token(reply: TestResponse) -> str:
    """Return the token in the forms of the page."""
    match = _FORM_TOKEN.search(reply.text)
    assert match, reply.text
    return match[1]
