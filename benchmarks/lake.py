"""Whether memory grows with the data: training from many files by two workers, on ROWS rows and on a tenth of them.

    python benchmarks/lake.py [--rows 10000000] [--json FILE]

The rows are sentences of the built-in sample, varied by a number and by the words that stand around, in Parquet files
of 100,000 rows. `rnnapps train sentiment --data lake --workers 2` reads them with a small model, one epoch. The memory
of each kind of process is looked at twice a second: the command itself, the workers that prepare data, and those that
train.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from common import print_table, write_result

from rnn_apps.tasks.sentiment.sample import examples

ROWS_OF_A_FILE, VALIDATION_ROWS = 100_000, 1000
SETTINGS = (
    "model.units=16", "model.layers=1", "model.embedding=16", "data.vocabulary_size=2000", "training.epochs=1",
    "training.batch_size=1024", "training.batch_tokens=32768", "training.adversarial=0",
)  # fmt: skip


def write_lake(folder: Path, rows: int) -> None:
    """Writes so many rows in Parquet files, and a small one to validate on."""
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    rng = np.random.default_rng(0)
    sample = list(examples())
    words = sorted({word for _, text in sample for word in text.split()})
    starts = range(0, rows, ROWS_OF_A_FILE)
    for number, start in enumerate([*starts, rows]):
        count = min(ROWS_OF_A_FILE, rows - start) or VALIDATION_ROWS
        chosen, more = rng.integers(0, len(sample), count), rng.integers(0, len(words), (count, 2))
        texts = [
            f"{words[first]} {sample[own][1]} {words[second]} {start + n}"
            for n, (own, (first, second)) in enumerate(zip(chosen, more, strict=True))
        ]
        table = arrow.table({"text": texts, "label": [sample[own][0] for own in chosen]})
        target = folder / "lake" / f"part-{number:05}.parquet" if start < rows else folder / "valid.parquet"
        target.parent.mkdir(exist_ok=True)
        parquet.write_table(table, target)


def size_of(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def kind_of(process: psutil.Process) -> str:
    """What a process does, by its name."""
    words = process.cmdline()
    name = words[0] if words else ""
    if name.startswith("ray::"):
        return "training" if "Train" in name else "preparing" if "_call" in name else ""
    return "command" if any(word.endswith("rnnapps") for word in words[:2]) else ""


def train(folder: Path) -> dict[str, Any]:
    """Trains on a lake; returns the largest memory of each kind of process, and how fast it went."""
    rnnapps = shutil.which("rnnapps", path=str(Path(sys.executable).parent)) or "rnnapps"
    options = [option for setting in SETTINGS for option in ("--set", setting)]
    command = [rnnapps, "train", "sentiment", "--data", "lake", "--valid", "valid.parquet", "--workers", "2"]
    largest: dict[str, int] = defaultdict(int)
    encoded, began = 0, time.monotonic()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, "--output", "model", *options], cwd=folder, stdout=log, stderr=log)
        while process.poll() is None:
            for own in psutil.process_iter():
                try:
                    if kind := kind_of(own):
                        memory = own.memory_full_info().uss
                        largest[kind] = max(largest[kind], memory)
                except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
                    continue
            work = folder / ".model.training" / "train"
            encoded = max(encoded, size_of(work) if work.is_dir() and int(time.monotonic() - began) % 10 == 0 else 0)
            time.sleep(0.5)
    if process.returncode:
        raise SystemExit((folder / "log").read_text()[-2000:])
    facts = json.loads((folder / "model" / "bundle.json").read_text())
    with (folder / "model" / "history.csv").open(newline="") as file:
        epoch = next(csv.DictReader(file))
    rows = facts["data"]["training_examples"]
    preparing = facts["training"]["seconds"] - float(epoch["seconds"]) - float(epoch["validation_seconds"])
    return {
        "rows": rows,
        "files_bytes": size_of(folder / "lake"),
        "encoded_bytes": encoded,
        "preparing_rows_per_second": rows / preparing,
        "training_rows_per_second": float(epoch["examples_per_second"]),
        "waiting_share": float(epoch["waiting_share"]),
        "accuracy": facts["metrics"]["accuracy"],
        "seconds": time.monotonic() - began,
        "memory": dict(largest),
    }


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = []
    for rows in (arguments.rows // 10, arguments.rows):
        with tempfile.TemporaryDirectory() as folder:
            write_lake(Path(folder), rows)
            results.append(train(Path(folder)))
    mib = 2**20
    table = [
        [
            "rows",
            "files",
            "encoded",
            "rows/s prepared",
            "rows/s trained",
            "command",
            "a worker preparing",
            "a worker training",
        ]
    ]
    for own in results:
        sizes = [f"{own[name] / mib:,.0f} MiB" for name in ("files_bytes", "encoded_bytes")]
        speeds = [f"{own[f'{what}_rows_per_second']:,.0f}" for what in ("preparing", "training")]
        memory = [f"{own['memory'].get(kind, 0) / mib:,.0f} MiB" for kind in ("command", "preparing", "training")]
        table.append([f"{own['rows']:,}", *sizes, *speeds, *memory])
    print_table(table)
    if arguments.json:
        write_result(arguments.json, results)


if __name__ == "__main__":
    main()
