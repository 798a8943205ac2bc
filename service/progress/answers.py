"""Answers kept in memory for as long as nothing they rest on has changed."""

from collections.abc import Callable, Coroutine, Hashable
from typing import Any

MOST_BYTES = 32 * 1024 * 1024


class KeptAnswers:
    """The answers that hold at the newest transaction; the first one made after it drops all the others.

    A key says everything else that an answer rests on: the question, today's date, and what the actor may see.
    """

    def __init__(self) -> None:
        self._seq = -1
        self._bytes = 0
        self._kept: dict[Hashable, bytes] = {}

    async def get(self, seq: int, key: Hashable, make: Callable[[], Coroutine[Any, Any, tuple[int, bytes]]]) -> bytes:
        """Return the answer kept for a key, or make and keep it. `make` says which transaction its answer rests on."""
        if seq == self._seq and key in self._kept:
            return self._kept[key]
        made_at, answer = await make()
        self._keep(made_at, key, answer)
        return answer

    def _keep(self, seq: int, key: Hashable, answer: bytes) -> None:
        if seq < self._seq:
            return
        if seq > self._seq or self._bytes + len(answer) > MOST_BYTES:
            self._kept.clear()
            self._seq, self._bytes = seq, 0
        self._bytes += len(answer) - len(self._kept.get(key, b""))
        self._kept[key] = answer
