"""Keys of integrators: who comes in, for which centres, until when."""

import uuid

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.access import api_keys
from feedback_service.database import db, transaction
from feedback_service.models import ApiKey, Centre

pytestmark = pytest.mark.usefixtures("context")


@transaction
def a_centre(tx: Session, code: str) -> Centre:
    """A centre with this code."""
    number = code[-4:]
    centre = Centre(
        id=uuid.uuid4(),
        code=code,
        prefix=number,
        name="Центр",
        edrpou="00032112",
        katottg="UA12000000000000000",
    )
    tx.add(centre)
    tx.flush()
    return centre


add, revoke = transaction(api_keys.add_api_key), transaction(api_keys.revoke_api_key)


def test_a_key_opens_its_centres_with_its_scopes() -> None:
    first, second = a_centre("SN12000007"), a_centre("SN12000008")
    a_centre("SN12000009")

    key = add({"cases:write", "cases:read"}, [first, second])

    holder = api_keys.find_caller(key)
    assert holder is not None
    assert holder.scopes == {"cases:read", "cases:write"}
    assert holder.centres == {"SN12000007", "SN12000008"}


def test_a_key_is_vdk_and_43_characters_and_never_the_same_twice() -> None:
    centre = a_centre("SN12000007")
    made = {add({"cases:write"}, [centre]) for _ in range(5)}
    assert len(made) == 5
    assert all(key.startswith("vdk_") and len(key) == 47 for key in made)


def test_the_key_itself_is_kept_nowhere() -> None:
    key = add({"cases:write"}, [a_centre("SN12000007")])
    with Session(db.engine) as tx:
        [kept] = tx.scalars(select(ApiKey)).all()
    assert key.removeprefix("vdk_") not in repr(vars(kept))
    assert key.encode() not in kept.key_hash
    assert len(kept.key_hash) == 32


@pytest.mark.parametrize("other", ["", "vdk_", "vdk_" + "A" * 43, "vdk_" + "A" * 44, "\ud800", "пароль" * 8])
def test_a_key_that_was_never_given_out_opens_nothing(other: str) -> None:
    add({"cases:write"}, [a_centre("SN12000007")])
    assert api_keys.find_caller(other) is None


def test_a_revoked_key_opens_nothing_and_the_others_still_do() -> None:
    centre = a_centre("SN12000007")
    old, new = add({"cases:write"}, [centre]), add({"cases:write"}, [centre])

    assert revoke(old)

    assert not revoke(old)
    assert api_keys.find_caller(old) is None
    assert api_keys.find_caller(new) is not None


def test_a_key_for_nothing_or_nobody_is_not_made() -> None:
    centre = a_centre("SN12000007")
    for scopes, centres in [({"cases:erase"}, [centre]), (set[str](), [centre]), ({"cases:read"}, [])]:
        with pytest.raises(ValueError, match="scope"):
            add(scopes, centres)
