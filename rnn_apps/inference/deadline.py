"""Work that ends when nobody wants its result any more.

Who starts work says until when (`working_until`); a session looks before each run of a graph, and a run under way is
terminated. So everything that answers with graphs, step by step or batch by batch, ends within one step; loops that
are long by themselves go through their items `in_turn`. A server's deadlines are its clients'; on the command line
there is one, Ctrl-C (`working_until_interrupt`).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Item = TypeVar("Item")

_CURRENT: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class Abandoned(Exception):
    """The work has ended before its result was there."""


class Deadline:
    """Until when work goes on; it is ended once, from any thread.

    Args:
        between: is called in the thread of the work before each run of a graph, to give others their turn.
    """

    def __init__(self, between: Callable[[], None] | None = None) -> None:
        self._between = between
        self._lock = threading.Lock()
        self._over = False
        self._enders: list[Callable[[], None]] = []

    def end(self) -> None:
        """Ends the work: what runs is terminated, and nothing more begins."""
        with self._lock:
            self._over = True
            enders = list(self._enders)
        for ender in enders:
            ender()

    def check(self) -> None:
        """Goes on, or not.

        Raises:
            Abandoned: if the work is to end.
        """
        if self._over:
            raise Abandoned

    def give_way(self) -> None:
        """Lets others have their turn."""
        if self._between is not None:
            self._between()

    @contextmanager
    def terminating(self, ender: Callable[[], None]) -> Iterator[None]:
        """Has `ender` called if the work is ended while the block runs.

        Raises:
            Abandoned: if it was ended before.
        """
        with self._lock:
            self.check()
            self._enders.append(ender)
        try:
            yield
        finally:
            with self._lock:
                self._enders.remove(ender)


@contextmanager
def working_until(deadline: Deadline) -> Iterator[None]:
    """Lets the block's work in this thread end with the deadline."""
    token = _CURRENT.set(deadline)
    try:
        yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def working_until_interrupt() -> Iterator[None]:
    """Lets Ctrl-C end the block's work in the main thread where it stands.

    Python's own handler waits until the run of a graph has come back. Its wake-up descriptor does not: a thread that
    reads from it ends the run.

    Raises:
        KeyboardInterrupt: on Ctrl-C.
    """
    deadline = Deadline()
    reader, writer = os.pipe()
    if sys.platform != "win32":
        os.set_blocking(writer, False)  # as Python demands, but not on Windows
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def watch() -> None:
        while number := os.read(reader, 1):
            if number[0] == signal.SIGINT:
                deadline.end()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        with working_until(deadline):
            yield
    except Abandoned:
        raise KeyboardInterrupt from None
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
        watcher.join()
        os.close(reader)


def current_deadline() -> Deadline | None:
    """Returns the deadline of the work of this thread, if it has one."""
    return _CURRENT.get()


def in_turn(items: Iterable[Item]) -> Iterator[Item]:
    """Goes through the items of long work without graphs; before each, others have their turn, or the work ends.

    Raises:
        Abandoned: if the deadline of the work is over.
    """
    deadline = _CURRENT.get()
    for item in items:
        if deadline is not None:
            deadline.check()
            deadline.give_way()
        yield item
