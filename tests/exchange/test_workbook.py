"""The workbook that is sent round, and what comes back: nobody's work is lost unseen."""

import io
import shutil
import subprocess
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from service.access.roles import Role, Scope
from service.exchange import imports
from tests.access.world import make_token
from tests.cli.command import must, run_tracker
from tests.conftest import Api
from tests.durability.audit import faults_of
from tests.factories import all_rows

Body = dict[str, Any]
WORKBOOK = "/v1/strategies/1/workbook"
SHEETS = ["Cover", "Priorities", "Workstreams", "Milestones", "Updates to report", "Indicators", "Lists"]
SOFFICE = shutil.which("soffice")


class Officer:
    """Somebody with a token, who takes the workbook, writes in it and sends it back."""

    def __init__(self, api: Api, token: str) -> None:
        self.api = api
        self.headers = {"Authorization": f"Bearer {token}"}
        self.book: Any = None

    def take(self) -> "Officer":
        answer = self.api.client.get(WORKBOOK, headers=self.headers)
        assert answer.status_code == 200, answer.text
        self.book = openpyxl.load_workbook(io.BytesIO(answer.content))
        return self

    def sheet(self, name: str) -> Worksheet:
        return self.book[name]

    def cell(self, sheet: str, ref: str, heading: str) -> Any:
        page = self.sheet(sheet)
        heads = {cell.value: cell.column for cell in page[1]}
        (row,) = (
            cells[0].row for cells in page.iter_rows(min_row=2) if page.cell(cells[0].row, heads["Ref"]).value == ref
        )
        return page.cell(row, heads[heading])

    def write(self, sheet: str, ref: str, **values: Any) -> "Officer":
        for name, value in values.items():
            self.cell(sheet, ref, name.replace("_", " ").capitalize()).value = value
        return self

    def report(self, ref: str, **values: Any) -> "Officer":
        return self.write("Updates to report", ref, **{"effective_on": date(2019, 1, 31), **values})

    def file(self) -> bytes:
        made = io.BytesIO()
        self.book.save(made)
        return made.getvalue()

    def send(self, content: bytes | None = None, name: str = "plan.xlsx", **more: str) -> Body:
        answer = self.post(content or self.file(), name, 1, **more)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def post(self, content: bytes, name: str = "plan.xlsx", strategy: int = 1, **more: str) -> Any:
        data = {"strategy_id": str(strategy), **more}
        return self.api.client.post("/v1/imports", headers=self.headers, files={"file": (name, content)}, data=data)

    def apply(self, sent: Body, *accept: str, **more: str) -> Any:
        body = {"sha256": sent["sha256"], "accept": list(accept), **more}
        return self.api.client.post(f"/v1/imports/{sent['id']}/apply", headers=self.headers, json=body)

    def get(self, address: str) -> Any:
        return self.api.client.get(address, headers=self.headers)


def lines(sent: Body) -> dict[str, Body]:
    """Return the lines that would do something, by their keys."""
    return {line["key"]: line for line in sent["rows"] if line["status"] != "unchanged"}


@pytest.fixture
def manager(sample: Api) -> Officer:
    """A manager of the council that leads most of the work."""
    return Officer(sample, make_token(sample, 1, Role.MANAGER)).take()


@pytest.fixture
def officer(sample: Api) -> Callable[..., Officer]:
    """Officers of some organisation."""
    return lambda organisation, *roles, **more: Officer(sample, make_token(sample, organisation, *roles, **more))


class TestTheWorkbook:
    def test_it_holds_the_plan_and_comes_back_unchanged(self, manager: Officer, sample_url: str) -> None:
        assert manager.book.sheetnames == SHEETS
        before = all_rows(sample_url)
        sent = manager.send()
        assert {name: count for name, count in sent["counts"].items() if count} == {"unchanged": len(sent["rows"])}
        assert len(sent["rows"]) > 50
        after = all_rows(sample_url)
        assert {name for name in after if after[name] != before[name]} <= {"sheet_import"}

    def test_each_sheet_is_one_table_without_merged_cells_that_can_be_read(self, manager: Officer) -> None:
        for name in SHEETS:
            page = manager.sheet(name)
            assert len(page.tables) == 1, name
            assert not page.merged_cells.ranges, name
            assert page.protection.sheet, name
            assert all(cell.value for cell in page[1]), name
            assert name == "Cover" or page.freeze_panes, name

    def test_what_may_not_be_changed_is_locked_and_what_may_is_not(self, manager: Officer) -> None:
        for heading, locked in (("Title", False), ("Due on", False), ("Id", True), ("Version", True), ("Rag", True)):
            assert manager.cell("Milestones", "HOPE-3", heading).protection.locked is locked, heading
        page = manager.sheet("Milestones")
        assert page.column_dimensions["A"].hidden

    def test_lists_dates_and_colours_are_where_they_help(self, manager: Officer) -> None:
        page = manager.sheet("Updates to report")
        kinds = {check.type for check in page.data_validations.dataValidation}
        assert kinds == {"list", "date", "whole"}
        assert {"list_owners", "list_workstreams", "list_kind"} <= set(manager.book.defined_names)
        assert page.conditional_formatting
        assert manager.cell("Milestones", "HOPE-3", "Rag").value

    def test_a_contributor_gets_the_milestones_that_they_report_on(self, officer: Callable[..., Officer]) -> None:
        held = officer(2, Role.CONTRIBUTOR).take()
        refs = [cells[0].value for cells in held.sheet("Updates to report").iter_rows(min_row=2, min_col=3, max_col=3)]
        answered = held.get("/v1/milestones?organisation_id=2&limit=1000").json()["items"]
        assert sorted(filter(None, refs)) == sorted(row["ref"] for row in answered if row["status"] != "cancelled")
        assert held.cell("Milestones", refs[0], "Title").protection.locked
        assert not held.cell("Updates to report", refs[0], "Status").protection.locked

    def test_a_strategy_that_is_not_seen_has_none(self, sample: Api) -> None:
        other = sample.made("/v1/organisations", ref="other", name="Other", kind="council")["id"]
        stranger = Officer(sample, make_token(sample, other, Role.MANAGER))
        assert stranger.get(WORKBOOK).status_code == 404
        assert stranger.post(b"ref\nx", "a.csv", sheet="Priorities").status_code == 422


class TestPreviewAndApply:
    def test_changes_are_shown_from_and_to_and_then_made(self, manager: Officer) -> None:
        manager.write("Milestones", "HOPE-3", title="Starts", due_on=date(2019, 2, 28), change_reason="Cabinet")
        manager.report("HOPE-3", status="In progress", percent_complete=40, narrative="Half way.")
        sent = manager.send()
        changed, reported = lines(sent).values()
        assert (changed["status"], reported["status"]) == ("update", "new")
        shown = {each["field"]: (each["from"], each["to"]) for each in changed["changes"]}
        assert shown == {
            "title": ("Implementation starts", "Starts"),
            "due_on": ("2019-01-31", "2019-02-28"),
        }
        assert manager.get("/v1/milestones/11").json()["title"] == "Implementation starts"
        done = manager.apply(sent)
        assert done.status_code == 200, done.text
        row = manager.get("/v1/milestones/11").json()
        assert (row["title"], row["due_on"], row["percent_complete"]) == ("Starts", "2019-02-28", 40)
        assert manager.get("/v1/milestones/11/history").json()["items"][0]["reason"] == "Cabinet"

    def test_a_second_time_nothing_is_done(self, manager: Officer, sample_url: str) -> None:
        sent = manager.report("HOPE-3", status="complete").send()
        first = manager.apply(sent)
        before = all_rows(sample_url)
        again = manager.apply(sent)
        assert (again.status_code, again.json()) == (200, first.json())
        after = all_rows(sample_url)
        assert {name for name in after if after[name] != before[name]} <= {"access_token"}
        assert manager.send()["counts"]["unchanged"] == len(sent["rows"])

    def test_new_rows_may_name_one_another(self, manager: Officer) -> None:
        page = manager.sheet("Workstreams")
        heads = {cell.value: cell.column for cell in page[1]}
        free = next(
            cells[0].row for cells in page.iter_rows(min_row=2) if page.cell(cells[0].row, heads["Ref"]).value is None
        )
        given = {"Ref": "new-work", "Title": "New work", "Priorities": "drug-misuse; alcohol-misuse"}
        for heading, value in {**given, "Lead organisation": "lcc-public-health"}.items():
            page.cell(free, heads[heading]).value = value
        page = manager.sheet("Milestones")
        heads = {cell.value: cell.column for cell in page[1]}
        free = next(
            cells[0].row for cells in page.iter_rows(min_row=2) if page.cell(cells[0].row, heads["Ref"]).value is None
        )
        for heading, what in {"Ref": "NEW-1", "Title": "First", "Workstream": "new-work", "Weight": 2}.items():
            page.cell(free, heads[heading]).value = what
        sent = manager.send()
        assert [line["status"] for line in lines(sent).values()] == ["new", "new"]
        assert all(line["resource_id"] is None for line in lines(sent).values())
        assert manager.get("/v1/workstreams?ref=new-work").json()["items"] == []
        assert manager.apply(sent).status_code == 200
        (made,) = manager.get("/v1/milestones?ref=NEW-1").json()["items"]
        assert (made["weight"], made["organisation_id"]) == (2, 2)

    @pytest.mark.parametrize(
        ("heading", "value", "told"),
        [
            ("due_on", "30/02/2019", "There is no such day"),
            ("due_on", "soon", "Write a date"),
            ("weight", "heavy", "Write a whole number"),
            ("weight", 1.5, "Write a whole number"),
            ("weight", False, "Write a whole number"),
            ("weight", 5000, "less than or equal to 1000"),
            ("kind", "Wish", "Choose one of"),
            ("owner", "nobody", "There is no row with the ref nobody"),
            ("title", None, None),
            ("due_on", date(2019, 3, 31), "say in change_reason why"),
        ],
    )
    def test_what_is_wrong_is_told_at_its_cell_and_nothing_is_done(
        self, manager: Officer, sample_url: str, heading: str, value: Any, told: str | None
    ) -> None:
        manager.write("Milestones", "HOPE-3", **{heading: value})
        manager.report("HOPE-2", status="complete")
        sent = manager.send()
        (line,) = (each for each in sent["rows"] if each["status"] == "invalid")
        (error,) = line["errors"]
        cell = manager.cell("Milestones", "HOPE-3", heading.replace("_", " ").capitalize())
        assert told is None or told in error["detail"]
        assert error["cell"][-1] == str(cell.row)[-1]
        before = all_rows(sample_url)
        refused = manager.apply(sent)
        assert refused.status_code == 422
        assert any(fault["pointer"] == f"/rows/{line['key']}" for fault in refused.json()["errors"])
        after = all_rows(sample_url)
        assert {name for name in after if after[name] != before[name]} <= {"access_token"}

    def test_a_word_that_spreadsheets_take_for_a_truth_is_that_word(self, manager: Officer) -> None:
        sent = manager.write("Milestones", "HOPE-3", title=True).send()
        (line,) = (each for each in sent["rows"] if each["status"] == "update")
        assert [(each["field"], each["to"]) for each in line["changes"]] == [("title", "TRUE")]

    def test_only_the_file_of_the_preview_is_applied(self, manager: Officer) -> None:
        sent = manager.report("HOPE-3", status="complete").send()
        refused = manager.apply({**sent, "sha256": "0" * 64})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/sha256")

    def test_what_moved_since_the_preview_is_not_overwritten(self, manager: Officer, sample: Api) -> None:
        sent = manager.write("Milestones", "HOPE-3", title="Mine").send()
        sample.patch("/v1/milestones/11", {"description": "Theirs"})
        refused = manager.apply(sent)
        assert refused.status_code == 409
        (fault,) = refused.json()["errors"]
        assert fault["pointer"].startswith("/rows/Milestones!")
        assert sample.get("/v1/milestones/11").json()["title"] == "Implementation starts"

    def test_what_the_file_leaves_as_it_is_may_move_meanwhile(self, manager: Officer, sample: Api) -> None:
        sent = manager.write("Milestones", "HOPE-3", title="Mine").send()
        sample.patch("/v1/milestones/10", {"description": "Theirs"})
        assert manager.apply(sent).status_code == 200
        assert sample.get("/v1/milestones/11").json()["title"] == "Mine"
        assert sample.get("/v1/milestones/10").json()["description"] == "Theirs"

    def test_a_report_like_the_last_one_moves_the_milestone_too(self, manager: Officer, sample: Api) -> None:
        said = {"status": "in_progress", "percent_complete": 40}
        sample.made("/v1/milestones/11/updates", **said)
        sent = manager.send(b"ref,status,percent_complete\nHOPE-3,in_progress,50\n", "a.csv", sheet="Updates to report")
        sample.made("/v1/milestones/11/updates", **said)
        refused = manager.apply(sent)
        assert refused.status_code == 409
        assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/rows/Updates to report!2"]

    def test_a_report_made_since_is_a_conflict_too(self, manager: Officer, sample: Api) -> None:
        manager.report("HOPE-3", status="in_progress", percent_complete=10)
        sample.made("/v1/milestones/11/updates", status="in_progress", percent_complete=60, effective_on="2019-01-20")
        (line,) = lines(manager.send()).values()
        assert line["status"] == "conflict"
        assert {"field": "percent_complete", "from": 60, "to": 10, "now": 60} in line["changes"]

    def test_the_same_request_is_answered_as_the_first_time(self, manager: Officer) -> None:
        content, key = manager.file(), {**manager.headers, "Idempotency-Key": "once"}
        asked = [
            manager.api.client.post(
                "/v1/imports", headers=key, files={"file": ("a.xlsx", content)}, data={"strategy_id": "1"}
            )
            for _ in "ab"
        ]
        assert asked[0].json() == asked[1].json()

    def test_nobody_else_sees_or_applies_it(self, manager: Officer, sample: Api) -> None:
        sent = manager.report("HOPE-3", status="complete").send()
        other = Officer(sample, make_token(sample, 1, Role.MANAGER))
        assert other.get(f"/v1/imports/{sent['id']}").status_code == 404
        assert other.get(f"/v1/imports/{sent['id']}/marked").status_code == 404
        assert other.apply(sent).status_code == 404

    def test_the_marked_copy_says_what_is_wrong_beside_each_line(self, manager: Officer) -> None:
        manager.write("Milestones", "HOPE-3", weight="heavy").report("HOPE-2", status="complete")
        sent = manager.send()
        copy = openpyxl.load_workbook(io.BytesIO(manager.get(f"/v1/imports/{sent['id']}/marked").content))
        page = copy["Milestones"]
        heads = {cell.value: cell.column for cell in page[1]}
        told = {
            page.cell(cells[0].row, heads["Ref"]).value: page.cell(cells[0].row, heads["Result"]).value
            for cells in page.iter_rows(min_row=2)
        }
        assert told["HOPE-3"].startswith("invalid; H")
        assert told["HOPE-1"] == "unchanged"
        manager.book = copy
        manager.write("Milestones", "HOPE-3", weight=3, change_reason="More work than was thought")
        mended = manager.send()
        assert mended["counts"]["invalid"] == 0
        assert mended["counts"]["update"] == 1


class TestRights:
    def test_a_contributor_reports_and_changes_no_plan(self, officer: Callable[..., Officer]) -> None:
        held = officer(2, Role.CONTRIBUTOR).take()
        ref = held.sheet("Updates to report")["C2"].value
        held.report(ref, status="in_progress", percent_complete=30)
        held.write("Milestones", ref, title="Mine")
        changed, reported = lines(held.send()).values()
        assert (changed["status"], reported["status"]) == ("invalid", "new")
        assert "manager" in changed["errors"][0]["detail"]

    def test_nobody_reports_for_another_unless_they_manage(
        self, officer: Callable[..., Officer], manager: Officer
    ) -> None:
        other = manager.get("/v1/milestones?organisation_id=2&limit=1").json()["items"][0]["ref"]
        held = officer(9, Role.CONTRIBUTOR).take()
        content = f"ref,status,effective_on\n{other},complete,2019-01-31\n".encode()
        (line,) = lines(held.send(content, "a.csv", sheet="Updates to report")).values()
        assert line["status"] == "invalid"
        assert "role" in line["errors"][0]["detail"]

    def test_a_manager_reports_on_behalf(self, officer: Callable[..., Officer], manager: Officer) -> None:
        other = manager.get("/v1/milestones?organisation_id=2&limit=1").json()["items"][0]
        held = officer(9, Role.MANAGER).take().report(other["ref"], status="in_progress", percent_complete=5)
        assert held.apply(held.send()).status_code == 200
        newest = held.get(f"/v1/milestones/{other['id']}/updates?sort=-id&limit=1").json()["items"][0]
        assert newest["on_behalf_of"] == 2

    def test_a_token_without_the_scope_changes_nothing(self, officer: Callable[..., Officer]) -> None:
        held = officer(1, Role.MANAGER, scopes=(Scope.READ, Scope.UPDATE)).take()
        held.write("Milestones", "HOPE-3", title="Mine")
        (line,) = lines(held.send()).values()
        assert "plan" in line["errors"][0]["detail"]


@pytest.mark.parametrize("order", ["first one, then the other", "first the other, then one"])
def test_two_officers_of_two_organisations_lose_nothing(
    officer: Callable[..., Officer], sample: Api, order: str
) -> None:
    """Both take the workbook, change the same and different rows, and send it back in either order."""
    one, other = officer(1, Role.MANAGER).take(), officer(9, Role.MANAGER).take()
    one.write("Milestones", "HOPE-3", title="One's title").write("Milestones", "HOPE-1", description="One's words")
    one.report("SMS-1", status="in_progress", percent_complete=20, narrative="One's report")
    other.write("Milestones", "HOPE-3", title="The other's title").write("Milestones", "HOPE-2", title="The other's")
    other.report("SMS-1", status="in_progress", percent_complete=70, narrative="The other's report")
    early, late = (one, other) if order.startswith("first one") else (other, one)
    assert early.apply(early.send()).status_code == 200
    sent = late.send()
    by_ref = {(line["sheet"], line["ref"]): line for line in lines(sent).values()}
    title, report = by_ref["Milestones", "HOPE-3"], by_ref["Updates to report", "SMS-1"]
    assert (title["status"], report["status"]) == ("conflict", "conflict")
    names = {one: "One's title", other: "The other's title"}
    assert title["changes"] == [
        {"field": "title", "from": "Implementation starts", "to": names[late], "now": names[early]}
    ]
    # What is in conflict waits for a person; the rest is done.
    assert late.apply(sent).status_code == 200
    row = sample.get("/v1/milestones/11").json()
    assert row["title"] == names[early]
    assert sample.get("/v1/milestones/9").json()["description"] == "One's words"
    assert sample.get("/v1/milestones/10").json()["title"] == "The other's"
    # Told to, it is done over what stands there, and both are in the history.
    again = late.send()
    keys = [line["key"] for line in lines(again).values()]
    assert sorted(line["status"] for line in lines(again).values()) == ["conflict", "conflict"]
    assert late.apply(again, *keys).status_code == 200
    assert sample.get("/v1/milestones/11").json()["title"] == names[late]
    titles = [version["title"] for version in sample.get("/v1/milestones/11/history").json()["items"]]
    assert titles == [names[late], names[early], "Implementation starts"]
    told = {each["narrative"] for each in sample.get("/v1/milestones/1/updates").json()["items"]}
    assert {"One's report", "The other's report"} <= told
    assert sample.look(faults_of) == []


class TestOtherPrograms:
    """Workbooks that were saved again, and looked different then."""

    def test_columns_and_rows_in_another_order_and_sheets_that_are_not_ours(self, manager: Officer) -> None:
        page = manager.sheet("Milestones")
        rows = [[cell.value for cell in cells] for cells in page.iter_rows()]
        turned = [row[::-1] for row in [rows[0], *rows[1:][::-1]]]
        book = openpyxl.Workbook()
        book.active.title = "My notes"
        fresh = book.create_sheet("Milestones")
        for row in turned:
            fresh.append(row)
        fresh.row_dimensions[5].hidden = True
        fresh.column_dimensions["C"].hidden = True
        manager.book = book
        manager.write("Milestones", "HOPE-3", title=" Starts  ")
        (line,) = lines(manager.send()).values()
        assert line["changes"][0]["to"] == "Starts"

    def test_dates_as_numbers_and_texts(self, manager: Officer) -> None:
        for value in (43524, "28/02/2019", "2019-02-28", datetime(2019, 2, 28)):  # noqa: DTZ001 A cell has no zone.
            cell = manager.cell("Milestones", "HOPE-3", "Due on")
            cell.value, cell.number_format = value, "General"
            manager.write("Milestones", "HOPE-3", change_reason="Moved")
            (line,) = lines(manager.send()).values()
            assert line["changes"][0]["to"] == "2019-02-28", value

    def test_a_line_torn_apart_by_sorting_is_refused(self, manager: Officer) -> None:
        one, other = (manager.cell("Milestones", ref, "Ref") for ref in ("HOPE-1", "HOPE-2"))
        one.value, other.value = other.value, one.value
        found = lines(manager.send())
        assert {line["status"] for line in found.values()} == {"invalid"}
        assert "torn apart" in next(iter(found.values()))["errors"][0]["detail"]

    def test_a_row_that_is_there_twice_is_refused(self, manager: Officer) -> None:
        page = manager.sheet("Milestones")
        page.append([cell.value for cell in page[2]])
        found = [line for line in manager.send()["rows"] if line["status"] == "invalid"]
        assert "stands in the line 2 too" in found[0]["errors"][0]["detail"]

    def test_a_row_that_was_deleted_meanwhile_is_refused(self, manager: Officer, sample: Api) -> None:
        sample.delete("/v1/milestones/11")
        found = [line for line in manager.send()["rows"] if line["status"] == "invalid"]
        assert {line["ref"] for line in found} == {"HOPE-3"}

    def test_one_sheet_as_csv_of_any_kind(self, manager: Officer) -> None:
        for content in (
            "ref,title\r\nHOPE-3,Begins\r\n".encode("utf-8-sig"),
            b"Ref;Title\nHOPE-3;Begins\n",
            b"ref\ttitle\nHOPE-3\tBegins",
        ):
            (line,) = lines(manager.send(content, "a.csv", sheet="Milestones")).values()
            assert line["changes"] == [{"field": "title", "from": "Implementation starts", "to": "Begins", "now": None}]

    def test_the_csv_of_a_list_comes_back_unchanged(self, manager: Officer) -> None:
        for name, sheet in (("milestones", "Milestones"), ("priorities", "Priorities")):
            content = manager.get(f"/v1/{name}?format=csv&strategy_id=1").content
            sent = manager.send(content, f"{name}.csv", sheet=sheet)
            assert sent["counts"]["unchanged"] == len(sent["rows"]) > 4

    @pytest.mark.skipif(SOFFICE is None, reason="Takes LibreOffice: apt-get install libreoffice-calc")
    @pytest.mark.parametrize("way", [["xlsx"], ["ods", "xlsx"]])
    def test_libreoffice_gives_it_back_as_it_was(self, manager: Officer, tmp_path: Path, way: list[str]) -> None:
        manager.report("HOPE-3", status="In progress", percent_complete=40, narrative="Line one\nline two ’ £ é")
        path = tmp_path / "plan.xlsx"
        path.write_bytes(manager.file())
        before = manager.send()
        for number, kind in enumerate(way):
            folder = tmp_path / str(number)
            command = [str(SOFFICE), "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to"]
            subprocess.run([*command, kind, "--outdir", str(folder), str(path)], check=True, capture_output=True)  # noqa: S603 The arguments are those above.
            path = folder / f"plan.{kind}"
        after = manager.send(path.read_bytes())
        assert lines(after) == lines(before)


def test_old_previews_go(manager: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = manager.send()
    monkeypatch.setattr(imports, "KEPT", timedelta(0))
    second = manager.send()
    assert manager.get(f"/v1/imports/{first['id']}").status_code == 404
    assert manager.get(f"/v1/imports/{second['id']}").status_code == 200


class TestTheCommand:
    """`tracker import`: the same from a shell, with the rights of whoever runs the service."""

    def test_it_says_what_it_would_do_and_does_it(self, manager: Officer, sample_url: str, tmp_path: Path) -> None:
        path = tmp_path / "plan.xlsx"
        path.write_bytes(manager.write("Milestones", "HOPE-3", title="Starts").file())
        asked = ("import", str(path), "--strategy", "joint-priorities")
        said = must(run_tracker(*asked, "--preview", database_url=sample_url)).splitlines()
        assert said[0].endswith("HOPE-3: update; title: Implementation starts → Starts")
        assert said[-1] == "Nothing was changed."
        assert manager.get("/v1/milestones/11").json()["title"] == "Implementation starts"
        assert must(run_tracker(*asked, "--apply", database_url=sample_url)).splitlines()[-1] == "Applied."
        newest = manager.get("/v1/milestones/11/history").json()["items"][0]
        assert (newest["title"], newest["recorded_by"], newest["reason"]) == ("Starts", None, "Imported from plan.xlsx")

    def test_what_is_wrong_is_told_and_nothing_is_done(self, manager: Officer, sample_url: str, tmp_path: Path) -> None:
        path = tmp_path / "plan.xlsx"
        path.write_bytes(manager.write("Milestones", "HOPE-3", weight="heavy").file())
        before = all_rows(sample_url)
        for way in ("--preview", "--apply"):
            said = run_tracker("import", str(path), "--strategy", "joint-priorities", way, database_url=sample_url)
            assert said.code == 1
            assert "Write a whole number." in said.out + said.err
        assert all_rows(sample_url) == before

    def test_a_strategy_that_is_not_there_is_refused(self, sample_url: str, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("ref")
        said = run_tracker("import", str(path), "--strategy", "none", "--preview", database_url=sample_url)
        assert said.is_refusal_in_words()
