"""What a stuck tablet saved to a file: opened with the keys of the places it had, judged as if it had been sent."""

import base64
import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from feedback_service import clock
from feedback_service.errors import Invalid, TooManyGuesses
from feedback_service.flow import tablet_pairing
from feedback_service.flow.tablet_files import import_tablet_file
from feedback_service.keyring import current_keyring
from feedback_service.models import RefusedTabletAnswer, Response
from feedback_service.tablets import devices
from tests.support import story
from tests.support.stored import read_rows
from tests.support.tablets import make_tablet_answer

pytestmark = pytest.mark.usefixtures("context", "centre")

SOMEONE = "00000000-0000-4000-8000-000000000001"  # a device that nobody knows


@pytest.fixture
def place() -> str:
    """A tablet's place; its id."""
    return a_place()


def a_place(centre: str = story.CENTRE) -> str:
    """A tablet of the centre, paired just now; its id."""
    return str(tablet_pairing.pair_tablet(tablet_pairing.add_tablet(centre, name="Планшет", mode="hall")).id)


def sealed(place: str, item: Mapping[str, Any] | None = None, **how: Any) -> dict[str, Any]:
    """An answer as the tablet in this place keeps it."""
    said = dict(item or make_tablet_answer())
    client = said.pop("client_id", str(uuid.uuid4()))
    nonce, key = bytes(12), current_keyring().signing_key.derive_queue_key(uuid.UUID(place))
    box = AESGCM(key).encrypt(nonce, json.dumps(said).encode(), client.encode())
    return {"client_id": client, "sealed": base64.b64encode(nonce + box).decode()} | how


def a_file(place: str, *items: Any) -> dict[str, Any]:
    """What the tablet in this place saved."""
    return {"vidhuk": "tablet-queue", "device": place, "items": list(items)}


def test_a_tablet_that_was_paired_again_brings_the_answers_of_every_place_it_had(place: str) -> None:
    story.create_centre("SN12000008")
    before = a_place("SN12000008")
    document = a_file(place, sealed(before, device=before), sealed(place, device=place), sealed(place))
    assert import_tablet_file(document) == {"accepted": 3}
    assert len({response.centre_id for response in read_rows(Response)}) == 2


def test_who_looks_after_one_centre_brings_only_its_answers(place: str) -> None:
    story.create_centre("SN12000008")
    foreign = a_place("SN12000008")
    document = a_file(place, sealed(foreign, device=foreign), sealed(place, device=place))
    assert import_tablet_file(document, {story.CENTRE}) == {"accepted": 1, "rejected": 1}
    with pytest.raises(Invalid):
        import_tablet_file(a_file(foreign, sealed(foreign)), {story.CENTRE})


def test_an_answer_that_cannot_be_opened_spoils_no_other(place: str) -> None:
    spoilt = sealed(place) | {"client_id": str(uuid.uuid4())}
    assert import_tablet_file(a_file(place, spoilt, sealed(place))) == {"accepted": 1, "rejected": 1}
    assert len(read_rows(RefusedTabletAnswer)) == 1
    with pytest.raises(Invalid):
        import_tablet_file(a_file(place, spoilt))


@pytest.mark.parametrize(
    "crafted",
    [
        {"answered_at": "2026-11-20T10:00:00"},
        {"answered_at": 5},
        {"language": "tlh"},
        {"language": None},
        {"questionnaire": ["offline-2026.1"]},
        {"questionnaire": "offline\x00"},
        {"questionnaire": "offline\ud800"},
        {"short_code": 7},
        {"answers": ["off.nps"]},
        {"answers": None},
        {"pace": {"seconds": "many"}},
        {"pace": {"colour": 1}},
        {"pace": [1]},
        {"client_id": "me"},
    ],
    ids=str,
)
def test_nothing_that_whoever_has_the_tablet_could_seal_breaks_the_door(place: str, crafted: dict[str, Any]) -> None:
    document = a_file(place, sealed(place, make_tablet_answer() | crafted), sealed(place))
    assert import_tablet_file(document) == {"accepted": 1, "rejected": 1}


def test_a_box_that_holds_a_pit_spoils_no_other(place: str) -> None:
    client = str(uuid.uuid4())
    key = current_keyring().signing_key.derive_queue_key(uuid.UUID(place))
    pit = bytes(12) + AESGCM(key).encrypt(bytes(12), b"[" * 100_000, client.encode())
    deep = {"client_id": client, "sealed": base64.b64encode(pit).decode()}
    assert import_tablet_file(a_file(place, deep, sealed(place))) == {"accepted": 1, "rejected": 1}


def test_a_file_brings_no_free_text_either(place: str) -> None:
    commented = sealed(place, make_tablet_answer({"off.nps": 9, "any.comment": "дякую"}))
    assert import_tablet_file(a_file(place, commented)) == {"rejected": 1}
    assert "any.comment" in read_rows(RefusedTabletAnswer)[0].reason


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"vidhuk": "tablet-queue", "device": 1, "items": []},
        {"vidhuk": "tablet-queue", "device": SOMEONE, "items": ["x"]},
        {"vidhuk": "tablet-queue", "device": SOMEONE, "items": [{"device": 5}]},
        {"vidhuk": "other", "device": SOMEONE, "items": []},
        {"vidhuk": "tablet-queue", "device": SOMEONE, "items": []},
    ],
    ids=str,
)
def test_what_no_tablet_saved_is_refused(document: Any) -> None:
    with pytest.raises(Invalid):
        import_tablet_file(document)


def test_codes_in_a_file_have_a_limit_unless_an_operator_imports_it(place: str) -> None:
    most = devices.MAX_WRONG_CODES
    answers = [make_tablet_answer(short_code=f"0000-{number:04}") for number in range(most + 1)]
    document = a_file(place, *(sealed(place, answer) for answer in answers))

    with pytest.raises(TooManyGuesses):
        import_tablet_file(document, {story.CENTRE})

    assert len(read_rows(Response)) == most, "those before the limit are stored"
    assert import_tablet_file(document) == {"duplicate": most, "accepted_as_walkup": 1}


def test_only_an_operator_imports_answers_from_before_the_tablet_was_added(place: str) -> None:
    earlier = (clock.now() - timedelta(days=30)).isoformat()
    document = a_file(place, sealed(place, make_tablet_answer(answered_at=earlier)))

    assert import_tablet_file(document, {story.CENTRE}) == {"rejected": 1}
    assert import_tablet_file(document) == {"accepted": 1}


def test_staff_import_what_a_revoked_tablet_never_reported(place: str) -> None:
    answers = [make_tablet_answer() for _ in range(devices.MAX_UNREPORTED_ANSWERS + 1)]
    tablet_pairing.revoke_tablet(uuid.UUID(place), {story.CENTRE})
    document = a_file(place, *(sealed(place, answer) for answer in answers))

    assert import_tablet_file(document, {story.CENTRE}) == {"accepted": len(answers)}
