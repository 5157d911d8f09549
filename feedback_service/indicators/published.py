"""Published methodologies: those shipped with the program and those loaded by an operator."""

import math
import time
from datetime import date
from operator import attrgetter
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from feedback_service.documents import PublishedDocuments
from feedback_service.indicators import methodology
from feedback_service.indicators.methodology import Methodology

CACHE_SECONDS = 5.0  # until every process knows a methodology that an operator loaded

METHODOLOGIES = PublishedDocuments[Methodology](
    "methodology", methodology.shipped_methodologies, methodology.parse_methodology, attrgetter("id")
)


def read_in_force(connection: Connection, day: date) -> Methodology:
    """Return the methodology that figures of that day are made by."""
    return methodology.choose_in_force(METHODOLOGIES.read_all(connection), day)


def read_in_force_cached(connection: Connection, day: date) -> Methodology:
    """Do the same as ``read_in_force``, by what was published at most ``CACHE_SECONDS`` ago.

    Recording an answer uses it, to save a statement.
    """
    database = connection.engine
    read_at, known = _cache.get(database, (-math.inf, []))
    if time.monotonic() > read_at + CACHE_SECONDS:
        known = METHODOLOGIES.read_all(connection)
        _cache[database] = (time.monotonic(), known)
    return methodology.choose_in_force(known, day)


def clear_cache() -> None:
    """Forget the cached methodologies of this process: the next recording reads them again."""
    _cache.clear()


_cache: WeakKeyDictionary[object, tuple[float, list[Methodology]]] = WeakKeyDictionary()
