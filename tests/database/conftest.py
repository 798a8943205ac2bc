"""Databases without any table, as many as a test needs; one with rows in every table; and backups."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Said, must, run_tracker
from tests.conftest import ENGINES, administer, at_database
from tests.factories import all_rows, fill

MakeDatabase = Callable[[str], str]
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeDatabase]:
    """A function that makes an empty database of an engine, and returns its address."""
    made: list[str] = []

    def make(engine: str) -> str:
        if engine == "sqlite":
            folder: Path = tmp_path_factory.mktemp("database")
            return f"sqlite:///{folder / 'tracker.db'}"
        server = request.getfixturevalue("postgresql_server")
        made.append(f"made_{uuid.uuid4().hex[:12]}")
        administer(server, f"CREATE DATABASE {made[-1]}")
        return at_database(server, made[-1])

    yield make
    for name in made:
        administer(request.getfixturevalue("postgresql_server"), f"DROP DATABASE {name} WITH (FORCE)")


def back_up(url: str, target: Path) -> Path:
    """Write a backup, and return it."""
    must(run_tracker("backup", str(target), database_url=url))
    return target


def restore(url: str, source: Path, *options: str) -> Said:
    """Restore a backup."""
    return run_tracker("restore", str(source), *options, database_url=url)


@pytest.fixture(scope="module", params=ENGINES)
def held_url(request: pytest.FixtureRequest, new_database: MakeDatabase) -> str:
    """A database with rows in every table; a test leaves it as it was."""
    url = new_database(str(request.param))
    must(run_tracker("migrate", database_url=url))
    fill(url)
    return url


@pytest.fixture(scope="module")
def held_rows(held_url: str) -> Rows:
    """The rows of that database."""
    return all_rows(held_url)


@pytest.fixture(scope="module")
def good(new_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the sample plan, from SQLite."""
    url = new_database("sqlite")
    must(run_tracker("migrate", database_url=url))
    must(run_tracker("load", "--sample", database_url=url))
    return back_up(url, tmp_path_factory.mktemp("backup") / "good.zip")
