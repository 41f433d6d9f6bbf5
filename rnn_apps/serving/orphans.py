"""Requests whose process has died are answered with status 503, by the process that started it.

Each of several processes behind a port hands a duplicate of every connection to the one that started them, over a Unix
socket, and keeps in memory that both share which of them waits for an answer. When a process dies, the kernel closes
what it had; the duplicates stay, and whoever waited is told to try again. Systems without such sockets close the
connections, as the kernel does.

A message is the number of a connection (its slot in the shared memory), with a duplicate when it is new and without
one when it is over; the first has the memory itself.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import tempfile
import threading
from asyncio import BaseTransport
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MEETING_PLACE = "RNNAPPS_ORPHANS"
"""Environment variable with the path of the socket; without it nothing is handed over."""

_SLOTS, _NUMBER = 65536, 4
_BODY = b'{"error": "The process that was to answer has died. Try again in a second."}'
_ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


def can_hand_over() -> bool:
    """Whether this system can pass a connection to another process."""
    return hasattr(socket, "send_fds") and hasattr(socket, "SOCK_SEQPACKET")


class Orphanage:
    """In the process that starts the others: keeps their connections, and answers those that they leave behind.

    Args:
        path: where the socket goes, in a folder of its own.
    """

    def __init__(self, path: Path) -> None:
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door.bind(str(path))
        self._door.listen()
        threading.Thread(target=self._take_in, daemon=True).start()

    def close(self) -> None:
        """Takes in no more."""
        self._door.close()

    def _take_in(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                process, _ = self._door.accept()
                threading.Thread(target=_look_after, args=[process], daemon=True).start()


def _look_after(process: socket.socket) -> None:
    """Follows one process to its end."""
    kept: dict[int, socket.socket] = {}
    with process:
        _, (memory, *_), _, _ = socket.recv_fds(process, _NUMBER, 1)
        waiting = mmap.mmap(memory, _SLOTS)
        os.close(memory)
        while True:
            message, files, _, _ = socket.recv_fds(process, _NUMBER, 1)
            if not message:
                break
            number = int.from_bytes(message, "little")
            if number in kept:
                kept.pop(number).close()
            for file in files:  # none comes where this process may open no more
                kept[number] = socket.socket(fileno=file)
    for number, connection in kept.items():
        with connection, contextlib.suppress(OSError):
            if waiting[number]:
                connection.setblocking(False)
                connection.send(_ANSWER)
                connection.shutdown(socket.SHUT_RDWR)


class Handover:
    """In a process that answers: tells of its connections.

    Args:
        path: where the socket is.
    """

    def __init__(self, path: str) -> None:
        self._way = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._way.connect(path)
        with tempfile.TemporaryFile() as file:
            file.truncate(_SLOTS)
            self.waiting = mmap.mmap(file.fileno(), _SLOTS)
            socket.send_fds(self._way, [bytes(_NUMBER)], [file.fileno()])
        self._free = list(range(_SLOTS - 1, -1, -1))

    def begin(self, connection: Any) -> int | None:
        """Tells of a connection; returns its number, or None where there are too many."""
        if not self._free:
            return None
        number = self._free.pop()
        self._tell(number, [connection.fileno()])
        return number

    def end(self, number: int) -> None:
        """Tells that a connection is over."""
        self.waiting[number] = 0
        self._tell(number, [])
        self._free.append(number)

    def _tell(self, number: int, files: list[int]) -> None:
        with contextlib.suppress(OSError):  # the other process has died
            socket.send_fds(self._way, [number.to_bytes(_NUMBER, "little")], files)


class HandedOver(HttpToolsProtocol):
    """HTTP on a connection that does not die with its process."""

    _handover: Handover | None = None  # of this process
    _number: int | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Begins."""
        super().connection_made(transport)  # type: ignore[arg-type]
        if HandedOver._handover is None and MEETING_PLACE in os.environ:
            HandedOver._handover = Handover(os.environ[MEETING_PLACE])
        if self._handover is not None:
            self._number = self._handover.begin(transport.get_extra_info("socket"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends."""
        super().connection_lost(exc)
        if self._number is not None and self._handover is not None:
            self._handover.end(self._number)
            self._number = None

    def on_message_begin(self) -> None:
        """A request comes."""
        super().on_message_begin()
        self._mark(1)

    def on_response_complete(self) -> None:
        """It is answered."""
        self._mark(1 if self.pipeline else 0)
        super().on_response_complete()

    def _mark(self, waits: int) -> None:
        if self._number is not None and self._handover is not None:
            self._handover.waiting[self._number] = waits
