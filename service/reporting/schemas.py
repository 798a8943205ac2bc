"""What the API takes and gives about reports."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from service.core.fields import LIKE_QUARTER, Day, Id, Input, Instant, Prose, Reason, Ref
from service.core.paging import sorted_by
from service.core.schemas import Common, Several, UrlIds, ids_of, several
from service.plan.schemas import PlanQuery
from service.progress.schemas import Answer
from service.reporting.models import ReportStatus

Quarter = Annotated[str, StringConstraints(pattern=LIKE_QUARTER, max_length=10)]
MOST_COMMENTS = 500
REPORT_ORDERS = ("id", "ref", "quarter", "edition", "as_at", "status", "known_at", "created_at", "updated_at")


class Comment(Input):
    """What is said about a priority or about a workstream."""

    priority_id: Id | None = Field(None, description="The priority; or name a workstream.", examples=[None])
    workstream_id: Id | None = Field(None, description="The workstream; or name a priority.", examples=[6])
    text: Annotated[Prose, Field(min_length=1)] = Field(
        description="What is said; an empty line begins a paragraph.", examples=["Work begins in January as planned."]
    )

    @model_validator(mode="after")
    def _name_one(self) -> "Comment":
        if (self.priority_id is None) == (self.workstream_id is None):
            raise PydanticCustomError("one_subject", "Name a priority or a workstream, and not both.")
        return self


Comments = Annotated[list[Comment], Field(max_length=MOST_COMMENTS)]


class ReportCreate(Input):
    """A draft of the report on a strategy and quarter. Where the last edition was withdrawn it is the next one."""

    strategy_id: Id = Field(description="The strategy.", examples=[1])
    quarter: Quarter = Field(description="The quarter of the UK financial year.", examples=["2018-19-Q3"])
    summary: Prose = Field("", description="What is said first.", examples=["Good progress; one risk."])
    commentary: Comments = Field(
        [],
        description="What is said about priorities and workstreams.",
        examples=[[{"workstream_id": 6, "text": "Work begins in January as planned."}]],
    )


class ReportVersion(Common, ReportCreate):
    """A report as it was written."""

    ref: Ref = Field(description="The quarter, and the edition from the second on.")
    edition: int = Field(ge=1, description="1, and one more for each correction.")
    as_at: Day = Field(description="The date of its figures: the last day of the quarter.")
    status: ReportStatus = Field(description="Where it stands.")
    known_at: Instant | None = Field(description="Whose knowledge its figures are of; null while it is a draft.")


class ReportRead(ReportVersion):
    """A report."""


@sorted_by(*REPORT_ORDERS)
class ReportQuery(PlanQuery):
    """Filters of reports."""

    strategy_id: UrlIds = ids_of("these strategies")
    quarter: Several[Quarter] | None = several("reports on these quarters", "2018-19-Q3")
    status: Several[ReportStatus] | None = several("reports that stand so", "published")


class Withdrawal(Input):
    """Why a report is withdrawn."""

    reason: Reason = Field(description="Why; it stands in the history.", examples=["The wrong milestone was closed."])


class FileProof(Answer):
    """One file of a report: what was published, and what comes out now."""

    name: str = Field(description="The file.")
    sha256: str = Field(description="SHA-256 of what was published.")
    rendered_sha256: str = Field(description="SHA-256 of what comes out now, from the history.")
    identical: bool = Field(description="Whether the two are the same, to the byte.")


class Verification(Answer):
    """Whether the files of a report come out of the history as they were published."""

    result: str = Field(description="`identical`, or `different` where one file is.")
    known_at: Instant = Field(description="Whose knowledge the report is of.")
    files: list[FileProof] = Field(description="File by file.")


class RestatedFigure(BaseModel):
    """One figure as it was published, and as it is known now for the same date."""

    scope: str = Field(description="total, priority or workstream.")
    id: Id | None = Field(description="Which priority or workstream; null for the total.")
    ref: str | None = Field(description="Its ref.")
    title: str | None = Field(description="Its title.")
    figure: str = Field(description="The name of the figure.")
    published: float | int | str | None = Field(description="As it was published.")
    now: float | int | str | None = Field(description="As it is known now.")


class LateReport(BaseModel):
    """A report on a milestone that was made after publishing, and is true of a date within."""

    update_id: Id = Field(description="Number of the report on the milestone.")
    milestone_id: Id = Field(description="The milestone.")
    ref: str = Field(description="Its ref.")
    title: str = Field(description="Its title.")
    effective_on: Day = Field(description="The date that it is true of.")
    recorded_at: Instant = Field(description="When the service learned it.")
    status: str = Field(description="What it says.")
    percent_complete: int = Field(description="What it says.")


class Restatement(Answer):
    """What is known now about the quarter of a published report, beside what was published."""

    report_id: Id = Field(description="The report.")
    as_at: Day = Field(description="The date of the figures.")
    published_known_at: Instant = Field(description="Whose knowledge was published.")
    known_at: Instant = Field(description="Whose knowledge is compared with it.")
    is_restated: bool = Field(description="Whether any figure differs.")
    figures: list[RestatedFigure] = Field(description="The figures that differ, and none where all are as published.")
    late_reports: list[LateReport] = Field(description="The reports on milestones that came after publishing.")
