"""Plans to test with: a small one made over the API, and one that leaves no table of the database empty."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from service.access.models import user_account, user_identity
from service.access.roles import Role, Scope
from service.access.service import create_token
from service.automation.outbox import note
from service.core import clock
from service.core.history import TWINS, Recorder, metadata
from service.core.idempotency import FirstAnswer, KeyedRequest, keep_answer
from service.exchange.models import sheet_import
from tests.conftest import SAMPLE, Api, load_file, run_once

Body = dict[str, Any]
LINKS = sorted(name for name in TWINS if "owner" in metadata.tables[name].info)
NOUNS = sorted(name for name in TWINS if name not in LINKS)


@dataclass
class Plan:
    """One row of everything that others refer to, by its id."""

    organisation: int
    owner: int
    board: int
    area: int
    strategy: int
    priority: int
    workstream: int
    milestone: int


def make_plan(api: Api, mark: str = "") -> Plan:
    """Make a plan with one row of each noun that others refer to; `mark` ends its refs, so that several fit beside."""
    council, county = f"council{mark}", f"county{mark}"
    organisation = api.made("/v1/organisations", ref=council, name="Council", kind="council", parent_id=api.home)["id"]
    owner = api.made("/v1/owners", ref=f"director{mark}", post="Director", organisation_id=organisation)["id"]
    board = api.made("/v1/boards", ref=f"board{mark}", name="Board")["id"]
    area = api.made("/v1/areas", ref=county, name="County", kind="county")["id"]
    strategy = api.made("/v1/strategies", ref=f"strategy{mark}", title="Strategy", starts_on="2018-04-01")["id"]
    priority = api.made("/v1/priorities", ref="priority", title="Priority", strategy_id=strategy)["id"]
    workstream = make_workstream(api, strategy, priority, organisation)["id"]
    milestone = make_milestone(api, workstream)["id"]
    return Plan(organisation, owner, board, area, strategy, priority, workstream, milestone)


def make_workstream(api: Api, strategy: int, priority: int, lead: int, **values: Any) -> Body:
    """Make a workstream."""
    given = {"ref": "stream", "title": "Stream", "strategy_id": strategy, "priority_ids": [priority]}
    return api.made("/v1/workstreams", **{**given, "lead_organisation_id": lead, **values})


def make_milestone(api: Api, workstream: int, **values: Any) -> Body:
    """Make a milestone that was in the plan from April 2018."""
    given = {"ref": "M-1", "title": "Milestone", "workstream_id": workstream, "agreed_on": "2018-04-01"}
    return api.made("/v1/milestones", **{**given, **values})


def report(api: Api, milestone: int, **values: Any) -> Body:
    """Report on a milestone."""
    return api.made(f"/v1/milestones/{milestone}/updates", **{"effective_on": "2018-12-31", **values})


def send_csv(api: Api, strategy: int, content: bytes, sheet: str = "Priorities") -> Body:
    """Send in one sheet as CSV, and return what it would change."""
    asked = {"strategy_id": str(strategy), "sheet": sheet}
    answer = api.call("POST", "/v1/imports", files={"file": ("sheet.csv", content)}, data=asked)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def draft_report(api: Api, strategy: int, **values: Any) -> Body:
    """Make a draft of the report on a quarter."""
    return api.made("/v1/reports", **{"strategy_id": strategy, "quarter": "2018-19-Q3", **values})


def published_report(api: Api, strategy: int, **values: Any) -> Body:
    """Publish the report on a quarter, and return it."""
    address = f"/v1/reports/{draft_report(api, strategy, **values)['id']}"
    answer = api.call("POST", f"{address}/publish", headers={"If-Match": api.get(address).headers["etag"]})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def noted_delivery(api: Api, strategy: int, **values: Any) -> int:
    """Note that something is to be brought, and return its number."""
    told = {"kind": "webhook", "strategy_id": strategy, "webhook_id": 1, "event": "update.created", "body": "{}"}

    def act(connection: Connection) -> int:
        key = f"event:1:{len(connection.execute(select(metadata.tables['delivery'])).all())}"
        note(connection, [{"key": key, **told, **values}], clock.now())
        rows = metadata.tables["delivery"].c
        return int(connection.execute(select(rows.id).where(rows.key == key)).scalar_one())

    return api.run(act)


def more_than_a_plan(api: Api) -> None:
    """Make the first row of each collection that no plan file fills."""
    published_report(api, 1)
    api.made("/v1/report-schedules", strategy_id=1)
    api.made("/v1/webhooks", strategy_id=1, ref="new", url="https://example.org")
    noted_delivery(api, 1)


def new_user(mark: object, **values: Any) -> Body:
    """Return what makes a user that is not there yet."""
    return {"name": "New", "email": f"new-{mark}@example.org", **values}


def bodies(plan: Plan) -> dict[str, Body]:
    """Return what makes another row of each collection."""
    return {
        "organisations": {"ref": "new", "name": "New", "kind": "nhs", "parent_id": plan.organisation},
        "owners": {"ref": "new", "post": "New", "organisation_id": plan.organisation},
        "boards": {"ref": "new", "name": "New", "parent_id": plan.board},
        "areas": {"ref": "new", "name": "New", "kind": "district", "parent_id": plan.area},
        "strategies": {
            "ref": "new",
            "title": "New",
            "starts_on": "2019-04-01",
            "board_ids": [plan.board],
            "organisation_ids": [plan.organisation],
        },
        "priorities": {"ref": "new", "title": "New", "strategy_id": plan.strategy, "position": 7},
        "workstreams": {
            "ref": "new",
            "title": "New",
            "strategy_id": plan.strategy,
            "priority_ids": [plan.priority],
            "lead_organisation_id": plan.organisation,
            "owner_id": plan.owner,
            "partners": [{"organisation_id": plan.organisation, "role": "funder"}],
            "area_ids": [plan.area],
            "starts_on": "2018-04-01",
            "ends_on": "2019-03-31",
        },
        "milestones": {
            "ref": "new",
            "title": "New",
            "workstream_id": plan.workstream,
            "owner_id": plan.owner,
            "weight": 3,
            "agreed_on": "2018-04-01",
            "start_on": "2018-04-01",
            "due_on": "2018-12-31",
            "due_precision": "quarter",
        },
        "decisions": {
            "ref": "new",
            "board_id": plan.board,
            "decided_on": "2018-12-31",
            "precision": "month",
            "kind": "endorse",
            "text": "New",
            "priority_ids": [plan.priority],
            "workstream_ids": [plan.workstream],
        },
        "funding-awards": {
            "ref": "new",
            "workstream_id": plan.workstream,
            "funder_id": plan.organisation,
            "amount": "882373.05",
            "status": "approved",
        },
        "indicators": {
            "ref": "new",
            "title": "New",
            "strategy_id": plan.strategy,
            "unit": "percent",
            "polarity": "high_good",
            "priority_ids": [plan.priority],
            "workstream_id": plan.workstream,
        },
        "webhooks": {
            "ref": "new",
            "strategy_id": plan.strategy,
            "url": "https://example.org/tracker",
            "events": ["milestone.updated", "update.created"],
        },
    }


def fill(url: str) -> None:
    """Leave no table of a database empty: the sample plan, a past for all of it, users and a kept answer."""
    run_once(url, lambda connection: load_file(connection, SAMPLE.read_bytes()))
    run_once(url, sign_up)
    run_once(url, report_once)
    run_once(url, link_everything)
    run_once(url, change_everything)
    run_once(url, retire_something)


def report_once(connection: Connection) -> None:
    """Make a report that is published, with one file."""
    recorder = Recorder(connection, None, clock.now())
    stand = {"quarter": "2018-19-Q3", "edition": 1, "as_at": date(2018, 12, 31), "status": "published"}
    said = {"summary": "Said", "commentary": [{"priority_id": 1, "workstream_id": None, "text": "Up ↗"}]}
    strategy = first_id(connection, metadata.tables["strategy"])
    values = {"ref": "2018-19-Q3", "strategy_id": strategy, "known_at": recorder.at, **stand, **said}
    made = recorder.add(metadata.tables["report"], values)
    told = {"makes_drafts": True, "publishes_after_days": 21, "to_folder": True, "sends_reminders": True}
    recorder.add(metadata.tables["report_schedule"], {"ref": "quarterly", "strategy_id": strategy, **told})
    hook = {"ref": "intranet", "strategy_id": strategy, "url": "https://example.org/", "events": ["update.created"]}
    made_hook = recorder.add(metadata.tables["webhook"], hook)
    channel = {"secret": "whsec_MA==", "after_seq": recorder.seq, "after_position": 0}
    connection.execute(insert(metadata.tables["webhook_channel"]).values(webhook_id=made_hook["id"], **channel))
    brought = {"key": "report:1:folder", "kind": "folder", "strategy_id": strategy, "report_id": made["id"]}
    connection.execute(insert(metadata.tables["delivery"]).values(**brought, attempts=1, created_at=clock.now()))
    file = {"report_id": made["id"], "name": "report.json", "sha256": "0" * 64, "content": b"\x00{}"}
    connection.execute(insert(metadata.tables["report_file"]).values(file))


def link_everything(connection: Connection) -> None:
    """Make one link of each kind that is not in the sample, and a value of an indicator."""
    for name in LINKS:
        table = metadata.tables[name]
        if not count_rows(connection, table):
            ends = {key.parent.name: first_id(connection, key.column.table) for key in table.foreign_keys}
            relink(connection, table, ends[table.info["owner"]], [ends])
    observation = metadata.tables["observation"]
    value = {"indicator_id": first_id(connection, metadata.tables["indicator"]), "published_on": date(2018, 12, 10)}
    counts = {"numerator": 65, "denominator": 100, "comparator_value": 50.5}
    Recorder(connection, None, clock.now()).append(
        observation, {**value, "value": 3.8, **counts, "commentary": "Up ↗, says “Ögmund”"}
    )


def change_everything(connection: Connection) -> None:
    """Give one row of each table of the plan a past."""
    recorder = Recorder(connection, None, clock.now(), "To have a past")
    for name in NOUNS:
        recorder.alter(metadata.tables[name], first_id(connection, metadata.tables[name]), {})
    for name in LINKS:
        table = metadata.tables[name]
        (row,) = connection.execute(select(table).limit(1)).mappings()
        relink(connection, table, row[table.info["owner"]], [])


def relink(connection: Connection, table: Table, owner_id: int, rows: list[Body]) -> None:
    """Give a row other links, as a change to that row, in a transaction of its own."""
    recorder, owner = Recorder(connection, None, clock.now()), table.info["owner"]
    (key,) = table.c[owner].foreign_keys
    recorder.alter(key.column.table, owner_id, {})
    recorder.link(table, {owner: owner_id}, rows)


def retire_something(connection: Connection) -> None:
    """Put the links back that were taken away, and take the newest organisation away again."""
    for name in LINKS:
        table = metadata.tables[name]
        if not count_rows(connection, table):
            (row,) = connection.execute(select(TWINS[name]).limit(1)).mappings()
            held = {key: row[key] for key in table.columns.keys() if key != "from_seq"}
            relink(connection, table, row[table.info["owner"]], [held])
    organisation = metadata.tables["organisation"]
    made = Recorder(connection, None, clock.now()).add(
        organisation, {"ref": "gone", "name": "Gone", "kind": "other", "parent_id": None}
    )
    # In a transaction of its own: what one and the same makes and takes away was never known.
    Recorder(connection, None, clock.now()).retire(organisation, made["id"])


def sign_up(connection: Connection) -> None:
    """Make a user with a role for an organisation, a token and a kept answer."""
    organisation_id = first_id(connection, metadata.tables["organisation"])
    create_token(
        Recorder(connection, None, clock.now()),
        name="Tester",
        roles=[Role.MANAGER],
        organisation_id=organisation_id,
        scopes=list(Scope),
        days=1,
    )
    user_id = first_id(connection, user_account)
    identity = {"user_id": user_id, "tenant": "tenant", "object_id": "object", "created_at": clock.now()}
    connection.execute(insert(user_identity).values(identity))
    sent = {
        "strategy_id": 1,
        "file_name": "sheet.xlsx",
        "sha256": "0" * 64,
        "marks": "0" * 64,
        "created_at": clock.now(),
    }
    connection.execute(insert(sheet_import).values(user_id=user_id, grids=b"{}", rows=b"[]", **sent))
    keep_answer(connection, KeyedRequest(user_id, "key", "0" * 64), FirstAnswer(201, "/v1", b"\x00{}"), clock.now())


def first_id(connection: Connection, table: Table) -> int:
    """Return the lowest id of a table."""
    return int(connection.execute(select(func.min(table.c.id))).scalar_one())


def count_rows(connection: Connection, table: Table) -> int:
    """Return how many rows a table holds."""
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def all_rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, in the order of the key."""

    def ask(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
        found = {}
        for table in metadata.sorted_tables:
            rows = connection.execute(select(table).order_by(*table.primary_key))
            found[table.name] = [tuple(row) for row in rows]
        return found

    return run_once(url, ask)
