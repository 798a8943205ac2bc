"""Hearing what is sent to a database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from service.core.db import Database


@contextmanager
def statements_sent(database: Database, is_wanted: Callable[[str], bool]) -> Iterator[list[str]]:
    """Gather those statements that are wanted."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if is_wanted(statement):
            sent.append(statement)

    for engine in database.engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in database.engines:
            event.remove(engine, "before_cursor_execute", note)
