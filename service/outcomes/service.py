"""Indicators as a collection, and the observations of each."""

from collections.abc import Iterable
from datetime import date
from functools import partial

from sqlalchemy import ColumnElement, Connection, FromClause, and_, select

from service.access.policy import Actor
from service.access.resource import Draft, Lens, Link, Listing, Resource, View, is_within, seen_by
from service.access.rows import get_listed, get_row, list_rows
from service.core.errors import Fault, Invalid
from service.core.history import Recorder, Row, as_known, stamp
from service.core.paging import Page
from service.outcomes.models import indicator, indicator_priority, observation
from service.outcomes.rules import Polarity, compare, observation_faults
from service.outcomes.schemas import (
    OBSERVATION_ORDERS,
    IndicatorCreate,
    IndicatorPatch,
    IndicatorQuery,
    IndicatorRead,
    ObservationCreate,
    ObservationQuery,
)
from service.plan.boundaries import check_may_write, guard_in_strategy, in_strategy
from service.plan.catalogue import linked, same_strategy
from service.plan.models import area, workstream

JUDGED_BY = ("polarity", "unit")
INDICATOR_PRIORITIES = Link("priority_ids", indicator_priority, ("priority_id",))


def of_indicator(rows: FromClause, _seq: ColumnElement[int] | None, lens: Lens) -> ColumnElement[bool]:
    """Show the values of indicators that may be seen."""
    if "strategy_id" in rows.c:
        return lens.shows(rows.c.strategy_id)
    return and_(*is_within(rows.c.indicator_id, indicator, lens))


seen_by(indicator, in_strategy)
seen_by(observation, of_indicator)


def settle_indicator(draft: Draft) -> Iterable[Fault]:
    """Check that what an indicator tells about is of its own strategy."""
    yield from same_strategy(draft, "priority_ids")
    if draft.is_changing("workstream_id") and draft.values["workstream_id"] is not None:
        found = select(workstream.c.strategy_id).where(workstream.c.id == draft.values["workstream_id"])
        if draft.connection.execute(found).scalar_one() != draft.values["strategy_id"]:
            yield Fault("/workstream_id", "This workstream belongs to another strategy.")


INDICATORS = Resource(
    noun="indicator",
    table=indicator,
    create=IndicatorCreate,
    patch=IndicatorPatch,
    read=IndicatorRead,
    query=IndicatorQuery,
    links=(INDICATOR_PRIORITIES,),
    searched=("ref", "title"),
    conditions={"priority_id": partial(linked, INDICATOR_PRIORITIES)},
    settle=settle_indicator,
    guard=guard_in_strategy,
)


def observations_as_known(lens: Lens) -> FromClause:
    """Return the observations of indicators that were known, each with its stamp and what it is judged by."""
    measured = as_known(indicator, lens.seq)
    rows = (
        select(
            observation,
            stamp.c.at.label("recorded_at"),
            stamp.c.actor_id.label("recorded_by"),
            *(measured.c[name] for name in ("strategy_id", *JUDGED_BY)),
        )
        .join(stamp, stamp.c.seq == observation.c.seq)
        .join(measured, measured.c.id == observation.c.indicator_id)
    )
    if lens.seq is not None:
        rows = rows.where(observation.c.seq <= lens.seq)
    return rows.subquery("observation_known")


OBSERVATIONS = Listing(
    table=observation,
    rows=observations_as_known,
    hidden=frozenset({"seq", "strategy_id"}),
    sortable=OBSERVATION_ORDERS,
)


def record_observation(
    recorder: Recorder, actor: Actor, indicator_id: int, wanted: ObservationCreate, today: date
) -> Row:
    """Record a value of an indicator, and return it as the API shows it.

    Raises:
        NotFound: there is no such indicator that the actor may see.
        Forbidden: the actor may not change the plan that it is in.
        Invalid: the values break a rule, or the area is not there.
    """
    measured = get_row(recorder.connection, INDICATORS, indicator_id, View(None, today, actor.reach.sight))
    check_may_write(recorder.connection, actor, measured["strategy_id"])
    values = wanted.model_dump()
    faults = list(observation_faults(values))
    if wanted.area_id is not None:
        there = recorder.connection.execute(select(area.c.id).where(area.c.id == wanted.area_id)).first()
        if there is None:
            faults.append(Fault("/area_id", f"There is no area {wanted.area_id}, or you may not see it."))
    if faults:
        raise Invalid(*faults)
    values["indicator_id"] = indicator_id
    row_id = recorder.append(observation, values)
    row = {"id": row_id, **values, "recorded_at": recorder.at, "recorded_by": recorder.actor_id}
    return compared({**row, **{name: measured[name] for name in JUDGED_BY}})


def explain_recording(connection: Connection, *, actor: Actor, row_id: int) -> None:
    """Say of an indicator who may record its values.

    Raises:
        NotFound: there is no such indicator that the actor may see.
        Forbidden: the actor may not change the plan that it is in.
    """
    measured = get_row(connection, INDICATORS, row_id, View(None, date.max, actor.reach.sight))
    check_may_write(connection, actor, measured["strategy_id"])


def list_observations(
    connection: Connection, query: ObservationQuery, view: View, indicator_id: int | None = None
) -> Page:
    """Return a page of the values of an indicator, or of all, each compared.

    Raises:
        NotFound: the indicator was not known.
    """
    only = None
    if indicator_id is not None:
        get_row(connection, INDICATORS, indicator_id, view)
        only = {"indicator_id": [indicator_id]}
    page = list_rows(connection, OBSERVATIONS, query, view, only)
    return Page([compared(row) for row in page.items], page.cursor)


def get_observation(connection: Connection, observation_id: int, view: View) -> Row:
    """Return one value, compared.

    Raises:
        NotFound: it was not known, or its indicator was not.
    """
    return compared(get_listed(connection, OBSERVATIONS, "observation", observation_id, view))


def compared(row: Row) -> Row:
    """Return an observation with how it compares, in place of what that is judged by."""
    polarity, unit = Polarity(row.pop("polarity")), row.pop("unit")
    found = compare(row["value"], row["comparator_value"], row["numerator"], row["denominator"], polarity, unit=unit)
    return {
        **row,
        "lower": found.lower,
        "upper": found.upper,
        "difference": found.difference,
        "judgement": found.judgement.value,
    }
