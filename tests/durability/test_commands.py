"""A command that is killed; `python -m tests.durability.commands` kills all of them, as often as is wanted."""

import asyncio
import random
from pathlib import Path

import pytest

from service.exchange.backup import write_backup
from tests.durability.commands import Stage, kill_command
from tests.durability.kill import ask


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_restore_that_was_killed_leaves_all_or_nothing(sample_url: str, tmp_path: Path) -> None:
    asyncio.run(ask(sample_url, lambda connection: write_backup(connection, tmp_path / "given.zip")))
    stage = Stage(tmp_path, sample_url, sample_url, sample_url)
    outcome = kill_command(stage, "restore --replace", 1, random.Random(1))  # noqa: S311 It hides nothing.
    assert outcome.complaints == []
    assert outcome.found.total() == 1
