"""A county with two strategies of different partners, and a caller for every role and organisation.

The county council and the city are partners in the first strategy; the police alone have the second, of which nobody
else may learn. Health is a department of the county council; the NHS is a partner in nothing.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, update

from service.access.models import access_token, user_account
from service.access.roles import Role, Scope
from service.access.service import create_token, note_access_change
from service.core import clock
from service.core.history import Recorder
from service.plan.models import organisation
from tests.conftest import Api
from tests.factories import noted_delivery

Ids = dict[str, int]
MISSING = 999_999
# Stands in every text of the second strategy.
MARK = "zebra"
ORGANISATIONS = ("county", "health", "city", "nhs")
KINDS = ("own", "department", "partner", "foreign", "missing")


@dataclass
class World:
    """The rows, by collection and by whose they are, and the tokens, by role and organisation."""

    api: Api
    organisations: Ids
    rows: dict[str, Ids] = field(default_factory=dict)
    tokens: dict[tuple[Role, str], str] = field(default_factory=dict)
    token_ids: dict[str, int] = field(default_factory=dict)
    without: dict[Scope, str] = field(default_factory=dict)
    spoilt: dict[str, str] = field(default_factory=dict)

    def row(self, collection: str, kind: str) -> int:
        """Return the row of a kind."""
        return MISSING if kind == "missing" else self.rows[collection][kind]


def build(api: Api) -> World:
    """Make the world."""
    world = World(api, _make_organisations(api))
    # Who the helpers of the tests would make later comes first, so that nothing is new while the matrix is asked.
    api.token()
    for role in Role:
        for name in (*ORGANISATIONS, "police"):
            world.tokens[role, name] = make_token(api, world.organisations[name], role)
    for scope in Scope:
        held = tuple(each for each in Scope if each is not scope)
        world.without[scope] = make_token(api, world.organisations["county"], *Role, scopes=held)
    for name in ("disabled", "expired", "revoked"):
        world.spoilt[name] = make_token(api, world.organisations["county"], *Role, name=name)
    api.run(_spoil)
    _Maker(world).make_all()
    return world


def make_token(
    api: Api, organisation_id: int, *roles: Role, scopes: tuple[Scope, ...] = tuple(Scope), name: str = "Tester"
) -> str:
    """Return a token of a new user with these roles for an organisation."""
    return api.run(
        lambda connection: create_token(
            Recorder(connection, None, clock.now()),
            name=name,
            roles=roles,
            organisation_id=organisation_id,
            scopes=scopes,
            days=1,
        )
    )


def _make_organisations(api: Api) -> Ids:
    def make(connection: Any) -> Ids:
        made: Ids = {}
        for name, parent in (("county", None), ("health", "county"), ("city", None), ("police", None), ("nhs", None)):
            values = {"ref": name, "name": name.title(), "kind": "council", "parent_id": made.get(parent or "")}
            made[name] = Recorder(connection, None, clock.now()).add(organisation, values)["id"]
        return made

    return api.run(make)


def _spoil(connection: Connection) -> None:
    """Disable a user, let the token of another end, and revoke that of a third, as their names say."""
    now, user, token = clock.now(), user_account.c, access_token.c
    connection.execute(update(user_account).where(user.name == "disabled").values(is_active=False))
    connection.execute(update(access_token).where(token.name == "expired").values(expires_at=now))
    connection.execute(update(access_token).where(token.name == "revoked").values(revoked_at=now))
    note_access_change(Recorder(connection, None, now))


@dataclass
class _Maker:
    """Makes the rows of both strategies over the API, each as the manager of one of its partners."""

    world: World

    def make_all(self) -> None:
        """Make everything."""
        of = self.world.organisations
        self._make_strategy("county", {"own": of["county"], "department": of["health"], "partner": of["city"]}, "")
        self._make_strategy("police", {"foreign": of["police"]}, MARK)
        admin = (Role.ADMIN, "county")
        user = self._post(admin, "users", name="Somebody", email="somebody@example.org", organisation_id=of["county"])
        self.world.rows["users"] = dict.fromkeys(KINDS[:4], user)
        self.world.rows["organisations"] = {
            "own": of["county"],
            "department": of["health"],
            "partner": of["city"],
            "foreign": of["police"],
        }
        # Everybody has their own, and nobody here has any.
        self.world.rows["imports"] = dict.fromkeys(KINDS[:4], 1)
        token = self._post(admin, "tokens", name="Somebody's", user_id=user)
        self.world.rows["tokens"] = dict.fromkeys(KINDS[:4], token)

    def _make_strategy(self, maker: str, places: Ids, mark: str) -> None:
        """Make a strategy with a workstream, a milestone, an owner and an award for each of some organisations."""
        caller = (Role.MANAGER, maker)
        kinds = tuple(places)
        partners = [number for kind, number in places.items() if kind != "department"]
        board = self._post(caller, "boards", ref=f"board-{mark}", name=f"Board {mark}")
        area = self._post(caller, "areas", ref=f"area-{mark}", name=f"Area {mark}", kind="county")
        titled = {"title": f"Title {mark}", "ref": f"ref-{mark}"}
        about = {"starts_on": "2018-04-01", "organisation_ids": partners, "board_ids": [board]}
        strategy = self._post(caller, "strategies", **titled, **about)
        priority = self._post(caller, "priorities", strategy_id=strategy, **titled)
        stand = {"board_id": board, "kind": "note", "text": f"Text {mark}", "ref": f"ref-{mark}"}
        decision = self._post(caller, "decisions", **stand, priority_ids=[priority])
        measured = {"strategy_id": strategy, "unit": "percent", "polarity": "low_good", "priority_ids": [priority]}
        indicator = self._post(caller, "indicators", **titled, **measured)
        value = {"published_on": "2018-12-10", "value": 1.5, "commentary": f"Said {mark}"}
        observation = self._post(caller, f"indicators/{indicator}/observations", **value)
        quarter = {"quarter": "2018-19-Q3", "summary": f"Said {mark}"}
        report = self._post(caller, "reports", strategy_id=strategy, **quarter)
        schedule = self._post(caller, "report-schedules", strategy_id=strategy, makes_drafts=False)
        hook = self._post(
            caller, "webhooks", strategy_id=strategy, ref=f"ref-{mark}", url=f"https://{mark}.example.org"
        )
        delivery = noted_delivery(self.world.api, strategy, webhook_id=hook, event=f"update.{mark}")
        for name, row in (
            ("reports", report),
            ("webhooks", hook),
            ("deliveries", delivery),
            ("report-schedules", schedule),
            ("boards", board),
            ("areas", area),
            ("strategies", strategy),
            ("priorities", priority),
            ("decisions", decision),
            ("indicators", indicator),
            ("observations", observation),
        ):
            self.world.rows.setdefault(name, {}).update(dict.fromkeys(kinds, row))
        for kind, organisation_id in places.items():
            self._make_work(caller, kind, organisation_id, {"strategy_id": strategy, "priority_ids": [priority]}, mark)

    def _make_work(
        self, caller: tuple[Role, str], kind: str, answering: int, inside: dict[str, Any], mark: str
    ) -> None:
        ref = f"{kind}-{mark}"
        post = f"Post {mark}"
        owner = self._post(caller, "owners", ref=ref, post=post, organisation_id=answering, holder_name=f"Name {mark}")
        titled = {"title": f"Title {mark}", "ref": ref}
        stream = self._post(caller, "workstreams", **inside, **titled, lead_organisation_id=answering)
        milestone = self._post(caller, "milestones", workstream_id=stream, agreed_on="2018-04-01", **titled)
        said = {"status": "in_progress", "percent_complete": 10, "narrative": f"Said {mark}"}
        report = self._post(caller, f"milestones/{milestone}/updates", effective_on="2018-12-10", **said)
        money = {"funder_id": answering, "status": "bid", "ref": ref}
        award = self._post(caller, "funding-awards", workstream_id=stream, **money)
        for name, row in (
            ("owners", owner),
            ("workstreams", stream),
            ("milestones", milestone),
            ("updates", report),
            ("funding-awards", award),
        ):
            self.world.rows.setdefault(name, {})[kind] = row

    def _post(self, caller: tuple[Role, str], path: str, **values: Any) -> int:
        headers = {"Authorization": f"Bearer {self.world.tokens[caller]}"}
        answer = self.world.api.client.post(f"/v1/{path}", json=values, headers=headers)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])
