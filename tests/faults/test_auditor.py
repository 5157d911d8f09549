"""The auditor finds each kind of fault in records made by hand."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.auditor import Verdict, audit_records
from tests.support.central import Event, make_answer_event, make_status_event
from tests.support.environment import ROOT

CENTRE = "SN05000042"
OPINION = {"answers": {"off.nps": 9, "off.staff": "great"}, "reasons": ["seats"], "breach": []}
REPORT = {"status_at": "2026-11-20T08:15:00+00:00", "office": "offline"}

Books = tuple[list[dict[str, Any]], dict[str, Any]]
Spoil = Callable[[list[dict[str, Any]], list[Event]], object]


def line(said: str, key: str, kind: str, **facts: Any) -> dict[str, Any]:
    """Make a line of the clients' journal."""
    return {"said": said, "centre": CENTRE, "key": key, "kind": kind, **facts}


def event(made: Callable[..., Event], sequence: int, key: str) -> Event:
    """Make an event about the service with that code."""
    found = made(CENTRE, sequence)
    found["data"] = found["data"] | {"service": {"code": None, "local_code": key, "title": key}}
    return found


def books() -> tuple[list[dict[str, Any]], list[Event]]:
    """Make records without a fault: two cases, one withdrawn answer, and one client that gave up."""
    answer = event(make_answer_event, 2, "a")
    withdrawal = make_answer_event(CENTRE, 4) | {
        "type": "ua.vidhuk.response.withdrawn.v1",
        "data": {"response_id": answer["data"]["response_id"]},
    }
    journal = [
        line("sent", "a", "status completed", content=REPORT),
        line("acknowledged", "a", "status completed", status=201),
        line("sent", "a", "answer", content=OPINION),
        line("acknowledged", "a", "answer", status=201, id=answer["data"]["response_id"]),
        line("sent", "b", "status completed", content=REPORT),
        line("acknowledged", "b", "status completed", status=200),
        line("sent", "a", "withdrawal", content={}),
        line("acknowledged", "a", "withdrawal", status=303),
        line("sent", "b", "answer", content=OPINION),
    ]
    events = [event(make_status_event, 1, "a"), answer, event(make_status_event, 3, "b"), withdrawal]
    return journal, events


def verdict_on(spoil: Spoil, **facts: int) -> Verdict:
    """Return the verdict on records that were changed like this."""
    journal, events = books()
    spoil(journal, events)
    return audit_records(journal, {"events": events, "changed": 0, "repeats": 0} | facts)


def found(verdict: Verdict) -> set[str]:
    """Return the kinds of faults that were found."""
    return set(verdict.as_report()["examples"])


def test_kept_words_are_found_kept_whatever_became_of_what_is_in_doubt() -> None:
    arrived = event(make_answer_event, 5, "b")
    without, with_it = verdict_on(lambda *_: None), verdict_on(lambda _, events: events.append(arrived))

    assert without.is_kept and with_it.is_kept
    assert (without.in_doubt, without.in_doubt_arrived) == (1, 0)
    assert (with_it.in_doubt, with_it.in_doubt_arrived) == (1, 1)
    assert without.acknowledged == {"status completed": 2, "answer": 1, "withdrawal": 1}


def renumbered(made: Event, sequence: int) -> Event:
    """Add the same event under another id."""
    return copy.deepcopy(made) | {"id": "another", "sequence": str(sequence)}


@pytest.mark.parametrize(
    ("spoil", "wrong"),
    [
        (lambda _, events: events.pop(), {"lost"}),
        (lambda _, events: events.pop(2), {"lost", "gaps"}),
        (lambda _, events: events.append(renumbered(events[1], 5)), {"doubled"}),
        (lambda _, events: events.append(renumbered(events[1], 2)), {"doubled", "number_repeats"}),
        (lambda _, events: events.append(events[0]), {"doubled", "number_repeats"}),
        (lambda _, events: events.append(event(make_status_event, 5, "nobody's")), {"foreign"}),
        (lambda _, events: events.append(make_answer_event(CENTRE, 5) | {"type": "other"}), {"foreign"}),
        (lambda _, events: events[2].update(source="/centres/SN12000007"), {"foreign", "lost", "gaps"}),
        (lambda _, events: events[3].update(sequence="3"), {"number_repeats"}),
        (lambda _, events: events[3].update(sequence="9"), {"gaps"}),
        (lambda _, events: events[1]["data"].update(reasons=["queue"]), {"differing"}),
        (lambda _, events: events[1]["data"]["answers"].pop(), {"differing"}),
        (lambda _, events: events[0]["data"].update(status_at="2026-11-20T10:16:00+02:00"), {"differing"}),
        (lambda journal, _: journal[3].update(id="somebody else's"), {"differing"}),
        (lambda journal, _: journal.append(line("refused", "b", "answer", status=404)), {"refused"}),
    ],
)  # fmt: skip
def test_a_broken_word_is_found(spoil: Spoil, wrong: set[str]) -> None:
    assert found(verdict_on(spoil)) == wrong


@pytest.mark.parametrize("spoils", [False, True])
def test_an_answer_begun_and_left_may_be_only_its_first_tap_but_nothing_else(spoils: bool) -> None:
    tap = OPINION | {"answers": {"off.nps": 9}, "reasons": []}
    final = event(make_answer_event, 5, "b")
    final["data"] |= {"answers": [{"question": "off.nps", "value": 8 if spoils else 9}], "reasons": []}

    def begun(journal: list[dict[str, Any]], events: list[Event]) -> None:
        journal.insert(-1, line("sent", "b", "answer", content=tap))
        events.append(final)

    assert found(verdict_on(begun)) == ({"differing"} if spoils else set())


@pytest.mark.parametrize(("key", "place", "wrong"), [("a", 1, set()), ("b", 4, {"differing"})])
def test_an_answer_may_arrive_empty_only_if_its_withdrawal_arrives(key: str, place: int, wrong: set[str]) -> None:
    def empty(_: list[dict[str, Any]], events: list[Event]) -> None:
        events.append(event(make_answer_event, 5, "b"))
        assert events[place]["data"]["service"]["local_code"] == key
        events[place]["data"] |= {"answers": [], "reasons": [], "breach": []}

    assert found(verdict_on(empty)) == wrong


def test_two_records_of_what_is_in_doubt_are_one_too_many() -> None:
    twice = [event(make_answer_event, number, "b") for number in (5, 6)]

    assert found(verdict_on(lambda _, events: events.extend(twice))) == {"doubled"}


def test_an_event_that_came_again_and_said_something_else_is_found() -> None:
    assert found(verdict_on(lambda *_: None, changed=1)) == {"differing"}


@pytest.mark.parametrize(("spoil", "code"), [(lambda *_: None, 0), (lambda _, events: events.pop(), 1)])
def test_it_is_a_program(tmp_path: Path, spoil: Spoil, code: int) -> None:
    journal, events = books()
    spoil(journal, events)
    paths = tmp_path / "journal.jsonl", tmp_path / "book.json"
    paths[0].write_text("".join(json.dumps(each) + "\n" for each in journal))
    paths[1].write_text(json.dumps({"events": events, "changed": 0, "repeats": 2}))

    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.auditor", *paths], cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == code, done.stderr
    assert json.loads(done.stdout)["kept"] == (code == 0)
