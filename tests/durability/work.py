"""Kill work that takes long where it stands, and look whether all of it was done or none.

    python -m tests.durability.work --engine sqlite|postgresql --work reports|import --kills 50

`reports` ends a quarter each time, of which a report is to be drafted, published and put into a folder; `import` sends
in a workbook with many new milestones. A process of its own does the work and is killed at a random instant of it.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from service.access.policy import SERVICE
from service.automation.due import last_ended, run_due
from service.automation.models import report_schedule
from service.core import clock
from service.core.calendar import quarter_of
from service.core.db import Database
from service.core.history import Recorder
from service.exchange.imports import apply_at_once
from service.exchange.reading import read_sent
from service.plan.models import milestone, strategy, workstream
from service.reporting.filenames import MEDIA_TYPES
from service.reporting.models import report, report_file
from service.settings import Settings
from tests.durability.audit import faults_of
from tests.durability.kill import ask, fresh_database, say

REAL_TIME = clock.now
# Longer than a delivery stays with who took it.
LEASED = timedelta(minutes=11)
BEGIN = datetime(2031, 1, 1, 9, tzinfo=UTC)
ROWS = 10_000


@dataclass
class Outcome:
    """How often the work was cut short, and what was wrong afterwards."""

    killed: int = 0
    finished: int = 0
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.killed} times in its midst, {self.finished} times too late, {len(self.complaints)} complaints"


def set_time(at: datetime) -> None:
    """Let it be another time, for this process and those that it makes."""
    ahead = at - REAL_TIME()
    clock.now = lambda: REAL_TIME() + ahead


def do(work: Callable[[], Awaitable[object]], kill_after: float | None = None) -> bool:
    """Have a process of its own do some work, kill it after so many seconds, and return whether it was done by then."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            asyncio.run(_await(work))
            status = 0
        finally:
            os._exit(status)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return status == 0


async def _await(work: Callable[[], Awaitable[object]]) -> None:
    await work()


async def _with_database(url: str, act: Callable[[Database], Awaitable[Any]]) -> None:
    database = Database(url)
    await act(database)
    await database.dispose()


def kill_reports(url: str, folder: Path, kills: int, chance: random.Random) -> Outcome:
    """Let one quarter after the other end, and kill who makes its report."""
    outcome, at = Outcome(), BEGIN
    settings = Settings(delivery_dir=str(folder))
    set_time(at)
    asyncio.run(_with_database(url, lambda database: database.write(_prepare)))

    def work() -> Awaitable[None]:
        return _with_database(url, lambda database: run_due(database, settings))

    begun = time.monotonic()
    if not do(work):
        return Outcome(complaints=["The work cannot be done at all."])
    takes = time.monotonic() - begun
    for _ in range(kills):
        at = datetime.combine(quarter_of(at.date()).last_day + timedelta(days=1), at.time(), UTC)
        set_time(at)
        was_done = do(work, chance.uniform(0, takes))
        outcome.killed += not was_done
        outcome.finished += was_done
        outcome.complaints += _faults(url, folder)
        at += LEASED
        set_time(at)
        if not do(work):
            outcome.complaints.append("The work could not be taken up again.")
        outcome.complaints += _faults(url, folder, is_done=True)
    return outcome


def _prepare(connection: Connection) -> None:
    """Have the strategies go on, and their reports published on the first day and put into the folder."""
    recorder = Recorder(connection, None, clock.now())
    told = {"makes_drafts": True, "publishes_after_days": 1, "to_folder": True, "sends_reminders": False}
    for row in connection.execute(select(strategy.c.id)).all():
        recorder.alter(strategy, row.id, {"ends_on": None})
        recorder.add(report_schedule, {"ref": "quarterly", "strategy_id": row.id, **told})


def _faults(url: str, folder: Path, *, is_done: bool = False) -> list[str]:
    """Return what is wrong with the reports, the files that are kept of them and those in the folder."""
    quarter = last_ended(clock.today()).name

    def look(connection: Connection) -> list[str]:
        found = faults_of(connection)
        for name, count in connection.execute(
            select(report.c.quarter, func.count()).group_by(report.c.quarter).having(func.count() > 1)
        ):
            found.append(f"{name} has {count} reports")
        stands = connection.execute(select(report.c.id, report.c.status).where(report.c.quarter == quarter)).first()
        kept: dict[str, bytes] = {}
        if stands is not None:
            rows = select(report_file.c.name, report_file.c.content).where(report_file.c.report_id == stands.id)
            kept = {name: bytes(content) for name, content in connection.execute(rows)}
        if kept and kept.keys() != MEDIA_TYPES.keys():
            found.append(f"{quarter} has some of its files only: {sorted(kept)}")
        places = list(folder.glob(f"*/{quarter}/*"))
        shown = [path for path in places if not path.name.startswith(".")]
        found += [f"{path} is not what was published" for path in shown if path.read_bytes() != kept.get(path.name)]
        if is_done and (stands is None or stands.status != "published" or len(places) != len(MEDIA_TYPES)):
            found.append(f"{quarter} is not done: {stands}, {len(kept)} files kept, {len(places)} in the folder")
        return found

    return asyncio.run(ask(url, look))


def kill_imports(url: str, kills: int, chance: random.Random, rows: int = ROWS) -> Outcome:
    """Send in one workbook after the other, and kill who takes it in."""
    outcome = Outcome()
    strategy_id, stream = asyncio.run(ask(url, _first_place))

    def work(number: int) -> Callable[[], Awaitable[None]]:
        lines = "".join(f"KILL{number}-{row},{stream},Milestone {row},1\n" for row in range(rows))
        sent = f"ref,workstream,title,weight\n{lines}".encode()

        async def act(database: Database) -> None:
            read = await read_sent("plan.csv", sent, "Milestones")
            await database.write(
                lambda connection: apply_at_once(
                    connection, SERVICE, strategy_id, read, accepted=frozenset(), today=clock.today()
                )
            )

        return lambda: _with_database(url, act)

    begun = time.monotonic()
    if not do(work(0)):
        return Outcome(complaints=["The work cannot be done at all."])
    takes = time.monotonic() - begun
    for number in range(1, kills + 1):
        was_done = do(work(number), chance.uniform(0, takes))
        outcome.killed += not was_done
        outcome.finished += was_done
        there = asyncio.run(ask(url, lambda connection, number=number: _count(connection, number)))  # type: ignore[misc]
        if there not in ((0, rows) if not was_done else (rows,)):
            outcome.complaints.append(f"{there} of {rows} rows are there")
        outcome.complaints += asyncio.run(ask(url, faults_of))
    return outcome


def _first_place(connection: Connection) -> tuple[int, str]:
    found = select(workstream.c.strategy_id, workstream.c.ref).order_by(workstream.c.id).limit(1)
    row = connection.execute(found).one()
    return row.strategy_id, row.ref


def _count(connection: Connection, number: int) -> int:
    return int(
        connection.execute(
            select(func.count()).select_from(milestone).where(milestone.c.ref.like(f"KILL{number}-%"))
        ).scalar_one()
    )


def main() -> int:
    """Read the command line, run, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), required=True)
    parser.add_argument("--work", choices=("reports", "import"), required=True)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the workbook")
    parser.add_argument("--seed", type=int, default=1, help="what the random instants start from")
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)  # noqa: S311 It hides nothing.
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        fresh_database(chosen.engine, Path(folder)) as (url, _),
    ):
        if chosen.work == "reports":
            outcome = kill_reports(url, Path(folder) / "out", chosen.kills, chance)
        else:
            outcome = kill_imports(url, chosen.kills, chance, chosen.rows)
    say(f"{chosen.engine}, {chosen.work}, killed {chosen.kills} times: {outcome}")
    for complaint in outcome.complaints:
        say(f"  {complaint}")
    return 1 if outcome.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
