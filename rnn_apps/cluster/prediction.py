"""Many tables answered by many workers: a shard is a file, and each worker answers one at a time.

Within a shard everything is as for one table (`rnn_apps.inference.table`): its rows keep their order and columns, what
was killed goes on, and the file is whole or not there. Beside the answers lies a ledger, `.answers.jsonl`: what is
answered with which model, and each shard that is done, so that none is answered twice.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import pickle
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rnn_apps.cluster.engine import Workers, check_workers, engine, threads_of
from rnn_apps.data.files import data_format
from rnn_apps.data.lock import locked
from rnn_apps.data.readers.columns import Columns
from rnn_apps.data.shards import absolute, address, local_copies, stamp
from rnn_apps.errors import ConfigError, DataError, OutputError, RnnAppsError
from rnn_apps.inference.table import WRITTEN, AnswerTable
from rnn_apps.model import Model, load

_LEDGER = ".answers.jsonl"
_COMPRESSED = (".gz", ".bz2", ".xz", ".zip")


class Done(NamedTuple):
    """A shard that is answered.

    Attributes:
        shard: the file.
        rows: that it has.
        failed: of them, how many could not be answered.
        failures: messages for the first of these.
    """

    shard: str
    rows: int
    failed: int
    failures: list[str]


@dataclass(frozen=True)
class _Job:
    """What a worker needs to know."""

    model: str
    output: str
    columns: Columns
    options: Mapping[str, Any]
    identity: str


class _Answerer:
    """Answers shards in a worker; the model is loaded once."""

    def __init__(self) -> None:
        self._model = cache(load)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        job: _Job = pickle.loads(row["job"])
        shard, predictor = Path(row["shard"]), self._model(job.model).predictor
        target = Path(job.output, answers_of(shard))
        try:
            with local_copies([shard]) as (own,):
                table = AnswerTable(predictor, own, target, job.columns, job.options, job.identity, overwrite=True)
                rows = max(table.run(), default=0)
        except RnnAppsError as error:
            return {"shard": str(shard), "rows": 0, "failed": 0, "failures": "[]", "error": str(error)}
        failures = json.dumps(table.failures)
        return {"shard": str(shard), "rows": rows, "failed": table.failed, "failures": failures, "error": ""}


def answer_shards(
    model: Model,
    shards: Sequence[Path],
    output: Path,
    columns: Columns,
    options: Mapping[str, Any],
    workers: Workers,
    overwrite: bool = False,
) -> Iterator[Done]:
    """Answers the rows of many tables; yields each shard when it is done, those of an earlier call first.

    Args:
        model: what answers.
        shards: files that a table can be in, see `AnswerTable`, here or elsewhere.
        output: a folder; each shard's answers have its name in it.
        columns: which column is the input, and the encoding.
        options: of the predictor.
        workers: who does the work.
        overwrite: replace a folder that is there.

    Raises:
        ConfigError: if there are not as many cores, or the cluster does not answer.
        DataError: for a shard that cannot be read, or that a worker does not see.
        OutputError: if the folder is there and its answers are others.
        MissingExtraError: without the extra "cluster".
    """
    _check_names(shards)
    paths = [absolute(path) for path in shards]
    stamps = {str(path): stamp(path) for path in paths}
    job = _Job(
        str(model.bundle.folder), str(output.absolute()), columns, dict(options), _identity(model, columns, options)
    )
    with locked(output):
        ledger = _open_ledger(output, job.identity, overwrite)
        done = [Done(*own) for own, known in _read(ledger) if stamps.get(own[0]) == known]
        yield from done
        left = [path for path in paths if str(path) not in {own.shard for own in done}]
        if not left:
            return
        with engine(workers) as ray:
            check_workers(
                ray, workers, [*(path for path in left if not address(path)), output.absolute(), model.bundle.folder]
            )
            for own in _answered(ray, left, job, workers):
                with ledger.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"done": own, "stamp": stamps[own.shard]}) + "\n")
                yield own


def _answered(ray: Any, shards: Sequence[Path], job: _Job, workers: Workers) -> Iterator[Done]:
    import ray.data as ray_data

    context = ray_data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    rows = [{"shard": str(path), "job": pickle.dumps(job)} for path in shards]
    found = ray_data.from_items(rows, override_num_blocks=len(rows)).map(
        _Answerer,
        compute=ray_data.ActorPoolStrategy(size=min(workers.count, len(rows)), max_tasks_in_flight_per_actor=1),
        num_cpus=workers.cores,
        runtime_env={"env_vars": threads_of(workers)},
    )
    for row in found.iter_rows():
        if row["error"]:
            raise DataError(row["error"])
        yield Done(row["shard"], row["rows"], row["failed"], json.loads(row["failures"]))


def answers_of(shard: Path) -> str:
    """Returns the name of a shard's answers: its own, without what says how it is compressed."""
    name = shard.name.removesuffix(shard.suffix) if shard.suffix.lower() in _COMPRESSED else shard.name
    return name if data_format(shard) in WRITTEN else f"{name}.jsonl"


def _check_names(shards: Sequence[Path]) -> None:
    if not shards:
        raise DataError("Expected at least one file to answer. There is none.")
    doubled = [name for name, count in Counter(map(answers_of, shards)).items() if count > 1]
    if doubled:
        raise ConfigError(f"Two files would be answered in one '{doubled[0]}'. Answer their folders one by one.")


def _identity(model: Model, columns: Columns, options: Mapping[str, Any]) -> str:
    said = [str(model.bundle.manifest["sha256"]), repr(columns), repr(sorted(options.items()))]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _open_ledger(output: Path, identity: str, overwrite: bool) -> Path:
    """Makes the folder with its ledger, or makes sure that it is of the same answers."""
    ledger = output / _LEDGER
    if output.is_file():
        raise OutputError(f"Expected a folder for --output. {output} is a file.")
    if output.exists() and any(output.iterdir()):
        if _is_of(ledger, identity):
            return ledger
        if not ledger.exists():
            raise OutputError(f"{output} exists, and holds other things than answers. Choose another --output.")
        if not overwrite:
            raise OutputError(
                f"{output} exists, and not with these answers. Choose another --output, or replace it with --overwrite."
            )
        shutil.rmtree(output)
    output.mkdir(parents=True, exist_ok=True)
    ledger.write_text(json.dumps({"identity": identity}) + "\n", encoding="utf-8")
    return ledger


def _is_of(ledger: Path, identity: str) -> bool:
    try:
        with ledger.open(encoding="utf-8") as file:
            return bool(json.loads(file.readline())["identity"] == identity)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _read(ledger: Path) -> Iterator[tuple[list[Any], str]]:
    """The shards that are done, and the stamp of each; a line that was cut off by a kill is none."""
    for line in ledger.read_text(encoding="utf-8").splitlines()[1:]:
        try:
            facts = json.loads(line)
        except ValueError:
            continue
        if os.path.exists(ledger.parent / answers_of(Path(facts["done"][0]))):
            yield facts["done"], facts["stamp"]
