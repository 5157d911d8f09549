"""Two centres, and users of the administration with a browser."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.support import staff, story
from tests.support.staff import StaffClient

OWN_CENTRE, FOREIGN_CENTRE = story.CENTRE, "SN99000008"

SignedIn = Callable[..., StaffClient]


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords fast: these tests are not about the cost of hashing."""
    staff.use_fast_hashing(monkeypatch)


@pytest.fixture
def centres(app: Flask) -> None:
    """Create the own centre of these users, and a foreign one."""
    with app.app_context():
        story.create_centre()
        story.create_centre(FOREIGN_CENTRE, edrpou="00032129", katottg="UA99020010010037010")


@pytest.fixture
def signed_in(app: Flask, centres: None) -> SignedIn:
    """``signed_in("head")`` has an open session; ``signed_in("head", "SN99000008")`` in another centre."""

    def sign_in(role: str = "administrator", *scopes: str) -> StaffClient:
        return StaffClient.sign_in(app, role, *scopes)

    return sign_in
