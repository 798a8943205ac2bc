"""What a constraint of the database says, in words for the reader: the one place that knows their names."""

import re

from sqlalchemy import UniqueConstraint
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from service.core.errors import Conflict, Fault, Invalid, TrackerError

SQLITE_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)$")
POSTGRESQL_CONSTRAINT = re.compile(r'constraint "([a-z0-9_]+)"')


def conflict_of(error: IntegrityError) -> TrackerError:
    """Turn a refusal of the database into `Conflict` or `Invalid`, by the constraint that refused."""
    text = str(error.orig).splitlines()[0] if error.orig else ""
    columns = _unique_columns(text)
    if columns is not None:
        named = " and ".join(columns)
        return Conflict(
            f"Another row has the same {named}. Choose another, or change the one that is there.",
            [Fault(f"/{columns[-1]}", f"There is one with this {named} already.")],
        )
    if "FOREIGN KEY" in text or "foreign key" in text:
        return Conflict("Something still refers to this, or it refers to something that is not there.")
    return Invalid(Fault("", f"The database refused a value: {_constraint_name(text) or 'a rule of its own'}."))


def _constraint_name(text: str) -> str | None:
    found = POSTGRESQL_CONSTRAINT.search(text)
    return found.group(1) if found else None


def _unique_columns(text: str) -> list[str] | None:
    on_sqlite = SQLITE_UNIQUE.search(text)
    if on_sqlite:
        return [name.split(".")[-1] for name in on_sqlite.group(1).split(", ")]
    name = _constraint_name(text)
    if name is None:
        return None
    for table in SQLModel.metadata.tables.values():
        for constraint in table.constraints:
            if isinstance(constraint, UniqueConstraint) and constraint.name == name:
                return [column.name for column in constraint.columns]
    return None
