"""Statements that are sent straight to the driver: they say what SQLAlchemy would have said."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import BigInteger, Connection, bindparam, insert, literal, select
from sqlalchemy.exc import IntegrityError

from service.core import clock, statements
from service.core.db import attempt
from service.core.driver import fetch
from service.core.history import metadata, stamp
from service.core.statements import Statement
from service.plan.models import area
from tests.conftest import Api, serving
from tests.factories import fill

IDS = Statement(
    select(area.c.id).where(area.c.id.in_(bindparam("ids", expanding=True, type_=BigInteger))).order_by(area.c.id)
)
STAMP_COLUMNS = ("seq", "at", "actor_id", "reason")
ADD = Statement(insert(stamp), STAMP_COLUMNS)


@pytest.fixture
def full(database_url: str) -> Iterator[Api]:
    """A service with rows in every table."""
    fill(database_url)
    yield from serving(database_url)


def test_every_table_reads_the_same(full: Api) -> None:
    def look(connection: Connection) -> None:
        for table in metadata.sorted_tables:
            expected = [dict(row) for row in connection.execute(select(table)).mappings()]
            assert expected, table
            found = Statement(select(table))
            assert found.dicts(connection, {}) == expected, table
            assert [list(row) for row in found.rows(connection, {})] == [list(row.values()) for row in expected], table

    full.look(look)


def test_lists_may_be_of_any_length(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "TEXTS_KEPT", 3)
    ids = [api.made("/v1/areas", ref=f"a{number}", name="A", kind="district")["id"] for number in range(5)]

    def look(connection: Connection) -> None:
        for length in (0, 1, 5, 3, 4, 0, 2):
            assert [row[0] for row in IDS.rows(connection, {"ids": ids[:length]})] == ids[:length]

    api.look(look)


def test_what_is_not_asked_for_is_left_out_and_constants_stand(api: Api) -> None:
    found = Statement(select(literal(7).label("seven"), bindparam("given", type_=BigInteger).label("given")))
    assert api.look(lambda connection: found.dicts(connection, {"given": 1, "other": 2})) == [{"seven": 7, "given": 1}]


def test_a_refusal_leaves_the_rest_of_the_transaction_as_it_was(api: Api) -> None:
    now = clock.now()

    def act(connection: Connection) -> None:
        held = [(1, now, None, None), (2, now + timedelta(seconds=1), None, "kept")]
        ADD.each(connection, [dict(zip(STAMP_COLUMNS, row, strict=True)) for row in held])
        for several in (held[:1], held):
            with pytest.raises(IntegrityError), attempt(connection):
                ADD.each(connection, [dict(zip(STAMP_COLUMNS, row, strict=True)) for row in several])
        assert not connection.invalidated

    api.run(act)
    found = Statement(select(stamp.c.seq, stamp.c.reason).order_by(stamp.c.seq))
    assert [tuple(row) for row in api.look(lambda connection: found.rows(connection, {}))] == [(1, None), (2, "kept")]


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_after_a_fault_of_another_kind_a_fresh_connection_reads_on(api: Api) -> None:
    portal = api.client.portal
    assert portal is not None
    wait = partial(fetch, sql="PRAGMA busy_timeout")
    before = portal.call(api.database.read, wait)
    with pytest.raises(OverflowError):
        portal.call(api.database.read, lambda connection: fetch(connection, "SELECT ?", [2**70]))
    assert portal.call(api.database.read, wait) == before == [(0,)]
