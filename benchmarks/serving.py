"""What the HTTP server holds: one client, many, and four times more than it can answer; LitServe beside it.

    python benchmarks/serving.py speed [--model sentiment] [--seconds 8] [--output benchmarks/results/serving.json]
    python benchmarks/serving.py overload [--seconds 60]
    python benchmarks/serving.py vanishing|stopping|mixed|idle|soak|all

Client and servers share the machine; only one server runs at a time. Texts have 50 tokens. `speed` also takes the time
from the start of the process to the first answer of `/v2/health/ready`, and the memory after that and after the load.
LitServe serves the same ONNX file with the same tokenizer, without batching and with batches of up to 32 at several
waiting times; the comparison is with the best of these at 32 clients.
`overload` sends four times the requests a second that 32 clients got answered, whatever comes back. The other parts
stand in `serving_faults.py`; `all` runs everything and prints one table.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import serving_faults
from common import percentile, print_table, write_result
from server import HERE, finish, free_port, load, memory_mb, running

import rnn_apps
from rnn_apps.tasks.sentiment.sample import examples

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


def measure(bodies: Path, url: str, seconds: float) -> dict[str, Any]:
    """Warms a server up, then lets one client and 32 clients ask it."""
    finish(load(bodies, url, "--clients", "8", "--seconds", "1"))
    one = finish(load(bodies, url, "--clients", "1", "--seconds", str(seconds)))
    many = finish(load(bodies, url, "--clients", "32", "--seconds", str(seconds)))
    return {"one_client": one, "clients_32": many}


def ours(model: str, port: int) -> tuple[list[str], str]:
    """Returns the command of our server, and where predictions are asked for."""
    command = [str(Path(sys.executable).with_name("rnnapps")), "serve", model, "--no-demo", "--port", str(port)]
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


def summary(part: str, result: dict[str, Any]) -> list[list[object]]:
    """Returns what a part has measured as rows: part, what, figure."""
    if part == "speed":
        one, many = result["ours"]["one_client"], result["ours"]["clients_32"]
        figures = {
            "one client, p50": f"{one['p50_ms']:.2f} ms",
            "32 clients": f"{many['requests_per_second']:.0f}/s, p99 {many['p99_ms']:.0f} ms",
            "times LitServe's requests a second": f"{result['times_litserve']:.2f}",
        }
    elif part == "overload":
        good = result["during"]["requests_per_second"]
        figures = {
            "four times the load": f"{good:.0f}/s answered, {good / result['capacity_per_second']:.0%} of capacity",
            "p99 of the answered": f"{result['during']['p99_ms']:.0f} ms",
            "normal again after": f"{result['seconds_until_normal']:.2f} s",
        }
    elif part == "vanishing":
        figures = {
            title: f"works on for {own['median_ms']:.0f} ms, at most {own['most_ms']:.0f}"
            for title, own in result.items()
        }
    elif part == "stopping":
        figures = {title: f"gone {seconds:.1f} s after SIGTERM" for title, seconds in result.items()}
    elif part == "mixed":
        figures = {
            "plain requests alone, p99": f"{result['alone']['p99_ms']:.0f} ms",
            f"with {result['share']:.1%} expensive ones, p99": f"{result['beside']['p99_ms']:.0f} ms",
        }
    elif part == "idle":
        figures = {
            title: f"p50 {own['one_client']['p50_ms']:.2f} ms, {own['clients_32']['requests_per_second']:.0f}/s"
            for title, own in result.items()
        }
    else:
        figures = {
            "answers": json.dumps(result["counts"]),
            "memory, second to last quarter": f"{result['growth']:+.1%}",
        }
    return [[part, title, figure] for title, figure in figures.items()]


def main() -> None:
    parts: dict[str, Callable[[float | None], dict[str, Any]]] = {
        "speed": lambda seconds: speed(model, arguments.model, bodies, seconds or 8.0),
        "overload": lambda seconds: overload(arguments.model, bodies, seconds or 60.0),
        "vanishing": lambda _: serving_faults.vanishing(),
        "stopping": lambda _: serving_faults.stopping(),
        "mixed": lambda seconds: serving_faults.mixed(bodies, seconds or 20.0),
        "idle": lambda seconds: serving_faults.idle(bodies, seconds or 5.0),
        "soak": lambda seconds: serving_faults.soak(seconds or 600.0),
    }
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=[*parts, "all"])
    parser.add_argument("--model", default="sentiment")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    model = rnn_apps.load(arguments.model)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        bodies = write_bodies(Path(folder), TOKENS, model)
        for part in parts if arguments.part == "all" else [arguments.part]:
            results[part] = parts[part](arguments.seconds)
            if arguments.output:
                write_result(arguments.output, results)
    print_table([["part", "what", "measured"], *(row for part, own in results.items() for row in summary(part, own))])


if __name__ == "__main__":
    main()
