"""Coming in over HTTP: an issuer's tokens, attempts that are slowed down, names and proxies, several processes."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from joserfc.jwk import RSAKey

from service.access.roles import Role
from service.core import clock
from tests.access.issuer import PERSON, MockIssuer, by, claims, compact, program_claims, public, serving_issuer
from tests.access.world import make_token
from tests.conftest import MANY, Api, serving
from tests.durability.loopback import Caller, Server
from tests.durability.loopback import make_token as make_admin
from tests.durability.loopback import serving as running
from tests.wire import Answer, Request, send_all

WRONG = "Bearer trk_0123456789abcdef_" + "x" * 43
Serve = Callable[..., Api]


@pytest.fixture
def serve(database_url: str) -> Iterator[Serve]:
    """What serves the database of a test under some settings; each is a process of its own, as far as it can tell."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(contextmanager(serving)(database_url, **settings))


def shown(authorization: str, path: str = "/v1/boards", **headers: str) -> Request:
    given = {name.replace("_", "-"): value.encode() for name, value in headers.items()}
    return Request("GET", path, headers={"authorization": authorization.encode(), "host": b"a", **given})


def statuses(answers: list[Answer]) -> list[int]:
    return [answer.status for answer in answers]


@pytest.fixture(scope="module")
def key() -> RSAKey:
    """The key by which the issuer signs."""
    return RSAKey.generate_key(2048)


@pytest.fixture(scope="module")
def mock(key: RSAKey) -> Iterator[MockIssuer]:
    """An issuer of access tokens."""
    with serving_issuer() as issuer:
        issuer.keys = [public(key, kid="good", use="sig")]
        yield issuer


class TestIssuersTokens:
    @pytest.fixture(autouse=True)
    def _sign(self, key: RSAKey) -> None:
        self.key = key

    @pytest.fixture
    def api(self, serve: Serve, mock: MockIssuer) -> Api:
        given = mock.settings()
        names = ("oidc_issuer", "oidc_audience", "oidc_tenants")
        return serve(**{name: getattr(given, name) for name in names})

    def token(self, mock: MockIssuer, make: Callable[..., dict[str, Any]] = claims, **changes: Any) -> str:
        now = int(clock.now().timestamp())
        times = {"iat": now, "nbf": now, "exp": now + 3600}
        made = make(mock.issuer, **{**times, **changes})
        return compact({"alg": "RS256", "kid": "good", "typ": "JWT"}, made, by("RS256", self.key))

    def ask(self, api: Api, token: str, path: str = "/v1/me", method: str = "GET", **more: Any) -> httpx.Response:
        return api.client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **more)

    def test_who_comes_for_the_first_time_becomes_a_user_and_stays_the_same_one(
        self, api: Api, mock: MockIssuer
    ) -> None:
        first = self.ask(api, self.token(mock)).json()
        assert (first["name"], first["roles"]) == ("Asha Patel", [])
        renamed = self.token(mock, name="A. Patel", preferred_username="another@council.example")
        assert self.ask(api, renamed).json()["user_id"] == first["user_id"]
        kept = api.get(f"/v1/users/{first['user_id']}").json()
        assert (kept["name"], kept["email"], kept["roles"]) == ("Asha Patel", "asha.patel@council.example", [])
        other = self.ask(api, self.token(mock, oid="77777777-dddd-4ddd-8ddd-777777777777")).json()
        assert other["user_id"] != first["user_id"]
        # Somebody else who shows the same address is somebody else.
        assert api.get(f"/v1/users/{other['user_id']}").json()["email"] is None

    def test_an_app_role_is_a_role_for_the_organisation_that_it_names(self, api: Api, mock: MockIssuer) -> None:
        home = api.home
        board = {"ref": "b", "name": "Board"}
        reader = self.token(mock, roles=["viewer:home", "manager:nowhere", "Reports.Read.All"])
        assert self.ask(api, reader, "/v1/boards").status_code == 200
        assert self.ask(api, reader, "/v1/boards", "POST", json=board).status_code == 403
        assert self.ask(api, reader).json()["roles"] == [{"organisation_id": home, "role": "viewer"}]
        manager = self.token(mock, roles=["manager:home"])
        made = self.ask(api, manager, "/v1/boards", "POST", json=board)
        assert made.status_code == 201
        (version,) = api.get(f"/v1/boards/{made.json()['id']}/history").json()["items"]
        assert version["recorded_by"] == self.ask(api, reader).json()["user_id"]

    def test_roles_of_a_token_add_up_with_those_held_here(self, api: Api, mock: MockIssuer) -> None:
        user = self.ask(api, self.token(mock, roles=["viewer:home"])).json()["user_id"]
        api.patch(f"/v1/users/{user}", {"roles": [{"organisation_id": api.home, "role": "manager"}]})
        held = self.ask(api, self.token(mock, roles=["viewer:home"])).json()["roles"]
        assert [each["role"] for each in held] == ["manager", "viewer"]
        board = {"ref": "b", "name": "Board"}
        assert self.ask(api, self.token(mock, roles=[]), "/v1/boards", "POST", json=board).status_code == 201

    def test_a_program_comes_in_by_its_roles(self, api: Api, mock: MockIssuer) -> None:
        assert api.home
        program = self.token(mock, program_claims, roles=["viewer:home"])
        assert self.ask(api, program, "/v1/boards").status_code == 200

    def test_who_is_disabled_here_is_out_whatever_the_issuer_says(self, api: Api, mock: MockIssuer) -> None:
        token = self.token(mock)
        user = self.ask(api, token).json()["user_id"]
        api.patch(f"/v1/users/{user}", {"is_active": False})
        assert self.ask(api, token).status_code == 401
        assert self.ask(api, self.token(mock)).status_code == 401
        api.patch(f"/v1/users/{user}", {"is_active": True})
        assert self.ask(api, token).status_code == 200

    def test_a_token_that_does_not_hold_makes_no_user(self, api: Api, mock: MockIssuer) -> None:
        before = api.get("/v1/users").json()["items"]
        for changes in (
            {"exp": 1},
            {"aud": "another"},
            {"tid": PERSON},
            {"scp": "other"},
            {"iss": "https://e.example"},
        ):
            answer = self.ask(api, self.token(mock, **changes))
            assert answer.status_code == 401, changes
            assert self.token(mock) not in answer.text
        forged = compact({"alg": "none", "kid": "good"}, claims(mock.issuer), lambda _: b"")
        assert self.ask(api, forged).status_code == 401
        assert api.get("/v1/users").json()["items"] == before

    def test_two_processes_make_one_user_of_a_person(self, serve: Serve, mock: MockIssuer) -> None:
        given = mock.settings()
        names = ("oidc_issuer", "oidc_audience", "oidc_tenants")
        both = [serve(**{name: getattr(given, name) for name in names}) for _ in "ab"]
        found = {self.ask(api, self.token(mock)).json()["user_id"] for api in both for _ in "ab"}
        assert len(found) == 1

    def test_without_an_issuer_none_of_its_tokens_holds(self, serve: Serve, mock: MockIssuer) -> None:
        assert self.ask(serve(), self.token(mock)).status_code == 401


class TestSlowingDown:
    def test_the_eleventh_bad_attempt_is_told_to_wait(self, serve: Serve) -> None:
        api = serve(bad_credentials_per_minute=10)
        answers = send_all(api, [shown(WRONG)] * 11)
        assert statuses(answers) == [401] * 10 + [429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert answers[-1].json()["title"] == "Too many requests"

    def test_the_rightful_user_comes_in_all_the_same(self, serve: Serve) -> None:
        api = serve(bad_credentials_per_minute=3)
        good = make_token(api, api.home, Role.VIEWER)
        wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
        assert statuses(send_all(api, [shown(f"Bearer {wrong}")] * 5)) == [401] * 3 + [429] * 2
        assert statuses(send_all(api, [shown(f"Bearer {good}")] * 5)) == [200] * 5

    def test_each_token_is_counted_from_wherever_it_is_tried(self, serve: Serve) -> None:
        api = serve(bad_credentials_per_minute=3, trusted_proxies="127.0.0.1")
        tried = [shown(WRONG, x_forwarded_for=f"192.0.2.{number}") for number in range(5)]
        assert statuses(send_all(api, tried)) == [401] * 3 + [429] * 2

    def test_each_address_is_counted_whatever_token_it_tries(self, serve: Serve) -> None:
        api = serve(bad_credentials_per_minute=3, trusted_proxies="127.0.0.1")
        tokens = [f"Bearer trk_{number:016x}_{'x' * 43}" for number in range(5)]
        tried = [shown(token, x_forwarded_for="192.0.2.1") for token in tokens]
        assert statuses(send_all(api, tried)) == [401] * 3 + [429] * 2
        assert statuses(send_all(api, [shown(tokens[4], x_forwarded_for="192.0.2.2")])) == [401]

    def test_who_is_no_proxy_of_ours_cannot_say_where_it_comes_from(self, serve: Serve) -> None:
        api = serve(bad_credentials_per_minute=3)
        tokens = [f"Bearer trk_{number:016x}_{'x' * 43}" for number in range(5)]
        tried = [shown(token, x_forwarded_for=f"192.0.2.{number}") for number, token in enumerate(tokens)]
        assert statuses(send_all(api, tried)) == [401] * 3 + [429] * 2

    def test_no_token_at_all_is_no_attempt(self, serve: Serve) -> None:
        api = serve(bad_credentials_per_minute=3)
        assert {api.client.get("/v1/boards").status_code for _ in range(9)} == {401}

    def test_a_token_asks_no_more_often_than_it_is_let(self, serve: Serve) -> None:
        api = serve(requests_per_minute=4)
        first, second = (f"Bearer {make_token(api, api.home, Role.VIEWER)}" for _ in "ab")
        answers = send_all(api, [shown(first)] * 6)
        assert statuses(answers) == [200] * 4 + [429] * 2
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert statuses(send_all(api, [shown(second)])) == [200]


class TestHostsAndHeaders:
    def test_it_answers_to_its_names_alone(self, serve: Serve) -> None:
        api = serve(trusted_hosts="tracker.example.org,*.council.example")
        token = f"Bearer {api.token()}"
        for host, status in (
            (b"tracker.example.org", 200),
            (b"Tracker.Example.Org:8000", 200),
            (b"plan.council.example", 200),
            (b"council.example", 400),
            (b"a.b.council.example", 400),
            (b"evil.example", 400),
            (b"", 400),
            (b"tracker.example.org.evil.example", 400),
        ):
            request = shown(token)
            request.headers["host"] = host
            (answer,) = send_all(api, [request])
            assert answer.status == status, host
            assert b"evil" not in answer.body
        for path in ("/livez", "/readyz"):
            assert statuses(send_all(api, [shown(token, path)])) == [200]

    def test_every_answer_keeps_browsers_honest(self, serve: Serve) -> None:
        api = serve(hsts_seconds=31536000, trusted_hosts="a")
        good, refused = shown(f"Bearer {api.token()}"), shown(WRONG)
        strange = shown(WRONG, "/nowhere")
        elsewhere = shown(WRONG)
        elsewhere.headers["host"] = b"b"
        for answer in send_all(api, [good, refused, strange, elsewhere]):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            assert "server" not in answer.headers

    def test_browsers_are_not_held_to_https_unless_that_is_wanted(self, serve: Serve) -> None:
        (answer,) = send_all(serve(), [shown(WRONG)])
        assert "strict-transport-security" not in answer.headers


class TestSeveralProcesses:
    @pytest.mark.parametrize("change", ["revoked", "disabled", "without a role"])
    def test_what_one_changes_holds_in_the_other_at_the_next_request(self, serve: Serve, change: str) -> None:
        here, there = serve(), serve()
        roles = [{"organisation_id": here.home, "role": "viewer"}]
        user = here.made("/v1/users", name="Officer", roles=roles)
        token = here.made("/v1/tokens", name="Officer's", user_id=user["id"])
        theirs = {"Authorization": f"Bearer {token['token']}"}
        assert there.client.get("/v1/boards", headers=theirs).status_code == 200
        if change == "revoked":
            here.call("DELETE", f"/v1/tokens/{token['id']}")
        else:
            here.patch(f"/v1/users/{user['id']}", {"is_active": False} if change == "disabled" else {"roles": []})
        wanted = 403 if change == "without a role" else 401
        assert there.client.get("/v1/boards", headers=theirs).status_code == wanted

    def test_real_workers_let_nobody_in_who_is_revoked(self, sample_url: str, tmp_path: Path) -> None:
        admin = make_admin(sample_url)
        with running(sample_url, tmp_path / "log", workers=3, bad_credentials_per_minute=MANY) as server:
            assert asyncio.run(self.revoke(server, admin)) == ([200] * 30, [401] * 30)

    async def revoke(self, server: Server, admin: str) -> tuple[list[int], list[int]]:
        """Return what a token is answered before it is revoked, and after, each time over a new connection."""
        await server.ready()
        async with Caller(server.port, admin) as caller:
            made = (await caller.call("POST", "/v1/tokens", {"name": "Short"})).json()

            async def ask() -> list[int]:
                found = []
                for _ in range(30):
                    async with Caller(server.port, made["token"]) as holder:
                        answer = await holder.call("GET", "/v1/boards")
                    assert "server" not in answer.headers
                    found.append(answer.status)
                return found

            before = await ask()
            await caller.call("DELETE", f"/v1/tokens/{made['id']}")
            return before, await ask()
