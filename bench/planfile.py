"""Writing rows as the plan file that `tracker load` reads."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Copied:
    """The rows of a table."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def __iter__(self) -> Iterator[Row]:
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


@dataclass(frozen=True)
class Refs:
    """The refs of a table by id; that of no id is None."""

    by_id: Mapping[int, str]

    def __getitem__(self, row_id: int | None) -> str | None:
        return None if row_id is None else self.by_id[row_id]


def plan_file(data: Mapping[str, Copied]) -> Row:
    """Return the plan file that holds these tables."""
    refs = {name: Refs({row["id"]: row["ref"] for row in data[name]}) for name in ("organisation", "owner", "priority")}
    partners, served = links_of(data["strategy_organisation"]), links_of(data["workstream_priority"])
    priorities, workstreams = by(data["priority"], "strategy_id"), by(data["workstream"], "strategy_id")
    milestones, updates = by(data["milestone"], "workstream_id"), by(data["status_update"], "milestone_id")

    def milestone(row: Row) -> Row:
        names = ("ref", "kind", "title", "description", "weight", "agreed_on", "start_on", "due_on", "due_precision")
        return {
            **only(row, *names),
            "owner": refs["owner"][row["owner_id"]],
            "updates": [report(update) for update in updates[row["id"]]],
        }

    def workstream(row: Row) -> Row:
        return {
            **only(row, "ref", "title", "description", "heading", "status"),
            "lead": refs["organisation"][row["lead_organisation_id"]],
            "owner": refs["owner"][row["owner_id"]],
            "priorities": [refs["priority"][other] for other in served[row["id"]]],
            "milestones": [milestone(each) for each in milestones[row["id"]]],
        }

    def strategy(row: Row) -> Row:
        return {
            **only(row, "ref", "title", "starts_on"),
            "organisations": [refs["organisation"][other] for other in partners[row["id"]]],
            "priorities": [only(each, "ref", "title", "position") for each in priorities[row["id"]]],
            "workstreams": [workstream(each) for each in workstreams[row["id"]]],
        }

    def owner(row: Row) -> Row:
        return {**only(row, "ref", "post"), "organisation": refs["organisation"][row["organisation_id"]]}

    return {
        "format": "partnership-plan",
        "format_version": 1,
        "organisations": [only(row, "ref", "name", "kind") for row in data["organisation"]],
        "owners": [owner(row) for row in data["owner"]],
        "strategies": [strategy(row) for row in data["strategy"]],
    }


def report(row: Row) -> Row:
    """Return the entry of one report."""
    return only(row, "effective_on", "status", "percent_complete", "forecast_on", "confidence", "narrative")


def only(row: Row, *names: str) -> Row:
    """Return some fields of a row."""
    return {name: row[name] for name in names}


def by(rows: Iterable[Row], name: str) -> Mapping[int, list[Row]]:
    """Return rows by the value of a field."""
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def links_of(copied: Copied) -> Mapping[int, list[int]]:
    """Return the second ids of a table of links by the first."""
    found: dict[int, list[int]] = defaultdict(list)
    for first, second, *_ in copied.rows:
        found[first].append(second)
    return found
