"""Where roles hold: partners come and go, departments are covered, and a report for others says so."""

import httpx2 as httpx
import pytest

from service.access.roles import Role
from tests.access.test_leaks import asked, pages
from tests.access.world import World, build
from tests.conftest import Api

REPORT = {"effective_on": "2018-12-31", "status": "in_progress", "percent_complete": 20}
COUNTY, CITY, NHS = (Role.MANAGER, "county"), (Role.MANAGER, "city"), (Role.MANAGER, "nhs")


@pytest.fixture
def world(api: Api) -> World:
    return build(api)


def patched(world: World, caller: tuple[Role, str], path: str, **change: object) -> httpx.Response:
    """Change a row, having read it first."""
    tag = asked(world, caller, path).headers["etag"]
    return asked(world, caller, path, "PATCH", json=change, headers={"If-Match": tag})


def strategy_of(world: World) -> str:
    return f"/v1/strategies/{world.row('strategies', 'own')}"


def partners(world: World, *names: str) -> list[int]:
    return sorted(world.organisations[name] for name in names)


def test_a_partner_sees_from_the_next_request_on_and_no_longer_than_it_is_one(world: World) -> None:
    address, figures = strategy_of(world), f"/v1/progress?strategy_id={world.row('strategies', 'own')}"
    known_at = asked(world, COUNTY, figures).json()["known_at"]
    assert asked(world, NHS, figures).status_code == 404
    patched(world, COUNTY, address, organisation_ids=partners(world, "county", "nhs"))
    assert [asked(world, NHS, path).status_code for path in (address, figures)] == [200, 200]
    assert [asked(world, CITY, path).status_code for path in (address, figures)] == [404, 404]
    # What was known then is for those who are partners now.
    assert asked(world, CITY, f"{address}?known_at={known_at}").status_code == 404
    assert asked(world, NHS, f"{figures}&known_at={known_at}").status_code == 200


def test_whoever_makes_a_strategy_is_a_partner(world: World) -> None:
    body = {"ref": "new", "title": "New", "starts_on": "2019-04-01", "organisation_ids": partners(world, "city")}
    made = asked(world, COUNTY, "/v1/strategies", "POST", json=body)
    assert (made.status_code, made.json()["organisation_ids"]) == (201, partners(world, "county", "city"))


def test_nobody_gives_away_their_own_sight(world: World) -> None:
    for others in (partners(world, "city"), []):
        answer = patched(world, COUNTY, strategy_of(world), organisation_ids=others)
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/organisation_ids"]


def test_the_past_of_a_deleted_strategy_is_its_partners_to_read(world: World) -> None:
    body = {"ref": "new", "title": "New", "starts_on": "2019-04-01", "organisation_ids": partners(world, "city")}
    made = asked(world, CITY, "/v1/strategies", "POST", json=body)
    address = made.headers["location"]
    asked(world, CITY, address, "DELETE", headers={"If-Match": made.headers["etag"]})
    then = f"{address}?known_at={made.json()['updated_at']}"
    assert [asked(world, caller, then).status_code for caller in (CITY, COUNTY)] == [200, 404]
    assert [entry["action"] for entry in asked(world, CITY, f"{address}/history").json()["items"]] == [
        "deleted",
        "created",
    ]
    assert asked(world, COUNTY, f"{address}/history").status_code == 404


def test_a_report_for_another_organisation_says_on_whose_behalf(world: World) -> None:
    milestone, city = world.row("milestones", "partner"), world.organisations["city"]
    address = f"/v1/milestones/{milestone}/updates"
    made = asked(world, COUNTY, address, "POST", json=REPORT).json()
    own = asked(world, (Role.CONTRIBUTOR, "city"), address, "POST", json=REPORT).json()
    assert (made["on_behalf_of"], own["on_behalf_of"]) == (city, None)
    listed = {each["id"]: each["on_behalf_of"] for each in asked(world, CITY, address).json()["items"]}
    assert (listed[made["id"]], listed[own["id"]]) == (city, None)
    events = {
        event["resource_id"]: event["on_behalf_of"]
        for event in pages(world, CITY, "/v1/events?limit=1000")
        if event["resource"] == "updates"
    }
    assert (events[made["id"]], events[own["id"]]) == (city, None)


def test_a_report_for_ones_own_department_is_on_nobodys_behalf(world: World) -> None:
    address = f"/v1/milestones/{world.row('milestones', 'department')}/updates"
    made = asked(world, COUNTY, address, "POST", json=REPORT)
    assert (made.status_code, made.json()["on_behalf_of"]) == (201, None)


def test_a_department_is_covered_once_it_is_one(world: World) -> None:
    caller, path = (Role.CONTRIBUTOR, "county"), f"/v1/milestones/{world.row('milestones', 'partner')}/updates"
    assert asked(world, caller, path, "POST", json=REPORT).status_code == 403
    city = f"/v1/organisations/{world.organisations['city']}"
    patched(world, (Role.ADMIN, "county"), city, parent_id=world.organisations["county"])
    assert asked(world, caller, path, "POST", json=REPORT).status_code == 201


def test_a_contributor_reports_and_changes_nothing_else(world: World) -> None:
    caller, path = (Role.CONTRIBUTOR, "county"), f"/v1/milestones/{world.row('milestones', 'own')}"
    for change in ({"weight": 2}, {"due_on": "2019-01-31"}, {"owner_id": None}, {"title": "Mine"}):
        answer = patched(world, caller, path, **change)
        assert answer.status_code == 403
        assert "manager" in answer.json()["detail"]
        assert "County" in answer.json()["detail"]


def test_a_refusal_names_the_organisation_that_could(world: World) -> None:
    address = f"/v1/milestones/{world.row('milestones', 'partner')}/updates"
    for role in (Role.VIEWER, Role.CONTRIBUTOR):
        detail = asked(world, (role, "county"), address, "POST", json=REPORT).json()["detail"]
        assert "contributor, held for City" in detail
        assert "manager" in detail


def test_an_owner_is_moved_to_no_organisation_that_is_not_ones_own(world: World) -> None:
    path = f"/v1/owners/{world.row('owners', 'own')}"
    for organisation in ("police", "nhs"):
        answer = patched(world, COUNTY, path, organisation_id=world.organisations[organisation])
        assert answer.status_code == 403
        assert organisation.title() in answer.json()["detail"]
    assert patched(world, COUNTY, path, organisation_id=world.organisations["city"]).status_code == 200


def test_the_owners_of_an_organisation_nobody_acts_for_are_anybodys_to_set_up(world: World) -> None:
    body = {"ref": "provider", "name": "Provider", "kind": "provider"}
    provider = asked(world, (Role.ADMIN, "county"), "/v1/organisations", "POST", json=body).json()["id"]
    post = {"ref": "lead", "post": "Lead", "organisation_id": provider}
    made = asked(world, COUNTY, "/v1/owners", "POST", json=post)
    assert made.status_code == 201
    assert asked(world, NHS, made.headers["location"]).status_code == 200
    roles = [{"organisation_id": provider, "role": "viewer"}]
    asked(world, (Role.ADMIN, "county"), "/v1/users", "POST", json={"name": "Provider", "roles": roles})
    assert asked(world, NHS, made.headers["location"]).status_code == 404


def test_a_decision_about_nothing_is_where_its_board_is(world: World) -> None:
    body = {"board_id": world.row("boards", "own"), "ref": "general", "kind": "note", "text": "In general"}
    made = asked(world, CITY, "/v1/decisions", "POST", json=body)
    assert made.status_code == 201
    assert asked(world, COUNTY, made.headers["location"]).status_code == 200
    assert asked(world, NHS, made.headers["location"]).status_code == 404
    answer = asked(world, NHS, "/v1/decisions", "POST", json={**body, "ref": "theirs"})
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/board_id"]


def test_figures_that_were_kept_for_one_are_not_another_s(world: World) -> None:
    priority = world.row("priorities", "own")
    for path in (f"/v1/priorities/{priority}/progress", f"/v1/progress?strategy_id={world.row('strategies', 'own')}"):
        assert asked(world, COUNTY, path).status_code == 200
        assert asked(world, NHS, path).status_code == 404
