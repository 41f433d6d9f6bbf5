"""What more workers bring: two single processes side by side against two that train one model, and a model of 256.

    python benchmarks/scale.py [--tasks sentiment ner …] [--rounds 3] [--json FILE]

Every process has one core. A worker takes steps on batches as large as a process alone would take (weak scaling), of
the built-in samples with the settings and the vocabularies of the shipped models. Measured are seconds a step, bytes a
step on the loopback, and the rows of the embedding's gradient; then all again with that gradient as a dense table.

The time of an all-reduce is measured by itself, for arrays of many sizes and for 2, 3 and 4 processes, less that of the
same call in one process, and fitted by

    t(N, bytes) = launch + hop 2 (N - 1) + 2 (N - 1) / N  bytes (copy + 1 / bandwidth)

where copy is what a byte costs the processor, and the bandwidth of the loopback has no limit of its own. A gradient in
rows is gathered, so that each worker gets (N - 1) times its bytes. That gives the time of a step with N workers, which
is compared with what was measured for two, and tells what 2 to 256 machines would do on 10 and 100 Gbit/s.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from common import median, print_table, write_result

ROOT = Path(__file__).parents[1]
TASKS = ("digits", "music", "sentiment", "ner", "translation")
WORKERS = (2, 4, 8, 16, 32, 64, 128, 256)
NETWORKS = {"10 Gbit/s": 10e9 / 8, "100 Gbit/s": 100e9 / 8}
SIZES = (2**12, 2**16, 2**18, 2**20, 2**22, 2**24)
SECONDS, WARM_UP = 6.0, 4
REVIEW = 20  # texts of the sample that make one as long as a review


def free_ports(count: int) -> list[int]:
    """Returns ports that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    for own in sockets:
        own.bind(("127.0.0.1", 0))
    ports = [own.getsockname()[1] for own in sockets]
    for own in sockets:
        own.close()
    return ports


def together(job: dict[str, Any], count: int, joined: bool) -> list[dict[str, Any]]:
    """Runs a job in `count` processes at once, which train together or each alone; returns what each has found."""
    hosts = [f"127.0.0.1:{port}" for port in free_ports(count)]
    processes = []
    for number in range(count):
        own = {"RNNAPPS_THREADS": "1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR"}
        if joined:
            cluster = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": number}}
            own["TF_CONFIG"] = json.dumps(cluster)
        said = json.dumps({**job, "number": number, "processes": count if joined else 1})
        command = [sys.executable, __file__, "--child", said]
        processes.append(
            subprocess.Popen(command, env=os.environ | own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
    found = []
    for process in processes:
        out, errors = process.communicate(timeout=600)
        if process.returncode:
            raise SystemExit(errors[-3000:])
        found.append(json.loads(out.splitlines()[-1]))
    return found


def child(job: dict[str, Any]) -> dict[str, Any]:
    """What one process does."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[job["number"] % len(cores)]})
    from rnn_apps.environment import start_tensorflow

    tf = start_tensorflow("The benchmark")
    joined = job["processes"] > 1
    strategy = tf.distribute.MultiWorkerMirroredStrategy() if joined else tf.distribute.get_strategy()
    return all_reduces(tf, strategy) if job["what"] == "all-reduce" else steps(tf, strategy, job)


def all_reduces(tf: Any, strategy: Any) -> dict[str, Any]:
    """Seconds of an all-reduce of arrays of some sizes."""
    found = {}
    for size in SIZES:
        ones = tf.ones(size // 4)

        def on_one_device(ones: Any = ones) -> Any:
            return tf.distribute.get_replica_context().all_reduce("SUM", [tf.identity(ones)])[0][:1]

        reduced = tf.function(lambda job=on_one_device: strategy.run(job), autograph=False)
        reduced()
        seconds = []
        for _ in range(30 if size < 2**24 else 10):
            start = time.perf_counter()
            strategy.experimental_local_results(reduced())[0].numpy()
            seconds.append(time.perf_counter() - start)
        found[str(size)] = median(seconds)
    return found


def batches_of(task: Any, processor: Any, config: Any) -> list[dict[str, Any]]:
    """Batches as large as the task's settings make them, of the built-in sample."""
    from rnn_apps.data.batching import pad_batch, plan_batches
    from rnn_apps.data.windows import windows
    from rnn_apps.errors import DataError

    examples = list(task.sample())
    if task.name == "sentiment":  # the sample's texts are short, reviews are not
        from dataclasses import replace

        texts = [" ".join(own.text for own in examples[n : n + REVIEW]) for n in range(0, len(examples), REVIEW)]
        examples = [replace(example, text=text) for example, text in zip(examples, texts, strict=False)]
    rows = []
    for example in examples:
        with suppress(DataError):  # the sample has classes that the shipped model has not learnt
            rows += processor.encode([example], training=True)
    rows *= max(1, 400 // len(rows))
    lengths = np.array([max([len(own) for own in row.values() if own.ndim] or [1]) for row in rows], np.int32)
    plan = plan_batches(lengths, config.batch_size, config.batch_tokens, np.random.default_rng(0))
    whole = [pad_batch([rows[number] for number in numbers]) for numbers in plan]
    largest = max(len(next(iter(batch.values()))) for batch in whole)
    full = [batch for batch in whole if len(next(iter(batch.values()))) == largest]
    return [next(windows(batch, config.window)) for batch in full[:8]]


def steps(tf: Any, strategy: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Takes steps with a task's model; returns what one costs."""
    from rnn_apps.config import load_config
    from rnn_apps.data.windows import zero_states
    from rnn_apps.model import load
    from rnn_apps.training import step as step_module
    from rnn_apps.training.optimizer import new_optimizer

    model = load(ROOT / "saved_models" / job["task"])
    task, processor = model.task, model.predictor.processor
    config = load_config(task.Config, base=model.bundle.manifest["config"])
    batches = batches_of(task, processor, config.training)
    gradients = watch_gradients(tf)
    if job["dense"]:
        step_module.sent = lambda gradient, *_: tf.convert_to_tensor(gradient)
    network = task.new_network()
    with strategy.scope():
        built = network.build(config, processor)
        optimizer = new_optimizer(config.training, 1000)
        optimizer.build(built.trainable_variables)
    example = {name: np.zeros(array.shape[1:], array.dtype) for name, array in batches[0].items()}
    step = step_module.Step(built, optimizer, network.loss, config.training, strategy, example, job["processes"])
    examples = len(next(iter(batches[0].values())))
    states = zero_states(step.state_sizes, examples)

    def take(number: int) -> float:
        start = time.perf_counter()
        float(step.train({**batches[number % len(batches)], **states}).loss)
        return time.perf_counter() - start

    for number in range(WARM_UP):
        take(number)
    count = job.get("steps") or max(10, min(500, int(SECONDS / take(0))))
    before = loopback()
    seconds = [take(number) for number in range(count)]
    found = {"seconds": median(seconds), "examples": examples, "bytes": (loopback() - before) / count, "steps": count}
    if job["processes"] == 1:
        tf.config.run_functions_eagerly(True)  # so that gradients have a size
        take(0)
        weights = built.trainable_variables
        assert len(gradients) == len(weights), "every weight has a gradient"
        tokens = config.training.batch_tokens
        parts = [step_module.sent(own, weight.shape[0], tokens) for own, weight in zip(gradients, weights, strict=True)]
        found |= {
            "dense_bytes": sum(own.shape.num_elements() * 4 for own in parts if not is_rows(tf, own)),
            "tables": sum(bool(is_rows(tf, own)) for own in parts),
            "rows": sum(int(own.indices.shape[0]) for own in parts if is_rows(tf, own)),
            "row_bytes": sum(
                own.values.shape.num_elements() * 4 + own.indices.shape[0] * 8 for own in parts if is_rows(tf, own)
            ),
        }
    return found


def is_rows(tf: Any, gradient: Any) -> bool:
    """Whether a gradient is rows of a table."""
    return isinstance(gradient, tf.IndexedSlices)


def watch_gradients(tf: Any) -> list[Any]:
    """Returns a list that holds the gradients of the weights of the last step that was taken eagerly."""
    gradient, seen = tf.GradientTape.gradient, []

    def watched(tape: Any, loss: Any, sources: Any, **options: Any) -> Any:
        found = gradient(tape, loss, sources, **options)
        if tf.executing_eagerly():
            seen[:] = found[0] if isinstance(sources, tuple) else found
        return found

    tf.GradientTape.gradient = watched
    return seen


def loopback() -> int:
    """Bytes that this machine has sent to itself."""
    line = next(line for line in Path("/proc/net/dev").read_text().splitlines() if line.strip().startswith("lo:"))
    return int(line.split()[9])


class Network:
    """What an all-reduce costs; see the head of this file.

    Args:
        measured: seconds of an all-reduce, by the number of processes and by bytes.
    """

    def __init__(self, measured: dict[int, dict[str, float]]) -> None:
        rows, seconds = [], []
        for count, found in measured.items():
            for size, took in found.items():
                share = 2 * (count - 1) / count * int(size)
                weight = 1 / took  # relative errors, or the largest would decide alone
                rows.append([weight, 2 * (count - 1) * weight, share * weight])
                seconds.append(took * weight)
        from scipy.optimize import nnls

        self.launch, self.hop, self.copy = map(float, nnls(np.array(rows), np.array(seconds))[0])

    def seconds(self, step: dict[str, Any], workers: int, bandwidth: float = np.inf) -> float:
        """What a step spends on summing its gradients over so many workers."""
        collectives = 1 + 3 * step["tables"]  # all that is dense; of each table lengths, numbers and values of rows
        byte = self.copy + 1 / bandwidth
        ring = 2 * (workers - 1) / workers * step["dense_bytes"] * byte
        gathered = (workers - 1) * step["row_bytes"] * byte
        return collectives * (self.launch + self.hop * 2 * (workers - 1)) + ring + gathered


def measure(tasks: list[str], rounds: int) -> tuple[list[dict[str, Any]], dict[int, dict[str, float]]]:
    """Measures all-reduces and the steps of tasks."""
    reduces = {}
    calls = together({"what": "all-reduce"}, 2, False)
    for count in (2, 3, 4):
        found = together({"what": "all-reduce"}, count, True)
        # a step pays for a call and its arrays in any case
        reduces[count] = {
            size: max(median([own[size] for own in found]) - median([own[size] for own in calls]), 1e-5)
            for size in found[0]
        }
    points = []
    for task in tasks:
        for dense in (False, True):
            alone, two = [], []
            for _ in range(rounds):
                job = {"what": "steps", "task": task, "dense": dense}
                alone += together(job, 2, False)
                two += together({**job, "steps": alone[-1]["steps"]}, 2, True)
            seconds = [median([own["seconds"] for own in found]) for found in (alone, two)]
            points.append(
                {
                    **alone[0],
                    "task": task,
                    "dense": dense,
                    "alone": seconds[0],
                    "two": seconds[1],
                    "bytes": two[0]["bytes"],
                }
            )
            print(
                f"{task:<12} {'table' if dense else 'rows':<6} {seconds[0]:.4f} {seconds[1]:.4f} s a step",
                file=sys.stderr,
            )
    return points, reduces


def stops_to_pay(point: dict[str, Any], network: Network, bandwidth: float) -> int:
    """The most workers of which each still does half of what it would do alone."""
    paying = [n for n in WORKERS if point["alone"] >= network.seconds(point, n, bandwidth)]
    return max(paying, default=1)


def tables(points: list[dict[str, Any]], network: Network) -> list[list[list[str]]]:
    """What was measured beside what the model says, and what it says of many machines."""
    measured = [
        [
            "task",
            "gradient",
            "examples a step",
            "rows",
            "bytes a step",
            "alone s",
            "two s",
            "efficiency",
            "all-reduce",
            "model s",
            "off by",
        ]
    ]
    for point in points:
        expected = point["alone"] + network.seconds(point, 2)
        measured.append(
            [
                point["task"],
                "table" if point["dense"] else "rows",
                f"{point['examples']:,}",
                f"{point['rows']:,}",
                f"{point['bytes'] / 2**20:.2f} MiB",
                f"{point['alone']:.4f}",
                f"{point['two']:.4f}",
                f"{point['alone'] / point['two']:.2f}",
                f"{1 - point['alone'] / point['two']:.0%}",
                f"{expected:.4f}",
                f"{expected / point['two'] - 1:+.0%}",
            ]
        )
    predicted = [["task", "network", *map(str, WORKERS), "pays up to"]]
    for point in points:
        if not point["dense"]:
            for name, bandwidth in NETWORKS.items():
                efficiencies = [
                    point["alone"] / (point["alone"] + network.seconds(point, n, bandwidth)) for n in WORKERS
                ]
                predicted.append(
                    [
                        point["task"],
                        name,
                        *(f"{own:.2f}" for own in efficiencies),
                        str(stops_to_pay(point, network, bandwidth)),
                    ]
                )
    return [measured, predicted]


def main() -> None:
    """Measures, or is one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(child(json.loads(arguments.child))))
        return
    points, reduces = measure(arguments.tasks, arguments.rounds)
    network = Network(reduces)
    parts = (network.launch * 1e3, network.hop * 1e3, network.copy * 2**30)
    print("launch {:.2f} ms, hop {:.2f} ms, copy {:.2f} s a GiB\n".format(*parts))
    for table in tables(points, network):
        print_table(table)
        print()
    if arguments.json:
        facts = {"launch": network.launch, "hop": network.hop, "copy": network.copy}
        write_result(arguments.json, {"steps": points, "all-reduces": reduces, "network": facts})


if __name__ == "__main__":
    main()
