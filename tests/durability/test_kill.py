"""A few kills in every run; `python -m tests.durability.kill` does as many as are wanted."""

from pathlib import Path

from tests.durability.kill import run


def test_what_was_acknowledged_outlives_the_server(engine_name: str, tmp_path: Path) -> None:
    figures = run(engine_name, tmp_path, kills=3, database_kills=0, workers=1, seed=3)
    assert figures.is_sound, figures
    assert figures.promised > 0


def test_what_was_acknowledged_outlives_the_database(tmp_path: Path) -> None:
    figures = run("postgresql", tmp_path, kills=0, database_kills=2, workers=1, seed=2)
    assert figures.is_sound, figures
    assert figures.promised > 0


def test_what_was_acknowledged_outlives_a_server_of_two_processes(engine_name: str, tmp_path: Path) -> None:
    figures = run(engine_name, tmp_path, kills=1, database_kills=0, workers=2, seed=1)
    assert figures.is_sound, figures
    assert figures.promised > 0
