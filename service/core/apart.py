"""An event loop in a thread of its own, for what would keep the first one from all else that waits there."""

import asyncio
from collections.abc import Coroutine
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class LoopApart:
    """Runs coroutines in another thread than the loop that waits for them. The thread starts at the first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._started: tuple[asyncio.AbstractEventLoop, Thread] | None = None

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine returns, or raise what it raises."""
        loop, _ = self._started = self._started or self._start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    async def end(self, work: Coroutine[Any, Any, object]) -> None:
        """Run a last coroutine and end the thread; where nothing ever ran, do nothing."""
        if self._started is None:
            work.close()
            return
        await self.run(work)
        (loop, thread), self._started = self._started, None
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _start(self) -> tuple[asyncio.AbstractEventLoop, Thread]:
        # Of the same kind as the one that waits, which may be faster than Python's own.
        loop = type(asyncio.get_running_loop())()
        thread = Thread(target=loop.run_forever, name=self._name, daemon=True)
        thread.start()
        return loop, thread
