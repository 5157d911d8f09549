"""API keys: which scopes and centres a key has, and when it stops to work."""

import uuid

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.access import api_keys
from feedback_service.database import db, reading, transaction
from feedback_service.models import ApiKey, Centre

pytestmark = pytest.mark.usefixtures("context")


@transaction
def add_centre(tx: Session, code: str) -> Centre:
    """Add a centre with this code."""
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


add_key, revoke_key = transaction(api_keys.add_api_key), transaction(api_keys.revoke_api_key)
find_caller = reading(api_keys.find_caller)


def test_a_key_has_its_scopes_and_centres() -> None:
    first, second = add_centre("SN12000007"), add_centre("SN12000008")
    add_centre("SN12000009")

    key = add_key({"cases:write", "cases:read"}, [first, second])

    caller = find_caller(key)
    assert caller is not None
    assert caller.scopes == {"cases:read", "cases:write"}
    assert caller.centres == {"SN12000007", "SN12000008"}


def test_a_key_is_vdk_and_43_characters_and_never_the_same_twice() -> None:
    centre = add_centre("SN12000007")
    keys = {add_key({"cases:write"}, [centre]) for _ in range(5)}
    assert len(keys) == 5
    assert all(key.startswith("vdk_") and len(key) == 47 for key in keys)


def test_the_key_itself_is_not_stored() -> None:
    key = add_key({"cases:write"}, [add_centre("SN12000007")])
    with Session(db.engine) as tx:
        [row] = tx.scalars(select(ApiKey)).all()
    assert key.removeprefix("vdk_") not in repr(vars(row))
    assert key.encode() not in row.key_hash
    assert len(row.key_hash) == 32


@pytest.mark.parametrize("other", ["", "vdk_", "vdk_" + "A" * 43, "vdk_" + "A" * 44, "\ud800", "пароль" * 8])
def test_a_key_that_was_never_issued_is_unknown(other: str) -> None:
    add_key({"cases:write"}, [add_centre("SN12000007")])
    assert find_caller(other) is None


def test_a_revoked_key_is_unknown_and_the_others_still_work() -> None:
    centre = add_centre("SN12000007")
    old, new = add_key({"cases:write"}, [centre]), add_key({"cases:write"}, [centre])

    assert revoke_key(old)

    assert not revoke_key(old)
    assert find_caller(old) is None
    assert find_caller(new) is not None


def test_a_key_without_known_scopes_or_centres_is_refused() -> None:
    centre = add_centre("SN12000007")
    for scopes, centres in [({"cases:erase"}, [centre]), (set[str](), [centre]), ({"cases:read"}, [])]:
        with pytest.raises(ValueError, match="scope"):
            add_key(scopes, centres)
