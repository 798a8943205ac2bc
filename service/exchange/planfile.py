"""The plan file: a whole plan as one JSON document in which things refer to one another by ref.

`docs/plan-file.md` describes it. What can be checked without a database is checked here.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, create_model
from pydantic.fields import FieldInfo

from service.core.body import read_json
from service.core.errors import Invalid
from service.core.fields import Day, Input, Ref
from service.core.problems import fault_of
from service.outcomes.schemas import IndicatorCreate, ObservationCreate
from service.plan import schemas
from service.plan.rules import PartnerRole


def entry_of(name: str, create: type[Input], refs: dict[str, str], **more: Any) -> type[Input]:
    """Return the entry of a noun: its input, with refs in place of ids (an empty name leaves the field out)."""
    fields: dict[str, Any] = {}
    for field, info in create.model_fields.items():
        if field not in refs:
            fields[field] = (info.annotation, info)
        elif refs[field]:
            is_list, is_needed = field.endswith("_ids"), info.is_required()
            kind: Any = list[Ref] if is_list else (Ref if is_needed else Ref | None)
            said: Any = Field(
                ... if is_needed else ([] if is_list else None), description=_by_ref(info, is_list=is_list)
            )
            fields[refs[field]] = (kind, said)
    return create_model(name, __base__=Input, __doc__=create.__doc__, **{**fields, **more})


def _by_ref(info: FieldInfo, *, is_list: bool) -> str:
    """Return what a field means, and that it is given by ref."""
    return f"{str(info.description).rstrip('.')}, by {'their refs' if is_list else 'its ref'}."


class PartnerEntry(Input):
    """A partner of a workstream and what it does there."""

    organisation: Ref = Field(description="The partner, by its ref.")
    role: PartnerRole = Field(description="What it does.")


class StrategyItem(Input):
    """A priority or a workstream, named by its strategy and its own ref."""

    strategy: Ref = Field(description="The strategy, by its ref.")
    ref: Ref = Field(description="The ref of the priority or workstream in it.")


class ReportEntry(schemas.StatusUpdateCreate):
    """A report; in a file it always says of which date it is true."""

    effective_on: Day = Field(description="The date it is true of.")
    # Of a default list every entry would get a deep copy, which takes longer than the rest of a report.
    evidence: Annotated[
        list[schemas.Evidence], Field(default_factory=list, max_length=20, description="Where the proof is.")
    ]


def many(entry: type[Input], what: str) -> Any:
    """Return the field of a list of entries."""
    return (list[entry], Field(default_factory=list, description=what))  # type: ignore[valid-type]


OrganisationEntry = entry_of("OrganisationEntry", schemas.OrganisationCreate, {"parent_id": "parent"})
OwnerEntry = entry_of("OwnerEntry", schemas.OwnerCreate, {"organisation_id": "organisation"})
BoardEntry = entry_of("BoardEntry", schemas.BoardCreate, {"parent_id": "parent"})
AreaEntry = entry_of("AreaEntry", schemas.AreaCreate, {"parent_id": "parent"})
PriorityEntry = entry_of("PriorityEntry", schemas.PriorityCreate, {"strategy_id": ""})
AwardEntry = entry_of("AwardEntry", schemas.FundingAwardCreate, {"workstream_id": "", "funder_id": "funder"})
ObservationEntry = entry_of("ObservationEntry", ObservationCreate, {"area_id": "area"})
IndicatorEntry = entry_of(
    "IndicatorEntry",
    IndicatorCreate,
    {"strategy_id": "", "priority_ids": "priorities", "workstream_id": "workstream"},
    observations=many(ObservationEntry, "Its values."),
)
MilestoneEntry = entry_of(
    "MilestoneEntry",
    schemas.MilestoneCreate,
    {"workstream_id": "", "owner_id": "owner"},
    updates=many(ReportEntry, "The reports on it, in any order."),
)
WorkstreamEntry = entry_of(
    "WorkstreamEntry",
    schemas.WorkstreamCreate,
    {
        "strategy_id": "",
        "priority_ids": "priorities",
        "lead_organisation_id": "lead",
        "owner_id": "owner",
        "area_ids": "areas",
        "partners": "",
    },
    partners=many(PartnerEntry, "The other partners."),
    milestones=many(MilestoneEntry, "What is to be done in it."),
    funding_awards=many(AwardEntry, "Money for it."),
)
StrategyEntry = entry_of(
    "StrategyEntry",
    schemas.StrategyCreate,
    {"board_ids": "boards", "organisation_ids": "organisations"},
    priorities=many(PriorityEntry, "Its priorities, in their order."),
    workstreams=many(WorkstreamEntry, "Its programmes of work."),
    indicators=many(IndicatorEntry, "Its outcome measures."),
)
DecisionEntry = entry_of(
    "DecisionEntry",
    schemas.DecisionCreate,
    {"board_id": "board", "priority_ids": "", "workstream_ids": ""},
    priorities=many(StrategyItem, "The priorities it is about."),
    workstreams=many(StrategyItem, "The workstreams it is about."),
)


class PlanFileHead(Input):
    """What tells a plan file from any other."""

    format: Literal["partnership-plan"] = Field(description="Always `partnership-plan`.")
    format_version: Literal[1] = Field(description="Always 1.")


PlanFile = create_model(
    "PlanFile",
    __base__=PlanFileHead,
    __doc__="A whole plan.",
    organisations=many(OrganisationEntry, "The partners and their departments; a parent before its children."),
    owners=many(OwnerEntry, "The posts that answer for work."),
    boards=many(BoardEntry, "The governance bodies; a parent before its children."),
    areas=many(AreaEntry, "The places; a parent before its children."),
    strategies=many(StrategyEntry, "The plans."),
    decisions=many(DecisionEntry, "What boards decided or are asked to decide."),
)


def read_plan_file(raw: bytes) -> Any:
    """Return the plan that a file holds.

    Raises:
        Malformed: it is not JSON.
        Invalid: an entry does not fit; each fault names its exact place.
    """
    try:
        return PlanFile.model_validate(read_json(raw))
    except ValidationError as error:
        raise Invalid(*(fault_of(each) for each in error.errors(include_url=False))) from None
