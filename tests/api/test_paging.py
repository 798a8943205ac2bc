"""Lists page by page: every row once, in the order asked for, whatever is written meanwhile."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

import pytest

from service.access.users import TOKENS, USERS
from service.automation.schedules import DELIVERIES, SCHEDULES
from service.automation.webhooks import WEBHOOKS
from service.core import clock
from service.outcomes.service import INDICATORS, OBSERVATIONS
from service.plan.catalogue import COLLECTIONS
from service.progress.api import UPDATES
from service.progress.milestones import MILESTONES
from service.reporting.reports import REPORTS
from tests.api.conftest import followed
from tests.conftest import Api
from tests.contract.document import operations
from tests.factories import Body, bodies, draft_report, make_plan, new_user, noted_delivery, published_report

SORTABLE = {
    **{
        f"/v1/{each.name}": each.sortable
        for each in (*COLLECTIONS, MILESTONES, INDICATORS, REPORTS, SCHEDULES, WEBHOOKS, USERS)
    },
    "/v1/deliveries": DELIVERIES.sortable,
    "/v1/tokens": TOKENS.sortable,
    "/v1/updates": UPDATES.sortable,
    "/v1/milestones/1/updates": UPDATES.sortable,
    "/v1/indicators/1/observations": OBSERVATIONS.sortable,
    "/v1/observations": OBSERVATIONS.sortable,
}
OTHER_PAGES = {"/v1/events"}
# Each date is missing from some rows, and shared by others.
DATES = (None, "2018-06-30", "2018-12-31", None, "2018-06-30")
NULLABLE = {
    "strategies": ("ends_on",),
    "workstreams": ("starts_on", "ends_on"),
    "milestones": ("start_on", "due_on"),
    "decisions": ("decided_on",),
    "funding-awards": ("starts_on", "ends_on"),
}
# Fields that may be empty are walked both ways, for then it matters where the empty ones stand; all others backwards.
EMPTY = {
    "category",
    "decided_on",
    "due_on",
    "ends_on",
    "period_end",
    "start_on",
    "starts_on",
    "email",
    "last_used_at",
    "known_at",
    "next_at",
}
ORDERS = [
    (where, sign + name)
    for where, names in SORTABLE.items()
    for name in names
    for sign in (("", "-") if name in EMPTY else ("-",))
]
TITLES = ("Zebra", "apple", "Apple", "Äpfel", "apple")


@pytest.fixture(scope="module", autouse=True)
def _rows(shared: Api) -> None:
    """Some rows in every list, with values that are missing and values that are the same."""
    plan = make_plan(shared)
    for name, body in bodies(plan).items():
        for number, (day, title) in enumerate(zip(DATES, TITLES, strict=True)):
            given: Body = {**body, "ref": f"{'aZ'[number % 2]}-{number}", **dict.fromkeys(NULLABLE.get(name, ()), day)}
            given.update({field: title for field in ("title", "name", "post", "text") if field in body})
            if name == "milestones":
                given["due_precision"] = "day"
            if name == "strategies" and day:
                given["starts_on"] = "2018-01-01"
            shared.made(f"/v1/{name}", **given)
    for number, day in enumerate(("2018-12-31", "2018-06-30", "2018-12-31", "2018-09-30", "2018-06-30")):
        shared.made("/v1/milestones/1/updates", effective_on=day, status="on_hold", percent_complete=number)
        shared.made("/v1/users", **new_user(number, name=TITLES[number], **({"email": None} if number % 2 else {})))
        shared.made("/v1/tokens", name=TITLES[number])
        values = {"published_on": day, "value": number, "category": DATES[number], "period_end": DATES[-number]}
        shared.made("/v1/indicators/1/observations", **values)
        make = published_report if number % 2 else draft_report
        make(shared, plan.strategy, quarter=f"201{number}-1{number + 1}-Q3")
        shared.made("/v1/report-schedules", strategy_id=plan.strategy + number)
        noted_delivery(shared, plan.strategy, next_at=clock.now() if number % 2 else None)


def walked(api: Api, address: str, between: Callable[[], object] = lambda: None) -> list[Body]:
    """Return the rows of a whole list, read page by page."""
    return [row for page in followed(api, address, between) for row in page]


@cache
def instant(text: str) -> datetime:
    """Return an instant; as texts they sort otherwise where the fraction is short."""
    return datetime.fromisoformat(text)


def sorted_by(rows: list[Body], order: str) -> list[Body]:
    """Return rows in an order: those without a value last, and by id where values are the same."""
    name = order.removeprefix("-")
    held = sorted((row for row in rows if row[name] is not None), key=lambda row: row["id"])
    read: Callable[[Any], Any] = instant if name.endswith("_at") else lambda value: value
    held.sort(key=lambda row: read(row[name]), reverse=order.startswith("-"))
    return [*held, *sorted((row for row in rows if row[name] is None), key=lambda row: row["id"])]


def test_every_list_is_tried() -> None:
    lists = {each.path.replace("{id}", "1") for each in operations() if "sort" in each.parameters("query")}
    assert lists == set(SORTABLE)


@pytest.mark.parametrize(("where", "order"), ORDERS)
def test_pages_show_every_row_once_in_the_order_asked_for(shared: Api, where: str, order: str) -> None:
    rows = shared.get(f"{where}?limit=1000").json()["items"]
    assert len(rows) >= 5
    wanted = [row["id"] for row in sorted_by(rows, order)]
    assert [row["id"] for row in walked(shared, f"{where}?limit=3&sort={order}")] == wanted


@pytest.mark.parametrize("where", ["/v1/boards", "/v1/workstreams", "/v1/milestones", "/v1/updates"])
def test_rows_as_they_were_known_come_in_pages_too(shared: Api, where: str) -> None:
    known_at = shared.get("/v1/events?limit=1000").json()["items"][-1]["recorded_at"]
    rows = shared.get(f"{where}?limit=1000").json()["items"]
    for order in SORTABLE[where]:
        wanted = [row["id"] for row in sorted_by(rows, f"-{order}")]
        found = walked(shared, f"{where}?limit=3&sort=-{order}&known_at={known_at}")
        assert [row["id"] for row in found] == wanted, order


@pytest.mark.parametrize("order", ["title,ref", "-due_on,kind,-ref", "weight,-id", "start_on,-title"])
def test_an_order_may_name_several_fields(shared: Api, order: str) -> None:
    wanted = shared.get("/v1/milestones?limit=1000").json()["items"]
    for key in reversed([*order.split(","), "id"] if "id" not in order else order.split(",")):
        wanted = sorted_stably(wanted, key)
    assert walked(shared, f"/v1/milestones?limit=2&sort={order}") == wanted


def sorted_stably(rows: list[Body], key: str) -> list[Body]:
    """Return rows sorted by one more key, leaving those that are the same in the order they came in."""
    name, down = key.removeprefix("-"), key.startswith("-")
    held = [row for row in rows if row[name] is not None]
    return [*sorted(held, key=lambda row: row[name], reverse=down), *(row for row in rows if row[name] is None)]


@pytest.mark.parametrize("order", ["name", "-name", "ref", "-created_at", "id"])
def test_rows_added_meanwhile_make_no_page_skip_or_repeat(own_api: Api, order: str) -> None:
    for number in range(6):
        own_api.made("/v1/boards", ref=f"board-{number}", name=f"Board {number // 2}")
    before = [row["id"] for row in own_api.get(f"/v1/boards?sort={order}").json()["items"]]
    letters = iter("azbycx")

    def add() -> None:
        for letter in islice(letters, 1):
            own_api.made("/v1/boards", ref=f"{letter}-board", name=f"{letter} board")

    seen = [row["id"] for row in walked(own_api, f"/v1/boards?limit=2&sort={order}", add)]
    assert [each for each in seen if each in before] == before
    assert len(set(seen)) == len(seen)


@pytest.fixture
def own_api(shared: Api) -> Iterator[Api]:
    """The service without boards that stand alone; those that a test makes are taken away after it."""
    kept = {row["id"] for row in shared.get("/v1/boards").json()["items"]}
    yield shared
    for row in shared.get("/v1/boards").json()["items"]:
        if row["id"] not in kept:
            shared.delete(f"/v1/boards/{row['id']}")


def test_a_row_deleted_at_the_end_of_a_page_makes_no_page_skip(own_api: Api) -> None:
    made = [own_api.made("/v1/boards", ref=f"board-{number}", name="Board")["id"] for number in range(4)]
    first = own_api.get("/v1/boards?limit=2&sort=-id").json()
    own_api.delete(f"/v1/boards/{first['items'][-1]['id']}")
    assert [row["id"] for row in own_api.get(first["next"]).json()["items"]] == [made[1], made[0]]


def test_the_next_page_asks_the_same_question(shared: Api) -> None:
    asked = "/v1/milestones?limit=1&status=not_started&status=on_hold&sort=-ref&q=p"
    following = shared.get(asked).json()["next"]
    assert following.startswith(asked + "&cursor=")
    assert len(walked(shared, asked)) == len(shared.get(asked.replace("limit=1", "limit=1000")).json()["items"]) > 1


def test_the_last_page_has_no_next_even_where_it_is_full(shared: Api) -> None:
    rows = shared.get("/v1/areas").json()["items"]
    assert shared.get(f"/v1/areas?limit={len(rows)}").json() == {"items": rows, "next": None}
    assert shared.get(f"/v1/areas?limit={len(rows) - 1}").json()["next"] is not None


def test_a_list_of_nothing_is_an_empty_page(shared: Api) -> None:
    answer = shared.get("/v1/areas?ref=nowhere")
    assert answer.json() == {"items": [], "next": None}
    assert "link" not in answer.headers


def test_a_page_holds_a_hundred_rows_unless_told(shared: Api) -> None:
    for number in range(101):
        shared.made("/v1/milestones/1/updates", status="on_hold", narrative=f"Report {number}")
    page = shared.get("/v1/updates").json()
    assert len(page["items"]) == 100
    assert page["next"]


@pytest.mark.parametrize("where", sorted(set(SORTABLE) | OTHER_PAGES | {"/v1/boards/1/history"}))
def test_a_page_holds_from_one_to_a_thousand_rows(shared: Api, where: str) -> None:
    assert shared.get(f"{where}?limit=1000").status_code == 200
    assert len(shared.get(f"{where}?limit=1").json()["items"]) == 1
    for limit in ("0", "1001", "-1", "x", "", "1.5"):
        answer = shared.get(f"{where}?limit={limit}")
        assert answer.status_code == 422, limit
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/limit"]


@pytest.mark.parametrize("sort", ["no_such", "ref,ref", "ref,-ref", "description", "ref,", "--ref", "+ref"])
def test_an_order_that_the_list_has_not_is_refused(shared: Api, sort: str) -> None:
    answer = shared.get("/v1/milestones", params={"sort": sort})
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/sort"]


@pytest.mark.parametrize(
    "other",
    [
        "/v1/milestones?sort=-ref",
        "/v1/milestones?sort=ref,title",
        "/v1/milestones?sort=title",
        "/v1/milestones",
        "/v1/updates",
        "/v1/events?limit=1",
        "/v1/boards/1/history?limit=1",
    ],
)
def test_a_cursor_of_another_order_or_list_is_refused(shared: Api, other: str) -> None:
    cursor = shared.get("/v1/milestones?sort=ref&limit=1").json()["next"].partition("cursor=")[2]
    answer = shared.get(f"{other}{'&' if '?' in other else '?'}cursor={cursor}")
    assert answer.status_code in {400, 422}
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/cursor"]
