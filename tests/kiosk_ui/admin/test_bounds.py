"""Nothing that anybody can ask for grows with the database: pages, lists, files and replies have a bound.

Every address is asked for while the tables hold many rows, and again when they hold twice as many. A new address fails
here until it says how to ask for it. Tables of figures have a row for each rated service; how many services a centre
may have is bounded where they are added.
"""

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from feedback_service.cases import register
from feedback_service.flow import answers, api_keys, audit, cases, centre_profile, comments, tablet_pairing
from kiosk_ui.admin import paging
from tests.conftest import TimeIs
from tests.kiosk_ui.admin.conftest import OWN_CENTRE
from tests.support import respondents, story
from tests.support.full_tables import add_sessions, fill_tables
from tests.support.respondents import Person
from tests.support.staff import StaffClient
from tests.support.statements import record_statements

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("context")]

MANY = 550  # rows of every list, more than any list shows
MOST_BYTES = 400_000  # of a page, reply or file
MOST_STATEMENTS = 60  # of a request
ROOM = 5_000  # bytes, by which numbers and names may make a reply longer
TODAY = date(2026, 11, 20)

# Addresses whose size depends on the program and not on the database; /metrics has a line for each route.
FIXED = (
    "/metrics",
    "/assets/",
    "/docs.css",
    "/schemas/",
    "/problems/",
    "/kiosk/worker.js",
    "/kiosk/manifest",
    "/api/v1/openapi",
)
ROLES = ("head", "ministry", "operator")  # together they see every page


class Measured(NamedTuple):
    """What a reply cost."""

    size: int
    statements: int


def add_rows(start: int) -> None:
    """Add many rows to all tables, with answers for figures and comments."""
    day = TODAY - timedelta(days=1)
    respondents.store_answers(Person(day, {"off.nps": "9"}, service=None) for _ in range(MANY))
    fill_tables(OWN_CENTRE, MANY, start=start, today=TODAY)


@pytest.fixture
def arguments(app: Flask, centres: None, time_is: TimeIs) -> Mapping[str, str]:
    """Values for the parts of addresses; the tables are full."""
    time_is("2026-11-20T12:00+02:00")
    add_rows(0)
    report = story.make_case_update("in_progress")
    minutes = [report.status_at - timedelta(minutes=minute) for minute in range(register.MAX_STATUSES)]
    results = cases.register_cases([replace(report, status_at=minute) for minute in minutes], {OWN_CENTRE})
    case, invitation = results[-1].case, story.create_invitation()
    assert case is not None
    return {
        "centre": OWN_CENTRE,
        "code": OWN_CENTRE,
        "token": invitation.token,
        "case_id": str(case.id),
        "format": "csv",
        "paper": "58",
        "receipt": story.send_answer(story.create_invitation().token, {"off.nps": 9}).receipt,
        "secret": "x" * 43,
        "path": "nothing",
    }


def find_addresses(app: Flask, arguments: Mapping[str, str], user: str) -> Iterator[str]:
    """Yield an address for every route that can be read, and those of files and filtered lists."""
    more = {
        "admin.breakdown": ["by=service", "by=workplace"],
        "admin.export": ["table=service-offline&format=csv", "table=service-offline&format=json"],
        "admin.services": ["q=витягу", "page=2"],
        "api.deliveries.list_deliveries": ["limit=200", "state=dead"],
        "api.summaries.read_summary": ["by=service", "by=workplace"],
    }
    values = {**arguments, "user": user}
    for rule in app.url_map.iter_rules():
        if rule.methods and "GET" in rule.methods and not rule.rule.startswith(FIXED):
            address = _build_address(rule, values)
            yield address
            yield from (f"{address}?{query}" for query in more.get(rule.endpoint, ()))


def _build_address(rule: Rule, values: Mapping[str, str]) -> str:
    unknown = rule.arguments - values.keys()
    assert not unknown, f"{rule.rule}: say here how to ask for it, so that its size is measured"
    address = rule.rule
    for name in rule.arguments:
        address = re.sub(rf"<([^<>]*:)?{name}>", values[name], address)
    return address


def measure(client: FlaskClient, addresses: Iterable[str], headers: Mapping[str, str]) -> dict[str, Measured]:
    """Ask for every address; return the bytes and statements of each reply."""
    measured = {}
    for address in addresses:
        with record_statements() as executed:
            reply = client.get(address, headers=headers)
            size = len(reply.get_data())
        with client.application.app_context():  # what is written later must not be counted with the next reply
            answers.opened_invitations.write_now()
            audit.recent_reads.write_now()
        assert reply.status_code < 500, address
        measured[address] = Measured(size, len(executed))
    return measured


def find_unbounded(
    before: Mapping[str, Measured], after: Mapping[str, Measured]
) -> dict[str, tuple[Measured, Measured]]:
    """Return what grew with the rows or is too large, by address."""
    return {
        address: (one, other)
        for address, one in before.items()
        if (other := after[address]).size > min(one.size + ROOM, MOST_BYTES)
        or other.statements > min(one.statements, MOST_STATEMENTS)
    }


@pytest.mark.parametrize("role", ROLES)
def test_no_page_or_file_for_staff_grows_with_the_database(
    app: Flask, arguments: Mapping[str, str], role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comments, "MAX_EXPORTED", 50)
    me = StaffClient.sign_in(app, role)
    add_sessions(me.email, MANY)
    addresses = list(find_addresses(app, arguments, str(uuid.uuid4())))

    before = measure(me.client, addresses, {})
    add_rows(MANY)
    add_sessions(me.email, MANY)

    assert find_unbounded(before, measure(me.client, addresses, {})) == {}


def test_no_reply_to_a_program_and_no_public_page_grows_with_the_database(
    app: Flask, arguments: Mapping[str, str]
) -> None:
    scopes = ["cases:read", "cases:write", "summaries:read", "deliveries:manage"]
    key = api_keys.add_key(scopes, [OWN_CENTRE])
    tablet = tablet_pairing.add_tablet(OWN_CENTRE, name="Планшет", mode="hall")
    secrets = [key, tablet_pairing.pair_tablet(tablet).key]
    addresses = list(find_addresses(app, arguments, str(uuid.uuid4())))
    callers = [{"Authorization": f"Bearer {secret}"} for secret in secrets]

    before = [measure(app.test_client(), addresses, headers) for headers in callers]
    add_rows(MANY)

    for headers, earlier in zip(callers, before, strict=True):
        assert find_unbounded(earlier, measure(app.test_client(), addresses, headers)) == {}


def test_the_bounds_are_what_this_file_says() -> None:
    """A bound above the number of rows would not be tested here."""
    assert max(paging.PAGE_SIZE, centre_profile.SERVICES_ON_PAGE, centre_profile.MAX_LISTED_SERVICES) < MANY
