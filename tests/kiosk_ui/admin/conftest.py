"""Two centres, and people of the administration at their browsers."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.support import staff, story
from tests.support.staff import Staff

OWN, FOREIGN = story.CENTRE, "SN99000008"

SignedIn = Callable[..., Staff]


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are not about what a password costs."""
    staff.hash_quickly(monkeypatch)


@pytest.fixture
def centres(app: Flask) -> None:
    """The centre of everybody here, and one that nobody here has to do with."""
    with app.app_context():
        story.a_centre()
        story.a_centre(FOREIGN, edrpou="00032129", katottg="UA99020010010037010")


@pytest.fixture
def signed_in(app: Flask, centres: None) -> SignedIn:
    """``signed_in("head")`` has an open session; ``signed_in("head", "SN99000008")`` in another centre."""

    def enter(role: str = "administrator", *scopes: str) -> Staff:
        return Staff.signed_in(app, role, *scopes)

    return enter
