"""Published documents: those shipped with the program and those that an operator loaded. They never change."""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Text, bindparam, cast, select

from feedback_service.database import table_of
from feedback_service.models import PublishedDocument

Document = TypeVar("Document")

_TABLE = table_of(PublishedDocument)
_SELECT_LOADED = (
    select(cast(_TABLE.c.body, Text)).where(_TABLE.c.kind == bindparam("kind")).order_by(_TABLE.c.loaded_at)
)
_SELECT_ONE_LOADED = _SELECT_LOADED.where(_TABLE.c.id == bindparam("id"))


class PublishedDocuments(Generic[Document]):
    """All documents of one kind. ``parse`` raises ``ValueError``; ``get_id`` is the name that a document bears."""

    def __init__(
        self,
        kind: str,
        load_shipped: Callable[[], Sequence[Document]],
        parse: Callable[[Any], Document],
        get_id: Callable[[Document], str],
    ) -> None:
        self.kind, self.parse, self.get_id = kind, parse, get_id
        self._load_shipped = load_shipped
        self._parse_stored = lru_cache(maxsize=64)(lambda body: parse(json.loads(body)))

    def read_all(self, connection: Connection) -> list[Document]:
        """Return all documents: first the shipped ones, then the loaded ones in the order of loading."""
        rows = connection.execute(_SELECT_LOADED, {"kind": self.kind})
        return [*self._load_shipped(), *(self._parse_stored(body) for (body,) in rows)]

    def find_shipped(self, id: str) -> Document | None:
        """Return the document with this id that is shipped with the program, or ``None``."""
        return next((document for document in self._load_shipped() if self.get_id(document) == id), None)

    def find_loaded(self, connection: Connection, id: str) -> Document | None:
        """Return the document with this id that an operator loaded, or ``None``."""
        body = connection.scalar(_SELECT_ONE_LOADED, {"kind": self.kind, "id": id})
        return None if body is None else self._parse_stored(body)
