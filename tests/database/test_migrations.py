"""The migrations: they make what the models say, keep every row, and can be gone back on."""

import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import service.main  # noqa: F401 Every table joins the metadata.
from service.core.errors import TrackerError
from service.core.history import metadata
from service.core.migrations import NEWEST_REVISION, SCRIPTS, alembic_config, current_revision, downgrade, migrate
from tests.conftest import run_once
from tests.database.schemas import STAYS, counts_of, reflected, schema_of, tables_of, triggers_of
from tests.durability.audit import faults_of
from tests.durability.loopback import TRACKER
from tests.factories import all_rows, fill

ROOTED_IN_NOTHING = "base"


def revisions(folder: Path | None = None) -> list[str]:
    """Return every revision, oldest first; those of a folder are among them."""
    return [script.revision for script in reversed(list(scripts(folder).walk_revisions()))]


def scripts(folder: Path | None) -> ScriptDirectory:
    return ScriptDirectory(str(SCRIPTS), version_locations=[str(each) for each in places(folder)])


def places(folder: Path | None) -> list[Path]:
    return [SCRIPTS / "versions", *([folder] if folder else [])]


def step(connection: Connection, target: str, folder: Path | None) -> None:
    """Go to a revision that is next to the present one, with the revisions of a folder after those of the service."""
    config = alembic_config(connection)
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(each) for each in places(folder)))
    order = [ROOTED_IN_NOTHING, *revisions(folder)]
    here = order.index(current_revision(connection) or ROOTED_IN_NOTHING)
    (command.upgrade if order.index(target) > here else command.downgrade)(config, target)


def losses(connection: Connection, before: str, after: str, folder: Path | None = None) -> Iterator[str]:
    """Go back over the boundary between two revisions and forward again; yield what the way forward loses."""
    step(connection, before, folder)
    rows, triggers = counts_of(connection), triggers_of(connection)
    step(connection, after, folder)
    there = counts_of(connection)
    for name, count in rows.items():
        if there.get(name, -1) < count:
            yield f"{name} had {count} rows at {before} and has {there.get(name)} at {after}"
    for trigger in sorted(triggers - triggers_of(connection)):
        yield f"the trigger {trigger} of {before} is gone at {after}"


def test_the_revision_that_the_code_needs_is_the_last_of_the_scripts() -> None:
    assert revisions()[-1] == NEWEST_REVISION


def test_the_models_say_what_the_migrations_make(database_url: str) -> None:
    run_once(database_url, lambda connection: command.check(alembic_config(connection)))


def test_a_column_that_no_migration_makes_is_noticed(database_url: str) -> None:
    def drop_and_check(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE owner DROP COLUMN email"))
        command.check(alembic_config(connection))

    with pytest.raises(Exception, match="New upgrade operations detected"):
        run_once(database_url, drop_and_check)


def test_tables_made_from_the_models_are_the_migrated_ones_to_the_name(database_url: str) -> None:
    migrated = run_once(database_url, reflected)
    run_once(database_url, downgrade)
    run_once(database_url, metadata.create_all)
    assert run_once(database_url, reflected) == migrated


def test_every_constraint_and_index_has_a_name_of_ours(database_url: str, engine_name: str) -> None:
    found = run_once(database_url, reflected)
    odd = []
    for table, parts in found.items():
        # SQLite's words for ids that are never used again leave no place for the name of the key.
        is_unnamed = engine_name == "sqlite" and metadata.tables[table].dialect_options["sqlite"]["autoincrement"]
        names = [] if is_unnamed else [("pk", parts["primary key"]["name"])]
        for kind, prefix in (("foreign keys", "fk"), ("unique", "uq"), ("checks", "ck"), ("indexes", "ix")):
            # PostgreSQL lists the index of a unique constraint among the indexes, under the constraint's name.
            names += [(prefix, name) for name in parts[kind] if not (prefix == "ix" and name in parts["unique"])]
        odd += [f"{table}: {name}" for prefix, name in names if not (name and name.startswith(f"{prefix}_{table}"))]
    assert odd == []


def test_the_second_way_up_makes_what_the_first_made(database_url: str) -> None:
    first = run_once(database_url, schema_of)
    fill(database_url)
    run_once(database_url, downgrade)
    run_once(database_url, migrate)
    assert run_once(database_url, schema_of) == first
    assert {name for name, rows in all_rows(database_url).items() if rows} == set()


def test_the_way_back_leaves_nothing_behind(database_url: str) -> None:
    fill(database_url)
    run_once(database_url, downgrade)
    assert run_once(database_url, schema_of) == {}
    assert run_once(database_url, leftovers) == []


def leftovers(connection: Connection) -> list[str]:
    """Return the rows of those tables that stay."""
    names = ["alembic_version", *(["sqlite_sequence"] if connection.dialect.name == "sqlite" else [])]
    assert set(names) <= set(STAYS)
    return [
        f"{name} {tuple(row)}"
        for name in names
        for row in connection.execute(text(f"SELECT * FROM {name}"))  # noqa: S608 One of the two above.
    ]


def test_a_database_gone_back_on_takes_data_again(database_url: str) -> None:
    fill(database_url)
    run_once(database_url, downgrade)
    run_once(database_url, migrate)
    fill(database_url)
    assert run_once(database_url, faults_of) == []


def test_every_step_keeps_every_row_and_trigger(database_url: str) -> None:
    fill(database_url)

    def go_back_over_all(connection: Connection) -> Iterator[str]:
        for before, after in reversed(list(pairwise(revisions()))):
            yield from losses(connection, before, after)
            step(connection, before, None)

    assert run_once(database_url, lambda connection: list(go_back_over_all(connection))) == []


CAREFUL = """
    op.add_column("board", sa.Column("chair", sa.String(300), nullable=True))
    op.create_table("visit", sa.Column("id", sa.BigInteger(), primary_key=True))
"""
BACK = """
    op.drop_column("board", "chair")
    op.drop_table("visit")
"""
DROPS_A_ROW = """
    op.execute("DELETE FROM kept_answer")
"""
DROPS_A_TABLE = """
    op.drop_table("kept_answer")
"""
DROPS_A_TRIGGER = """
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute("DROP TRIGGER stamp_no_delete" if is_sqlite else "DROP TRIGGER stamp_no_truncate ON stamp")
"""
FAILS_HALF_WAY = """
    op.create_table("visit", sa.Column("id", sa.BigInteger(), primary_key=True))
    op.execute("DELETE FROM kept_answer")
    op.execute("no such words")
"""
REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{head}"


def upgrade():
{up}
    return


def downgrade():
{back}
    return
"""


def next_revision(folder: Path, up: str) -> str:
    """Write a revision that comes after the newest one, and return its name."""
    folder.mkdir()
    (folder / "next.py").write_text(REVISION.format(head=NEWEST_REVISION, up=up, back=BACK))
    return "next"


@pytest.mark.parametrize(
    ("up", "told"),
    [
        (CAREFUL, []),
        (DROPS_A_ROW, ["kept_answer had 1 rows at {head} and has 0 at next"]),
        (DROPS_A_TABLE, ["kept_answer had 1 rows at {head} and has None at next"]),
        (DROPS_A_TRIGGER, ["the trigger {trigger} of {head} is gone at next"]),
    ],
    ids=["careful", "drops a row", "drops a table", "drops a trigger"],
)
def test_a_step_that_loses_something_is_noticed(
    database_url: str, engine_name: str, up: str, told: list[str], tmp_path: Path
) -> None:
    fill(database_url)
    folder = tmp_path / "versions"
    head, after = revisions()[-1], next_revision(folder, up)
    lost = run_once(database_url, lambda connection: list(losses(connection, head, after, folder)))
    trigger = "stamp_no_delete" if engine_name == "sqlite" else "stamp.stamp_no_truncate"
    assert lost == [line.format(head=head, trigger=trigger) for line in told]


def test_a_step_is_looked_at_from_its_far_side_too(database_url: str, tmp_path: Path) -> None:
    fill(database_url)
    folder = tmp_path / "versions"
    head, after = revisions()[-1], next_revision(folder, CAREFUL)
    run_once(database_url, lambda connection: step(connection, after, folder))
    assert run_once(database_url, lambda connection: list(losses(connection, head, after, folder))) == []


def test_to_migrate_twice_is_harmless(sample_url: str) -> None:
    schema, rows = run_once(sample_url, schema_of), all_rows(sample_url)
    run_once(sample_url, migrate)
    assert (run_once(sample_url, schema_of), all_rows(sample_url)) == (schema, rows)


def test_two_that_migrate_at_once_both_end_well(database_url: str) -> None:
    made = run_once(database_url, schema_of)
    run_once(database_url, downgrade)
    at_once = [
        subprocess.Popen(  # noqa: S603 The command is our own.
            [TRACKER, "migrate"],
            env={"TRACKER_DATABASE_URL": database_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    ]
    said = [(process.communicate()[0].decode(), process.returncode) for process in at_once]
    assert said == [(f"The database is at revision {NEWEST_REVISION}.\n", 0)] * 2
    assert run_once(database_url, schema_of) == made


@pytest.mark.parametrize("act", [migrate, downgrade])
def test_a_revision_of_a_newer_version_is_left_alone(database_url: str, act: object) -> None:
    run_once(
        database_url, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    )
    with pytest.raises(TrackerError, match="at revision 9999, which this version does not know"):
        run_once(database_url, act)  # type: ignore[arg-type]
    assert set(run_once(database_url, tables_of)) == set(metadata.tables)


def test_a_step_that_fails_leaves_the_database_as_it_was(database_url: str, tmp_path: Path) -> None:
    fill(database_url)
    schema, rows = run_once(database_url, schema_of), all_rows(database_url)
    folder = tmp_path / "versions"
    after = next_revision(folder, FAILS_HALF_WAY)
    with pytest.raises(Exception, match="syntax error"):
        run_once(database_url, lambda connection: step(connection, after, folder))
    assert (run_once(database_url, schema_of), all_rows(database_url)) == (schema, rows)
