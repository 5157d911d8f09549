"""What all duties of the worker share.

A duty does what is due, in short transactions of limited size, and returns how much that was. Between two transactions
it calls ``stop`` and ends if that is true. ``worker`` calls all of them again and again.
"""

import uuid
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar, TypeVarTuple

from feedback_service.database import let_others_write
from feedback_service.errors import Unavailable
from feedback_service.logs import log

P = ParamSpec("P")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")
Stop = Callable[[], bool]


def never_stop() -> bool:
    """A ``stop`` that never ends a duty."""
    return False


def for_each_centre(
    stop: Stop, rows: Iterable[tuple[uuid.UUID, *Ts]], action: Callable[[uuid.UUID, *Ts], R]
) -> list[R]:
    """Call ``action`` with each row, which begins with the id of a centre, until ``stop`` is true.

    If it fails for one row, the others are finished before the first failure is raised: otherwise one centre would
    stop the duty for all centres after it, for ever. ``Unavailable`` is raised at once, because the database would
    fail for the other centres too.
    """
    results: list[R] = []
    failures: list[Exception] = []
    for row in rows:
        if stop():
            break
        try:
            results.append(action(*row))
        except Unavailable:
            raise
        except Exception as error:
            log.error("centre failed", centre_id=str(row[0]), exc_info=error)
            failures.append(error)
    if failures:
        raise failures[0]
    return results


def repeat_until_partial(
    batch_size: int, stop: Stop, action: Callable[P, int], *args: P.args, **kwargs: P.kwargs
) -> int:
    """Repeat ``action`` until a batch is not full or ``stop`` is true; return the sum of what it did."""
    total = 0
    while not stop():
        done = action(*args, **kwargs)
        total += done
        if done < batch_size:
            break
        let_others_write()
    return total
