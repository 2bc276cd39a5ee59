"""Statements that are asked for every message: compiled once, carried out by the driver itself.

SQLAlchemy's own way costs some ten times what SQLite does for such a statement, most of it to
find out again what it found out the last time.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import SelectBase

Values = Mapping[str, Any]


class Prepared:
    """One statement in one dialect. `columns` are those that an INSERT is given values for.

    Values go to the driver and come from it as they are, so a truth value may be a number. Rows
    are named tuples. All methods raise sqlalchemy.exc.DBAPIError, as SQLAlchemy would.
    """

    def __init__(
        self, statement: SelectBase | UpdateBase, dialect: Dialect, columns: Iterable[str] = ()
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(columns) or None)
        assert isinstance(compiled, SQLCompiler)
        assert not compiled.post_compile_params, "a list of values is none of this"
        self.sql = str(compiled)
        self._order = compiled.positiontup
        known, binds = compiled.params, compiled.binds
        self._constants = {name: known[name] for name in known if not binds[name].required}
        names = [column.key or "_" for column in statement.exported_columns]
        row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc] # the statement's
        self._row: Callable[[Iterable[Any]], Any] = row._make

    def all(self, connection: Connection, values: Values) -> list[Any]:
        return list(map(self._row, self._fetched(connection, values)))

    def first(self, connection: Connection, values: Values) -> Any:
        """None if there is none."""
        rows = self._fetched(connection, values)
        return self._row(rows[0]) if rows else None

    def scalar(self, connection: Connection, values: Values) -> Any:
        """The first column of the first row; None if there is none."""
        rows = self._fetched(connection, values)
        return rows[0][0] if rows else None

    def scalars(self, connection: Connection, values: Values) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self._fetched(connection, values)]

    def run(self, connection: Connection, values: Values) -> int:
        """How many rows were changed."""
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self.sql, self._given(values))
            return cursor.rowcount
        except connection.dialect.loaded_dbapi.Error as error:
            raise self._told(connection, error) from error
        finally:
            cursor.close()

    def run_each(self, connection: Connection, rows: Iterable[Values]) -> None:
        """One after the other, not by `executemany`, for which psycopg sends them all before it
        asks for an answer: a process that is stopped in the middle of that is no idle one to
        PostgreSQL, which never ends its transaction, and its lane is held for ever.
        """
        cursor = connection.connection.cursor()
        try:
            for values in rows:
                cursor.execute(self.sql, self._given(values))
        except connection.dialect.loaded_dbapi.Error as error:
            raise self._told(connection, error) from error
        finally:
            cursor.close()

    def _fetched(self, connection: Connection, values: Values) -> Sequence[Any]:
        """To the last: what a driver has not finished cannot be committed."""
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self.sql, self._given(values))
            return cursor.fetchall()
        except connection.dialect.loaded_dbapi.Error as error:
            raise self._told(connection, error) from error
        finally:
            cursor.close()

    def _given(self, values: Values) -> Any:
        known = {**self._constants, **values}
        return known if self._order is None else [known[name] for name in self._order]

    def _told(self, connection: Connection, error: Exception) -> DBAPIError:
        dialect, broken = connection.dialect, False
        if not connection.invalidated:
            driver: Any = error
            broken = dialect.is_disconnect(driver, connection.connection.dbapi_connection, None)
        if broken:
            connection.invalidate(error)
            connection.engine.dispose()  # those that idle in the pool are as dead
        told = DBAPIError.instance(
            self.sql,
            None,
            error,
            dialect.loaded_dbapi.Error,
            connection_invalidated=broken,
            dialect=dialect,
        )
        assert isinstance(told, DBAPIError)
        return told
