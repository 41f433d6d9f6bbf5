"""Dynamic batching: inputs that arrive together run together.

One thread answers for one model, so that predictions never run into each other, while the event loop takes in what
comes next: ONNX Runtime leaves the interpreter to it. While a batch runs, the next one gathers. Where nothing runs, a
request starts at once; only right after a batch does the next wait, at most `max_delay` long, until it is as large as
the last: clients that were answered together mostly ask again together.

What is expensive gives way: between two runs of its graphs, the requests that came meanwhile are answered in the same
thread, if they are cheap.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from rnn_apps.errors import DataError
from rnn_apps.inference.deadline import Abandoned, Deadline, working_until
from rnn_apps.serving.http import RequestError
from rnn_apps.serving.settings import Limits

EXPENSIVE = 50.0
"""Milliseconds from which a request gives way to others."""

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


def _deadline_of(batch: Sequence[_Work], between: Callable[[], None] | None = None) -> Deadline:
    """A deadline that is over when nobody waits for any work of the batch any more."""
    deadline = Deadline(between)

    def given_up(_: object) -> None:
        if all(work.answers.done() for work in batch):
            deadline.end()

    for work in batch:
        work.answers.get_loop().call_soon_threadsafe(work.answers.add_done_callback, given_up)
    return deadline


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
        self._overtaking: SimpleQueue[_Work] = SimpleQueue()
        self._gives_way = False
        self._waiting: deque[_Work] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._running, self._deadline = False, Deadline()
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
        self._deadline.end()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _submit(self, inputs: Sequence[Any], options: Options, expensive: bool) -> asyncio.Future[list[Any]]:
        work = _Work(inputs, options, expensive, asyncio.get_running_loop().create_future())
        if self._gives_way and not expensive:
            self._overtaking.put(work)
            return work.answers
        self._waiting.append(work)
        self._wake()
        return work.answers

    def _wake(self) -> None:
        """Starts the next batch, now or when it is worth it."""
        if self._running or not self._waiting:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        latest = self._last_end + self._limits.max_delay_ms / 1000
        if loop.time() < latest and sum(len(work.inputs) for work in self._waiting) < self._last_size:
            self._timer = loop.call_at(latest, self._start)
        else:
            self._start()

    def _start(self) -> None:
        self._timer = None
        batch = self._take()
        if not batch:
            return
        self._running, self._gives_way = True, batch[0].expensive
        if self._gives_way:
            for work in [work for work in self._waiting if not work.expensive]:
                self._waiting.remove(work)
                self._overtaking.put(work)
        loop = asyncio.get_running_loop()
        self._deadline = _deadline_of(batch, (lambda: self._let_overtake(loop)) if self._gives_way else None)
        self._last_size = sum(len(work.inputs) for work in batch)
        self._meter.batch(self.name, self._last_size)
        self._thread.submit(self._run, batch, self._deadline, loop)

    def _take(self) -> list[_Work]:
        batch, self._waiting = _next_batch(self._waiting, self._limits.max_batch)
        return batch

    def _run(self, batch: list[_Work], deadline: Deadline, loop: asyncio.AbstractEventLoop) -> None:
        with working_until(deadline):
            outcomes = self._outcomes(batch)
        loop.call_soon_threadsafe(self._finish, batch, outcomes)

    def _let_overtake(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answers, in the thread of an expensive batch, what has come meanwhile and is cheap."""
        works: deque[_Work] = deque()
        while not self._overtaking.empty():
            works.append(self._overtaking.get())
        while works:
            batch, works = _next_batch(works, self._limits.max_batch)
            if batch:
                self._meter.batch(self.name, sum(len(work.inputs) for work in batch))
                with working_until(_deadline_of(batch)):
                    outcomes = self._outcomes(batch)
                loop.call_soon_threadsafe(_give, batch, outcomes)

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

    def _finish(self, batch: Sequence[_Work], outcomes: Sequence[list[Any] | Exception]) -> None:
        self._running, self._gives_way, self._last_end = False, False, asyncio.get_running_loop().time()
        while not self._overtaking.empty():  # came when the last graph had run
            self._waiting.append(self._overtaking.get())
        _give(batch, outcomes)
        self._wake()


def _next_batch(waiting: Iterable[_Work], most: int) -> tuple[list[_Work], deque[_Work]]:
    """Returns what runs next, and the rest: the oldest work and, behind it, what has the same options and like cost.

    Work that was given up by its client, or is out of time, goes.
    """
    batch: list[_Work] = []
    rest: deque[_Work] = deque()
    for work in waiting:
        if work.answers.done():
            continue
        fits = len(work.inputs) <= most
        if fits and (not batch or (work.options, work.expensive) == (batch[0].options, batch[0].expensive)):
            batch.append(work)
            most -= len(work.inputs)
        else:
            rest.append(work)
    return batch, rest


def _give(batch: Sequence[_Work], outcomes: Sequence[list[Any] | Exception]) -> None:
    """Hands the answers, or an error, to whoever still waits."""
    for work, outcome in zip(batch, outcomes, strict=True):
        if work.answers.done():
            continue
        if isinstance(outcome, Exception):
            work.answers.set_exception(outcome)
        else:
            work.answers.set_result(outcome)
