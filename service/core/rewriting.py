"""The one way past the guards of what is only ever added: within one transaction, for as long as it is open."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Table, text

from service.core.driver import is_sqlite


@contextmanager
def rewriting(connection: Connection, tables: Iterable[Table]) -> Iterator[None]:
    """Let the rows of tables be changed that the database else refuses to change.

    The guards come back before the transaction commits; where it does not, they were never gone.
    """
    names = sorted({table.name for table in tables})
    if not is_sqlite(connection):
        for name in names:
            connection.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
        yield
        for name in names:
            connection.execute(text(f"ALTER TABLE {name} ENABLE TRIGGER USER"))
        return
    found = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name")
    guards = [guard for name in names for guard in connection.execute(found, {"name": name}).all()]
    for guard in guards:
        connection.execute(text(f"DROP TRIGGER {guard.name}"))
    yield
    for guard in guards:
        connection.exec_driver_sql(guard.sql)
