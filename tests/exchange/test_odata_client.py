"""A client that is made from the model reads every set, in the types that the model tells."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from service.access.roles import Role, Scope
from service.access.service import create_token
from service.core import clock
from service.core.history import Recorder
from service.exchange.odata.catalogue import SETS
from tests.conftest import home_of, run_once
from tests.wire import loopback_server

SOURCE = Path(__file__).parents[2] / ".ci" / "odata-client"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(
    NODE is None or not (SOURCE / "node_modules").is_dir(),
    reason="it takes Node.js with odata2ts: run .ci/programs, which installs it",
)


def run(folder: Path, script: str, *arguments: str) -> str:
    """Run a program of Node.js and return what it prints."""
    command = [str(NODE), script, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 All of it is ours.
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_generated_client_reads_every_set(sample_url: str, tmp_path: Path) -> None:
    token = run_once(
        sample_url,
        lambda connection: create_token(
            Recorder(connection, None, clock.now()),
            name="Client",
            roles=(Role.VIEWER,),
            organisation_id=home_of(connection),
            scopes=(Scope.READ,),
            days=1,
        ),
    )
    folder = tmp_path / "client"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(SOURCE / "node_modules")
    with loopback_server(sample_url) as address:
        headers = {"Authorization": f"Bearer {token}"}
        model = httpx.get(f"{address}/odata/$metadata", headers=headers)
        (folder / "metadata.xml").write_bytes(model.content)
        run(folder, "node_modules/@odata2ts/odata2ts/lib/run-cli.js")
        run(folder, "node_modules/typescript/bin/tsc")
        found: dict[str, Any] = json.loads(run(folder, "build/read.js", f"{address}/odata", token))
        expected = {name: httpx.get(f"{address}/odata/{name}", headers=headers).json()["value"] for name in SETS}
        overdue = httpx.get(f"{address}/v1/milestones?overdue=true&sort=-ref", headers=headers).json()["items"]
    assert found["rows"] == expected
    wanted = [row for row in overdue if "e" in row["title"] and row["due_on"] > "2018-01-01"]
    assert found["overdue"]["@odata.count"] == len(wanted)
    assert found["overdue"]["value"] == [{"ref": row["ref"], "due_on": row["due_on"]} for row in wanted[:3]]
    assert found["first"]["ref"] == expected["Milestones"][0]["ref"]
    assert found["link"]["strategy_id"] == 1
