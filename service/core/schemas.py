"""What every collection takes and gives: the common fields, merge patches, filters and histories."""

from copy import copy
from enum import StrEnum
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from service.core.fields import Id, IdInUrl, Input, Instant, Reason

Ids = Annotated[list[Id], Field(max_length=200, json_schema_extra={"uniqueItems": True})]


class Common(BaseModel):
    """What every row of the plan has."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)

    id: Id = Field(description="Number of the row; never used again.")
    version: int = Field(ge=1, description="1 when made, one more at each change.")
    created_at: Instant = Field(description="When the row was made.")
    updated_at: Instant = Field(description="When the row was last changed.")


def patch_of(name: str, create: type[Input], leave_out: frozenset[str] = frozenset()) -> type[Input]:
    """Return the merge patch of an input: its fields, each of which may be left out, and a reason.

    Null puts back what a new row has where the field is left out.
    """
    fields: dict[str, Any] = {field: _patched(create, field) for field in create.model_fields if field not in leave_out}
    reason = Field(
        default=None,
        description="Why; it stands in the history.",
        examples=["As agreed at the meeting."],
        json_schema_extra=_drop_default,
    )
    doc = f"The fields to change, null for what a new row has there; what is left out stays. {create.__doc__}"
    return create_model(name, __base__=Input, __doc__=doc, change_reason=(Reason | None, reason), **fields)


def _patched(create: type[Input], field: str) -> tuple[Any, FieldInfo]:
    """Return a field as a patch has it: null too, unless a new row must have it."""
    info = create.model_fields[field]
    if info.is_required() or NoneType in get_args(info.annotation):
        return info.annotation, _optional(info)
    # The type as it is written, for null must pass by the checks within it.
    kind: Any = create.__annotations__[field]
    said: Any = Field(
        default=None, description=info.description, examples=info.examples, json_schema_extra=_drop_default
    )
    return kind | None, said


def _optional(info: FieldInfo) -> FieldInfo:
    """Return a field with its checks and without its default, for where it is absent nothing changes."""
    optional = copy(info)
    optional.default = None
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}

    def amend(schema: dict[str, Any]) -> None:
        schema.update(extra)
        _drop_default(schema)

    optional.json_schema_extra = amend
    return optional


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


class KnownAt(Input):
    """The query parameter of a single row."""

    known_at: Instant | None = Field(
        None,
        description="Answer as it was known at this instant; now where left out.",
        examples=["2018-12-10T09:30:00Z"],
    )


T = TypeVar("T")
Several = Annotated[list[T], Field(max_length=100)]


def several(what: str, example: object) -> Any:
    """Return the field of a filter that may be given several times."""
    return Field(None, description=f"Only {what}; may be given several times.", examples=[[example]])


def ids_of(what: str) -> Any:
    """Return the field of a filter by id, which may be given several times."""
    return several(f"rows of {what}", 1)


UrlIds = Several[IdInUrl] | None


class Deed(StrEnum):
    """What was done to a row."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


class HistoryEntry(BaseModel):
    """Who made a version, when and why."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)

    version: int = Field(description="The version.")
    action: Deed = Field(description="What was done.")
    recorded_at: Instant = Field(description="When this became known.")
    recorded_until: Instant | None = Field(description="When it ceased to be; null while it holds.")
    recorded_by: Id | None = Field(description="The user who did it; null for the service itself.")
    reason: str | None = Field(description="Why, where a reason was given.")
