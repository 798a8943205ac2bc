"""Where the published schemas and the service once differed: both sides of each boundary."""

from typing import Any

import pytest

from tests.conftest import Api
from tests.contract.document import checker, operation, resolved
from tests.factories import make_plan

BOARD = {"ref": "board-2", "name": "Another"}


def test_a_whole_number_may_be_written_with_a_fraction(api: Api) -> None:
    """In JSON Schema 1.0 is an integer, and spreadsheets write it so."""
    make_plan(api)
    body = {**BOARD, "parent_id": 1.0}
    schema = operation("create_board").body
    assert schema is not None
    assert checker(schema).is_valid(body)
    assert api.made("/v1/boards", **body)["parent_id"] == 1


def test_a_part_of_one_is_no_whole_number(api: Api) -> None:
    make_plan(api)
    assert api.post("/v1/boards", {**BOARD, "parent_id": 1.5}).status_code == 422


@pytest.mark.parametrize(
    ("change", "path", "field"),
    [("change_priority", "/v1/priorities/1", "position"), ("change_milestone", "/v1/milestones/1", "agreed_on")],
)
def test_null_puts_back_what_is_filled_in_for_a_new_row(api: Api, change: str, path: str, field: str) -> None:
    make_plan(api)
    schema = operation(change).body
    assert schema is not None
    assert checker(schema).is_valid({field: None})
    changed = api.patch(path, {field: None})
    assert changed.status_code == 200
    assert changed.json()[field] is not None


@pytest.mark.parametrize("sort", [",", "id,", "-", "--id", "id,id"])
def test_an_order_names_fields(api: Api, sort: str) -> None:
    assert api.get("/v1/boards", params={"sort": sort}).status_code == 422


@pytest.mark.parametrize(
    ("instant", "status"),
    [
        ("1899-12-31T23:59:59Z", 422),
        ("1900-01-01T00:00:00Z", 200),
        ("2999-12-31T23:59:59Z", 200),
        ("3000-01-01T00:00:00Z", 422),
    ],
)
def test_the_schema_knows_the_years_of_an_instant(api: Api, instant: str, status: int) -> None:
    schema = operation("list_boards").parameters("query")["updated_since"]
    answer = api.get("/v1/boards", params={"updated_since": instant})
    assert (answer.status_code, checker(schema).is_valid(instant)) == (status, status == 200)


def test_an_amount_is_always_said_as_a_text(api: Api) -> None:
    plan = make_plan(api)
    award: dict[str, Any] = {"ref": "award", "workstream_id": plan.workstream, "funder_id": 1, "status": "bid"}
    assert api.made("/v1/funding-awards", **award, amount=882373.05)["amount"] == "882373.05"
    said = resolved(operation("get_funding_award").answer_schema(200))["properties"]["amount"]
    assert [kind["type"] for kind in said["anyOf"]] == ["string", "null"]
