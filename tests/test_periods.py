"""Periods of days: a period without ends is this year until today."""

from datetime import date

import pytest

from feedback_service.periods import EndsBeforeItBegins, complete_period

TODAY = date(2026, 11, 20)


def test_without_days_a_period_is_this_year_until_today() -> None:
    assert complete_period(None, None, TODAY) == (date(2026, 1, 1), TODAY)


def test_a_period_that_only_ends_begins_with_the_year_it_ends_in() -> None:
    assert complete_period(None, date(2025, 3, 4), TODAY) == (date(2025, 1, 1), date(2025, 3, 4))


def test_a_period_may_be_one_day_but_not_end_before_it_begins() -> None:
    assert complete_period(TODAY, TODAY, TODAY) == (TODAY, TODAY)
    with pytest.raises(EndsBeforeItBegins):
        complete_period(TODAY, date(2026, 11, 19), TODAY)
