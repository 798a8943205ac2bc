"""A report as files in a folder; nobody ever finds half a file there."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, select

from service.access.resource import View
from service.access.rows import list_rows
from service.access.scope import EVERYTHING
from service.core import clock
from service.core.calendar import Quarter
from service.core.db import Database
from service.core.errors import Fault, Invalid, NotFound
from service.core.history import Row
from service.core.paging import ListQuery
from service.plan.models import strategy
from service.reporting.filenames import FileName
from service.reporting.models import ReportStatus
from service.reporting.reports import REPORTS
from service.reporting.service import files_of

UNFINISHED = ".part"


async def write_report(database: Database, quarter: Quarter, strategy_ref: str, folder: Path) -> list[Path]:
    """Write the files of a report into a folder, and return them.

    It is the report of that quarter where there is one, or else what its draft would be.

    Raises:
        NotFound: there is no such strategy.
        Invalid: the quarter has not ended, or the folder cannot be written to.
    """
    if quarter.last_day >= clock.today():
        raise Invalid(Fault("", f"{quarter.name} ends on {quarter.last_day}: its report can be made the day after."))
    row = await database.snapshot(lambda connection: _find_report(connection, quarter, strategy_ref))
    return put_files(folder, await files_of(database, row))


def _find_report(connection: Connection, quarter: Quarter, strategy_ref: str) -> Row:
    found = connection.execute(select(strategy.c.id).where(strategy.c.ref == strategy_ref)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"There is no strategy {strategy_ref}.")
    fixed = {"strategy_id": [found], "quarter": [quarter.name]}
    rows = list_rows(
        connection, REPORTS, ListQuery(sort="-edition"), View(None, clock.today(), EVERYTHING), fixed
    ).items
    standing = [row for row in rows if row["status"] != ReportStatus.WITHDRAWN]
    return standing[0] if standing else draft_of(found, quarter, len(rows) + 1)


def draft_of(strategy_id: int, quarter: Quarter, edition: int = 1) -> Row:
    """Return the draft that a quarter would have, which is kept nowhere."""
    return {
        "id": 0,
        "strategy_id": strategy_id,
        "quarter": quarter.name,
        "edition": edition,
        "ref": quarter.name if edition == 1 else f"{quarter.name}-{edition}",
        "as_at": quarter.last_day,
        "status": ReportStatus.DRAFT.value,
        "known_at": None,
        "summary": "",
        "commentary": [],
    }


def put_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, each whole or not at all, and the manifest when all the others are there.

    Raises:
        Invalid: the folder cannot be written to.
    """
    names = sorted(files, key=lambda name: (name == FileName.MANIFEST, name))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f".*{UNFINISHED}"):
            # Of a process that was killed here: a folder is filled by one at a time.
            left.unlink(missing_ok=True)
        return [_put(folder / name, files[name]) for name in names]
    except OSError as error:
        raise Invalid(Fault("", f"{folder} cannot be written to: {error.strerror}.")) from None


def _put(path: Path, content: bytes) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path
