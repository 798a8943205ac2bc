"""The way in over HTTP: who is calling is settled before the request is read, and each route says what it takes."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, partial
from typing import Annotated, Any, Protocol, TypeVar, get_args

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from starlette.routing import Match
from starlette.types import Scope

from service.access.clients import Address, client_address
from service.access.policy import Act, Actor, find_refusal, lacks_role
from service.access.queries import Caller
from service.core import clock, idempotency
from service.core.answers import JSON_MEDIA_TYPE, etag_of, to_json
from service.core.body import malformed
from service.core.db import Database
from service.core.errors import Forbidden, TooLarge, UnsupportedMedia
from service.core.fields import LARGEST_ID
from service.core.history import Recorder
from service.core.idempotency import FirstAnswer
from service.core.kept import Answer, KeptAnswers, Make
from service.core.reading import read_all, readers_of

T = TypeVar("T")
JSON_TYPES = {"application/json", "application/merge-patch+json"}
# As many digits as the largest id has.
LONGEST_ID = 16
ADMITTED = "tracker.admitted"
WITH_BODY = {"POST", "PATCH", "PUT"}
NOT_JSON = "Send the body as application/json in UTF-8 (a PATCH may be application/merge-patch+json)."
CHARSET = re.compile(r'\s*(charset\s*=\s*"?utf-?8"?)?\s*;?\s*')


class Door(APIRoute):
    """A route that takes a token: who calls and whether they may is settled before the request is read.

    FastAPI finds the route and describes it; what the endpoint asks for is read here, for the framework's own
    reading of a query of fifteen fields takes longer than all the rest of a request.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Look closely at an address only where it begins as this route's does: most routes are none of a request's."""
        if not scope["path"].startswith(self.beginning) and not scope["root_path"]:
            return Match.NONE, {}
        return super().matches(scope)

    @cached_property
    def beginning(self) -> str:
        """What stands before the first parameter of the path."""
        return self.path_format.partition("{")[0]

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of this route."""
        endpoint, entry, readers = self.endpoint, entry_of(self.endpoint), readers_of(self.endpoint)

        async def enter(request: Request) -> Response:
            state = request.app.state
            # The key of a feed was looked at where it stands in the address.
            caller, newest = request.scope.get(ADMITTED) or await state.callers.identify(
                request.headers.get("authorization"), partial(client_of, request), clock.now()
            )
            refusal = find_refusal(caller.actor, entry.act)
            if refusal:
                await _explain(request, entry, caller.actor)
                raise Forbidden(refusal)
            body = b""
            if entry.takes_file:
                body = await _read_limited(request, state.settings.file_limit_bytes)
            elif request.method in WITH_BODY and not entry.takes_nothing:
                body = await _read_body(request, state.settings.body_limit_bytes)
            visit = Visit(request, body, caller, newest, state.database)
            answer: Response = await endpoint(visit=visit, **read_all(readers, visit))
            return answer

        return enter


def client_of(request: Request) -> Address | None:
    """Return the address that a request comes from, behind the proxies that are believed."""
    peer = request.client.host if request.client else None
    forwarded = request.headers.getlist("x-forwarded-for")
    return client_address(peer, forwarded, request.app.state.settings.trusted_proxies)


async def _explain(request: Request, entry: "Entry", actor: Actor) -> None:
    """Say of a row that may be seen who could do this with it, and of any other that it is not there."""
    row_id = request.path_params.get("id", "")
    if entry.explain is None or not lacks_role(actor, entry.act) or find_refusal(actor, entry.reads):
        return
    if row_id.isascii() and row_id.isdigit() and 0 < int(row_id[:LONGEST_ID]) <= LARGEST_ID:
        await request.app.state.database.read(partial(entry.explain, actor=actor, row_id=int(row_id[:LONGEST_ID])))


async def _read_body(request: Request, limit: int) -> bytes:
    """Read a JSON body, and no more of it than the limit."""
    media_type, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    body = await _read_limited(request, limit)
    if media_type.strip() not in JSON_TYPES or not CHARSET.fullmatch(parameters):
        raise UnsupportedMedia(NOT_JSON)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("Send the body as it is, without a Content-Encoding.")
    return body


async def _read_limited(request: Request, limit: int) -> bytes:
    """Read a body, and no more of it than the limit."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(f"The body is over {limit} bytes. Send less at a time.", headers={"Connection": "close"})
        parts.append(part)
    if not size:
        raise malformed("it is empty")
    return b"".join(parts)


@dataclass(frozen=True)
class Visit:
    """One request with its actor: how an endpoint reaches the service functions."""

    request: Request
    body: bytes
    caller: Caller
    newest: int
    """Instant of the newest transaction, in microseconds since 1970."""
    database: Database

    @property
    def actor(self) -> Actor:
        """Who is asking."""
        return self.caller.actor

    @property
    def expires_at(self) -> datetime:
        """When the token in use ends."""
        return self.caller.expires_at

    async def read(self, ask: Callable[[Connection], T]) -> T:
        """Ask one short statement."""
        return await self.database.read(ask)

    async def snapshot(self, ask: Callable[[Connection], T]) -> T:
        """Ask several statements that agree with one another."""
        return await self.database.snapshot(ask)

    async def kept(self, day: date | None, make: Make) -> Answer:
        """Return what was answered to the same question about a day before, if nothing has changed, else what is made.

        It must rest on nothing but the question, the day, what the actor may see, and rows that change in
        transactions with a stamp.
        """
        kept: KeptAnswers = self.request.app.state.kept_answers
        url = self.request.url
        return await kept.get(self.newest, (url.path, url.query, str(day), *self.actor.reach.sight.key), make)

    async def write(self, act: Callable[[Recorder], T]) -> T:
        """Do a change; it is on disk when this returns."""
        return await self.database.write(lambda connection: act(self._recorder(connection)))

    def _recorder(self, connection: Connection) -> Recorder:
        """Return the recorder of this visit's change, once it is its turn: an instant before the wait would be past."""
        return Recorder(connection, self.actor.user_id, clock.now())

    async def post(
        self,
        act: Callable[[Recorder], tuple[Any, str]],
        kept: Callable[[Any], Any] = lambda content: content,
        status: int = 201,
        *,
        is_long: bool = False,
    ) -> Response:
        """Make something and answer with it and its address, if any; once, however often the same key is sent.

        `kept` returns what is kept of the content for the next time: no secret. `is_long` as in `Database.write`.
        """
        body = self.body
        path = f"POST {self.request.url.path}?{self.request.url.query}"
        keyed = idempotency.read_key(self.request.headers.get("idempotency-key"), self.actor.user_id, path, body)

        def answer(connection: Connection) -> FirstAnswer:
            recorder = self._recorder(connection)
            if keyed is not None:
                first = idempotency.find_answer(connection, keyed, recorder.now)
                if first is not None:
                    return first
            content, location = act(recorder)
            made = FirstAnswer(status, location, to_json(content))
            if keyed is not None:
                remembered = FirstAnswer(status, location, to_json(kept(content)))
                idempotency.keep_answer(connection, keyed, remembered, recorder.now)
            return made

        with idempotency.in_flight(keyed):
            made = await self.database.write(answer, is_long=is_long)
        headers = {"ETag": etag_of(made.body), **({"Location": made.location} if made.location else {})}
        return Response(made.body, made.status, headers, JSON_MEDIA_TYPE)


class Explain(Protocol):
    """What says of one row who may do something with it: by NotFound or Forbidden, or by nothing."""

    def __call__(self, connection: Connection, *, actor: Actor, row_id: int) -> None:
        """Raise what it says."""


@dataclass(frozen=True)
class Entry:
    """What it takes to come in by a route, and what says who could where it lacks."""

    act: Act
    explain: Explain | None = None
    reads: Act = Act.READ_PLAN
    """Who may not even read such a row is told nothing of any."""
    takes_file: bool = False
    takes_nothing: bool = False


def entered(
    act: Act,
    explain: Explain | None = None,
    reads: Act = Act.READ_PLAN,
    *,
    takes_file: bool = False,
    takes_nothing: bool = False,
) -> Any:
    """Return the mark of an endpoint's `visit`: what a caller must be allowed to do."""

    async def enter() -> None:
        """Stand in the route's description; the door itself lets callers in."""

    enter.__dict__["entry"] = Entry(act, explain, reads, takes_file, takes_nothing)
    return Depends(enter)


PlanReader = Annotated[Visit, entered(Act.READ_PLAN)]
Myself = Annotated[Visit, entered(Act.READ_OWN)]
TokenKeeper = Annotated[Visit, entered(Act.KEEP_TOKENS)]
EventReader = Annotated[Visit, entered(Act.READ_EVENTS)]
MetricsReader = Annotated[Visit, entered(Act.READ_METRICS)]


def entry_of(endpoint: Callable[..., Any]) -> Entry:
    """Return what it takes to come in by an endpoint."""
    (mark,) = get_args(endpoint.__annotations__["visit"])[1:]
    entry: Entry = mark.dependency.entry
    return entry
