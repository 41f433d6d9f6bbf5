"""How soon an answer comes: the command line from a cold start, and one text in a process that is already running.

    python benchmarks/startup.py [--model sentiment] [--output benchmarks/results/startup.json]

Every command is timed as a whole process, from its start to its exit. Within the process, a text of 50 tokens goes
through `rnn_apps.load(MODEL).predict`, and through `keras_model.predict` of the same saved model, tokenizer included.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import median, percentile, print_table, write_result

import rnn_apps
from rnn_apps.environment import start_tensorflow
from rnn_apps.tasks.sentiment.sample import examples

RUNS = 9
TEXT = "I expected the film to be dull, but it was gripping."
TOKENS = 50


def time_process(command: list[str]) -> dict[str, Any]:
    """Runs a command once to fill the caches of the system, then `RUNS` times with a clock."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    return {"median_ms": median(seconds) * 1e3, "max_ms": max(seconds) * 1e3, "runs": RUNS}


def time_calls(call: Callable[[], Any], calls: int) -> dict[str, Any]:
    """Calls `call` `calls` times after a tenth as many calls that do not count."""
    for _ in range(calls // 10):
        call()
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return {"p50_ms": percentile(seconds, 50) * 1e3, "p99_ms": percentile(seconds, 99) * 1e3, "calls": calls}


def text_of(tokens: int, count: Callable[[str], int]) -> str:
    """Returns a text of as many tokens, or the fewest above that; sentences of the built-in sample."""
    text = ""
    for word in " ".join(text for _, text in examples()).split():
        text = f"{text} {word}".strip()
        if count(text) >= tokens:
            return text
    raise ValueError(f"The sample is shorter than {tokens} tokens.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="sentiment", help="a saved model of the task sentiment")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/startup.json"))
    arguments = parser.parse_args()

    rnnapps = shutil.which("rnnapps", path=str(Path(sys.executable).parent)) or "rnnapps"
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "rnnapps --help": [rnnapps, "--help"],
        f'rnnapps predict {arguments.model} "…"': [rnnapps, "predict", arguments.model, TEXT],
    }
    processes = {name: time_process(command) for name, command in commands.items()}

    model = rnn_apps.load(arguments.model)
    encode = model.task.processor.load(model.bundle.folder).encode_inputs
    text = text_of(TOKENS, lambda text: len(next(encode([text]))["tokens"]))
    tokens = len(next(encode([text]))["tokens"])
    calls = {"rnn_apps.load(MODEL).predict": time_calls(lambda: model.predict([text]), 1000)}

    start_tensorflow("This benchmark")
    keras_model = model.keras_model()
    calls["keras_model.predict"] = time_calls(
        lambda: keras_model.predict({name: array[None] for name, array in next(encode([text])).items()}, verbose=0), 100
    )

    print_table(
        [("whole process", f"median of {RUNS}, ms", "slowest, ms")]
        + [(name, f"{found['median_ms']:.0f}", f"{found['max_ms']:.0f}") for name, found in processes.items()]
    )
    print()
    print_table(
        [(f"one text of {tokens} tokens", "p50, ms", "p99, ms")]
        + [(name, f"{found['p50_ms']:.2f}", f"{found['p99_ms']:.2f}") for name, found in calls.items()]
    )
    write_result(arguments.output, {"processes": processes, "calls": {"tokens": tokens, **calls}})


if __name__ == "__main__":
    main()
