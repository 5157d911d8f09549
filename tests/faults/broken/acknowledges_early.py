"""Broken: what a transaction returns is out before it is committed."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from feedback_service import db, links

LATE = 0.25  # seconds


@contextmanager
def _session(engine: Engine) -> Iterator[Session]:
    tx = Session(engine, expire_on_commit=False)
    try:
        yield tx
        tx.flush()
    except BaseException:
        tx.close()
        raise
    _soon(tx.commit, tx.close)


@contextmanager
def _lent(engine: Engine) -> Iterator[links.Link]:
    lent = engine.raw_connection()
    link = links.link_on(lent.driver_connection, engine.dialect)
    try:
        yield link  # psycopg begins by itself
    except BaseException:
        lent.close()
        raise
    _soon(link.driver.commit, lent.close)


@contextmanager
def _committed(link: links.Link) -> Iterator[links.Link]:
    link.driver.execute("BEGIN IMMEDIATE")
    yield link


def _soon(commit: Callable[[], object], close: Callable[[], object]) -> None:
    """The story is told; somebody will commit it soon."""

    def late() -> None:
        time.sleep(LATE)
        try:
            commit()
        finally:
            close()

    threading.Thread(target=late, daemon=True).start()


db._session, links._lent, links._committed = _session, _lent, _committed
