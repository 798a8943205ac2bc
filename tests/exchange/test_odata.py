"""The feed as Excel, Power BI and others ask it: sets, pages, forms, keys, clocks, errors, and who sees what."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import httpx2 as httpx
import pytest

from service.access.roles import Role, Scope
from service.exchange.odata.catalogue import SETS
from service.exchange.odata.syntax import DEEPEST, MOST_TOGETHER
from tests.conftest import Api, serving
from tests.factories import make_milestone, make_plan

Rows = list[dict[str, Any]]
HOME = "http://testserver"
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
# What the Mashup engine of Excel and Power BI sends.
MASHUP = {
    "OData-MaxVersion": "4.0",
    "MaxDataServiceVersion": "3.0",
    "User-Agent": "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)",
    "Accept": (
        "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,"
        "application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7"
    ),
}
# The lists of the API that sets show, by the names of the sets.
LISTS = {
    "Organisations": "organisations",
    "Owners": "owners",
    "Boards": "boards",
    "Strategies": "strategies",
    "Priorities": "priorities",
    "Workstreams": "workstreams",
    "Milestones": "milestones",
    "Decisions": "decisions",
    "FundingAwards": "funding-awards",
    "Indicators": "indicators",
    "StatusUpdates": "updates",
    "Observations": "observations",
}


def feed(api: Api, path: str, **headers: str) -> httpx.Response:
    """Ask the feed as Excel does."""
    sent = {**MASHUP, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return api.get(f"/odata/{path}", headers=sent)


def found(api: Api, path: str) -> Rows:
    """Return the rows of a question, page by page."""
    return list(_rows(api, path))


def _rows(api: Api, path: str) -> Iterator[dict[str, Any]]:
    following = path
    while following:
        answer = feed(api, following, Prefer="odata.maxpagesize=7")
        assert answer.status_code == 200, answer.text
        yield from answer.json()["value"]
        following = answer.json().get("@odata.nextLink", "").removeprefix(f"{HOME}/odata/")


def listed(api: Api, name: str) -> Rows:
    """Return the rows of a list of the API."""
    rows: Rows = api.get(f"/v1/{name}?limit=1000").json()["items"]
    return rows


def message(answer: httpx.Response) -> str:
    """Return what an error says, which is told as the protocol tells it."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers.get_list("odata-version") == ["4.0"]
    error = answer.json()["error"]
    assert error.keys() <= {"code", "message", "details"}
    return str(error["message"])


def test_excel_finds_its_way_from_the_root_to_the_rows(served: Api) -> None:
    root = feed(served, "")
    assert root.headers["content-type"].startswith("application/json;odata.metadata=minimal")
    assert root.json()["@odata.context"] == f"{HOME}/odata/$metadata"
    assert {(each["name"], each["kind"], each["url"]) for each in root.json()["value"]} == {
        (name, "EntitySet", name) for name in SETS
    }
    model = feed(served, "$metadata", Accept="application/xml")
    assert model.headers["content-type"] == "application/xml"
    rows = feed(served, "Milestones?$top=1000&$select=id,title,due_on")
    assert rows.json()["@odata.context"] == f"{HOME}/odata/$metadata#Milestones(id,title,due_on)"
    assert [row["id"] for row in rows.json()["value"]] == [row["id"] for row in listed(served, "milestones")]
    for answer in (root, model, rows):
        assert answer.headers.get_list("odata-version") == ["4.0"]


@pytest.mark.parametrize("path", ["Milestones", "Milestones(1)", "Milestones/$count", "Nothing", "", "$metadata"])
def test_the_version_is_named_exactly_once_and_who_is_unknown_is_asked_for_a_password(served: Api, path: str) -> None:
    answer = served.client.get(f"/odata/{path}")
    assert answer.status_code == 401
    assert "Basic" in answer.headers["www-authenticate"]
    assert "token" in message(answer)


def test_excel_signs_in_with_a_token_as_password(served: Api) -> None:
    answer = served.client.get("/odata/Priorities", auth=("whoever", served.token(Role.VIEWER)), headers=MASHUP)
    assert [row["ref"] for row in answer.json()["value"]] == [row["ref"] for row in listed(served, "priorities")]


@pytest.mark.parametrize("name", LISTS)
def test_a_set_holds_what_the_list_holds(served: Api, name: str) -> None:
    rows = listed(served, LISTS[name])
    shown = found(served, name)
    if name == "FundingAwards":
        for row in rows:
            row["amount"] = None if row["amount"] is None else float(row["amount"])
    assert shown == rows
    assert feed(served, f"{name}/$count").text == str(len(rows))
    assert feed(served, f"{name}?$count=true&$top=1").json()["@odata.count"] == len(rows)


def test_the_links_are_those_of_the_workstreams(served: Api) -> None:
    expected = [(row["id"], each) for row in listed(served, "workstreams") for each in row["priority_ids"]]
    shown = [(row["workstream_id"], row["priority_id"]) for row in found(served, "WorkstreamPriorities")]
    assert shown == sorted(expected)


def test_facts_are_milestones_once_for_each_priority_with_the_names_of_all_around(served: Api) -> None:
    streams = {row["id"]: row for row in listed(served, "workstreams")}
    priorities = {row["id"]: row for row in listed(served, "priorities")}
    names = {row["id"]: row["name"] for row in listed(served, "organisations")}
    strategy = listed(served, "strategies")[0]
    expected = [
        {
            **row,
            "priority_id": each,
            "priority_ref": priorities[each]["ref"],
            "priority_title": priorities[each]["title"],
            "workstream_ref": streams[row["workstream_id"]]["ref"],
            "workstream_title": streams[row["workstream_id"]]["title"],
            "strategy_ref": strategy["ref"],
            "strategy_title": strategy["title"],
            "organisation_name": names[row["organisation_id"]],
            "owner_post": None,
        }
        for row in listed(served, "milestones")
        for each in streams[row["workstream_id"]]["priority_ids"]
    ]
    assert found(served, "MilestoneFacts") == expected


@pytest.mark.parametrize("division", ["priority", "workstream"])
def test_figures_by_quarter_are_those_of_the_trend(served: Api, division: str) -> None:
    asked = f"/v1/progress/trend?strategy_id=1&group_by={division}&from=2018-04-01&to=2019-03-31"
    expected = {
        (group["id"], point["as_at"]): group["progress"]
        for point in served.get(asked).json()["points"]
        for group in point["groups"]
    }
    condition = f"group_by eq '{division}' and quarter ge '2018-19-Q1' and quarter le '2018-19-Q4'"
    rows = found(served, f"ProgressByQuarter?$filter={quote(condition)}")
    assert {(row["group_id"], row["as_at"]) for row in rows} == expected.keys()
    for row in rows:
        figures = expected[row["group_id"], row["as_at"]]
        for name in ("percent_complete", "planned_percent", "schedule_performance_index", "rag"):
            assert row[name] == figures[name]
        assert {name: row[f"receipt_{name}"] for name in figures["receipt"]} == figures["receipt"]
        assert {name: row[f"milestones_{name}"] for name in figures["milestones"]} == figures["milestones"]
        assert row["is_over"]


def test_the_quarter_that_runs_tells_of_today_or_of_the_day_asked_about(served: Api) -> None:
    rows = found(served, "ProgressByQuarter?as_at=2018-11-15&$filter=" + quote("quarter eq '2018-19-Q3'"))
    assert {(row["as_at"], row["is_over"]) for row in rows} == {("2018-11-15", False)}
    assert not found(served, "ProgressByQuarter?as_at=2018-11-15&$filter=" + quote("quarter gt '2018-19-Q3'"))


def test_figures_are_worked_out_of_the_strategies_that_a_filter_names(served: Api) -> None:
    assert not found(served, "ProgressByQuarter?$filter=" + quote("strategy_id eq 99 and percent_complete ge 0"))
    some = found(served, "ProgressByQuarter?$filter=" + quote("strategy_id in (1,99) and percent_complete ge 50"))
    assert some
    assert all(row["percent_complete"] >= 50 for row in some)


def test_an_entity_is_found_by_its_key(served: Api) -> None:
    row = listed(served, "milestones")[2]
    for path in ("Milestones(3)", "Milestones(id=3)"):
        answer = feed(served, path)
        assert answer.json() == {"@odata.context": f"{HOME}/odata/$metadata#Milestones/$entity", **row}
    chosen = feed(served, "Milestones(3)?$select=ref").json()
    assert chosen == {"@odata.context": f"{HOME}/odata/$metadata#Milestones(ref)/$entity", "ref": row["ref"]}
    link = feed(served, "WorkstreamPriorities(priority_id=1,workstream_id=1)").json()
    assert (link["workstream_id"], link["priority_id"]) == (1, 1)
    figures = feed(served, "ProgressByQuarter(group_by='priority',group_id=1,quarter='2018-19-Q3')").json()
    assert figures["group_ref"] == "drug-misuse"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Milestones(999999)", 404),
        ("Nothing", 404),
        ("milestones", 404),
        ("Milestones()", 400),
        ("Milestones(x)", 400),
        ("Milestones('1')", 400),
        ("Milestones(id=1,id=1)", 400),
        ("Milestones(1,2)", 400),
        ("Milestones(1,)", 400),
        ("Milestones(99999999999999999999)", 400),
        ("WorkstreamPriorities(1)", 400),
        ("Milestones(1)/title", 501),
        ("Milestones/Default.Top()", 501),
        ("$batch", 501),
        ("$crossjoin(Milestones,Owners)", 501),
        ("Milestones?$expand=workstream", 501),
        ("Milestones?$search=refuge", 501),
        ("Milestones?$apply=aggregate($count%20as%20n)", 501),
        ("Milestones?$compute=weight%20mul%202%20as%20w", 501),
        ("Milestones?$filter=ref%20eq%20@p&@p='x'", 501),
        ("Milestones?$orderby=length(ref)", 501),
        ("Milestones?$select=workstream/ref", 501),
        ("Workstreams?$filter=priority_ids%20eq%20null", 501),
        ("Workstreams?$filter=priority_ids/any()", 501),
        ("Workstreams?$orderby=priority_ids", 501),
        ("Observations?$filter=judgement%20eq%20'better'", 501),
        ("Milestones?$filter=hour(created_at)%20eq%201", 501),
        ("Milestones?$filter=weight%20div%20percent_complete%20eq%201", 501),
        ("Milestones?$filter=id%20mul%20id%20eq%201", 501),
        ("Milestones?$filter=weight%20mul%201e300%20mul%201e300%20gt%201", 501),
        ("FundingAwards?$filter=amount%20add%201%20gt%201", 501),
        ("Milestones?$filter=weight%20div%200%20eq%201", 400),
        ("Milestones?$filter=weight", 400),
        ("Milestones?$filter=weight%20eq%20'x'", 400),
        ("Milestones?$filter=due_on%20eq%202018-12-10T00:00:00Z", 400),
        ("Milestones?$filter=overdue%20gt%20true", 400),
        ("Milestones?$filter=nothing%20eq%201", 400),
        ("Milestones?$filter=contains(ref)", 400),
        ("Milestones?$filter=contains(ref,1)", 400),
        ("Milestones?$filter=", 400),
        ("Milestones?$filter=ref%20eq%20'%00'", 400),
        ("Milestones?$filter=%FF", 400),
        ("Milestones?$filter=substring(ref,-1)%20eq%20''", 400),
        ("Milestones?$select=nothing", 400),
        ("Milestones?$select=", 400),
        ("Milestones?$orderby=ref%20up", 400),
        ("Milestones?$orderby=ref,ref", 400),
        ("Milestones?$top=-1", 400),
        ("Milestones?$top=x", 400),
        ("Milestones?$skip=1.5", 400),
        ("Milestones?$top=1&$top=2", 400),
        ("Milestones?$count=1", 400),
        ("Milestones?$skiptoken=x", 400),
        ("Milestones?$nothing=1", 400),
        ("Milestones?nothing=1", 400),
        ("Milestones?known_at=2999-01-01T00:00:00Z", 400),
        ("Milestones?known_at=yesterday", 400),
        ("Milestones?as_at=2018-02-30", 400),
        ("Owners?as_at=2018-12-10", 400),
        ("Milestones(1)?$filter=true", 400),
        ("Milestones/$count?$top=1", 400),
        ("Milestones?$format=atom", 501),
        ("Milestones?$format=application/json;odata.metadata=some", 400),
        ("$metadata?$format=json", 501),
        ("?$filter=true", 400),
    ],
)
def test_what_cannot_be_asked_is_told_and_never_answered_wrongly(served: Api, path: str, status: int) -> None:
    answer = feed(served, path)
    assert answer.status_code == status, answer.text
    assert message(answer)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_written_here(served: Api, method: str) -> None:
    answer = served.call(method, "/odata/Milestones(1)", json={})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert "read only" in message(answer)


@pytest.mark.parametrize("version", ["3.0", "1.0", "x"])
def test_who_knows_older_versions_only_is_told(served: Api, version: str) -> None:
    assert "4.0" in message(feed(served, "Milestones", OData_MaxVersion=version))


def test_who_takes_no_json_is_told(served: Api) -> None:
    assert "JSON" in message(feed(served, "Milestones", Accept="application/atom+xml"))


FORMS = [
    ("application/json;odata.metadata=full", "full"),
    ("application/json; odata.metadata=none", "none"),
    ("application/json;odata.metadata=full;q=0.1,application/json;odata.metadata=none;q=0.5", "none"),
    ("*/*", "minimal"),
    ("text/html,application/*;q=0.8", "minimal"),
]


@pytest.mark.parametrize(("accept", "level"), FORMS)
def test_as_much_is_said_as_is_asked_for(served: Api, accept: str, level: str) -> None:
    answer = feed(served, "Milestones?$top=1", Accept=accept)
    assert f"odata.metadata={level}" in answer.headers["content-type"]
    content = answer.json()
    assert ("@odata.context" in content) == (level != "none")
    row = content["value"][0]
    assert ("@odata.type" in row) == (level == "full")
    plain = {name: value for name, value in row.items() if "@" not in name}
    assert plain == listed(served, "milestones")[0]
    if level == "full":
        assert row["@odata.id"] == f"{HOME}/odata/Milestones(1)"
        assert (row["id@odata.type"], row["agreed_on@odata.type"]) == ("#Int64", "#Date")


@pytest.mark.parametrize("name", ["application/json", "json"])
def test_format_goes_before_accept(served: Api, name: str) -> None:
    asked = quote(f"{name};odata.metadata=none")
    answer = feed(served, f"Milestones?$top=1&$format={asked}", Accept="application/json;odata.metadata=full")
    assert "@odata.context" not in answer.json()


def test_whole_numbers_are_texts_for_who_would_round_them(served: Api) -> None:
    answer = feed(served, "FundingAwards?$count=true", Accept="application/json;IEEE754Compatible=true")
    assert "IEEE754Compatible=true" in answer.headers["content-type"]
    assert answer.json()["@odata.count"] == "2"
    assert [(row["id"], row["amount"]) for row in answer.json()["value"]] == [("1", None), ("2", "882373.00")]


@pytest.mark.parametrize(
    ("condition", "refs"),
    [
        ("amount eq 882373", ["hope-mhclg"]),
        ("amount eq 882373.00", ["hope-mhclg"]),
        ("amount eq 882373.001", []),
        ("amount gt 882372.999", ["hope-mhclg"]),
        ("amount ge 882373.001", []),
        ("amount lt 1e6 and amount ge funder_id", ["hope-mhclg"]),
        ("amount in (1, 882373)", ["hope-mhclg"]),
        ("amount eq null", ["bereavement-opcc"]),
        ("amount ne null", ["hope-mhclg"]),
        ("not (amount gt 1)", ["bereavement-opcc"]),
    ],
)
def test_amounts_are_compared_to_the_penny(served: Api, condition: str, refs: list[str]) -> None:
    assert [row["ref"] for row in found(served, f"FundingAwards?$filter={quote(condition)}")] == refs


@pytest.mark.parametrize(
    "condition",
    [
        "contains(null,'x') eq not contains(null,'x')",
        "not contains(null,'x') eq contains(null,'x')",
        "(not contains(confidence,'x')) eq null",
        "(not (id gt 0)) ne null",
        "(not (overdue eq true)) eq (overdue eq false)",
        "(overdue ne true) ne (overdue ne false)",
    ],
)
def test_a_condition_is_compared_as_a_whole(served: Api, condition: str) -> None:
    assert len(found(served, f"Milestones?$filter={quote(condition)}")) == len(listed(served, "milestones"))
    assert not found(served, f"Milestones?$filter={quote(f'not ({condition})')}")


NESTED = {
    "texts": "tolower(" * (DEEPEST - 1) + "title" + ")" * (DEEPEST - 1) + " eq title",
    "comparisons": "(" * (DEEPEST - 1) + "overdue" + " eq true)" * (DEEPEST - 1),
    "nots": "not " * DEEPEST + "overdue",
    "places": "substring(" * (DEEPEST - 1) + "title" + ",0,40)" * (DEEPEST - 1) + " eq title",
    "sums": "weight" + " add 1" * (DEEPEST - 1) + " gt 0",
    "sums in brackets": "(1 add " * (DEEPEST - 1) + "weight" + ")" * (DEEPEST - 1) + " gt 0",
    "joined": "concat('x'," * (DEEPEST - 1) + "title" + ")" * (DEEPEST - 1) + " ne title",
    "side by side": " or ".join(["title eq 'x'"] * MOST_TOGETHER),
    "by turns": "(overdue or (id gt 0 and " * (DEEPEST // 2 - 1) + "overdue" + "))" * (DEEPEST // 2 - 1),
    "within": "contains(title,tolower(" * 1
    + "concat(title," * (DEEPEST - 3)
    + "title"
    + ")" * (DEEPEST - 3)
    + ")) eq true",
}


@pytest.mark.parametrize("name", NESTED)
def test_the_deepest_filters_that_are_taken_are_answered(served: Api, name: str) -> None:
    answer = feed(served, f"Milestones/$count?$filter={quote(NESTED[name])}")
    assert answer.status_code == 200, answer.text


def test_pages_show_one_state_however_much_is_written_between_them(api: Api) -> None:
    plan = make_plan(api)
    for number in range(5):
        make_milestone(api, plan.workstream, ref=f"m-{number}", title="Before")
    before = listed(api, "milestones")
    first = feed(api, "Milestones?$orderby=title", Prefer="odata.maxpagesize=2")
    rows, following = first.json()["value"], first.json()["@odata.nextLink"]
    assert first.headers["preference-applied"] == "odata.maxpagesize=2"
    for row in before:
        api.patch(f"/v1/milestones/{row['id']}", {"title": "After"})
    api.delete(f"/v1/milestones/{before[-1]['id']}")
    make_milestone(api, plan.workstream, ref="late", title="Later")
    while following:
        page = feed(api, following.removeprefix(f"{HOME}/odata/"), Prefer="odata.maxpagesize=2").json()
        rows, following = rows + page["value"], page.get("@odata.nextLink")
    assert sorted(row["id"] for row in rows) == [row["id"] for row in before]
    assert {row["title"] for row in rows} == {"Before", "Milestone"}


def test_both_clocks_are_heard(served: Api) -> None:
    past = served.get("/v1/milestones?as_at=2018-06-01&limit=1000").json()["items"]
    assert found(served, "Milestones?as_at=2018-06-01") == past
    assert past != listed(served, "milestones")
    assert not found(served, "Milestones?known_at=2018-06-01T00:00:00Z")


@pytest.mark.parametrize("change", ["after", "left", "known_at", "as_at", "orders"])
@pytest.mark.parametrize("value", [None, "x", [], {}, [{}], [2**70], ["\x00"], -1, 1.5, "0000-01-01"])
def test_a_token_that_was_tampered_with_is_refused(served: Api, change: str, value: Any) -> None:
    page = feed(served, "Milestones?$top=20", Prefer="odata.maxpagesize=2").json()
    token = page["@odata.nextLink"].partition("skiptoken=")[2]
    held = json.loads(base64.urlsafe_b64decode(token + "=="))
    if change == "left" and value is None:
        return
    spoilt = base64.urlsafe_b64encode(json.dumps({**held, change: value}).encode()).decode().rstrip("=")
    answer = feed(served, f"Milestones?$skiptoken={spoilt}")
    assert answer.status_code == 400, answer.text
    assert "@odata.nextLink" in message(answer)


def test_a_viewer_reads_the_sets_and_a_token_without_the_scope_does_not(served: Api) -> None:
    assert feed(served, "Milestones").status_code == 200
    token = served.token(Role.MANAGER, scopes=tuple(set(Scope) - {Scope.READ}))
    answer = served.client.get("/odata/Milestones", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert "scope" in message(answer)


def test_who_may_read_no_plan_is_shown_the_sets_they_may_read(served: Api) -> None:
    token = served.token(Role.ADMIN)
    root = served.client.get("/odata/", headers={"Authorization": f"Bearer {token}"})
    names = {each["name"] for each in root.json()["value"]}
    assert "Milestones" not in names
    for name in SETS:
        answer = served.client.get(f"/odata/{name}", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code == 200) == (name in names), name


def test_links_begin_with_the_address_that_is_set(sample_url: str) -> None:
    for api in serving(sample_url, public_url="https://tracker.example.org/plan"):
        page = feed(api, "Milestones", Prefer="odata.maxpagesize=2").json()
        assert page["@odata.context"] == "https://tracker.example.org/plan/odata/$metadata#Milestones"
        assert page["@odata.nextLink"].startswith("https://tracker.example.org/plan/odata/Milestones?$skiptoken=")


@pytest.mark.parametrize("host", ["evil.example.org/x", 'a"b', "a b", "<script>", ""])
def test_a_host_that_is_none_is_not_repeated(served: Api, host: str) -> None:
    answer = feed(served, "Milestones?$top=1", Host=host)
    assert answer.json()["@odata.context"] == "/odata/$metadata#Milestones"


def test_the_model_tells_the_type_of_each_value(served: Api) -> None:
    model = ElementTree.fromstring(feed(served, "$metadata").content)  # noqa: S314 It is our own.
    types = {each.get("Name"): each for each in model.iter(f"{EDM}EntityType")}
    sets = {each.get("Name"): str(each.get("EntityType")) for each in model.iter(f"{EDM}EntitySet")}
    assert sets.keys() == SETS.keys()
    checks: dict[str, Any] = {
        "Edm.Int64": int,
        "Edm.Double": (int, float),
        "Edm.Decimal": (int, float),
        "Edm.Boolean": bool,
        "Edm.String": str,
        "Edm.Date": str,
        "Edm.DateTimeOffset": str,
    }
    for name, type_ in sets.items():
        properties = {each.get("Name"): each for each in types[type_.removeprefix("Tracker.")].iter(f"{EDM}Property")}
        for row in found(served, f"{name}?$top=30"):
            assert row.keys() == properties.keys()
            for field, value in row.items():
                told = properties[field]
                if value is None:
                    assert told.get("Nullable") is None, f"{name} {field}"
                elif str(told.get("Type")).startswith("Collection"):
                    assert isinstance(value, list)
                else:
                    assert isinstance(value, checks[str(told.get("Type"))]), f"{name} {field}"
