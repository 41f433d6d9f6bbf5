"""What the benchmarks share: facts about the machine, order statistics, a table, a result file."""

from __future__ import annotations

import json
import math
import os
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("rnn-apps", "tensorflow", "keras", "torch", "numba", "numpy", "onnxruntime", "tokenizers")


def machine() -> dict[str, Any]:
    """Returns processor, usable cores, memory, system and Python version."""
    cpu = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in cpu.read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Returns the versions of the packages that matter, as far as they are installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def percentile(values: Sequence[float], percent: float) -> float:
    """Returns the smallest value that at least `percent` of the values do not exceed."""
    ranked = sorted(values)
    return ranked[max(1, math.ceil(len(ranked) * percent / 100)) - 1]


def median(values: Sequence[float]) -> float:
    """Returns the median."""
    return statistics.median(values)


def seconds_of(call: Callable[[], Any], passes: int = 5) -> list[float]:
    """Returns the seconds that some calls take, after one that does not count."""
    call()
    seconds = []
    for _ in range(passes):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def print_table(rows: Sequence[Sequence[object]]) -> None:
    """Prints rows as a Markdown table; the first row is its head."""
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        print("| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def write_result(path: Path, results: Any) -> None:
    """Writes the results as JSON with date, command, machine and versions beside them."""
    document = {
        "date": time.strftime("%Y-%m-%d"),
        "command": shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "machine": machine(),
        "versions": versions(),
        "results": results,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
