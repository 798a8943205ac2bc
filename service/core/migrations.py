"""Bringing a database to the current tables, and telling whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from service.core.errors import Conflict

SCRIPTS = Path(__file__).resolve().parents[2] / "alembic"


def alembic_config(connection: Connection) -> Config:
    """Return the configuration of the migrations over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config


def migrate(connection: Connection, target: str = "head") -> None:
    """Bring the database to a revision: forward to the newest one unless told.

    Raises:
        Conflict: the database is at a revision that this code does not know.
    """
    _check_known(connection)
    command.upgrade(alembic_config(connection), target)


def newest_revision() -> str | None:
    """Return the revision that this code needs."""
    return _scripts().get_current_head()


def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at, None where it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def downgrade(connection: Connection, target: str = "base") -> None:
    """Bring the database back to a revision; every table is taken out unless told.

    Raises:
        Conflict: the database is at a revision that this code does not know.
    """
    _check_known(connection)
    command.downgrade(alembic_config(connection), target)


def _check_known(connection: Connection) -> None:
    revision = current_revision(connection)
    if revision is not None and revision not in {script.revision for script in _scripts().walk_revisions()}:
        raise Conflict(
            f"The database is at revision {revision}, which this version does not know: use the version that does."
        )


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return ScriptDirectory.from_config(config)
