"""The sheets of a workbook that goes out and comes back: which columns there are, and what each takes. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from service.core.calendar import Precision
from service.outcomes.rules import Polarity
from service.plan.rules import Confidence, MilestoneKind, MilestoneStatus, WorkstreamStatus


class Takes(StrEnum):
    """What a cell takes."""

    TEXT = "text"
    NUMBER = "whole number"
    DATE = "date"
    CHOICE = "one of a list"
    REF = "the ref of a row"
    REFS = "refs with semicolons between them"


@dataclass(frozen=True)
class Field:
    """One column: its heading, the field of the API that it stands for, and what a cell of it takes.

    `points_to` names the sheet or list whose refs it takes; `choices` are the values of a drop-down. What is only
    shown is not read back. What has no heading of its own is headed by the field's name in words.
    """

    name: str
    takes: Takes = Takes.TEXT
    points_to: str = ""
    choices: tuple[str, ...] = ()
    is_shown_only: bool = False
    is_hidden: bool = False
    width: int = 16

    @property
    def heading(self) -> str:
        """What stands over the column: `Due on`."""
        words = self.name.removesuffix("_ids").removesuffix("_id").replace("_", " ")
        plural = "s" if self.takes is Takes.REFS else ""
        return {"priority" + plural: "Priorities"}.get(words + plural, words.capitalize() + plural)


@dataclass(frozen=True)
class Sheet:
    """One sheet with one table."""

    name: str
    noun: str
    fields: tuple[Field, ...]
    about: str

    @cached_property
    def read_back(self) -> tuple[Field, ...]:
        """The columns that are read when the workbook comes back."""
        return tuple(field for field in self.fields if not field.is_shown_only)

    @cached_property
    def takes(self) -> dict[str, Takes]:
        """The fields that its columns stand for, and what a cell of each takes."""
        return {field.name: field.takes for field in self.fields}

    @cached_property
    def pointing(self) -> tuple[Field, ...]:
        """The columns that hold refs of other rows."""
        return tuple(field for field in self.fields if field.takes in (Takes.REF, Takes.REFS))


def _values(*kinds: type[StrEnum]) -> tuple[str, ...]:
    return tuple(each.value for kind in kinds for each in kind)


ID = Field("id", Takes.NUMBER, is_hidden=True, width=8)
VERSION = Field("version", Takes.NUMBER, is_hidden=True, width=8)
REF = Field("ref", width=14)
TITLE = Field("title", width=44)
DESCRIPTION = Field("description", width=60)
OWNER = Field("owner_id", Takes.REF, "owners", width=28)
WHY = Field("change_reason", width=32)

PRIORITIES = Sheet(
    "Priorities",
    "priority",
    (ID, VERSION, REF, TITLE, DESCRIPTION, Field("position", Takes.NUMBER, width=9), WHY),
    "The joint priorities of the strategy.",
)
WORKSTREAMS = Sheet(
    "Workstreams",
    "workstream",
    (
        ID,
        VERSION,
        REF,
        TITLE,
        Field("heading", width=28),
        Field("status", Takes.CHOICE, "workstream_status", _values(WorkstreamStatus)),
        Field("priority_ids", Takes.REFS, "priorities", width=28),
        Field("lead_organisation_id", Takes.REF, "organisations", width=24),
        OWNER,
        Field("starts_on", Takes.DATE, width=12),
        Field("ends_on", Takes.DATE, width=12),
        DESCRIPTION,
        WHY,
    ),
    "The work that serves the priorities.",
)
MILESTONES = Sheet(
    "Milestones",
    "milestone",
    (
        ID,
        VERSION,
        REF,
        Field("workstream_id", Takes.REF, "workstreams", width=24),
        TITLE,
        Field("kind", Takes.CHOICE, choices=_values(MilestoneKind), width=13),
        OWNER,
        Field("weight", Takes.NUMBER, width=9),
        Field("agreed_on", Takes.DATE, width=12),
        Field("start_on", Takes.DATE, width=12),
        Field("due_on", Takes.DATE, width=12),
        Field("due_precision", Takes.CHOICE, choices=_values(Precision), width=14),
        DESCRIPTION,
        WHY,
        Field("status_now", is_shown_only=True, width=14),
        Field("percent_now", Takes.NUMBER, is_shown_only=True, width=13),
        Field("rag", is_shown_only=True, width=13),
    ),
    "What is to be done. Say why where a due date or a weight changes on which progress was reported.",
)
UPDATES = Sheet(
    "Updates to report",
    "update",
    (
        Field("milestone_id", Takes.NUMBER, is_hidden=True, width=8),
        Field("last_update_id", Takes.NUMBER, is_hidden=True, width=8),
        Field("ref", width=14),
        Field("title", is_shown_only=True, width=44),
        Field("workstream", is_shown_only=True, width=24),
        Field("due_on", Takes.DATE, is_shown_only=True, width=12),
        Field("reported_on", Takes.DATE, is_shown_only=True, width=13),
        Field("status_now", is_shown_only=True, width=14),
        Field("percent_now", Takes.NUMBER, is_shown_only=True, width=13),
        Field("rag", is_shown_only=True, width=13),
        Field("effective_on", Takes.DATE, width=13),
        Field("status", Takes.CHOICE, choices=_values(MilestoneStatus), width=14),
        Field("percent_complete", Takes.NUMBER, width=18),
        Field("forecast_on", Takes.DATE, width=13),
        Field("confidence", Takes.CHOICE, choices=_values(Confidence), width=13),
        Field("narrative", width=60),
        Field("evidence_title", width=24),
        Field("evidence_url", width=32),
    ),
    "One line for each milestone: fill in a status, and what else you know, where there is something to report.",
)
INDICATORS = Sheet(
    "Indicators",
    "indicator",
    (
        ID,
        VERSION,
        REF,
        TITLE,
        Field("unit", width=24),
        Field("polarity", Takes.CHOICE, choices=_values(Polarity), width=13),
        Field("comparator", width=18),
        Field("priority_ids", Takes.REFS, "priorities", width=28),
        Field("workstream_id", Takes.REF, "workstreams", width=24),
        WHY,
    ),
    "The outcome measures.",
)
# In this order they are read back: what is named must be there first.
SHEETS = (PRIORITIES, WORKSTREAMS, MILESTONES, UPDATES, INDICATORS)
# What somebody fills in for a report; a line without any of it reports nothing.
REPORTED = tuple(each.name for each in UPDATES.read_back if each.name not in ("milestone_id", "last_update_id", "ref"))
