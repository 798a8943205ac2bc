"""What the API takes and gives about workbooks that come back."""

from typing import Annotated, Any

from pydantic import Field

from service.core.fields import LIKE_LINE, LIKE_SHA256, Day, Id, Input, Instant
from service.exchange.comparing import Status
from service.exchange.sheets import SHEETS
from service.progress.schemas import Answer

MOST_LINES = 100_000
LineKey = Annotated[str, Field(pattern=LIKE_LINE)]
SHEET_NAMES = [sheet.name for sheet in SHEETS]


class LineChange(Answer):
    """One field that a line changes."""

    field: str = Field(description="Which field.", examples=["due_on"])
    from_: Any = Field(
        alias="from", description="What stood there when the workbook was made.", examples=["2019-01-31"]
    )
    to: Any = Field(description="What the line says.", examples=["2019-02-28"])
    now: Any = Field(description="What stands there now, where somebody else changed the row meanwhile.")


class LineError(Answer):
    """One thing wrong with a line."""

    cell: str = Field(description="Which cell; the line alone where it has no such column.", examples=["K7"])
    detail: str = Field(description="What is wrong, and what to do.", examples=["Write a date, such as 31/01/2019."])


class LineRead(Answer):
    """What a line of a workbook would do, or did."""

    key: str = Field(description="The sheet and the line in it.", examples=["Milestones!7"])
    sheet: str = Field(description="The sheet.", examples=["Milestones"])
    row: int = Field(description="The line in it, as the spreadsheet numbers them.", examples=[7])
    ref: str | None = Field(description="The ref that stands in it.", examples=["HOPE-3"])
    status: Status = Field(description="What it would do.", examples=["update"])
    resource_id: Id | None = Field(description="The row that it is about; null for one not made yet.")
    changes: list[LineChange] = Field(description="What it changes, field by field.")
    errors: list[LineError] = Field(description="What is wrong with it; empty where nothing is.")


class ImportCounts(Answer):
    """How many lines do what."""

    new: int = Field(ge=0, description="Make a row, or a report.")
    update: int = Field(ge=0, description="Change a row.")
    unchanged: int = Field(ge=0, description="Change nothing.")
    conflict: int = Field(ge=0, description="Would change what somebody else changed meanwhile.")
    invalid: int = Field(ge=0, description="Cannot be done as they stand.")


class ImportRead(Answer):
    """A workbook that came back, and what it would change; nothing is changed until it is applied."""

    id: Id = Field(description="Number of the import.")
    strategy_id: Id = Field(description="The strategy that it is for.")
    file_name: str = Field(description="What the file was called.", examples=["joint-priorities.xlsx"])
    sha256: str = Field(description="The file's SHA-256: name it to apply this very file.", pattern=LIKE_SHA256)
    created_at: Instant = Field(description="When it was sent in.")
    applied_at: Instant | None = Field(description="When it was applied; null while it was not.")
    counts: ImportCounts = Field(description="How many lines do what.")
    rows: Annotated[list[LineRead], Field(max_length=MOST_LINES)] = Field(description="Every line, sheet by sheet.")


class ImportApply(Input):
    """Which file to apply, and which conflicts to settle in its favour."""

    sha256: Annotated[str, Field(pattern=LIKE_SHA256)] = Field(
        description="The SHA-256 that the preview named.", examples=["9f86d081884c7d659a2feaa0c55ad015" * 2]
    )
    accept: Annotated[list[LineKey], Field(max_length=10_000)] = Field(
        [],
        description="The lines in conflict that shall be applied over what stands there.",
        examples=[["Milestones!7"]],
    )


class WorkbookQuery(Input):
    """The query parameters of a workbook."""

    as_at: Day | None = Field(
        None, description="The date of its figures; today where left out.", examples=["2018-12-10"]
    )
