"""Turns on one thread: whoever comes while it is busy waits, and all who wait go together at its next turn."""

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from concurrent.futures import Future as Work
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from service.core.errors import Unavailable

Act = Callable[[Connection], Any]
MOST_TOGETHER = 32


@dataclass(frozen=True)
class Failed:
    """What became of an act that raised."""

    error: BaseException


Outcomes = Sequence[Any]
"""What became of some acts, one by one: what they returned, or `Failed`."""


@dataclass(frozen=True, eq=False)
class _Waiting:
    act: Act
    outcome: "Future[Any]"


class Turns:
    """Who waits for a thread that does several acts at once, and for how long."""

    def __init__(
        self, thread: Executor, do: Callable[[Sequence[Act]], Outcomes], patience_seconds: float, refusal: str
    ) -> None:
        self._thread = thread
        self._do = do
        self._patience_seconds = patience_seconds
        self._refusal = refusal
        self._waiting: deque[_Waiting] = deque()
        self._is_busy = False

    async def take(self, act: Act) -> Any:
        """Wait for a turn, and return what an act returns in it.

        Raises:
            Unavailable: the turn did not come in time; the act was not begun.
        """
        loop = get_running_loop()
        waiting = _Waiting(act, loop.create_future())
        self._waiting.append(waiting)
        patience = loop.call_later(self._patience_seconds, self._send_away, waiting)
        if not self._is_busy:
            self._begin(loop)
        try:
            return await waiting.outcome
        finally:
            patience.cancel()
            # A failure knows this frame: were it to be found from here, the two would stay until garbage is searched.
            del waiting

    def _send_away(self, waiting: _Waiting) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            waiting.outcome.set_exception(Unavailable(self._refusal))

    def _begin(self, loop: AbstractEventLoop) -> None:
        turn: list[_Waiting] = []
        while self._waiting and len(turn) < MOST_TOGETHER:
            waiting = self._waiting.popleft()
            # Whoever stopped waiting has gone away.
            if not waiting.outcome.done():
                turn.append(waiting)
        self._is_busy = bool(turn)
        if turn:
            work = self._thread.submit(self._do, [waiting.act for waiting in turn])
            work.add_done_callback(lambda work: loop.call_soon_threadsafe(self._end, loop, turn, work))

    def _end(self, loop: AbstractEventLoop, turn: Sequence[_Waiting], work: "Work[Outcomes]") -> None:
        # The thread goes on before anything else is done.
        self._begin(loop)
        error = work.exception()
        outcomes = [Failed(error)] * len(turn) if error else work.result()
        for waiting, outcome in zip(turn, outcomes, strict=True):
            if waiting.outcome.done():
                continue
            if isinstance(outcome, Failed):
                waiting.outcome.set_exception(outcome.error)
            else:
                waiting.outcome.set_result(outcome)
