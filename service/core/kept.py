"""Answers kept in memory for as long as nothing they rest on has changed."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 32 * 1024 * 1024
# Whoever reads through a whole table in long pages does not ask for them again, and would push out all the others.
MOST_OF_ONE = MOST_BYTES // 128
Key = tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """The body of an answer, and the address of the next page of a list."""

    body: bytes
    following: str | None = None


Make = Callable[[], Coroutine[Any, Any, tuple[int, Answer]]]


class KeptAnswers:
    """The answers that hold in one state of the database; the first one made in another drops all the others.

    A state is the instant of the newest transaction. A key says everything else that an answer rests on: the
    question, the date that it is asked of, and what the actor may see.
    """

    def __init__(self) -> None:
        self._state = -1
        self._bytes = 0
        self._kept: dict[Key, Answer] = {}

    async def get(self, state: int, key: Key, make: Make) -> Answer:
        """Return the answer kept for a key, or make and keep it.

        `make` says which state its answer rests on; it may know of more than that, never of less.
        """
        if state == self._state and key in self._kept:
            return self._kept[key]
        made_in, answer = await make()
        self._keep(made_in, key, answer)
        return answer

    def _keep(self, state: int, key: Key, answer: Answer) -> None:
        if state != self._state:
            self._kept.clear()
            self._state, self._bytes = state, 0
        if _size(key, answer) > MOST_OF_ONE or key in self._kept:
            return
        self._bytes += _size(key, answer)
        self._kept[key] = answer
        while self._bytes > MOST_BYTES:
            oldest = next(iter(self._kept))
            self._bytes -= _size(oldest, self._kept.pop(oldest))


def _size(key: Key, answer: Answer) -> int:
    return sum(map(len, key)) + len(answer.body) + len(answer.following or "")
