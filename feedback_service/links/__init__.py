"""What people do all day, told with little luggage: a connection in the driver's own hands in place of a Session.

Such a story says what it wants by ``statements.Ready``. Rooms that serve both kinds of story take a ``Tx`` and cannot
tell. Why, and what it saves: decision 9.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from feedback_service.database import shared_turn, still_there, telling
from feedback_service.links.link import Link, drivers_error, in_our_words

__all__ = ["Link", "Tx", "link_of", "link_on", "swift", "together"]

P = ParamSpec("P")
R = TypeVar("R")


def swift(story: Callable[Concatenate[Link, P], R]) -> Callable[P, R]:
    """As ``transaction``, for a story that first reads, each statement by itself, and then writes once, ``together``.

    Nobody waits for it while it reads and thinks. What it read may be old when it writes: the writes say what they
    rely on (``or_lost``), and a lost race is told again from the start.
    """
    return telling(story, _lent)


Tx = Session | Link


def link_of(tx: Tx) -> Link:
    """The driver's connection behind either kind of story."""
    if isinstance(tx, Link):
        return tx
    connection = tx.connection()
    return link_on(connection.connection.driver_connection, connection.dialect)


def link_on(driver: Any, dialect: Dialect) -> Link:
    """A link on somebody else's connection."""
    if dialect.name == "sqlite":
        return Link(driver, dialect)
    from feedback_service.links.postgresql import OnLoan  # here and below: psycopg takes memory

    return OnLoan(driver, dialect)


@contextmanager
def together(tx: Tx) -> Iterator[Link]:
    """Writes that wait for no answer of each other: all of them happen, or none.

    They are a swift story's transaction, and it has no other; on PostgreSQL they are one statement in any story.
    """
    link = link_of(tx)
    if not link.sqlite:
        from feedback_service.links.postgresql import Lot

        lot = Lot(link)
        yield lot
        lot.settle()
    elif isinstance(tx, Link):
        with _committed(link) as shared:
            yield shared
    else:
        yield link


@contextmanager
def _committed(link: Link) -> Iterator[Link]:
    """A link to write on: what is written is committed at the end, perhaps with what others write meanwhile."""
    with _in_one_voice(link.dialect), shared_turn(link.driver) as driver:
        yield link if driver is link.driver else link_on(driver, link.dialect)


@contextmanager
def _lent(engine: Engine) -> Iterator[Link]:
    """A link that nobody uses: the one used last, whose caches are warm. On it PostgreSQL begins nothing by itself."""
    with _in_one_voice(engine.dialect):
        link = _taken(engine) or _made(engine)
        try:
            yield link
        except IntegrityError:  # mostly a race that was lost
            _put_back(engine, link)
            raise
        except (drivers_error(engine.dialect), DBAPIError):
            link.driver.close()  # what failed once on it may fail again: a plan that a migration made wrong
            raise
        except BaseException:
            _put_back(engine, link)
            raise
        _put_back(engine, link)


def _put_back(engine: Engine, link: Link) -> None:
    idle = _idle.get(engine)
    if idle is not None and link.is_at_rest():
        idle.append(link)
    else:
        link.driver.close()


# The pool's own way of lending costs a twentieth of a visit (decision 9). There are never more links than threads.
_idle: WeakKeyDictionary[Engine, list[Link]] = WeakKeyDictionary()


def _taken(engine: Engine) -> Link | None:
    """The link put back last, unless its server hung up."""
    idle = _idle.setdefault(engine, [])
    while True:
        try:
            link = idle.pop()
        except IndexError:
            return None
        if link.sqlite or still_there(link.driver):
            return link
        link.driver.close()


def _made(engine: Engine) -> Link:
    lent = engine.raw_connection()  # it is asked for durability as all are
    link = _kept(lent.driver_connection, engine.dialect)
    lent.detach()
    return link


def _kept(driver: Any, dialect: Dialect) -> Link:
    if dialect.name == "sqlite":
        return Link(driver, dialect)
    from feedback_service.links.postgresql import Kept

    return Kept(driver, dialect)


@event.listens_for(Engine, "engine_disposed")
def _disposed(engine: Engine) -> None:
    """An engine that is done with its connections is done with these."""
    for link in _idle.pop(engine, []):
        link.driver.close()


@contextmanager
def _in_one_voice(dialect: Dialect) -> Iterator[None]:
    try:
        yield
    except drivers_error(dialect) as error:
        raise in_our_words(error, dialect) from error
