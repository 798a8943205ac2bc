"""Reports from draft to proof: one a quarter, frozen when published, the same to the byte whatever becomes of the plan."""

import asyncio
import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service.access.roles import Role
from service.cli import cli
from service.core import clock
from service.reporting.filenames import MEDIA_TYPES
from service.reporting.press import render
from service.settings import PREFIX
from tests.conftest import Api, serving
from tests.factories import draft_report, published_report

Body = dict[str, Any]
NAMES = sorted(MEDIA_TYPES)
# Files are made of the content alone, which is the same whatever the database.
of_one_engine = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


def withdraw(api: Api, report: int, reason: str = "The wrong milestone was closed.") -> Body:
    """Withdraw a report."""
    answer = api.post(f"/v1/reports/{report}/withdraw", {"reason": reason})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def file_of(api: Api, report: int, name: str) -> bytes:
    """Return a file of a report."""
    answer = api.get(f"/v1/reports/{report}/files/{name}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPES[name]
    return answer.content


def edit_in_every_way(api: Api) -> None:
    """Change, delete and add whatever a report tells of."""
    api.made("/v1/milestones/3/updates", status="complete", effective_on="2018-12-20")
    api.made("/v1/milestones/5/updates", status="in_progress", percent_complete=5, effective_on="2018-11-20")
    api.patch("/v1/milestones/4", {"weight": 9, "title": "Other", "change_reason": "To see."})
    api.patch("/v1/milestones/2", {"due_on": "2018-12-01", "change_reason": "To see."})
    assert api.delete("/v1/milestones/9").status_code == 204
    api.made("/v1/milestones", workstream_id=3, ref="NEW-1", title="New", agreed_on="2018-01-01", due_on="2018-06-30")
    api.patch("/v1/workstreams/6", {"title": "Other", "heading": "Elsewhere", "priority_ids": [1]})
    api.patch("/v1/workstreams/8", {"status": "cancelled", "lead_organisation_id": 1})
    api.patch("/v1/priorities/1", {"title": "Other", "position": 9})
    api.patch("/v1/strategies/1", {"title": "Other", "board_ids": [3], "ends_on": "2030-01-01"})
    api.patch("/v1/organisations/2", {"name": "Other"})
    api.patch("/v1/owners/1", {"post": "Other"})
    api.patch("/v1/boards/1", {"name": "Other"})
    api.patch("/v1/decisions/5", {"outcome": "agreed", "text": "Other"})
    api.patch("/v1/funding-awards/2", {"amount": "1.00"})
    api.patch("/v1/indicators/2", {"title": "Other", "unit": "days"})
    api.made("/v1/indicators/2/observations", published_on="2018-12-20", value=99, category="Opiate")


def test_a_draft_becomes_a_report_and_nothing_in_it_changes(sample: Api) -> None:
    comment = {"workstream_id": 6, "text": "Work begins <b>soon</b>.\n\nMore follows."}
    made = draft_report(sample, 1, summary="Said first.", commentary=[comment])
    assert (made["status"], made["edition"], made["ref"], made["as_at"]) == ("draft", 1, "2018-19-Q3", "2018-12-31")
    address = f"/v1/reports/{made['id']}"
    assert sample.patch(address, {"summary": "Said better."}).status_code == 200
    tag = sample.get(address).headers["etag"]
    published = sample.call("POST", f"{address}/publish", headers={"If-Match": tag}).json()
    assert published["status"] == "published"
    assert published["known_at"] == published["updated_at"]
    before = {name: file_of(sample, made["id"], name) for name in NAMES}
    edit_in_every_way(sample)
    for method, body in (("PATCH", {"summary": "No."}), ("DELETE", None)):
        refused = sample.call(method, address, json=body, headers={"If-Match": "*"})
        assert refused.status_code == 409
        assert "published" in refused.json()["detail"]
    assert {name: file_of(sample, made["id"], name) for name in NAMES} == before
    proof = sample.get(f"{address}/verify").json()
    assert proof["result"] == "identical", proof
    assert {each["name"]: each["rendered_sha256"] for each in proof["files"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in before.items()
    }
    html = before["report.html"].decode()
    assert "Said better." in html
    assert "Work begins &lt;b&gt;soon&lt;/b&gt;." in html


def test_the_manifest_names_every_file_and_what_made_it(sample: Api) -> None:
    report = published_report(sample, 1)
    manifest = json.loads(file_of(sample, report["id"], "manifest.json"))
    assert {each["name"] for each in manifest["files"]} == set(NAMES) - {"manifest.json"}
    for each in manifest["files"]:
        content = file_of(sample, report["id"], each["name"])
        assert (each["bytes"], each["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    newest = sample.get("/v1/events?limit=1000").json()["items"][-1]
    assert manifest["feed_position"] == newest["seq"]
    assert (manifest["rules_version"], manifest["known_at"]) == (1, report["known_at"])


def test_a_forged_file_is_found_out(sample: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    report = published_report(sample, 1)
    monkeypatch.setattr("service.reporting.wording.NOTHING", "Forged")
    proof = sample.get(f"/v1/reports/{report['id']}/verify").json()
    assert proof["result"] == "different"
    different = {each["name"] for each in proof["files"] if not each["identical"]}
    assert different == {"report.docx", "report.pdf", "report.html", "manifest.json"}


def test_the_other_database_gives_the_same_bytes(
    sample_url: str, tmp_path: Path, request: pytest.FixtureRequest, engine_name: str
) -> None:
    for api in serving(sample_url):
        report = published_report(api, 1)
        edit_in_every_way(api)
        before = {name: file_of(api, report["id"], name) for name in NAMES}
    runner, backup = CliRunner(), str(tmp_path / "plan.backup")
    done = runner.invoke(cli, ["backup", backup], env={f"{PREFIX}DATABASE_URL": sample_url})
    assert done.exit_code == 0, done.output
    other = _other_database(engine_name, tmp_path, request)
    done = runner.invoke(cli, ["restore", backup], env={f"{PREFIX}DATABASE_URL": other})
    assert done.exit_code == 0, done.output
    for api in serving(other):
        assert {name: file_of(api, report["id"], name) for name in NAMES} == before
        assert api.get(f"/v1/reports/{report['id']}/verify").json()["result"] == "identical"


def _other_database(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    from tests.conftest import administer, at_database  # noqa: PLC0415 They are for this alone.

    if engine_name == "postgresql":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "other.db")
        return f"sqlite:///{tmp_path / 'other.db'}"
    server, template = request.getfixturevalue("postgresql_server"), request.getfixturevalue("postgresql_template")
    name = f"other_{abs(hash(tmp_path)) % 10**9}"
    administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return at_database(server, name)


def test_a_quarter_has_one_report_and_a_correction_is_the_next_edition(sample: Api) -> None:
    first = published_report(sample, 1)
    again = sample.post("/v1/reports", {"strategy_id": 1, "quarter": "2018-19-Q3"})
    assert again.status_code == 409
    assert f"number {first['id']}" in again.json()["detail"]
    sample.made("/v1/milestones/3/updates", status="complete", effective_on="2018-12-20")
    gone = withdraw(sample, first["id"])
    assert (gone["status"], gone["known_at"]) == ("withdrawn", first["known_at"])
    assert sample.get(f"/v1/reports/{first['id']}/history").json()["items"][0]["reason"].startswith("The wrong")
    second = published_report(sample, 1)
    assert (second["edition"], second["ref"]) == (2, "2018-19-Q3-2")
    content = json.loads(file_of(sample, second["id"], "report.json"))
    correction = content["correction"]
    assert correction["reason"] == "The wrong milestone was closed."
    changed = {(each["scope"], each["figure"]): (each["published"], each["now"]) for each in correction["figures"]}
    assert changed["total", "percent_complete"] == (27.3, 31.8)
    assert b"What this edition corrects" in file_of(sample, second["id"], "report.html")
    # The first stays as it was, and can be proved as before.
    assert sample.get(f"/v1/reports/{first['id']}/verify").json()["result"] == "identical"
    assert sample.get(f"/v1/reports/{first['id']}/files/report.json").headers["x-report-status"] == "withdrawn"
    assert sample.post(f"/v1/reports/{first['id']}/withdraw", {"reason": "Again."}).status_code == 409


def test_a_late_report_shows_as_a_restatement_beside_what_was_published(sample: Api) -> None:
    report = published_report(sample, 1)
    address = f"/v1/reports/{report['id']}/restatement"
    assert sample.get(address).json()["is_restated"] is False
    late = sample.made("/v1/milestones/3/updates", status="complete", effective_on="2018-12-20")
    sample.made("/v1/milestones/3/updates", status="complete", effective_on="2019-01-20")
    found = sample.get(address).json()
    assert found["is_restated"]
    assert [each["update_id"] for each in found["late_reports"]] == [late["id"]]
    total = {each["figure"]: (each["published"], each["now"]) for each in found["figures"] if each["scope"] == "total"}
    assert total["percent_complete"] == (27.3, 31.8)
    assert total["complete"] == (6, 7)
    assert "planned_percent" not in total


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"quarter": "2018-20-Q3"}, "/quarter"),
        ({"quarter": "2018-19-Q5"}, "/quarter"),
        ({"quarter": "0000-01-Q1"}, "/quarter"),
        ({"quarter": "1899-00-Q4"}, "/quarter"),
        ({"quarter": "2998-99-Q1"}, "/quarter"),
        ({"commentary": [{"workstream_id": 999, "text": "x"}]}, "/commentary/0/workstream_id"),
        ({"commentary": [{"workstream_id": 1, "priority_id": 1, "text": "x"}]}, "/commentary/0"),
        ({"commentary": [{"text": "x"}]}, "/commentary/0"),
        ({"commentary": [{"priority_id": 1, "text": "x"}, {"priority_id": 1, "text": "y"}]}, "/commentary/1"),
        ({"commentary": [{"priority_id": 1, "text": ""}]}, "/commentary/0/text"),
        ({"status": "published"}, "/status"),
        ({"strategy_id": 999}, "/strategy_id"),
    ],
)
def test_bad_drafts_are_refused_and_leave_no_trace(sample: Api, body: Body, pointer: str) -> None:
    answer = sample.post("/v1/reports", {"strategy_id": 1, "quarter": "2018-19-Q3", **body})
    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert sample.get("/v1/reports").json()["items"] == []


def test_a_quarter_is_reported_from_the_day_after_it(sample: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"strategy_id": 1, "quarter": "2026-27-Q2"}
    days = iter([clock.today().replace(2026, 9, 30), clock.today().replace(2026, 10, 1)])
    day = next(days)
    monkeypatch.setattr(clock, "today", lambda: day)
    assert sample.post("/v1/reports", body).status_code == 422
    day = next(days)
    assert sample.post("/v1/reports", body).status_code == 201


def test_a_draft_proves_nothing_and_is_no_secret_to_those_who_see_the_strategy(sample: Api) -> None:
    address = f"/v1/reports/{draft_report(sample, 1)['id']}"
    for what in ("verify", "restatement"):
        assert sample.get(f"{address}/{what}").status_code == 409
    assert sample.post(f"{address}/withdraw", {"reason": "No."}).status_code == 409
    shown = sample.get(f"{address}/files/report.html", roles=(Role.VIEWER,))
    assert b"Draft: the figures may still change" in shown.content
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")
    assert sample.call("POST", f"{address}/publish", roles=(Role.VIEWER,), headers={"If-Match": "*"}).status_code == 403


def test_publishing_takes_the_tag_that_was_read_and_happens_once(sample: Api) -> None:
    address = f"/v1/reports/{draft_report(sample, 1)['id']}"
    assert sample.call("POST", f"{address}/publish").status_code == 428
    tag = sample.get(address).headers["etag"]
    sample.patch(address, {"summary": "Changed."})
    assert sample.call("POST", f"{address}/publish", headers={"If-Match": tag}).status_code == 412
    headers = {"If-Match": sample.get(address).headers["etag"], "Idempotency-Key": "once"}
    first, again = (sample.call("POST", f"{address}/publish", headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    del headers["Idempotency-Key"]
    assert sample.call("POST", f"{address}/publish", headers=headers).status_code == 409


def test_a_draft_can_be_thrown_away_and_made_anew(sample: Api) -> None:
    draft = draft_report(sample, 1)
    assert sample.delete(f"/v1/reports/{draft['id']}").status_code == 204
    assert draft_report(sample, 1)["edition"] == 1


def test_a_draft_is_made_once_for_all_its_files_and_anew_after_a_change(
    sample: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes] = []

    def note(packed: bytes) -> dict[str, bytes]:
        made.append(packed)
        return render(packed)

    monkeypatch.setattr("service.reporting.service.render", note)
    report = draft_report(sample, 1)["id"]
    first = {name: file_of(sample, report, name) for name in NAMES}
    assert len(made) == 1
    sample.made("/v1/milestones/11/updates", status="in_progress", percent_complete=40, effective_on="2018-12-01")
    assert file_of(sample, report, "report.json") != first["report.json"]
    assert len(made) == 2


def test_what_moved_is_told_since_the_report_before(sample: Api) -> None:
    published_report(sample, 1, quarter="2018-19-Q3")
    sample.made("/v1/milestones/11/updates", status="in_progress", percent_complete=40, effective_on="2019-01-31")
    sample.made("/v1/milestones/2/updates", status="complete", effective_on="2019-02-20")
    sample.patch("/v1/milestones/12", {"due_on": "2020-06-30", "change_reason": "Builders are late."})
    report = published_report(sample, 1, quarter="2018-19-Q4")
    content = json.loads(file_of(sample, report["id"], "report.json"))
    assert content["report"]["compared_with"]["quarter"] == "2018-19-Q3"
    assert content["changes"]["words"] == [
        "1 milestone completed: SMS-2.",
        "1 milestone rescheduled to a later date: HOPE-4 (from 31 March 2020 to 30 June 2020).",
        "1 milestone started: HOPE-3.",
    ]
    effects = sum(each["effect"] for each in content["changes"]["effects"])
    assert effects == pytest.approx(content["changes"]["delta"])
    rows = {each["id"]: each for each in content["milestones"]}
    assert [(rows[each]["ref"], rows[each]["reschedule_reason"]) for each in content["lists"]["rescheduled"]] == [
        ("HOPE-4", "Builders are late.")
    ]
    assert b"since the report on 2018-19-Q3" in file_of(sample, report["id"], "report.html")


def test_the_table_of_the_board_report_comes_out_as_it_stands_there(sample: Api) -> None:
    html = file_of(sample, published_report(sample, 1)["id"], "report.html").decode()
    start = html.index("<caption>Successful completion of treatment")
    cells = html[start : html.index("</table>", start)]
    rows = [part.split("</tr>")[0] for part in cells.split("<tr>")[1:]]
    texts = [[each.split("<")[0] for each in row.split(">") if each.split("<")[0].strip()] for row in rows]
    assert texts == [
        ["Category", "Local", "National"],
        ["Opiate", "3.8%", "4.0%"],
        ["Non-opiate", "52.6%", "37.0%"],
        ["Alcohol", "44.8%", "40.7%"],
        ["Alcohol and non-opiate", "47.1%", "32.4%"],
    ]


def test_publishing_that_was_cut_short_is_made_good(sample: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"/v1/reports/{draft_report(sample, 1)['id']}"
    headers = {"If-Match": sample.get(address).headers["etag"]}
    with monkeypatch.context() as patch:
        patch.setattr("service.reporting.service.render", lambda *_: 1 / 0)
        assert sample.call("POST", f"{address}/publish", headers=headers).status_code == 500
    row = sample.get(address).json()
    assert row["status"] == "published"
    content = json.loads(sample.get(f"{address}/files/report.json").content)
    assert content["report"]["known_at"] == row["known_at"]
    assert sample.get(f"{address}/verify").json()["result"] == "identical"


def test_the_command_writes_whole_files_without_a_server(sample_url: str, tmp_path: Path) -> None:
    runner, folder = CliRunner(), tmp_path / "out"
    command = ["report", "2018-19-Q3", "--strategy", "joint-priorities", "--out", str(folder)]
    done = runner.invoke(cli, command, env={f"{PREFIX}DATABASE_URL": sample_url})
    assert done.exit_code == 0, done.output
    assert sorted(each.name for each in folder.iterdir()) == NAMES
    with zipfile.ZipFile(folder / "data.zip") as archive:
        assert "progress.csv" in archive.namelist()
        assert archive.testzip() is None
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    for api in serving(sample_url):
        report = published_report(api, 1)
        expected = {name: file_of(api, report["id"], name) for name in NAMES}
    done = runner.invoke(cli, command, env={f"{PREFIX}DATABASE_URL": sample_url})
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == expected
    for wrong in (["report", "2018-20-Q3", *command[2:]], [*command[:3], "none", *command[4:]]):
        assert runner.invoke(cli, wrong, env={f"{PREFIX}DATABASE_URL": sample_url}).exit_code != 0


def test_two_who_publish_at_once_make_one_report(sample: Api) -> None:
    address = f"/v1/reports/{draft_report(sample, 1)['id']}"
    token, tag = sample.token(), sample.get(address).headers["etag"]
    headers = {"Authorization": f"Bearer {token}", "If-Match": tag}

    async def both() -> list[int]:
        import httpx2 as httpx  # noqa: PLC0415 It is for this alone.

        transport = httpx.ASGITransport(sample.client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            answers = await asyncio.gather(*(client.post(f"{address}/publish", headers=headers) for _ in range(4)))
        return sorted(answer.status_code for answer in answers)

    assert sample.client.portal is not None
    assert sample.client.portal.call(both) == [200, 409, 409, 409]
    assert sample.get(f"{address}/verify").json()["result"] == "identical"


def test_the_workbook_holds_every_subject(sample: Api) -> None:
    from python_calamine import CalamineWorkbook  # noqa: PLC0415 It is for this alone.

    content = file_of(sample, published_report(sample, 1)["id"], "report.xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert book.sheet_names == [
        "Progress",
        "Milestones",
        "Noted",
        "Changes",
        "Trend",
        "Indicators",
        "Funding",
        "Decisions",
    ]
    head, *rows = book.get_sheet_by_name("Progress").to_python()
    total = dict(zip(head, rows[0], strict=True))
    assert (total["percent_complete"], total["receipt_earned"], total["receipt_weight"]) == (27.3, 600, 22)


def test_a_process_of_its_own_makes_the_same_files(sample: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    report = published_report(sample, 1)
    before = {name: file_of(sample, report["id"], name) for name in NAMES}
    monkeypatch.setattr("service.reporting.service.FEW", 0)
    proof = sample.get(f"/v1/reports/{report['id']}/verify").json()
    assert proof["result"] == "identical"
    assert {each["name"] for each in proof["files"]} == set(before)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param("\x01\x0b\x1f\x7f", id="controls"),
        pytest.param("\x85\u2028\u2029", id="ends of lines"),
        pytest.param("\ufffe\uffff\U0010ffff", id="no characters"),
        pytest.param("漢字 ગુજરાતી ਪੰਜਾਬੀ", id="letters of Asia"),
        pytest.param("עברית العربية", id="right to left"),
        pytest.param("👍🏽 👩‍👩‍👧", id="pictures"),
        pytest.param("<b>&amp;</b> ]]> #let x = 1 $x$ \\ \"'`", id="markup"),
        pytest.param("e\u0301" * 100, id="letters of several characters"),
    ],
)
@of_one_engine
def test_whatever_stands_in_the_plan_there_are_files(sample: Api, odd: str) -> None:
    title = f"From {odd} to"
    sample.patch("/v1/strategies/1", {"title": title})
    sample.patch("/v1/priorities/1", {"title": title})
    sample.patch("/v1/workstreams/6", {"title": title, "description": title})
    sample.patch("/v1/milestones/9", {"title": title})
    said = {"summary": title, "commentary": [{"workstream_id": 6, "text": f"{title}\n\n{title}"}]}
    report = published_report(sample, 1, **said)
    content = json.loads(file_of(sample, report["id"], "report.json"))
    assert content["report"]["strategy"]["title"] == title
    shown = content["workstreams"]
    assert title in {each["title"] for each in shown}
    assert all(file_of(sample, report["id"], name) for name in NAMES)


@of_one_engine
def test_a_paper_stays_short_however_large_the_plan(sample: Api) -> None:
    stream = sample.get("/v1/milestones/1").json()["workstream_id"]
    for number in range(60):
        due = {"due_on": f"2018-12-{number % 30 + 1:02}", "agreed_on": "2018-01-01"}
        sample.made("/v1/milestones", workstream_id=stream, ref=f"MANY-{number}", title=f"Many {number}", **due)
    report = draft_report(sample, 1)
    page = file_of(sample, report["id"], "report.html").decode()
    assert "more are in the workbook of this report" in page
    content = json.loads(file_of(sample, report["id"], "report.json"))
    assert len([each for each in content["milestones"] if each["ref"].startswith("MANY-")]) == 60
