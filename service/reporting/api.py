"""Reports over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from sqlalchemy import Connection

from service.access.collection import PathId, collection_router
from service.access.door import Door, PlanReader, Visit, entered
from service.access.policy import Act, Actor
from service.core.answers import JSON_MEDIA_TYPE, check_match, json_answer, require_match, tagged_answer, to_json
from service.core.errors import NotFound
from service.core.history import Recorder, Row
from service.core.responses import (
    CHANGING,
    ETAG,
    FILE,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    READING,
    RECORDING,
    answers,
)
from service.reporting import service
from service.reporting.filenames import MEDIA_TYPES, FileName
from service.reporting.reports import REPORTS
from service.reporting.schemas import (
    ReportRead,
    ReportVersion,
    Restatement,
    Verification,
    Withdrawal,
)

reports = collection_router(REPORTS, ReportVersion)
router = APIRouter(route_class=Door, redirect_slashes=False, tags=[REPORTS.name])
PathName = Annotated[FileName, Path(alias="name", description="The name of the file.", examples=["report.pdf"])]
# What browsers show by themselves, and may run nothing in.
SHOWN = frozenset({FileName.HTML, FileName.PDF, FileName.JSON, FileName.MANIFEST})
NO_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
STATUS_HEADER = "X-Report-Status"


def explain_writing(connection: Connection, *, actor: Actor, row_id: int) -> None:
    """Say of a report who may publish and withdraw it."""
    service.get_to_write(connection, actor, row_id)


Publisher = Annotated[Visit, entered(Act.WRITE_REPORTS, explain_writing, takes_nothing=True)]
Withdrawer = Annotated[Visit, entered(Act.WRITE_REPORTS, explain_writing)]
KEYED_AND_MATCHED = {"parameters": [*IDEMPOTENCY_KEY["parameters"], *IF_MATCH["parameters"]]}


@router.post(
    "/v1/reports/{id}/publish",
    operation_id="publish_report",
    summary="Publish a report",
    description=(
        "Freezes what is known: from now on nothing in the report changes, whatever becomes of the plan. Its files are "
        "made and kept. Needs If-Match."
    ),
    responses=answers(*CHANGING, model=ReportRead, headers=ETAG, what="The report, published."),
    openapi_extra=KEYED_AND_MATCHED,
)
async def publish_report(row_id: PathId, visit: Publisher) -> Response:
    """Publish a report."""
    expected = require_match(visit.request.headers.get("if-match"))

    def act(recorder: Recorder) -> tuple[Row, str]:
        return service.publish(recorder, visit.actor, row_id, lambda row: check_match(expected, row)), ""

    answer = await visit.post(act, status=200)
    await service.files_of(visit.database, await _report(visit, row_id))
    return answer


@router.post(
    "/v1/reports/{id}/withdraw",
    operation_id="withdraw_report",
    summary="Withdraw a report",
    description=(
        "Marks a published report as withdrawn, with a reason. It and its files are kept; the quarter can have another "
        "edition, which names what changed."
    ),
    responses=answers(*RECORDING, model=ReportRead, what="The report, withdrawn."),
    openapi_extra=IDEMPOTENCY_KEY,
)
async def withdraw_report(row_id: PathId, body: Withdrawal, visit: Withdrawer) -> Response:
    """Withdraw a report."""

    def act(recorder: Recorder) -> tuple[Row, str]:
        return service.withdraw(recorder, visit.actor, row_id, body.reason), ""

    return await visit.post(act, status=200)


def _file_answers() -> dict[int | str, dict[str, Any]]:
    """Return the answers of what gives a file of any of the forms."""
    found = answers(*READING, headers=ETAG, what="The file.")
    found[200]["content"] = {
        **dict.fromkeys(sorted(set(MEDIA_TYPES.values())), FILE),
        JSON_MEDIA_TYPE: {"schema": {"type": "object"}},
    }
    return found


@router.get(
    "/v1/reports/{id}/files/{name}",
    operation_id="get_report_file",
    summary="Get a file of a report",
    description=(
        "`report.docx`, `report.pdf`, `report.html`, `report.xlsx`, `report.json`, `data.zip`, or `manifest.json`, "
        "which names the others with their SHA-256. Those of a draft are made as it stands; those of a published "
        "report stay as they were published."
    ),
    responses=_file_answers(),
    openapi_extra=IF_NONE_MATCH,
)
async def get_report_file(row_id: PathId, name: PathName, visit: PlanReader) -> Response:
    """Answer with a file of a report."""
    row = await _report(visit, row_id)
    files = await service.files_of(visit.database, row)
    if name not in files:
        raise NotFound(f"This report has no file {name}.")
    manner = "inline" if name in SHOWN else "attachment"
    headers = {
        "Content-Disposition": f'{manner}; filename="{row["ref"]}-{name}"',
        "Content-Security-Policy": NO_SCRIPTS,
        STATUS_HEADER: row["status"],
    }
    return tagged_answer(visit.request, files[name], headers, MEDIA_TYPES[name])


@router.get(
    "/v1/reports/{id}/verify",
    operation_id="verify_report",
    summary="Verify a report",
    description="Makes every file of a published report anew from the history, and compares them to the byte.",
    responses=answers(*READING, 409, model=Verification, what="Whether they are identical."),
)
async def verify_report(row_id: PathId, visit: PlanReader) -> Response:
    """Verify a report."""
    return json_answer(await service.verify(visit.database, await _report(visit, row_id)))


@router.get(
    "/v1/reports/{id}/restatement",
    operation_id="get_report_restatement",
    summary="Compare a report with what is known now",
    description=(
        "Figure by figure: what was published, what is known now of the same quarter, and the reports on milestones "
        "that came late. The published report stays as it is."
    ),
    responses=answers(*READING, 409, model=Restatement, headers=ETAG, what="What differs."),
    openapi_extra=IF_NONE_MATCH,
)
async def get_report_restatement(row_id: PathId, visit: PlanReader) -> Response:
    """Answer with what is known now, beside what was published."""

    def ask(connection: Connection) -> Row:
        return service.restate(connection, service.get_report(connection, visit.actor, row_id))

    return tagged_answer(visit.request, to_json(await visit.snapshot(ask)))


async def _report(visit: Visit, row_id: int) -> Row:
    return await visit.read(lambda connection: service.get_report(connection, visit.actor, row_id))
