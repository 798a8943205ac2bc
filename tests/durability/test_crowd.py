"""Thirty-two clients at once; `python -m tests.durability.crowd` does as many writes as are wanted."""

from pathlib import Path

import pytest

from tests.durability.crowd import crowd_in


@pytest.mark.parametrize(
    ("engine_name", "servers"),
    [("postgresql", 2), ("sqlite", 1)],
    indirect=["engine_name"],
    ids=["postgresql, 2 servers", "sqlite"],
)
def test_every_accepted_write_of_a_crowd_is_there_once(sample_url: str, servers: int, tmp_path: Path) -> None:
    patched, reported = crowd_in(sample_url, tmp_path, patches=20, updates=100, servers=servers)
    assert patched.accepted >= 20
    assert set(patched.statuses) <= {200, 412}
    assert reported.statuses == {201: reported.accepted}
    assert [*patched.complaints(), *reported.complaints()] == []
