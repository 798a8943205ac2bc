"""Tables over HTTP: what their columns are."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from service.access.door import Door, Myself
from service.core.answers import to_json
from service.core.errors import NotFound
from service.core.fields import LIKE_NAME
from service.core.responses import answers
from service.exchange.csvw import MEDIA_TYPE, describe
from service.exchange.tables import DESCRIPTION, Tables

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
