"""How fast data files are read, beside what one would use otherwise, and what memory that takes as files grow.

    python benchmarks/reading.py [--megabytes 50] [--output benchmarks/results/reading.json]

Files of made-up words are written to a temporary folder. Each reader runs in a process of its own, once to warm the
file up and then --rounds times; a figure is the median. Peers: `csv` alone and pandas for tables (which holds a whole
file), and a loop over lines that splits at blanks for CoNLL. Memory is what a process grows by while it reads, for a
file and for one ten times as large.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from common import median, print_table, write_result

READERS = ("rnn_apps", "csv", "pandas", "rnn_apps conll", "lines split")
WORDS = [f"w{number:x}" for number in range(5000)]


def write_files(folder: Path, megabytes: int) -> dict[str, Path]:
    """Writes a .csv and a .conll of about so many megabytes, and such of a tenth."""
    rng = random.Random(0)
    found = {}
    for name, size in (("whole", megabytes * 10**6), ("tenth", megabytes * 10**5)):
        table, tagged = folder / f"{name}.csv", folder / f"{name}.conll"
        with table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["review", "stars"])
            while file.tell() < size:
                text = " ".join(rng.choices(WORDS, k=60))
                writer.writerow([f'{text}, "{rng.choice(WORDS)}"', rng.randint(1, 5)])
        with tagged.open("w", encoding="utf-8") as file:
            while file.tell() < size:
                file.writelines(f"{word} {rng.choice(('O', 'O', 'O', 'B-PER'))}\n" for word in rng.choices(WORDS, k=20))
                file.write("\n")
        found |= {f"{name} csv": table, f"{name} conll": tagged}
    return found


def read(reader: str, path: Path) -> int:
    """Reads a file; returns how many rows or tokens it has."""
    if reader == "rnn_apps":
        from rnn_apps.data.readers.labelled import read_labelled_texts

        return sum(1 for _ in read_labelled_texts(path))
    if reader == "rnn_apps conll":
        from rnn_apps.data.readers.tagged import read_tagged

        return sum(len(sentence.tokens) for sentence in read_tagged(path))
    if reader == "csv":
        with path.open(newline="", encoding="utf-8") as file:
            return sum(1 for _ in csv.reader(file)) - 1
    if reader == "pandas":
        import pandas

        return len(pandas.read_csv(path))
    with path.open(encoding="utf-8") as file:
        return sum(1 for line in file if line.split())


def measure(reader: str, path: Path, rounds: int) -> dict[str, Any]:
    """Runs one reader in this process."""
    if reader == "pandas":
        import pandas  # noqa: F401
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = read(reader, path)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        read(reader, path)
        seconds.append(time.perf_counter() - start)
    return {"count": count, "seconds": median(seconds) if seconds else 0.0, "grown_mb": grown}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--reader", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.reader:
        print(json.dumps(measure(arguments.reader, arguments.path, arguments.rounds)))
        return
    results, rows = [], []
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), arguments.megabytes)
        for reader in READERS:
            kind = "conll" if reader in ("rnn_apps conll", "lines split") else "csv"
            found = {}
            for size, rounds in (("tenth", 0), ("whole", arguments.rounds)):
                command = [sys.executable, __file__, "--reader", reader, "--path", files[f"{size} {kind}"]]
                done = subprocess.run([*command, "--rounds", str(rounds)], capture_output=True, text=True)
                if done.returncode:
                    print(f"{reader} is left out: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                    break
                found[size] = json.loads(done.stdout)
            else:
                whole = found["whole"]
                megabytes = files[f"whole {kind}"].stat().st_size / 1e6
                results.append(
                    {
                        "reader": reader,
                        "mb_per_second": megabytes / whole["seconds"],
                        "items_per_second": whole["count"] / whole["seconds"],
                        "grown_mb": whole["grown_mb"],
                        "grown_mb_of_a_tenth": found["tenth"]["grown_mb"],
                    }
                )
                last = results[-1]
                rows.append(
                    [
                        reader,
                        f"{last['mb_per_second']:.0f}",
                        f"{last['items_per_second']:,.0f}",
                        f"{last['grown_mb_of_a_tenth']:.1f}",
                        f"{last['grown_mb']:.1f}",
                    ]
                )
    print_table([["reader", "MB/s", "rows or tokens/s", "memory, MB, of a tenth", "of the whole"], *rows])
    if arguments.output:
        write_result(arguments.output, results)


if __name__ == "__main__":
    main()
