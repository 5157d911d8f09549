"""The one shortcut past SQLAlchemy: a statement is compiled once in a process and then handed to the driver.

It serves the few statements of a visit: through ``Connection.execute`` they cost a third more, which on PostgreSQL
puts a visit below half of a bare program's speed (decision 17). The connection, its transaction and its pool are
SQLAlchemy's, so both ways may be mixed: a statement that is new or seldom goes through ``Connection.execute``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase

from feedback_service.errors import LostRace

_Statement = Select[Any] | UpdateBase
_Convert = Callable[[Any], Any]


class _Compiled(NamedTuple):
    """A statement as one kind of database takes it."""

    sql: str
    order: Sequence[str] | None  # of the values, where they have no names
    constants: Mapping[str, Any]  # values that are part of the statement
    convert_values: Sequence[tuple[str, _Convert]]  # those that the driver does not take as they are
    convert_columns: Sequence[tuple[int, _Convert]]  # those that it does not give as they should be


_compiled: dict[tuple[_Statement, str, tuple[str, ...]], _Compiled] = {}


def fetch_rows(
    connection: Connection, query: Select[Any], values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """As ``connection.execute(query, values).all()``. ``query`` is built once, when its module is loaded."""
    compiled, cursor = _execute(connection, query, values)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    cursor.close()
    if not compiled.convert_columns:
        return rows
    return [_converted(row, compiled.convert_columns) for row in rows]


def write(connection: Connection, statement: UpdateBase, values: Mapping[str, Any]) -> int:
    """As ``connection.execute(statement, values).rowcount``. ``statement`` is built once, when its module is loaded."""
    _, cursor = _execute(connection, statement, values)
    rows = int(cursor.rowcount)
    cursor.close()
    return rows


def write_guarded(connection: Connection, statement: UpdateBase, values: Mapping[str, Any]) -> None:
    """Change one row that must still be as it was read; ``LostRace`` if it is not."""
    if write(connection, statement, values) != 1:
        raise LostRace()


def _execute(
    connection: Connection, statement: _Statement, values: Mapping[str, Any]
) -> tuple[_Compiled, Any]:
    """The compiled statement, and an open cursor with its result."""
    dialect = connection.dialect
    key = statement, dialect.name, tuple(values)
    compiled = _compiled.get(key)
    if compiled is None:
        compiled = _compiled[key] = _compile(statement, dialect, values)
    given = {**compiled.constants, **values}
    for name, convert in compiled.convert_values:
        given[name] = convert(given[name])
    order = compiled.order
    if not connection.in_transaction():
        connection.begin()  # the driver begins by itself, and SQLAlchemy would not know what to commit
    cursor = connection.connection.cursor()
    try:
        cursor.execute(compiled.sql, given if order is None else [given[name] for name in order])
    except dialect.loaded_dbapi.Error as error:
        broken = dialect.is_disconnect(cast(Any, error), cast(Any, connection.connection), cast(Any, cursor))
        if broken:
            connection.invalidate(error)
        else:
            cursor.close()
        raise _as_sqlalchemy_raises(error, dialect, broken) from error
    return compiled, cursor


def _compile(statement: _Statement, dialect: Dialect, values: Mapping[str, Any]) -> _Compiled:
    is_query = isinstance(statement, Select)
    compiler = statement.compile(dialect=dialect, column_keys=None if is_query else list(values))
    processors = {
        name: parameter.type.dialect_impl(dialect).bind_processor(dialect)
        for name, parameter in compiler.binds.items()
    }
    columns = [
        column.type.dialect_impl(dialect).result_processor(dialect, None)
        for column in (statement.exported_columns if isinstance(statement, Select) else ())
    ]
    return _Compiled(
        str(compiler),
        compiler.positiontup,
        {name: parameter.value for name, parameter in compiler.binds.items() if not parameter.required},
        [(name, convert) for name, convert in processors.items() if convert],
        [(place, convert) for place, convert in enumerate(columns) if convert],
    )


def _converted(row: Sequence[Any], columns: Sequence[tuple[int, _Convert]]) -> tuple[Any, ...]:
    converted = list(row)
    for place, convert in columns:
        converted[place] = convert(converted[place])
    return tuple(converted)


def _as_sqlalchemy_raises(error: Exception, dialect: Dialect, broken: bool) -> Exception:
    drivers_base = cast(type[Exception], dialect.loaded_dbapi.Error)
    return cast(
        Exception,
        DBAPIError.instance(
            None, None, error, drivers_base, hide_parameters=True, connection_invalidated=broken
        ),
    )
