"""Somebody comes in, stays for a while and goes out."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.access import passwords, second_factor, sessions
from feedback_service.access.sessions import CODE_STAGE, FULL_STAGE, SET_UP_STAGE, CurrentUser
from feedback_service.database import transaction
from feedback_service.errors import Invalid, NotAllowed, NotFound, NotRecognised, SignInBusy, TooManyAttempts
from feedback_service.flow import maintenance, sign_in, users
from feedback_service.flow import second_factor as second_factor_flow
from feedback_service.flow.sign_in import SessionStarted
from feedback_service.models import JournalEntry, SignInAttempts, User, UserSession
from tests.conftest import TimeIs
from tests.support import stored, story
from tests.support.staff import (
    PASSWORD,
    add_second_factor,
    create_password_link,
    create_session,
    create_user,
    current_code,
    use_fast_hashing,
)

pytestmark = pytest.mark.usefixtures("context")

EMAIL = "olena@rada.example"
WRONG = "не той пароль зовсім"


@pytest.fixture(autouse=True)
def head(monkeypatch: pytest.MonkeyPatch, context: None) -> str:
    """The head of the only centre; these tests are not about what a password costs."""
    use_fast_hashing(monkeypatch)
    story.create_centre()
    return create_user("head", email=EMAIL, password=PASSWORD)


def visiting(token: str) -> CurrentUser:
    """Whose living session this is."""
    found = sign_in.find_current_user(token)
    assert found is not None
    return found


def journal() -> list[tuple[str | None, str]]:
    """Who did what, in order."""
    return [(each.email, each.action) for each in sorted(stored.read_rows(JournalEntry), key=lambda e: e.number)]


# Password


def test_the_right_password_leads_to_the_second_factor() -> None:
    entered = sign_in.sign_in(" Olena@Rada.example ", PASSWORD)

    assert entered.stage == SET_UP_STAGE
    assert visiting(entered.token).email == EMAIL
    assert not visiting(entered.token).is_signed_in


def test_the_session_s_secret_is_kept_nowhere() -> None:
    token = sign_in.sign_in(EMAIL, PASSWORD).token
    [kept] = stored.read_rows(UserSession)

    assert len(token) == 43
    assert token not in repr(vars(kept))
    assert len(kept.token_hash) == 32


def test_a_wrong_password_an_unknown_user_a_disabled_one_and_one_without_a_password_sound_the_same() -> None:
    disabled, new = create_user("administrator", password=PASSWORD), create_user("administrator")
    users.disable_user(None, users.find_user_id(disabled))
    said = set()
    for email, password in [
        (EMAIL, WRONG),
        ("nobody@rada.example", PASSWORD),
        (disabled, PASSWORD),
        (new, ""),
        ("", ""),
        ("\ud800", "\x00"),
        ("о" * 10_000, "п" * 10_000),
    ]:
        with pytest.raises(NotRecognised) as refused:
            sign_in.sign_in(email, password)
        said.add((refused.value.detail, refused.value.status))

    assert len(said) == 1


@pytest.mark.parametrize("email", [EMAIL, "nobody@rada.example"])
def test_after_five_wrong_passwords_one_waits_whether_the_user_exists_or_not(email: str) -> None:
    for _ in range(5):
        with pytest.raises(NotRecognised):
            sign_in.sign_in(email, WRONG)

    with pytest.raises(TooManyAttempts) as refused:
        sign_in.sign_in(email, PASSWORD)
    assert 1 <= refused.value.retry_after <= 30
    assert (EMAIL, "attempts") in journal() or email != EMAIL


def test_many_guesses_at_once_are_no_more_than_five(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_places_of_strangers", threading.BoundedSemaphore(12))  # as of many processes
    outcomes: list[str] = []

    def guess() -> None:
        with app.app_context():
            try:
                sign_in.sign_in(EMAIL, WRONG)
            except (NotRecognised, TooManyAttempts) as refused:
                outcomes.append(type(refused).__name__)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes.count("NotRecognised") == 5
    assert outcomes.count("TooManyAttempts") == 7


def test_the_right_password_forgets_the_wrong_ones() -> None:
    for _ in range(4):
        with pytest.raises(NotRecognised):
            sign_in.sign_in(EMAIL, WRONG)
    sign_in.sign_in(EMAIL, PASSWORD)

    assert stored.read_rows(SignInAttempts) == []


def test_a_hash_of_older_parameters_is_renewed_at_the_next_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    [before] = [user.password_hash for user in stored.read_rows(User)]
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))

    sign_in.sign_in(EMAIL, PASSWORD)

    [after] = [user.password_hash for user in stored.read_rows(User)]
    assert after != before and "t=2" in after
    assert sign_in.sign_in(EMAIL, PASSWORD)


# Second factor


@pytest.fixture
def secret(head: str) -> str:
    """The head has a second factor."""
    return add_second_factor(head)


def test_the_right_code_starts_a_new_session_with_all_rights(secret: str) -> None:
    half = sign_in.sign_in(EMAIL, PASSWORD)
    assert half.stage == CODE_STAGE

    entered = second_factor_flow.enter_code(visiting(half.token), current_code(secret))

    assert visiting(entered.token).is_signed_in
    assert sign_in.find_current_user(half.token) is None, "what was known before opens nothing"
    assert (EMAIL, "signed_in") in journal()


def test_a_code_works_once(secret: str, time_is: TimeIs) -> None:
    time_is("2026-11-20T10:15:05+02:00")
    first, second = (visiting(sign_in.sign_in(EMAIL, PASSWORD).token) for _ in range(2))
    second_factor_flow.enter_code(first, current_code(secret))

    with pytest.raises(NotRecognised):
        second_factor_flow.enter_code(second, current_code(secret))
    time_is("2026-11-20T10:15:35+02:00")
    assert second_factor_flow.enter_code(second, current_code(secret))


def test_of_two_sign_ins_with_the_same_code_at_once_one_succeeds(app: Flask, secret: str) -> None:
    halves = [visiting(sign_in.sign_in(EMAIL, PASSWORD).token) for _ in range(2)]
    code, outcomes = current_code(secret), list[bool]()

    def enter(half: CurrentUser) -> None:
        with app.app_context():
            try:
                second_factor_flow.enter_code(half, code)
                outcomes.append(True)
            except NotRecognised:
                outcomes.append(False)

    threads = [threading.Thread(target=enter, args=(half,)) for half in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [False, True]


def test_wrong_codes_wait_as_wrong_passwords_do(secret: str) -> None:
    half = visiting(sign_in.sign_in(EMAIL, PASSWORD).token)
    wrong = f"{(int(current_code(secret)) + 1) % 1_000_000:06}"
    for _ in range(5):
        with pytest.raises(NotRecognised):
            second_factor_flow.enter_code(half, wrong)

    with pytest.raises(TooManyAttempts):
        second_factor_flow.enter_code(half, current_code(secret))


def test_nobody_makes_another_wait_for_their_code_without_their_password(secret: str) -> None:
    half = visiting(sign_in.sign_in(EMAIL, PASSWORD).token)
    for _ in range(5):
        with pytest.raises(NotRecognised):
            sign_in.sign_in(f"code/{half.user_id}", "навмання")

    assert second_factor_flow.enter_code(half, current_code(secret)).stage == FULL_STAGE


def test_a_second_factor_is_set_up_by_its_first_code_and_asked_for_from_then_on() -> None:
    half = visiting(sign_in.sign_in(EMAIL, PASSWORD).token)
    secret = second_factor_flow.offer_second_factor(half)
    assert second_factor_flow.offer_second_factor(half) == secret, "the same until it is confirmed"

    with pytest.raises(NotRecognised):
        second_factor_flow.confirm_second_factor(half, "000000" if current_code(secret) != "000000" else "000001")
    assert sign_in.sign_in(EMAIL, PASSWORD).stage == SET_UP_STAGE
    assert second_factor_flow.confirm_second_factor(half, current_code(secret)).stage == FULL_STAGE

    assert sign_in.sign_in(EMAIL, PASSWORD).stage == CODE_STAGE
    [user] = stored.read_rows(User)
    assert secret.encode() not in user.second_factor


def test_the_second_factor_cannot_be_postponed_unless_the_setting_allows_it(app: Flask) -> None:
    half = visiting(sign_in.sign_in(EMAIL, PASSWORD).token)

    with pytest.raises(NotAllowed):
        second_factor_flow.postpone_second_factor(half)
    object.__setattr__(app.config["SETTINGS"], "second_factor", "optional")
    assert second_factor_flow.postpone_second_factor(half).stage == FULL_STAGE


def test_an_existing_second_factor_cannot_be_postponed(app: Flask, secret: str) -> None:
    object.__setattr__(app.config["SETTINGS"], "second_factor", "optional")
    half = visiting(sign_in.sign_in(EMAIL, PASSWORD).token)

    with pytest.raises(NotAllowed):
        second_factor_flow.postpone_second_factor(half)


def test_a_second_factor_set_up_meanwhile_cannot_be_postponed(app: Flask) -> None:
    object.__setattr__(app.config["SETTINGS"], "second_factor", "optional")
    thief, owner = (visiting(sign_in.sign_in(EMAIL, PASSWORD).token) for _ in range(2))
    second_factor_flow.confirm_second_factor(owner, current_code(second_factor_flow.offer_second_factor(owner)))

    with pytest.raises(NotAllowed):
        second_factor_flow.postpone_second_factor(thief)


def test_a_secret_sealed_with_another_key_lets_nobody_in(secret: str) -> None:
    [user] = stored.read_rows(User)
    _seal(second_factor.seal_secret(b"x" * 32, user.id, secret))
    half = visiting(sign_in.sign_in(EMAIL, PASSWORD).token)

    with pytest.raises(NotRecognised):
        second_factor_flow.enter_code(half, current_code(secret))


@transaction
def _seal(tx: Session, kept: bytes) -> None:
    tx.execute(update(User).values(second_factor=kept))


# Known browsers: while somebody guesses


def enter(secret: str, time_is: TimeIs, proof: str = "") -> SessionStarted:
    """Sign in with password and code, half a minute later than anybody before."""
    time_is(clock.now() + timedelta(seconds=30))
    half = sign_in.sign_in(EMAIL, PASSWORD, proof)
    return second_factor_flow.enter_code(visiting(half.token), current_code(secret), proof)


def guess_until_it_waits(proof: str = "") -> None:
    """Type wrong passwords until the next one has to wait."""
    for _ in range(20):
        try:
            sign_in.sign_in(EMAIL, WRONG, proof)
        except NotRecognised:
            continue
        except TooManyAttempts:
            return
    raise AssertionError("nobody had to wait")


def guess_code_until_it_waits(half: CurrentUser, secret: str) -> None:
    """Type wrong codes until the next one has to wait."""
    wrong = f"{(int(current_code(secret)) + 1) % 1_000_000:06}"
    for _ in range(20):
        try:
            second_factor_flow.enter_code(half, wrong)
        except NotRecognised:
            continue
        except TooManyAttempts:
            return
    raise AssertionError("nobody had to wait")


def test_who_signed_in_here_before_comes_in_while_somebody_guesses(nine: None, secret: str, time_is: TimeIs) -> None:
    proof = enter(secret, time_is).proof
    assert proof is not None
    guess_until_it_waits()

    for _ in range(3):  # and again, however long it goes on
        time_is(clock.now() + timedelta(minutes=15))
        guess_until_it_waits()
        assert enter(secret, time_is, proof).stage == FULL_STAGE
    with pytest.raises(TooManyAttempts):
        sign_in.sign_in(EMAIL, PASSWORD)


def test_the_code_page_lets_a_known_browser_in_while_somebody_with_the_password_guesses(
    nine: None, secret: str, time_is: TimeIs
) -> None:
    proof = enter(secret, time_is).proof
    assert proof is not None
    thief = visiting(sign_in.sign_in(EMAIL, PASSWORD).token)
    guess_code_until_it_waits(thief, secret)
    time_is(clock.now() + timedelta(seconds=30))
    guess_code_until_it_waits(thief, secret)  # now for a minute

    assert enter(secret, time_is, proof).stage == FULL_STAGE


def test_a_known_browser_has_a_count_of_its_own_and_waits_as_others_do(
    nine: None, secret: str, time_is: TimeIs
) -> None:
    proof = enter(secret, time_is).proof
    assert proof is not None
    guess_until_it_waits(proof)

    with pytest.raises(TooManyAttempts):
        sign_in.sign_in(EMAIL, PASSWORD, proof)
    assert sign_in.sign_in(EMAIL, PASSWORD).stage == CODE_STAGE, "others are not kept out by it"


def test_half_a_sign_in_makes_no_browser_known(secret: str) -> None:
    assert sign_in.sign_in(EMAIL, PASSWORD).proof is None


def test_a_new_password_makes_every_browser_unknown_but_the_one_that_changed_it(
    nine: None, secret: str, time_is: TimeIs
) -> None:
    started, new = enter(secret, time_is), "нове гасло для входу"
    assert started.proof is not None
    changed = sign_in.change_password(visiting(started.token), PASSWORD, new)
    assert changed.proof is not None
    guess_until_it_waits()

    with pytest.raises(TooManyAttempts):
        sign_in.sign_in(EMAIL, new, started.proof)
    assert sign_in.sign_in(EMAIL, new, changed.proof)


def test_one_changes_the_password_while_somebody_guesses_at_the_sign_in() -> None:
    visitor = visiting(create_session(EMAIL))
    guess_until_it_waits()

    assert sign_in.change_password(visitor, PASSWORD, "нове гасло для входу").stage == FULL_STAGE


def test_who_sits_down_at_an_open_session_guesses_its_password_no_faster() -> None:
    visitor = visiting(create_session(EMAIL))
    for _ in range(5):
        with pytest.raises(Invalid):
            sign_in.change_password(visitor, WRONG, "нове гасло для входу")

    with pytest.raises(TooManyAttempts):
        sign_in.change_password(visitor, PASSWORD, "нове гасло для входу")


def test_a_link_lets_its_user_in_from_a_new_browser_while_somebody_guesses() -> None:
    guess_until_it_waits()
    with pytest.raises(TooManyAttempts):
        sign_in.sign_in(EMAIL, PASSWORD)

    proof = sign_in.set_password(create_password_link(EMAIL), "нове гасло для входу")

    assert sign_in.sign_in(EMAIL, "нове гасло для входу", proof)


def test_strangers_who_sign_in_all_the_time_keep_no_known_browser_waiting(
    app: Flask, nine: None, secret: str, time_is: TimeIs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "MAX_TURN_WAIT", 0.01)
    proof = enter(secret, time_is).proof
    assert proof is not None

    with passwords.take_turn(is_known=False):  # somebody's password is being verified, and the next one's after it
        with pytest.raises(SignInBusy) as refused:
            sign_in.sign_in(EMAIL, PASSWORD)
        assert enter(secret, time_is, proof).stage == FULL_STAGE
    assert refused.value.status == 503 and refused.value.retry_after > 0


def test_a_sign_in_that_got_no_turn_was_no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MAX_TURN_WAIT", 0.01)
    with passwords.take_turn(is_known=False):
        for _ in range(6):
            with pytest.raises(SignInBusy):
                sign_in.sign_in(EMAIL, PASSWORD)

    assert sign_in.sign_in(EMAIL, PASSWORD)


# What its user is told


def test_one_is_told_how_many_attempts_failed_since_the_last_sign_in(nine: None, secret: str, time_is: TimeIs) -> None:
    enter(secret, time_is)
    for _ in range(4):
        with pytest.raises(NotRecognised):
            sign_in.sign_in(EMAIL, WRONG)

    told = visiting(enter(secret, time_is).token).failed_before

    assert told == 4
    assert visiting(enter(secret, time_is).token).failed_before == 0, "they are told once"


def test_attempts_that_failed_are_told_days_later(nine: None, secret: str, time_is: TimeIs) -> None:
    with pytest.raises(NotRecognised):
        sign_in.sign_in(EMAIL, WRONG)
    time_is(clock.now() + timedelta(days=5))
    maintenance.purge_sessions_and_attempts()

    assert visiting(enter(secret, time_is).token).failed_before == 1


def test_somebody_who_has_the_password_and_not_the_code_is_told_too(nine: None, secret: str, time_is: TimeIs) -> None:
    half = visiting(sign_in.sign_in(EMAIL, PASSWORD).token)
    with pytest.raises(NotRecognised):
        second_factor_flow.enter_code(half, "12")

    assert visiting(enter(secret, time_is).token).failed_before == 2


def test_four_attempts_between_two_sign_ins_leave_a_line_in_the_audit_log(
    nine: None, secret: str, time_is: TimeIs
) -> None:
    proof = enter(secret, time_is).proof
    assert proof is not None
    for _ in range(4):
        with pytest.raises(NotRecognised):
            sign_in.sign_in(EMAIL, WRONG)
    assert [action for _, action in journal()][1:] == ["signed_in"]

    enter(secret, time_is, proof)

    assert [action for _, action in journal()][1:] == ["signed_in", "attempts_before", "signed_in"]
    assert [entry.object for entry in stored.read_rows(JournalEntry) if entry.action == "attempts_before"] == ["4"]


# Session


@pytest.fixture
def nine(time_is: TimeIs) -> Iterator[None]:
    """It is nine o'clock."""
    time_is("2026-11-20T09:00+02:00")
    yield


def test_a_session_ends_half_an_hour_after_its_last_use(nine: None, time_is: TimeIs) -> None:
    token = create_session(EMAIL)
    for minutes in range(0, 120, 25):
        time_is(clock.now() + timedelta(minutes=25))
        assert sign_in.find_current_user(token), f"after {minutes} minutes of work"
    time_is(clock.now() + timedelta(minutes=30, seconds=1))
    assert sign_in.find_current_user(token) is None


def test_a_session_ends_twelve_hours_after_it_began_however_busy(nine: None, time_is: TimeIs) -> None:
    token = create_session(EMAIL)
    for _ in range(36):
        time_is(clock.now() + timedelta(minutes=20))
        assert sign_in.find_current_user(token)
    time_is(clock.now() + timedelta(seconds=1))
    assert sign_in.find_current_user(token) is None


def test_a_session_that_was_never_begun_is_nobodys() -> None:
    for token in ("", "x" * 43, "\ud800", "й" * 100_000):
        assert sign_in.find_current_user(token) is None


def test_signing_out_ends_this_session_or_all() -> None:
    first, second, third = (create_session(EMAIL) for _ in range(3))

    sign_in.sign_out(visiting(first))
    assert (sign_in.find_current_user(first), bool(sign_in.find_current_user(second))) == (None, True)
    sign_in.sign_out(visiting(second), everywhere=True)
    assert sign_in.find_current_user(third) is None


def test_users_end_only_their_own_sessions() -> None:
    mine, other = visiting(create_session(EMAIL)), visiting(create_session(EMAIL))
    foreign = visiting(create_session(create_user("administrator")))

    assert {each.id for each in sign_in.list_own_sessions(mine)} == {mine.session_id, other.session_id}
    with pytest.raises(NotFound):
        sign_in.end_session(mine, foreign.session_id)
    sign_in.end_session(mine, other.session_id)
    assert [each.id for each in sign_in.list_own_sessions(mine)] == [mine.session_id]


def test_a_disabled_user_is_out_at_once() -> None:
    token = create_session(EMAIL)
    users.disable_user(None, users.find_user_id(EMAIL))
    assert sign_in.find_current_user(token) is None


def test_the_worker_deletes_ended_sessions_and_old_attempts(nine: None, time_is: TimeIs) -> None:
    create_session(EMAIL)
    with pytest.raises(NotRecognised):
        sign_in.sign_in(EMAIL, WRONG)
    time_is(clock.now() + timedelta(days=2))

    assert maintenance.purge_sessions_and_attempts() == 2
    assert stored.read_rows(UserSession) == stored.read_rows(SignInAttempts) == []


# Passwords are set


def test_a_changed_password_leaves_one_new_session() -> None:
    first, second = create_session(EMAIL), create_session(EMAIL)
    new = "нове гасло для входу"

    entered = sign_in.change_password(visiting(first), PASSWORD, new)

    assert sign_in.find_current_user(first) is sign_in.find_current_user(second) is None
    assert visiting(entered.token).is_signed_in
    assert sign_in.sign_in(EMAIL, new)
    with pytest.raises(NotRecognised):
        sign_in.sign_in(EMAIL, PASSWORD)


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        (WRONG, "нове гасло для входу", "/current"),
        (PASSWORD, "коротке", "/password"),
        (PASSWORD, EMAIL, "/password"),
    ],
)
def test_a_password_is_not_changed_by_who_does_not_know_it_nor_to_one_that_can_be_guessed(
    current: str, new: str, field: str
) -> None:
    visitor = visiting(create_session(EMAIL))
    with pytest.raises(Invalid) as refused:
        sign_in.change_password(visitor, current, new)

    assert [error.pointer for error in refused.value.errors] == [field]
    assert sign_in.sign_in(EMAIL, PASSWORD)


def test_a_link_sets_a_password_once_within_three_days(nine: None, time_is: TimeIs) -> None:
    link = create_password_link(EMAIL)
    assert sign_in.find_email_by_link(link) == EMAIL
    with pytest.raises(Invalid):
        sign_in.set_password(link, "коротке")

    sign_in.set_password(link, "нове гасло для входу")

    assert sign_in.sign_in(EMAIL, "нове гасло для входу")
    with pytest.raises(NotFound):
        sign_in.set_password(link, "ще одне гасло для входу")
    late = create_password_link(EMAIL)
    time_is(clock.now() + timedelta(days=3))
    with pytest.raises(NotFound):
        sign_in.find_email_by_link(late)


def test_a_newer_link_and_a_disabled_user_make_a_link_worthless() -> None:
    older, newer = create_password_link(EMAIL), create_password_link(EMAIL)
    with pytest.raises(NotFound):
        sign_in.find_email_by_link(older)
    users.disable_user(None, users.find_user_id(EMAIL))
    with pytest.raises(NotFound):
        sign_in.find_email_by_link(newer)


def test_a_form_s_token_belongs_to_one_session() -> None:
    one, other = create_session(EMAIL), create_session(EMAIL)

    assert sessions.is_form_token(one, sessions.derive_form_token(one))
    for sent in ("", sessions.derive_form_token(other), sessions.derive_form_token(one)[:-1], "\ud800"):
        assert not sessions.is_form_token(one, sent)
