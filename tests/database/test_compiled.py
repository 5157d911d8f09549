"""Compiled statements read and write the same as SQLAlchemy's own execution."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Select, bindparam, insert, literal, select, update
from sqlalchemy.orm import Session

from feedback_service import clock
from feedback_service.database import execute_write, fetch_rows, table_of, transaction, write_guarded
from feedback_service.errors import Unavailable
from feedback_service.models import Centre, PublishedDocument
from tests.support import stored
from tests.support.story import CENTRE, create_centre

pytestmark = pytest.mark.usefixtures("context")

CENTRES, DOCUMENTS = table_of(Centre), table_of(PublishedDocument)
NEW_DOCUMENT = insert(DOCUMENTS)
ALL_DOCUMENTS: Select[Any] = select(DOCUMENTS)
RENAME = update(CENTRES).where(CENTRES.c.code == bindparam("which"))


def a_document() -> dict[str, Any]:
    """A row with a day, an instant and JSON, and with characters that are special for drivers."""
    now = clock.now()
    body = {"%(id)s": ["?", ":id", None, 0.5, "Їжак"]}
    return {
        **{"kind": "questionnaire", "id": "5 %s ?", "body": body},
        **{"effective_from": clock.kyiv_day(now), "loaded_at": now},
    }


@pytest.mark.parametrize("is_compiled", [True, False])
def test_values_of_all_types_come_back_as_sqlalchemy_gives_them(is_compiled: bool) -> None:
    document = a_document()

    @transaction
    def keep(tx: Session) -> None:
        assert execute_write(tx.connection(), NEW_DOCUMENT, document) == 1

    @transaction
    def read(tx: Session) -> list[Any]:
        rows: Callable[[], Any] = (
            (lambda: fetch_rows(tx.connection(), ALL_DOCUMENTS, {}))
            if is_compiled
            else (lambda: tx.connection().execute(ALL_DOCUMENTS).all())
        )
        return [dict(zip(ALL_DOCUMENTS.selected_columns.keys(), row, strict=True)) for row in rows()]

    keep()

    assert [row | document for row in read()] == read()


def test_a_value_that_is_part_of_the_statement_is_kept() -> None:
    create_centre()

    @transaction
    def read(tx: Session, query: Select[Any]) -> list[tuple[Any, ...]]:
        return fetch_rows(tx.connection(), query, {"which": CENTRE})

    query = select(CENTRES.c.code, literal(7)).where(CENTRES.c.code == bindparam("which"))
    assert read(query) == read(query) == [(CENTRE, 7)]


def test_an_update_sets_the_columns_that_come_with_its_values() -> None:
    create_centre()

    @transaction
    def rename(tx: Session, /, **values: Any) -> None:
        write_guarded(tx.connection(), RENAME, {"which": CENTRE} | values)

    rename(name="Перша")
    rename(name="Друга", notice="Слово")

    assert [(one.name, one.notice) for one in stored.read_rows(Centre)] == [("Друга", "Слово")]


def test_a_guarded_write_that_finds_nothing_loses_its_race() -> None:
    create_centre()

    @transaction
    def rename(tx: Session) -> None:
        write_guarded(tx.connection(), RENAME, {"which": str(uuid.uuid4()), "name": "Ніяка"})

    with pytest.raises(Unavailable):
        rename()
