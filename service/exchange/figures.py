"""Progress as tables: one row for the total and each group, at each date; or one for each milestone that moved it."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from pydantic import BaseModel, Field

from service.core.fields import Day, Id, Instant
from service.progress.schemas import Progress, ProgressChange

Row = dict[str, Any]


class FigureRow(BaseModel):
    """One figure of a roll-up or a trend."""

    strategy_id: Id = Field(description="The strategy.")
    as_at: Day = Field(description="The date of the figures.")
    known_at: Instant = Field(description="Whose knowledge they are of.")
    rules_version: int = Field(description="The version of the rules that made them.")
    group_by: str = Field(description="What the total is divided by.")
    scope: Literal["total", "group"] = Field(description="Whether the row is of all milestones, or of one group.")
    group_id: Id | None = Field(description="The group; null for the total, and for what has no owner.")
    group_ref: str | None = Field(description="Its ref.")
    group_title: str | None = Field(description="What it is called.")
    progress: Progress = Field(description="How its milestones stand.")


class MoveRow(ProgressChange):
    """What one milestone did to the figure between two dates."""

    strategy_id: Id = Field(description="The strategy.")
    from_as_at: Day = Field(description="The earlier date.")
    to_as_at: Day = Field(description="The later date.")
    from_known_at: Instant = Field(description="Whose knowledge the earlier figures are of.")
    known_at: Instant = Field(description="Whose knowledge the later figures are of.")
    rules_version: int = Field(description="The version of the rules that made them.")


def roll_up_rows(found: Row) -> Iterator[Row]:
    """Yield the rows of a roll-up: the total first."""
    yield from _point(found, found)


def trend_rows(found: Row) -> Iterator[Row]:
    """Yield the rows of a trend, point by point."""
    for point in found["points"]:
        yield from _point(found, point)


def _point(found: Row, point: Row) -> Iterator[Row]:
    head = {name: found[name] for name in ("strategy_id", "known_at", "rules_version", "group_by")}
    head["as_at"] = point["as_at"]
    nobody = {"group_id": None, "group_ref": None, "group_title": None}
    yield {**head, "scope": "total", **nobody, "progress": point["total"]}
    for group in point["groups"]:
        named = {f"group_{name}": group[name] for name in ("id", "ref", "title")}
        yield {**head, "scope": "group", **named, "progress": group["progress"]}


def move_rows(found: Row) -> Iterator[Row]:
    """Yield what each milestone did, the largest effect first."""
    names = ("strategy_id", "from_as_at", "to_as_at", "from_known_at", "known_at", "rules_version")
    head = {name: found[name] for name in names}
    for change in found["changes"]:
        yield {**head, **change}


FIGURES: dict[str, tuple[type[BaseModel], Callable[[Row], Iterator[Row]]]] = {
    "progress": (FigureRow, roll_up_rows),
    "progress_trend": (FigureRow, trend_rows),
    "progress_changes": (MoveRow, move_rows),
}
