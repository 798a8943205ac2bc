"""Bringing a database to the current tables, and telling whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

SCRIPTS = Path(__file__).resolve().parents[2] / "alembic"


def alembic_config(connection: Connection) -> Config:
    """Return the configuration of the migrations over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config


def migrate(connection: Connection, target: str = "head") -> None:
    """Bring the database to a revision: forward to the newest one unless told."""
    command.upgrade(alembic_config(connection), target)


def newest_revision() -> str | None:
    """Return the revision that this code needs."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return ScriptDirectory.from_config(config).get_current_head()


def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at, None where it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def downgrade(connection: Connection) -> None:
    """Take every table out of the database."""
    command.downgrade(alembic_config(connection), "base")
