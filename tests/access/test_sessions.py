"""A session ends half an hour after its last use and twelve hours after its start; its forms carry a token."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import sessions
from feedback_service.access.sessions import IDLE_LIMIT, LIFETIME_LIMIT
from feedback_service.database import transaction
from feedback_service.models import User, UserSession
from tests.support import staff, story

SECOND = timedelta(seconds=1)


@pytest.fixture
def user(app: Flask, context: None) -> str:
    """A user of a centre; the e-mail."""
    story.create_centre()
    return staff.create_user()


@transaction
def find_after(tx: Session, email: str, token: str, later: timedelta) -> str | None:
    """Return the e-mail of the user whom the session's cookie still stands for."""
    found = sessions.find_current_user(tx, token, clock.now() + later)
    return found.email if found else None


@transaction
def use(tx: Session, later: timedelta) -> None:
    """Store when the only session was used last."""
    tx.scalars(select(UserSession)).one().seen_at = clock.now() + later


def test_a_session_that_is_not_used_ends(user: str) -> None:
    token = staff.create_session(user)

    assert find_after(user, token, IDLE_LIMIT - SECOND) == user
    assert find_after(user, token, IDLE_LIMIT + timedelta(minutes=1)) is None
    assert find_after(user, token + "x", timedelta(0)) is None


def test_a_session_that_is_used_ends_all_the_same(user: str) -> None:
    token = staff.create_session(user)
    use(LIFETIME_LIMIT)

    assert find_after(user, token, LIFETIME_LIMIT - timedelta(minutes=1)) == user
    assert find_after(user, token, LIFETIME_LIMIT + timedelta(minutes=1)) is None


@transaction
def end_and_count(tx: Session, email: str) -> tuple[int, int]:
    """End all sessions of the user; return how many were ended and how many remain."""
    user = tx.scalars(select(User).where(User.email == email)).one()
    return sessions.end_sessions(tx, user.id), len(sessions.list_user_sessions(tx, user.id, clock.now()))


def test_all_sessions_of_a_user_end_together(user: str) -> None:
    for _ in range(2):
        staff.create_session(user)

    assert end_and_count(user) == (2, 0)


def test_a_form_token_belongs_to_one_session() -> None:
    assert sessions.is_form_token("one", sessions.derive_form_token("one"))
    assert not sessions.is_form_token("one", sessions.derive_form_token("other"))
    assert not sessions.is_form_token("one", "\ud800")
