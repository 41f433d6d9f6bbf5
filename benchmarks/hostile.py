"""Thousands of bodies that no client should send, then schemathesis: no status 500, no answer that never comes.

    python benchmarks/hostile.py [--bodies 10000] [--examples 200] [--seed 0]

Bodies are made by chance from the words of both protocols: wrong types, huge numbers, deep nesting, NUL, lone
surrogates, bombs, and documents that are cut, doubled or mixed with other bytes; a third are sound but for their
options, which have the right names and any value. The tests have a short form of both.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from server import free_port, running

import rnn_apps

INSTANCES: dict[str, Any] = {
    "sentiment": "a fine film",
    "ner": "Anna left Paris.",
    "digits": [[0] * 8] * 8,
    "translation": "A black cat.",
    "music": None,
}
KEYS = ["instances", "inputs", "outputs", "parameters", "name", "datatype", "shape", "data", "b64", "text", "nbest"]
SCALARS: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**63, 10**400, 1e308, float("nan"), float("inf"), "", "a", "\x00", "\ud800", "long " * 9000),
    *("[" * 50, "BYTES", "FP32", "text", "input", "🙂", "\u202e"),
)
HEADERS = ({}, {"Content-Type": "text/plain"}, {"Content-Encoding": "gzip"}, {"Inference-Header-Content-Length": "9"})
BOMB = gzip.compress(b'{"instances": ["' + b"a" * 50_000_000 + b'"]}')
SECONDS = 20.0


def value(chance: random.Random, depth: int = 0) -> Any:
    """Returns any JSON value, mostly with keys that mean something."""
    kind = chance.random()
    if depth > 4 or kind < 0.4:
        return chance.choice(SCALARS)
    if kind < 0.7:
        return [value(chance, depth + 1) for _ in range(chance.randrange(5))]
    return {chance.choice(KEYS): value(chance, depth + 1) for _ in range(chance.randrange(5))}


def body(chance: random.Random) -> bytes:
    """Returns a body: a document, a damaged one, a deep one, or a bomb."""
    kind = chance.random()
    if kind < 0.02:
        deep = chance.choice((900, 20_000, 100_000))
        return b'{"instances": ' + b"[" * deep + b"]" * deep + b"}"
    if kind < 0.03:
        return BOMB
    document = {chance.choice(("instances", "inputs")): value(chance), chance.choice(KEYS): value(chance)}
    text = json.dumps(document).encode()
    if kind < 0.5:
        start, stop = sorted((chance.randrange(len(text)), chance.randrange(len(text))))
        middle = chance.choice((b"", text[start:stop] * 2, chance.randbytes(8), b"\xff\xfe"))
        return text[:start] + middle + text[stop:]
    return text


def with_options(chance: random.Random, model: str, names: list[str]) -> bytes:
    """Returns a sound request, with options of the model that have any value."""
    chosen = {
        chance.choice(names): chance.choice((*SCALARS, 0.5, 3, 100, [1], {})) for _ in range(chance.randrange(1, 4))
    }
    return json.dumps({"instances": [INSTANCES[model]], "parameters": chosen}).encode()


def send(url: str, content: bytes, headers: dict[str, str]) -> int | str:
    """Returns the status of the answer, or why there is none."""
    request = urllib.request.Request(url, content, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return type(error).__name__


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bodies", type=int, default=10_000)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance, port = random.Random(arguments.seed), free_port()
    scripts = Path(sys.executable).parent
    command = [str(scripts / "rnnapps"), "serve", *INSTANCES, "--port", str(port), "--timeout", str(SECONDS / 2)]
    paths = [f"/v1/models/{m}:{verb}" for m in INSTANCES for verb in ("predict", "stream")]
    paths += [f"/v2/models/{m}/infer" for m in INSTANCES]
    names = {m: [*rnn_apps.load(m).predictor.Options.names(), "other"] for m in INSTANCES}
    statuses: Counter[int | str] = Counter()
    with running(command, port, "/v2/health/ready") as (process, _), tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        slowest = 0.0
        for _ in range(arguments.bodies):
            content, headers, path = body(chance), chance.choice(HEADERS), chance.choice(paths)
            if chance.random() < 1 / 3:
                model = chance.choice(list(INSTANCES))
                content, headers, path = with_options(chance, model, names[model]), {}, f"/v1/models/{model}:predict"
            begin = time.perf_counter()
            status = send(f"http://127.0.0.1:{port}{path}", content, headers)
            slowest = max(slowest, time.perf_counter() - begin)
            statuses[status] += 1
            if status in (500, "TimeoutError"):
                print(f"{status}: {path} {headers} {content[:300]!r}")
        seconds = time.perf_counter() - start
        print(f"{arguments.bodies} bodies in {seconds:.0f} s, the slowest {slowest:.2f} s: {dict(statuses)}")
        checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
        found = subprocess.run(
            [
                *(str(scripts / "schemathesis"), "run", f"http://127.0.0.1:{port}/openapi.json"),
                *("--checks", checks, "--max-examples", str(arguments.examples), "--seed", str(arguments.seed)),
            ],
            cwd=folder,  # for what it leaves behind
        )
        alive = process.is_running() and send(f"http://127.0.0.1:{port}{paths[0]}", b'{"instances": ["good"]}', {})
    failed = statuses[500] or statuses["TimeoutError"] or found.returncode or alive != 200
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
