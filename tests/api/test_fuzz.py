"""Whatever is sent, the door answers with what it promises and never with a fault of its own."""

import json
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from feedback_service.flow import tablet_pairing
from tests.api.conftest import Caller, NewCaller, make_case, token_of
from tests.support import story
from tests.support.database import SharedDatabase
from tests.support.tablets import date_back_tablets

pytestmark = pytest.mark.slow

texts: SearchStrategy[str] = st.one_of(
    st.text(max_size=80),
    st.text(st.characters(categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Co", "Cn"]), max_size=8),
    st.sampled_from(
        [
            *("", " ", "\x00", "\ud800", "\udfff\ud800", "\u202e", "\ufeff", "1e999", "null"),
            *("2026-02-30", "0000-00-00", "9999-12-31T23:59:59.9-23:59", "2026-11-20T10:15:00+99:99"),
            *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
            *("SN12000007", "uk", "offline", "completed", "refused", "cancelled", "00034", "paper_box"),
            "8a3f1f0e-6f0b-4c5f-9d55-2f6f1f5f7a10",
        ]
    ),
)
scalars: SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(10**40), 10**40), st.floats(), texts
)
values: SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=10,
)


def is_json(value: Any) -> bool:
    """Whether it can be sent: NaN and Infinity spoil the whole body, as any noise does."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


ANSWERED = {
    "client_id": "8a3f1f0e-6f0b-4c5f-9d55-2f6f1f5f7a10",
    "language": "uk",
    "answers": {"off.nps": 9, "off.staff": "great", "any.reasons": ["seats"], "any.comment": "Добре"},
}
HEARD = ANSWERED | {
    "centre": story.CENTRE,
    "service": {"code": "00034"},
    "front_office": "offline",
    "source": "paper_box",
    "answered_on": "2026-11-19",
}
BODIES: dict[str, dict[str, Any]] = {
    "/cases": make_case(provider_edrpou="00032112", workplace="window-3", registered_at="2026-11-18T09:00:00+02:00"),
    "/cases/batch": {"cases": [make_case(), make_case(case_number="2", status="registered")]},
    "/responses": HEARD,
    "/surveys/TOKEN/responses": ANSWERED,
}
FROM_A_TABLET = {
    "client_id": "8a3f1f0e-6f0b-4c5f-9d55-2f6f1f5f7a10",
    "questionnaire": "offline-2026.1",
    "language": "uk",
    "answers": {"off.nps": 9, "off.staff": "great", "any.reasons": ["seats"]},
    "answered_at": "2026-11-20T10:15:00+02:00",
    "short_code": "7K3M-9QXT",
    "pace": {"seconds": 20, "recent": 0, "alike": 0},
}
TABLET_BODIES: dict[str, dict[str, Any]] = {
    "/kiosk/pairing": {},
    "/kiosk/pair": {"pairing_code": "K7Q2-7K3M"},
    "/kiosk/heartbeat": {
        "time": "2026-11-20T10:15:00+02:00",
        "version": "3f0c2a9d41be",
        "queue": 2,
        "oldest_at": "2026-11-20T10:15:00+02:00",
        "persisted": True,
        "battery": 0.83,
    },
    "/kiosk/codes": {"short_code": "7K3M-9QXT"},
    "/kiosk/responses": {"responses": [FROM_A_TABLET, FROM_A_TABLET | {"short_code": None}]},
}


@st.composite
def damaged(draw: st.DrawFn, whole: Any) -> Any:
    """A body that was right, with one to four things in it put wrong."""
    body = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(1, 4))):
        place: Any = body
        while isinstance(place, (dict, list)) and place:
            name = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if isinstance(place[name], (dict, list)) and place[name] and draw(st.booleans()):
                place = place[name]
                continue
            match draw(st.sampled_from(["change", "change", "drop", "add"])):
                case "change":
                    place[name] = draw(values)
                case "drop":
                    place.pop(name)
                case _ if isinstance(place, dict):
                    place[draw(texts)] = draw(values)
                case _:
                    place.append(draw(values))
            break
    return body


@pytest.fixture
def database_url(shared_database: SharedDatabase, request: pytest.FixtureRequest) -> str:
    """An empty migrated database of the kind that the test names."""
    return shared_database(request.param)


@pytest.fixture
def tablet(app: Flask, centre: str) -> Caller:
    """A tablet in the centre's hall."""
    with app.app_context():
        key = tablet_pairing.pair_tablet(tablet_pairing.add_tablet(centre, name="Планшет", mode="hall")).key
        date_back_tablets()  # it sends an answer of a day long ago
        return Caller(app.test_client(), key)


often = settings(
    max_examples=75,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("path", BODIES | TABLET_BODIES)
def test_a_damaged_body_never_breaks_the_door(new_caller: NewCaller, tablet: Caller, path: str) -> None:
    system = new_caller()
    token = token_of(system.post("/cases", make_case(case_number="open")).json)
    address, caller = path.replace("TOKEN", token), system if path in BODIES else tablet

    @often
    @given(st.one_of(damaged((BODIES | TABLET_BODIES)[path]), values))
    def send(body: Any) -> None:
        assert caller.post(address, data=json.dumps(body), content_type="application/json").status_code < 500

    send()


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_damaged_answer_of_a_tablet_spoils_no_other(tablet: Caller) -> None:
    @often
    @given(st.one_of(damaged(FROM_A_TABLET), values), st.uuids())
    def send(item: Any, client: UUID) -> None:
        assume(is_json(item))
        sound = FROM_A_TABLET | {"client_id": str(client), "short_code": None}
        [_, became] = tablet.post("/kiosk/responses", {"responses": [item, sound]}).json["results"]
        assert became["status"] in ("accepted", "duplicate")

    send()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", BODIES | TABLET_BODIES)
def test_bytes_that_are_no_json_never_break_the_door(new_caller: NewCaller, tablet: Caller, path: str) -> None:
    caller = new_caller() if path in BODIES else tablet
    whole = json.dumps((BODIES | TABLET_BODIES)[path]).encode()

    @often
    @given(st.binary(max_size=200), st.integers(0, len(whole)), st.integers(0, 3))
    def send(noise: bytes, at: int, cut: int) -> None:
        sent = whole[:at] + noise + whole[at + cut :]
        reply = caller.post(path.replace("TOKEN", "A" * 26), data=sent, content_type="application/json")
        assert reply.status_code < 500

    send()


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_no_question_breaks_the_door(app: Flask, new_caller: NewCaller) -> None:
    caller = new_caller()
    names = st.one_of(st.sampled_from(["centre", "from", "to", "by", "source", "front_office", "lang"]), texts)
    days = st.dates().map(str)
    words = st.sampled_from(["week", "service", "qr_hall", "online", story.CENTRE])

    @often
    @given(st.lists(st.tuples(names, st.one_of(texts, days, words)), max_size=5))
    def ask(parameters: list[tuple[str, str]]) -> None:
        sendable = [tuple(part.encode("utf-8", "replace").decode() for part in pair) for pair in parameters]
        for path in ("/summaries", "/docs"):
            assert caller.get(path, query_string=sendable).status_code < 500

    ask()


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_no_token_breaks_the_door(app: Flask, stranger: Caller) -> None:
    @often
    @given(st.one_of(texts, st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=26, max_size=26)))
    def open_survey(token: str) -> None:
        path = token.encode("utf-8", "replace").decode().replace("/", "").replace("?", "").replace("#", "")
        if path.strip(".") and path.strip():
            assert stranger.client.get(f"/api/v1/surveys/{path}").status_code in (404, 308)

    open_survey()
