"""Reads the published methodologies: those that come with the program and those that an operator loaded."""

import json
import math
import time
from datetime import date
from functools import lru_cache
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Text, cast, select

from feedback_service.database import table_of
from feedback_service.indicators import methodology
from feedback_service.indicators.methodology import Methodology
from feedback_service.models import PublishedDocument

CACHE_SECONDS = 5.0  # until every process knows a methodology that an operator loaded

_DOCUMENTS = table_of(PublishedDocument)
_LOADED = (
    select(cast(_DOCUMENTS.c.body, Text))
    .where(_DOCUMENTS.c.kind == "methodology")
    .order_by(_DOCUMENTS.c.loaded_at)
)


def read_methodologies(connection: Connection) -> list[Methodology]:
    """Every published methodology: first those of the program, then the loaded ones in the order of loading."""
    loaded = (_parse_body(body) for (body,) in connection.execute(_LOADED))
    return [*methodology.shipped_methodologies(), *loaded]


def read_in_force(connection: Connection, day: date) -> Methodology:
    """The methodology that figures of that day are made by."""
    return methodology.choose_in_force(read_methodologies(connection), day)


def read_in_force_cached(connection: Connection, day: date) -> Methodology:
    """The methodology that figures of that day are made by, as of at most ``CACHE_SECONDS`` ago.

    Recording an answer uses it, to save a statement.
    """
    database = connection.engine
    read_at, known = _cache.get(database, (-math.inf, []))
    if time.monotonic() > read_at + CACHE_SECONDS:
        known = read_methodologies(connection)
        _cache[database] = (time.monotonic(), known)
    return methodology.choose_in_force(known, day)


_cache: WeakKeyDictionary[object, tuple[float, list[Methodology]]] = WeakKeyDictionary()


@lru_cache(maxsize=64)
def _parse_body(body: str) -> Methodology:
    return methodology.parse_methodology(json.loads(body))
