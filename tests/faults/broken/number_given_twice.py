"""Broken: a relay gives every second event the number of the one before."""

from typing import Any

from feedback_service.delivery import events

_original_body = events.build_body


def body_with_repeated_number(*, sequence: int, **facts: Any) -> str:
    """Return the event with a number that another event has."""
    return _original_body(sequence=sequence - (sequence > 1 and sequence % 2 == 0), **facts)


events.build_body = body_with_repeated_number
