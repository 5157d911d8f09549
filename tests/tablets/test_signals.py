"""A tablet's answer that looks odd carries a signal; it counts all the same."""

import pytest
from flask import Flask

from feedback_service.models import Signal
from feedback_service.tablets.signals import AnsweringPace, find_signals
from tests.api.conftest import Caller
from tests.conftest import TimeIs
from tests.support.stored import read_rows
from tests.support.tablets import deliver_answers, make_tablet_answer


@pytest.mark.parametrize(
    ("pace", "open_then", "odd"),
    [
        (AnsweringPace(), True, ()),
        (AnsweringPace(seconds=3, recent=2, alike=3), True, ()),
        (AnsweringPace(seconds=2), True, ("hurried",)),
        (AnsweringPace(seconds=20, recent=3), True, ("burst",)),
        (AnsweringPace(seconds=20, recent=0, alike=4), True, ("alike",)),
        (AnsweringPace(seconds=20), False, ("after_hours",)),
        (AnsweringPace(seconds=0, recent=9, alike=9), False, ("hurried", "burst", "alike", "after_hours")),
    ],
)
def test_what_is_odd(pace: AnsweringPace, open_then: bool, odd: tuple[str, ...]) -> None:
    assert find_signals(pace, was_open=open_then) == odd


@pytest.mark.parametrize(
    ("at", "odd"),
    [("2026-11-20T12:00+02:00", False), ("2026-11-20T21:00+02:00", True), ("2026-11-22T12:00+02:00", True)],
    ids=["Friday noon", "Friday night", "Sunday"],
)
def test_an_answer_outside_opening_hours_is_noticed(
    app: Flask, tablet: Caller, time_is: TimeIs, at: str, odd: bool
) -> None:
    time_is("2026-11-23T12:00+02:00")
    assert deliver_answers(tablet, make_tablet_answer(answered_at=f"{at[:16]}:00{at[16:]}")) == ["accepted"]
    with app.app_context():
        assert [signal.reason for signal in read_rows(Signal)] == (["after_hours"] if odd else [])
