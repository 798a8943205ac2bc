"""The commands that go on: `serve` and `demo`, each in a process of its own."""

import asyncio
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from service.core.migrations import downgrade
from tests.cli.command import TRACE, must, run_tracker
from tests.conftest import run_once
from tests.docs.reading import parse_curl
from tests.durability.loopback import (
    HOST,
    LONGEST_SECONDS,
    LOOK_AGAIN_SECONDS,
    TRACKER,
    Answer,
    Caller,
    Server,
    serving,
)
from tests.factories import all_rows

TOKEN_LINE = re.compile(r"^Token, good for 90 days: +(trk_\S+)$", re.MULTILINE)
CURL_LINE = re.compile(r"^ +(curl .*)$", re.MULTILINE)
DOCUMENTATION_LINE = re.compile(r"^Documentation to try out: +(\S+) ", re.MULTILINE)
# What the board was told on 10 December 2018: the first five percentages by priority.
AT_THE_BOARD = [16.7, 16.7, 40.0, 20.0, 20.0]


def ask(port: int, path: str, token: str = "", *, method: str = "GET", content: Any = None) -> Answer:
    """Send one request."""

    async def run() -> Answer:
        async with Caller(port, token) as caller:
            return await caller.call(method, path, content)

    return asyncio.run(run())


async def until_served(port: int, process: subprocess.Popen[Any]) -> None:
    """Wait until a server answers at all."""
    async with asyncio.timeout(LONGEST_SECONDS), Caller(port) as caller:
        while True:
            try:
                await caller.call("GET", "/livez")
            except ConnectionError:
                assert process.poll() is None, "It ended by itself."
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
            else:
                return


def test_a_server_without_tables_says_so_and_is_not_ready(database_url: str, tmp_path: Path) -> None:
    run_once(database_url, downgrade)
    with serving(database_url, tmp_path / "log") as server:
        asyncio.run(until_served(server.port, server.process))
        readiness = ask(server.port, "/readyz")
        assert (ask(server.port, "/livez").status, readiness.status) == (200, 503)
        assert readiness.headers["content-type"] == "application/problem+json"
        assert "run `tracker migrate`" in readiness.json()["detail"]
        must(run_tracker("migrate", database_url=database_url))
        assert ask(server.port, "/readyz").status == 200
    assert server.logged().splitlines()[0] == "The database is not at the current tables: run `tracker migrate` first."


def test_a_server_whose_port_is_taken_ends_and_says_so(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/tracker.db"
    must(run_tracker("migrate", database_url=url))
    server = Server(url, tmp_path / "log")
    with socket.create_server((HOST, server.port)):
        server.start()
        assert server.process.wait(LONGEST_SECONDS) != 0
    assert "address already in use" in server.logged()
    assert TRACE not in server.logged()


@dataclass
class Demonstration:
    """What `tracker demo` printed, and the process that serves."""

    printed: str
    port: int

    @property
    def token(self) -> str:
        """The token that was printed."""
        found = TOKEN_LINE.search(self.printed)
        assert found is not None, self.printed
        return found[1]

    def answer_to_curl(self) -> Answer:
        """Send what the printed command sends."""
        found = CURL_LINE.search(self.printed)
        assert found is not None, self.printed
        sent = parse_curl(found[1], "")
        address = urlsplit(sent.url)
        assert (sent.method, address.scheme, address.netloc) == ("GET", "http", f"{HOST}:{self.port}")
        return ask(self.port, f"{address.path}?{address.query}", sent.headers["authorization"].removeprefix("Bearer "))


@contextmanager
def demonstrating(url: str) -> Iterator[Demonstration]:
    """Run `tracker demo` for as long as the block runs; it must end well when it is asked to."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        port = found.getsockname()[1]
    settings = {"TRACKER_DATABASE_URL": url, "TRACKER_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(  # noqa: S603 The command is our own.
        [TRACKER, "demo"],
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not any(CURL_LINE.match(line) for line in lines):
            lines.append(process.stdout.readline())
            assert lines[-1], process.communicate()[1]
        asyncio.run(until_served(port, process))
        yield Demonstration("".join(lines), port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONGEST_SECONDS) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_the_demonstration_answers_the_question_that_it_prints_and_keeps_its_data(database_url: str) -> None:
    run_once(database_url, downgrade)
    with demonstrating(database_url) as first:
        found = DOCUMENTATION_LINE.search(first.printed)
        assert found is not None
        assert found[1] == f"http://{HOST}:{first.port}/docs"
        assert ask(first.port, "/docs").status == 200
        answer = first.answer_to_curl()
        assert answer.status == 200
        assert [group["progress"]["percent_complete"] for group in answer.json()["groups"]] == AT_THE_BOARD
        report = {"effective_on": "2019-01-31", "status": "complete"}
        path = "/v1/milestones/11/updates"
        assert ask(first.port, path, first.token, method="POST", content=report).status == 201
    kept = all_rows(database_url)
    with demonstrating(database_url) as second:
        assert second.token != first.token
        assert second.answer_to_curl().json()["groups"] == answer.json()["groups"]
        reports = ask(second.port, path, first.token).json()["items"]
        assert [each["effective_on"] for each in reports] == ["2018-12-10", "2019-01-31"]
    now = all_rows(database_url)
    of_users = {"stamp", "access_change", "user_account", "user_role", "access_token", "change"}
    assert {name for name in now if now[name] != kept[name]} == of_users
