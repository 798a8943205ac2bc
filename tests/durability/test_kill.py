"""A few kills in every run; `python -m tests.durability.kill` does as many as are wanted."""

from pathlib import Path

import pytest

from tests.durability.kill import Kills, endure


def test_what_was_acknowledged_outlives_the_server(sample_url: str, tmp_path: Path) -> None:
    figures = endure(sample_url, tmp_path, Kills(server=2), seed=3)
    assert list(figures.complaints()) == []
    assert figures.promised > 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="The workers are found in /proc, which Linux has.")
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_worker_that_was_killed_is_replaced_and_nothing_is_lost(sample_url: str, tmp_path: Path) -> None:
    figures = endure(sample_url, tmp_path, Kills(worker=1), workers=2)
    assert list(figures.complaints()) == []
    assert figures.promised > 0
