"""Schemathesis finds nothing: whatever it makes of the published description, the service answers as that says.

The usual run takes a few examples of every operation, chains of them, and the edges of every input of the operations
on milestones, which stand for the other collections. TRACKER_TEST_EXAMPLES=1000 takes so many examples of each
operation and so many chains of them, the edges of all, and PostgreSQL too. That is more than half an hour on each
database with two processes (`-n 2`), so it goes part by part.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.access.roles import Role, Scope
from service.access.service import create_token
from service.core import clock
from service.core.history import Recorder
from tests.conftest import ENGINES, home_of, run_once, serving
from tests.contract.document import PUBLISHED, operations
from tests.wire import loopback_server

ROOT = Path(__file__).parents[2]
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
SETTINGS = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("TRACKER_TEST_EXAMPLES")  # noqa: TID251 It is no setting of the service.
LISTS = [each.path for each in operations() if each.name.startswith("list_") and "{" not in each.path]
TAGS = sorted({tag for each in operations() for tag in each.says["tags"]})
# A name, and what is asked of Schemathesis.
FEW = {
    "every operation": ["--phases", "examples,fuzzing,stateful", "--max-examples", "2"],
    "edges of milestones": ["--phases", "coverage", "--include-tag", "milestones"],
}
MANY = {
    "chains": ["--phases", "stateful"],
    "edges": ["--phases", "examples,coverage"],
    **{tag: ["--phases", "fuzzing", "--include-tag", tag] for tag in TAGS},
}
RUNS = (
    [(name, "sqlite", asked) for name, asked in FEW.items()]
    if EXAMPLES is None
    else [(name, engine, [*asked, "--max-examples", EXAMPLES]) for engine in ENGINES for name, asked in MANY.items()]
)


@pytest.mark.parametrize(
    ("engine_name", "asked"), [pytest.param(engine, asked, id=f"{name}-{engine}") for name, engine, asked in RUNS]
)
def test_schemathesis_finds_nothing(sample_url: str, asked: list[str]) -> None:
    token = run_once(
        sample_url,
        lambda connection: create_token(
            Recorder(connection, None, clock.now()),
            name="Schemathesis",
            roles=(Role.MANAGER, Role.ADMIN),
            organisation_id=home_of(connection),
            scopes=tuple(Scope),
            days=1,
        ),
    )
    with loopback_server(sample_url) as address:
        command: list[str | Path] = [SCHEMATHESIS, "--config-file", SETTINGS, "run", PUBLISHED, "--url", address]
        command += ["--header", f"Authorization: Bearer {token}", "--checks", "all", *asked]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 The arguments are those above.
    assert done.returncode == 0, done.stdout + done.stderr
    for api in serving(sample_url):
        assert {path: api.get(path).status_code for path in LISTS} == dict.fromkeys(LISTS, 200)
