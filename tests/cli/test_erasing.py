"""`tracker user erase`: nothing tells any more who somebody was, and all else is as it was."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, make_url, select

import service.access.erasure as erasing
from service.access.claims import FederatedIdentity
from service.access.models import user_account, user_identity
from service.access.service import welcome
from service.core import clock
from service.core.columns import PERSONAL
from service.core.errors import TrackerError
from service.core.history import APPEND_ONLY, Recorder, metadata
from tests.cli.command import must, run_tracker
from tests.conftest import Api, run_once
from tests.database.test_append_only import change, refused
from tests.durability.audit import change_log, faults_of
from tests.factories import all_rows

NAME, ADDRESS, OLD_ADDRESS = "Wilhelmina Quarles", "w.quarles@example.org", "wilhelmina@example.org"
SECRETS = (NAME, "Wilma Quarles", ADDRESS, OLD_ADDRESS)
PROGRESS = "/v1/progress?strategy_id=1&as_at=2018-12-10"


class World:
    """A user who also holds a post, of which both have a past, beside people who are somebody else."""

    def __init__(self, api: Api) -> None:
        self.api = api
        key = {"Idempotency-Key": "made-once"}
        self.user = api.post("/v1/users", {"name": "Wilma Quarles", "email": OLD_ADDRESS}, headers=key).json()["id"]
        grants = [{"organisation_id": 1, "role": "manager"}]
        api.patch(f"/v1/users/{self.user}", {"name": NAME, "email": ADDRESS, "roles": grants})
        self.token = api.made("/v1/tokens", name=f"Laptop of {NAME}", user_id=self.user)["token"]
        self.namesake = api.made("/v1/users", name=NAME, email="another@example.org")
        post = {"post": "Director", "organisation_id": 1}
        owner = {**post, "ref": "director", "holder_name": NAME, "email": ADDRESS.upper()}
        self.owner = api.post("/v1/owners", owner, headers={"Idempotency-Key": "post-once"}).json()["id"]
        api.patch(f"/v1/owners/{self.owner}", {"holder_name": "Her Successor", "email": "successor@example.org"})
        self.deputy = api.made("/v1/owners", **post, ref="deputy", holder_name=f" {NAME.lower()}", email=None)
        shared = {"holder_name": NAME, "email": "office@example.org"}
        self.office = api.made("/v1/owners", **post, ref="office", **shared)
        other = {"holder_name": NAME, "email": self.namesake["email"]}
        self.other = api.made("/v1/owners", **post, ref="other", **other)
        api.run(self._come_with_an_issuers_token)
        board = {"ref": "hers", "name": "Board"}
        mine = {"Authorization": f"Bearer {self.token}"}
        self.board = api.client.post("/v1/boards", json=board, headers=mine).json()["id"]

    def _come_with_an_issuers_token(self, connection: Connection) -> None:
        known = {"user_id": self.user, "tenant": "tenant", "object_id": "object", "created_at": clock.now()}
        connection.execute(user_identity.insert().values(known))


@pytest.fixture
def world(sample: Api) -> World:
    """A plan with somebody in it."""
    return World(sample)


def standing(url: str, namesakes: set[tuple[str, int]]) -> list[tuple[str, Any]]:
    """Return each value of the database that still tells of her, outside the rows of a namesake."""
    found = []
    for table, rows in all_rows(url).items():
        names = metadata.tables[table].columns.keys()
        for row in rows:
            whole = dict(zip(names, row, strict=True))
            text = " ".join(str(value.decode() if isinstance(value, bytes) else value) for value in row)
            if (table.removesuffix("_history"), whole.get("id")) not in namesakes and any(
                secret.casefold() in text.casefold() for secret in SECRETS
            ):
                found.append((table, row))
    return found


def test_nothing_tells_of_the_person_any_more(sample_url: str, world: World) -> None:
    assert standing(sample_url, set())
    said = must(run_tracker("user", "erase", str(world.user), "--yes", database_url=sample_url))
    assert said.splitlines()[-1] == "Erased."
    others = {("user_account", world.namesake["id"]), ("owner", world.other["id"])}
    assert standing(sample_url, others) == []
    assert world.api.get(f"/v1/owners/{world.other['id']}").json()["holder_name"] == NAME
    assert world.api.get(f"/v1/owners/{world.office['id']}").json()["email"] == "office@example.org"
    assert world.api.get(f"/v1/owners/{world.owner}").json()["holder_name"] == "Her Successor"
    erased = world.api.get(f"/v1/users/{world.user}").json()
    assert (erased["name"], erased["email"], erased["is_active"]) == (f"Erased user {world.user}", None, False)
    assert erased["roles"] == []


def test_nor_does_what_a_running_server_keeps_in_memory(sample_url: str, sample: Api) -> None:
    held = {"holder_name": NAME, "email": ADDRESS}
    owner = sample.made("/v1/owners", ref="director", post="Director", organisation_id=1, **held)
    then = sample.get(PROGRESS).json()["known_at"]
    sample.patch(f"/v1/owners/{owner['id']}", {"holder_name": "Her Successor", "email": "successor@example.org"})
    past = f"/v1/owners?known_at={then}"
    assert NAME in sample.get(past).text
    must(run_tracker("user", "erase", ADDRESS, "--yes", database_url=sample_url))
    assert NAME not in sample.get(past).text


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_nor_does_the_file(sample_url: str, world: World) -> None:
    for who in (world.user, world.namesake["id"]):
        must(run_tracker("user", "erase", str(who), "--yes", database_url=sample_url))
    path = Path(str(make_url(sample_url).database))
    for file in path.parent.glob(f"{path.name}*"):
        held = file.read_bytes().lower()
        assert [secret for secret in SECRETS if secret.lower().encode() in held] == [], file


def test_what_was_done_and_how_it_counted_stays(sample_url: str, world: World) -> None:
    known_at = world.api.get(PROGRESS).json()["known_at"]
    past = f"{PROGRESS}&known_at={known_at}"
    figures = world.api.get(past).json()
    before = world.api.look(change_log)
    must(run_tracker("user", "erase", ADDRESS, "--yes", database_url=sample_url))
    assert world.api.get(past).json() == figures
    after = world.api.look(change_log)
    assert after[: len(before)] == before
    assert [(entry[2], entry[3]) for entry in after[len(before) :]] == [
        ("owners", world.deputy["id"]),
        ("owners", world.office["id"]),
        ("users", world.user),
    ]
    assert world.api.look(faults_of) == []
    (made,) = world.api.get(f"/v1/boards/{world.board}/history").json()["items"]
    assert made["recorded_by"] == world.user
    versions = world.api.get(f"/v1/users/{world.user}/history").json()["items"]
    assert [each["version"] for each in versions] == [3, 2, 1]
    assert {each["recorded_by"] for each in versions} == {1, None}


def test_the_person_is_let_in_no_more_and_comes_back_as_somebody_new(sample_url: str, world: World) -> None:
    mine = {"Authorization": f"Bearer {world.token}"}
    assert world.api.client.get("/v1/me", headers=mine).status_code == 200
    must(run_tracker("user", "erase", str(world.user), "--yes", database_url=sample_url))
    assert world.api.client.get("/v1/me", headers=mine).status_code == 401
    identity = FederatedIdentity("tenant", "object", NAME, ADDRESS, frozenset(), clock.now())
    world.api.run(lambda connection: welcome(Recorder(connection, None, clock.now()), identity))
    newest = select(user_account).order_by(user_account.c.id.desc()).limit(1)
    row = world.api.look(lambda connection: connection.execute(newest).mappings().one())
    assert (row["name"], row["email"]) == (NAME, ADDRESS)
    assert row["id"] != world.user


def test_the_guards_stand_again(sample_url: str, world: World) -> None:
    must(run_tracker("user", "erase", str(world.user), "--yes", database_url=sample_url))
    filled = {name for name, rows in all_rows(sample_url).items() if rows} & APPEND_ONLY
    assert {"owner_history", "user_account_history", "stamp"} < filled
    assert refused(sample_url, change) == filled


def test_an_erasure_that_fails_half_way_changes_nothing(
    sample_url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = all_rows(sample_url)
    with monkeypatch.context() as patch:
        patch.setattr(erasing, "update", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_once(
                sample_url,
                lambda connection: erasing.erase(
                    Recorder(connection, None, clock.now()),
                    erasing.find_traces(connection, erasing.find_person(connection, str(world.user))),
                ),
            )
    assert all_rows(sample_url) == before
    with pytest.raises(TrackerError):
        run_once(sample_url, lambda connection: change(connection, metadata.tables["owner_history"]))


def test_it_asks_first_and_says_what_it_cannot_judge(sample_url: str, world: World) -> None:
    world.api.patch("/v1/milestones/1", {"description": f"Ask {NAME}."})
    before = all_rows(sample_url)
    asked = run_tracker("user", "erase", str(world.user), database_url=sample_url)
    assert (asked.code, asked.out) == (1, "")
    assert f"users {world.user}: name, email" in asked.err
    assert f"owners {world.deputy['id']}: holder_name" in asked.err
    assert "tokens to revoke: 1" in asked.err
    assert "not erased, in text that somebody wrote: milestone.description, in 1 row" in asked.err
    assert all_rows(sample_url) == before


def test_a_post_whose_holder_is_no_user_is_erased_by_address(sample_url: str, world: World) -> None:
    said = must(run_tracker("user", "erase", "Successor@example.org", "--yes", database_url=sample_url))
    assert said.splitlines() == [f"owners {world.owner}: holder_name, email", "Erased."]
    owner = world.api.get(f"/v1/owners/{world.owner}").json()
    assert (owner["holder_name"], owner["email"], owner["post"]) == (None, None, "Director")


def test_a_second_time_there_is_nothing_left(sample_url: str, world: World) -> None:
    must(run_tracker("user", "erase", str(world.user), "--yes", database_url=sample_url))
    before = all_rows(sample_url)
    said = must(run_tracker("user", "erase", str(world.user), "--yes", database_url=sample_url))
    assert said == "Nothing is left to erase.\n"
    assert all_rows(sample_url) == before


@pytest.mark.usefixtures("world")
def test_the_last_administrator_is_kept(sample_url: str) -> None:
    before = all_rows(sample_url)
    said = run_tracker("user", "erase", "1", "--yes", database_url=sample_url)
    assert said.code == 1
    assert said.err == "This is the last administrator: make another one first.\n"
    assert all_rows(sample_url) == before


@pytest.mark.parametrize("who", ["999", "nobody@example.org", "x", "0", "-1", "9" * 30])
def test_somebody_who_is_not_there_is_not_erased(sample_url: str, who: str) -> None:
    said = run_tracker("user", "erase", "--yes", "--", who, database_url=sample_url)
    assert said.is_refusal_in_words()
    assert who in said.err


def test_only_users_and_owners_tell_who_a_person_is() -> None:
    marked = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if PERSONAL in column.info
    }
    people = {"user_account.name", "user_account.email", "owner.holder_name", "owner.email"}
    assert marked == people | {name.replace(".", "_history.") for name in people}
