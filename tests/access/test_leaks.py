"""A stranger learns from no answer that another strategy exists: not from lists, figures, histories, the feed, filters,
orders, links, references or refusals.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import pytest

from service.access.roles import Role
from service.exchange.odata.catalogue import SETS
from tests.access.world import MARK, World, build
from tests.api.test_filters import QUERIES
from tests.conftest import Api
from tests.contract.document import document

Body = dict[str, Any]
PLACES = {
    "strategy_id": "strategies",
    "priority_id": "priorities",
    "workstream_id": "workstreams",
    "milestone_id": "milestones",
    "indicator_id": "indicators",
    "owner_id": "owners",
}
LISTS = sorted(QUERIES)
STRANGERS = [(Role.VIEWER, "county"), (Role.MANAGER, "city"), (Role.CONTRIBUTOR, "nhs"), (Role.ADMIN, "county")]
of_strangers = pytest.mark.parametrize("stranger", STRANGERS, ids=" of ".join)


@pytest.fixture(scope="module")
def world(shared: Api) -> World:
    made = build(shared)
    _share_a_board(made)
    return made


def _share_a_board(world: World) -> None:
    """Let both strategies be owned by one board, and a decision on it be about nothing by name."""
    board, police = world.row("boards", "own"), (Role.MANAGER, "police")
    strategy = f"/v1/strategies/{world.row('strategies', 'foreign')}"
    tag = asked(world, police, strategy).headers["etag"]
    boards = {"board_ids": [board, world.row("boards", "foreign")]}
    answer = asked(world, police, strategy, "PATCH", json=boards, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text
    subject = {"workstream_ids": [world.row("workstreams", "foreign")]}
    body = {"board_id": board, "ref": f"both-{MARK}", "kind": "note", "text": f"About {MARK}", **subject}
    assert asked(world, police, "/v1/decisions", "POST", json=body).status_code == 201


def asked(
    world: World, caller: tuple[Role, str], path: str, method: str = "GET", headers: Body | None = None, **more: Any
) -> httpx.Response:
    """Ask as a caller of the world."""
    sent = {"Authorization": f"Bearer {world.tokens[caller]}", **(headers or {})}
    return world.api.client.request(method, path, headers=sent, **more)


def pages(world: World, caller: tuple[Role, str], path: str) -> Iterator[Body]:
    """Yield every row of a list."""
    following: str | None = path
    while following:
        answer = asked(world, caller, following)
        assert answer.status_code in (200, 403), answer.text
        yield from answer.json().get("items", ())
        following = answer.json().get("next")


def says_nothing(world: World, content: object) -> bool:
    """Tell whether an answer has none of the texts of the other strategy and names none of its rows."""
    text = json.dumps(content)
    return MARK not in text and not any(_named(world, content))


def _named(world: World, content: object) -> Iterator[str]:
    if isinstance(content, list):
        for each in content:
            yield from _named(world, each)
    if not isinstance(content, dict):
        return
    for name, value in content.items():
        collection = PLACES.get(name) or PLACES.get(name.removesuffix("s"))
        foreign = world.rows.get(collection or "", {}).get("foreign")
        if foreign is not None and (value == foreign or (isinstance(value, list) and foreign in value)):
            yield f"{name} {value}"
        yield from _named(world, value)


def test_the_check_itself_finds_what_the_police_see(world: World) -> None:
    rows = list(pages(world, (Role.VIEWER, "police"), "/v1/decisions"))
    assert not says_nothing(world, rows)


@of_strangers
@pytest.mark.parametrize("name", [each for each in LISTS if each not in ("boards", "areas")])
def test_no_list_shows_it_in_whatever_order(world: World, stranger: tuple[Role, str], name: str) -> None:
    orders = next(
        each["schema"]["pattern"]
        for each in document()["paths"][f"/v1/{name}"]["get"]["parameters"]
        if each["name"] == "sort"
    )
    fields = orders.split("(")[2].split(")")[0].split("|")
    plain = list(pages(world, stranger, f"/v1/{name}?limit=2"))
    assert says_nothing(world, plain)
    for field in fields:
        for way in ("", "-"):
            found = list(pages(world, stranger, f"/v1/{name}?limit=2&sort={way}{field}"))
            assert sorted(row["id"] for row in found) == sorted(row["id"] for row in plain)


@of_strangers
@pytest.mark.parametrize("name", LISTS)
def test_a_filter_by_what_is_not_seen_finds_what_one_by_nothing_finds(
    world: World, stranger: tuple[Role, str], name: str
) -> None:
    for field in QUERIES[name].model_fields:
        if field not in PLACES:
            continue
        foreign = world.row(PLACES[field], "foreign")
        for also in ("", f"&known_at={_known_at(world)}"):
            found = asked(world, stranger, f"/v1/{name}?{field}={foreign}{also}").json().get("items")
            assert found == asked(world, stranger, f"/v1/{name}?{field}=999999{also}").json().get("items"), field


def _known_at(world: World) -> str:
    path = f"/v1/strategies/{world.row('strategies', 'foreign')}"
    return str(asked(world, (Role.VIEWER, "police"), path).json()["updated_at"])


@of_strangers
def test_a_search_for_its_words_finds_nothing(world: World, stranger: tuple[Role, str]) -> None:
    for name in LISTS:
        if "q" in QUERIES[name].model_fields and name not in ("boards", "areas"):
            assert list(pages(world, stranger, f"/v1/{name}?q={MARK}")) == []


@of_strangers
def test_the_feed_shows_nothing_of_it(world: World, stranger: tuple[Role, str]) -> None:
    hidden = {(name, rows["foreign"]) for name, rows in world.rows.items() if name not in ("boards", "areas", "users")}
    hidden -= {("organisations", rows) for _, rows in hidden}
    shown = {(event["resource"], event["resource_id"]) for event in pages(world, stranger, "/v1/events?limit=7")}
    assert shown & hidden == set()


NOT_IN_FEED = ("users", "tokens", "imports", "deliveries")


def test_the_feed_of_its_partners_has_all_of_it(world: World) -> None:
    wanted = {(name, rows["foreign"]) for name, rows in world.rows.items() if name not in NOT_IN_FEED}
    events = pages(world, (Role.VIEWER, "police"), "/v1/events?limit=7")
    assert wanted <= {(event["resource"], event["resource_id"]) for event in events}


@of_strangers
def test_no_set_of_the_odata_feed_shows_it(world: World, stranger: tuple[Role, str]) -> None:
    hidden = world.row("strategies", "foreign")
    for name, entities in SETS.items():
        answer = asked(world, stranger, f"/odata/{name}?$count=true")
        assert answer.status_code in (200, 403)
        rows = answer.json().get("value", [])
        assert answer.json().get("@odata.count", 0) == len(rows)
        if name not in ("Boards", "Organisations"):
            assert says_nothing(world, rows), name
        if "strategy_id" in entities.by_name:
            counted = asked(world, stranger, f"/odata/{name}/$count?$filter=strategy_id eq {hidden}")
            assert counted.text == "0" or counted.status_code == answer.status_code == 403


def test_the_odata_feed_of_its_partners_has_all_of_it(world: World) -> None:
    for name in SETS:
        rows = asked(world, (Role.VIEWER, "police"), f"/odata/{name}").json()["value"]
        assert not says_nothing(world, rows) or name == "Organisations", name


@of_strangers
def test_no_figure_counts_it(world: World, stranger: tuple[Role, str]) -> None:
    strategy = world.row("strategies", "own")
    for path in (
        "?group_by=priority",
        "?group_by=organisation",
        "?group_by=owner",
        "?group_by=workstream",
        "/trend?from=2018-04-01&to=2018-12-31",
        "/changes?from=2018-04-01&to=2018-12-31",
    ):
        joint = "&" if "?" in path else "?"
        answer = asked(world, stranger, f"/v1/progress{path}{joint}strategy_id={strategy}")
        assert says_nothing(world, answer.json())


@of_strangers
def test_no_history_shows_it(world: World, stranger: tuple[Role, str]) -> None:
    for name, rows in world.rows.items():
        for kind in ("own", "foreign"):
            answer = asked(world, stranger, f"/v1/{name}/{rows[kind]}/history")
            if name not in ("boards", "areas", "organisations", "users"):
                assert says_nothing(world, answer.json()), answer.text


@pytest.fixture
def both(world: World) -> int:
    """A decision about a priority of each strategy, made by somebody who manages both."""
    county, police = world.organisations["county"], world.organisations["police"]
    grants = [{"organisation_id": each, "role": "manager"} for each in (county, police)]
    admin = (Role.ADMIN, "county")
    user = asked(world, admin, "/v1/users", "POST", json={"name": "Both", "roles": grants}).json()["id"]
    token = asked(world, admin, "/v1/tokens", "POST", json={"name": "Both", "user_id": user}).json()["token"]
    about = [world.row("priorities", kind) for kind in ("own", "foreign")]
    body = {"board_id": world.row("boards", "own"), "kind": "note", "text": "Both", "priority_ids": about}
    headers = {"Authorization": f"Bearer {token}"}
    taken = len(list(pages(world, (Role.VIEWER, "county"), "/v1/decisions")))
    answer = world.api.client.post("/v1/decisions", json={**body, "ref": f"of-{taken}"}, headers=headers)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def test_a_link_to_what_is_not_seen_is_not_shown_and_not_lost(world: World, both: int) -> None:
    own, foreign = (world.row("priorities", kind) for kind in ("own", "foreign"))
    county, police, path = (Role.MANAGER, "county"), (Role.VIEWER, "police"), f"/v1/decisions/{both}"
    before = asked(world, county, path)
    assert before.json()["priority_ids"] == [own]
    changed = asked(
        world,
        county,
        path,
        "PATCH",
        json={"priority_ids": [own], "text": "New"},
        headers={"If-Match": before.headers["etag"]},
    )
    assert changed.json()["priority_ids"] == [own]
    assert asked(world, police, path).json()["priority_ids"] == [foreign]
    entries = asked(world, county, f"{path}/history").json()["items"]
    assert [entry["priority_ids"] for entry in entries] == [[own], [own]]
    assert asked(world, county, f"/v1/decisions?priority_id={foreign}").json()["items"] == []


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("milestones", "owner_id"),
        ("milestones", "workstream_id"),
        ("workstreams", "owner_id"),
        ("workstreams", "priority_ids"),
        ("indicators", "workstream_id"),
        ("indicators", "priority_ids"),
        ("decisions", "priority_ids"),
        ("decisions", "workstream_ids"),
        ("funding-awards", "workstream_id"),
    ],
)
def test_what_is_not_seen_cannot_be_named(world: World, name: str, field: str) -> None:
    caller, path = (Role.MANAGER, "county"), f"/v1/{name}/{world.row(name, 'own')}"
    tag, target = asked(world, caller, path).headers["etag"], PLACES[field.removesuffix("s")]

    def named(row: int) -> httpx.Response:
        value = [row] if field.endswith("s") else row
        return asked(world, caller, path, "PATCH", json={field: value}, headers={"If-Match": tag})

    foreign, missing = world.row(target, "foreign"), 999_999
    said = [named(row).json()["errors"] for row in (foreign, missing)]
    assert said[0] == json.loads(json.dumps(said[1]).replace(str(missing), str(foreign)))
    assert said[0][0]["detail"].endswith(f"{foreign}, or you may not see it.")


def test_what_is_referred_to_from_elsewhere_does_not_say_from_where(world: World) -> None:
    path = f"/v1/boards/{world.row('boards', 'foreign')}"
    tag = asked(world, (Role.MANAGER, "county"), path).headers["etag"]
    answer = asked(world, (Role.MANAGER, "county"), path, "DELETE", headers={"If-Match": tag})
    assert answer.status_code == 409
    assert "strategy" not in answer.json()["detail"]
    assert "decision" not in answer.json()["detail"]
