"""The content of a report: its facts, arranged as readers look for them. `report.json` is this and nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.core.calendar import quarter_of
from service.core.history import Row
from service.progress.rules import COUNT_NAMES, RULES_VERSION
from service.reporting.queries import Facts
from service.reporting.rules import (
    OTHER_WORK,
    Content,
    Move,
    completed,
    due_next,
    hopeful,
    moves,
    moves_in_words,
    not_reported,
    overdue,
    rescheduled,
)

FORMAT_VERSION = 1
PENDING = "pending"
MILESTONE_FIELDS = (
    "id",
    "ref",
    "title",
    "kind",
    "workstream_id",
    "weight",
    "start_on",
    "due_on",
    "due_precision",
    "baseline_due_on",
    "status",
    "percent_complete",
    "forecast_on",
    "confidence",
    "reported_on",
    "rag",
    "overdue",
)
LISTS = {
    "completed": completed,
    "overdue": overdue,
    "due_next_quarter": due_next,
    "rescheduled": rescheduled,
    "not_reported_on": not_reported,
    "more_confident_than_the_rules": hopeful,
}


def arrange(facts: Facts) -> Content:
    """Return the content of a report."""
    found = moves(facts.sides)
    moved: dict[int, list[Move]] = defaultdict(list)
    for move in found:
        moved[move.row["workstream_id"]].append(move)
    comments = _comments(facts.report["commentary"])
    progress = {group["id"]: group["progress"] for group in facts.by_workstream["groups"]}
    return {
        "format": "tracker-report",
        "format_version": FORMAT_VERSION,
        "report": _head(facts),
        "summary": facts.report["summary"],
        "total": facts.by_priority["total"],
        "priorities": [
            {
                **{name: row[name] for name in ("id", "ref", "title", "description")},
                "progress": group["progress"],
                "commentary": comments.get(("priority_id", row["id"]), ""),
            }
            for row, group in zip(facts.priorities, facts.by_priority["groups"], strict=True)
        ],
        "workstreams": [
            _workstream(
                facts, row, progress[row["id"]], comments.get(("workstream_id", row["id"]), ""), moved[row["id"]]
            )
            for row in _in_reading_order(facts.workstreams)
        ],
        "correction": _correction(facts),
        "changes": _changes(facts, moves_in_words(found)),
        "trend": _trend(facts),
        "lists": {name: [row["id"] for row in pick(facts.sides)] for name, pick in LISTS.items()},
        "milestones": [
            {**{name: row[name] for name in MILESTONE_FIELDS}, "reschedule_reason": facts.reasons.get(row["id"])}
            for row in facts.sides.now.values()
        ],
        "indicators": _indicators(facts),
        "funding": _funding(facts),
        "decisions": [_decision(facts, row) for row in _dated(facts.decisions) if row["outcome"] != PENDING],
        "recommendations": [_decision(facts, row) for row in _dated(facts.decisions) if row["outcome"] == PENDING],
        "contacts": _contacts(facts),
    }


def _head(facts: Facts) -> Content:
    report, last = facts.report, facts.last.report
    return {
        **{name: report[name] for name in ("ref", "quarter", "edition", "status", "as_at")},
        "known_at": facts.known.at,
        "rules_version": RULES_VERSION,
        "strategy": {name: facts.strategy[name] for name in ("id", "ref", "title", "starts_on", "ends_on")},
        "boards": [facts.boards[each]["name"] for each in facts.strategy["board_ids"]],
        "partners": [facts.organisations[each]["name"] for each in facts.strategy["organisation_ids"]],
        "compared_with": None
        if last is None
        else {name: last[name] for name in ("ref", "quarter", "edition", "as_at", "known_at")},
    }


def _comments(commentary: Iterable[Row]) -> dict[tuple[str, int], str]:
    return {
        (name, comment[name]): comment["text"]
        for comment in commentary
        for name in ("priority_id", "workstream_id")
        if comment[name] is not None
    }


def _in_reading_order(workstreams: list[Row]) -> list[Row]:
    """Return workstreams under the headings of the board papers, other ongoing work at the end."""
    headings = list(dict.fromkeys(row["heading"] for row in workstreams))
    order = {heading: place for place, heading in enumerate(headings)}
    return sorted(workstreams, key=lambda row: (row["heading"] == OTHER_WORK, order[row["heading"]], row["id"]))


def _workstream(facts: Facts, row: Row, progress: Row, commentary: str, moved: Sequence[Move]) -> Content:
    names = {each["id"]: each["title"] for each in facts.priorities}
    owner = facts.owners.get(row["owner_id"])
    return {
        **{name: row[name] for name in ("id", "ref", "title", "heading", "description", "status")},
        "priorities": [names[each] for each in row["priority_ids"]],
        "lead": facts.organisations[row["lead_organisation_id"]]["name"],
        "owner": None if owner is None else owner["post"],
        "partners": [
            {"name": facts.organisations[each["organisation_id"]]["name"], "role": each["role"]}
            for each in row["partners"]
        ],
        "progress": progress,
        "commentary": commentary,
        "moved": moves_in_words(moved),
    }


def _changes(facts: Facts, words: list[str]) -> Content:
    found = facts.changes
    return {
        "from_as_at": found["from_as_at"],
        "from_known_at": found["from_known_at"],
        "from_percent_complete": found["from"]["percent_complete"],
        "to_percent_complete": found["to"]["percent_complete"],
        "delta": found["delta"],
        "words": words,
        "effects": [
            {
                **{name: each["milestone"][name] for name in ("id", "ref", "title", "workstream_id")},
                "reason": each["reason"],
                "effect": each["effect"],
            }
            for each in found["changes"]
        ],
    }


def _correction(facts: Facts) -> Content | None:
    edition = facts.corrected
    if edition is None:
        return None
    figures = restated((edition.by_priority, edition.by_workstream), (facts.by_priority, facts.by_workstream))
    return {"edition": edition.report["edition"], "reason": edition.reason, "figures": figures}


Figures = tuple[Mapping[str, Any], Mapping[str, Any]]


def restated(published: Figures, now: Figures) -> list[Content]:
    """Return the figures that differ between two roll-ups by priority and workstream of the same date."""
    then, after = _each_progress(published), _each_progress(now)
    found: list[Content] = []
    for key in sorted(then.keys() | after.keys(), key=lambda each: (SCOPES.index(each[0]), each[1] or 0)):
        group = after.get(key) or then[key]
        old, new = (_flat(each[key]["progress"]) if key in each else {} for each in (then, after))
        found += [
            {
                "scope": key[0],
                **{name: group[name] for name in ("id", "ref", "title")},
                "figure": name,
                "published": old.get(name),
                "now": new.get(name),
            }
            for name in (*FIGURES, *COUNT_NAMES)
            if old.get(name) != new.get(name)
        ]
    return found


SCOPES = ("total", "priority", "workstream")
FIGURES = ("percent_complete", "planned_percent", "schedule_performance_index", "rag")


def _each_progress(figures: Figures) -> dict[tuple[str, int | None], Any]:
    by_priority, by_workstream = figures
    total = {"id": None, "ref": None, "title": None, "progress": by_priority["total"]}
    return {
        ("total", None): total,
        **{("priority", group["id"]): group for group in by_priority["groups"]},
        **{("workstream", group["id"]): group for group in by_workstream["groups"]},
    }


def _flat(progress: Row) -> Row:
    return {**{name: progress[name] for name in FIGURES}, **progress["milestones"]}


def _trend(facts: Facts) -> list[Content]:
    return [
        {
            "as_at": point["as_at"],
            "quarter": quarter_of(point["as_at"]).name,
            "percent_complete": point["total"]["percent_complete"],
            "planned_percent": point["total"]["planned_percent"],
            "schedule_performance_index": point["total"]["schedule_performance_index"],
            "rag": point["total"]["rag"],
        }
        for point in facts.trend["points"]
    ]


def _indicators(facts: Facts) -> list[Content]:
    return [
        {
            **{name: row[name] for name in ("id", "ref", "title", "unit", "polarity", "comparator", "workstream_id")},
            "observations": [
                {
                    name: each[name]
                    for name in (
                        "category",
                        "period_start",
                        "period_end",
                        "published_on",
                        "value",
                        "comparator_value",
                        "lower",
                        "upper",
                        "difference",
                        "judgement",
                        "commentary",
                    )
                }
                for each in facts.observations
                if each["indicator_id"] == row["id"]
            ],
        }
        for row in facts.indicators
    ]


def _funding(facts: Facts) -> list[Content]:
    titles = {row["id"]: row["title"] for row in facts.workstreams}
    return [
        {
            **{name: row[name] for name in ("ref", "amount", "status", "starts_on", "ends_on")},
            "workstream": titles[row["workstream_id"]],
            "funder": facts.organisations[row["funder_id"]]["name"],
        }
        for row in facts.awards
    ]


def _dated(decisions: list[Row]) -> list[Row]:
    """Return decisions by their dates, those without one last."""
    return sorted(decisions, key=lambda row: (row["decided_on"] is None, row["decided_on"] or 0, row["id"]))


def _decision(facts: Facts, row: Row) -> Content:
    shown = {name: row[name] for name in ("ref", "decided_on", "precision", "kind", "text", "outcome")}
    return {**shown, "board": facts.boards[row["board_id"]]["name"]}


def _contacts(facts: Facts) -> list[Content]:
    """Return the posts that answer for something, or belong to an organisation that leads; no names of people."""
    leads = {row["lead_organisation_id"] for row in facts.workstreams}
    owning = {row["owner_id"] for row in (*facts.workstreams, *facts.sides.now.values())}
    return [
        {"post": row["post"], "organisation": _whole_name(facts.organisations, row["organisation_id"])}
        for row in facts.owners.values()
        if row["id"] in owning or row["organisation_id"] in leads
    ]


def _whole_name(organisations: Mapping[int, Row], organisation_id: int | None) -> str:
    """Return an organisation's name with those of the organisations that it is a department of."""
    names = []
    while organisation_id is not None:
        row = organisations[organisation_id]
        names.append(row["name"])
        organisation_id = row["parent_id"]
    return ", ".join(names)
