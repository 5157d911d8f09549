"""Statements of what people do all day: worked out once for each kind of database, then handed to its driver.

SQLAlchemy's work on a statement costs several times the database's (decision 9); everything that is asked or written
less often goes through SQLAlchemy as usual.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import ClauseElement, Dialect, Executable, Table, bindparam, insert
from sqlalchemy.sql.compiler import SQLCompiler

from feedback_service.links import Tx, link_of


class _Form(NamedTuple):
    """A statement as one kind of database takes it."""

    sql: str
    names: Sequence[str]  # of its parameters, in their order
    binds: Sequence[tuple[str, Callable[[Any], Any]]]  # those that the driver does not take as they are
    results: Sequence[tuple[int, Callable[[Any], Any]]]  # the columns that it does not give as they should be

    def given(self, values: Mapping[str, Any]) -> list[Any]:
        """The values as the driver takes them; ``KeyError`` if one is missing."""
        if self.binds:
            values = dict(values)
            for name, process in self.binds:
                values[name] = process(values[name])
        return [values[name] for name in self.names]


class Ready:
    """A statement worked out once for each kind of database and then handed to the driver as it is.

    SQLAlchemy's work on a statement costs several times the database's; this leaves the conversion of values.
    All values are parameters, ``bindparam`` with a name: ``TypeError`` at its first use if one is not. A statement
    may be one for each dialect.
    """

    def __init__(self, statement: Executable | Mapping[str, Executable]) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}

    @classmethod
    def insert(cls, into: Table, *columns: str) -> "Ready":
        """A row with these columns; those left out may have no default."""
        return cls(insert(into).values({name: bindparam(name) for name in columns}))

    def rows(self, tx: Tx, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """What it finds."""
        link = link_of(tx)
        form = self._form(link.dialect)
        found = link.rows(form.sql, form.given(values))
        return [_converted(row, form.results) for row in found] if form.results else found

    def run(self, tx: Tx, values: Mapping[str, Any], *, or_lost: bool = False) -> None:
        """Write. With ``or_lost``, a row must still be there to change; if none is, ``LostRace``."""
        link = link_of(tx)
        form = self._form(link.dialect)
        link.write(form.sql, form.given(values), or_lost=or_lost)

    def run_all(self, tx: Tx, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write with each of these."""
        link = link_of(tx)
        form = self._form(link.dialect)
        link.write_all(form.sql, [form.given(values) for values in rows])

    def _form(self, dialect: Dialect) -> _Form:
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = self._worked_out(dialect)
        return form

    def _worked_out(self, dialect: Dialect) -> _Form:
        statement = self._statement
        if isinstance(statement, Mapping):
            statement = statement[dialect.name]
        if dialect.name == "postgresql":
            dialect = cast(Any, type(dialect))(
                paramstyle="numeric_dollar"
            )  # as PostgreSQL counts them itself
        compiled = cast(SQLCompiler, cast(ClauseElement, statement).compile(dialect=dialect))
        for name, parameter in compiled.binds.items():
            if not parameter.required:
                raise TypeError(f"a value is part of the statement: {name}")
        binds = {
            name: parameter.type.dialect_impl(dialect).bind_processor(dialect)
            for name, parameter in compiled.binds.items()
        }
        results = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in getattr(statement, "exported_columns", ())
        ]
        return _Form(
            str(compiled),
            tuple(compiled.positiontup or ()),
            [(name, process) for name, process in binds.items() if process],
            [(place, process) for place, process in enumerate(results) if process],
        )


def _converted(row: tuple[Any, ...], results: Iterable[tuple[int, Callable[[Any], Any]]]) -> tuple[Any, ...]:
    converted = list(row)
    for place, process in results:
        converted[place] = process(converted[place])
    return tuple(converted)
