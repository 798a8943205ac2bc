"""How many statements each question takes: exact numbers, the same for one row as for many.

A transaction's BEGIN and COMMIT are not counted; on PostgreSQL they do not pass where statements are counted.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from service.access.roles import Role
from service.automation.due import Done, run_due
from service.core import db
from service.settings import Settings
from tests.conftest import Api
from tests.contract.document import operations
from tests.database.listening import statements_sent
from tests.factories import Plan, bodies, make_milestone, more_than_a_plan, new_user, report, send_csv

# What no operation of the description is.
FEED = {
    f"/odata/{name}"
    for name in ("Milestones", "MilestoneFacts", "Observations/$count", "Workstreams(1)", "ProgressByQuarter")
}
# What needs no database, and the workbooks: see tests/exchange.
ELSEWHERE = {"get_csv_description", "get_strategy_workbook", "get_marked_import", "get_report_file", "verify_report"}
FRAMING = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")
# Every request first asks for the newest transaction, by which it is known whether the caller still holds.
CALLER = 1
ROW, PAGE = CALLER + 1, CALLER + 1
# An instant is looked up first: the newest stamp, then the one asked for.
KNOWN = 2
# The newest stamp, the strategy, the sums and the groups.
ROLL_UP = CALLER + 4
DAYS = "from=2018-04-01&to=2018-06-30"
YEARS = "from=2017-04-01&to=2019-03-31"

# The first row of everything in the sample plan.
FIRST = Plan(*[1] * 8)
READS: dict[str, tuple[str, int]] = {
    **{
        f"{verb} {name}": (f"/v1/{name}{tail}", count)
        for name in bodies(FIRST)
        for verb, tail, count in (("list", "", PAGE), ("get", "/1", ROW), ("history", "/1/history", PAGE))
    },
    "list updates": ("/v1/updates", PAGE),
    "get update": ("/v1/updates/1", ROW),
    # The milestone or the indicator is looked up first: what is not there is 404.
    "list milestone updates": ("/v1/milestones/1/updates", PAGE + 1),
    "list observations of an indicator": ("/v1/indicators/1/observations", PAGE + 1),
    "list observations": ("/v1/observations", PAGE),
    "get observation": ("/v1/observations/1", ROW),
    "who am I": ("/v1/me", CALLER),
    "list users": ("/v1/users", PAGE),
    "get user": ("/v1/users/1", ROW),
    "history users": ("/v1/users/1/history", PAGE),
    "list tokens": ("/v1/tokens", PAGE),
    "get token": ("/v1/tokens/1", ROW),
    "get import": ("/v1/imports/1", ROW),
    "list reports": ("/v1/reports", PAGE),
    "get report": ("/v1/reports/1", ROW),
    "history reports": ("/v1/reports/1/history", PAGE),
    # The report; the newest stamp and the one of publishing; both roll-ups of both; the reports that came late.
    "restatement of a report": ("/v1/reports/1/restatement", CALLER + 17),
    "list schedules": ("/v1/report-schedules", PAGE),
    "get schedule": ("/v1/report-schedules/1", ROW),
    "history schedules": ("/v1/report-schedules/1/history", PAGE),
    "list webhooks": ("/v1/webhooks", PAGE),
    "get webhook": ("/v1/webhooks/1", ROW),
    "history webhooks": ("/v1/webhooks/1/history", PAGE),
    "list deliveries": ("/v1/deliveries", PAGE),
    "get delivery": ("/v1/deliveries/1", ROW),
    "list events": ("/v1/events?after=1", PAGE),
    # The rest of a transaction that is longer than the page: the sample plan was loaded in one.
    "list events of a long transaction": ("/v1/events", PAGE + 1),
    "progress by priority": ("/v1/progress?strategy_id=1", ROLL_UP),
    "progress by workstream": ("/v1/progress?strategy_id=1&group_by=workstream", ROLL_UP),
    "progress by organisation": ("/v1/progress?strategy_id=1&group_by=organisation", ROLL_UP),
    "progress by owner": ("/v1/progress?strategy_id=1&group_by=owner", ROLL_UP),
    "progress of a priority": ("/v1/priorities/1/progress", ROLL_UP + 1),
    "progress of a workstream": ("/v1/workstreams/1/progress", ROLL_UP + 1),
    "trend of one point": (f"/v1/progress/trend?strategy_id=1&{DAYS}", ROLL_UP),
    "trend of eight points": (f"/v1/progress/trend?strategy_id=1&{YEARS}", ROLL_UP),
    # The newest stamp, by which the pages that follow show the same state.
    "page of an odata set": ("/odata/Milestones", CALLER + 2),
    "page of an odata set with a count": ("/odata/MilestoneFacts?$count=true&$filter=weight gt 0", CALLER + 3),
    "count of an odata set": ("/odata/Observations/$count", CALLER + 2),
    "odata entity": ("/odata/Workstreams(1)", CALLER + 2),
    # The newest stamp, the strategies' dates, the strategy, its sums, the groups by priority and by workstream; the page.
    "odata figures": ("/odata/ProgressByQuarter?$filter=strategy_id eq 1", CALLER + 7),
    # Sums and members of both sides; no groups.
    "changes": (f"/v1/progress/changes?strategy_id=1&{YEARS}", CALLER + 6),
}
# Drafts, publishing, files, what is to be brought, what webhooks were not told of, and what waits.
NOTHING_DUE = 6
WITHOUT_PAST = (
    "history",
    "restatement",
    "get import",
    "list deliveries",
    "get delivery",
    "list events",
    "who am I",
    "list tokens",
    "get token",
)
PAST = {name: (where, count) for name, (where, count) in READS.items() if not name.startswith(WITHOUT_PAST)}


@pytest.fixture(scope="module", autouse=True)
def _patience() -> Iterator[None]:
    """No read turns out long: on SQLite it would start afresh in a thread, and count twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "GLANCE_SECONDS", 3600.0)
        yield


def statements(api: Api) -> AbstractContextManager[list[str]]:
    """Gather the statements that are sent to the database."""
    return statements_sent(api.database, lambda statement: not statement.lstrip().upper().startswith(FRAMING))


def counted(api: Api, ask: Callable[[], Any], status: int = 200) -> int:
    """Return how many statements a request takes."""
    with statements(api) as sent:
        answer = ask()
    assert answer.status_code == status, answer.text
    return len(sent)


def grow(api: Api, plan: Plan, rows: int) -> None:
    """Add this many rows of everything to a plan, and as many versions, reports and values."""
    for number in range(rows):
        mark = f"{rows}-{number}"
        for name, body in bodies(plan).items():
            made = api.made(f"/v1/{name}", **{**body, "ref": mark})
            api.patch(f"/v1/{name}/1" if name != "milestones" else f"/v1/milestones/{made['id']}", {})
        late = make_milestone(api, plan.workstream, ref=f"late-{mark}", due_on="2018-04-30")["id"]
        report(api, late, status="in_progress", effective_on="2018-04-15")
        report(api, plan.milestone, status="in_progress", percent_complete=number)
        api.made("/v1/tokens", name=mark, user_id=api.made("/v1/users", **new_user(mark))["id"])
        api.made("/v1/indicators/1/observations", published_on="2018-12-10", value=number)


def all_counted(api: Api, questions: dict[str, tuple[str, int]], known_at: str | None = None) -> dict[str, int]:
    """Return how many statements each question takes."""
    # The caller is looked up at the first request after a change, and no other.
    api.get("/v1/boards/1")
    found = {}
    for name, (where, _) in questions.items():
        then = "" if known_at is None else f"{'&' if '?' in where else '?'}known_at={known_at}"
        found[name] = counted(api, lambda address=where + then: api.get(address))  # type: ignore[misc]
    return found


def test_every_read_is_counted() -> None:
    addresses = {where.partition("?")[0].replace("/1", "/{id}") for where, _ in READS.values()}
    reads = {
        each.path
        for each in operations()
        if each.method == "get" and each.path.startswith("/v1") and each.name not in ELSEWHERE
    }
    assert addresses - FEED == reads


@pytest.fixture(scope="module")
def found(served: Api) -> list[dict[str, int]]:
    """How many statements each question takes with few rows and with many, of now and of what was known."""
    found = []
    send_csv(served, 1, b"ref\ndrug-misuse")
    more_than_a_plan(served)
    for rows in (1, 4):
        grow(served, FIRST, rows)
        known_at = served.patch("/v1/boards/1", {}).json()["updated_at"]
        served.patch("/v1/areas/1", {})
        found.append(all_counted(served, READS))
        found.append(all_counted(served, PAST, known_at))
    return found


def test_reads_take_their_number_of_statements_for_few_rows_and_for_many(found: list[dict[str, int]]) -> None:
    few, _, many, _ = found
    assert few == many == {name: count for name, (_, count) in READS.items()}


def test_nothing_due_takes_the_same_few_statements(served: Api, found: list[dict[str, int]]) -> None:
    assert found
    portal, settings = served.client.portal, Settings()
    assert portal is not None
    portal.call(run_due, served.database, settings)
    few, many = (_asked_what_is_due(served, settings, rows) for rows in (2, 5))
    assert few == many == NOTHING_DUE


def _asked_what_is_due(api: Api, settings: Settings, rows: int) -> int:
    grow(api, FIRST, rows)
    assert api.client.portal is not None
    api.client.portal.call(run_due, api.database, settings)
    with statements(api) as sent:
        done = api.client.portal.call(run_due, api.database, settings)
    assert done == Done()
    return len(sent)


def test_reads_of_what_was_known_do_too(found: list[dict[str, int]]) -> None:
    _, few, _, many = found
    # The feed takes the newest stamp in any case.
    more = {name: KNOWN - ("/odata/" in where) for name, (where, _) in PAST.items()}
    assert few == many == {name: count + more[name] for name, (_, count) in PAST.items()}


@pytest.mark.parametrize(
    "where",
    [
        "/v1/progress?strategy_id=1&as_at=2018-12-10",
        f"/v1/progress/trend?strategy_id=1&{YEARS}",
        f"/v1/progress/changes?strategy_id=1&{YEARS}",
        "/v1/priorities/1/progress",
        "/v1/workstreams/1/progress",
        "/v1/milestones?status=in_progress",
    ],
)
def test_an_answer_that_still_holds_takes_one_statement(served: Api, where: str) -> None:
    first = served.get(where)
    assert counted(served, lambda: served.get(where)) == CALLER
    if "etag" in first.headers:
        tag = {"If-None-Match": first.headers["etag"]}
        assert counted(served, lambda: served.get(where, headers=tag), 304) == CALLER
    report(served, 1, status="on_hold")
    served.get("/v1/boards")
    assert counted(served, lambda: served.get(where)) > CALLER
    assert counted(served, lambda: served.get(where)) == CALLER


def test_the_caller_is_looked_up_again_after_a_change_of_who_may_do_what(served: Api) -> None:
    served.get("/v1/boards")
    report(served, 1, status="on_hold")
    assert counted(served, lambda: served.get("/v1/boards")) == PAGE
    served.token(Role.VIEWER)
    assert [counted(served, lambda: served.get("/v1/boards/1")) for _ in range(3)] == [PAGE + 2, PAGE, PAGE]


def test_a_page_takes_as_many_statements_whatever_its_size_and_filters(served: Api) -> None:
    following = served.get("/v1/milestones?limit=5&sort=-due_on").json()["next"]
    for where in ("/v1/milestones?limit=1", "/v1/milestones?rag=red&priority_id=1&q=a&overdue=true", following):
        assert counted(served, lambda address=where: served.get(address)) == PAGE  # type: ignore[misc]


# The newest transaction, the milestone with its latest report, the stamp, the report, and the log of it.
# On PostgreSQL the last three are one statement.
REPORT = {"sqlite": 5, "postgresql": 3}


def test_a_report_takes_as_many_statements_after_many_others(served: Api) -> None:
    def one() -> int:
        return counted(served, lambda: served.post("/v1/milestones/1/updates", {"status": "on_hold"}), 201)

    one()
    assert [one() for _ in range(8)] == [REPORT[served.database.engine.dialect.name]] * 8
