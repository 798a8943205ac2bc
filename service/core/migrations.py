"""Bringing a database to the current tables, and telling whether it is there.

Alembic is a tenth of what the service imports, and only what migrates needs it: it is imported there.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from service.core.errors import Conflict

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = Path(__file__).resolve().parents[2] / "alembic"
# The revision that this code needs: the last of the scripts.
NEWEST_REVISION = "0005"


def alembic_config(connection: Connection | None = None) -> "Config":
    """Return the configuration of the migrations, over an open connection where something is to be done."""
    from alembic.config import Config  # noqa: PLC0415 It is heavy, and not always needed.

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config


def migrate(connection: Connection, target: str = "head") -> None:
    """Bring the database to a revision: forward to the newest one unless told.

    Raises:
        Conflict: the database is at a revision that this code does not know.
    """
    from alembic import command  # noqa: PLC0415 It is heavy, and not always needed.

    _check_known(connection)
    command.upgrade(alembic_config(connection), target)


def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at, None where it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return revision


def downgrade(connection: Connection, target: str = "base") -> None:
    """Bring the database back to a revision; every table is taken out unless told.

    Raises:
        Conflict: the database is at a revision that this code does not know.
    """
    from alembic import command  # noqa: PLC0415 It is heavy, and not always needed.

    _check_known(connection)
    command.downgrade(alembic_config(connection), target)


def _check_known(connection: Connection) -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 It is heavy, and not always needed.

    revision = current_revision(connection)
    scripts = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    if revision is not None and revision not in {script.revision for script in scripts}:
        raise Conflict(
            f"The database is at revision {revision}, which this version does not know: use the version that does."
        )
