"""Every address under /admin is requested by every role, for the own centre and for a foreign one.

A view that is added later is requested too, and fails here until ``TABLE`` says what it needs and what it is about.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from feedback_service.access import roles, sessions
from feedback_service.access.sessions import CODE_STAGE, SET_UP_STAGE
from feedback_service.bearer_secrets import hash_secret
from feedback_service.database import reading
from feedback_service.flow import alarm_duties, api_keys, duties, tablet_health, tablet_pairing
from feedback_service.models import Alarm, ApiKey, Centre, Event, User, UserSession
from feedback_service.vocabulary import ROLES
from kiosk_ui import admin
from kiosk_ui.admin.admission import ANYBODY, SIGNED_IN
from tests.kiosk_ui.admin.conftest import FOREIGN_CENTRE, OWN_CENTRE, SignedIn
from tests.support.staff import (
    SAME_ORIGIN_HEADERS,
    StaffClient,
    create_password_link,
    create_session,
    create_user,
)
from tests.support.story import create_invitation, send_answer

pytestmark = pytest.mark.slow

# What each view needs, and what it is about: nothing, or something that has an owner.
TABLE: dict[str, tuple[str, str | None]] = {
    "admin.home": (SIGNED_IN, None),
    "admin.nowhere": (SIGNED_IN, "nothing"),
    # sign-in and account
    "admin.sign_in": (ANYBODY, None),
    "admin.enter": (ANYBODY, None),
    "admin.code": (CODE_STAGE, None),
    "admin.enter_code": (CODE_STAGE, None),
    "admin.set_up": (SET_UP_STAGE, None),
    "admin.confirm": (SET_UP_STAGE, None),
    "admin.choose_password": (ANYBODY, "link"),
    "admin.set_password": (ANYBODY, "link"),
    "admin.account": (SIGNED_IN, None),
    "admin.change_password": (SIGNED_IN, None),
    "admin.end_session": (SIGNED_IN, "session"),
    "admin.sign_out": (SIGNED_IN, None),
    # users
    "admin.users": (roles.USERS, None),
    "admin.new_user": (roles.USERS, None),
    "admin.add_user": (roles.USERS, None),
    "admin.user": (roles.USERS, "user"),
    "admin.change_user": (roles.USERS, "user"),
    "admin.renew_link": (roles.USERS, "user"),
    "admin.disable_user": (roles.USERS, "user"),
    "admin.enable_user": (roles.USERS, "user"),
    "admin.reset_second_factor": (roles.USERS, "user"),
    # keys
    "admin.keys": (roles.KEYS, None),
    "admin.make_key": (roles.KEYS, None),
    "admin.revoke_key": (roles.KEYS, "key"),
    # tablets
    "admin.tablets": (roles.DEVICES, None),
    "admin.approve_tablet": (roles.DEVICES, None),
    "admin.add_tablet": (roles.DEVICES, None),
    "admin.import_queue": (roles.DEVICES, None),
    "admin.new_tablet_code": (roles.DEVICES, "tablet"),
    "admin.revoke_tablet": (roles.DEVICES, "tablet"),
    # centre
    "admin.centres": (roles.PROFILE, None),
    "admin.profile": (roles.PROFILE, "centre"),
    "admin.change_profile": (roles.PROFILE, "centre"),
    "admin.services": (roles.PROFILE, "centre"),
    "admin.import_services": (roles.PROFILE, "centre"),
    "admin.poster": (roles.PROFILE, "centre"),
    # comments and alarms
    "admin.comments": (roles.COMMENTS, "centre"),
    "admin.export_comments": (roles.COMMENTS, "centre format"),
    "admin.set_comment_aside": (roles.COMMENTS, "centre comment"),
    "admin.alarms": (roles.ALARMS, None),
    "admin.acknowledge_alarm": (roles.ALARMS, "centre alarm"),
    "admin.choose_emails": (roles.ALARMS, None),
    # figures
    "admin.breakdown": (roles.AGGREGATES, None),
    "admin.compared": (roles.AGGREGATES, None),
    "admin.explain": (roles.EXPLANATIONS, None),
    "admin.export": (roles.AGGREGATES, None),
    # deliveries
    "admin.deliveries": (roles.DELIVERIES, None),
    "admin.send_again": (roles.DELIVERIES, "event"),
    # journal
    "admin.journal": (roles.AUDIT_LOG, None),
}

OPENS = {200, 202, 303, 400, 409, 422}  # the view itself answered, even if it refused the empty form
SEES_ALL = ("central_body", "ministry", "operator")  # for these roles no centre is foreign


@dataclass
class TwoCentres:
    """Ids of what exists in the own centre and in a foreign one, by kind."""

    app: Flask
    own: dict[str, str]
    foreign: dict[str, str]

    def url_arguments(self, kind: str | None, *, own: bool, me: StaffClient | None = None) -> dict[str, str]:
        """Return the arguments of an address about this kind of thing."""
        if kind is None:
            return {}
        if kind == "nothing":
            return {"path": "nothing"}
        if kind == "session":
            owner = me if own and me is not None else None
            return {"session": self._create_session(owner)}
        ids = self.own if own else self.foreign
        return {_argument_name(each): ids[each] for each in kind.split()}

    def _create_session(self, me: StaffClient | None) -> str:
        with self.app.app_context():
            return str(_find_session_id(create_session(me.email if me else create_user("head", FOREIGN_CENTRE))))


def _argument_name(kind: str) -> str:
    return "secret" if kind == "link" else kind


@reading
def _find_session_id(tx: Session, token: str) -> uuid.UUID:
    return tx.scalars(select(UserSession.id).where(UserSession.token_hash == hash_secret(token))).one()


@reading
def _find_user_id(tx: Session, email: str) -> str:
    return str(tx.scalars(select(User.id).where(User.email == email)).one())


@reading
def _find_newest_key_id(tx: Session) -> str:
    return str(tx.scalars(select(ApiKey.id).order_by(ApiKey.id.desc()).limit(1)).one())


def _create_comment(centre: str) -> str:
    return str(send_answer(create_invitation(centre=centre).token, {"any.comment": "Довга черга"}).id)


def _create_alarm(centre: str) -> str:
    for _ in range(6):
        send_answer(create_invitation(centre=centre).token, {"off.quality": "awful"})
    alarm_duties.raise_alarms(duties.never_stop)
    return str(_find_alarm_id(centre))


@reading
def _find_alarm_id(tx: Session, centre: str) -> uuid.UUID:
    return tx.scalars(
        select(Alarm.id).join(Centre, Centre.id == Alarm.centre_id).where(Centre.code == centre, Alarm.subject == "")
    ).one()


@reading
def _find_event_id(tx: Session, centre: str) -> str:
    of_centre = select(Event.id).join(Centre, Centre.id == Event.centre_id).where(Centre.code == centre)
    return str(tx.scalars(of_centre.limit(1)).one())


def _create_tablet(centre: str) -> str:
    tablet_pairing.add_tablet(centre, name="Планшет", mode="hall")
    [tablet] = tablet_health.list_tablets({centre})
    return str(tablet.id)


@pytest.fixture
def two_centres(app: Flask, centres: None) -> TwoCentres:
    """Create a user, a key, a tablet, a link, a comment, an alarm and an event in each of the two centres."""

    def create_things(centre: str) -> dict[str, str]:
        email = create_user("administrator", centre)
        api_keys.add_key(["cases:write"], [centre])
        return {
            "centre": centre,
            "user": _find_user_id(email),
            "key": _find_newest_key_id(),
            "tablet": _create_tablet(centre),
            "link": create_password_link(email),
            "comment": _create_comment(centre),
            "alarm": _create_alarm(centre),
            "format": "csv",
            "event": _find_event_id(centre),
        }

    with app.app_context():
        return TwoCentres(app, create_things(OWN_CENTRE), create_things(FOREIGN_CENTRE))


def list_routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Yield every address of the administration with every method that it takes."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/admin"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def request_route(app: Flask, me: StaffClient | FlaskClient, rule: Rule, method: str, values: dict[str, str]) -> Any:
    """Request the address with an empty form of ours."""
    with app.test_request_context():
        path = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
    if isinstance(me, StaffClient):
        return me.get(path) if method == "GET" else me.post(path)
    return me.open(path, method=method, headers=SAME_ORIGIN_HEADERS)


def test_every_view_is_in_the_table_and_needs_what_the_table_says(app: Flask) -> None:
    needs = {rule.endpoint: getattr(app.view_functions[rule.endpoint], "need", None) for rule, _ in list_routes(app)}

    assert needs == {endpoint: need for endpoint, (need, _) in TABLE.items()}


def test_a_view_that_does_not_say_what_it_needs_cannot_be_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admin, "ADDRESSES", (("GET", "/forgotten", lambda: "open to everybody"),))

    with pytest.raises(RuntimeError, match="/forgotten"):
        admin.register(Flask("forgetful"))


def test_every_role_has_its_line_in_the_table_of_rights() -> None:
    assert set(roles.RIGHTS) == set(ROLES)
    assert not [role for role in roles.GRANTABLE_ROLES if roles.USERS not in roles.RIGHTS[role]]


@pytest.mark.parametrize("role", ROLES)
def test_what_each_role_gets_of_its_own_and_of_others(
    app: Flask, two_centres: TwoCentres, signed_in: SignedIn, role: str
) -> None:
    surprises = {}
    for rule, method in list_routes(app):
        need, kind = TABLE[rule.endpoint]
        for own in (True, False) if kind else (True,):
            me = signed_in(role)
            if need in (CODE_STAGE, SET_UP_STAGE):
                wanted = {303}  # they are signed in already
            elif need not in (ANYBODY, SIGNED_IN) and not roles.has_right(role, need):
                wanted = {403}
            elif kind == "nothing" or (not own and (kind in ("session",) or role not in SEES_ALL)):
                wanted = {404} if kind != "link" else OPENS  # a link works for whoever has it
            else:
                wanted = OPENS | ({401} if need == ANYBODY else set())  # an empty sign-in is a wrong one
            status = request_route(app, me, rule, method, two_centres.url_arguments(kind, own=own, me=me)).status_code
            if status not in wanted:
                surprises[method, rule.rule, "own" if own else "foreign"] = (status, wanted)

    assert not surprises


@pytest.mark.parametrize("stage", [CODE_STAGE, SET_UP_STAGE])
def test_who_is_not_yet_through_the_door_gets_no_further(app: Flask, two_centres: TwoCentres, stage: str) -> None:
    surprises = {}
    for rule, method in list_routes(app):
        need, kind = TABLE[rule.endpoint]
        if need in (ANYBODY, stage):
            continue
        with app.app_context():
            email = create_user("head")
            me = StaffClient(app, email, create_session(email, stage))
        status = request_route(app, me, rule, method, two_centres.url_arguments(kind, own=True, me=me)).status_code
        wanted = 303 if method == "GET" or need in (CODE_STAGE, SET_UP_STAGE) else 401
        if status != wanted:
            surprises[method, rule.rule] = status

    assert not surprises


def test_a_stranger_is_asked_to_sign_in_and_nothing_else(app: Flask, two_centres: TwoCentres) -> None:
    for rule, method in list_routes(app):
        need, kind = TABLE[rule.endpoint]
        reply = request_route(app, app.test_client(), rule, method, two_centres.url_arguments(kind, own=True))
        if need == ANYBODY:
            assert reply.status_code in OPENS | {401}, rule.rule
        elif method == "GET":
            assert reply.status_code == 303, rule.rule
            assert reply.headers["Location"].startswith("/admin/sign-in")
        else:
            assert reply.status_code in (303, 401), rule.rule


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8000"},
    ],
    ids=str,
)
def test_no_form_of_another_site_is_read(
    app: Flask, two_centres: TwoCentres, signed_in: SignedIn, headers: dict[str, str]
) -> None:
    me = signed_in("head")
    for rule, method in list_routes(app):
        if method != "GET":
            with app.test_request_context():
                values = two_centres.url_arguments(TABLE[rule.endpoint][1], own=True, me=me)
                path = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
            fields = {"csrf": sessions.derive_form_token(me.token)}
            assert me.client.open(path, method=method, data=fields, headers=headers).status_code == 403, path


def test_no_form_without_the_token_of_its_session_does_anything(
    app: Flask, two_centres: TwoCentres, signed_in: SignedIn
) -> None:
    me, other = signed_in("head"), signed_in("head")
    for rule, method in list_routes(app):
        need, kind = TABLE[rule.endpoint]
        if method == "GET" or need in (ANYBODY, CODE_STAGE, SET_UP_STAGE):
            continue
        with app.test_request_context():
            values = two_centres.url_arguments(kind, own=True, me=me)
            path = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
        for token in ("", "x", sessions.derive_form_token(other.token)):
            reply = me.client.open(path, method=method, data={"csrf": token}, headers=SAME_ORIGIN_HEADERS)
            assert reply.status_code == 403, path
            assert "kept" not in reply.headers.get("Location", "")


def test_an_older_browser_proves_by_its_origin_where_a_form_comes_from(signed_in: SignedIn) -> None:
    me = signed_in("head")
    fields = {"csrf": sessions.derive_form_token(me.token)}

    reply = me.client.post("/admin/sign-out", data=fields, headers={"Origin": "http://127.0.0.1:8000"})

    assert reply.status_code == 303
