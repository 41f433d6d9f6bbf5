"""Where examples come from: a user's files, the built-in sample, or TensorFlow Datasets.

A source can be iterated as often as one likes and streams each time; nothing here holds a whole dataset.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnn_apps.data.files import fingerprint
from rnn_apps.data.readers.columns import AS_SEEN, Columns, Survey, check_columns
from rnn_apps.errors import DataError
from rnn_apps.task import Task

TFDS_PREFIX = "tfds:"
_LICENCE = "see the source of the data"


@dataclass(frozen=True)
class Source:
    """Examples that can be iterated again and again.

    Attributes:
        name: short name for folders ("sample", "train", "imdb_reviews").
        stream: starts one pass over the examples.
        facts: what is known of them, for the model card ("dataset", "licence", ...).
        identity: changes when the examples change; an interrupted run is only resumed on the same ones.
        validation: the part that the source itself sets aside for validation, if any.
        survey: reads them as a whole, and says how they are read and what one should know of them.
    """

    name: str
    stream: Callable[[], Iterator[Any]]
    facts: dict[str, str]
    identity: str
    validation: Source | None = field(default=None)
    survey: Callable[[], Survey] = field(default=lambda: Survey("", ()))

    def __iter__(self) -> Iterator[Any]:
        return self.stream()


def file_source(
    task: Task[Any, Any], paths: Sequence[Path], split: str | None = None, columns: Columns = AS_SEEN
) -> Source:
    """Returns the examples of a data file, or of several that belong together (as a source and a target text).

    Args:
        task: what reads them.
        paths: the files.
        split: which part, of files that are divided themselves; without it, the one to train on, which brings the one
            to validate on with it.
        columns: how they are to be read, as far as a person has said it.

    Raises:
        ConfigError: if something was said that the task has no use for.
        DataError: if a file is not there, or has no such part.
    """
    check_columns(columns, task.columns, task.name)
    said = (columns,) if task.columns else ()
    paths = tuple(path.expanduser().resolve() for path in paths)
    known = [
        *(f"{path.parent}/{fingerprint(path)}" for path in paths),
        *(() if columns == AS_SEEN else [repr(columns)]),
    ]
    identity = hashlib.sha256("|".join(known).encode()).hexdigest()
    name = "-".join(dict.fromkeys(path.name.split(".")[0] for path in paths))
    dataset = ", ".join(path.name for path in paths)
    parts = task.splits(paths)
    if split is not None and split not in parts:
        raise DataError(f"{dataset} has no part '{split}'. It has: {', '.join(parts) or 'none'}.")

    def source(split: str, validation: Source | None = None) -> Source:
        facts = {"dataset": f"{dataset}, part '{split}'", "licence": _LICENCE}
        return Source(name, lambda: task.read_split(paths, split), facts, f"{identity}:{split}", validation)

    if split is not None:
        return source(split)
    if parts:
        validation = next((source(part) for part in parts if part.startswith("valid")), None)
        return source(parts[0], validation)
    return Source(
        name,
        lambda: task.read(paths, *said),
        {"dataset": dataset, "licence": _LICENCE},
        identity,
        survey=lambda: task.survey(paths, *said),
    )


def sample_source(task: Task[Any, Any]) -> Source:
    """Returns the task's built-in sample."""
    facts = {"dataset": f"the built-in sample of '{task.name}'", "licence": task.sample_licence}
    return Source("sample", lambda: iter(task.sample()), facts, f"sample:{task.name}")


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
        return Source(short, lambda: task.read_tfds(dataset, split), facts, f"{about['name']}:{split}", validation)

    return part(split, part("validation") if split == "train" and "validation" in dataset.splits else None)


def held_out(
    count: int,
    fraction: float,
    seed: int,
    classes: npt.NDArray[np.int32] | None = None,
    fold: tuple[int, int] | None = None,
) -> npt.NDArray[np.bool_]:
    """Draws which of `count` examples are held out for validation; at least one, and never all.

    Args:
        count: of the examples.
        fraction: of them that is held out.
        seed: what the draw follows from.
        classes: the index of the class of each; of each class, at least one is kept for training.
        fold: (number from 1, of so many): that part instead; the parts hold every example once.

    Returns:
        booleans of shape (count,), true for the held-out ones; the same for the same arguments.
    """
    order = np.random.default_rng([seed, count]).permutation(count)
    chosen = np.zeros(count, np.bool_)
    if fold:
        number, folds = fold
        chosen[order[number - 1 :: folds]] = True
    else:
        chosen[order[: min(max(1, round(count * fraction)), count - 1)]] = True
    if classes is not None:
        kept = np.unique(classes[~chosen])
        firsts = np.unique(classes, return_index=True)
        chosen[firsts[1][~np.isin(firsts[0], kept)]] = False
    if not chosen.any():
        chosen[_last_of_the_commonest(classes)] = True
    return chosen


def _last_of_the_commonest(classes: npt.NDArray[np.int32] | None) -> int:
    """Where every class has one example, one of them is measured by all the same."""
    assert classes is not None
    return int(np.flatnonzero(classes == np.bincount(classes).argmax())[-1])


def chosen_examples(source: Iterable[Any], chosen: npt.NDArray[np.bool_]) -> Iterator[Any]:
    """Streams the examples whose place in the source is marked in `chosen`."""
    return (example for example, take in zip(source, chosen, strict=True) if take)
