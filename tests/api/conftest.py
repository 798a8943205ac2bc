"""One service for all the tests of a file, because making a database takes longer than what most of them ask of it."""

import shutil
import uuid
from collections.abc import Iterator
from itertools import count

import pytest

from tests.conftest import ENGINES, SAMPLE, Api, administer, at_database, load_file, run_once, serving
from tests.factories import Plan, make_plan

numbers = count(1)


@pytest.fixture(scope="module", params=ENGINES)
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a migrated, empty database that the tests of one file use together."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("shared") / "tracker.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    name = f"shared_{uuid.uuid4().hex[:12]}"
    server, template = request.getfixturevalue("postgresql_server"), request.getfixturevalue("postgresql_template")
    administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield at_database(server, name)
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def shared(shared_url: str) -> Iterator[Api]:
    """A service that starts empty, for tests that each make a plan of their own."""
    yield from serving(shared_url)


@pytest.fixture(scope="module")
def served(shared_url: str) -> Iterator[Api]:
    """A service that starts with the sample plan; a file takes this one or `shared`."""
    run_once(shared_url, lambda connection: load_file(connection, SAMPLE.read_bytes()))
    yield from serving(shared_url)


@pytest.fixture(scope="module")
def plan(shared: Api) -> Plan:
    """A plan whose rows the tests of a file refer to and leave as they are."""
    return make_plan(shared)


@pytest.fixture
def own_plan(shared: Api) -> Plan:
    """A plan that no other test knows of."""
    return make_plan(shared, f"-{next(numbers)}")
