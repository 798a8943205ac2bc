"""Backup and restore: all of it or nothing, from either engine into either, while others write."""

import os
import resource
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from service.core import clock
from service.core.history import Recorder, metadata, reserve_ids
from service.plan.models import milestone, organisation, status_update, workstream, workstream_area
from tests.cli.command import must, run_tracker
from tests.conftest import ENGINES, run_once
from tests.database.archives import parts_of
from tests.database.conftest import MakeDatabase, back_up, restore
from tests.database.schemas import schema_of
from tests.durability.audit import faults_of
from tests.factories import all_rows, first_id

ID_GIVERS = [table for table in metadata.sorted_tables if table.dialect_options["sqlite"]["autoincrement"]]
ROOT = 0


def next_ids(connection: Connection) -> dict[str, int]:
    """Take the next id of every table that gives out ids."""
    return {table.name: reserve_ids(connection, table, 1) for table in ID_GIVERS}


@pytest.mark.parametrize("target", ENGINES)
class TestThereAndBack:
    def test_every_row_of_every_table_is_there(
        self, held_url: str, target: str, new_database: MakeDatabase, tmp_path: Path
    ) -> None:
        url, rows = new_database(target), all_rows(held_url)
        said = restore(url, back_up(held_url, tmp_path / "backup.zip"))
        assert must(said) == f"Restored {sum(map(len, rows.values()))} rows from {tmp_path / 'backup.zip'}.\n"
        assert all_rows(url) == rows
        assert run_once(url, faults_of) == []

    def test_no_id_is_given_out_again(
        self, held_url: str, target: str, new_database: MakeDatabase, tmp_path: Path
    ) -> None:
        url = new_database(target)
        must(restore(url, back_up(held_url, tmp_path / "backup.zip")))
        expected = run_once(held_url, next_ids)
        assert run_once(url, next_ids) == expected

    def test_the_next_organisation_has_an_id_that_none_ever_had(
        self, held_url: str, target: str, new_database: MakeDatabase, tmp_path: Path
    ) -> None:
        url = new_database(target)
        must(restore(url, back_up(held_url, tmp_path / "backup.zip")))
        ever = [row[0] for name in ("organisation", "organisation_history") for row in all_rows(url)[name]]
        values = {"ref": "next", "name": "Next", "kind": "nhs", "parent_id": None}
        made = run_once(url, lambda connection: Recorder(connection, None, clock.now()).add(organisation, values))
        assert made["id"] > max(ever)


def test_a_backup_of_a_restored_database_is_the_same_file(
    held_url: str, new_database: MakeDatabase, tmp_path: Path
) -> None:
    first = back_up(held_url, tmp_path / "first.zip")
    for engine in ENGINES:
        url = new_database(engine)
        must(restore(url, first))
        assert parts_of(back_up(url, tmp_path / f"{engine}.zip")) == parts_of(first)


@contextmanager
def writing(url: str) -> Iterator[Callable[[], int]]:
    """Write without pause for as long as the block runs; gives a count of what was committed so far."""
    enough, committed, failed = threading.Event(), 0, []

    def write(connection: Connection) -> None:
        recorder = Recorder(connection, None, clock.now(), "All the while")
        row_id, stream = first_id(connection, milestone), first_id(connection, workstream)
        recorder.alter(milestone, row_id, {"description": f"Round {committed}"})
        report = {"milestone_id": row_id, "effective_on": clock.today(), "status": "on_hold", "percent_complete": 1}
        recorder.append(status_update, {**report, "evidence": []})
        areas = [{"area_id": 1 + committed % 4}]
        recorder.alter(workstream, stream, {})
        recorder.link(workstream_area, {"workstream_id": stream}, areas)

    def go_on() -> None:
        nonlocal committed
        try:
            while not enough.is_set():
                run_once(url, write)
                committed += 1
        except Exception as error:  # noqa: BLE001 The test says what it was.
            failed.append(error)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield lambda: committed
    finally:
        enough.set()
        thread.join()
    assert failed == []


def test_what_is_backed_up_while_others_write_is_one_moment_of_the_past(
    sample_url: str, engine_name: str, new_database: MakeDatabase, tmp_path: Path
) -> None:
    with writing(sample_url) as committed:
        while True:
            before = committed()
            backup = back_up(sample_url, tmp_path / "backup.zip")
            # What was committed while the backup was made is what puts it to the test.
            if before and committed() > before:
                break
    url = new_database(engine_name)
    must(restore(url, backup))
    assert run_once(url, faults_of) == []
    then, now = all_rows(url), all_rows(sample_url)
    for name in ("stamp", "change", "status_update"):
        assert then[name] == now[name][: len(then[name])]
    assert len(then["stamp"]) > before


def test_a_database_that_holds_data_is_left_alone(held_url: str, good: Path) -> None:
    before = all_rows(held_url)
    said = restore(held_url, good)
    assert said.is_refusal_in_words()
    assert said.err == "This database holds data. Restore into an empty one, or say --replace to discard it.\n"
    assert all_rows(held_url) == before


def test_data_is_discarded_where_that_is_said(sample_url: str, held_url: str, tmp_path: Path) -> None:
    backup = back_up(held_url, tmp_path / "backup.zip")
    must(restore(sample_url, backup, "--replace"))
    assert all_rows(sample_url) == all_rows(held_url)


def test_a_backup_replaces_the_very_database_that_it_was_made_of(sample_url: str, tmp_path: Path) -> None:
    before, schema = all_rows(sample_url), run_once(sample_url, schema_of)
    must(restore(sample_url, back_up(sample_url, tmp_path / "backup.zip"), "--replace"))
    assert (all_rows(sample_url), run_once(sample_url, schema_of)) == (before, schema)


@pytest.mark.parametrize("command", ["restore", "load"])
@pytest.mark.parametrize(("name", "says"), [("none.zip", "does not exist"), (".", "is a directory")])
def test_a_file_that_is_not_there_is_named(command: str, name: str, says: str, tmp_path: Path) -> None:
    said = run_tracker(command, str(tmp_path / name), database_url=f"sqlite:///{tmp_path}/new.db")
    assert said.is_refusal_in_words()
    assert says in said.err


def drop_a_table(connection: Connection) -> None:
    connection.execute(text("DROP TABLE user_role"))


def test_a_backup_that_fails_leaves_the_last_one_and_nothing_else(sample_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    last = back_up(sample_url, folder / "backup.zip")
    content = last.read_bytes()
    run_once(sample_url, drop_a_table)
    said = run_tracker("backup", str(last), database_url=sample_url)
    assert said.is_refusal_in_words()
    assert "user_role" in said.err
    assert (last.read_bytes(), os.listdir(folder)) == (content, ["backup.zip"])


@contextmanager
def little_room(bytes_at_most: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_at_most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_backup_for_which_there_is_no_room_leaves_nothing(held_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    with little_room(4096):
        said = run_tracker("backup", str(folder / "backup.zip"), database_url=held_url)
    assert said.is_refusal_in_words()
    assert "cannot be reached" not in said.err
    assert os.listdir(folder) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none/backup.zip", "No such file or directory"),
        ("file/backup.zip", "Not a directory"),
        ("pipe", "it is there, and not a file"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_named(held_url: str, name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    said = run_tracker("backup", str(tmp_path / name), database_url=held_url)
    assert (said.is_refusal_in_words(), said.err) == (True, f"Cannot write {tmp_path / name}: {reason}.\n")


@pytest.mark.skipif(os.geteuid() == ROOT, reason="Nothing is forbidden to root.")
def test_a_folder_without_the_right_to_write_is_named(held_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    said = run_tracker("backup", str(folder / "backup.zip"), database_url=held_url)
    assert (said.is_refusal_in_words(), said.err) == (
        True,
        f"Cannot write {folder / 'backup.zip'}: Permission denied.\n",
    )


@pytest.fixture
def generous() -> Iterator[None]:
    """A shell that lets everybody read and write what it makes."""
    before = os.umask(0)
    yield
    os.umask(before)


def rights(path: Path) -> int:
    """Return who may read and write a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("generous")
def test_a_backup_is_for_its_owner_alone(held_url: str, tmp_path: Path) -> None:
    over = tmp_path / "over.zip"
    over.write_text("An older file that all may read.")
    assert (rights(back_up(held_url, tmp_path / "new.zip")), rights(back_up(held_url, over))) == (0o600, 0o600)


@pytest.mark.usefixtures("generous")
def test_the_sqlite_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    must(run_tracker("migrate", data_dir=tmp_path / "data"))
    must(run_tracker("load", "--sample", data_dir=tmp_path / "data"))
    # Its journal lies beside it.
    files = {path.name: rights(path) for path in (tmp_path / "data").iterdir()}
    assert files["tracker.db"] == 0o600
    assert set(files.values()) == {0o600}


@pytest.mark.usefixtures("generous")
def test_the_rights_of_a_file_that_is_there_are_its_owners_choice(tmp_path: Path) -> None:
    must(run_tracker("migrate", data_dir=tmp_path))
    (tmp_path / "tracker.db").chmod(0o640)
    must(run_tracker("load", "--sample", data_dir=tmp_path))
    assert rights(tmp_path / "tracker.db") == 0o640


@pytest.mark.parametrize("command", ["backup", "load"])
def test_a_database_without_tables_is_told_to_migrate(command: str, new_database: MakeDatabase, tmp_path: Path) -> None:
    target = tmp_path / "backup.zip"
    arguments = ["--sample"] if command == "load" else [str(target)]
    for engine in ENGINES:
        said = run_tracker(command, *arguments, database_url=new_database(engine))
        assert said.err == "The database is not at the current tables: run `tracker migrate` first.\n"
    assert not target.exists()


def test_a_database_of_a_newer_version_is_not_replaced(
    good: Path, new_database: MakeDatabase, engine_name: str
) -> None:
    url = new_database(engine_name)
    must(restore(url, good))
    run_once(url, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    before = all_rows(url)
    said = restore(url, good, "--replace")
    assert (said.is_refusal_in_words(), "at revision 9999" in said.err) == (True, True)
    assert all_rows(url) == before
