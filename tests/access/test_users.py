"""Users and their roles: an administrator keeps them, and what changes holds at the very next request."""

from typing import Any

import httpx2 as httpx
import pytest

from service.access.roles import Role, Scope
from service.access.service import create_token
from service.core import clock
from service.core.history import Recorder
from tests.access.world import make_token
from tests.conftest import Api

Body = dict[str, Any]


@pytest.fixture
def user(shared: Api) -> Body:
    """A user with the role of a viewer, and a token of its own."""
    grants = [{"organisation_id": shared.home, "role": "viewer"}]
    made = shared.made("/v1/users", name="Officer", roles=grants)
    token = shared.made("/v1/tokens", name="Officer's", user_id=made["id"])
    return {**made, "token": token["token"], "token_id": token["id"]}


def as_user(api: Api, user: Body, path: str, method: str = "GET", **more: Any) -> httpx.Response:
    """Ask as a user."""
    headers = {"Authorization": f"Bearer {user['token']}", **more.pop("headers", {})}
    return api.client.request(method, path, headers=headers, **more)


def test_a_user_is_shown_with_its_roles_in_one_order(shared: Api) -> None:
    grants = [{"organisation_id": shared.home, "role": role} for role in ("viewer", "manager")]
    made = shared.made("/v1/users", name="Both", roles=grants)
    assert made["roles"] == grants[::-1]
    assert shared.get(f"/v1/users/{made['id']}").json() == made
    assert made in shared.get("/v1/users?role=manager&limit=1000").json()["items"]
    assert made not in shared.get("/v1/users?role=contributor&limit=1000").json()["items"]


def test_an_address_is_kept_in_small_letters_and_once(shared: Api) -> None:
    made = shared.made("/v1/users", name="First", email="First@Example.ORG")
    assert made["email"] == "first@example.org"
    answer = shared.post("/v1/users", {"name": "Second", "email": "FIRST@example.org"})
    assert answer.status_code == 409
    assert shared.get("/v1/users?email=first@example.org").json()["items"] == [made]


def test_a_user_that_is_disabled_is_out_at_once_and_in_again_when_it_is_not(shared: Api, user: Body) -> None:
    address = f"/v1/users/{user['id']}"
    assert as_user(shared, user, "/v1/boards").status_code == 200
    shared.patch(address, {"is_active": False})
    assert as_user(shared, user, "/v1/boards").status_code == 401
    shared.patch(address, {"is_active": True})
    assert as_user(shared, user, "/v1/boards").status_code == 200


def test_a_role_holds_and_ends_at_the_next_request(shared: Api, user: Body) -> None:
    body = {"ref": f"by-{user['id']}", "name": "Board"}
    assert as_user(shared, user, "/v1/boards", "POST", json=body).status_code == 403
    address = f"/v1/users/{user['id']}"
    shared.patch(address, {"roles": [{"organisation_id": shared.home, "role": "manager"}]})
    assert as_user(shared, user, "/v1/boards", "POST", json=body).status_code == 201
    shared.patch(address, {"roles": []})
    assert as_user(shared, user, "/v1/boards").status_code == 403


def test_the_history_of_a_user_tells_who_gave_it_which_role(shared: Api, user: Body) -> None:
    address = f"/v1/users/{user['id']}"
    shared.patch(address, {"roles": [], "change_reason": "Has moved."})
    last, first = shared.get(f"{address}/history").json()["items"]
    assert [last["roles"], len(first["roles"])] == [[], 1]
    assert (last["reason"], last["recorded_by"]) == ("Has moved.", shared.get("/v1/me").json()["user_id"])


def test_the_last_administrator_stays_one(api: Api) -> None:
    token = api.run(_admin)
    headers = {"Authorization": f"Bearer {token}"}
    address = f"/v1/users/{api.client.get('/v1/me', headers=headers).json()['user_id']}"
    for change in ({"is_active": False}, {"is_admin": False}):
        tag = api.client.get(address, headers=headers).headers["etag"]
        answer = api.client.patch(address, json=change, headers={**headers, "If-Match": tag})
        assert answer.status_code == 422
        assert "last administrator" in answer.json()["errors"][0]["detail"]


def _admin(connection: Any) -> str:
    recorder = Recorder(connection, None, clock.now())
    return create_token(recorder, name="First", roles=[Role.ADMIN], organisation_id=None, scopes=list(Scope), days=1)


def test_an_administrator_without_an_organisation_sets_up_the_first_one(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.run(_admin)}"}
    council = api.client.post("/v1/organisations", json={"ref": "c", "name": "C", "kind": "council"}, headers=headers)
    grants = [{"organisation_id": council.json()["id"], "role": "manager"}]
    user = api.client.post("/v1/users", json={"name": "Manager", "roles": grants}, headers=headers).json()
    made = api.client.post("/v1/tokens", json={"name": "M", "user_id": user["id"]}, headers=headers).json()
    strategy = {"ref": "s", "title": "S", "starts_on": "2018-04-01"}
    manager = {"Authorization": f"Bearer {made['token']}"}
    answer = api.client.post("/v1/strategies", json=strategy, headers=manager)
    assert (answer.status_code, answer.json()["organisation_ids"]) == (201, [council.json()["id"]])
    assert api.client.get("/v1/strategies", headers=headers).status_code == 403


def test_one_sees_who_one_is_and_what_one_may(shared: Api, user: Body) -> None:
    said = as_user(shared, user, "/v1/me").json()
    assert (said["user_id"], said["name"], said["is_admin"]) == (user["id"], "Officer", False)
    assert said["roles"] == user["roles"]
    assert "read the plan" in said["acts"]
    assert "change the plan" not in said["acts"]
    assert "roles" not in as_user(shared, {**user, "token": "no"}, "/v1/me").json()


class TestTokens:
    def test_the_secret_is_shown_once_and_never_kept(self, shared: Api, user: Body) -> None:
        assert "token" not in shared.get(f"/v1/tokens/{user['token_id']}").json()
        key = {"Idempotency-Key": f"token-{user['id']}"}
        first, second = (shared.post("/v1/tokens", {"name": "Twice"}, headers=key).json() for _ in "ab")
        assert first["token"].startswith(f"trk_{first['public_id']}_")
        assert second == {**first, "token": None}

    def test_one_lists_ones_own_and_an_administrator_all(self, shared: Api, user: Body) -> None:
        own = as_user(shared, user, "/v1/tokens").json()["items"]
        assert [each["id"] for each in own] == [user["token_id"]]
        assert as_user(shared, user, "/v1/tokens?user_id=1").json()["items"] == []
        everybodys = shared.get("/v1/tokens?limit=1000").json()["items"]
        assert {user["token_id"]} < {each["id"] for each in everybodys}
        assert shared.get(f"/v1/tokens?user_id={user['id']}").json()["items"] == own

    def test_a_token_makes_no_stronger_one(self, shared: Api) -> None:
        reader = make_token(shared, shared.home, Role.MANAGER, scopes=(Scope.READ,))
        headers = {"Authorization": f"Bearer {reader}"}
        made = shared.client.post("/v1/tokens", json={"name": "Same"}, headers=headers)
        assert (made.status_code, made.json()["scopes"]) == (201, ["read"])
        answer = shared.client.post("/v1/tokens", json={"name": "More", "scopes": ["plan", "read"]}, headers=headers)
        assert answer.status_code == 403
        assert "plan" in answer.json()["detail"]

    def test_only_an_administrator_makes_one_for_another(self, shared: Api, user: Body) -> None:
        answer = as_user(shared, user, "/v1/tokens", "POST", json={"name": "Theirs", "user_id": 1})
        assert answer.status_code == 403
        answer = shared.post("/v1/tokens", {"name": "Nobody's", "user_id": 999_999})
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/user_id"]

    def test_what_is_revoked_holds_no_longer(self, shared: Api, user: Body) -> None:
        address = f"/v1/tokens/{user['token_id']}"
        assert as_user(shared, user, address, "DELETE").status_code == 204
        assert as_user(shared, user, "/v1/boards").status_code == 401
        first = shared.get(address).json()
        assert (first["revoked_by"], first["revoked_at"] is None) == (user["id"], False)
        assert shared.call("DELETE", address).status_code == 204
        assert shared.get(address).json() == first

    def test_of_somebody_elses_nothing_is_told(self, shared: Api, user: Body) -> None:
        other = shared.made("/v1/tokens", name="Other")["id"]
        for method in ("GET", "DELETE"):
            there, missing = (as_user(shared, user, f"/v1/tokens/{each}", method) for each in (other, 999_999))
            assert (there.status_code, missing.status_code) == (404, 404)
        assert shared.get(f"/v1/tokens/{other}").json()["revoked_at"] is None

    @pytest.mark.parametrize("days", [0, 366, -1, 1.5, "90", None])
    def test_a_token_lives_a_day_to_a_year(self, shared: Api, days: object) -> None:
        answer = shared.post("/v1/tokens", {"name": "Long", "expires_days": days})
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/expires_days"]

    def test_its_last_use_is_known_without_a_write_per_request(self, shared: Api, user: Body) -> None:
        address = f"/v1/tokens/{user['token_id']}"
        assert shared.get(address).json()["last_used_at"] is None
        for _ in range(3):
            as_user(shared, user, "/v1/boards")
        assert shared.get(address).json()["last_used_at"] is None
        assert shared.client.portal is not None
        shared.client.portal.call(shared.client.app.state.callers.keep_uses)  # type: ignore[attr-defined, call-arg]
        used = shared.get(address).json()["last_used_at"]
        assert used > user["created_at"]
