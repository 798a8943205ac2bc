"""The change feed: every change once, in the order in which it became known, for a copy that is kept elsewhere."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy import Connection

from service.core import clock
from service.core.history import Recorder
from service.plan import events
from service.plan.models import board
from tests.api.conftest import followed, numbers
from tests.conftest import Api
from tests.durability.audit import Entry, change_log
from tests.factories import Body, Plan, bodies, report


def entry_of(event: Body) -> Entry:
    """Return what the log of the database keeps of an event."""
    seq, position, resource, row_id = (event[name] for name in ("seq", "position", "resource", "resource_id"))
    return seq, position, resource, row_id, event["version"], event["action"]


def newest(api: Api) -> int:
    """Return the number of the newest transaction that changed anything."""
    entries = api.look(change_log)
    return entries[-1][0] if entries else 0


def pages(api: Api, seq: int, limit: int) -> Iterator[list[Body]]:
    """Follow the feed after a transaction until there is no more."""
    return followed(api, f"/v1/events?after={seq}&limit={limit}")


def events_after(api: Api, seq: int, limit: int = 1000) -> list[Body]:
    """Return all events of later transactions than this."""
    return [event for page in pages(api, seq, limit) for event in page]


def make_boards(api: Api, count: int) -> None:
    """Make several boards in one transaction."""

    def act(connection: Connection) -> None:
        recorder = Recorder(connection, None, clock.now(), "At once")
        for _ in range(count):
            recorder.add(board, {"ref": f"new-{next(numbers)}", "name": "Board", "parent_id": None})

    api.run(act)


def new_board(api: Api) -> tuple[str, Body]:
    """Make a board and return its address and the row."""
    row = api.made("/v1/boards", ref=f"new-{next(numbers)}", name="Board")
    return f"/v1/boards/{row['id']}", row


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_the_feed_is_the_log_whatever_the_page(shared: Api, plan: Plan, limit: int) -> None:
    report(shared, plan.milestone, status="on_hold")
    make_boards(shared, 5)
    assert [entry_of(event) for event in events_after(shared, 0, limit)] == shared.look(change_log)


def test_each_change_is_told_with_who_when_and_why(shared: Api) -> None:
    before = newest(shared)
    address, row = new_board(shared)
    changed = shared.patch(address, {"name": "Changed", "change_reason": "A new name"}).json()
    shared.delete(address, params={"change_reason": "Merged"})
    made, moved, gone = events_after(shared, before)
    assert [event["action"] for event in (made, moved, gone)] == ["created", "changed", "deleted"]
    assert [event["version"] for event in (made, moved, gone)] == [1, 2, 2]
    assert [event["reason"] for event in (made, moved, gone)] == [None, "A new name", "Merged"]
    assert [event["recorded_at"] for event in (made, moved)] == [row["updated_at"], changed["updated_at"]]
    assert {(event["resource"], event["resource_id"]) for event in (made, moved, gone)} == {("boards", row["id"])}
    assert made["recorded_by"] == moved["recorded_by"] == gone["recorded_by"] is not None


@pytest.mark.parametrize("name", ["organisations", "milestones", "workstreams", "funding-awards", "indicators"])
def test_an_event_leads_to_the_row_as_it_left_it(shared: Api, plan: Plan, name: str) -> None:
    before = newest(shared)
    row = shared.made(f"/v1/{name}", **{**bodies(plan)[name], "ref": f"new-{next(numbers)}"})
    changed = shared.patch(f"/v1/{name}/{row['id']}", {"ref": f"changed-{row['id']}"}).json()
    shared.delete(f"/v1/{name}/{row['id']}")
    made, moved, gone = events_after(shared, before)
    assert shared.get(made["href"]).json() == row
    assert shared.get(moved["href"]).json() == changed
    assert gone["href"] is None


def test_reports_and_values_stand_in_the_feed(shared: Api, own_plan: Plan) -> None:
    indicator = shared.made("/v1/indicators", **bodies(own_plan)["indicators"])["id"]
    before = newest(shared)
    said = report(shared, own_plan.milestone, status="on_hold")
    value = shared.made(f"/v1/indicators/{indicator}/observations", published_on="2018-12-10", value=1)
    first, second = events_after(shared, before)
    assert (first["resource"], first["resource_id"], first["action"]) == ("updates", said["id"], "created")
    assert shared.get(first["href"]).json() == said
    assert (second["resource"], second["resource_id"], second["action"]) == ("observations", value["id"], "created")
    assert shared.get(second["href"]).json() == value


def test_a_refused_change_is_not_told(shared: Api, own_plan: Plan) -> None:
    before = shared.look(change_log)
    shared.post("/v1/boards", {"ref": f"board-{own_plan.board}", "name": ""})
    shared.delete(f"/v1/organisations/{own_plan.organisation}")
    assert shared.look(change_log) == before


def test_a_page_ends_with_a_whole_transaction(shared: Api) -> None:
    before = newest(shared)
    new_board(shared)
    make_boards(shared, 3)
    make_boards(shared, 2)
    held = [[event["seq"] for event in page] for page in pages(shared, before, 5)]
    first, second, third = sorted({seq for page in held for seq in page})
    assert held == [[first, *[second] * 3], [third] * 2]


def test_a_page_grows_for_a_transaction_that_is_longer(shared: Api) -> None:
    before = newest(shared)
    make_boards(shared, 5)
    new_board(shared)
    make_boards(shared, 3)
    held = [[event["position"] for event in page] for page in pages(shared, before, 2)]
    assert held == [[0, 1, 2, 3, 4], [0], [0, 1, 2]]


def test_a_transaction_longer_than_any_page_comes_in_several(shared: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LONGEST_PAGE", 3)
    before = newest(shared)
    make_boards(shared, 7)
    held = [[event["position"] for event in page] for page in pages(shared, before, 2)]
    assert held == [[0, 1, 2], [3, 4, 5], [6]]


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_reader_that_only_names_the_last_transaction_skips_nothing(shared: Api, limit: int) -> None:
    before = newest(shared)
    for count in (1, 4, 2):
        make_boards(shared, count)
    seen: list[Entry] = []
    while items := shared.get(f"/v1/events?after={seen[-1][0] if seen else before}&limit={limit}").json()["items"]:
        seen += map(entry_of, items)
    assert seen == [entry for entry in shared.look(change_log) if entry[0] > before]


def test_after_the_newest_there_is_nothing(shared: Api) -> None:
    new_board(shared)
    assert shared.get(f"/v1/events?after={newest(shared)}").json() == {"items": [], "next": None}
    assert shared.get(f"/v1/events?after={2**53 - 1}").json() == {"items": [], "next": None}


@pytest.mark.parametrize("after", ["-1", "x", "", str(2**53)])
def test_a_place_that_is_none_is_refused(shared: Api, after: str) -> None:
    answer = shared.get("/v1/events", params={"after": after})
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/after"]


def test_a_reader_skips_nothing_while_others_write(shared: Api, own_plan: Plan) -> None:
    start = newest(shared)

    def write(_: int) -> None:
        address, _row = new_board(shared)
        report(shared, own_plan.milestone, status="on_hold")
        shared.patch(address, {"name": "Changed"})

    seen: list[Entry] = []
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, number) for number in range(12)]
        is_over = False
        while not is_over:
            # Once more after the last of them, and never twice what was read.
            is_over = not wait(writing, timeout=0).not_done
            after = seen[-1][0] if seen else start
            seen += [entry_of(event) for event in events_after(shared, after, 3)]
        for each in writing:
            each.result()
    assert seen == [entry for entry in shared.look(change_log) if entry[0] > start]
    assert len(seen) == 36
