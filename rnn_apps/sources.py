"""Where examples come from: a user's files, the built-in sample, or TensorFlow Datasets.

A source can be iterated as often as one likes and streams each time; nothing here holds a whole dataset.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnn_apps.data.readers.columns import AS_SEEN, Columns, Survey, check_columns
from rnn_apps.data.shards import absolute, address, local_copies, name_of, shards, stamp
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.task import Task

TFDS_PREFIX = "tfds:"
_LICENCE = "see the source of the data"


@dataclass(frozen=True)
class Source:
    """Examples that can be iterated again and again.

    Attributes:
        name: short name for folders ("sample", "train", "imdb_reviews").
        parts: one behind the other they are the examples; each starts a pass over its own.
        facts: what is known of them, for the model card ("dataset", "licence", ...).
        identity: changes when the examples change; an interrupted run is only resumed on the same ones.
        validation: the part that the source itself sets aside for validation, if any.
        files: that they are read from, as far as they are on this machine.
        survey: reads them as a whole, and says how they are read and what one should know of them.
    """

    name: str
    parts: Sequence[Callable[[], Iterator[Any]]]
    facts: dict[str, str]
    identity: str
    validation: Source | None = field(default=None)
    files: Sequence[Path] = ()
    survey: Callable[[], Survey] = field(default=lambda: Survey("", ()))

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(part() for part in self.parts)


def file_source(
    task: Task[Any, Any], paths: Sequence[Path], split: str | None = None, columns: Columns = AS_SEEN
) -> Source:
    """Returns the examples of a data file, or of several that belong together (as a source and a target text).

    Args:
        task: what reads them.
        paths: the files; a folder or a pattern stands for many, and so does an address that fsspec reads.
        split: which part, of files that are divided themselves; without it, the one to train on, which brings the one
            to validate on with it.
        columns: how they are to be read, as far as a person has said it.

    Raises:
        ConfigError: if something was said that the task has no use for.
        DataError: if a file is not there, or has no such part.
    """
    check_columns(columns, task.columns, task.name)
    said = (columns,) if task.columns else ()
    files = parts_of(task, paths)
    known = [
        *(f"{path.parent}/{stamp(path)}" for part in files for path in part),
        *(() if columns == AS_SEEN else [repr(columns)]),
    ]
    identity = hashlib.sha256("|".join(known).encode()).hexdigest()
    name = "-".join(dict.fromkeys(map(name_of, paths)))
    dataset = ", ".join(path.name for path in paths)
    if len(files) > 1:
        return _of_many(task, files, said, name, dataset if paths[0].is_dir() else f"{name}/{dataset}", identity, split)
    paths = files[0]
    if any(map(address, paths)):
        parts: Sequence[str] = ()  # it would have to be fetched for that; what `read` streams is all that is taken
    else:
        parts = task.splits(paths)
    if split is not None and split not in parts:
        raise DataError(f"{dataset} has no part '{split}'. It has: {', '.join(parts) or 'none'}.")

    def source(split: str, validation: Source | None = None) -> Source:
        facts = {"dataset": f"{dataset}, part '{split}'", "licence": _LICENCE}
        own = [lambda: task.read_split(paths, split)]
        return Source(name, own, facts, f"{identity}:{split}", validation, paths)

    if split is not None:
        return source(split)
    if parts:
        validation = next((source(part) for part in parts if part.startswith("valid")), None)
        return source(parts[0], validation)
    return Source(
        name,
        [partial(_read, task, paths, said)],
        {"dataset": dataset, "licence": _LICENCE},
        identity,
        files=_here(files),
        survey=partial(_survey, task, files, said),
    )


def paths_of(value: Any) -> list[Path]:
    """Returns the paths that somebody gave: none, one or several.

    Raises:
        ConfigError: if it is something else.
    """
    if value is None:
        return []
    parts = [value] if isinstance(value, (str, os.PathLike)) or not isinstance(value, Iterable) else list(value)
    for part in parts:
        if not isinstance(part, (str, os.PathLike)):
            raise ConfigError(f"Expected the path of a data file, or several. Received: {type(part).__name__}.")
    return list(map(Path, parts))


def parts_of(task: Task[Any, Any], paths: Sequence[Path]) -> list[tuple[Path, ...]]:
    """Returns the files that paths stand for, those together that belong together; of most data there is one such part.

    Raises:
        ConfigError: if what an address needs is not installed.
        DataError: if there is no file, or there are not as many of each.
    """
    own = [absolute(path) for path in paths]
    if task.reads_folders and any(path.is_dir() for path in own):
        return [tuple(own)]
    return shards(own)


def _of_many(
    task: Task[Any, Any],
    files: Sequence[tuple[Path, ...]],
    said: tuple[Columns, ...],
    name: str,
    dataset: str,
    identity: str,
    split: str | None,
) -> Source:
    if split is not None:
        raise DataError(f"{dataset} is {len(files):,} files, which have no part '{split}'.")
    parts = [partial(_read, task, part, said) for part in files]
    facts = {"dataset": f"{dataset} ({len(files):,} files)", "licence": _LICENCE}
    return Source(name, parts, facts, identity, files=_here(files), survey=partial(_survey, task, files, said))


def _here(parts: Sequence[tuple[Path, ...]]) -> list[Path]:
    return [path for part in parts for path in part if not address(path)]


def _read(task: Task[Any, Any], paths: Sequence[Path], said: tuple[Columns, ...]) -> Iterator[Any]:
    with local_copies(paths) as own:
        yield from task.read(own, *said)


def _survey(task: Task[Any, Any], files: Sequence[tuple[Path, ...]], said: tuple[Columns, ...]) -> Survey:
    """Of many files the first is looked at as a whole."""
    with local_copies(files[0]) as own:
        found = task.survey(own, *said)
    if len(files) == 1 or not found.reading:
        return found
    warnings = tuple(f"in {files[0][0].name}: {warning}" for warning in found.warnings)
    return Survey(f"{found.reading}; {len(files) - 1:,} more like it", warnings)


def sample_source(task: Task[Any, Any]) -> Source:
    """Returns the task's built-in sample."""
    facts = {"dataset": f"the built-in sample of '{task.name}'", "licence": task.sample_licence}
    return Source("sample", [lambda: iter(task.sample())], facts, f"sample:{task.name}")


def tfds_source(task: Task[Any, Any], name: str, split: str = "train") -> Source:
    """Returns one split of a TensorFlow dataset; "train" brings its "validation" split with it, if there is one.

    Args:
        task: a task that reads such datasets.
        name: `tfds:NAME` or `tfds:NAME/CONFIG`.
        split: which part.
    """
    from rnn_apps.data.readers.tfds import TFDSDataset

    if not name.startswith(TFDS_PREFIX):
        raise DataError(f"Expected a dataset of the form tfds:NAME, such as tfds:imdb_reviews. Received: '{name}'")
    dataset = TFDSDataset(name.removeprefix(TFDS_PREFIX))
    if split not in dataset.splits:
        raise DataError(f"{name} has no split '{split}'. It has: {', '.join(dataset.splits)}.")
    short = name.removeprefix(TFDS_PREFIX).replace("/", "-").replace(":", "-")

    def part(split: str, validation: Source | None = None) -> Source:
        about = dataset.description
        facts = {"dataset": f"{name}, split '{split}'", "licence": about.get("licence", _LICENCE)}
        facts |= {fact: about[fact] for fact in ("homepage", "citation") if fact in about}
        return Source(short, [lambda: task.read_tfds(dataset, split)], facts, f"{about['name']}:{split}", validation)

    return part(split, part("validation") if split == "train" and "validation" in dataset.splits else None)


def held_out(
    count: int,
    fraction: float,
    seed: int,
    classes: npt.NDArray[np.int32] | None = None,
    fold: tuple[int, int] | None = None,
    part: int | None = None,
) -> npt.NDArray[np.bool_]:
    """Draws which of `count` examples are held out for validation; at least one, and never all.

    Args:
        count: of the examples.
        fraction: of them that is held out.
        seed: what the draw follows from.
        classes: the index of the class of each; of each class, at least one is kept for training.
        fold: (number from 1, of so many): that part instead; the parts hold every example once.
        part: the number of these examples among several parts of the data, of which each may have none held out.

    Returns:
        booleans of shape (count,), true for the held-out ones; the same for the same arguments.
    """
    rng = np.random.default_rng([seed, count, *(() if part is None else (part,))])
    order = rng.permutation(count)
    chosen = np.zeros(count, np.bool_)
    if fold:
        number, folds = fold
        chosen[order[number - 1 :: folds]] = True
    else:
        wanted = max(1, round(count * fraction)) if part is None else int(count * fraction + rng.random())
        chosen[order[: min(wanted, count - 1) if part is None else wanted]] = True
    if classes is not None:
        kept = np.unique(classes[~chosen])
        firsts = np.unique(classes, return_index=True)
        chosen[firsts[1][~np.isin(firsts[0], kept)]] = False
    if not chosen.any() and part is None:
        chosen[_last_of_the_commonest(classes)] = True
    return chosen


def _last_of_the_commonest(classes: npt.NDArray[np.int32] | None) -> int:
    """Where every class has one example, one of them is measured by all the same."""
    assert classes is not None
    return int(np.flatnonzero(classes == np.bincount(classes).argmax())[-1])


def chosen_examples(source: Iterable[Any], chosen: npt.NDArray[np.bool_]) -> Iterator[Any]:
    """Streams the examples whose place in the source is marked in `chosen`."""
    return (example for example, take in zip(source, chosen, strict=True) if take)
