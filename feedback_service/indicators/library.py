"""Published methodologies: those that ship with the program and those an operator loaded."""

import json
import math
import time
from datetime import date
from functools import lru_cache
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Text, cast, select

from feedback_service.database import table
from feedback_service.indicators import methodology
from feedback_service.indicators.methodology import Methodology
from feedback_service.models import Document

LATELY = 5.0  # seconds after which every process knows a methodology that an operator loaded

_DOCUMENTS = table(Document)
_LOADED = (
    select(cast(_DOCUMENTS.c.body, Text))
    .where(_DOCUMENTS.c.kind == "methodology")
    .order_by(_DOCUMENTS.c.loaded_at)
)


def candidates(connection: Connection) -> list[Methodology]:
    """Every published methodology: those that ship first, then those that were loaded, as they came."""
    return [*methodology.shipped(), *(_parsed(body) for (body,) in connection.execute(_LOADED))]


def in_force(connection: Connection, day: date) -> Methodology:
    """The methodology that figures of that day are made by."""
    return methodology.in_force(candidates(connection), day)


def in_force_lately(connection: Connection, day: date) -> Methodology:
    """As ``in_force``, from what this process read at most ``LATELY`` seconds ago: for what happens at every answer."""
    database = connection.engine
    read_at, known = _known.get(database, (-math.inf, []))
    if time.monotonic() > read_at + LATELY:
        known = candidates(connection)
        _known[database] = (time.monotonic(), known)
    return methodology.in_force(known, day)


_known: WeakKeyDictionary[object, tuple[float, list[Methodology]]] = WeakKeyDictionary()


@lru_cache(maxsize=64)
def _parsed(body: str) -> Methodology:
    return methodology.parse(json.loads(body))
