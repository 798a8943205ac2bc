"""Kill commands where they stand, and look whether they did all of their work or none of it.

    python -m tests.durability.commands --engine sqlite|postgresql --kills 20

Each command runs once to its end, which tells how long it writes; then again and again on a fresh copy of the same
database, and is killed at a random instant after it began to write. Afterwards the database must be as it was before or
as it is after the whole command, and the command must then work.
"""

import argparse
import asyncio
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import Connection, inspect, make_url, select, text

from service.core.history import metadata
from service.core.migrations import current_revision
from tests.conftest import SAMPLE, administer, at_database
from tests.durability.audit import faults_of
from tests.durability.kill import ask, fresh_database, say
from tests.durability.loopback import TRACKER, tracker
from tests.durability.obstacles import OURS

MILESTONES = 1_500
LOOK_AGAIN_SECONDS = 0.001
# The name under which a backup is written until it is whole; the command that was killed leaves it behind.
UNFINISHED = ".tracker-backup-*"
COMMANDS = {
    "migrate": ("migrate",),
    "load": ("load", "{folder}/plan.json"),
    "restore": ("restore", "{folder}/given.zip"),
    "restore --replace": ("restore", "{folder}/given.zip", "--replace"),
    "backup": ("backup", "{folder}/taken.zip"),
}
State = dict[str, Any]


@dataclass
class Stage:
    """The databases that the commands start from, and a folder with the files that they read."""

    folder: Path
    bare: str
    migrated: str
    sample: str

    def starting_point(self, command: str) -> str:
        """Return the address of a fresh copy of what a command starts from."""
        origins = {"migrate": self.bare, "load": self.migrated, "restore": self.bare}
        return copy_of(origins.get(command, self.sample))

    def arguments(self, command: str) -> list[str]:
        """Return the words of a command."""
        return [word.format(folder=self.folder) for word in COMMANDS[command]]


def copy_of(url: str) -> str:
    """Copy a database to which nobody is connected, and return the address of the copy."""
    if url.startswith("sqlite"):
        source = Path(str(make_url(url).database))
        target = source.with_name(f"{uuid.uuid4().hex}.db")
        shutil.copy(source, target)
        return f"sqlite:///{target}"
    name = f"copy_{uuid.uuid4().hex[:12]}"
    administer(at_database(url, "postgres"), f"CREATE DATABASE {name} TEMPLATE {make_url(url).database}")
    return at_database(url, name)


def write_plan(target: Path) -> None:
    """Write the sample plan with so many milestones more that loading it takes a while."""
    plan = json.loads(SAMPLE.read_bytes())
    report = {"effective_on": "2018-12-10", "status": "in_progress", "percent_complete": 10, "narrative": "x" * 500}
    plan["strategies"][0]["workstreams"][0]["milestones"] += [
        {"ref": f"MORE-{number}", "title": "More", "agreed_on": "2017-12-01", "updates": [report]}
        for number in range(MILESTONES)
    ]
    target.write_text(json.dumps(plan))


def set_stage(folder: Path, bare: str) -> Stage:
    """Make what the commands start from out of an empty database."""
    write_plan(folder / "plan.json")
    migrated = copy_of(bare)
    tracker(migrated, "migrate")
    sample, given = copy_of(migrated), copy_of(migrated)
    tracker(sample, "load", "--sample")
    tracker(given, "load", str(folder / "plan.json"))
    tracker(given, "backup", str(folder / "given.zip"))
    return Stage(folder, bare, migrated, sample)


def contents(connection: Connection) -> State:
    """Return everything in a database but the instants, which differ from run to run: rows, tables, triggers."""
    there = set(inspect(connection).get_table_names())
    found: State = {"revision": current_revision(connection), "tables": there}
    if connection.dialect.name == "sqlite":
        triggers = "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'index') ORDER BY name"
    else:
        triggers = "SELECT tgname || tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
    found["triggers"] = connection.execute(text(triggers)).scalars().all()
    for table in metadata.sorted_tables:
        if table.name in there:
            rows = connection.execute(select(table).order_by(*table.primary_key))
            found[table.name] = [tuple(value for value in row if not isinstance(value, datetime)) for row in rows]
    if "stamp" in there:
        found["faults"] = faults_of(connection)
    return found


def look(url: str) -> State:
    """Look at a database from outside."""
    return asyncio.run(ask(url, contents))


async def is_writing(url: str, folder: Path) -> bool:
    """Tell whether somebody has begun to write to a database, or a backup of it."""
    if any(folder.glob(UNFINISHED)):
        return True
    if url.startswith("sqlite"):
        path = Path(str(make_url(url).database))
        journals = (path.with_name(path.name + ending) for ending in ("-journal", "-wal"))
        # The journal may stay behind, empty.
        return any(journal.exists() and journal.stat().st_size for journal in journals)
    session = await asyncpg.connect(url)
    try:
        return bool(await session.fetchval(f"SELECT count(backend_xid) FROM pg_stat_activity WHERE {OURS}"))  # noqa: S608 It is fixed.
    finally:
        await session.close()


async def begin(url: str, stage: Stage, command: str) -> "subprocess.Popen[bytes]":
    """Start a command and wait until it writes, or has ended."""
    process = subprocess.Popen(  # noqa: S603 The arguments are those of the tests.
        [TRACKER, *stage.arguments(command)],
        env={"TRACKER_DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not await is_writing(url, stage.folder):
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return process


@dataclass
class Outcome:
    """What was found after a command was killed, again and again."""

    found: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in sorted(self.found.items()))


def kill_command(stage: Stage, command: str, kills: int, chance: random.Random) -> Outcome:
    """Kill a command so many times, and return what was found each time."""
    url, outcome, taken = stage.starting_point(command), Outcome(), stage.folder / "taken.zip"
    before = look(url)
    process = asyncio.run(begin(url, stage, command))
    began = time.perf_counter()
    assert process.wait() == 0
    span, after = time.perf_counter() - began, look(url)
    taken.unlink(missing_ok=True)
    for _ in range(kills):
        url = stage.starting_point(command)
        process = asyncio.run(begin(url, stage, command))
        time.sleep(chance.uniform(0, span))
        process.send_signal(signal.SIGKILL)
        was_killed = process.wait() != 0
        state = look(url)
        name = "nothing done" if state == before else "all done" if state == after else "half done"
        outcome.found[name if was_killed else "ended before it was killed"] += 1
        if state not in (before, after):
            outcome.complaints.append(f"{command}: {_difference(state, before)}")
        if command == "backup" or state == before:
            outcome.complaints += _complaints_of_again(stage, command, url, after, look)
        for left in (taken, *stage.folder.glob(UNFINISHED)):
            left.unlink(missing_ok=True)
    return outcome


def _complaints_of_again(
    stage: Stage, command: str, url: str, after: State, looking: Callable[[str], State]
) -> list[str]:
    """Do the whole command after all, and say where it fails or its result is another one."""
    taken = stage.folder / "taken.zip"
    if command == "backup" and taken.exists():
        copy = copy_of(stage.bare)
        tracker(copy, "restore", str(taken))
        if looking(copy) != after:
            return [f"{command}: half a file was left"]
    tracker(url, *stage.arguments(command))
    return [] if looking(url) == after else [f"{command}: it did something else after it was killed"]


def _difference(state: State, before: State) -> str:
    names = [name for name in state.keys() | before.keys() if state.get(name) != before.get(name)]
    return f"neither before nor after; other than before are {sorted(names)}"


def main() -> int:
    """Read the command line, run, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), required=True)
    parser.add_argument("--kills", type=int, default=20, help="how often each command is killed")
    parser.add_argument("--command", choices=sorted(COMMANDS), action="append", help="all of them unless named")
    parser.add_argument("--seed", type=int, default=1, help="what the random instants start from")
    chosen = parser.parse_args()
    chance, is_sound = random.Random(chosen.seed), True  # noqa: S311 It hides nothing.
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        fresh_database(chosen.engine, Path(folder), is_bare=True) as (url, _),
    ):
        stage = set_stage(Path(folder), url)
        for command in chosen.command or COMMANDS:
            outcome = kill_command(stage, command, chosen.kills, chance)
            say(f"{chosen.engine}, {command}, killed {chosen.kills} times: {outcome}")
            for complaint in outcome.complaints:
                say(f"  {complaint}")
            is_sound &= not outcome.complaints
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
