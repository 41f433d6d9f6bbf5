"""Dynamic batching: inputs that arrive together run together.

One thread answers for one model, so that predictions never run into each other, while the event loop takes in what
comes next: ONNX Runtime leaves the interpreter to it. While a batch runs, the next one gathers. Where nothing runs, a
request starts at once; only right after a batch does the next wait, at most `max_delay` long, until it is as large as
the last: clients that were answered together mostly ask again together. Of many inputs only half run at once: while
they do, the others are read or answered, and neither core waits.

What is expensive gives way: between two runs of its graphs, the requests that came meanwhile are answered in the same
thread, if they are cheap.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from rnn_apps.errors import DataError
from rnn_apps.inference.deadline import Abandoned, Deadline, working_until
from rnn_apps.serving.http import RequestError
from rnn_apps.serving.settings import Limits

EXPENSIVE = 50.0
"""Milliseconds from which a request gives way to others."""

WORTH_HALVING = 8
"""Inputs from which half of what there is runs while the rest is read and answered: both cores have work."""

Options = Mapping[str, Any]
Result = TypeVar("Result")


class Meter:
    """Is told what a batcher does; this one forgets it."""

    def batch(self, model: str, size: int) -> None:
        """A batch of so many inputs begins."""

    def pending(self, model: str, change: int) -> None:
        """So many inputs more, or fewer, wait or run."""


@dataclass(eq=False, slots=True)
class _Work:
    """Inputs of one request that run in one batch, and where their answers go."""

    inputs: Sequence[Any]
    options: Options
    expensive: bool
    answers: asyncio.Future[list[Any]]
    batch: _Batch | None = None


class _Batch:
    """Work that runs together; its deadline is over when nobody waits for any of it any more.

    Args:
        works: with the same options, and of like cost.
        between: see `Deadline`.
    """

    def __init__(self, works: Sequence[_Work], between: Callable[[], None] | None = None) -> None:
        self.works, self.deadline, self._wanted = works, Deadline(between), len(works)
        for work in works:
            work.batch = self

    @property
    def size(self) -> int:
        """Inputs in it."""
        return sum(len(work.inputs) for work in self.works)

    def leave(self) -> None:
        """One more of the works is answered, or was given up."""
        self._wanted -= 1
        if not self._wanted:
            self.deadline.end()

    def give(self, outcomes: Sequence[list[Any] | Exception]) -> None:
        """Hands the answers, or an error, to whoever still waits."""
        for work, outcome in zip(self.works, outcomes, strict=True):
            if work.answers.done():
                continue
            if isinstance(outcome, Exception):
                work.answers.set_exception(outcome)
            else:
                work.answers.set_result(outcome)


class Batcher:
    """Gathers the inputs of many requests into batches for one model.

    Args:
        name: of the model, for messages and the thread.
        predict: answers inputs with options, one answer each; it is called in one thread only.
        limits: `max_batch`, `max_delay_ms` and `max_queue` count here.
        meter: is told of each batch and of what waits.
        cost: about how many milliseconds inputs take with options.

    Attributes:
        pending: inputs that wait or run.
    """

    def __init__(
        self,
        name: str,
        predict: Callable[[Sequence[Any], Options], Sequence[Any]],
        limits: Limits,
        meter: Meter | None = None,
        cost: Callable[[Sequence[Any], Options], float] = lambda inputs, options: 0.0,
    ) -> None:
        self.name, self.pending = name, 0
        self._predict, self._limits, self._meter, self._cost = predict, limits, meter or Meter(), cost
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._lock = threading.Lock()  # for what follows, which the event loop and the model's thread share
        self._waiting: deque[_Work] = deque()
        self._running: _Batch | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._last_size, self._last_end = 0, 0.0

    async def answer(self, inputs: Sequence[Any], options: Options) -> list[Any]:
        """Returns an answer for each input, in their order.

        More inputs than go into a batch run one batch after the other, so that other requests have their turn.

        Raises:
            RequestError: with status 503 if too many inputs wait already.
            RnnAppsError: for an input or an option that the model cannot use.
        """
        most = self._limits.max_batch
        cost = self.checked_cost(inputs, options)
        with self.admission(min(len(inputs), most)):
            answers: list[Any] = []
            for first in range(0, len(inputs), most):
                part = inputs[first : first + most]
                try:
                    expensive = cost * len(part) / len(inputs) > EXPENSIVE
                    answers += await self._submit(part, options, expensive)
                except DataError as error:
                    if len(inputs) <= most:
                        raise
                    raise DataError(f"Of the inputs {first + 1} to {first + len(part)}: {error}") from None
            return answers

    def checked_cost(self, inputs: Sequence[Any], options: Options) -> float:
        """Returns about how many milliseconds inputs take.

        Raises:
            RequestError: with status 413 if that is longer than a request may take.
        """
        cost = self._cost(inputs, options)
        if cost > 1000 * self._limits.timeout:
            raise RequestError(
                413,
                f"This would take about {cost / 1000:,.0f} seconds, and a request has {self._limits.timeout:g}. Send "
                "less at once, or ask for less of it.",
            )
        return cost

    async def call(self, function: Callable[[], Result]) -> Result:
        """Runs any other piece of work of this model in its thread, between two batches."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def call_soon(self, function: Callable[[], object]) -> None:
        """The same without waiting for it."""
        self._thread.submit(function)

    @contextmanager
    def admission(self, count: int) -> Iterator[None]:
        """Counts inputs as pending as long as the block runs; alone, a request of any size is let in.

        Raises:
            RequestError: with status 503 if too many inputs wait already.
        """
        if self.pending and self.pending + count > self._limits.max_queue:
            raise self.overloaded()
        self.pending += count
        self._meter.pending(self.name, count)
        try:
            yield
        finally:
            self.pending -= count
            self._meter.pending(self.name, -count)

    @property
    def full(self) -> bool:
        """Whether not one more input is let in."""
        return self.pending >= self._limits.max_queue

    def overloaded(self) -> RequestError:
        """Returns what is answered when the queue is full."""
        message = f"The model '{self.name}' has {self.pending} inputs to answer already. Try again in a second."
        return RequestError(503, message, {"Retry-After": "1"})

    def close(self) -> None:
        """Ends what runs, and the thread."""
        with self._lock:
            if self._running is not None:
                self._running.deadline.end()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _submit(self, inputs: Sequence[Any], options: Options, expensive: bool) -> asyncio.Future[list[Any]]:
        loop = asyncio.get_running_loop()
        work = _Work(inputs, options, expensive, loop.create_future())
        work.answers.add_done_callback(lambda _: self._leave(work))
        with self._lock:
            self._waiting.append(work)
        self._wake(loop)
        return work.answers

    def _leave(self, work: _Work) -> None:
        with self._lock:
            if work.batch is not None:
                work.batch.leave()

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        """In the event loop: starts the next batch, now or when it is worth it."""
        with self._lock:
            if self._running is not None or not self._waiting:
                return
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            wait = self._last_end + self._limits.max_delay_ms / 1000 - time.monotonic()
            if wait > 0 and not self._as_many_wait():
                self._timer = loop.call_later(wait, self._end_of_wait, loop)
            else:
                self._start(loop)

    def _end_of_wait(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._timer = None
            if self._running is None:
                self._start(loop)

    def _as_many_wait(self) -> bool:
        """Says whether as many inputs wait as ran last; holding the lock."""
        return sum(len(work.inputs) for work in self._waiting) >= self._last_size

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Has the next batch run, holding the lock."""
        most = min(self._limits.max_batch, max(WORTH_HALVING, -(-self.pending // 2)))
        works, self._waiting = _next_batch(self._waiting, most)
        if works:
            between = (lambda: self._let_overtake(loop)) if works[0].expensive else None
            self._running = _Batch(works, between)
            self._last_size = self._running.size
            self._thread.submit(self._run, self._running, loop)

    def _run(self, batch: _Batch, loop: asyncio.AbstractEventLoop) -> None:
        """In the model's thread: answers a batch and starts the next one where that need not wait for the event loop.

        With a thousand requests to read or to refuse, the loop comes round to it late.
        """
        self._answer(batch, loop)
        with self._lock:
            self._running, self._last_end = None, time.monotonic()
            if self._waiting and self._as_many_wait():
                self._start(loop)
        loop.call_soon_threadsafe(self._wake, loop)

    def _let_overtake(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answers, in the thread of an expensive batch, a batch of what has come meanwhile and is cheap."""
        with self._lock:
            cheap = [work for work in self._waiting if not work.expensive]
            works, _ = _next_batch(cheap, self._limits.max_batch)
            for work in works:
                self._waiting.remove(work)
            batch = _Batch(works)
        if works:
            self._answer(batch, loop)

    def _answer(self, batch: _Batch, loop: asyncio.AbstractEventLoop) -> None:
        self._meter.batch(self.name, batch.size)
        with working_until(batch.deadline):
            outcomes = self._outcomes(batch.works)
        loop.call_soon_threadsafe(batch.give, outcomes)

    def _outcomes(self, batch: Sequence[_Work]) -> list[list[Any] | Exception]:
        """Returns answers or an error for each work; a bad input is found by halves and spoils no other request."""
        inputs = [given for work in batch for given in work.inputs]
        try:
            answers = iter(self._predict(inputs, batch[0].options))
            return [[next(answers) for _ in work.inputs] for work in batch]
        except Exception as error:
            if len(batch) == 1 or isinstance(error, Abandoned):
                return [error] * len(batch)
            middle = len(batch) // 2
            return self._outcomes(batch[:middle]) + self._outcomes(batch[middle:])


def _next_batch(waiting: Iterable[_Work], most: int) -> tuple[list[_Work], deque[_Work]]:
    """Returns what runs next, and the rest.

    That is the oldest work and, behind it, what has the same options and like cost, `most` inputs in all; the oldest
    runs whatever its size. Work that was given up by its client, or is out of time, goes.
    """
    batch: list[_Work] = []
    rest: deque[_Work] = deque()
    for work in waiting:
        if work.answers.done():
            continue
        alike = bool(batch) and (work.options, work.expensive) == (batch[0].options, batch[0].expensive)
        if not batch or (alike and len(work.inputs) <= most):
            batch.append(work)
            most -= len(work.inputs)
        else:
            rest.append(work)
    return batch, rest
