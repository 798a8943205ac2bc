"""Tables, workbooks and imports over HTTP."""

import asyncio
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import Connection

from service.access.collection import PathId, view_of
from service.access.door import Door, Myself, PlanReader, Visit, entered
from service.access.policy import Act
from service.access.rows import get_row
from service.core import clock
from service.core.answers import tagged_answer, to_json
from service.core.errors import Fault, Invalid, NotFound
from service.core.fields import LARGEST_ID, LIKE_NAME
from service.core.history import Recorder, Row, find_known
from service.core.negotiation import XLSX_TYPE
from service.core.responses import (
    ETAG,
    FILE,
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    LOCATION,
    MAKING,
    READING,
    RECORDING,
    answers,
)
from service.exchange.csvw import DESCRIPTION, MEDIA_TYPE, describe
from service.exchange.gathering import gather
from service.exchange.imports import apply, find_import, keep, marked, preview
from service.exchange.reading import read_sent
from service.exchange.schemas import SHEET_NAMES, ImportApply, ImportRead, WorkbookQuery
from service.exchange.tables import Tables
from service.exchange.uploads import read_upload
from service.exchange.workbook import Book, workbook_bytes
from service.plan.catalogue import STRATEGIES

router = APIRouter(route_class=Door, redirect_slashes=False)
TableName = Annotated[
    str,
    Path(
        alias="name",
        pattern=LIKE_NAME,
        description="The name of the table, as its file is called.",
        examples=["milestones"],
    ),
]


WORKBOOK = {"description": "The workbook.", "content": {XLSX_TYPE: FILE}}


class WorkbookAnswer(Response):
    """A workbook."""

    media_type = XLSX_TYPE


class DescriptionAnswer(Response):
    """A description of a CSV file."""

    media_type = MEDIA_TYPE


@router.get(
    f"/v1/{{name}}{DESCRIPTION}",
    response_class=DescriptionAnswer,
    operation_id="get_csv_description",
    summary="Get the description of a CSV file",
    description="The columns of the CSV file of a list or of figures, as CSV on the Web describes them.",
    responses={
        **answers(400, 401, 404, 422, 429, 503),
        200: {"description": "The description.", "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}},
    },
    tags=["tables"],
)
async def get_csv_description(name: TableName, visit: Myself) -> Response:
    """Answer with what the columns of a table are."""
    tables: Tables = visit.request.app.state.tables
    if name not in tables.models:
        raise NotFound(f"There is no table {name}.")
    return DescriptionAnswer(to_json(describe(name, tables.models[name])))


FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "strategy_id"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "The workbook (.xlsx), or one sheet of it as CSV.",
                        },
                        "strategy_id": {
                            "type": "integer",
                            "minimum": 1,
                            "maximum": LARGEST_ID,
                            "description": "The strategy that it is for.",
                        },
                        "sheet": {
                            "type": "string",
                            "enum": SHEET_NAMES,
                            "description": "Which sheet a CSV file is, where its headings do not tell.",
                        },
                    },
                },
                "example": {"file": "(the file)", "strategy_id": 1},
            }
        },
    }
}
Importer = Annotated[Visit, entered(Act.IMPORT)]
Sender = Annotated[Visit, entered(Act.IMPORT, takes_file=True)]
IMPORTS = "imports"


@router.get(
    "/v1/strategies/{id}/workbook",
    response_class=WorkbookAnswer,
    operation_id="get_strategy_workbook",
    summary="Get the workbook of a strategy",
    description=(
        "A workbook to be sent round, filled in, and sent back to be imported. Who writes the plan gets all of it; who "
        "reports gets the milestones that their organisations answer for."
    ),
    responses=answers(*READING, what="The workbook.") | {200: WORKBOOK},
    tags=["strategies"],
)
async def get_workbook(row_id: PathId, query: Annotated[WorkbookQuery, Query()], visit: PlanReader) -> Response:
    """Answer with the workbook of a strategy."""
    as_at = query.as_at or clock.today()

    def ask(connection: Connection) -> Book:
        return gather(connection, visit.actor, row_id, as_at, find_known(connection, None, clock.now()))

    return await _workbook_answer(await visit.snapshot(ask), f"strategy-{row_id}")


async def _workbook_answer(book: Book, name: str) -> Response:
    content = await asyncio.to_thread(workbook_bytes, book)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.xlsx"',
        "Cache-Control": "private, no-store",
        "Vary": "Authorization",
    }
    return WorkbookAnswer(content, headers=headers)


@router.post(
    "/v1/imports",
    status_code=201,
    operation_id="preview_import",
    summary="Send in a workbook",
    description=(
        "Says of each line what it would do, and changes nothing: new, update, unchanged, conflict (somebody else "
        "changed the row since the workbook was made) or invalid. Kept for 30 days, for you alone, to be applied."
    ),
    responses=answers(*MAKING, success=201, model=ImportRead, headers=LOCATION, what="What it would change."),
    openapi_extra={**FORM, **IDEMPOTENCY_KEY},
    tags=[IMPORTS],
)
async def preview_import(visit: Sender) -> Response:
    """Preview an import."""
    upload = await read_upload(visit.request.headers, visit.body)
    actor, strategy_id, today = visit.actor, upload.strategy_id, clock.today()
    try:
        # Nothing is read for a strategy that is not seen.
        await visit.read(
            lambda connection: get_row(connection, STRATEGIES, strategy_id, view_of(connection, actor, None))
        )
        sent = await read_sent(upload.file_name, upload.content, upload.sheet)
        outcomes = await preview(visit.database, actor, strategy_id, sent, today)
    except NotFound as error:
        raise Invalid(Fault("/strategy_id", error.detail)) from None

    def act(recorder: Recorder) -> tuple[Row, str]:
        row = keep(recorder, actor, strategy_id, sent, outcomes)
        return row, f"/v1/imports/{row['id']}"

    # A form is cut up anew each time that it is sent: what is in it makes it the same.
    same = to_json([sent.sha256, sent.name, strategy_id, upload.sheet])
    return await replace(visit, body=same).post(act, is_long=True)


@router.get(
    "/v1/imports/{id}",
    operation_id="get_import",
    summary="Get an import",
    description="A workbook that you sent in, and what it would change, or changed.",
    responses=answers(*READING, model=ImportRead, headers=ETAG, what="The import."),
    openapi_extra=IF_NONE_MATCH,
    tags=[IMPORTS],
)
async def get_import(row_id: PathId, visit: Importer) -> Response:
    """Answer with an import."""
    row = await visit.read(lambda connection: find_import(connection, visit.actor, row_id))
    return tagged_answer(visit.request, to_json(row))


@router.post(
    "/v1/imports/{id}/apply",
    operation_id="apply_import",
    summary="Apply an import",
    description=(
        "Does what the preview said, all of it or nothing: refused while a line is invalid, or where a row that it "
        "touches has moved since. Lines in conflict are done where you accept them, and left out where not. A second "
        "time changes nothing."
    ),
    responses=answers(*RECORDING, model=ImportRead, what="The import, with what was done."),
    openapi_extra=IDEMPOTENCY_KEY,
    tags=[IMPORTS],
)
async def apply_import(row_id: PathId, body: ImportApply, visit: Importer) -> Response:
    """Apply an import."""

    def act(recorder: Recorder) -> tuple[Row, str]:
        accepted = frozenset(body.accept)
        row = apply(
            recorder.connection, visit.actor, row_id, sha256=body.sha256, accepted=accepted, today=clock.today()
        )
        return row, ""

    return await visit.post(act, status=200, is_long=True)


@router.get(
    "/v1/imports/{id}/marked",
    response_class=WorkbookAnswer,
    operation_id="get_marked_import",
    summary="Get a marked copy of a workbook",
    description="The workbook that you sent in, with what became of each line, or is wrong with it, beside the line.",
    responses=answers(*READING, what="The workbook.") | {200: WORKBOOK},
    tags=[IMPORTS],
)
async def get_marked_import(row_id: PathId, visit: Importer) -> Response:
    """Answer with a marked copy of an import's workbook."""
    today, now = clock.today(), clock.now()
    book = await visit.snapshot(lambda connection: marked(connection, visit.actor, row_id, today, now))
    return await _workbook_answer(book, f"import-{row_id}-marked")
