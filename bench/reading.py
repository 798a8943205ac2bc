"""Measuring reads that answer at once, against L."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from bench.client import Caller
from bench.measure import Finding, duel
from bench.servers import constant
from bench.stage import Stage, ids

PROGRESS = "/v1/progress?strategy_id=1&group_by=priority"


async def get_one(stage: Stage) -> list[Finding]:
    """Measure GET of milestones at random."""
    caller = stage.full.caller
    found = (caller.get(f"/v1/milestones/{row_id}") for row_id in ids(stage.size))
    target = 0.30 if stage.is_sqlite else 0.15
    return [await against_constant(stage, "GET one milestone", target, found)]


async def list_by_status(stage: Stage) -> list[Finding]:
    """Measure a list of 100 milestones in progress, of the strategy and of all: asked again, and each time anew."""
    target = 0.10 if stage.is_sqlite else 0.06
    caller, question = stage.full.caller, "/v1/milestones?status=in_progress&limit=100"
    return [
        await against_constant(stage, f"list of 100 by status, of {what}, {when}", target, requests)
        for what, path in (("one strategy", f"{question}&strategy_id=1"), ("all", question))
        for when, requests in (
            ("unchanged", endless(caller.get(path))),
            # Nothing is as old as these instants: the same rows, by another question each time.
            ("first time", (caller.get(f"{path}&updated_since={each}") for each in _long_ago())),
        )
    ]


def _long_ago() -> Iterator[str]:
    """Yield one instant after another, all before there was any data."""
    for second in count():
        yield f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ}"


async def kept_progress(stage: Stage) -> list[Finding]:
    """Measure progress that was asked for before, whole and as 304."""
    caller = stage.full.caller
    target = 0.25 if stage.is_sqlite else 0.15
    tag = (await caller.ask(caller.get(PROGRESS))).header("etag")
    whole = endless(caller.get(PROGRESS))
    unchanged = endless(caller.get(PROGRESS, f"If-None-Match: {tag}\r\n"))
    return [
        await against_constant(stage, "progress by priority, unchanged", target, whole),
        await against_constant(stage, "progress by priority, unchanged, as 304", target, unchanged, 304),
    ]


async def against_constant(
    stage: Stage, what: str, target: float, requests: Iterator[bytes], status: int = 200
) -> Finding:
    """Measure requests over 16 connections against L with answers of the same length."""
    pace, caller = stage.pace, stage.full.caller
    length = len((await caller.ask(next(requests), status)).body)
    async with constant(length) as other:
        idle = other.caller()
        same = endless(idle.get("/constant"))
        found = await duel(
            lambda: _rate(caller, requests.__next__, pace.seconds, status),
            lambda: _rate(idle, same.__next__, pace.seconds, 200),
            pace.rounds,
        )
    raw = f"{found.thing:,.0f}/s; L {found.other:,.0f}/s at {length:,} bytes"
    return Finding(what, target, found.quotient, raw, "L", is_least=True)


async def _rate(caller: Caller, requests: Callable[[], bytes], seconds: float, status: int) -> float:
    return (await caller.rate(requests, seconds)).per_second(status)


def endless(request: bytes) -> Iterator[bytes]:
    """Yield the same request for ever."""
    while True:
        yield request
