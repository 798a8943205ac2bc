"""Clients that write all the time and remember what they were promised."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from service.core.history import TWINS, Action, change, stamp
from service.plan.models import milestone, status_update, workstream
from tests.durability.loopback import Answer, Caller, NoAnswer

# Refusals that leave no doubt: somebody else was quicker, or the first sending had done it.
REFUSED = frozenset({404, 412})
# The service cannot say just now; the same request may be sent again.
LATER = frozenset({409, 503})
LATER_SECONDS = 0.05
PATIENCE = 200
REPLAYED = 20


@dataclass
class Work:
    """One change that a client wants, with a mark by which it is found again."""

    method: str
    path: str
    content: Any
    headers: dict[str, str]
    mark: str
    answer: Answer | None = None
    """The promise: the first answer of success."""
    is_refused: bool = False
    unsure: int = 0
    """How often it was sent and nobody knows what came of it."""
    contradicted: bool = False
    """Whether it was promised in one way and then in another."""

    async def send(self, caller: Caller) -> Answer:
        """Send it (again, with the same key and the same If-Match)."""
        try:
            answer = await caller.call(self.method, self.path, self.content, **self.headers)
        except NoAnswer:
            self.unsure += 1
            raise
        self.take(answer)
        return answer

    def take(self, answer: Answer) -> None:
        """Remember an answer."""
        if answer.status in (200, 201, 204):
            self.contradicted |= self.answer is not None and self.answer.body != answer.body
            self.answer = self.answer or answer
        elif answer.status in REFUSED:
            # A key replays a promise; it never turns it down afterwards.
            self.contradicted |= self.answer is not None and self.method == "POST"
            self.is_refused = self.answer is None
        else:
            assert answer.status in LATER, f"{self.method} {self.path}: {answer.status} {answer.body!r}"
            self.unsure += 1


@dataclass
class Ledger:
    """All that the clients wanted, and how often they were told to come again."""

    works: list[Work] = field(default_factory=list)
    put_off: int = 0

    def open(self) -> list[Work]:
        """Return what has neither been promised nor refused."""
        return [work for work in self.works if work.answer is None and not work.is_refused]

    def promised(self) -> list[Work]:
        """Return what has been promised."""
        return [work for work in self.works if work.answer is not None]


@dataclass
class Plan:
    """What the clients write on."""

    reported: list[int]
    edited: list[int]
    linked: list[int]
    areas: list[int]
    home: int


async def read_plan(caller: Caller) -> Plan:
    """Choose what is written on from the plan that is there."""

    async def ids(name: str) -> list[int]:
        return [row["id"] for row in (await caller.call("GET", f"/v1/{name}?limit=1000")).json()["items"]]

    milestones, workstreams = await ids("milestones"), await ids("workstreams")
    return Plan(milestones[4:], milestones[:2], workstreams[:2], await ids("areas"), workstreams[0])


Steps = AsyncIterator[Work]


async def tag_of(caller: Caller, path: str) -> str | None:
    """Return the tag of a row; None where the service cannot say just now."""
    answer = await caller.call("GET", path)
    assert answer.status in (200, 503), f"{path}: {answer.status} {answer.body!r}"
    return answer.headers.get("etag")


async def reports(caller: Caller, plan: Plan, chance: random.Random) -> Steps:
    """Report progress, again and again."""
    del caller
    while True:
        mark = uuid.uuid4().hex
        content = {"status": "in_progress", "percent_complete": chance.randrange(100), "narrative": mark}
        path = f"/v1/milestones/{chance.choice(plan.reported)}/updates"
        yield Work("POST", path, content, {"idempotency_key": mark}, mark)


async def edits(caller: Caller, plan: Plan, chance: random.Random) -> Steps:
    """Rewrite a milestone that others rewrite too."""
    while True:
        path, mark = f"/v1/milestones/{chance.choice(plan.edited)}", uuid.uuid4().hex
        tag = await tag_of(caller, path)
        if tag is None:
            await asyncio.sleep(0)
            continue
        yield Work("PATCH", path, {"description": mark}, {"if_match": tag}, mark)


async def links(caller: Caller, plan: Plan, chance: random.Random) -> Steps:
    """Move a workstream from places to places."""
    while True:
        path, mark = f"/v1/workstreams/{chance.choice(plan.linked)}", uuid.uuid4().hex
        tag = await tag_of(caller, path)
        if tag is None:
            await asyncio.sleep(0)
            continue
        areas = chance.sample(plan.areas, chance.randrange(len(plan.areas) + 1))
        yield Work("PATCH", path, {"description": mark, "area_ids": areas}, {"if_match": tag}, mark)


async def comings_and_goings(caller: Caller, plan: Plan, chance: random.Random) -> Steps:
    """Make milestones, and take every other one away again."""
    while True:
        mark = uuid.uuid4().hex
        content = {"workstream_id": plan.home, "ref": mark, "title": "It comes and goes"}
        making = Work("POST", "/v1/milestones", content, {"idempotency_key": mark}, mark)
        yield making
        if making.answer is None or chance.random() < 0.5:
            continue
        path, mark = making.answer.headers["location"], uuid.uuid4().hex
        tag = await tag_of(caller, path)
        if tag is not None:
            yield Work("DELETE", f"{path}?change_reason={mark}", None, {"if_match": tag}, mark)


KINDS: tuple[Callable[[Caller, Plan, random.Random], Steps], ...] = (
    *(reports,) * 3,
    *(edits,) * 2,
    links,
    *(comings_and_goings,) * 2,
)


async def write_on(
    steps: Steps, caller: Caller, second: Caller, ledger: Ledger, chance: random.Random, enough: asyncio.Event
) -> None:
    """Do one step after the other until it is enough or nobody answers; now and then send a POST twice at once."""
    try:
        async for work in steps:
            if enough.is_set():
                return
            ledger.works.append(work)
            sent = [work.send(caller)]
            if work.method == "POST" and chance.random() < 0.2:
                sent.append(work.send(second))
            answers = await asyncio.gather(*sent, return_exceptions=True)
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer
                if answer.status in LATER:
                    ledger.put_off += 1
                    await asyncio.sleep(LATER_SECONDS)
    except NoAnswer:
        return


async def settle(ledger: Ledger, port: int, token: str) -> None:
    """Send again what has no answer, until it has one, and the last promises that a key must replay."""
    keyed = [work for work in ledger.promised() if work.method == "POST"]
    async with Caller(port, token) as caller:
        for work in (*ledger.open(), *keyed[-REPLAYED:]):
            for _ in range(PATIENCE):
                if (await work.send(caller)).status not in LATER:
                    break
                ledger.put_off += 1
                await asyncio.sleep(LATER_SECONDS)


def count_marks(connection: Connection) -> dict[str, list[tuple[int, int]]]:
    """Return the rows (id and version, 0 for a deletion) that carry each mark, in the tables themselves."""
    found: dict[str, list[tuple[int, int]]] = {}

    def add(mark: str | None, row_id: int, version: int) -> None:
        if mark:
            found.setdefault(mark, []).append((row_id, version))

    for row_id, mark in connection.execute(select(status_update.c.id, status_update.c.narrative)):
        add(mark, row_id, 1)
    deletions = select(change.c.row_id, stamp.c.reason).join(stamp, stamp.c.seq == change.c.seq)
    for row_id, mark in connection.execute(deletions.where(change.c.action == Action.DELETED)):
        add(mark, row_id, 0)
    for table in (milestone, workstream):
        for source in (table, TWINS[table.name]):
            for row in connection.execute(select(source.c.id, source.c.version, source.c.ref, source.c.description)):
                add(row.description, row.id, row.version)
                if row.version == 1:
                    add(row.ref, row.id, 1)
    return found


@dataclass
class Verdict:
    """What became of all that was wanted."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    garbled: list[str] = field(default_factory=list)
    """Promised with one content, and there with another, or promised in two ways."""
    undue: list[str] = field(default_factory=list)
    """Refused, and done all the same."""
    unsettled: list[str] = field(default_factory=list)
    """Neither promised nor refused in the end."""

    def add(self, other: "Verdict") -> None:
        """Take in another verdict."""
        for name, found in vars(self).items():
            found += [each for each in getattr(other, name) if each not in found]


def judge(ledger: Ledger, marks: dict[str, list[tuple[int, int]]]) -> Verdict:
    """Hold what was promised against what is there."""
    verdict = Verdict()
    for work in ledger.works:
        there = marks.get(work.mark, [])
        if len(there) > 1:
            verdict.doubled.append(work.mark)
        if work.contradicted:
            verdict.garbled.append(work.mark)
        if work.answer is not None:
            if not there:
                verdict.lost.append(work.mark)
            elif _promised_row(work) != there[0]:
                verdict.garbled.append(work.mark)
        elif not work.is_refused:
            verdict.unsettled.append(work.mark)
        elif there and not work.unsure:
            verdict.undue.append(work.mark)
    return verdict


def _promised_row(work: Work) -> tuple[int, int]:
    assert work.answer is not None
    if work.method == "DELETE":
        return int(work.path.partition("?")[0].rpartition("/")[2]), 0
    said = work.answer.json()
    return said["id"], said.get("version", 1)
