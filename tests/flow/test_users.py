"""People are let into the administration, and kept out of it."""

import uuid

import pytest

from feedback_service.access.sessions import CurrentUser
from feedback_service.access.users import NOT_DELIVERABLE
from feedback_service.errors import ChangedMeanwhile, Conflict, Invalid, NotAllowed, NotFound, NotRecognised
from feedback_service.flow import sign_in, users
from feedback_service.models import JournalEntry, User, UserScope
from tests.support import stored, story
from tests.support.staff import PASSWORD, add_second_factor, create_session, create_user, use_fast_hashing

pytestmark = pytest.mark.usefixtures("context")

OWN, FOREIGN = story.CENTRE, "SN99000008"


@pytest.fixture(autouse=True)
def centres(monkeypatch: pytest.MonkeyPatch, context: None) -> None:
    """Two centres."""
    use_fast_hashing(monkeypatch)
    story.create_centre()
    story.create_centre(FOREIGN)


def visiting(role: str, *scopes: str) -> CurrentUser:
    """Somebody new of this role, signed in."""
    found = sign_in.find_current_user(create_session(create_user(role, *scopes)))
    assert found is not None
    return found


def reach(email: str) -> tuple[str, set[str]]:
    """The role of a user and what it reaches."""
    known = users.find_user(None, users.find_user_id(email)).user
    return known.role, set(known.scopes)


@pytest.mark.parametrize(
    ("maker", "made"),
    [
        ("administrator", "administrator"),
        ("head", "head"),
        ("head", "administrator"),
        ("operator", "ministry"),
    ],
)
def test_whoever_manages_users_adds_those_they_may(maker: str, made: str) -> None:
    by = visiting(maker)
    scope = "*" if made == "ministry" else OWN

    added = users.add_user(by, "Taras@Rada.example", made, [scope.lower()])

    assert reach("taras@rada.example") == (made, {scope})
    assert sign_in.find_email_by_link(added.link) == "taras@rada.example"


@pytest.mark.parametrize(
    ("maker", "role", "scopes", "field"),
    [
        ("administrator", "head", [OWN], "/role"),
        ("administrator", "operator", ["*"], "/role"),
        ("head", "ministry", ["*"], "/role"),
        ("council", "administrator", [OWN], "/role"),
        ("head", "head", [FOREIGN], "/scope"),
        ("head", "head", [OWN, FOREIGN], "/scope"),
        ("head", "head", ["SN77777777"], "/scope"),
        ("head", "head", [], "/scope"),
        ("head", "head", ["*"], "/scope"),
        ("operator", "oblast", ["Вінницька"], "/scope"),
        ("operator", "emperor", ["*"], "/role"),
        ("operator", "head", ["SN77777777"], "/scope"),
    ],
)
def test_users_grant_only_what_they_may(maker: str, role: str, scopes: list[str], field: str) -> None:
    by = visiting(maker)
    with pytest.raises(Invalid) as refused:
        users.add_user(by, "taras@rada.example", role, scopes)

    assert {error.pointer for error in refused.value.errors} == {field}
    assert "taras@rada.example" not in {user.email for user in stored.read_rows(User)}


@pytest.mark.parametrize(
    "email",
    ["", "taras", "taras@rada", "a b@rada.example", "@rada.example", "x" * 250 + "@r.ua", "a,b@rada.example",
     "a@ra_da.example", "a@-rada.example", "a@rada..example", "<a>@rada.example", f"a@{'р' * 64}.укр",
     "a(b)@rada.example", "(b)a@rada.example", "a@rada.example(b)", "a@(b)rada.example", '"a"@rada.example',
     '"a b"@rada.example', "a.@rada.example", ".a@rada.example", "a@rada.1", "a@10.0.0.1", "a@rada.e", "a@рада.у1(b)",
     "x" * 65 + "@rada.example"],
)  # fmt: skip
def test_what_is_no_e_mail_is_refused(email: str) -> None:
    with pytest.raises(Invalid):
        users.add_user(None, email, "head", [OWN])


@pytest.mark.parametrize("email", ["x" * 64 + "@rada.example", "o'neil+a.b_c@rada-1.ua", "a@1.укр"])
def test_an_e_mail_of_ordinary_signs_is_taken(email: str) -> None:
    assert users.add_user(None, email, "head", [OWN])


def test_an_e_mail_that_no_letter_can_reach_is_refused_with_the_reason() -> None:
    with pytest.raises(Invalid) as refused:
        users.add_user(None, "олена@рада.укр", "head", [OWN])

    assert [(error.pointer, error.detail) for error in refused.value.errors] == [("/email", NOT_DELIVERABLE)]


def test_a_domain_of_national_letters_is_kept_in_them_however_it_is_typed() -> None:
    users.add_user(None, "Olena@РАДА.укр", "head", [OWN])

    assert reach("olena@рада.укр") == ("head", {OWN})
    assert reach("olena@xn--80aal0c.xn--j1amh") == ("head", {OWN})
    with pytest.raises(Conflict):
        users.add_user(None, "olena@xn--80aal0c.xn--j1amh", "head", [OWN])


def test_an_e_mail_belongs_to_one_user_however_it_is_written() -> None:
    users.add_user(None, "taras@rada.example", "head", [OWN])
    with pytest.raises(Conflict):
        users.add_user(None, " TARAS@rada.example", "administrator", [OWN])
    users.add_user(None, "taras@rada-2.example", "head", [OWN])
    with pytest.raises(Conflict):
        users.add_user(None, "taras@rada\u20112.example", "head", [OWN])


@pytest.mark.parametrize("email", ["olena@rаda.example", "olena@xn--rda-6cd.example", "Olena@RАDA.example"])
def test_an_e_mail_that_looks_like_that_of_another_user_is_taken_with_a_warning(email: str) -> None:
    users.add_user(None, "olena@rada.example", "head", [OWN])

    warning = users.add_user(None, email, "head", [OWN]).warning

    assert warning is not None
    assert warning.params == {"email": "olena@xn--rda-6cd.example", "known": "olena@rada.example"}


def test_an_e_mail_that_looks_like_no_other_is_taken_without_a_warning() -> None:
    users.add_user(None, "olena@rada.example", "head", [OWN])

    assert users.add_user(None, "olena@рада.укр", "head", [OWN]).warning is None


def test_an_e_mail_with_a_character_that_nobody_can_see_is_refused_by_its_name() -> None:
    with pytest.raises(Invalid) as refused:
        users.add_user(None, "taras@rada.example\u200b", "head", [OWN])

    [error] = refused.value.errors
    assert (error.pointer, error.params) == ("/email", {"position": 19, "character": "U+200B"})


def test_staff_see_users_of_their_centre_and_change_those_they_could_have_added() -> None:
    head, deputy = create_user("head"), create_user("administrator")
    far, both = create_user("administrator", FOREIGN), create_user("administrator", OWN, FOREIGN)
    create_user("ministry")
    by = visiting("administrator")

    known = {each.user.email: each.may_change for each in users.list_users(by)}

    assert known == {head: False, deputy: True, both: False, by.email: False}
    with pytest.raises(NotFound):
        users.disable_user(by, users.find_user_id(far))
    for untouchable in (head, both):
        for change in (users.disable_user, users.renew_password_link, users.reset_second_factor):
            with pytest.raises(NotAllowed):
                change(by, users.find_user_id(untouchable))
    with pytest.raises(NotFound):
        users.find_user(by, uuid.uuid4())


def test_users_do_not_change_their_own_account() -> None:
    by = visiting("head")
    for change in (users.disable_user, users.renew_password_link, users.reset_second_factor):
        with pytest.raises(Conflict):
            change(by, by.user_id)


def test_a_user_disabled_meanwhile_changes_nobody() -> None:
    one, other = visiting("head"), visiting("head")
    users.disable_user(one, other.user_id)

    with pytest.raises(NotRecognised):
        users.disable_user(other, one.user_id)
    with pytest.raises(NotRecognised):
        users.add_user(other, "taras@rada.example", "head", [OWN])


def test_a_link_that_somebody_holds_ends_with_the_role_it_was_made_for() -> None:
    held = users.add_user(visiting("administrator"), "taras@rada.example", "administrator", [OWN])

    users.change_user(visiting("head"), held.id, 1, "head", [OWN])

    with pytest.raises(NotFound):
        sign_in.find_email_by_link(held.link)


def test_another_role_ends_the_sessions_and_is_written_in_the_journal_of_every_centre_concerned() -> None:
    email = create_user("administrator", password=PASSWORD)
    token = create_session(email)

    users.change_user(None, users.find_user_id(email), 1, "head", [FOREIGN])

    assert reach(email) == ("head", {FOREIGN})
    assert sign_in.find_current_user(token) is None
    told = [each.chain for each in stored.read_rows(JournalEntry) if each.action == "user_changed"]
    assert len(told) == 2


def test_an_edit_of_an_older_version_changes_nothing() -> None:
    email = create_user("administrator")
    user = users.find_user_id(email)
    users.change_user(None, user, 1, "head", [OWN])

    with pytest.raises(ChangedMeanwhile):
        users.change_user(None, user, 1, "administrator", [FOREIGN])
    assert reach(email) == ("head", {OWN})


def test_who_was_disabled_is_let_in_again_with_the_same_password() -> None:
    email = create_user("head", password=PASSWORD)
    users.disable_user(None, users.find_user_id(email))
    with pytest.raises(Conflict):
        users.renew_password_link(None, users.find_user_id(email))

    users.enable_user(None, users.find_user_id(email))

    assert sign_in.sign_in(email, PASSWORD)


def test_after_a_reset_the_second_factor_is_set_up_anew() -> None:
    email = create_user("head", password=PASSWORD)
    add_second_factor(email)
    token = create_session(email)

    users.reset_second_factor(None, users.find_user_id(email))

    assert sign_in.find_current_user(token) is None
    assert sign_in.sign_in(email, PASSWORD).stage == "set_up"


def test_a_user_that_was_refused_leaves_nothing_behind() -> None:
    with pytest.raises(Invalid):
        users.add_user(None, "taras@rada.example", "head", [OWN, "SN77777777"])
    assert stored.read_rows(User) == stored.read_rows(UserScope) == stored.read_rows(JournalEntry) == []
