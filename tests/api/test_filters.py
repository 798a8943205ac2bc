"""Every filter of every list keeps what it says and leaves out the rest; progress counts what the list shows."""

from dataclasses import dataclass
from typing import Any

import pytest

from service.access.rows import PAGING
from service.automation.schedules import SCHEDULES
from service.automation.schemas import DeliveryQuery
from service.automation.webhooks import WEBHOOKS
from service.outcomes.schemas import AllObservationsQuery
from service.outcomes.service import INDICATORS
from service.plan.catalogue import COLLECTIONS
from service.plan.schemas import StatusUpdateQuery
from service.progress.milestones import MILESTONES
from service.progress.schemas import MilestoneFilters
from service.reporting.reports import REPORTS
from tests.conftest import Api
from tests.factories import Body, noted_delivery, published_report

QUERIES: dict[str, type[Any]] = {
    **{each.name: each.query for each in (*COLLECTIONS, MILESTONES, INDICATORS, REPORTS, SCHEDULES, WEBHOOKS)},
    "deliveries": DeliveryQuery,
    "updates": StatusUpdateQuery,
    "observations": AllObservationsQuery,
}
DECLARED = {(name, field) for name, query in QUERIES.items() for field in query.model_fields.keys() - PAGING}
HOPE = [f"HOPE-{number}" for number in range(1, 11)]
SAMPLE_MILESTONES = [
    *("SMS-1", "SMS-2", "SMS-3", "DSR-1", "SUI-1", "SUI-2", "SBO-1", "DAC-1", *HOPE),
    *("DAP-1", "DAP-2", "HCD-1", "HCD-2", "UPB-1"),
]
SINCE = "{since}"
# What is asked of the sample plan, to which `_more` adds a row `new` of everything, and which rows that is to give.
# A word in braces is the id of a row, by its collection and ref.
CASES: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("organisations", "kind"): ("council", ["lcc", "leicester-city", "rutland", "districts"]),
    ("organisations", "parent_id"): (
        "{organisations lcc}",
        ["lcc-public-health", "lcc-community-safety", "lcc-cfs", "lcc-bi"],
    ),
    ("organisations", "q"): ("cOUNTY", ["lcc", "rutland"]),
    ("organisations", "ref"): ("opcc", ["opcc"]),
    ("owners", "organisation_id"): (
        "{organisations lcc-public-health}",
        ["director-public-health", "consultant-public-health"],
    ),
    ("owners", "q"): ("consult", ["consultant-public-health"]),
    ("owners", "ref"): ("director-public-health", ["director-public-health"]),
    ("boards", "parent_id"): ("{boards hwb}", ["upb"]),
    ("boards", "q"): ("prevention", ["upb", "llr-sapg"]),
    ("boards", "ref"): ("cabinet", ["cabinet"]),
    ("areas", "parent_id"): ("{areas llr}", ["leicestershire", "leicester", "rutland-area"]),
    ("areas", "q"): ("leicester", ["llr", "leicestershire", "leicester"]),
    ("areas", "ref"): ("leicester", ["leicester"]),
    ("strategies", "board_id"): ("{boards lscsb}", ["joint-priorities"]),
    ("strategies", "organisation_id"): ("{organisations new}", ["new"]),
    ("strategies", "q"): ("joint", ["joint-priorities"]),
    ("strategies", "ref"): ("joint-priorities", ["joint-priorities"]),
    ("priorities", "strategy_id"): ("{strategies new}", ["new"]),
    ("priorities", "q"): ("misuse", ["drug-misuse", "alcohol-misuse"]),
    ("priorities", "ref"): ("mental-health", ["mental-health"]),
    ("workstreams", "area_id"): ("{areas new}", ["new"]),
    ("workstreams", "lead_organisation_id"): ("{organisations lcc}", ["suicide-campaign", "unified-prevention"]),
    ("workstreams", "organisation_id"): (
        "{organisations lcc}",
        ["suicide-campaign", "people-zones", "unified-prevention"],
    ),
    ("workstreams", "owner_id"): ("{owners new}", ["new"]),
    ("workstreams", "priority_id"): (
        "{priorities mental-health}",
        ["suicide-campaign", "bereavement-offer", "indicator-dashboard", "people-zones", "unified-prevention"],
    ),
    ("workstreams", "q"): ("domestic", ["da-commissioning", "hope-project", "da-action-plan"]),
    ("workstreams", "ref"): ("hope-project", ["hope-project"]),
    ("workstreams", "status"): ("proposed", ["new"]),
    ("workstreams", "strategy_id"): ("{strategies new}", ["new"]),
    ("milestones", "as_at"): ("2017-12-15", SAMPLE_MILESTONES),
    ("milestones", "due_after"): ("2019-02-28", ["SMS-2", *HOPE[3:]]),
    ("milestones", "due_before"): ("2019-01-31", ["SUI-1", "SUI-2"]),
    ("milestones", "kind"): ("action", ["DSR-1", "DAC-1", "HCD-2", "UPB-1"]),
    ("milestones", "organisation_id"): ("{organisations lcc}", ["SUI-1", "SUI-2", "UPB-1"]),
    ("milestones", "overdue"): ("true", ["HOPE-3"]),
    ("milestones", "owner_id"): ("{owners new}", ["new"]),
    ("milestones", "priority_id"): (
        "{priorities mental-health}",
        ["SUI-1", "SUI-2", "SBO-1", "HCD-1", "HCD-2", "UPB-1"],
    ),
    ("milestones", "q"): ("REFUGE", ["DAC-1", "HOPE-4", "HOPE-5"]),
    ("milestones", "rag"): ("red", HOPE[2:]),
    ("milestones", "ref"): ("HOPE-1", ["HOPE-1"]),
    ("milestones", "status"): ("complete", ["DSR-1", "SUI-1", "SUI-2", "HOPE-1", "HOPE-2", "DAP-1"]),
    ("milestones", "strategy_id"): ("{strategies new}", ["new"]),
    ("milestones", "workstream_id"): ("{workstreams hope-project}", HOPE),
    ("decisions", "board_id"): ("{boards lscsb}", ["lscsb-2016-12", "lscsb-2017-12", "lscsb-2018-12"]),
    ("decisions", "kind"): ("endorse", ["lscsb-2017-12", "hwb-endorse"]),
    ("decisions", "outcome"): ("pending", ["lscsb-2018-12"]),
    ("decisions", "priority_id"): ("{priorities new}", ["new"]),
    ("decisions", "q"): ("suicide", ["cabinet-2018-01"]),
    ("decisions", "ref"): ("hwb-endorse", ["hwb-endorse"]),
    ("decisions", "strategy_id"): ("{strategies new}", ["new"]),
    ("decisions", "workstream_id"): ("{workstreams new}", ["new"]),
    ("funding-awards", "funder_id"): ("{organisations mhclg}", ["hope-mhclg"]),
    ("funding-awards", "q"): ("HOPE", ["hope-mhclg"]),
    ("funding-awards", "ref"): ("new", ["new"]),
    ("funding-awards", "status"): ("bid", ["new"]),
    ("funding-awards", "strategy_id"): ("{strategies new}", ["new"]),
    ("funding-awards", "workstream_id"): ("{workstreams bereavement-offer}", ["bereavement-opcc"]),
    ("indicators", "priority_id"): ("{priorities new}", ["new"]),
    ("indicators", "q"): ("criminal JUSTICE", ["cj-referrals", "cj-completion"]),
    ("indicators", "ref"): ("cj-referrals", ["cj-referrals"]),
    ("indicators", "strategy_id"): ("{strategies new}", ["new"]),
    ("indicators", "workstream_id"): ("{workstreams new}", ["new"]),
    ("updates", "effective_after"): ("2018-12-11", ["new"]),
    ("updates", "effective_before"): ("2018-12-10", ["SUI-1", "SUI-2"]),
    ("updates", "milestone_id"): ("{milestones SBO-1}", ["SBO-1"]),
    ("updates", "organisation_id"): ("{organisations lcc}", ["SUI-1", "SUI-2", "UPB-1"]),
    ("updates", "owner_id"): ("{owners new}", ["new"]),
    ("updates", "priority_id"): (
        "{priorities mental-health}",
        ["SUI-1", "SUI-2", "SBO-1", "HCD-1", "HCD-2", "UPB-1"],
    ),
    ("updates", "recorded_since"): (SINCE, ["new"]),
    ("updates", "status"): ("proposed", ["UPB-1"]),
    ("updates", "strategy_id"): ("{strategies new}", ["new"]),
    ("updates", "workstream_id"): ("{workstreams hope-project}", HOPE),
    ("observations", "area_id"): ("{areas new}", ["Everybody"]),
    ("observations", "category"): ("Opiate", ["Opiate"]),
    ("observations", "indicator_id"): ("{indicators prison-release}", ["all"]),
    ("observations", "strategy_id"): ("{strategies new}", ["Some"]),
    ("reports", "q"): ("all is well", ["2017-18-Q4"]),
    ("reports", "quarter"): ("2018-19-Q3", ["2018-19-Q3"]),
    ("reports", "ref"): ("2017-18-Q4", ["2017-18-Q4"]),
    ("reports", "status"): ("published", ["2018-19-Q3"]),
    ("reports", "strategy_id"): ("{strategies new}", ["2017-18-Q4"]),
    ("report-schedules", "strategy_id"): ("{strategies new}", ["quarterly"]),
    ("webhooks", "q"): ("new.example", ["new"]),
    ("webhooks", "ref"): ("new", ["new"]),
    ("webhooks", "strategy_id"): ("{strategies new}", ["new"]),
    ("deliveries", "kind"): ("folder", ["folder"]),
    ("deliveries", "report_id"): ("{reports 2018-19-Q3}", ["folder"]),
    ("deliveries", "strategy_id"): ("{strategies new}", ["update.created"]),
    ("deliveries", "webhook_id"): ("{webhooks new}", ["update.created"]),
    **{(each.name, "updated_since"): (SINCE, ["new"]) for each in (*COLLECTIONS, MILESTONES, INDICATORS, WEBHOOKS)},
    ("reports", "updated_since"): (SINCE, ["2017-18-Q4"]),
}
AS_AT = "2019-02-15"
of_milestones = pytest.mark.parametrize("field", sorted(MilestoneFilters.model_fields))


@dataclass
class Stage:
    """The service, the ids of its rows by collection and ref, and the instant since which `new` rows came."""

    api: Api
    ids: dict[str, int]
    since: str

    def resolved(self, value: str) -> str:
        """Return the value of a filter with the id of the row that it names."""
        return self.since if value == SINCE else str(self.ids.get(value, value))

    def listed(self, name: str, **asked: Any) -> list[str]:
        """Return the refs of the rows of a list (of reports, those of their milestones; of values, the categories)."""
        answer = self.api.get(
            f"/v1/{name}", params={"limit": 1000, **({"as_at": AS_AT} if name == "milestones" else {}), **asked}
        )
        assert answer.status_code == 200, answer.text
        refs = {
            row_id: key.removeprefix("{milestones ").rstrip("}") for key, row_id in self.ids.items() if "{mil" in key
        }
        return [
            refs[row["milestone_id"]]
            if name == "updates"
            else row.get("ref") or row.get("category") or row.get("event") or row.get("kind") or "all"
            for row in answer.json()["items"]
        ]


@pytest.fixture(scope="module")
def stage(served: Api) -> Stage:
    """The sample plan and a report on it, with a row `new` of everything."""
    ids = {}
    first = published_report(served, 1)["id"]
    served.made("/v1/report-schedules", strategy_id=1)
    served.made("/v1/webhooks", ref="first", strategy_id=1, url="https://example.org")
    noted_delivery(served, 1, kind="folder", report_id=first, webhook_id=None, event=None)
    for name in QUERIES.keys() - {"updates", "observations", "deliveries"}:
        for row in served.get(f"/v1/{name}").json()["items"]:
            ids[f"{{{name} {row['ref']}}}"] = row["id"]
    for name, body in more(ids):
        ids[f"{{{name} new}}"] = served.made(f"/v1/{name}", **body)["id"]
    since = served.get("/v1/organisations?ref=new").json()["items"][0]["created_at"]
    new = ids["{milestones new}"]
    served.made(f"/v1/milestones/{new}/updates", status="in_progress", effective_on="2019-02-01")
    value = {"published_on": "2019-02-01", "value": 1, "category": "Everybody", "area_id": ids["{areas new}"]}
    served.made("/v1/indicators/2/observations", **value)
    of_new = {"published_on": "2019-02-01", "value": 1, "category": "Some"}
    served.made(f"/v1/indicators/{ids['{indicators new}']}/observations", **of_new)
    noted_delivery(served, ids["{strategies new}"], webhook_id=ids["{webhooks new}"])
    return Stage(served, ids, since)


def more(ids: dict[str, int]) -> Any:
    """Yield a row `new` of each collection; the ids of those before are known when one is asked for."""
    named: Body = {"ref": "new", "name": "New"}
    titled: Body = {"ref": "new", "title": "New"}

    def new(name: str) -> int:
        return ids[f"{{{name} new}}"]

    yield "organisations", {**named, "kind": "nhs"}
    yield "owners", {"ref": "new", "post": "New", "organisation_id": new("organisations")}
    yield "boards", named
    yield "areas", {**named, "kind": "county"}
    partners = {"organisation_ids": [new("organisations")], "board_ids": [new("boards")]}
    yield "strategies", {**titled, "starts_on": "2018-01-01", **partners}
    inside = {**titled, "strategy_id": new("strategies")}
    yield "priorities", inside
    serving = {"priority_ids": [new("priorities")], "area_ids": [new("areas")], "owner_id": new("owners")}
    yield "workstreams", {**inside, **serving, "lead_organisation_id": new("organisations"), "status": "proposed"}
    below = {"workstream_id": new("workstreams"), "agreed_on": "2018-01-01", "owner_id": new("owners")}
    yield "milestones", {**titled, **below}
    about = {"priority_ids": [new("priorities")], "workstream_ids": [new("workstreams")]}
    said = {"ref": "new", "kind": "note", "text": "New", "outcome": "agreed"}
    yield "decisions", {**said, "board_id": new("boards"), **about}
    award = {"workstream_id": new("workstreams"), "funder_id": new("organisations"), "status": "bid"}
    yield "funding-awards", {"ref": "new", **award}
    told = {"priority_ids": [new("priorities")], "workstream_id": new("workstreams")}
    yield "indicators", {**inside, **told, "unit": "percent", "polarity": "low_good"}
    quarter = {"quarter": "2017-18-Q4", "summary": "All is well."}
    yield "reports", {"strategy_id": new("strategies"), **quarter}
    yield "report-schedules", {"strategy_id": new("strategies")}
    yield "webhooks", {"ref": "new", "strategy_id": new("strategies"), "url": "https://new.example.org"}


def test_every_filter_has_a_case() -> None:
    assert set(CASES) == DECLARED


@pytest.mark.parametrize(("name", "field"), sorted(CASES))
def test_a_filter_keeps_what_it_says(stage: Stage, name: str, field: str) -> None:
    value, wanted = CASES[name, field]
    everything = stage.listed(name)
    found = stage.listed(name, **{field: stage.resolved(value)})
    assert sorted(found) == sorted(wanted)
    assert 0 < len(found) < len(everything)


@of_milestones
def test_progress_counts_the_milestones_that_the_list_shows(stage: Stage, field: str) -> None:
    value, wanted = CASES["milestones", field]
    about = {"strategy_id": stage.ids["{strategies joint-priorities}"], field: stage.resolved(value)}
    days = {"from": AS_AT, "to": AS_AT}
    figures = stage.api.get("/v1/progress", params={**about, "as_at": AS_AT}).json()["total"]
    (point,) = stage.api.get("/v1/progress/trend", params={**about, **days}).json()["points"]
    changes = stage.api.get("/v1/progress/changes", params={**about, **days}).json()
    totals = [shown["milestones"]["total"] for shown in (figures, point["total"], changes["to"])]
    assert totals == [len(set(wanted) - {"new"})] * 3


@pytest.mark.parametrize("field", sorted(MilestoneFilters.model_fields.keys() - {"workstream_id"}))
def test_the_progress_of_a_workstream_counts_them_too(stage: Stage, field: str) -> None:
    value, wanted = CASES["milestones", field]
    where = f"/v1/workstreams/{stage.ids['{workstreams hope-project}']}/progress"
    answer = stage.api.get(where, params={field: stage.resolved(value), "as_at": AS_AT}).json()
    assert answer["total"]["milestones"]["total"] == len(set(wanted) & set(HOPE))


@pytest.mark.parametrize(
    ("name", "asked", "wanted"),
    [
        ("milestones", {"status": ["on_hold", "proposed"]}, ["UPB-1"]),
        ("milestones", {"rag": ["not_applicable", "not_due"]}, ["UPB-1", "SMS-2", "new"]),
        ("milestones", {"ref": ["SUI-2", "HOPE-1"]}, ["SUI-2", "HOPE-1"]),
        ("boards", {"ref": ["upb", "hwb", "nobody"]}, ["upb", "hwb"]),
        ("updates", {"status": ["proposed", "on_hold"]}, ["UPB-1"]),
    ],
)
def test_a_filter_given_several_times_keeps_any(stage: Stage, name: str, asked: Any, wanted: list[str]) -> None:
    assert sorted(stage.listed(name, **asked)) == sorted(wanted)


def test_several_filters_keep_what_all_of_them_do(stage: Stage) -> None:
    asked = {"q": "support", "kind": "deliverable", "due_after": "2020-01-01"}
    assert stage.listed("milestones", **asked) == ["HOPE-4", "HOPE-6", "HOPE-8"]


def test_what_is_not_overdue_can_be_asked_for(stage: Stage) -> None:
    assert set(stage.listed("milestones")) - set(stage.listed("milestones", overdue="false")) == {"HOPE-3"}


@pytest.mark.parametrize("text", ["%", "_", "/", "\\", "'"])
def test_a_text_is_looked_for_as_it_stands(stage: Stage, text: str) -> None:
    row = stage.api.made("/v1/boards", ref="odd", name=f"Odd {text} name")
    assert stage.listed("boards", q=f"d {text} N") == ["odd"]
    assert stage.listed("boards", q=f"{text}{text}") == []
    stage.api.delete(f"/v1/boards/{row['id']}")


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_filter_that_a_list_has_not_is_refused(stage: Stage, name: str) -> None:
    where = "/v1/indicators/2/observations" if name == "observations" else f"/v1/{name}"
    answer = stage.api.get(where, params={"colour": "red"})
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/colour"]


def test_a_filter_looks_at_what_was_known(stage: Stage) -> None:
    row = stage.api.made("/v1/boards", ref="moving", name="Moving", parent_id=stage.ids["{boards upb}"])
    stage.api.patch(f"/v1/boards/{row['id']}", {"parent_id": stage.ids["{boards cabinet}"]})
    asked = {"parent_id": stage.ids["{boards upb}"]}
    assert stage.listed("boards", **asked) == []
    assert stage.listed("boards", **asked, known_at=row["created_at"]) == ["moving"]
    stage.api.delete(f"/v1/boards/{row['id']}")
