"""Texts in cells: none runs as a formula, and each comes back as it was. No database is asked."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from service.core.errors import Invalid
from service.core.negotiation import Format, chosen_format
from service.exchange.cells import LARGEST_NUMBER, LONGEST_TEXT, guarded, instant_text, instant_texts, unguarded
from service.exchange.columns import columns_of
from service.exchange.csvfile import BYTE_ORDER_MARK, CsvFile, read_lines
from service.exchange.xlsxfile import XlsxFile

FORMULAS = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "'=1", "''", "'", "=cmd|' /C calc'!A0", "＝1+1"]
# Surrogates are no characters: the service refuses them before they are kept.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


class Row(BaseModel):
    """A row with a column of each kind."""

    id: int
    text: str | None
    day: date | None
    amount: Decimal | None
    share: float | None
    is_so: bool | None
    several: list[int]


COLUMNS = columns_of(Row)


def row(**values: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "id": 1,
        "text": None,
        "day": None,
        "amount": None,
        "share": None,
        "is_so": None,
        "several": [],
    }
    return {**nothing, **values}


def csv_bytes(*rows: dict[str, Any], has_mark: bool = False) -> bytes:
    file = CsvFile(COLUMNS, has_mark=has_mark)
    return file.start() + file.page(rows) + file.end()


def xlsx_bytes(*rows: dict[str, Any]) -> bytes:
    file = XlsxFile(COLUMNS, "rows")
    return file.start() + b"".join(file.page([each]) for each in rows) + file.end()


def sheet_of(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content)).active


@given(TEXTS)
@example("'")
@example("=1")
def test_a_guarded_text_comes_back_and_is_no_formula(text: str) -> None:
    written = guarded(text)
    assert unguarded(written) == text
    assert not written or written[0] not in "=+-@\t\r\n＝＋－＠"


@given(st.lists(st.none() | st.datetimes(datetime(1900, 1, 1), datetime(3000, 1, 1), timezones=st.just(UTC))))  # noqa: DTZ001 They are bounds.
@example([datetime(2018, 12, 10, 9, 30, tzinfo=UTC), None, datetime(2018, 12, 10, 9, 30, 0, 1, tzinfo=UTC)])
def test_many_instants_are_written_as_one_is(instants: list[datetime | None]) -> None:
    assert instant_texts(instants) == [None if each is None else instant_text(each) for each in instants]


@given(st.lists(TEXTS, max_size=5))
@example(['a"b,c\r\nd', "é\u2028x", "\x01\x1f\x85"])
def test_csv_gives_every_text_back(texts: list[str]) -> None:
    lines = list(read_lines(csv_bytes(*(row(text=each) for each in texts)).decode()))
    assert lines[0] == ["id", "text", "day", "amount", "share", "is_so", "several"]
    assert [line[1] for line in lines[1:]] == [guarded(each) for each in texts]
    assert [unguarded(line[1]) for line in lines[1:]] == texts


@given(st.lists(TEXTS, min_size=1, max_size=5))
@example(["_x0001_", "_x005F_", "_xZZZZ_", "\x01", "\x0b", "\r\n", " a ", "\ufffe", "\uffff", "<&>\"'", "🙂"])
def test_xlsx_gives_every_text_back(texts: list[str]) -> None:
    sheet = sheet_of(xlsx_bytes(*(row(text=each) for each in texts)))
    found = [unescaped(each.value) for each in sheet["B"][1:]]
    assert found == [each or None for each in texts]


def unescaped(value: str | None) -> str | None:
    """Return a text as Excel reads it: the library leaves these escapes to its callers."""
    return None if value is None else openpyxl.utils.escape.unescape(value)


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_workbook_is_a_formula(text: str) -> None:
    cell = sheet_of(xlsx_bytes(row(text=text)))["B2"]
    assert cell.data_type == "s"
    assert unescaped(cell.value) == text
    assert cell.quotePrefix


def test_every_kind_is_written_as_what_it_is() -> None:
    whole = row(
        id=17,
        text="a",
        day=date(2018, 12, 10),
        amount=Decimal("882373.05"),
        share=0.1 + 0.2,
        is_so=True,
        several=[1, 3],
    )
    assert csv_bytes(whole).decode().splitlines()[1] == "17,a,2018-12-10,882373.05,0.30000000000000004,true,1;3"
    sheet = sheet_of(xlsx_bytes(whole))
    assert [each.value for each in sheet[2]][3:] == [882373.05, 0.1 + 0.2, True, "1;3"]
    assert sheet["C2"].value.date() == date(2018, 12, 10)
    assert (sheet["C2"].number_format, sheet.freeze_panes) == ("yyyy-mm-dd", "A2")
    assert sheet.tables["data"].ref == "A1:G2"


@given(st.dates(date(1900, 1, 1), date(2999, 12, 31)))
@example(date(1900, 2, 28))
@example(date(1900, 3, 1))
def test_every_day_comes_back(day: date) -> None:
    value = sheet_of(xlsx_bytes(row(day=day)))["C2"].value
    assert (date.fromisoformat(value) if isinstance(value, str) else value.date()) == day


def test_nothing_is_an_empty_cell() -> None:
    assert csv_bytes(row()).decode().splitlines()[1] == "1,,,,,,"
    assert [each.value for each in sheet_of(xlsx_bytes(row()))[2]] == [1, *[None] * 5, None]


def test_a_table_without_rows_opens_all_the_same() -> None:
    sheet = sheet_of(xlsx_bytes())
    assert (sheet.tables["data"].ref, sheet["A1"].value) == ("A1:G2", "id")


def test_the_mark_is_there_where_it_is_wanted() -> None:
    assert csv_bytes(has_mark=True) == BYTE_ORDER_MARK + csv_bytes()


@pytest.mark.parametrize(
    "values", [{"text": "a" * (LONGEST_TEXT + 1)}, {"text": "🙂" * 16_384}, {"id": LARGEST_NUMBER + 1}]
)
def test_what_a_cell_cannot_hold_is_said_and_never_cut(values: dict[str, Any]) -> None:
    file = XlsxFile(COLUMNS, "rows")
    file.start()
    with pytest.raises(Invalid) as refused:
        file.page([row(), row(**values)])
    file.drop()
    (fault,) = refused.value.faults
    assert fault.pointer == f"/{next(iter(values))}"
    assert "Row 3" in fault.detail


def test_what_a_cell_just_holds_is_written() -> None:
    longest = "a" * LONGEST_TEXT
    assert sheet_of(xlsx_bytes(row(text=longest, id=LARGEST_NUMBER)))["B2"].value == longest


def test_the_same_rows_give_the_same_bytes() -> None:
    assert xlsx_bytes(row(text="a")) == xlsx_bytes(row(text="a"))


@pytest.mark.parametrize(
    ("accept", "asked", "wanted"),
    [
        (None, None, Format.JSON),
        ("*/*", None, Format.JSON),
        ("text/csv", None, Format.CSV),
        ("text/*;q=0.5, text/csv", None, Format.CSV),
        ("application/json, text/csv;q=0.9", None, Format.JSON),
        ("application/json;q=0.1, text/csv;q=0.9", None, Format.CSV),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", None, Format.XLSX),
        ("TEXT/CSV;charset=utf-8", None, Format.CSV),
        ("text/csv;q=0, application/json", None, Format.JSON),
        ("text/csv;q=nonsense", None, Format.CSV),
        ("text/csv", Format.XLSX, Format.XLSX),
        (",,;;q=,text/csv", None, Format.CSV),
    ],
)
def test_the_form_is_the_one_that_is_liked_best(accept: str | None, asked: Format | None, wanted: Format) -> None:
    assert chosen_format(accept, asked) is wanted
