"""`ProgressByQuarter`: the figures of each priority and workstream at the end of each quarter, as a set to ask of.

The figures are worked out as everywhere else, from sums, and then handed to the database as a table, so that a filter
means the same of them as of any other set.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel, Field
from sqlalchemy import (
    Connection,
    FromClause,
    String,
    bindparam,
    select,
    text,
)
from sqlalchemy import column as named

from service.access.resource import View
from service.core.answers import to_json
from service.core.calendar import Quarter, quarter_of
from service.core.driver import is_sqlite
from service.core.fields import Day, Id, Ref, Title
from service.core.history import Known, Row, as_known
from service.exchange.cells import Kind
from service.exchange.odata.expressions import COLUMN_TYPES
from service.exchange.odata.model import TYPES, EntitySet
from service.exchange.odata.syntax import Call, FilterError, Literal, Node, Property
from service.plan import models
from service.progress.queries import Question
from service.progress.rules import GroupBy
from service.progress.schemas import MilestoneFilters, Progress
from service.progress.service import MOST_POINTS, trends

MOST_ROWS = 20_000
TOO_MANY = f"That is more than {MOST_ROWS} rows: filter by strategy_id eq …, one strategy at a time."
DIVISIONS = (GroupBy.PRIORITY, GroupBy.WORKSTREAM)
# What PostgreSQL calls the types of the columns.
POSTGRESQL_TYPES = {
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double precision",
    Kind.FLAG: "boolean",
    Kind.DATE: "date",
    Kind.TEXT: 'text COLLATE "C"',
}


class QuarterProgress(BaseModel):
    """How a priority or a workstream stood when a quarter ended, or stands in the one that runs."""

    group_by: str = Field(description="Which it is: priority or workstream.")
    group_id: Id = Field(description="The priority or the workstream.")
    quarter: str = Field(description="The quarter of the UK financial year, such as 2018-19-Q3.")
    strategy_id: Id = Field(description="Its strategy.")
    strategy_ref: Ref = Field(description="The ref of its strategy.")
    strategy_title: Title = Field(description="The title of its strategy.")
    group_ref: Ref = Field(description="Its ref.")
    group_title: Title = Field(description="Its title.")
    quarter_starts_on: Day = Field(description="The first day of the quarter.")
    as_at: Day = Field(description="The date of the figures: the last day of the quarter, or today where it runs.")
    is_over: bool = Field(description="Whether the quarter has ended.")
    rules_version: int = Field(description="The version of the rules that made the figures.")
    progress: Progress = Field(description="How its milestones stand.")


PROGRESS_BY_QUARTER = EntitySet(
    name="ProgressByQuarter",
    entity="QuarterProgress",
    model=QuarterProgress,
    keys=("group_by", "group_id", "quarter"),
    has_date=True,
)


@dataclass(frozen=True)
class _Plan:
    """A strategy, as far as its quarters go."""

    id: int
    ref: str
    title: str
    starts_on: date
    ends_on: date | None

    def quarters(self, today: date) -> list[Quarter]:
        """Return the quarters from the strategy's first to its last, or to the one that runs; the newest ones only."""
        quarter, found = quarter_of(self.starts_on), []
        last = min(today, self.ends_on or today)
        while quarter.first_day <= last:
            found.append(quarter)
            quarter = quarter.next
        return found[-MOST_POINTS:]


def quarter_rows(connection: Connection, view: View, known: Known, tree: Node | None) -> FromClause:
    """Return the figures as a table: of the strategies that a filter names, or else of all that may be seen.

    Raises:
        FilterError: there are more than can be worked out at once.
    """
    rows: list[Row] = []
    columns = PROGRESS_BY_QUARTER.columns
    for plan in _plans(connection, view, wanted_numbers(tree, "strategy_id")):
        for row in _rows_of(connection, view, known, plan):
            rows.append({column.name: column.find(row) for column in columns})
            if len(rows) > MOST_ROWS:
                raise FilterError(TOO_MANY, is_unsupported=True)
    return _as_table(connection, rows)


def _plans(connection: Connection, view: View, wanted: frozenset[int] | None) -> list[_Plan]:
    lens = view.lens
    held = as_known(models.strategy, lens.seq)
    found = select(held.c.id, held.c.ref, held.c.title, held.c.starts_on, held.c.ends_on)
    found = found.where(lens.shows(held.c.id)).order_by(held.c.id)
    if wanted is not None:
        found = found.where(held.c.id.in_(wanted))
    return [_Plan(*row) for row in connection.execute(found, view.parameters)]


def _rows_of(connection: Connection, view: View, known: Known, plan: _Plan) -> Iterator[Row]:
    quarters = {min(each.last_day, view.as_at): each for each in plan.quarters(view.as_at)}
    if not quarters:
        return
    question = Question(view.sight, plan.id, MilestoneFilters(), DIVISIONS[0], known)
    for group_by, found in zip(DIVISIONS, trends(connection, question, list(quarters), DIVISIONS), strict=True):
        for point in found["points"]:
            quarter = quarters[point["as_at"]]
            for group in point["groups"]:
                yield {
                    "group_by": group_by.value,
                    "group_id": group["id"],
                    "quarter": quarter.name,
                    "strategy_id": plan.id,
                    "strategy_ref": plan.ref,
                    "strategy_title": plan.title,
                    "group_ref": group["ref"],
                    "group_title": group["title"],
                    "quarter_starts_on": quarter.first_day,
                    "as_at": point["as_at"],
                    "is_over": quarter.last_day < view.as_at,
                    "rules_version": found["rules_version"],
                    "progress": group["progress"],
                }


def _as_table(connection: Connection, rows: list[Row]) -> FromClause:
    """Return rows as a table, handed to the database as one JSON value."""
    columns = PROGRESS_BY_QUARTER.columns
    if is_sqlite(connection):
        parts = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in PROGRESS_BY_QUARTER.by_name)
        sql = f"SELECT {parts} FROM json_each(:quarter_rows)"  # noqa: S608 The names are the model's.
    else:
        parts = ", ".join(f"{column.name} {POSTGRESQL_TYPES[column.kind]}" for column in columns)
        sql = f"SELECT * FROM json_to_recordset(CAST(:quarter_rows AS json)) AS quarter_rows({parts})"  # noqa: S608 As above.
    given = bindparam("quarter_rows", to_json(rows).decode(), type_=String)
    found = (
        text(sql)
        .bindparams(given)
        .columns(*(named(column.name, COLUMN_TYPES[TYPES[column.kind]]) for column in columns))
    )
    return found.subquery()


def wanted_numbers(tree: Node | None, name: str) -> frozenset[int] | None:
    """Return the numbers that a property must be one of for a filter to hold; None where the filter leaves it open.

    `strategy_id eq 1 and quarter gt '2018'` leaves 1 alone.
    """
    if not isinstance(tree, Call):
        return None
    if tree.name == "and":
        told = [each for each in (wanted_numbers(part, name) for part in tree.arguments) if each is not None]
        return frozenset.intersection(*told) if told else None
    if tree.name in ("eq", "in") and tree.arguments[0] == Property(name):
        values = [each.value for each in tree.arguments[1:] if isinstance(each, Literal)]
        if len(values) == len(tree.arguments) - 1 and all(type(each) is int for each in values):
            return frozenset(values)
    return None
