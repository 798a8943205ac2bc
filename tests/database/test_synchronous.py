"""A commit on SQLite is on the disk, and stays there, before it is acknowledged."""

import pytest

from tests.conftest import Api

# FULL, as SQLite numbers it.
FULL = 2
# With these a commit has waited for the disk when it returns; with DELETE the journal may come back after a power cut.
LASTING = {"wal", "truncate"}


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_commit_outlasts_a_power_cut(api: Api, engine_name: str) -> None:
    del engine_name
    found = api.run(
        lambda each: [each.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous")]
    )
    assert found[0] in LASTING
    assert found[1] == FULL
