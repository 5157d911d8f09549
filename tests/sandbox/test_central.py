"""The demo central system over real connections: what it takes, what it counts, how it fails on purpose."""

import itertools
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from feedback_service.sandbox.central import faults, texts
from tests.support.browser import PHONE, NewPage, find_barriers
from tests.support.central import (
    MEDIA_TYPE,
    SECRETS,
    CentralSystem,
    Event,
    make_answer_event,
    make_status_event,
    send_events,
    sign_headers,
)
from tests.support.waiting import wait_until

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CentralSystem]:
    """One central system for all tests here; each test has a centre of its own."""
    with CentralSystem(tmp_path_factory.mktemp("central")) as central:
        yield central


@pytest.fixture
def central(running: CentralSystem) -> CentralSystem:
    """It behaves well."""
    running.set_fault("none")
    return running


@pytest.fixture
def centre() -> str:
    """A centre that nobody has heard of."""
    return f"SN{next(numbers):08}"


def ids(events: list[Event]) -> list[str]:
    """The events' ids."""
    return [event["id"] for event in events]


def batch(centre: str, *sequence: int) -> list[Event]:
    """Events with these sequence numbers."""
    return [make_status_event(centre, number) for number in sequence]


# What it takes ------------------------------------------------------------------------------------------------


def test_events_are_listed_as_they_were_told_in_order_of_arrival(central: CentralSystem, centre: str) -> None:
    told = [make_status_event(centre, 1), make_answer_event(centre, 2)]

    answer = send_events(central, told).json()

    assert answer == {"accepted": ids(told), "duplicates": [], "rejected": []}
    listed = central.list_received(centre)
    for name in ("id", "source", "subject", "type", "time", "sequence", "data"):
        assert [event[name] for event in listed] == [event[name] for event in told]
    assert [event["times"] for event in listed] == [1, 1]


def test_what_comes_again_is_a_duplicate_and_counted(central: CentralSystem, centre: str) -> None:
    [first, second] = batch(centre, 1, 2)
    send_events(central, [first])

    answer = send_events(central, [first, second, second]).json()

    assert answer == {"accepted": [second["id"]], "duplicates": [first["id"]], "rejected": []}
    assert [event["times"] for event in central.list_received(centre)] == [2, 2]
    assert central.read_centre_summary(centre)["repeats"] == 2
    assert central.read_centre_summary(centre)["changed"] == 0


def test_an_event_that_says_something_else_the_second_time_is_noticed(central: CentralSystem, centre: str) -> None:
    [event] = batch(centre, 1)
    send_events(central, [event])

    send_events(central, [event | {"subject": "another"}])

    assert central.read_centre_summary(centre)["changed"] == 1
    assert [listed["subject"] for listed in central.list_received(centre)] == [event["subject"]]


def test_the_same_id_from_another_centre_is_another_event(central: CentralSystem, centre: str) -> None:
    [event] = batch(centre, 1)
    other = f"SN{next(numbers):08}"
    send_events(central, [event])

    answer = send_events(central, [make_status_event(other, 1, id=event["id"])]).json()

    assert answer["accepted"] == [event["id"]]


def test_gaps_are_seen_and_close_when_the_missing_ones_come(central: CentralSystem, centre: str) -> None:
    send_events(central, batch(centre, 2, 3, 7))
    seen = central.read_centre_summary(centre)
    send_events(central, batch(centre, 1, 6, 5, 4))
    closed = central.read_centre_summary(centre)

    assert (seen["gaps"], seen["missing"], seen["highest"]) == ([[1, 1], [4, 6]], 4, 7)
    assert (closed["gaps"], closed["missing"], closed["highest"]) == ([], 0, 7)
    assert closed["late"] == 4


def test_a_sequence_number_given_twice_is_seen(central: CentralSystem, centre: str) -> None:
    send_events(central, batch(centre, 1, 2, 2))

    assert central.read_centre_summary(centre)["doubled"] == 1


def test_long_lists_are_read_in_pages(central: CentralSystem, centre: str) -> None:
    told = batch(centre, 1, 2, 3, 4, 5)
    send_events(central, told)
    start = central.list_received(centre)[0]["arrival"] - 1

    found: list[str] = []
    following = f"/received?after={start}&limit=2"
    with central.open_client() as http:
        while following:
            reply = http.get(following)
            found += ids(reply.json())
            following = reply.links.get("next", {}).get("url", "")

    assert found == ids(told)


# What it does not take ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("secrets", [SECRETS[:1], SECRETS[1:], (SECRETS[1], "whsec_AAAA"), ("whsec_AAAA", SECRETS[0])])
def test_any_of_its_secrets_signs_and_one_right_signature_is_enough(
    central: CentralSystem, centre: str, secrets: tuple[str, ...]
) -> None:
    body = json.dumps(batch(centre, 1)).encode()

    assert send_events(central, body, sign_headers(body, *secrets)).status_code == 200


def wrong_signatures(body: bytes) -> dict[str, dict[str, str]]:
    """Headers, each wrong in one way."""
    right = sign_headers(body)
    return {
        "another secret": sign_headers(body, "whsec_AAAA"),
        "another body": sign_headers(body + b" "),
        "another request": right | {"webhook-id": "msg_another"},
        "another time": right | {"webhook-timestamp": str(int(right["webhook-timestamp"]) + 1)},
        "too old": sign_headers(body, at=time.time() - 310),
        "from the future": sign_headers(body, at=time.time() + 310),
        "no number": right | {"webhook-timestamp": "now"},
        "another version": right | {"webhook-signature": right["webhook-signature"].replace("v1,", "v2,")},
        "none": right | {"webhook-signature": ""},
    }


@pytest.mark.parametrize("wrong", wrong_signatures(b""))
def test_a_wrong_signature_is_refused_and_counted(central: CentralSystem, centre: str, wrong: str) -> None:
    body = json.dumps(batch(centre, 1)).encode()
    before = sum(central.count_refusals().values())

    reply = send_events(central, body, wrong_signatures(body)[wrong])

    assert reply.status_code == 401
    assert central.list_received(centre) == []
    assert sum(central.count_refusals().values()) == before + 1


def test_a_clock_that_is_minutes_off_is_borne(central: CentralSystem, centre: str) -> None:
    body = json.dumps(batch(centre, 1)).encode()

    assert send_events(central, body, sign_headers(body, at=time.time() - 290)).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[", 400),
        (b'[{"id": NaN}]', 400),
        (b'[{"id": "1", "id": "1"}]', 400),
        (b"[" * 100_000, 400),
        (b"\xff", 400),
        (b"{}", 422),
        (b"[]", 422),
        (b"[1]", 422),
        (b'[{"id": 1}]', 422),
        (b'[{"id": "1", "source": "/centres/A"}, {"id": "2", "source": "/centres/B"}]', 422),
        (b"[" + b"{}," * 100 + b"{}]", 413),
        (b" " * (2 * 1024 * 1024 + 1), 413),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_is_no_batch_of_one_centre_is_refused_whole(central: CentralSystem, body: bytes, status: int) -> None:
    assert send_events(central, body).status_code == status


def test_another_media_type_is_refused(central: CentralSystem, centre: str) -> None:
    assert send_events(central, batch(centre, 1), {"content-type": "application/json"}).status_code == 415
    assert send_events(central, batch(centre, 1), {"content-type": f"{MEDIA_TYPE}; charset=utf-8"}).status_code == 200


def test_an_event_that_does_not_fit_is_named_and_the_others_are_taken(central: CentralSystem, centre: str) -> None:
    good, strange = batch(centre, 1, 2)
    strange["data"]["status"] = "forgotten"

    answer = send_events(central, [good, strange]).json()

    assert answer["accepted"] == [good["id"]]
    assert answer["rejected"] == [{"id": strange["id"], "reason": "/data/status has no known value"}]
    assert ids(central.list_received(centre)) == [good["id"]]


def test_promises_beyond_the_schema_are_checked_too(central: CentralSystem, centre: str) -> None:
    to_the_minute = make_answer_event(centre, 1) | {"time": "2026-11-20T10:15:00+02:00"}
    of_another = make_status_event("SN99999999", 2, source=f"/centres/{centre}")

    rejected = send_events(central, [to_the_minute, of_another]).json()["rejected"]

    assert [each["id"] for each in rejected] == ids([to_the_minute, of_another])


# How it misbehaves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "stores"), [("reset_before", 0), ("reset_after", 1), ("reset_midway", 1)])
def test_resets_are_real_and_spare_or_keep_what_came(
    central: CentralSystem, centre: str, mode: str, stores: int
) -> None:
    central.set_fault(mode, times=1)

    with pytest.raises(httpx.TransportError) as broken:
        send_events(central, batch(centre, 1))

    assert "reset by peer" in str(broken.value)
    assert len(central.list_received(centre)) == stores


def test_half_of_an_answer_arrives_before_a_reset_midway(central: CentralSystem, centre: str) -> None:
    central.set_fault("reset_midway", times=1)
    body = json.dumps(batch(centre, 1)).encode()
    got = b""

    with central.open_client() as http, pytest.raises(httpx.ReadError):  # noqa: SIM117
        with http.stream("POST", "/events", content=body, headers=sign_headers(body)) as reply:
            assert reply.status_code == 200
            for part in reply.iter_raw():
                got += part

    assert got.startswith(b'{"accepted"')


def test_slow_answers_are_right_in_the_end(central: CentralSystem, centre: str) -> None:
    central.set_fault("slow", seconds=0.5, times=1)
    began = time.monotonic()

    assert len(send_events(central, batch(centre, 1)).json()["accepted"]) == 1

    assert time.monotonic() - began >= 0.5


@pytest.mark.parametrize("mode", ["timeout", "drip"])
def test_some_answers_never_come_although_all_is_stored(central: CentralSystem, centre: str, mode: str) -> None:
    central.set_fault(mode, times=1)

    with pytest.raises(httpx.ReadTimeout):
        send_events(central, batch(centre, 1), timeout=httpx.Timeout(60, read=0.5))

    wait_until(lambda: len(central.list_received(centre)) == 1)


@pytest.mark.parametrize(
    ("status", "retry_after"), [(429, 7), (503, "Fri, 20 Nov 2026 10:15:00 GMT"), (500, "-1e99"), (403, None)]
)
def test_any_status_is_answered_with_any_retry_after(
    central: CentralSystem, centre: str, status: int, retry_after: object
) -> None:
    central.set_fault("status", status=status, retry_after=retry_after, times=1)

    reply = send_events(central, batch(centre, 1))

    assert reply.status_code == status
    assert reply.headers.get("Retry-After") == (None if retry_after is None else str(retry_after))
    assert central.list_received(centre) == []


def test_redirects_lead_to_where_followers_are_counted(central: CentralSystem, centre: str) -> None:
    central.set_fault("redirect", times=1)
    before = central.count_refusals().get("redirect_followed", 0)

    reply = send_events(central, batch(centre, 1))
    with central.open_client() as http:
        http.post(reply.headers["Location"])

    assert reply.status_code == 307
    assert central.list_received(centre) == []
    assert central.count_refusals()["redirect_followed"] == before + 1


@pytest.mark.parametrize(("mode", "body"), [("garbage", b"<!doctype html>"), ("empty", b"")])
@pytest.mark.parametrize("stores", [False, True])
def test_answers_without_sense_come_with_200(
    central: CentralSystem, centre: str, mode: str, body: bytes, stores: bool
) -> None:
    central.set_fault(mode, times=1, stores=stores)

    reply = send_events(central, batch(centre, 1))

    assert reply.status_code == 200
    assert reply.content[: len(body) or 1] == body
    assert len(central.list_received(centre)) == stores


def test_an_endless_answer_goes_on_until_the_reader_has_had_enough(central: CentralSystem, centre: str) -> None:
    central.set_fault("huge", times=1)
    body, got = json.dumps(batch(centre, 1)).encode(), 0

    with (
        central.open_client() as http,
        http.stream("POST", "/events", content=body, headers=sign_headers(body)) as reply,
    ):
        for part in reply.iter_raw():
            got += len(part)
            if got > 20_000_000:
                break

    assert central.list_received(centre) == []


def test_missing_ids_are_neither_named_nor_stored(central: CentralSystem, centre: str) -> None:
    told = batch(centre, 1, 2, 3)
    central.set_fault("missing_ids", times=1)

    answer = send_events(central, told).json()

    assert answer["accepted"] == [told[1]["id"]] == ids(central.list_received(centre))


def test_wrong_ids_are_nobodys(central: CentralSystem, centre: str) -> None:
    told = batch(centre, 1, 2)
    central.set_fault("wrong_ids", times=1)

    answer = send_events(central, told).json()

    assert len(answer["accepted"]) == 2
    assert not set(answer["accepted"]) & set(ids(told))
    assert central.list_received(centre) == []


def test_duplicate_ids_are_named_over_and_over(central: CentralSystem, centre: str) -> None:
    [event] = batch(centre, 1)
    central.set_fault("duplicate_ids", times=1)

    assert send_events(central, [event]).json() == {
        "accepted": [event["id"]] * 2,
        "duplicates": [event["id"]],
        "rejected": [],
    }
    assert [listed["times"] for listed in central.list_received(centre)] == [1]


def test_chosen_events_are_rejected_and_the_others_taken(central: CentralSystem, centre: str) -> None:
    told = batch(centre, 1, 2, 3, 4)
    central.set_fault("reject", every=2, times=1)
    first = send_events(central, told).json()
    central.set_fault("reject", id=told[1]["id"])
    second = send_events(central, told).json()

    assert first["accepted"] == [told[0]["id"], told[2]["id"]]
    assert [each["id"] for each in first["rejected"]] == [told[1]["id"], told[3]["id"]]
    assert second["accepted"] == [told[3]["id"]]
    assert [each["id"] for each in second["rejected"]] == [told[1]["id"]]


def test_a_poisoned_event_spoils_every_batch_that_carries_it(central: CentralSystem, centre: str) -> None:
    told = batch(centre, 1, 2, 3)
    central.set_fault("poison", id=told[1]["id"], status=400)

    assert send_events(central, told).status_code == 400
    assert send_events(central, told[1:2]).status_code == 400
    assert send_events(central, told[:1] + told[2:]).status_code == 200
    assert len(central.list_received(centre)) == 2


def test_a_fault_ends_by_itself_and_tells_how_often_it_was_met(central: CentralSystem, centre: str) -> None:
    central.set_fault("status", times=2)

    statuses = [send_events(central, batch(centre, number)).status_code for number in (1, 2, 3)]

    assert statuses == [503, 503, 200]
    with central.open_client() as http:
        now = http.get("/faults").json()
    assert (now["mode"], now["hits"]) == ("none", 2)
    assert now["modes"] == list(faults.MODES)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"mode": "kind"},
        {"mode": "slow", "seconds": -1},
        {"mode": "slow", "seconds": True},
        {"mode": "status", "status": 200},
        {"mode": "redirect", "status": 404},
        {"mode": "status", "retry_after": "1\r\nSet-Cookie: a=b"},
        {"mode": "reject"},
        {"mode": "none", "times": 0},
        {"mode": "none", "more": 1},
        {"mode": "garbage", "stores": 1},
        [],
    ],
    ids=str,
)
def test_an_impossible_fault_is_explained_and_changes_nothing(central: CentralSystem, asked: object) -> None:
    central.set_fault("slow", seconds=2)
    with central.open_client() as http:
        reply = http.post("/faults", json=asked)
        now = http.get("/faults").json()

    assert reply.status_code == 422
    assert reply.json()["error"]
    assert (now["mode"], now["seconds"]) == ("slow", 2)


def test_those_who_wait_for_silence_do_not_keep_others_waiting(central: CentralSystem, centre: str) -> None:
    central.set_fault("timeout", seconds=60)
    for number in range(1, 31):  # twice as many as it has threads
        with pytest.raises(httpx.ReadTimeout):
            send_events(central, batch(centre, number), timeout=httpx.Timeout(60, read=0.1))
    central.set_fault("none")

    assert send_events(central, batch(centre, 31), timeout=30).status_code == 200


# Whatever happens to it ---------------------------------------------------------------------------------------


def test_what_it_acknowledged_survives_being_killed(tmp_path: Any) -> None:
    acknowledged: list[str] = []
    killed = threading.Event()
    with CentralSystem(tmp_path) as central:

        def keep_sending() -> None:
            for number in itertools.count(1):
                with suppress(httpx.TransportError):
                    reply = send_events(central, batch("SN00000001", number), timeout=1)
                    acknowledged.extend(reply.json()["accepted"])
                if killed.is_set():
                    return

        def wait_for_more() -> None:
            enough = len(acknowledged) + 3
            wait_until(lambda: len(acknowledged) >= enough)

        for _ in range(3):
            senders = [threading.Thread(target=keep_sending) for _ in range(3)]
            for sender in senders:
                sender.start()
            try:
                wait_for_more()
            finally:
                central.kill()
                killed.set()
            for sender in senders:
                sender.join()
            killed.clear()
            central.start()

        assert len(acknowledged) > 3
        assert set(acknowledged) <= set(ids(central.list_received("SN00000001")))


# What people see ----------------------------------------------------------------------------------------------


class Outline(HTMLParser):
    """The tags of a page with their attributes, and texts between script and style tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[dict[str, str | None]]:
        """The attributes of every such tag."""
        return [attributes for tag, attributes in self.tags if tag in names]


@pytest.fixture
def told(central: CentralSystem, centre: str) -> str:
    """Something of every kind has happened; the centre."""
    withdrawn = make_answer_event(centre, 3) | {"type": "ua.vidhuk.response.withdrawn.v1"}
    withdrawn |= {
        "data": {"response_id": withdrawn["data"]["response_id"]},
        "dataschema": "https://vidhuk.example/schemas/ua.vidhuk.response.withdrawn.v1.json",
    }
    events = [
        make_status_event(centre, 1),
        make_answer_event(centre, 2, breach=["bribe"]),
        withdrawn,
        *batch(centre, 6, 6),
    ]
    send_events(central, events)
    send_events(central, events[:2])
    send_events(central, events, {"webhook-signature": "v1,AAAA"})
    central.set_fault("status", times=5)
    return centre


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("uk", ["Що надійшло", "Відповідь", "9 з 10", "Надано", "порушення", "надійшла разів: 2", "Помилка"]),
        ("en", ["What has arrived", "Answer", "9 of 10", "Completed", "breach", "came 2 times", "Error"]),
    ],
)
def test_the_page_says_in_words_what_arrived(central: CentralSystem, told: str, lang: str, words: list[str]) -> None:
    with central.open_client() as http:
        page = http.get(f"/?lang={lang}").text

    assert all(word in page for word in [*words, told, "4–5", "Реєстрація місця проживання"])


def test_the_page_keeps_the_rules_of_pages(central: CentralSystem, told: str) -> None:
    with central.open_client() as http:
        reply = http.get("/")

    outline = Outline(reply.text)
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert [attributes["lang"] for attributes in outline.all("html")] == ["uk"]
    assert len(outline.all("h1")) == 1
    assert not outline.all("style")
    assert all(attributes.get("src") for attributes in outline.all("script"))
    assert not any(name == "style" or name.startswith("on") for _, attributes in outline.tags for name in attributes)
    labelled = re.findall(r"<label>[^<]*<input[^>]*></label>", reply.text)
    assert len(labelled) == len(outline.all("input")) > 0
    assert {attributes.get("value") for attributes in outline.all("button")} == set(faults.MODES)


def test_every_text_is_there_in_both_languages() -> None:
    assert texts.TEXTS["uk"].keys() == texts.TEXTS["en"].keys()
    assert texts.LABELS["uk"].keys() == texts.LABELS["en"].keys()
    modes = [[list(group) for group in texts.MODE_TEXTS[lang].values()] for lang in ("uk", "en")]
    assert modes[0] == modes[1]


def test_arrivals_show_up_by_themselves_and_faults_are_switched_by_buttons(
    central: CentralSystem, centre: str, new_page: NewPage
) -> None:
    page = new_page(**PHONE)
    page.goto(central.url)
    send_events(central, batch(centre, 1))
    expect(page.locator(".stream .fresh")).to_contain_text(centre)

    page.get_by_role("button", name="Обрив до запису").tap()
    expect(page.locator(".mood")).to_contain_text("Обрив до запису")
    with pytest.raises(httpx.TransportError):
        send_events(central, batch(centre, 2))
    page.get_by_role("button", name="Поводитися як слід").tap()
    expect(page.locator(".mood")).to_contain_text("Приймає як слід")
    send_events(central, batch(centre, 2))
    assert len(central.list_received(centre)) == 2


def test_without_scripts_the_page_reloads_and_its_settings_work(
    central: CentralSystem, centre: str, new_page: NewPage
) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{central.url}/?lang=en")
    assert page.locator("meta[http-equiv=refresh]").get_attribute("content") == "5"

    page.get_by_role("link", name="Stop refreshing").click()
    assert page.locator("meta[http-equiv=refresh]").count() == 0
    page.locator("summary").click()
    page.get_by_label("Status code").fill("429")
    page.get_by_label("Retry-After").fill("3")
    page.get_by_role("button", name="Error").click()

    reply = send_events(central, batch(centre, 1))
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "3")


def test_it_is_said_when_the_page_is_out_of_touch(central: CentralSystem, new_page: NewPage) -> None:
    page = new_page()
    page.goto(central.url)

    page.context.set_offline(True)
    expect(page.get_by_role("status")).to_contain_text("Немає зв’язку")
    page.context.set_offline(False)

    expect(page.get_by_role("status")).to_be_empty()


@pytest.mark.parametrize("lang", ["uk", "en"])
def test_axe_finds_nothing(central: CentralSystem, told: str, new_page: NewPage, lang: str) -> None:
    page = new_page(**PHONE, reduced_motion="reduce")
    page.goto(f"{central.url}/?lang={lang}")
    page.locator("summary").click()

    assert find_barriers(page) == []


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_nothing_scrolls_sideways(central: CentralSystem, told: str, new_page: NewPage, width: int) -> None:
    page = new_page(viewport={"width": width, "height": 740})

    for lang in ("uk", "en"):
        page.goto(f"{central.url}/?lang={lang}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_connection_that_says_nothing_harms_nobody(central: CentralSystem, centre: str) -> None:
    with socket.create_connection(("127.0.0.1", int(central.url.rpartition(":")[2]))):
        assert send_events(central, batch(centre, 1), timeout=5).status_code == 200
