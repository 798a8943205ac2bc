"""A reader of the change feed that keeps a copy of it, whatever is done to the servers meanwhile."""

import asyncio
from itertools import cycle

from tests.durability.audit import Entry
from tests.durability.loopback import Answer, Caller, NoAnswer

PAGE = 1000
# Now and then a page this small, so that transactions fall on the edges of pages.
SMALL_PAGE = 3
PAUSE_SECONDS = 0.02
FIELDS = ("seq", "position", "resource", "resource_id", "version", "action")


async def follow(ports: list[int], token: str, seen: list[Entry], enough: asyncio.Event) -> None:
    """Add to a copy of the feed until it is enough and nothing more comes; each question goes to another server."""
    callers, place = [Caller(port, token) for port in ports], None
    for number, caller in enumerate(cycle(callers)):
        is_last_look = enough.is_set()
        limit = SMALL_PAGE if number % 5 == 0 else PAGE
        answer = await _ask(caller, place or f"/v1/events?limit={limit}&after={seen[-1][0] if seen else 0}")
        page = answer.json() if answer else {"items": [], "next": place}
        seen += [tuple(item[name] for name in FIELDS) for item in page["items"]]
        # What `next` names is kept until it was answered: a page may end within a long transaction.
        place = page["next"]
        if is_last_look and answer and not page["items"]:
            break
        if not place or not answer:
            await asyncio.sleep(PAUSE_SECONDS)
    for caller in callers:
        await caller.close()


async def _ask(caller: Caller, path: str) -> Answer | None:
    """Return an answer of 200; None where the server cannot give one just now."""
    try:
        answer = await caller.call("GET", path)
    except NoAnswer:
        return None
    assert answer.status in (200, 503), f"{path}: {answer.status} {answer.body!r}"
    return answer if answer.status == 200 else None


def feed_faults(seen: list[Entry], log: list[Entry]) -> list[str]:
    """Say where a copy of the feed differs from what was done."""
    if seen == log:
        return []
    missing, extra = set(log) - set(seen), set(seen) - set(log)
    return [
        f"the feed gave {len(seen)} of {len(log)} entries; skipped {sorted(missing)[:9]}, made up {sorted(extra)[:9]}"
    ]
