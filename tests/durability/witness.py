"""What the server says afterwards of all that it had promised, asked over HTTP."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.durability.loopback import Caller
from tests.durability.writers import Work

PAGE = 1000


async def contradictions(works: list[Work], port: int, token: str) -> list[str]:
    """Return where the server's present answers differ from those by which it promised these works.

    Each is read back by its id or version: reports from the list of their milestone, changes from the row's history.
    """
    wanted: dict[str, dict[int, Work]] = defaultdict(dict)
    found: list[str] = []
    for work in works:
        others = wanted[_place(work)]
        if _number(work) in others:
            found.append(f"{work.mark} was promised as what {others[_number(work)].mark} had become")
        others[_number(work)] = work
    async with Caller(port, token) as caller:
        for place, promised in wanted.items():
            there = await _read(caller, place, set(promised))
            for number, work in promised.items():
                if number not in there:
                    found.append(f"{work.mark} is not at {place} as {number}")
                else:
                    found += _differences(work, there[number])
    return found


def _place(work: Work) -> str:
    """Return the list in which a promised work is found again."""
    if work.path.endswith("/updates"):
        return f"{work.path}?sort=-id&"
    if work.method == "POST":
        return f"{_answer(work).headers['location']}/history?"
    return f"{work.path.partition('?')[0]}/history?"


def _number(work: Work) -> int:
    """Return the number by which it is known there: an id, a version, or minus one for a deletion."""
    if work.method == "DELETE":
        return -1
    said = _answer(work).json()
    return int(said["id" if work.path.endswith("/updates") else "version"])


def _answer(work: Work) -> Any:
    assert work.answer is not None
    return work.answer


async def _read(caller: Caller, place: str, wanted: set[int]) -> dict[int, dict[str, Any]]:
    """Read a list, newest first, until all that is wanted was found or it ends."""
    there: dict[int, dict[str, Any]] = {}
    following: str | None = f"{place}limit={PAGE}"
    while following and not wanted <= there.keys():
        answer = await caller.call("GET", following)
        assert answer.status == 200, f"{following}: {answer.status} {answer.body!r}"
        page = answer.json()
        for item in page["items"]:
            number = item["id"] if "milestone_id" in item else item["version"]
            there[-1 if item.get("action") == "deleted" else number] = item
        following = page["next"]
    return there


def _differences(work: Work, now: dict[str, Any]) -> Iterator[str]:
    if work.method == "DELETE":
        if now["reason"] != work.mark:
            yield f"{work.mark} was promised to be gone; it went for the reason {now['reason']}"
        return
    said = _answer(work).json()
    # The figures that are worked out from later reports stand in the answer and not in the history.
    for name, value in said.items():
        if name in now and now[name] != value:
            yield f"{work.mark}: {name} was {value!r}, and now is {now[name]!r}"
    for name, value in work.content.items():
        if _ordered(now[name]) != _ordered(value):
            yield f"{work.mark}: {name} was to be {value!r}, and is {now[name]!r}"


def _ordered(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value
