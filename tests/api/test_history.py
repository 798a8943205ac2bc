"""The history of a row: every version, newest first, with who made it so, when and why."""

from typing import Any

import pytest
from sqlalchemy import select

from service.access.models import user_account
from service.access.roles import Role
from tests.api.conftest import numbers
from tests.conftest import Api
from tests.factories import Body, Plan, bodies, report

WHY = "The board asked for it."
NAMED = {"boards": "name", "milestones": "title", "workstreams": "title", "decisions": "text", "indicators": "title"}
of_several_collections = pytest.mark.parametrize("name", sorted(NAMED))


def made(api: Api, plan: Plan, name: str) -> tuple[str, Body]:
    """Make a row and return its address and the row."""
    row = api.made(f"/v1/{name}", **{**bodies(plan)[name], "ref": f"new-{next(numbers)}"})
    return f"/v1/{name}/{row['id']}", row


def history_of(api: Api, address: str) -> list[Body]:
    """Return all versions of a row."""
    answer = api.get(f"{address}/history")
    assert answer.status_code == 200, answer.text
    assert answer.json()["next"] is None
    return list(answer.json()["items"])


def user_of(api: Api, *roles: Role) -> int:
    """Return the number of the user to whom the token of these roles belongs."""
    api.token(*roles)
    name = select(user_account.c.id).order_by(user_account.c.id.desc()).limit(1)
    return int(api.look(lambda connection: connection.execute(name).scalar_one()))


@of_several_collections
def test_versions_stand_newest_first_and_show_the_row_as_it_was(shared: Api, plan: Plan, name: str) -> None:
    address, first = made(shared, plan, name)
    second = shared.patch(address, {NAMED[name]: "Second"}).json()
    third = shared.patch(address, {NAMED[name]: "Third"}).json()
    held = history_of(shared, address)
    assert [(entry["version"], entry["action"]) for entry in held] == [(3, "changed"), (2, "changed"), (1, "created")]
    for entry, row in zip(held, (third, second, first), strict=True):
        assert {key: entry[key] for key in row if key in entry} == {key: row[key] for key in row if key in entry}
        assert entry[NAMED[name]] == row[NAMED[name]]


def test_each_version_holds_until_the_next(shared: Api, plan: Plan) -> None:
    address, _ = made(shared, plan, "boards")
    shared.patch(address, {"name": "Second"})
    second, first = history_of(shared, address)
    assert first["recorded_until"] == second["recorded_at"] > first["recorded_at"]
    assert second["recorded_until"] is None


def test_the_instant_of_a_version_brings_it_back(shared: Api, plan: Plan) -> None:
    address, _ = made(shared, plan, "workstreams")
    shared.patch(address, {"title": "Second"})
    shared.delete(address)
    for entry in history_of(shared, address)[1:]:
        row = shared.get(f"{address}?known_at={entry['recorded_at']}").json()
        assert {key: entry[key] for key in row} == row


@of_several_collections
def test_a_deletion_stands_in_the_history_with_the_row_as_it_last_was(shared: Api, plan: Plan, name: str) -> None:
    address, row = made(shared, plan, name)
    shared.delete(address, params={"change_reason": "Entered twice"})
    gone, last = history_of(shared, address)
    assert (gone["action"], gone["version"], gone["reason"]) == ("deleted", 1, "Entered twice")
    assert gone["recorded_until"] is None
    assert last["recorded_until"] == gone["recorded_at"]
    assert {key: gone[key] for key in row if key in gone} == {key: last[key] for key in row if key in last}
    assert gone[NAMED[name]] == row[NAMED[name]]


@of_several_collections
def test_a_patch_says_why(shared: Api, plan: Plan, name: str) -> None:
    address, _ = made(shared, plan, name)
    changed = shared.patch(address, {NAMED[name]: "Second", "change_reason": WHY}).json()
    assert "change_reason" not in changed
    assert [entry["reason"] for entry in history_of(shared, address)] == [WHY, None]


def test_each_version_says_who_made_it_so(shared: Api, plan: Plan) -> None:
    address, _ = made(shared, plan, "boards")
    maker, other = user_of(shared), user_of(shared, Role.MANAGER)
    shared.patch(address, {"name": "Second"}, roles=(Role.MANAGER,))
    assert [entry["recorded_by"] for entry in history_of(shared, address)] == [other, maker]
    assert maker != other


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("strategies", "board_ids"),
        ("workstreams", "area_ids"),
        ("workstreams", "partners"),
        ("decisions", "priority_ids"),
        ("decisions", "workstream_ids"),
        ("indicators", "priority_ids"),
    ],
)
def test_a_version_shows_its_links(shared: Api, plan: Plan, name: str, field: str) -> None:
    address, row = made(shared, plan, name)
    shared.patch(address, {field: []})
    shared.patch(address, {field: row[field]})
    shared.delete(address)
    assert row[field]
    assert [entry[field] for entry in history_of(shared, address)] == [row[field], row[field], [], row[field]]


def test_the_history_of_a_milestone_is_that_of_its_definition(shared: Api, own_plan: Plan) -> None:
    address = f"/v1/milestones/{own_plan.milestone}"
    report(shared, own_plan.milestone, status="complete")
    (only,) = history_of(shared, address)
    assert only["weight"] == 1
    assert "status" not in only


def test_a_baseline_stays_while_the_due_date_moves(shared: Api, own_plan: Plan) -> None:
    address = f"/v1/milestones/{own_plan.milestone}"
    shared.patch(address, {"due_on": "2018-12-31"})
    shared.patch(address, {"due_on": "2019-03-31"})
    shared.patch(address, {"due_on": None})
    moved = [(entry["due_on"], entry["baseline_due_on"]) for entry in history_of(shared, address)]
    assert moved == [
        (None, "2018-12-31"),
        ("2019-03-31", "2018-12-31"),
        ("2018-12-31", "2018-12-31"),
        (None, None),
    ]


def test_a_history_comes_in_pages(shared: Api, plan: Plan) -> None:
    address, _ = made(shared, plan, "areas")
    for number in range(2, 6):
        shared.patch(address, {"name": f"Name {number}"})
    shared.delete(address)
    pages: list[list[Any]] = []
    following: str | None = f"{address}/history?limit=2"
    while following:
        answer = shared.get(following)
        page = answer.json()
        following = page["next"]
        assert answer.headers.get("link") == (f'<{following}>; rel="next"' if following else None)
        pages.append([(entry["version"], entry["action"]) for entry in page["items"]])
    assert pages == [
        [(5, "deleted"), (5, "changed")],
        [(4, "changed"), (3, "changed")],
        [(2, "changed"), (1, "created")],
    ]


def test_a_page_of_history_goes_on_where_it_stood_while_the_row_changes(shared: Api, plan: Plan) -> None:
    address, _ = made(shared, plan, "areas")
    shared.patch(address, {"name": "Second"})
    first = shared.get(f"{address}/history?limit=1").json()
    shared.patch(address, {"name": "Third"})
    rest = shared.get(first["next"]).json()
    assert [entry["version"] for entry in (*first["items"], *rest["items"])] == [2, 1]


def test_what_never_was_has_no_history(shared: Api) -> None:
    assert shared.get("/v1/boards/999999/history").status_code == 404


def test_a_reason_is_no_blank(shared: Api, plan: Plan) -> None:
    address, row = made(shared, plan, "boards")
    patched = shared.patch(address, {"name": "Second", "change_reason": " "})
    deleted = shared.delete(address, params={"change_reason": " "})
    assert [fault["pointer"] for fault in patched.json()["errors"]] == ["/change_reason"]
    assert [fault["pointer"] for fault in deleted.json()["errors"]] == ["/query/change_reason"]
    assert shared.get(address).json() == row
