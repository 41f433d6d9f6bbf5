"""How soon an answer comes: the command line from a cold start, and one text in a process that is already running.

    python benchmarks/startup.py [--model sentiment] [--output benchmarks/results/startup.json]

Every command is timed as a whole process, from its start to its exit; what it cannot do without, as a process that
imports that and ends. Within the process, a text of 50 tokens goes
through `rnn_apps.load(MODEL).predict`, and through `keras_model.predict` of the same saved model, tokenizer included.
The first step of a training is timed from when TensorFlow has started, on the built-in sample, in processes that find
no compiled loops, and in processes that find them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common import median, percentile, print_table, write_result

import rnn_apps
from rnn_apps.environment import start_tensorflow
from rnn_apps.tasks.sentiment.sample import examples

RUNS = 9
FIRST_RUNS = 3
FIRST_STEP = """
import os, sys, time
import rnn_apps
import rnn_apps.training.run as run

callbacks, begin = [], run.start_tensorflow

def start(what):
    begin(what)
    import keras

    started = time.perf_counter()

    class First(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            print(time.perf_counter() - started, flush=True)
            os._exit(0)

    callbacks.append(First())

run.start_tensorflow = start
rnn_apps.train("sentiment", output=sys.argv[1], callbacks=callbacks, progress=False)
"""
TEXT = "I expected the film to be dull, but it was gripping."
TOKENS = 50


def time_processes(commands: Mapping[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Runs each command once to fill the caches of the system, then `RUNS` times with a clock, all of them in turn."""
    # Python keeps what it has compiled, as it does unless it is told not to
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(RUNS + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
            if number:
                seconds[name].append(time.perf_counter() - start)
    return {
        name: {"median_ms": median(own) * 1e3, "min_ms": min(own) * 1e3, "max_ms": max(own) * 1e3, "runs": RUNS}
        for name, own in seconds.items()
    }


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


def time_first_steps() -> dict[str, list[float]]:
    """Seconds from the start of TensorFlow to the first step, with nothing compiled before and with everything."""
    seconds: dict[str, list[float]] = {"nothing compiled before": [], "compiled before": []}
    for _ in range(FIRST_RUNS):
        with tempfile.TemporaryDirectory() as folder:
            for number, own in enumerate(seconds.values()):
                command = [sys.executable, "-c", FIRST_STEP, f"{folder}/{number}"]
                environment = {**os.environ, "RNNAPPS_CACHE": folder}
                done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
                own.append(float(done.stdout))
    return seconds


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
        "import click": [sys.executable, "-c", "import click"],
        "rnnapps --help": [rnnapps, "--help"],
        "import numpy, onnxruntime, tokenizers": [sys.executable, "-c", "import numpy, onnxruntime, tokenizers"],
        f'rnnapps predict {arguments.model} "…"': [rnnapps, "predict", arguments.model, TEXT],
        f'rnnapps predict {arguments.model} "…" --json': [rnnapps, "predict", arguments.model, TEXT, "--json"],
    }
    processes = time_processes(commands)
    least = {name: found["min_ms"] for name, found in processes.items()}
    bases = {"rnnapps --help": "import click"}
    bases |= {name: "import numpy, onnxruntime, tokenizers" for name in commands if name.startswith("rnnapps predict")}
    ratios = {name: least[name] / least[base] for name, base in bases.items()}

    first = time_first_steps()
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
        [("whole process", f"median of {RUNS}, ms", "quickest, ms", "times what it stands on")]
        + [
            (
                name,
                f"{found['median_ms']:.0f}",
                f"{found['min_ms']:.0f}",
                f"{ratios[name]:.2f}" if name in ratios else "",
            )
            for name, found in processes.items()
        ]
    )
    print()
    print_table(
        [(f"one text of {tokens} tokens", "p50, ms", "p99, ms")]
        + [(name, f"{found['p50_ms']:.2f}", f"{found['p99_ms']:.2f}") for name, found in calls.items()]
    )
    print()
    print_table(
        [("first step of a training, after TensorFlow has started", f"median of {FIRST_RUNS}, s", "slowest, s")]
        + [(name, f"{median(own):.1f}", f"{max(own):.1f}") for name, own in first.items()]
    )
    results = {"processes": processes, "ratios": ratios, "calls": {"tokens": tokens, **calls}, "first_step_s": first}
    write_result(arguments.output, results)


if __name__ == "__main__":
    main()
