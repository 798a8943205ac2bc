"""Every collection keeps the same promises: make, get, list, change, delete, and what was known before."""

from datetime import date, timedelta
from typing import Any

import pytest

from service.core import clock
from tests.api.conftest import numbers
from tests.conftest import Api
from tests.factories import Body, Plan, bodies, make_milestone, report

COLLECTIONS = (
    *("organisations", "owners", "boards", "areas", "strategies", "priorities", "workstreams", "milestones"),
    *("decisions", "funding-awards", "indicators", "webhooks"),
)
# A change of one field of each, and a field that may be empty (None where there is none).
CHANGES: dict[str, Body] = {
    "organisations": {"name": "Changed"},
    "owners": {"post": "Changed"},
    "boards": {"name": "Changed"},
    "areas": {"kind": "Changed"},
    "strategies": {"title": "Changed"},
    "priorities": {"description": "Changed"},
    "workstreams": {"heading": "Changed"},
    "milestones": {"weight": 9},
    "decisions": {"outcome": "agreed"},
    "funding-awards": {"status": "received"},
    "indicators": {"unit": "Changed"},
    "webhooks": {"events": ["report.published"]},
}
EMPTIED: dict[str, Body] = {
    "organisations": {"parent_id": None},
    "owners": {"email": "director@example.org"},
    "boards": {"parent_id": None},
    "areas": {"parent_id": None},
    "strategies": {"ends_on": "2020-03-31"},
    "workstreams": {"owner_id": None},
    "milestones": {"start_on": None},
    "decisions": {"decided_on": None},
    "funding-awards": {"amount": None},
    "indicators": {"workstream_id": None},
}
# The list fields of each, with what makes them longer by one or empty.
LISTS: dict[str, tuple[str, ...]] = {
    # The partners of a strategy cannot be emptied: see test_scope.
    "strategies": ("board_ids",),
    "workstreams": ("partners", "area_ids"),
    "decisions": ("priority_ids", "workstream_ids"),
    "indicators": ("priority_ids",),
}
KEPT_BY_THE_SERVICE = {"version", "updated_at"}
of_every_collection = pytest.mark.parametrize("name", COLLECTIONS)


def new_body(plan: Plan, name: str) -> Body:
    """Return what makes a row of a collection with a ref that nobody has."""
    return {**bodies(plan)[name], "ref": f"new-{next(numbers)}"}


def made(api: Api, plan: Plan, name: str) -> Body:
    """Make a row of a collection."""
    return api.made(f"/v1/{name}", **new_body(plan, name))


def shown(row: Body, *names: str) -> Body:
    """Return a row without what the service keeps by itself, and without these fields."""
    return {key: value for key, value in row.items() if key not in KEPT_BY_THE_SERVICE | set(names)}


@of_every_collection
def test_what_is_made_is_answered_whole_with_its_address_and_tag(shared: Api, plan: Plan, name: str) -> None:
    body = new_body(plan, name)
    answer = shared.post(f"/v1/{name}", body)
    assert answer.status_code == 201, answer.text
    row = answer.json()
    assert {key: row[key] for key in body} == body
    assert row["version"] == 1
    assert row["created_at"] == row["updated_at"]
    assert answer.headers["location"] == f"/v1/{name}/{row['id']}"
    got = shared.get(answer.headers["location"])
    assert got.status_code == 200
    assert (got.json(), got.headers["etag"]) == (row, answer.headers["etag"])


@of_every_collection
def test_a_list_shows_the_row_as_it_stands_by_itself(shared: Api, plan: Plan, name: str) -> None:
    row = made(shared, plan, name)
    listed = shared.get(f"/v1/{name}?ref={row['ref']}").json()
    assert listed == {"items": [row], "next": None}


@of_every_collection
def test_a_patch_changes_what_it_names_and_nothing_else(shared: Api, plan: Plan, name: str) -> None:
    row = made(shared, plan, name)
    address = f"/v1/{name}/{row['id']}"
    answer = shared.patch(address, CHANGES[name])
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert shown(changed) == shown({**row, **CHANGES[name]})
    assert changed["version"] == 2
    assert changed["updated_at"] > row["updated_at"]
    got = shared.get(address)
    assert (got.json(), got.headers["etag"]) == (changed, answer.headers["etag"])


@of_every_collection
def test_an_empty_patch_changes_no_value(shared: Api, plan: Plan, name: str) -> None:
    row = made(shared, plan, name)
    assert shown(shared.patch(f"/v1/{name}/{row['id']}", {}).json()) == shown(row)


@pytest.mark.parametrize("name", sorted(EMPTIED))
def test_null_in_a_patch_empties_a_field(shared: Api, plan: Plan, name: str) -> None:
    ((field, value),) = EMPTIED[name].items()
    row = shared.made(f"/v1/{name}", **new_body(plan, name), **({} if value is None else {field: value}))
    assert row[field] is not None
    changed = shared.patch(f"/v1/{name}/{row['id']}", {field: None}).json()
    assert changed[field] is None
    assert shown(changed, field) == shown(row, field)


DEFAULTS: list[tuple[str, str, Any]] = [
    ("priorities", "description", ""),
    ("workstreams", "heading", ""),
    ("workstreams", "status", "active"),
    ("workstreams", "area_ids", []),
    ("workstreams", "partners", []),
    ("webhooks", "events", []),
    ("milestones", "weight", 1),
    ("milestones", "kind", "milestone"),
    ("milestones", "due_precision", "day"),
    ("decisions", "outcome", "pending"),
]


@pytest.mark.parametrize(("name", "field", "default"), DEFAULTS)
def test_null_in_a_patch_puts_the_default_back(shared: Api, plan: Plan, name: str, field: str, default: Any) -> None:
    other = {"weight": 9, "status": "on_hold", "kind": "action", "outcome": "agreed", "due_precision": "quarter"}
    given = {**new_body(plan, name), **({field: other.get(field, "Some")} if isinstance(default, str | int) else {})}
    row = shared.made(f"/v1/{name}", **given)
    assert row[field] != default
    assert shared.patch(f"/v1/{name}/{row['id']}", {field: None}).json()[field] == default


def test_null_puts_a_milestone_into_the_plan_today(shared: Api, plan: Plan) -> None:
    row = made(shared, plan, "milestones")
    changed = shared.patch(f"/v1/milestones/{row['id']}", {"agreed_on": None}).json()
    assert changed["agreed_on"] == clock.today().isoformat()


def test_null_puts_a_priority_after_the_others(shared: Api, own_plan: Plan) -> None:
    last = shared.made("/v1/priorities", ref="last", title="Last", strategy_id=own_plan.strategy, position=9)
    moved = shared.patch(f"/v1/priorities/{own_plan.priority}", {"position": None}).json()
    assert moved["position"] == 10
    assert shared.patch(f"/v1/priorities/{last['id']}", {"position": None}).json()["position"] == 11


@of_every_collection
def test_null_does_not_empty_what_a_row_needs(shared: Api, plan: Plan, name: str) -> None:
    row = made(shared, plan, name)
    answer = shared.patch(f"/v1/{name}/{row['id']}", {"ref": None})
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/ref"]


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in LISTS.items() for field in fields])
def test_a_list_is_replaced_and_emptied_as_a_whole(shared: Api, plan: Plan, name: str, field: str) -> None:
    row = made(shared, plan, name)
    address = f"/v1/{name}/{row['id']}"
    assert row[field] == bodies(plan)[name][field] != []
    assert shared.patch(address, {field: []}).json()[field] == []
    assert shared.patch(address, {field: row[field]}).json()[field] == row[field]
    assert shared.patch(address, CHANGES[name]).json()[field] == row[field]


def test_a_list_is_shown_in_one_order_however_it_was_given(shared: Api, plan: Plan) -> None:
    one, two = plan.priority, made(shared, plan, "priorities")["id"]
    row = shared.made("/v1/workstreams", **{**new_body(plan, "workstreams"), "priority_ids": [two, one]})
    assert row["priority_ids"] == [one, two]
    assert shared.patch(f"/v1/workstreams/{row['id']}", {"priority_ids": [two]}).json()["priority_ids"] == [two]


@of_every_collection
def test_a_deleted_row_is_gone(shared: Api, plan: Plan, name: str) -> None:
    row = made(shared, plan, name)
    address = f"/v1/{name}/{row['id']}"
    answer = shared.delete(address)
    assert (answer.status_code, answer.content) == (204, b"")
    assert shared.get(address).status_code == 404
    assert shared.get(f"/v1/{name}?ref={row['ref']}").json()["items"] == []
    for method, body in (("PATCH", {}), ("DELETE", None)):
        assert shared.call(method, address, json=body, headers={"If-Match": "*"}).status_code == 404


@of_every_collection
def test_a_deleted_rows_ref_is_free_and_its_id_is_not(shared: Api, plan: Plan, name: str) -> None:
    row = made(shared, plan, name)
    shared.delete(f"/v1/{name}/{row['id']}")
    again = shared.made(f"/v1/{name}", **{**bodies(plan)[name], "ref": row["ref"]})
    assert again["id"] > row["id"]


@of_every_collection
def test_a_ref_that_is_taken_is_a_conflict(shared: Api, plan: Plan, name: str) -> None:
    row, other = made(shared, plan, name), made(shared, plan, name)
    answers = [
        shared.post(f"/v1/{name}", {**bodies(plan)[name], "ref": row["ref"]}),
        shared.patch(f"/v1/{name}/{other['id']}", {"ref": row["ref"]}),
    ]
    for answer in answers:
        assert answer.status_code == 409
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/ref"]
    assert shared.get(f"/v1/{name}/{other['id']}").json() == other


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("priorities", "strategy_id"),
        ("workstreams", "strategy_id"),
        ("milestones", "workstream_id"),
        ("decisions", "board_id"),
        ("funding-awards", "workstream_id"),
        ("indicators", "strategy_id"),
    ],
)
def test_another_scope_may_have_the_same_ref(shared: Api, plan: Plan, own_plan: Plan, name: str, scope: str) -> None:
    row = made(shared, plan, name)
    again = shared.made(f"/v1/{name}", **{**bodies(own_plan)[name], "ref": row["ref"]})
    assert again["ref"] == row["ref"]
    assert again[scope] != row[scope]


@of_every_collection
def test_a_field_that_is_not_there_is_refused(shared: Api, plan: Plan, name: str) -> None:
    row = made(shared, plan, name)
    answers = [
        shared.post(f"/v1/{name}", {**new_body(plan, name), "colour": "red"}),
        shared.patch(f"/v1/{name}/{row['id']}", {"colour": "red"}),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/colour"]


@of_every_collection
def test_what_the_service_keeps_cannot_be_set(shared: Api, plan: Plan, name: str) -> None:
    kept = {"id": 1, "version": 1, "created_at": "2019-01-01T00:00:00Z", "updated_at": "2019-01-01T00:00:00Z"}
    answer = shared.post(f"/v1/{name}", {**new_body(plan, name), **kept})
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {f"/{field}" for field in kept}


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("organisations", "parent_id", 999_999),
        ("owners", "organisation_id", 999_999),
        ("boards", "parent_id", 999_999),
        ("areas", "parent_id", 999_999),
        ("strategies", "board_ids", [999_999]),
        ("strategies", "organisation_ids", [999_999]),
        ("priorities", "strategy_id", 999_999),
        ("workstreams", "strategy_id", 999_999),
        ("workstreams", "lead_organisation_id", 999_999),
        ("workstreams", "owner_id", 999_999),
        ("workstreams", "priority_ids", [999_999]),
        ("workstreams", "area_ids", [999_999]),
        ("workstreams", "partners", [{"organisation_id": 999_999, "role": "lead"}]),
        ("milestones", "workstream_id", 999_999),
        ("milestones", "owner_id", 999_999),
        ("decisions", "board_id", 999_999),
        ("decisions", "priority_ids", [999_999]),
        ("decisions", "workstream_ids", [999_999]),
        ("funding-awards", "workstream_id", 999_999),
        ("funding-awards", "funder_id", 999_999),
        ("indicators", "strategy_id", 999_999),
        ("indicators", "priority_ids", [999_999]),
        ("indicators", "workstream_id", 999_999),
    ],
)
def test_a_row_that_is_not_there_cannot_be_named(shared: Api, plan: Plan, name: str, field: str, value: Any) -> None:
    answer = shared.post(f"/v1/{name}", {**new_body(plan, name), field: value})
    assert answer.status_code == 422
    pointers = [fault["pointer"] for fault in answer.json()["errors"]]
    assert all(pointer.startswith(f"/{field}") for pointer in pointers), pointers
    assert "999999" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("organisations", ["1 × owner", "1 × workstream"]),
        ("owners", ["1 × milestone"]),
        ("boards", ["1 × decision"]),
        ("areas", ["1 × workstream area"]),
        ("strategies", ["1 × priority", "2 × workstream"]),
        ("priorities", ["2 × workstream priority"]),
        ("workstreams", ["2 × milestone"]),
    ],
)
def test_what_is_still_referred_to_is_not_deleted(shared: Api, own_plan: Plan, name: str, held: list[str]) -> None:
    made(shared, own_plan, "decisions")
    made(shared, own_plan, "milestones")
    area = {"area_ids": [own_plan.area], "partners": [], "owner_id": None}
    lead = shared.made("/v1/organisations", ref=f"lead-{next(numbers)}", name="Lead", kind="nhs")["id"]
    shared.made("/v1/workstreams", **{**new_body(own_plan, "workstreams"), **area, "lead_organisation_id": lead})
    noun = {"strategies": "strategy", "priorities": "priority"}.get(name, name.removesuffix("s"))
    address = f"/v1/{name}/{getattr(own_plan, noun)}"
    answer = shared.delete(address)
    assert answer.status_code == 409
    for each in held:
        assert each in answer.json()["detail"]
    assert shared.get(address).status_code == 200


@of_every_collection
def test_a_row_is_read_as_it_was_known(shared: Api, plan: Plan, name: str) -> None:
    row = made(shared, plan, name)
    address = f"/v1/{name}/{row['id']}"
    changed = shared.patch(address, CHANGES[name]).json()
    shared.delete(address)
    for was in (row, changed):
        then = was["updated_at"]
        assert shared.get(f"{address}?known_at={then}").json() == was
        assert shared.get(f"/v1/{name}?ref={row['ref']}&known_at={then}").json()["items"] == [was]
    assert shared.get(address).status_code == 404


@of_every_collection
def test_a_row_is_not_there_before_it_was_known(shared: Api, plan: Plan, name: str) -> None:
    before = made(shared, plan, "boards")["updated_at"]
    row = made(shared, plan, name)
    assert shared.get(f"/v1/{name}/{row['id']}?known_at={before}").status_code == 404
    assert shared.get(f"/v1/{name}?ref={row['ref']}&known_at={before}").json()["items"] == []


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in LISTS.items() for field in fields])
def test_links_are_read_as_they_were_known(shared: Api, plan: Plan, name: str, field: str) -> None:
    row = made(shared, plan, name)
    address = f"/v1/{name}/{row['id']}"
    without = shared.patch(address, {field: []}).json()
    shared.patch(address, {field: row[field]})
    assert shared.get(f"{address}?known_at={row['updated_at']}").json()[field] == row[field]
    assert shared.get(f"{address}?known_at={without['updated_at']}").json()[field] == []
    assert shared.get(address).json()[field] == row[field]


@of_every_collection
def test_an_instant_to_come_is_refused(shared: Api, plan: Plan, name: str) -> None:
    row = made(shared, plan, name)
    for address in (f"/v1/{name}/{row['id']}", f"/v1/{name}"):
        answer = shared.get(f"{address}?known_at=2999-01-01T00:00:00Z")
        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/known_at"]


def test_a_milestone_with_reports_is_deleted_and_its_reports_stay_known(shared: Api, own_plan: Plan) -> None:
    said = report(shared, own_plan.milestone, status="in_progress", percent_complete=40)
    shared.delete(f"/v1/milestones/{own_plan.milestone}")
    assert shared.get(f"/v1/milestones/{own_plan.milestone}/updates").status_code == 404
    then = f"?known_at={said['recorded_at']}"
    assert shared.get(f"/v1/milestones/{own_plan.milestone}/updates{then}").json()["items"] == [said]
    assert shared.get(f"/v1/milestones/{own_plan.milestone}{then}").json()["percent_complete"] == 40


def test_a_list_is_of_the_day_on_which_it_is_asked_for(
    shared: Api, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists are kept in memory while nothing changes; a milestone falls due without a change."""
    due, shown = date(2019, 3, 31), []
    make_milestone(shared, plan.workstream, ref="falls-due", due_on=due.isoformat())
    for day in (due, due + timedelta(days=1), due):
        monkeypatch.setattr(clock, "today", lambda day=day: day)
        (row,) = shared.get("/v1/milestones?ref=falls-due").json()["items"]
        shown.append(row["overdue"])
    assert shown == [False, True, False]
