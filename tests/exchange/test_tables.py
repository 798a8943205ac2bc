"""Lists and figures as files: the same rows as the JSON list, all of them, as known at one instant."""

import asyncio
import csv
import io
import json
import shutil
import subprocess
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import openpyxl
import pytest

from service.access.roles import Role
from service.exchange import tables
from tests.access.world import make_token
from tests.conftest import Api
from tests.contract.document import operations
from tests.factories import make_milestone, make_plan, more_than_a_plan
from tests.wire import Request, send_all

QUESTION = "strategy_id=1&as_at=2018-12-10"
LISTS = [
    each.path.replace("{id}", "1")
    for each in operations()
    if each.method == "get" and "format" in each.parameters("query") and "/progress" not in each.path
]
FIGURES = [
    f"/v1/progress?{QUESTION}",
    f"/v1/progress?{QUESTION}&group_by=owner",
    "/v1/priorities/1/progress?as_at=2018-12-10",
    "/v1/workstreams/1/progress?as_at=2018-12-10",
    "/v1/progress/trend?strategy_id=1&from=2018-01-01&to=2018-12-10",
    "/v1/progress/changes?strategy_id=1&from=2018-01-01&to=2018-12-10",
]
# Comma, quotes, UTF-8.
UTF8 = "csv:Text - txt - csv (StarCalc):44,34,76"
SOFFICE = shutil.which("soffice")


@pytest.fixture(scope="module", autouse=True)
def _more(served: Api) -> None:
    """Something in every list."""
    served.made("/v1/tokens", name="=1+1")
    more_than_a_plan(served)
    served.patch("/v1/milestones/1", {"description": "=cmd|' /C calc'!A0"})


def asked(address: str, **more: str) -> str:
    """Return an address with more in its query."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(more)}"


def csv_rows(api: Api, address: str) -> list[dict[str, str]]:
    """Return the rows of a list as CSV."""
    answer = api.get(asked(address, format="csv"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def as_text(value: Any) -> str:
    """Return a value of a JSON answer as CSV has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        if not value:
            return ""
        simple = all(not isinstance(each, dict) for each in value)
        value = ";".join(map(str, value)) if simple else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    text = str(value)
    return f"'{text}" if text[:1] in tuple("=+-@\t\r\n'") and not _is_number(value) else text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def whole_list(api: Api, address: str) -> list[dict[str, Any]]:
    """Return the rows of a list as JSON."""
    return list(api.get(asked(address, limit="1000")).json()["items"])


@pytest.mark.parametrize("address", LISTS)
def test_csv_has_the_rows_of_the_list(served: Api, address: str) -> None:
    rows, found = whole_list(served, address), csv_rows(served, address)
    assert len(found) == len(rows) > 0
    for row, line in zip(rows, found, strict=True):
        assert set(line) == set(row)
        for name, value in row.items():
            # An instant has all its digits in a file.
            wanted = as_text(value)
            assert line[name] == wanted or _same_instant(line[name], wanted), (name, line[name], value)


def _same_instant(one: str, other: str) -> bool:
    try:
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    except ValueError:
        return False


@pytest.mark.parametrize("address", LISTS)
def test_xlsx_has_the_rows_of_the_list(served: Api, address: str) -> None:
    rows = whole_list(served, address)
    sheet = workbook(served, address)
    names = [cell.value for cell in sheet[1]]
    assert len(list(sheet.rows)) == len(rows) + 1
    for row, cells in zip(rows, list(sheet.rows)[1:], strict=True):
        for name, cell in zip(names, cells, strict=True):
            value = row[name]
            if isinstance(cell.value, datetime):
                assert cell.value.date() == date.fromisoformat(value)
            elif isinstance(value, bool | int | float):
                assert cell.value == value
            assert (cell.value is None) == (value in (None, "", [])), name


def workbook(api: Api, address: str) -> Any:
    answer = api.get(asked(address, format="xlsx"))
    assert answer.status_code == 200, answer.text
    return openpyxl.load_workbook(io.BytesIO(answer.content)).active


@pytest.mark.parametrize("address", FIGURES)
def test_figures_are_tables_too(served: Api, address: str) -> None:
    figures, found = served.get(address).json(), csv_rows(served, address)
    if "changes" in figures:
        assert [float(line["effect"]) for line in found] == [each["effect"] for each in figures["changes"]]
        assert [int(line["milestone_id"]) for line in found] == [each["milestone"]["id"] for each in figures["changes"]]
    else:
        points = figures.get("points", [figures])
        progress = [each for point in points for each in (point["total"], *(g["progress"] for g in point["groups"]))]
        assert [line["percent_complete"] for line in found] == [as_text(each["percent_complete"]) for each in progress]
        assert [int(line["receipt_earned"]) for line in found] == [each["receipt"]["earned"] for each in progress]
        assert {line["scope"] for line in found} == {"total", "group"}
    assert len(list(workbook(served, address).rows)) == len(found) + 1


def test_filters_and_orders_are_those_of_the_list(served: Api) -> None:
    address = "/v1/milestones?status=complete&sort=-due_on,ref&as_at=2018-12-10"
    assert [line["ref"] for line in csv_rows(served, address)] == [row["ref"] for row in whole_list(served, address)]
    assert csv_rows(served, "/v1/milestones?ref=nothing") == []


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_file_has_no_pages(served: Api, form: str) -> None:
    for name in ("limit=5", "cursor=W1siaWQiLDIwXV0"):
        answer = served.get(f"/v1/milestones?format={form}&{name}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == f"/query/{name.partition('=')[0]}"


@pytest.mark.parametrize("form", ["CSV", "ods", "", "csv,xlsx", "=1"])
def test_another_form_is_refused(served: Api, form: str) -> None:
    answer = served.get("/v1/milestones", params={"format": form})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/format")


def test_the_header_may_ask_too(served: Api) -> None:
    answer = served.get("/v1/areas", headers={"Accept": "text/csv"})
    assert answer.text == served.get("/v1/areas?format=csv").text
    assert answer.headers["vary"] == "Accept, Authorization"
    assert answer.headers["content-disposition"] == 'attachment; filename="areas.csv"'
    marked = served.get("/v1/areas?bom=true", headers={"Accept": "text/csv"})
    assert marked.content == b"\xef\xbb\xbf" + answer.content


def test_its_description_fits_the_file(served: Api) -> None:
    answer = served.get("/v1/milestones?format=csv")
    link = answer.headers["link"]
    assert link == '</v1/milestones.csv-metadata.json>; rel="describedby"; type="application/csvm+json"'
    said = served.get("/v1/milestones.csv-metadata.json").json()
    assert said["url"] == "milestones.csv"
    assert [each["name"] for each in said["tableSchema"]["columns"]] == answer.text.splitlines()[0].split(",")
    kinds = {each["name"]: each["datatype"] for each in said["tableSchema"]["columns"]}
    assert (kinds["id"], kinds["due_on"]["base"], kinds["overdue"]["base"]) == ("integer", "date", "boolean")
    assert served.get("/v1/nothing.csv-metadata.json").status_code == 404


class TestLongLists:
    """Lists of more rows than are read at once."""

    @pytest.fixture(autouse=True)
    def _short_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tables, "PAGE_ROWS", 3)

    @pytest.mark.parametrize("address", LISTS)
    def test_every_row_is_there_once(self, served: Api, address: str) -> None:
        key = "seq" if address == "/v1/events" else "version" if "history" in address else "id"
        rows = [str(row[key]) for row in whole_list(served, address)]
        assert [line[key] for line in csv_rows(served, address)] == rows
        assert len(list(workbook(served, address).rows)) == len(rows) + 1

    def test_what_is_written_meanwhile_does_not_show(self, sample: Api) -> None:
        before = sample.get("/v1/milestones?format=csv")
        chunks: list[bytes] = []

        async def run() -> None:
            async for part in stream(sample, "/v1/milestones?format=csv"):
                chunks.append(part)
                if len(chunks) == 2:
                    sample_change()

        def sample_change() -> None:
            """Change a row that is yet to come, take one away and add one, from another thread."""
            import threading  # noqa: PLC0415

            def act() -> None:
                sample.patch("/v1/milestones/20", {"title": "Changed"})
                sample.delete("/v1/milestones/23")
                make_milestone(sample, 1, ref="NEW-1")

            worker = threading.Thread(target=act)
            worker.start()
            pending.append(worker)

        pending: list[Any] = []
        assert sample.client.portal is not None
        sample.client.portal.call(run)
        for worker in pending:
            worker.join()
        assert b"".join(chunks) == before.content
        after = sample.get("/v1/milestones?format=csv")
        assert after.content != before.content
        again = sample.get(before.headers["content-location"])
        assert again.content == before.content


async def stream(api: Api, address: str) -> Any:
    """Yield the parts of an answer as they are sent, giving others their turn in between."""
    path, _, query = address.partition("?")
    parts: asyncio.Queue[bytes | None] = asyncio.Queue(1)
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "root_path": "", "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "state": {},
        "headers": [(b"authorization", f"Bearer {api._tokens[next(iter(api._tokens))]}".encode())],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await parts.put(message["body"])
            await asyncio.sleep(0.05)
            if not message.get("more_body"):
                await parts.put(None)

    app: Any = api.client.app
    task = asyncio.create_task(app(scope, receive, send))
    while (part := await parts.get()) is not None:
        yield part
    await task


def test_nothing_of_another_strategy_is_in_a_file(shared: Api) -> None:
    plan = make_plan(shared)
    other = {"ref": "other", "name": "Other", "kind": "council", "parent_id": None}
    stranger = shared.made("/v1/organisations", **other)["id"]
    token = make_token(shared, stranger, Role.MANAGER)
    assert plan.strategy
    addresses = [each.split("/1")[0] for each in LISTS if "/1" not in each and each != "/v1/users"]
    for address in addresses:
        request = Request("GET", address, "format=csv", {"authorization": f"Bearer {token}".encode()})
        (answer,) = send_all(shared, [request])
        assert answer.status == 200, address
        seen = {"/v1/organisations", "/v1/boards", "/v1/areas", "/v1/tokens", "/v1/events", "/v1/owners"}
        assert address in seen or answer.body.count(b"\r\n") == 1, answer.body


@pytest.mark.skipif(SOFFICE is None, reason="Takes LibreOffice: apt-get install libreoffice-calc")
def test_libreoffice_reads_every_file_as_we_mean_it(served: Api, tmp_path: Path) -> None:
    for name in ("milestones", "tokens", "updates"):
        (tmp_path / f"{name}.xlsx").write_bytes(served.get(f"/v1/{name}?format=xlsx").content)
    command = [str(SOFFICE), "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", UTF8]
    files = sorted(map(str, tmp_path.glob("*.xlsx")))
    subprocess.run([*command, "--outdir", str(tmp_path), *files], check=True, capture_output=True)  # noqa: S603 The arguments are those above.
    for name in ("milestones", "tokens", "updates"):
        read = list(csv.DictReader(io.StringIO((tmp_path / f"{name}.csv").read_text(), newline="")))
        rows = whole_list(served, f"/v1/{name}")
        assert [line["id"] for line in read] == [str(row["id"]) for row in rows]
        for line, row in zip(read, rows, strict=True):
            for field in ("ref", "title", "description", "name", "due_on", "narrative", "effective_on"):
                if field in row:
                    assert line[field] == (row[field] or ""), field
