"""Threads that do what blocks. What they finish goes back to the event loop in bunches: waking it costs."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_Job = tuple["asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Workers:
    """So many threads, started with the first job. To be used from the event loop only."""

    def __init__(self, count: int, name: str) -> None:
        self._count, self._name = count, name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._finished: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        # Whether the loop was called and has not come yet. Set before it is called, cleared before it looks.
        self._called = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def do(self, work: Callable[..., Any], *given: Any) -> "asyncio.Future[Any]":
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            for number in range(self._count):
                threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True).start()
        future = self._loop.create_future()
        self._jobs.put((future, work, given))
        return future

    def stop(self) -> None:
        """Let the threads end after what they are at."""
        for _ in range(self._count):
            self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, work, given = job
            try:
                self._finish(future, work(*given), None)
            except BaseException as error:
                self._finish(future, None, error)

    def _finish(self, future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
        self._finished.append((future, result, error))
        if not self._called and self._loop is not None:
            self._called = True
            # The loop may be closed: nobody waits for this any more.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._called = False
        while self._finished:
            future, result, error = self._finished.popleft()
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
