"""Load on an HTTP server, from a process of its own that costs little: keep-alive connections, nothing parsed in vain.

    python benchmarks/load.py BODIES URL --clients 32 --seconds 10
    python benchmarks/load.py BODIES URL --rate 2000 --seconds 60

BODIES is a file with a JSON body a line. With `--clients`, each sends its next request when it has its answer (closed
loop). With `--rate`, so many requests a second are sent whatever comes back (open loop), over as many connections as
that takes, up to 2,000; a request that finds them all waiting is counted as unsent, and one that waits at the end as
unanswered. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop
from common import percentile

MOST_CONNECTIONS = 2000


class Connection(asyncio.Protocol):
    """A keep-alive connection that carries one request at a time."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.received = bytearray()
        self.answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, request: bytes) -> asyncio.Future[int]:
        """Sends a request; the future gives the status of the answer, 0 if the connection ends before."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0 or self.answer is None:
            return
        head = bytes(self.received[:end]).lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(self.received) >= end + 4 + length:
            del self.received[: end + 4 + length]
            answer, self.answer = self.answer, None
            if not answer.done():
                answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(0)


class Load:
    """Sends requests and writes down how each ended.

    Args:
        url: where they go.
        bodies: what they carry, in turn.
    """

    def __init__(self, url: str, bodies: list[bytes]) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
        self.requests: Iterator[bytes] = itertools.cycle(requests)
        self.idle: list[Connection] = []
        self.connections = 0
        self.statuses: Counter[int | str] = Counter()
        self.answered: list[float] = []

    async def connect(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, self.host, self.port)
        return connection

    async def request(self, connection: Connection) -> None:
        start = time.perf_counter()
        status = await connection.send(next(self.requests))
        self.statuses[status] += 1
        if status == 200:
            self.answered.append(time.perf_counter() - start)

    async def closed(self, clients: int, seconds: float) -> None:
        connections = [await self.connect() for _ in range(clients)]
        end = time.perf_counter() + seconds

        async def client(connection: Connection) -> None:
            while time.perf_counter() < end:
                if connection.transport is None:  # closed by the server
                    connection = await self.connect()
                await self.request(connection)

        await asyncio.gather(*map(client, connections))

    async def opened(self, rate: float, seconds: float) -> None:
        start, sent = time.perf_counter(), 0
        pending: set[asyncio.Task[None]] = set()
        while (now := time.perf_counter() - start) < seconds:
            for _ in range(int(now * rate) - sent):
                task = asyncio.create_task(self.one())
                pending.add(task)
                task.add_done_callback(pending.discard)
            sent = int(now * rate)
            await asyncio.sleep(0.002)
        self.statuses["unanswered"] = len(pending)
        for task in pending:
            task.cancel()

    async def one(self) -> None:
        while self.idle:
            connection = self.idle.pop()
            if connection.transport is not None:
                break
        else:
            if self.connections >= MOST_CONNECTIONS:
                self.statuses["unsent"] += 1
                return
            self.connections += 1
            connection = await self.connect()
        await self.request(connection)
        if connection.transport is not None:
            self.idle.append(connection)
        else:
            self.connections -= 1

    def result(self, seconds: float) -> dict[str, Any]:
        """Returns counts and, of the requests that were answered, the times in milliseconds."""
        milliseconds = {
            f"p{percent}_ms": percentile(self.answered, percent) * 1e3 for percent in (50, 95, 99) if self.answered
        }
        statuses = {str(status): count for status, count in sorted(self.statuses.items(), key=str)}
        return {"requests_per_second": len(self.answered) / seconds, **milliseconds, "statuses": statuses}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("bodies", type=Path)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.0)
    arguments = parser.parse_args()
    load = Load(arguments.url, arguments.bodies.read_bytes().splitlines())
    start = time.perf_counter()
    if arguments.rate:
        uvloop.run(load.opened(arguments.rate, arguments.seconds))
    else:
        uvloop.run(load.closed(arguments.clients, arguments.seconds))
    print(json.dumps(load.result(time.perf_counter() - start)))


if __name__ == "__main__":
    main()
