"""How a token is shown, how long it holds and what is told of it. Who may do what is in the access matrix."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select, update

from service.access.models import access_token, user_account
from service.access.roles import Role
from service.access.service import note_access_change
from service.core import clock
from service.core.history import Recorder, stamp
from tests.api.good_requests import base_request
from tests.conftest import Api
from tests.contract.document import Operation, operation
from tests.factories import all_rows
from tests.wire import Answer, Request, send_all


@pytest.fixture(scope="module")
def useless(served: Api) -> dict[str, str]:
    """Authorization headers that hold nothing, by what is wrong with them."""
    good = served.token()
    expired, revoked, disabled = (
        served.token(*roles) for roles in ((Role.VIEWER, role) for role in (Role.CONTRIBUTOR, Role.MANAGER, Role.ADMIN))
    )

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
    assert [answer.status for answer in send_all(served, asked)] == [403, 404, 403]


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
