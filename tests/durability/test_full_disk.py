"""A disk that is full: writers are told to come again, readers go on, and nothing that was acknowledged is lost."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.durability.audit import faults_of
from tests.durability.kill import ask
from tests.durability.loopback import Answer, Caller, Server, make_token, serving
from tests.durability.writers import count_marks

DISK = "8m"
BALLAST = "ballast"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a small disk of its own, which only root can make."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], check=True, capture_output=True)  # noqa: S603, S607 It is ours.
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("A disk cannot be mounted here.")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S603, S607 It is ours.


def fill(folder: Path) -> None:
    """Leave no room on a disk."""
    with (folder / BALLAST).open("ab", buffering=0) as ballast:
        size = 65_536
        while size:
            try:
                ballast.write(b"\0" * size)
            except OSError:
                size //= 2


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_full_disk_loses_nothing(sample_url: str, small_disk: Path, tmp_path: Path) -> None:
    shutil.copy(str(make_url(sample_url).database), small_disk / "tracker.db")
    url = f"sqlite:///{small_disk / 'tracker.db'}"
    token = make_token(url)

    async def report(caller: Caller, mark: str) -> Answer:
        content = {"status": "on_hold", "narrative": mark + "x" * 9_000}
        return await caller.call("POST", "/v1/milestones/1/updates", content, idempotency_key=mark)

    async def story(server: Server) -> None:
        await server.ready()
        async with Caller(server.port, token) as caller:
            accepted = [f"before-{number}" for number in range(5)]
            for mark in accepted:
                assert (await report(caller, mark)).status == 201
            fill(small_disk)
            # The file may have free pages of its own; they are soon used up.
            refused: list[str] = []
            while len(refused) < 5:
                mark = f"full-{len(accepted)}-{len(refused)}"
                answer = await report(caller, mark)
                if answer.status == 201:
                    accepted.append(mark)
                    continue
                assert (answer.status, answer.headers.get("retry-after")) == (503, "2"), answer.body
                refused.append(mark)
                assert (await caller.call("GET", "/v1/milestones")).status == 200
                assert (await caller.call("GET", "/readyz")).status == 200
            (small_disk / BALLAST).unlink()
            for mark in refused:
                assert (await report(caller, mark)).status == 201
            marks = await ask(url, count_marks)
            there = [mark + "x" * 9_000 for mark in (*accepted, *refused)]
            assert [len(marks[mark]) for mark in there] == [1] * len(there)
            assert await ask(url, faults_of) == []

    with serving(url, tmp_path / "log") as server:
        asyncio.run(story(server))
