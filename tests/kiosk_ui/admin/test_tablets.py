"""Tablets in the administration: added, watched, revoked, and the answers that one saved to a file."""

import io
import json
import re
import uuid
from base64 import b64encode
from collections.abc import Sequence
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask
from flask.testing import FlaskClient

from feedback_service import clock
from feedback_service.access import sessions
from feedback_service.flow import tablet_pairing
from feedback_service.flow.tablet_health import TabletState, list_tablets
from feedback_service.keyring import current_keyring
from feedback_service.models import JournalEntry, Response
from feedback_service.tablets import devices
from tests.conftest import TimeIs
from tests.kiosk_ui.admin.conftest import FOREIGN_CENTRE, OWN_CENTRE, SignedIn
from tests.support.staff import SAME_ORIGIN_HEADERS
from tests.support.stored import read_rows

HALL = {"name": "Планшет у залі", "mode": "hall", "centre": OWN_CENTRE}


def list_own_tablets(app: Flask, centre: str = OWN_CENTRE) -> list[TabletState]:
    """Return the tablets of a centre."""
    with app.app_context():
        return list_tablets({centre})


def test_an_administrator_gets_a_code_that_pairs_a_tablet(app: Flask, signed_in: SignedIn, client: FlaskClient) -> None:
    page = signed_in().post("/admin/tablets", HALL)
    match = re.search(r"<output[^>]*>([0-9A-Z]{4}-[0-9A-Z]{4})<", page.text)
    assert match is not None
    assert client.post("/api/v1/kiosk/pair", json={"pairing_code": match[1]}).status_code == 200
    [tablet] = list_own_tablets(app)
    assert (tablet.name, tablet.mode) == ("Планшет у залі", "hall")


def test_a_tablet_that_shows_a_code_comes_in_when_it_is_approved(
    app: Flask, signed_in: SignedIn, client: FlaskClient
) -> None:
    pairing = client.post("/api/v1/kiosk/pairing").get_json()
    me = signed_in()
    path = pairing["verification_uri_complete"].removeprefix("http://127.0.0.1:8000")
    assert pairing["user_code"] in me.get(path).text
    desk = {"name": "Вікно 3", "mode": "desk", "workplace": "window-3", "centre": OWN_CENTRE}

    assert me.post("/admin/tablets", desk | {"pairing_code": pairing["user_code"]}).status_code == 303

    paired = client.post("/api/v1/kiosk/pair", json={"pairing_code": pairing["device_code"]}).get_json()
    assert paired["device"]["workplace"] == "window-3"
    with app.app_context():
        actions = [entry.action for entry in read_rows(JournalEntry)]
    assert "tablet_added" in actions


def test_a_code_that_no_tablet_shows_any_more_is_told_before_anything_is_typed(
    signed_in: SignedIn, client: FlaskClient, time_is: TimeIs
) -> None:
    now = time_is("2026-11-20T12:00+02:00")
    path = "/admin/tablets/approve?code=" + client.post("/api/v1/kiosk/pairing").get_json()["user_code"]
    time_is(now + timedelta(minutes=10))

    page = signed_in().get(path)

    assert page.status_code == 404
    assert 'id="error-pairing_code"' in page.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"mode": "desk"}, "workplace"),
        ({"centre": FOREIGN_CENTRE}, "centre"),
        ({"pairing_code": "AAAA-AAAA"}, "pairing_code"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    app: Flask, signed_in: SignedIn, change: dict[str, str], field: str
) -> None:
    page = signed_in().post("/admin/tablets", HALL | {"name": "Наш планшет"} | change)
    assert page.status_code == 422
    assert f'id="error-{field}"' in page.text
    assert field == "name" or "Наш планшет" in page.text
    assert list_own_tablets(app) == [] and list_own_tablets(app, FOREIGN_CENTRE) == []


def test_a_tablet_s_code_is_kept_with_the_form_when_the_session_has_ended(client: FlaskClient, centres: None) -> None:
    late = client.post("/admin/tablets", data=HALL | {"pairing_code": "AAAA-BBBB"}, headers=SAME_ORIGIN_HEADERS)

    assert late.status_code == 401
    assert "AAAA-BBBB" in late.text, "without it another tablet would be added"


def test_what_needs_attention_is_on_the_page(app: Flask, signed_in: SignedIn, time_is: TimeIs) -> None:
    now = time_is("2026-11-20T12:00+02:00")
    with app.app_context():
        tablet_pairing.pair_tablet(tablet_pairing.add_tablet(OWN_CENTRE, name="Тихий", mode="hall"))
    time_is(now + timedelta(minutes=11))
    page = signed_in().get("/admin/tablets").text
    assert "Тихий" in page and "Мовчить понад десять хвилин у години роботи" in page


def test_a_revoked_tablet_is_shut_out(app: Flask, signed_in: SignedIn, client: FlaskClient) -> None:
    with app.app_context():
        key = tablet_pairing.pair_tablet(tablet_pairing.add_tablet(OWN_CENTRE, name="Планшет", mode="hall")).key
    [tablet] = list_own_tablets(app)
    assert signed_in().post(f"/admin/tablets/{tablet.id}/revoke").status_code == 303
    headers = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/v1/kiosk/config", headers=headers).status_code == 401


def make_tablet_file(app: Flask, centre: str, rating: int = 9, short_codes: Sequence[str | None] = (None,)) -> bytes:
    """Return a file with an answer for each short code, as a tablet of the centre saves it."""
    items, nonce = [], bytes(12)
    with app.app_context():
        tablet_pairing.add_tablet(centre, name="Планшет", mode="hall")
        [tablet] = list_tablets({centre})
        cipher = AESGCM(current_keyring().signing_key.derive_queue_key(tablet.id))
        for short_code in short_codes:
            answer = {
                "questionnaire": "offline-2026.1",
                "language": "uk",
                "answers": {"off.nps": rating},
                "answered_at": clock.now().isoformat(),
                "short_code": short_code,
            }
            client = str(uuid.uuid4())
            sealed = nonce + cipher.encrypt(nonce, json.dumps(answer).encode(), client.encode())
            items.append({"client_id": client, "sealed": b64encode(sealed).decode()})
    return json.dumps({"vidhuk": "tablet-queue", "device": str(tablet.id), "items": items}).encode()


def test_what_a_stuck_tablet_saved_is_taken_once(app: Flask, signed_in: SignedIn) -> None:
    me, saved = signed_in(), make_tablet_file(app, OWN_CENTRE)

    for expected in ("узято: 1", "надійшли раніше: 1"):
        fields = {"csrf": sessions.derive_form_token(me.token), "file": (io.BytesIO(saved), "queue.json")}
        page = me.client.post("/admin/tablets/import", data=fields, headers=SAME_ORIGIN_HEADERS)
        assert expected in page.text

    with app.app_context():
        assert len(read_rows(Response)) == 1


def test_why_something_saved_is_no_answer_is_told_in_words(app: Flask, signed_in: SignedIn) -> None:
    me = signed_in()
    file = (io.BytesIO(make_tablet_file(app, OWN_CENTRE, rating=11)), "queue.json")

    page = me.post("/admin/tablets/import", {"file": file})

    assert "відхилено: 1" in page.text
    assert "off.nps: Оберіть ціле число від 0 до 10" in me.get("/admin/tablets").text


def test_a_file_with_too_many_wrong_codes_has_to_wait(app: Flask, signed_in: SignedIn) -> None:
    wrong_codes = [f"0000-{number:04}" for number in range(devices.MAX_WRONG_CODES + 1)]
    file = (io.BytesIO(make_tablet_file(app, OWN_CENTRE, short_codes=wrong_codes)), "queue.json")

    page = signed_in().post("/admin/tablets/import", {"file": file})

    assert page.status_code == 429
    assert "Забагато невдалих спроб" in page.text


@pytest.mark.parametrize("spoil", ["foreign", "changed", "nonsense", "nothing", "no name"])
def test_a_file_that_is_not_ours_is_refused_whole(app: Flask, signed_in: SignedIn, spoil: str) -> None:
    saved = make_tablet_file(app, FOREIGN_CENTRE if spoil == "foreign" else OWN_CENTRE)
    if spoil == "changed":
        document = json.loads(saved)
        document["items"][0]["client_id"] = str(uuid.uuid4())
        saved = json.dumps(document).encode()
    if spoil == "nonsense":
        saved = b"{"
    if spoil == "no name":
        saved = json.dumps(json.loads(saved) | {"device": 7}).encode()
    me = signed_in()
    fields = {"csrf": sessions.derive_form_token(me.token)} | (
        {} if spoil == "nothing" else {"file": (io.BytesIO(saved), "queue.json")}
    )
    page = me.client.post("/admin/tablets/import", data=fields, headers=SAME_ORIGIN_HEADERS)
    assert page.status_code == 422
    assert 'id="error-file"' in page.text
    with app.app_context():
        assert read_rows(Response) == []
