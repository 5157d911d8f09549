"""Broken: a relay gives every second event the number of the one before."""

from typing import Any

from feedback_service.delivery import events

_body = events.body


def body(*, sequence: int, **facts: Any) -> str:
    """What travels, with a number that another has."""
    return _body(sequence=sequence - (sequence > 1 and sequence % 2 == 0), **facts)


events.body = body
