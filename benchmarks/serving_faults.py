"""What bad company does to a server: expensive requests, clients that vanish, slow connections, a signal, ten minutes.

The parts of `serving.py` that are not about speed; each returns what it has measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from common import percentile
from server import finish, free_port, load, memory_mb, running

COMMAND = str(Path(sys.executable).with_name("rnnapps"))
TEXT = "The film of Mr. Smith in New York was good, and nobody left before the end. "
EXPENSIVE: dict[str, tuple[str, dict[str, Any]]] = {
    "64 texts of 16,000 letters": ("sentiment", {"instances": [TEXT * 210] * 64}),
    "the same, tagged": ("ner", {"instances": [TEXT * 210] * 64}),
    "50 taggings": ("ner", {"instances": [TEXT * 200] * 4, "parameters": {"nbest": 50}}),
    "a beam of 60": ("translation", {"instances": [TEXT * 25] * 3, "parameters": {"beam": 60}}),
    "200 seconds of music": ("music", {"instances": [None], "parameters": {"seconds": 200}}),
}

# heavy, and yet not refused with 413 by a server whose requests have five seconds
BEGUN: dict[str, tuple[str, dict[str, Any]]] = {
    "20 texts of 16,000 letters": ("sentiment", {"instances": [TEXT * 210] * 20}),
    "20 taggings": ("ner", {"instances": [TEXT * 200] * 4, "parameters": {"nbest": 20}}),
    "a beam of 20": ("translation", {"instances": [TEXT * 40], "parameters": {"beam": 20}}),
    "30 seconds of music": ("music", {"instances": [None], "parameters": {"seconds": 30}}),
}


def serving(models: list[str], port: int, *arguments: str) -> list[str]:
    return [COMMAND, "serve", *models, "--port", str(port), "--no-access-log", *arguments]


def post(port: int, model: str, body: Any) -> socket.socket:
    """Sends a request and does not wait for its answer."""
    content = json.dumps(body).encode()
    head = f"POST /v1/models/{model}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n"
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + content)
    return sock


def processor_seconds(pid: int) -> float:
    """What the threads of a process have used of the processors, to the nanosecond."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with suppress(OSError):
            total += int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])
    return total / 1e9


def vanishing(passes: int = 5) -> dict[str, Any]:
    """Measures how long the server still works for a client that has gone, in milliseconds (steps of 5)."""
    port = free_port()
    results: dict[str, Any] = {}
    models = sorted({model for model, _ in EXPENSIVE.values()})
    with running(serving(models, port, "--no-demo"), port, "/v2/health/ready") as (process, _):
        for title, (model, body) in EXPENSIVE.items():
            busy = []
            for number in range(passes):
                sock = post(port, model, body)
                time.sleep(0.15 + 0.1 * number)
                sock.close()
                busy.append(1e3 * seconds_busy(process.pid))
            results[title] = {"median_ms": percentile(busy, 50), "most_ms": max(busy)}
    return results


def seconds_busy(pid: int) -> float:
    """Returns when a process last did anything worth mention, from now on."""
    start = end = time.perf_counter()
    before = processor_seconds(pid)
    while time.perf_counter() - end < 0.3:
        time.sleep(0.005)
        now = processor_seconds(pid)
        if now - before > 0.002:
            end = time.perf_counter()
        before = now
    return end - start


def stopping(timeout: int = 5) -> dict[str, Any]:
    """Measures how soon the process has gone after SIGTERM, with requests begun that take longer or shorter."""
    results: dict[str, Any] = {}
    for workers in (1, 2):
        for title, (model, body) in BEGUN.items():
            port = free_port()
            command = serving([model], port, "--no-demo", "--timeout", str(timeout), "--workers", str(workers))
            with running(command, port, "/v2/health/ready") as (process, _):
                sockets = [post(port, model, body) for _ in range(4)]
                time.sleep(0.5)
                refused = [sock for sock in sockets if _answered(sock).startswith(b"HTTP/1.1 4")]
                assert not refused, f"{title} was refused"
                start = time.perf_counter()
                process.send_signal(signal.SIGTERM)
                process.wait(60)
                results[f"{title}, workers {workers}"] = time.perf_counter() - start
                for sock in sockets:
                    sock.close()
    return results


def _answered(sock: socket.socket) -> bytes:
    """What has come back so far, if anything."""
    sock.setblocking(False)
    try:
        return sock.recv(64)
    except BlockingIOError:
        return b""


def mixed(bodies: Path, seconds: float, share: float = 0.01) -> dict[str, Any]:
    """Lets 16 clients ask plainly, alone and then with so large a share of expensive requests beside them."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1/models/sentiment:predict"
    expensive = json.dumps({"instances": [TEXT * 210] * 16})
    with running(serving(["sentiment"], port, "--no-demo"), port, "/v2/health/ready"):
        finish(load(bodies, url, "--clients", "8", "--seconds", "1"))
        alone = finish(load(bodies, url, "--clients", "16", "--seconds", str(seconds)))
        end = time.perf_counter() + seconds
        counts: Counter[str] = Counter()

        def dear(client: httpx.Client) -> None:
            # one expensive request for each 1 / share plain ones, at the rate that the plain ones have reached
            while time.perf_counter() < end:
                start = time.perf_counter()
                answer = client.post(url, content=expensive, headers={"Content-Type": "application/json"})
                counts[str(answer.status_code)] += 1
                time.sleep(max(0.0, 1 / (share * alone["requests_per_second"]) * 2 - (time.perf_counter() - start)))

        clients = [httpx.Client(timeout=60) for _ in range(2)]
        threads = [threading.Thread(target=dear, args=[client]) for client in clients]
        for thread in threads:
            thread.start()
        both = finish(load(bodies, url, "--clients", "16", "--seconds", str(seconds)))
        for thread in threads:
            thread.join()
    plain = sum(both["statuses"].values())
    return {"alone": alone, "beside": both, "expensive": dict(counts), "share": sum(counts.values()) / plain}


async def _dribble(port: int, count: int, stop: asyncio.Event) -> int:
    """Keeps connections open that send a byte a second; returns how many were still open at the end."""
    writers = []
    for _ in range(count):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/models/sentiment:predict HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        writers.append(writer)
    while not stop.is_set():
        for writer in writers:
            if not writer.is_closing():
                writer.write(b"a")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1.0)
    return sum(not writer.is_closing() for writer in writers)


def idle(bodies: Path, seconds: float, connections: int = 2000) -> dict[str, Any]:
    """Measures one client and 32 of them, alone and with so many connections open that send a byte a second."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1/models/sentiment:predict"

    def measured() -> dict[str, Any]:
        one = finish(load(bodies, url, "--clients", "1", "--seconds", str(seconds)))
        many = finish(load(bodies, url, "--clients", "32", "--seconds", str(seconds)))
        return {"one_client": one, "clients_32": many}

    async def both() -> dict[str, Any]:
        stop = asyncio.Event()
        dribbling = asyncio.create_task(_dribble(port, connections, stop))
        await asyncio.sleep(3)
        result = await asyncio.to_thread(measured)
        stop.set()
        return {**result, "open_at_the_end": await dribbling}

    with running(serving(["sentiment"], port, "--no-demo"), port, "/v2/health/ready"):
        finish(load(bodies, url, "--clients", "8", "--seconds", "1"))
        return {"alone": measured(), "beside": asyncio.run(both())}


def soak(seconds: float) -> dict[str, Any]:
    """Lets clients of four tasks check each answer, while others ask for much, vanish, and a model is replaced."""
    port = free_port()
    counts: Counter[str] = Counter()
    memory: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "sentiment"
        shutil.copytree(_bundle("sentiment"), own)
        models = [str(own), "ner", "translation", "music"]
        with running(serving(models, port, "--no-demo", "--watch"), port, "/v2/health/ready") as (process, _):
            end = time.perf_counter() + seconds
            clients = [_checking, _checking, _checking, _expensive, _vanishing]
            threads = [
                threading.Thread(target=_until, args=[end, client, port, counts, n]) for n, client in enumerate(clients)
            ]
            threads.append(threading.Thread(target=_replacing, args=[end, own, counts]))
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                memory.append(memory_mb(process))
                time.sleep(1)
            version = httpx.get(f"http://127.0.0.1:{port}/v2/models/sentiment").json()["versions"]
            alive = process.is_running()
    quarter = max(1, len(memory) // 4)
    second, last = percentile(memory[quarter : 2 * quarter], 50), percentile(memory[-quarter:], 50)
    return {
        "seconds": seconds,
        "counts": dict(counts),
        "versions": version,
        "memory_mb": {"second_quarter": second, "last_quarter": last, "most": max(memory)},
        "growth": last / second - 1,
        "alive": alive,
    }


def _bundle(name: str) -> Path:
    import rnn_apps

    return Path(rnn_apps.load(name).bundle.folder)


CHECKED: list[tuple[str, dict[str, Any]]] = [
    ("sentiment", {"instances": ["A fine film.", "A dull, long and empty film."]}),
    ("sentiment", {"instances": [TEXT]}),
    ("ner", {"instances": [TEXT, "Anna Keller left Paris."], "parameters": {"nbest": 2}}),
    ("translation", {"instances": ["The black cat does not see the small birds."]}),
    ("music", {"instances": [None], "parameters": {"seconds": 3, "seed": 7}}),
]
_FIRST: dict[int, Any] = {}


def _until(end: float, client: Callable[..., None], port: int, counts: Counter[str], seed: int) -> None:
    chance = random.Random(seed)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        while time.perf_counter() < end:
            try:
                client(http, port, counts, chance)
            except httpx.HTTPError as error:
                counts[f"connection: {type(error).__name__}"] += 1


def _checking(http: httpx.Client, port: int, counts: Counter[str], chance: random.Random) -> None:
    """Asks, and compares the answer with the first one to the same question, to a rounding error."""
    number = chance.randrange(len(CHECKED))
    model, body = CHECKED[number]
    answer = http.post(f"/v1/models/{model}:predict", json=body)
    counts[str(answer.status_code)] += 1
    if answer.status_code == 200 and not _alike(_FIRST.setdefault(number, answer.json()), answer.json()):
        counts["wrong"] += 1


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-3 * max(1.0, abs(a))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_alike, a, b))
    return bool(a == b)


def _expensive(http: httpx.Client, port: int, counts: Counter[str], chance: random.Random) -> None:
    model, body = chance.choice(list(EXPENSIVE.values()))
    counts[f"expensive {http.post(f'/v1/models/{model}:predict', json=body).status_code}"] += 1
    time.sleep(chance.random())


def _vanishing(http: httpx.Client, port: int, counts: Counter[str], chance: random.Random) -> None:
    model, body = chance.choice(list(EXPENSIVE.values()))
    sock = post(port, model, body)
    time.sleep(chance.random())
    sock.close()
    counts["vanished"] += 1


def _replacing(end: float, folder: Path, counts: Counter[str]) -> None:
    """Puts a copy in the place of a model every 20 seconds, as whoever trains anew does."""
    while time.perf_counter() + 20 < end:
        time.sleep(20)
        fresh, old = folder.with_name("fresh"), folder.with_name("old")
        shutil.copytree(folder, fresh)
        folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old)
        counts["replaced"] += 1
