"""The only shortcut past SQLAlchemy: a process compiles a statement once and then gives it to the driver.

It serves the few statements of a visit. Through ``Connection.execute`` these cost a third more, and a visit on
PostgreSQL then has less than half the speed of a bare program (decision 17). The connection, its transaction and
its pool are SQLAlchemy's, so both ways mix: all other statements use ``Connection.execute``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase

from feedback_service.database.engine import is_refused_by_standby
from feedback_service.errors import LostRace

STALE_PLAN = "0A000"  # the statement was prepared on this connection before a migration changed the table

_Statement = Select[Any] | UpdateBase
_Convert = Callable[[Any], Any]


class _Compiled(NamedTuple):
    """A statement in the dialect of one database."""

    sql: str
    order: Sequence[str] | None  # of the values, if the dialect has no names for them
    constants: Mapping[str, Any]  # values that are part of the statement
    convert_values: Sequence[tuple[str, _Convert]]  # values that the driver needs converted
    convert_columns: Sequence[tuple[int, _Convert]]  # columns that the driver returns unconverted


_compiled: dict[tuple[_Statement, str, tuple[str, ...]], _Compiled] = {}


def fetch_rows(connection: Connection, query: Select[Any], values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Do the same as ``connection.execute(query, values).all()``. ``query`` must be a constant of its module."""
    compiled, cursor = _execute(connection, query, values)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    cursor.close()
    if not compiled.convert_columns:
        return rows
    return [_convert_row(row, compiled.convert_columns) for row in rows]


def execute_write(connection: Connection, statement: UpdateBase, values: Mapping[str, Any]) -> int:
    """Do the same as ``connection.execute(statement, values).rowcount``. ``statement`` must be a constant."""
    _, cursor = _execute(connection, statement, values)
    rows = int(cursor.rowcount)
    cursor.close()
    return rows


def write_guarded(connection: Connection, statement: UpdateBase, values: Mapping[str, Any]) -> None:
    """Change one row; the statement's condition says that it is still as it was read. Raises ``LostRace``."""
    if execute_write(connection, statement, values) != 1:
        raise LostRace()


def _execute(connection: Connection, statement: _Statement, values: Mapping[str, Any]) -> tuple[_Compiled, Any]:
    """Return the compiled statement and an open cursor with its result."""
    dialect = connection.dialect
    key = statement, dialect.name, tuple(values)
    compiled = _compiled.get(key)
    if compiled is None:
        compiled = _compiled[key] = _compile(statement, dialect, values)
    parameters = {**compiled.constants, **values}
    for name, convert in compiled.convert_values:
        parameters[name] = convert(parameters[name])
    order = compiled.order
    if not connection.in_transaction():
        connection.begin()  # else the driver begins, and SQLAlchemy does not know that it must commit
    cursor = connection.connection.cursor()
    try:
        cursor.execute(compiled.sql, parameters if order is None else [parameters[name] for name in order])
    except dialect.loaded_dbapi.Error as error:
        is_broken = dialect.is_disconnect(cast(Any, error), cast(Any, connection.connection), cast(Any, cursor))
        is_broken = is_broken or is_refused_by_standby(connection, error, compiled.sql)
        if is_broken or getattr(error, "sqlstate", None) == STALE_PLAN:
            connection.invalidate(error)
        else:
            cursor.close()
        raise _wrap_driver_error(error, dialect, is_broken) from error
    return compiled, cursor


def _compile(statement: _Statement, dialect: Dialect, values: Mapping[str, Any]) -> _Compiled:
    is_query = isinstance(statement, Select)
    compiler = statement.compile(dialect=dialect, column_keys=None if is_query else list(values))
    processors = {
        name: parameter.type.dialect_impl(dialect).bind_processor(dialect) for name, parameter in compiler.binds.items()
    }
    column_processors = [
        column.type.dialect_impl(dialect).result_processor(dialect, None)
        for column in (statement.exported_columns if isinstance(statement, Select) else ())
    ]
    return _Compiled(
        str(compiler),
        compiler.positiontup,
        {name: parameter.value for name, parameter in compiler.binds.items() if not parameter.required},
        [(name, convert) for name, convert in processors.items() if convert],
        [(index, convert) for index, convert in enumerate(column_processors) if convert],
    )


def _convert_row(row: Sequence[Any], convert_columns: Sequence[tuple[int, _Convert]]) -> tuple[Any, ...]:
    converted = list(row)
    for index, convert in convert_columns:
        converted[index] = convert(converted[index])
    return tuple(converted)


def _wrap_driver_error(error: Exception, dialect: Dialect, is_broken: bool) -> Exception:
    """Return the exception that SQLAlchemy raises for this error of the driver."""
    driver_base = cast(type[Exception], dialect.loaded_dbapi.Error)
    wrapped = DBAPIError.instance(
        None, None, error, driver_base, hide_parameters=True, connection_invalidated=is_broken
    )
    return cast(Exception, wrapped)
