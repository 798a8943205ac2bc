"""Who may do what: every operation against every kind of caller, and nothing is changed by one that is refused."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select, update

from service.access.models import access_token, user_account
from service.access.roles import Role, Scope
from service.access.service import note_access_change
from service.core import clock
from service.core.history import Recorder, stamp
from tests.api.good_requests import base_request
from tests.conftest import Api
from tests.contract.document import Operation, operation
from tests.factories import all_rows
from tests.wire import Answer, Request, send_all

READERS = (Role.VIEWER, Role.CONTRIBUTOR, Role.MANAGER)
# Who may, with which scope of the token; None where no token is asked for.
Row = tuple[tuple[Role, ...], Scope] | None
ANYBODY: Row = None
ALL: Row = (tuple(Role), Scope.READ)
PLAN: Row = (READERS, Scope.READ)
REPORT: Row = ((Role.CONTRIBUTOR, Role.MANAGER), Scope.UPDATE)
WRITE: Row = ((Role.MANAGER,), Scope.PLAN)
ADMINISTER: Row = ((Role.ADMIN,), Scope.ADMIN)


def collection(noun: str, plural: str, reads: Row = PLAN, writes: Row = WRITE) -> dict[str, Row]:
    """Return the rows of the six operations of a collection."""
    reading = (f"list_{plural}", f"get_{noun}", f"get_{noun}_history")
    return {**dict.fromkeys(reading, reads), **{f"{verb}_{noun}": writes for verb in ("create", "change", "delete")}}


ACCESS: dict[str, Row] = {
    "get_livez": ANYBODY,
    "get_readyz": ANYBODY,
    "get_metrics": ALL,
    **collection("organisation", "organisations", ALL, ADMINISTER),
    **collection("owner", "owners"),
    **collection("board", "boards"),
    **collection("area", "areas"),
    **collection("strategy", "strategies"),
    **collection("priority", "priorities"),
    **collection("workstream", "workstreams"),
    **collection("milestone", "milestones"),
    **collection("decision", "decisions"),
    **collection("funding_award", "funding_awards"),
    **collection("indicator", "indicators"),
    "list_updates": PLAN,
    "get_update": PLAN,
    "list_milestone_updates": PLAN,
    "record_update": REPORT,
    "list_observations": PLAN,
    "get_observation": PLAN,
    "list_indicator_observations": PLAN,
    "record_observation": WRITE,
    "get_progress": PLAN,
    "get_progress_trend": PLAN,
    "get_progress_changes": PLAN,
    "get_priority_progress": PLAN,
    "get_workstream_progress": PLAN,
    "list_events": PLAN,
}
GUARDED = {name: row for name, row in ACCESS.items() if row is not None}
of_every_guarded_operation = pytest.mark.parametrize("name", sorted(GUARDED))


def test_every_operation_has_a_row(served: Api) -> None:
    document = served.client.app.openapi()  # type: ignore[attr-defined]
    named = {each["operationId"] for path in document["paths"].values() for each in path.values()}
    assert named == set(ACCESS)


@pytest.fixture(scope="module")
def useless(served: Api) -> dict[str, str]:
    """Authorization headers that hold nothing, by what is wrong with them."""
    good = served.token()
    expired, revoked, disabled = (served.token(*roles) for roles in ((Role.MANAGER, role) for role in READERS))

    def spoil(connection: Connection) -> None:
        def public_id(token: str) -> str:
            return token.split("_")[1]

        long_ago, tokens = clock.now() - timedelta(microseconds=1), update(access_token)
        connection.execute(tokens.where(access_token.c.public_id == public_id(expired)).values(expires_at=long_ago))
        connection.execute(tokens.where(access_token.c.public_id == public_id(revoked)).values(revoked_at=long_ago))
        user = select(access_token.c.user_id).where(access_token.c.public_id == public_id(disabled)).scalar_subquery()
        connection.execute(update(user_account).where(user_account.c.id == user).values(is_active=False))
        note_access_change(Recorder(connection, None, clock.now()))

    assert {ask(served, f"Bearer {token}").status for token in (expired, revoked, disabled)} == {200}
    served.run(spoil)
    other = served.token(Role.VIEWER)
    return {
        "none": "",
        "garbage": "Bearer trk_garbage",
        "another scheme": f"Digest {good}",
        "another's secret": f"Bearer {good[:21]}{other[21:]}",
        "a token nobody has": f"Bearer trk_{'0' * 16}_{'a' * 43}",
        "expired": f"Bearer {expired}",
        "revoked": f"Bearer {revoked}",
        "of a disabled user": f"Bearer {disabled}",
        "expired, as a password": basic(expired),
    }


def basic(token: str) -> str:
    """Return the header that a spreadsheet sends, with the token as password."""
    return f"Basic {base64.b64encode(f'anyone:{token}'.encode()).decode()}"


def request_as(operation: Operation, authorization: str) -> Request:
    """Return a good request of an operation with these credentials."""
    request = base_request(operation)
    return replace(request, headers={**request.headers, "authorization": authorization.encode()})


def ask(api: Api, authorization: str) -> Answer:
    """Ask for boards with these credentials."""
    return send_all(api, [request_as(operation("list_boards"), authorization)])[0]


def newest_seq(api: Api) -> int:
    """Return the number of the newest transaction: every change has one."""
    newest = select(func.max(stamp.c.seq))
    return api.look(lambda connection: int(connection.execute(newest).scalar_one()))


@pytest.mark.parametrize("name", sorted(ACCESS.keys() - GUARDED.keys()))
def test_health_takes_no_token(served: Api, useless: dict[str, str], name: str) -> None:
    requests = [request_as(operation(name), shown) for shown in useless.values()]
    assert {answer.status for answer in send_all(served, requests)} == {200}


@of_every_guarded_operation
def test_credentials_that_hold_nothing_do_nothing(served: Api, useless: dict[str, str], name: str) -> None:
    before = newest_seq(served)
    requests = [request_as(operation(name), shown) for shown in useless.values()]
    for case, answer in zip(useless, send_all(served, requests), strict=True):
        assert answer.status == 401, case
        assert "Bearer" in answer.headers["www-authenticate"], case
    assert newest_seq(served) == before


@of_every_guarded_operation
def test_only_the_roles_that_may_are_let_in(served: Api, name: str) -> None:
    able, _ = GUARDED[name]
    tokens = {role: served.token(role) for role in Role}
    before = newest_seq(served)
    kept_out = [role for role in Role if role not in able]
    answers = send_all(served, [request_as(operation(name), f"Bearer {tokens[role]}") for role in kept_out])
    for role, answer in zip(kept_out, answers, strict=True):
        assert answer.status == 403, role
        assert any(other.value in answer.json()["detail"] for other in able)
    assert newest_seq(served) == before
    answers = send_all(served, [request_as(operation(name), f"Bearer {tokens[role]}") for role in able])
    assert not {answer.status for answer in answers} & {401, 403, 500}


@of_every_guarded_operation
def test_a_token_does_no_more_than_its_scopes(served: Api, name: str) -> None:
    _, needed = GUARDED[name]
    without = served.token(*Role, scopes=tuple(scope for scope in Scope if scope is not needed))
    only = served.token(*Role, scopes=(needed,))
    before = newest_seq(served)
    (refused,) = send_all(served, [request_as(operation(name), f"Bearer {without}")])
    assert (refused.status, newest_seq(served)) == (403, before)
    assert needed.value in refused.json()["detail"]
    (allowed,) = send_all(served, [request_as(operation(name), f"Bearer {only}")])
    assert allowed.status not in {401, 403, 500}


def test_a_refused_caller_leaves_every_table_as_it_was(served: Api, shared_url: str, useless: dict[str, str]) -> None:
    viewer = served.token(Role.VIEWER)
    before = all_rows(shared_url)
    writes = [name for name in GUARDED if name.startswith(("create_", "change_", "delete_", "record_"))]
    for shown in (*useless.values(), f"Bearer {viewer}"):
        send_all(served, [request_as(operation(name), shown) for name in writes])
    assert all_rows(shared_url) == before


def test_roles_add_up(served: Api) -> None:
    both = served.token(Role.VIEWER, Role.ADMIN)
    asked = [request_as(operation(name), f"Bearer {both}") for name in ("list_boards", "create_organisation")]
    assert not {answer.status for answer in send_all(served, asked)} & {401, 403}


@pytest.mark.parametrize("form", ["Bearer {0}", "bearer {0}", "BEARER  {0}", "basic"])
def test_a_token_is_shown_as_bearer_or_as_a_password(served: Api, form: str) -> None:
    token = served.token()
    assert ask(served, basic(token) if form == "basic" else form.format(token)).status == 200


def test_a_token_ends_at_its_time(served: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = served.token(Role.VIEWER, days=2)
    made = clock.now()
    monkeypatch.setattr(clock, "now", lambda: made + timedelta(hours=47))
    assert ask(served, f"Bearer {token}").status == 200
    monkeypatch.setattr(clock, "now", lambda: made + timedelta(hours=49))
    assert ask(served, f"Bearer {token}").status == 401


def test_who_may_not_is_told_before_what_is_wrong_with_the_request(served: Api) -> None:
    viewer = f"Bearer {served.token(Role.VIEWER)}".encode()
    headers = {"authorization": viewer, "content-type": b"text/plain"}
    asked = [
        Request("POST", "/v1/boards", headers=headers, body=b"{"),
        Request("PATCH", "/v1/boards/999999", headers=headers, body=b"{"),
        Request("DELETE", "/v1/boards/x", headers=headers),
    ]
    assert [answer.status for answer in send_all(served, asked)] == [403, 403, 403]


def test_an_answer_shows_nothing_of_a_secret(served: Api, useless: dict[str, str]) -> None:
    for shown in useless.values():
        # A secret may itself hold underscores: what follows the last of them can be a single letter.
        secret = shown.split("_", 2)[-1]
        body = ask(served, shown).body.decode()
        assert not secret or secret not in body
        assert "trk_" not in body.replace("trk_…", "")


def test_of_a_token_only_the_digest_is_kept(served: Api, shared_url: str) -> None:
    token = served.token()
    kept = repr(all_rows(shared_url)["access_token"])
    assert token.split("_")[1] in kept
    assert token.split("_", 2)[2] not in kept


def test_every_write_records_who_did_it(served: Api) -> None:
    served.token(Role.MANAGER)
    row = served.post("/v1/boards", {"ref": "recorded", "name": "Board"}, roles=(Role.MANAGER,)).json()
    (entry,) = served.get(f"/v1/boards/{row['id']}/history").json()["items"]
    names = select(user_account.c.name).where(user_account.c.id == entry["recorded_by"])
    assert served.look(lambda connection: connection.execute(names).scalar_one()) == "Tester"
