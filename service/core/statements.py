"""Statements that are asked over and over: compiled once for each kind of database, and sent straight to its driver.

SQLAlchemy writes them and says what its types do to values. All that it does besides, at each run, takes longer than
most of them run for.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Float, Select
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

from service.core.driver import fetch, send_each

Values = Mapping[str, Any]
# A list of another length makes another text; so many texts are kept of a statement.
TEXTS_KEPT = 64
# What PostgreSQL calls the two sorts of numbers with a fraction; types ask for it.
FLOAT, NUMERIC = 701, 1700


class Statement:
    """A statement with named parameters. It may be asked with more values than it has parameters.

    An INSERT without VALUES has one for each of the columns that are named.
    """

    def __init__(self, clause: Select[*tuple[Any, ...]] | UpdateBase, columns: Sequence[str] = ()) -> None:
        self._clause = clause
        self._columns = columns
        self._written: dict[str, _Written] = {}

    def rows(self, connection: Connection, values: Values) -> list[Sequence[Any]]:
        """Return all rows, each with its values in the order of the columns."""
        written = self._for(connection.dialect)
        found = written.run(connection, values)
        return [written.processed(row) for row in found] if written.results else found

    def dicts(self, connection: Connection, values: Values) -> list[dict[str, Any]]:
        """Return all rows, each by the names of the columns."""
        written = self._for(connection.dialect)
        names = written.names
        # A row has a value for each; to check that takes a fifth of the time.
        rows = [dict(zip(names, row)) for row in written.run(connection, values)]  # noqa: B905
        # Column by column, for that takes less than row by row.
        for name, process in written.results.items():
            for row in rows:
                row[name] = process(row[name])
        return rows

    def each(self, connection: Connection, several: Sequence[Values]) -> None:
        """Run the statement once for each of several values, none of them a list to compare with."""
        if len(several) == 1:
            self._for(connection.dialect).run(connection, several[0])
        elif several:
            self._for(connection.dialect).run_each(connection, several)

    def _for(self, dialect: Dialect) -> "_Written":
        written = self._written.get(dialect.name)
        if written is None:
            written = self._written[dialect.name] = _Written(self._clause, self._columns, dialect)
        return written


class _Written:
    """A statement in the words of one kind of database."""

    def __init__(self, clause: Select[*tuple[Any, ...]] | UpdateBase, names: Sequence[str], dialect: Dialect) -> None:
        columns = clause.column_descriptions if isinstance(clause, Select) else clause.returning_column_descriptions
        self.names = tuple(str(column["name"]) for column in columns)
        processes = (_result_process(column["type"], dialect) for column in columns)
        self.results = {name: process for name, process in zip(self.names, processes, strict=True) if process}
        self._places = [(self.names.index(name), process) for name, process in self.results.items()]
        compiled = clause.compile(dialect=dialect, column_keys=list(names) or None)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 It narrows the type.
        self._compiled = compiled
        self._lists = [bind.key for bind in compiled.binds.values() if bind.expanding]
        self._texts: dict[tuple[int, ...], _Text] = {}

    def processed(self, row: Sequence[Any]) -> list[Any]:
        """Return the values of a row as Python has them."""
        values = list(row)
        for place, process in self._places:
            values[place] = process(values[place])
        return values

    def run(self, connection: Connection, values: Values) -> list[Any]:
        """Send the statement, and return the rows as the driver gives them."""
        text = self._text(values)
        return fetch(connection, text.sql, text.parameters(values))

    def run_each(self, connection: Connection, several: Sequence[Values]) -> None:
        """Send the statement once for each of several values."""
        text = self._text(several[0])
        send_each(connection, text.sql, [text.parameters(values) for values in several])

    def _text(self, values: Values) -> "_Text":
        lengths = tuple([len(values[name]) for name in self._lists])
        text = self._texts.get(lengths)
        if text is None:
            if len(self._texts) == TEXTS_KEPT:
                self._texts.clear()
            text = self._texts[lengths] = _Text(self._compiled, values)
        return text


def _result_process(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return what a type does to a value that the driver returns, if anything."""
    return kind.dialect_impl(dialect).result_processor(dialect, FLOAT if isinstance(kind, Float) else NUMERIC)


class _Text:
    """What is sent, for lists of certain lengths, and how its parameters come out of the values."""

    def __init__(self, compiled: SQLCompiler, values: Values) -> None:
        state = compiled.construct_expanded_state(values)
        self.sql = state.statement
        self._constants: list[Any] = []
        self._given: list[tuple[int, str, Callable[[Any], Any] | None]] = []
        self._listed: list[tuple[int, str, int, Callable[[Any], Any] | None]] = []
        lists = {
            part: (compiled.binds[name], number)
            for name, parts in state.parameter_expansion.items()
            for number, part in enumerate(parts)
        }
        for place, name in enumerate(state.positiontup or ()):
            bind, number = lists.get(name) or (compiled.binds[name], 0)
            process = bind.type.dialect_impl(compiled.dialect).bind_processor(compiled.dialect)
            value = None
            if name in lists:
                self._listed.append((place, bind.key, number, process))
            elif bind.required:
                self._given.append((place, bind.key, process))
            else:
                value = process(bind.value) if process else bind.value
            self._constants.append(value)

    def parameters(self, values: Values) -> list[Any]:
        """Return the parameters in their order."""
        made = self._constants.copy()
        for place, name, process in self._given:
            made[place] = process(values[name]) if process else values[name]
        for place, name, number, process in self._listed:
            made[place] = process(values[name][number]) if process else values[name][number]
        return made
