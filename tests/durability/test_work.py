"""A few kills of long work in every run; `python -m tests.durability.work` does as many as are wanted."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FEW = 3


@pytest.mark.parametrize(
    ("engine", "work", "more"),
    [("sqlite", "reports", []), ("postgresql", "reports", []), ("sqlite", "import", ["--rows", "300"])],
)
def test_work_that_was_killed_is_done_whole_or_not_at_all(engine: str, work: str, more: list[str]) -> None:
    # In a process of its own: it makes others by fork, which one with threads must not.
    asked = ["--engine", engine, "--work", work, "--kills", str(FEW), "--seed", str(random.randrange(1000))]  # noqa: S311 It hides nothing.
    command = [sys.executable, "-m", "tests.durability.work", *asked, *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 The arguments are those above.
    assert done.returncode == 0, done.stdout + done.stderr
