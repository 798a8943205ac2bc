"""The access matrix, whole: every operation by every sort of caller on every sort of row."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import func, select

from service.access.roles import Role, Scope
from service.core.history import stamp
from tests.access.table import TABLE, Deed, expected
from tests.access.world import KINDS, ORGANISATIONS, World, build
from tests.api.good_requests import JSON_TYPE, base_request, form, path_of
from tests.conftest import Api
from tests.contract.document import operation
from tests.factories import all_rows
from tests.wire import Answer, Request, send_all

STALE = b'"of another version"'
# What makes a row of each collection, but that its ref is taken; `{where}` is the row that it belongs to.
MADE: dict[str, str] = {
    "organisations": '{"ref": "county", "name": "Again", "kind": "nhs"}',
    "users": '{"name": "Again", "email": "somebody@example.org"}',
    "boards": '{"ref": "board-", "name": "Again"}',
    "areas": '{"ref": "area-", "name": "Again", "kind": "county"}',
    "owners": '{"ref": "own-", "post": "Again", "organisation_id": {organisations}}',
    "strategies": '{"ref": "ref-", "title": "Again", "starts_on": "2018-04-01"}',
    "priorities": '{"ref": "ref-", "title": "Again", "strategy_id": {strategies}}',
    "workstreams": '{"ref": "own-", "title": "Again", "strategy_id": {strategies}, "priority_ids": [{priorities}],'
    ' "lead_organisation_id": 1}',
    "milestones": '{"ref": "own-", "title": "Again", "workstream_id": {workstreams}}',
    "decisions": '{"ref": "ref-", "board_id": {board}, "kind": "note", "text": "Again", "priority_ids": [{priorities}]}',
    "funding-awards": '{"ref": "own-", "workstream_id": {award}, "funder_id": 1, "status": "bid"}',
    "indicators": '{"ref": "ref-", "title": "Again", "unit": "percent", "polarity": "low_good",'
    ' "strategy_id": {strategies}}',
}
MADE["reports"] = '{"quarter": "2018-19-Q3", "strategy_id": {strategies}}'
MADE["webhooks"] = '{"ref": "ref-", "url": "https://example.org", "strategy_id": {strategies}}'
MADE["report-schedules"] = '{"strategy_id": {strategies}}'
# What is done with as little as is needed to be let in: nothing changes, whoever asks.
REPORTED = '{"status": "on_hold", "effective_on": "2999-01-01"}'
VALUE = '{"value": 1.0, "published_on": "2018-12-10", "period_start": "2018-12-10", "period_end": "2018-12-09"}'
DONE = {
    Deed.OWN: {200, 422},
    Deed.LIST: {200},
    Deed.READ: {200},
    Deed.REPORT: {422},
    Deed.MAKE: {409},
    Deed.IMPORT: {422},
    Deed.SEND: {200, 409},
}
# What a draft answers those who may: publish it first.
OF_PUBLISHED = {"withdraw_report", "verify_report", "get_report_restatement"}
of_every_operation = pytest.mark.parametrize("name", sorted(TABLE))
GUARDED = sorted(name for name, row in TABLE.items() if row.deed is not Deed.OPEN)
of_every_guarded_operation = pytest.mark.parametrize("name", GUARDED)
counted: Counter[str] = Counter()


@pytest.fixture(scope="module")
def world(shared: Api) -> World:
    return build(shared)


@dataclass(frozen=True)
class Case:
    """One cell of the matrix."""

    role: Role
    organisation: str
    kind: str

    def __str__(self) -> str:
        return f"{self.role} of {self.organisation}, {self.kind}"


CASES = [Case(role, each, kind) for role in Role for each in ORGANISATIONS for kind in KINDS]


def request_of(world: World, name: str, kind: str, token: str) -> Request:
    """Return a request of an operation about the row of a kind, that changes nothing."""
    row, base = TABLE[name], base_request(operation(name))
    number = str(world.row(row.collection, kind)) if row.collection else "1"
    headers = {"authorization": f"Bearer {token}".encode()}
    if "If-Match" in operation(name).parameters("header"):
        headers["if-match"] = STALE
    path = path_of(operation(name), number)
    query = base.query.replace("strategy_id=1", f"strategy_id={number}")
    body = b""
    if name == "preview_import":
        headers["content-type"], body = form(file=("a.csv", b"a,b"), strategy_id=number)
    elif base.method in ("POST", "PATCH"):
        headers |= JSON_TYPE
        body = body_of(world, name, kind).encode()
    return replace(base, path=path, query=query, headers=headers, body=body)


def body_of(world: World, name: str, kind: str) -> str:
    """Return a body that is good enough to be let in, and too bad for anything to be done."""
    if name == "record_update":
        return REPORTED
    if name == "apply_import":
        return json.dumps({"sha256": "0" * 64})
    if name == "withdraw_report":
        return '{"reason": "Never"}'
    if name == "record_observation":
        return VALUE
    if name == "create_token":
        return '{"name": "Never", "expires_days": 0}'
    if name.startswith(("change_", "publish_", "send_", "make_")):
        return "{}"
    body = MADE[TABLE[name].collection]
    places = ("organisations", "strategies", "priorities", "workstreams")
    for place in places:
        body = body.replace(f"{{{place}}}", str(world.row(place, kind)))
    # The ref is taken on this board, and in this workstream.
    body = body.replace("{board}", str(world.row("boards", "own")))
    seen = "own" if kind in ("own", "department", "partner") else kind
    return body.replace("{award}", str(world.row("workstreams", seen)))


def outcome(name: str, answer: Answer) -> str:
    """Return what an answer says, in the words of the table."""
    row = TABLE[name]
    known = {401: "unknown", 403: "not allowed", 404: "not there"}
    if answer.status in known:
        return known[answer.status]
    if row.deed in (Deed.MAKE, Deed.IMPORT) and answer.status == 422:
        details = {fault["detail"] for fault in answer.json()["errors"]}
        if any("or you may not see it" in each for each in details):
            return "not named"
        return "done" if row.deed is Deed.IMPORT else str(details)
    changed = {"POST": {422}, "DELETE": {204}} if row.collection == "tokens" else {}
    done = {409} if name in OF_PUBLISHED else DONE.get(row.deed, {412, 422} | changed.get("DELETE", set()))
    return "done" if answer.status in done else str(answer.status)


def newest_seq(api: Api) -> int:
    return api.look(lambda connection: int(connection.execute(select(func.max(stamp.c.seq))).scalar_one()))


def test_every_operation_has_a_row(shared: Api) -> None:
    document = shared.client.app.openapi()  # type: ignore[attr-defined]
    named = {each["operationId"] for path in document["paths"].values() for each in path.values()}
    assert named == set(TABLE)


@of_every_guarded_operation
def test_a_role_reaches_as_far_as_it_is_held(world: World, name: str) -> None:
    row = TABLE[name]
    cases = CASES if name != "revoke_token" else [each for each in CASES if each.role is not Role.ADMIN]
    before = newest_seq(world.api)
    tokens = [world.tokens[case.role, case.organisation] for case in cases]
    requests = [request_of(world, name, case.kind, token) for case, token in zip(cases, tokens, strict=True)]
    answers = send_all(world.api, requests)
    counted["cells"] += len(cases)
    wrong = {
        str(case): (outcome(name, answer), answer.body[:300])
        for case, answer in zip(cases, answers, strict=True)
        if outcome(name, answer) != expected(row, case.role, case.organisation, case.kind)
    }
    assert wrong == {}
    assert newest_seq(world.api) == before


OF_STRATEGIES = [
    name
    for name in GUARDED
    if TABLE[name].deed in (Deed.WRITE, Deed.MAKE, Deed.REPORT)
    # Any manager may make a strategy of its own.
    and name != "create_strategy"
    and TABLE[name].collection not in ("organisations", "owners", "boards", "areas", "users", "tokens")
]


@pytest.fixture(scope="module")
def mixed(world: World) -> str:
    """A token of somebody who reads the first strategy and manages the second."""
    held = (("county", "viewer"), ("police", "manager"))
    grants = [{"organisation_id": world.organisations[name], "role": role} for name, role in held]
    headers = {"Authorization": f"Bearer {world.tokens[Role.ADMIN, 'county']}"}
    user = world.api.client.post("/v1/users", json={"name": "Mixed", "roles": grants}, headers=headers).json()
    token = {"name": "Mixed", "user_id": user["id"]}
    return str(world.api.client.post("/v1/tokens", json=token, headers=headers).json()["token"])


@pytest.mark.parametrize("name", OF_STRATEGIES)
def test_a_role_lends_another_no_place(world: World, mixed: str, name: str) -> None:
    row, before = TABLE[name], newest_seq(world.api)
    # In the second strategy a new row would be made: its refs are free there.
    kinds = [kind for kind in KINDS if kind != "foreign" or row.deed is not Deed.MAKE]
    answers = send_all(world.api, [request_of(world, name, kind, mixed) for kind in kinds])
    counted["cells"] += len(answers)
    found = {kind: outcome(name, answer) for kind, answer in zip(kinds, answers, strict=True)}
    missing = "not named" if row.deed is Deed.MAKE else "not there"
    wanted = {**dict.fromkeys(KINDS, "not allowed"), "foreign": "done", "missing": missing}
    assert found == {kind: wanted[kind] for kind in kinds}
    assert newest_seq(world.api) == before


@of_every_guarded_operation
def test_a_refusal_says_who_could(world: World, name: str) -> None:
    row = TABLE[name]
    refused = [case for case in CASES if expected(row, case.role, case.organisation, case.kind) == "not allowed"]
    tokens = [world.tokens[case.role, case.organisation] for case in refused]
    requests = [request_of(world, name, case.kind, token) for case, token in zip(refused, tokens, strict=True)]
    for case, answer in zip(refused, send_all(world.api, requests), strict=True):
        assert any(role.value in answer.json()["detail"] for role in row.roles), case


@of_every_guarded_operation
def test_what_is_not_seen_is_as_if_it_were_not_there(world: World, name: str) -> None:
    """The answers about another strategy's row and about no row differ by nothing but the number asked for."""
    row = TABLE[name]
    unseen = [
        case
        for case in CASES
        if case.kind == "foreign"
        and expected(row, case.role, case.organisation, "foreign") in ("not there", "not named")
    ]
    for case in unseen:
        token = world.tokens[case.role, case.organisation]
        foreign, missing = (request_of(world, name, kind, token) for kind in ("foreign", "missing"))
        said = [_plain(answer, world) for answer in send_all(world.api, [foreign, missing])]
        assert said[0] == said[1], case


def _plain(answer: Answer, world: World) -> object:
    """Return an answer without the number that was asked for and the id of the request."""
    content = answer.json()
    text = json.dumps({key: value for key, value in content.items() if key not in ("instance", "request_id")})
    numbers = {str(world.row(collection, kind)) for collection in world.rows for kind in ("foreign", "missing")}
    words = [word for word in text.replace(",", " ").replace('"', " ").split() if word not in numbers]
    names = set(answer.headers) - {"x-request-id", "content-length"}
    return answer.status, words, names


def useless(world: World) -> dict[str, str]:
    good = world.tokens[Role.MANAGER, "county"]
    swapped = good[:-1] + ("A" if good[-1] != "A" else "B")
    return {
        "nothing": "",
        "no secret": "Bearer trk_0123456789abcdef_",  # pragma: allowlist secret
        "a wrong secret": f"Bearer {swapped}",
        "an unknown id": f"Bearer trk_{'0' * 16}_{good.split('_', 2)[2]}",
        "nonsense": "Bearer nonsense",
        "another scheme": f"Digest {good}",
        **{name: f"Bearer {token}" for name, token in world.spoilt.items()},
        "a token of no issuer": "Bearer aaaa.bbbb.cccc",
    }


@of_every_operation
def test_who_shows_nothing_that_holds_is_let_into_nothing(world: World, name: str) -> None:
    row, before = TABLE[name], newest_seq(world.api)
    request = request_of(world, name, "own", "")
    shown = [{**request.headers, "authorization": each.encode()} for each in useless(world).values()]
    answers = send_all(world.api, [replace(request, headers=headers) for headers in shown])
    counted["cells"] += len(answers)
    wanted = 200 if row.deed is Deed.OPEN else 401
    assert [answer.status for answer in answers] == [wanted] * len(answers)
    if wanted == 401:
        assert all("Bearer" in answer.headers["www-authenticate"] for answer in answers)
    assert newest_seq(world.api) == before


@of_every_guarded_operation
def test_who_shows_nothing_at_all_is_told_how_to_sign_in(world: World, name: str) -> None:
    request = request_of(world, name, "own", "")
    answer = world.api.client.request(request.method, f"{request.path}?{request.query}", content=request.body)
    counted["cells"] += 1
    assert (answer.status_code, "Bearer" in answer.headers["www-authenticate"]) == (401, True)


@of_every_guarded_operation
def test_a_token_does_no_more_than_its_scopes(world: World, name: str) -> None:
    row, before = TABLE[name], newest_seq(world.api)
    kind = "missing" if name == "revoke_token" else "own"
    requests = [request_of(world, name, kind, world.without[scope]) for scope in Scope]
    answers = send_all(world.api, requests)
    counted["cells"] += len(answers)
    for scope, answer in zip(Scope, answers, strict=True):
        assert (answer.status == 403) == (scope is row.scope), (scope, answer.body)
        assert answer.status != 401
        if scope is row.scope:
            assert scope.value in answer.json()["detail"]
    assert newest_seq(world.api) == before


@pytest.fixture(scope="module", autouse=True)
def untouched(world: World, mixed: str, shared_url: str) -> Iterator[None]:
    """Nothing that the matrix asks changes any row of any table; its size is told at the end."""
    assert world.tokens
    assert mixed
    before = kept_rows(shared_url)
    counted.clear()
    yield
    assert kept_rows(shared_url) == before
    print(f"{counted['cells']} cells of the access matrix, 0 wrong.")  # noqa: T201 The size is worth telling.


def kept_rows(url: str) -> object:
    """Return every row of every table, without the times at which tokens were last used, and secrets made anew."""
    return {name: rows for name, rows in all_rows(url).items() if name not in ("access_token", "webhook_channel")}
