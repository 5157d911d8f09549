"""Keys of case systems, as people of a centre make and end them."""

import uuid
from datetime import timedelta

import pytest

from feedback_service import clock
from feedback_service.access.sessions import CurrentUser
from feedback_service.errors import Conflict, Invalid, NotAllowed, NotFound
from feedback_service.flow import api_keys, sign_in
from feedback_service.models import ApiKey, JournalEntry
from tests.conftest import TimeIs
from tests.support import stored, story
from tests.support.staff import create_session, create_user

pytestmark = pytest.mark.usefixtures("context")

OWN, FOREIGN = story.CENTRE, "SN99000008"


@pytest.fixture(autouse=True)
def centres(context: None) -> None:
    """Two centres."""
    story.create_centre()
    story.create_centre(FOREIGN)


def visiting(role: str = "administrator", *scopes: str) -> CurrentUser:
    """Somebody new of this role, signed in."""
    found = sign_in.find_current_user(create_session(create_user(role, *scopes)))
    assert found is not None
    return found


def test_a_key_is_made_for_ones_own_centre_and_the_journal_does_not_know_it() -> None:
    by = visiting()

    secret = api_keys.make_api_key(by, uuid.uuid4(), "СЕД «Вулик»", ["cases:write"], [OWN])

    holder = api_keys.find_caller(secret)
    assert holder is not None and holder.scopes == {"cases:write"} and holder.centres == {OWN}
    [known] = api_keys.list_api_keys(by)
    assert (known.api_key.name, known.centres, known.others) == ("СЕД «Вулик»", (OWN,), 0)
    [entry] = [each for each in stored.read_rows(JournalEntry) if each.action == "key_made"]
    assert entry.email == by.email and secret not in entry.object


@pytest.mark.parametrize(
    ("name", "scopes", "reach", "field"),
    [
        ("", ["cases:write"], [OWN], "/name"),
        ("x" * 101, ["cases:write"], [OWN], "/name"),
        ("СЕД\u202e", ["cases:write"], [OWN], "/name"),
        ("СЕД\u200b", ["cases:write"], [OWN], "/name"),
        ("СЕД", [], [OWN], "/scope"),
        ("СЕД", ["everything"], [OWN], "/scope"),
        ("СЕД", ["cases:write"], [], "/centre"),
        ("СЕД", ["cases:write"], [FOREIGN], "/centre"),
        ("СЕД", ["cases:write"], [OWN, FOREIGN], "/centre"),
    ],
)
def test_every_fault_of_an_api_key_form_is_named(name: str, scopes: list[str], reach: list[str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        api_keys.make_api_key(visiting(), uuid.uuid4(), name, scopes, reach)

    assert [error.pointer for error in refused.value.errors] == [field]
    assert stored.read_rows(ApiKey) == []


def test_the_operator_makes_no_key_that_reads_figures() -> None:
    with pytest.raises(Invalid):
        api_keys.make_api_key(visiting("operator"), uuid.uuid4(), "СЕД", ["summaries:read"], [OWN])


def test_the_same_form_makes_one_api_key() -> None:
    by, form = visiting(), uuid.uuid4()
    api_keys.make_api_key(by, form, "СЕД", ["cases:write"], [OWN])

    with pytest.raises(Conflict):
        api_keys.make_api_key(by, form, "СЕД", ["cases:write"], [OWN])
    assert len(stored.read_rows(ApiKey)) == 1


def test_users_revoke_own_api_keys_and_do_not_see_others() -> None:
    by = visiting()
    everybody = visiting("operator")
    mine, foreign, shared = (uuid.uuid4() for _ in range(3))
    secret = api_keys.make_api_key(by, mine, "СЕД", ["cases:write"], [OWN])
    api_keys.make_api_key(everybody, foreign, "Чужа", ["cases:write"], [FOREIGN])
    api_keys.make_api_key(everybody, shared, "Спільна", ["cases:write"], [OWN, FOREIGN])

    assert {each.api_key.id: each.others for each in api_keys.list_api_keys(by)} == {mine: 0, shared: 1}
    for unknown in (foreign, uuid.uuid4()):
        with pytest.raises(NotFound):
            api_keys.revoke_api_key(by, unknown)
    with pytest.raises(NotAllowed):
        api_keys.revoke_api_key(by, shared)
    api_keys.revoke_api_key(by, mine)
    api_keys.revoke_api_key(by, mine)

    assert api_keys.find_caller(secret) is None
    assert [each.action for each in stored.read_rows(JournalEntry)].count("key_revoked") == 1


def test_the_day_of_an_api_keys_last_use_is_stored(time_is: TimeIs) -> None:
    secret = api_keys.add_key(["cases:write"], [OWN])
    time_is("2026-11-20T23:30+02:00")
    for _ in range(2):
        holder = api_keys.find_caller(secret)
        assert holder is not None
        api_keys.record_key_use(holder)
    assert [str(key.last_used_on) for key in stored.read_rows(ApiKey)] == ["2026-11-20"]

    time_is(clock.now() + timedelta(hours=1))
    holder = api_keys.find_caller(secret)
    assert holder is not None
    api_keys.record_key_use(holder)
    assert [str(key.last_used_on) for key in stored.read_rows(ApiKey)] == ["2026-11-21"]


def test_an_api_key_has_the_scopes_and_centres_it_was_made_for() -> None:
    holder = api_keys.find_caller(api_keys.add_key(["cases:write", "summaries:read"], [OWN.lower()]))

    assert holder is not None
    assert set(holder.scopes) == {"cases:write", "summaries:read"}
    assert set(holder.centres) == {OWN}


@pytest.mark.parametrize(
    ("scopes", "centres"),
    [(["cases:wriet"], [OWN]), ([], [OWN]), (["cases:read"], [OWN, "SN00000000"])],
)
def test_a_key_for_what_does_not_exist_is_refused(scopes: list[str], centres: list[str]) -> None:
    with pytest.raises(Invalid):
        api_keys.add_key(scopes, centres)
