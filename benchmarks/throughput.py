"""How fast training goes, how much of its time is spent outside the step, and how its memory grows with the data.

    python benchmarks/throughput.py --data FILE.tsv[.gz] [--rows 2000] [--epochs 3] [--set model.cell=gru …]

Trains twice with the command line, each in a process of its own: on ROWS lines spread evenly over the file, and, for
one epoch, on the same lines ten times over. Speed is the median over the epochs after the first, which compiles.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import median, print_table, write_result

from rnn_apps.tasks.sentiment.sample import examples

TIMES = 10


def lines_of(data: Path | None, rows: int) -> list[bytes]:
    """Returns `rows` lines spread evenly over a file (which may be sorted by class), or over the built-in sample."""
    if data is None:
        lines = [f"{label}\t{text}\n".encode() for label, text in examples()]
    else:
        with gzip.open(data) if data.suffix == ".gz" else data.open("rb") as file:
            lines = file.readlines()
    return [lines[number * len(lines) // rows] for number in range(min(rows, len(lines)))]


def train(folder: Path, name: str, epochs: int, settings: list[str]) -> dict[str, Any]:
    """Trains on `<name>.tsv` in `folder` and returns what the process and its saved model tell."""
    rnnapps = shutil.which("rnnapps", path=str(Path(sys.executable).parent)) or "rnnapps"
    options = [f"--set={setting}" for setting in (f"training.epochs={epochs}", *settings)]
    start = time.perf_counter()
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [rnnapps, "train", "sentiment", "--data", f"{name}.tsv", "--output", name, *options],
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit((folder / f"{name}.log").read_text())
    with (folder / name / "history.csv").open(newline="") as file:
        history = [{column: float(value) for column, value in row.items()} for row in csv.DictReader(file)]
    facts = json.loads((folder / name / "bundle.json").read_text())
    return {
        "seconds": time.perf_counter() - start,
        "peak_memory_mb": usage.ru_maxrss / 1024,
        "training_examples": facts["data"]["training_examples"],
        "parameters": facts["parameters"],
        "history": history,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a .tsv of labelled texts; the built-in sample if left out")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/throughput.json"))
    arguments = parser.parse_args()
    if arguments.epochs < 2:
        parser.error("expected at least 2 epochs, since the first one compiles")

    lines = lines_of(arguments.data, arguments.rows)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "once.tsv").write_bytes(b"".join(lines))
        once = train(folder, "once", arguments.epochs, arguments.settings)
        (folder / "repeated.tsv").write_bytes(b"".join(lines * TIMES))
        repeated = train(folder, "repeated", 1, arguments.settings)

    steady = once["history"][1:]
    speed = {
        column: median([row[column] for row in steady])
        for column in ("examples_per_second", "tokens_per_second", "waiting_share")
    }
    growth = repeated["peak_memory_mb"] / once["peak_memory_mb"] - 1
    print_table(
        [
            ("training", "value"),
            ("reviews/s", f"{speed['examples_per_second']:,.0f}"),
            ("tokens/s", f"{speed['tokens_per_second']:,.0f}"),
            ("time not spent in the step", f"{speed['waiting_share']:.1%}"),
            (f"peak memory, {len(lines):,} lines", f"{once['peak_memory_mb']:,.0f} MB"),
            (f"peak memory, {len(lines) * TIMES:,} lines", f"{repeated['peak_memory_mb']:,.0f} MB ({growth:+.1%})"),
        ]
    )
    write_result(arguments.output, {**speed, "memory_growth": growth, "once": once, "repeated": repeated})


if __name__ == "__main__":
    main()
