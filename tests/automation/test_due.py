"""What is due is done once, whoever does it and however often, and nothing before its day."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service.automation.models import delivery
from service.cli import cli
from service.core.db import Database
from service.reporting.filenames import MEDIA_TYPES
from service.settings import PREFIX, Settings
from tests.automation.conftest import Do, Moment, run_many
from tests.conftest import Api
from tests.durability.audit import change_log, faults_of
from tests.factories import Plan, make_plan

# In winter London's midnight is that of UTC; in summer it is an hour before.
NEW_YEAR = datetime(2031, 1, 1, tzinfo=UTC)
JULY = datetime(2031, 6, 30, 23, tzinfo=UTC)
TICK = timedelta(microseconds=1)
BEFORE = timedelta(seconds=30)


def reports(api: Api, **asked: Any) -> list[dict[str, Any]]:
    """Return the reports that there are."""
    return list(api.get("/v1/reports", params=asked).json()["items"])


@pytest.fixture
def plan(moment: Moment, api: Api) -> Plan:
    """A plan, half a minute before the quarter ends."""
    moment.set(NEW_YEAR - BEFORE)
    made = make_plan(api)
    # Its last quarter has a report by hand.
    api.made("/v1/reports", strategy_id=made.strategy, quarter="2030-31-Q2")
    return made


def test_a_draft_is_made_on_the_first_day_after_the_quarter(api: Api, plan: Plan, moment: Moment, do_due: Do) -> None:
    assert do_due().drafts == 0
    moment.set(NEW_YEAR)
    assert do_due().drafts == 1
    (made,) = reports(api, quarter="2030-31-Q3")
    assert (made["status"], made["as_at"], made["strategy_id"]) == ("draft", "2030-12-31", plan.strategy)
    (entry,) = api.get(f"/v1/reports/{made['id']}/history").json()["items"]
    assert (entry["recorded_by"], entry["reason"]) == (None, "The quarter ended.")


def test_the_day_begins_in_london(api: Api, plan: Plan, moment: Moment, do_due: Do) -> None:
    assert plan.strategy
    moment.set(JULY - BEFORE)
    do_due()
    assert [each["quarter"] for each in reports(api)] == ["2030-31-Q2", "2030-31-Q4"]
    moment.set(JULY)
    do_due()
    assert [each["quarter"] for each in reports(api)] == ["2030-31-Q2", "2030-31-Q4", "2031-32-Q1"]


def test_doing_it_again_changes_nothing(api: Api, plan: Plan, moment: Moment, do_due: Do, tmp_path: Path) -> None:
    api.made("/v1/report-schedules", strategy_id=plan.strategy, publishes_after_days=1, to_folder=True)
    moment.set(NEW_YEAR)
    done = do_due(delivery_dir=str(tmp_path))
    # The one made by hand was waiting too.
    assert (done.drafts, done.published, done.delivered) == (1, 2, 2)
    before = api.look(change_log)
    for _ in range(3):
        assert str(do_due(delivery_dir=str(tmp_path))) == "0 drafts made, 0 reports published, 0 deliveries brought."
    assert api.look(change_log) == before


@pytest.mark.parametrize(
    "about",
    [
        pytest.param({"ends_on": "2030-09-30"}, id="it ended before"),
        pytest.param({"starts_on": "2031-01-01"}, id="it begins after"),
    ],
)
def test_a_strategy_of_another_time_gets_no_draft(
    api: Api, plan: Plan, moment: Moment, do_due: Do, about: dict[str, Any]
) -> None:
    assert api.patch(f"/v1/strategies/{plan.strategy}", about).status_code == 200
    moment.set(NEW_YEAR)
    assert do_due().drafts == 0


def test_a_schedule_can_leave_drafts_to_the_manager(api: Api, plan: Plan, moment: Moment, do_due: Do) -> None:
    api.made("/v1/report-schedules", strategy_id=plan.strategy, makes_drafts=False)
    moment.set(NEW_YEAR)
    assert do_due().drafts == 0


def test_it_publishes_on_the_day_that_was_set_and_not_unless(api: Api, plan: Plan, moment: Moment, do_due: Do) -> None:
    moment.set(NEW_YEAR)
    do_due()
    moment.set(NEW_YEAR + timedelta(days=60))
    assert do_due().published == 0
    api.made("/v1/report-schedules", strategy_id=plan.strategy, publishes_after_days=90)
    # 90 days after 31 December 2030: 31 March 2031, the day after the clocks went forward.
    moment.set(datetime(2031, 3, 30, 23, tzinfo=UTC) - BEFORE)
    assert {each["quarter"] for each in reports(api, status="published")} == set()
    do_due()
    assert {each["quarter"] for each in reports(api, status="published")} == {"2030-31-Q2"}
    moment.set(datetime(2031, 3, 30, 23, tzinfo=UTC))
    do_due()
    found = reports(api, status="published", quarter="2030-31-Q3")
    assert [each["known_at"][:16] for each in found] == ["2031-03-30T23:00"]
    assert api.get(f"/v1/reports/{found[0]['id']}/verify").json()["result"] == "identical"


def test_a_published_report_is_put_whole_into_the_folder(
    api: Api, plan: Plan, moment: Moment, do_due: Do, tmp_path: Path
) -> None:
    api.made("/v1/report-schedules", strategy_id=plan.strategy, publishes_after_days=1, to_folder=True)
    moment.set(NEW_YEAR)
    do_due(delivery_dir=str(tmp_path))
    (report,) = reports(api, quarter="2030-31-Q3")
    folder = tmp_path / "strategy" / "2030-31-Q3"
    assert {each.name for each in folder.iterdir()} == set(MEDIA_TYPES)
    for name in MEDIA_TYPES:
        assert (folder / name).read_bytes() == api.get(f"/v1/reports/{report['id']}/files/{name}").content
    brought = api.get("/v1/deliveries", params={"report_id": report["id"]}).json()["items"]
    assert [(each["kind"], each["attempts"], each["next_at"]) for each in brought] == [("folder", 1, None)]
    assert brought[0]["done_at"] is not None


def test_a_folder_that_cannot_be_written_to_is_tried_again(
    api: Api, plan: Plan, moment: Moment, do_due: Do, tmp_path: Path
) -> None:
    api.made("/v1/report-schedules", strategy_id=plan.strategy, publishes_after_days=1, to_folder=True)
    in_the_way = tmp_path / "out"
    in_the_way.write_text("a file")
    moment.set(NEW_YEAR)
    assert do_due(delivery_dir=str(in_the_way)).delivered == 0
    waiting = api.get("/v1/deliveries").json()["items"]
    assert all(each["error"].endswith("cannot be written to: Not a directory.") for each in waiting)
    assert do_due(delivery_dir=str(in_the_way)).delivered == 0
    assert [each["attempts"] for each in api.get("/v1/deliveries").json()["items"]] == [1, 1]
    in_the_way.unlink()
    moment.forward(timedelta(minutes=1))
    assert do_due(delivery_dir=str(in_the_way)).delivered == 2
    assert [each["error"] for each in api.get("/v1/deliveries").json()["items"]] == [None, None]


def test_what_was_published_before_there_was_a_schedule_is_not_sent_round(
    api: Api, plan: Plan, moment: Moment, do_due: Do, tmp_path: Path
) -> None:
    (report,) = reports(api)
    api.call("POST", f"/v1/reports/{report['id']}/publish", headers={"If-Match": "*"})
    moment.forward(timedelta(seconds=1))
    api.made("/v1/report-schedules", strategy_id=plan.strategy, to_folder=True, makes_drafts=False)
    assert do_due(delivery_dir=str(tmp_path)).delivered == 0


def test_many_at_once_make_one_report_and_bring_it_once(
    api: Api, plan: Plan, moment: Moment, database_url: str, tmp_path: Path
) -> None:
    api.made("/v1/report-schedules", strategy_id=plan.strategy, publishes_after_days=1, to_folder=True)
    moment.set(NEW_YEAR)
    done = run_many(api, 6, Settings(delivery_dir=str(tmp_path)), lambda: Database(database_url))
    assert (sum(each.drafts for each in done), sum(each.published for each in done)) == (1, 2)
    assert sum(each.delivered for each in done) == 2
    assert [each["attempts"] for each in api.get("/v1/deliveries").json()["items"]] == [1, 1]
    assert api.look(faults_of) == []
    manifest = json.loads((tmp_path / "strategy" / "2030-31-Q3" / "manifest.json").read_bytes())
    assert len(manifest["files"]) == len(MEDIA_TYPES) - 1


class Cut(Exception):
    """The process dies."""


def test_whoever_dies_half_way_leaves_nothing_to_clean(
    api: Api, plan: Plan, moment: Moment, do_due: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.made("/v1/report-schedules", strategy_id=plan.strategy, publishes_after_days=1, to_folder=True)
    moment.set(NEW_YEAR)
    whole = Database.write
    left = 0

    async def cut_short(self: Database, act: Any) -> Any:
        nonlocal left
        if left == 0:
            raise Cut
        left -= 1
        return await whole(self, act)

    finished = None
    for count in range(40):
        left = count
        with monkeypatch.context() as patched:
            patched.setattr(Database, "write", cut_short)
            try:
                finished = do_due(delivery_dir=str(tmp_path))
            except Cut:
                # What was taken is taken by somebody else when its time has come.
                moment.forward(timedelta(minutes=10))
                continue
        break
    assert finished is not None
    moment.forward(timedelta(minutes=10))
    do_due(delivery_dir=str(tmp_path))
    assert [(each["quarter"], each["status"]) for each in reports(api)] == [
        ("2030-31-Q2", "published"),
        ("2030-31-Q3", "published"),
    ]
    assert {each["next_at"] for each in api.get("/v1/deliveries").json()["items"]} == {None}
    for each in reports(api):
        assert api.get(f"/v1/reports/{each['id']}/verify").json()["result"] == "identical"
    assert api.look(faults_of) == []


def test_the_command_says_what_it_did(api: Api, plan: Plan, moment: Moment, database_url: str, tmp_path: Path) -> None:
    api.made("/v1/report-schedules", strategy_id=plan.strategy, publishes_after_days=1, to_folder=True)
    moment.set(NEW_YEAR)
    settings = {f"{PREFIX}DATABASE_URL": database_url, f"{PREFIX}DELIVERY_DIR": str(tmp_path)}
    done = CliRunner().invoke(cli, ["run-due"], env=settings)
    assert (done.exit_code, done.output) == (0, "1 drafts made, 2 reports published, 2 deliveries brought.\n")


def test_a_delivery_that_nobody_can_bring_here_waits_for_who_can(
    api: Api, plan: Plan, moment: Moment, do_due: Do, tmp_path: Path
) -> None:
    api.made("/v1/report-schedules", strategy_id=plan.strategy, publishes_after_days=1, to_folder=True)
    moment.set(NEW_YEAR)
    assert do_due(delivery_dir=str(tmp_path)).delivered == 2
    (report,) = reports(api, quarter="2030-31-Q3")
    (row,) = api.get("/v1/deliveries", params={"report_id": report["id"]}).json()["items"]
    assert api.call("POST", f"/v1/deliveries/{row['id']}/send").json()["done_at"] is None
    assert do_due().delivered == 0
    assert api.get(f"/v1/deliveries/{row['id']}").json()["attempts"] == 0
    assert do_due(delivery_dir=str(tmp_path)).delivered == 1
    assert api.look(lambda connection: len(connection.execute(delivery.select()).all())) == 2
