"""A backup is on the disk before the command says so."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from service.exchange.backup import write_backup
from tests.durability.kill import ask


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_backup_waits_for_the_disk_before_and_after_it_takes_its_name(
    sample_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, synced = tmp_path / "taken.zip", list[tuple[str, bool]]()
    fsync = os.fsync

    def note(descriptor: int) -> None:
        """Note what is synced, and whether the backup had its name by then."""
        fsync(descriptor)
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        synced.append((kind, target.exists()))

    monkeypatch.setattr(os, "fsync", note)
    asyncio.run(ask(sample_url, lambda connection: write_backup(connection, target)))
    assert synced == [("file", False), ("folder", True)]
