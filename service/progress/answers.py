"""Answers kept in memory for as long as nothing they rest on has changed."""

from collections.abc import Callable, Coroutine
from typing import Any

MOST_BYTES = 32 * 1024 * 1024


class KeptAnswers:
    """The answers that hold in one state of the database; the first one made in another drops all the others.

    A state is the instant of the newest transaction. A key says everything else that an answer rests on: the
    question, the date that it is asked of, and what the actor may see.
    """

    def __init__(self) -> None:
        self._state = -1
        self._bytes = 0
        self._kept: dict[tuple[str, ...], bytes] = {}

    async def get(
        self, state: int, key: tuple[str, ...], make: Callable[[], Coroutine[Any, Any, tuple[int, bytes]]]
    ) -> bytes:
        """Return the answer kept for a key, or make and keep it. `make` says which state its answer rests on."""
        if state == self._state and key in self._kept:
            return self._kept[key]
        made_in, answer = await make()
        self._keep(made_in, key, answer)
        return answer

    def _keep(self, state: int, key: tuple[str, ...], answer: bytes) -> None:
        size = sum(map(len, key)) + len(answer)
        if state != self._state or self._bytes + size > MOST_BYTES:
            self._kept.clear()
            self._state, self._bytes = state, 0
        if key not in self._kept:
            self._bytes += size
        self._kept[key] = answer
