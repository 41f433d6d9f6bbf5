"""What the HTTP server holds: one client, many, and four times more than it can answer; LitServe beside it.

    python benchmarks/serving.py speed [--model sentiment] [--seconds 8] [--output benchmarks/results/serving.json]
    python benchmarks/serving.py overload [--seconds 60]

Client and servers share the machine; only one server runs at a time. Texts have 50 tokens. `speed` also takes the time
from the start of the process to the first answer of `/v2/health/ready`, and the memory after that and after the load.
LitServe serves the same ONNX file with the same tokenizer, without batching and with batches of up to 32 at several
waiting times; the comparison is with the best of these at 32 clients.
`overload` sends four times the requests a second that 32 clients got answered, whatever comes back.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from common import percentile, print_table, write_result

import rnn_apps
from rnn_apps.tasks.sentiment.sample import examples

HERE = Path(__file__).parent
TOKENS = 50
LITSERVE = {"without batching": (1, 0.0), "0 ms": (32, 0.0), "2 ms": (32, 0.002), "10 ms": (32, 0.01)}


def write_bodies(folder: Path, tokens: int, model: rnn_apps.Model) -> Path:
    """Writes 200 different requests, each with a text of so many tokens."""
    encode = model.task.processor.load(model.bundle.folder).encode_inputs
    words = " ".join(text for _, text in examples()).split()
    texts: list[str] = []
    while len(texts) < 200:
        text, start = "", 37 * len(texts)
        while len(next(encode([text or "a"]))["tokens"]) < tokens:
            text, start = f"{text} {words[start]}".strip(), start + 1
        texts.append(text)
    path = folder / "bodies.jsonl"
    path.write_text("\n".join(json.dumps({"instances": [text]}) for text in texts), encoding="utf-8")
    return path


@contextmanager
def running(command: list[str], port: int, health: str) -> Iterator[tuple[psutil.Process, float]]:
    """Starts a server; gives its process and the seconds until it was ready."""
    with tempfile.TemporaryFile() as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while not answers(f"http://127.0.0.1:{port}{health}"):
                if process.poll() is not None:
                    log.seek(0)
                    raise SystemExit(f"{command} has ended: {log.read().decode()[-2000:]}")
                time.sleep(0.005)
            yield psutil.Process(process.pid), time.perf_counter() - start
        finally:
            children = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            process.wait(60)
            for child in children:
                with suppress(psutil.NoSuchProcess):
                    child.kill()


def answers(url: str) -> bool:
    """Says whether a GET is answered with status 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def memory_mb(process: psutil.Process) -> float:
    """Returns the resident memory of a process and its children, in 10^6 bytes."""
    family = [process, *process.children(recursive=True)]
    return sum(member.memory_info().rss for member in family) / 1e6


def load(bodies: Path, url: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(HERE / "load.py"), str(bodies), url, *arguments], stdout=subprocess.PIPE
    )


def finish(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Returns what the load tells at its end."""
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit("The load has failed.")
    result: dict[str, Any] = json.loads(output)
    return result


def measure(bodies: Path, url: str, seconds: float) -> dict[str, Any]:
    """Warms a server up, then lets one client and 32 clients ask it."""
    finish(load(bodies, url, "--clients", "8", "--seconds", "1"))
    one = finish(load(bodies, url, "--clients", "1", "--seconds", str(seconds)))
    many = finish(load(bodies, url, "--clients", "32", "--seconds", str(seconds)))
    return {"one_client": one, "clients_32": many}


def ours(model: str, port: int) -> tuple[list[str], str]:
    """Returns the command of our server, and where predictions are asked for."""
    command = [str(Path(sys.executable).with_name("rnnapps")), "serve", model, "--port", str(port)]
    return command, f"http://127.0.0.1:{port}/v1/models/{Path(model).name}:predict"


def speed(model: rnn_apps.Model, name: str, bodies: Path, seconds: float) -> dict[str, Any]:
    """Measures our server and LitServe."""
    results: dict[str, Any] = {}
    port = free_port()
    command, url = ours(name, port)
    ready = []
    for _ in range(4):  # the first fills the caches of the system
        with running(command, port, "/v2/health/ready") as (process, until_ready):
            ready.append(until_ready)
            memory = memory_mb(process)
    with running(command, port, "/v2/health/ready") as (process, _):
        results["ours"] = {
            "ready_s": percentile(ready[1:], 50),
            "memory_ready_mb": memory,
            **measure(bodies, url, seconds),
            "memory_after_mb": memory_mb(process),
        }
    for title, (max_batch, wait) in LITSERVE.items():
        port = free_port()
        script = [sys.executable, str(HERE / "litserve_server.py"), str(model.bundle.folder)]
        with running([*script, str(port), str(max_batch), str(wait)], port, "/health") as (process, until_ready):
            results[f"litserve, {title}"] = {
                "ready_s": until_ready,
                **measure(bodies, f"http://127.0.0.1:{port}/predict", seconds),
                "memory_after_mb": memory_mb(process),
            }
    best = max(
        (result for title, result in results.items() if title != "ours"),
        key=lambda result: result["clients_32"]["requests_per_second"],
    )
    many, others = results["ours"]["clients_32"], best["clients_32"]
    results["times_litserve"] = many["requests_per_second"] / others["requests_per_second"]
    print_speed(results)
    return results


def print_speed(results: dict[str, Any]) -> None:
    rows: list[list[object]] = [
        ["server", "1 client p50 / p99 ms", "32 clients requests/s", "p50 / p99 ms", "ready s", "memory MB"]
    ]
    for title, result in results.items():
        if isinstance(result, dict):
            one, many = result["one_client"], result["clients_32"]
            rows.append(
                [
                    title,
                    f"{one['p50_ms']:.2f} / {one['p99_ms']:.2f}",
                    f"{many['requests_per_second']:.0f}",
                    f"{many['p50_ms']:.0f} / {many['p99_ms']:.0f}",
                    f"{result['ready_s']:.2f}",
                    f"{result['memory_after_mb']:.0f}",
                ]
            )
    print_table(rows)
    print(f"{results['times_litserve']:.2f} times LitServe's throughput")


def overload(name: str, bodies: Path, seconds: float) -> dict[str, Any]:
    """Sends four times what the server can answer, then looks how soon it is itself again."""
    port = free_port()
    command, url = ours(name, port)
    with running(command, port, "/v2/health/ready") as (process, _):
        finish(load(bodies, url, "--clients", "8", "--seconds", "1"))
        capacity = finish(load(bodies, url, "--clients", "32", "--seconds", "5"))["requests_per_second"]
        normal = finish(load(bodies, url, "--seconds", "3"))["p99_ms"]
        storm = load(bodies, url, "--rate", str(4 * capacity), "--seconds", str(seconds))
        memory: list[float] = []
        while storm.poll() is None:
            memory.append(memory_mb(process))
            time.sleep(0.5)
        end = time.perf_counter()
        during = finish(storm)
        recovery = seconds_until_normal(bodies, url, normal, end)
        alive = process.is_running()
    halves = memory[len(memory) // 2], max(memory[-3:])
    results = {
        "capacity_per_second": capacity,
        "tried_per_second": sum(during["statuses"].values()) / seconds,
        "during": during,
        "seconds_until_normal": recovery,
        "memory_mb": {"start": memory[0], "middle": halves[0], "end": halves[1], "most": max(memory)},
        "alive": alive,
    }
    print(json.dumps(results, indent=2))
    return results


def seconds_until_normal(bodies: Path, url: str, normal_ms: float, end: float) -> float:
    """Returns when, after `end`, ten answers in a row took no longer than twice the normal 99th percentile."""
    requests = bodies.read_bytes().splitlines()
    quick: list[float] = []
    for body in requests * 100:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        start = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=60):
                took = time.perf_counter() - start
        except urllib.error.HTTPError:
            took = float("inf")
        quick = [*quick, start] if took * 1e3 <= 2 * normal_ms else []
        if len(quick) == 10:
            return quick[0] - end
    raise SystemExit("The server has not come back to normal.")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["speed", "overload"])
    parser.add_argument("--model", default="sentiment")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    model = rnn_apps.load(arguments.model)
    with tempfile.TemporaryDirectory() as folder:
        bodies = write_bodies(Path(folder), TOKENS, model)
        if arguments.part == "speed":
            results = speed(model, arguments.model, bodies, arguments.seconds or 8.0)
        else:
            results = overload(arguments.model, bodies, arguments.seconds or 60.0)
    if arguments.output:
        write_result(arguments.output, {arguments.part: results})


if __name__ == "__main__":
    main()
