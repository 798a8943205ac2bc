"""Users, tokens and one's own rights over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from service.access import service
from service.access.collection import PathId, collection_router, list_answer
from service.access.door import Door, Myself, TokenKeeper
from service.access.feeds import feed_url
from service.access.policy import Act, Actor, find_refusal
from service.access.resource import View
from service.access.roles import Role, Scope
from service.access.rows import list_rows
from service.access.schemas import Me, TokenCreate, TokenMade, TokenQuery, TokenRead
from service.access.users import TOKENS, USERS
from service.core import clock
from service.core.answers import json_answer, tagged_answer, to_json
from service.core.history import Recorder, Row
from service.core.paging import ListQuery, Page
from service.core.responses import (
    ETAG,
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    LINK,
    LISTING,
    LOCATION,
    MAKING,
    READING,
    REVOKING,
    answers,
    page_model,
    tabular,
)

users = collection_router(USERS, can_retire=False)
router = APIRouter(route_class=Door, redirect_slashes=False)
TOKENS_TAG = "tokens"


def list_tokens(connection: Connection, actor: Actor, query: ListQuery, row_id: int | None = None) -> Page:
    """Return a page of the tokens that an actor may see."""
    only = {} if row_id is None else {"id": [row_id]}
    view = View(None, clock.today(), actor.reach.sight)
    return list_rows(connection, TOKENS, query, view, {**only, **service.held_by(actor)})


def get_token(connection: Connection, actor: Actor, row_id: int) -> Row:
    """Return a token that an actor may see.

    Raises:
        NotFound: there is none.
    """
    found = list_tokens(connection, actor, ListQuery(), row_id).items
    if not found:
        raise service.missing_token(row_id)
    return found[0]


@router.get(
    "/v1/me",
    operation_id="get_me",
    summary="Ask who you are",
    description="Who you are to the service, and what you may do with the token in use.",
    responses=answers(401, 429, 503, model=Me, what="You."),
    tags=["me"],
)
async def get_me(visit: Myself) -> Response:
    """Answer with the caller's own rights."""
    actor = visit.actor
    reach = actor.reach
    grants = sorted((organisation, role) for role, organisation in actor.grants if organisation is not None)
    content = {
        "user_id": actor.user_id,
        "name": actor.name,
        "roles": [{"organisation_id": organisation, "role": role} for organisation, role in grants],
        "is_admin": Role.ADMIN in actor.roles,
        "acts": [act.value for act in Act if find_refusal(actor, act) is None],
        "strategies": [
            {"id": each, "can_write": each in reach.managed, "can_report": each in reach.reported}
            for each in sorted(reach.sight.strategies)
        ],
        "reports_for": sorted(reach.answering),
        "token": {"scopes": sorted(actor.scopes), "expires_at": visit.expires_at},
    }
    return json_answer(content, headers={"Cache-Control": "no-store"})


@router.get(
    "/v1/tokens",
    operation_id="list_tokens",
    summary="List tokens",
    description="Your own tokens; an administrator's list has everybody's. Secrets are never shown again.",
    responses=tabular(answers(*LISTING, model=page_model("TokenPage", TokenRead), headers=LINK, what="One page.")),
    tags=[TOKENS_TAG],
)
async def list_all_tokens(query: Annotated[TokenQuery, Query()], visit: TokenKeeper) -> Response:
    """Answer with tokens."""
    return await list_answer(
        visit, query, "tokens", lambda connection, query: list_tokens(connection, visit.actor, query), is_short=True
    )


@router.post(
    "/v1/tokens",
    status_code=201,
    operation_id="create_token",
    summary="Make a token",
    description=(
        "Makes a token for yourself that may do no more than the one in use, or as an administrator one for another "
        "user. The answer shows it this once: where the same Idempotency-Key is sent again, `token` is null."
    ),
    responses=answers(*MAKING, success=201, model=TokenMade, headers=LOCATION, what="The token."),
    openapi_extra=IDEMPOTENCY_KEY,
    tags=[TOKENS_TAG],
)
async def create_token(body: TokenCreate, visit: TokenKeeper) -> Response:
    """Make a token."""
    # The key to a list opens nothing else, whatever is asked for.
    scopes = body.scopes if body.feed is None else [Scope.READ]

    def act(recorder: Recorder) -> tuple[Row, str]:
        token, row_id = service.make_own_token(
            recorder,
            visit.actor,
            name=body.name,
            user_id=body.user_id,
            scopes=scopes,
            days=body.expires_days,
            feed=body.feed,
        )
        row = get_token(recorder.connection, visit.actor, row_id)
        shown = (
            {"token": token, "feed_url": None} if body.feed is None else {"token": None, "feed_url": feed_url(token)}
        )
        return {**row, **shown}, f"/v1/tokens/{row_id}"

    return await visit.post(act, kept=lambda content: {**content, "token": None, "feed_url": None})


@router.get(
    "/v1/tokens/{id}",
    operation_id="get_token",
    summary="Get one token",
    description="One token, without its secret.",
    responses=answers(*READING, model=TokenRead, headers=ETAG, what="The token."),
    openapi_extra=IF_NONE_MATCH,
    tags=[TOKENS_TAG],
)
async def get_one_token(row_id: PathId, visit: TokenKeeper) -> Response:
    """Answer with one token."""
    row = await visit.read(lambda connection: get_token(connection, visit.actor, row_id))
    return tagged_answer(visit.request, to_json(row))


@router.delete(
    "/v1/tokens/{id}",
    status_code=204,
    operation_id="revoke_token",
    summary="Revoke a token",
    description=(
        "From the next request on the token holds in no process any more. It takes no If-Match, so that a token that "
        "fell into wrong hands can be revoked at once; a second time changes nothing."
    ),
    responses=answers(*REVOKING, success=204, what="It holds no longer."),
    tags=[TOKENS_TAG],
)
async def revoke_token(row_id: PathId, visit: TokenKeeper) -> Response:
    """Revoke a token."""
    await visit.write(lambda recorder: service.revoke_token(recorder, visit.actor, row_id))
    return Response(status_code=204)
