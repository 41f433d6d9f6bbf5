"""Preparing the data of a run: hold some out, fit the processor, encode everything once, onto the disk."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Array, Arrays
from rnn_apps.config import TaskConfig
from rnn_apps.data.batching import chunks
from rnn_apps.data.files import write_whole
from rnn_apps.data.processor import Processor
from rnn_apps.data.readers.columns import Columns
from rnn_apps.data.readers.labelled import read_texts
from rnn_apps.data.store import ArrayStore, write_store
from rnn_apps.data.text.cleaning import clean
from rnn_apps.errors import ConfigError, DataError, did_you_mean
from rnn_apps.progress import Reporter
from rnn_apps.sources import Source, chosen_examples, held_out
from rnn_apps.task import Task

_CHUNK = 1000
_HELD_OUT = "held_out.npy"
_CLASSES = "classes.npy"
_SECONDS = "data_seconds"  # written last, so its presence says that the data is whole


@dataclass(frozen=True)
class PreparedData:
    """Encoded examples, and what encoded them.

    Attributes:
        processor: fitted on the training examples.
        train: training examples.
        valid: validation examples.
        held_out: which examples of the source are validated on; none where it has a validation part.
        classes: number of the class of each training example, from 1; all 0 where the task has no classes.
        seconds: time that the preparation took.
    """

    processor: Processor
    train: ArrayStore
    valid: ArrayStore
    held_out: npt.NDArray[np.bool_]
    classes: npt.NDArray[np.int32]
    seconds: float


def prepare_data(
    task: Task[Any, Any],
    config: TaskConfig,
    source: Source,
    valid: Source | None,
    folder: Path,
    reporter: Reporter,
    texts: Iterable[str] = (),
    start: Processor | None = None,
) -> PreparedData:
    """Encodes the examples of a run into `folder`, or opens what an earlier call has left there.

    Args:
        task: what reads and encodes them.
        config: its settings.
        source: training examples.
        valid: validation examples; without them a part of the source is held out by the seed.
        folder: where the encoded examples and the processor go.
        reporter: what shows the progress.
        texts: without labels, for a processor that learns more words from them.
        start: the processor of a saved model that is gone on from.

    Raises:
        DataError: for anything wrong with the examples.
    """
    done = folder / _SECONDS
    if done.exists():
        processor = task.processor.load(folder / "processor")
    else:
        started = time.monotonic()
        processor = _encode_all(task, config, source, valid, folder, reporter, texts, start)
        write_whole(done, str(time.monotonic() - started).encode())
    return PreparedData(
        processor,
        ArrayStore(folder / "train"),
        ArrayStore(folder / "valid"),
        np.load(folder / _HELD_OUT),
        np.load(folder / _CLASSES),
        float(done.read_text()),
    )


def _encode_all(
    task: Task[Any, Any],
    config: TaskConfig,
    source: Source,
    valid: Source | None,
    folder: Path,
    reporter: Reporter,
    texts: Iterable[str],
    start: Processor | None,
) -> Processor:
    classes, names = _classes(task, reporter.track(source, "reading"))
    count = len(classes)
    if count < 2:
        raise DataError(f"Expected at least two examples. {source.facts['dataset']} has {count}.")
    if valid:
        out = np.zeros(count, np.bool_)
    else:
        data = config.data
        fold = (data.fold, data.folds) if data.folds else None
        out = held_out(count, data.validation_fraction, config.seed, classes if classes.any() else None, fold)
    np.save(folder / _HELD_OUT, out)
    np.save(folder / _CLASSES, classes[~out])
    weights = _weights(config, classes[~out], names)
    if weights is not None:
        told = ", ".join(f"{name} {weights[number]:.3g}" for name, number in names.items() if name is not None)
        reporter.note(f"weights of the classes: {told}")
    training = _Chosen(source, ~out)
    if start:
        processor, news = start.extended(training, config)
        reporter.note(f"new beside what the model knows: {news or 'nothing'}")
    else:
        reporter.note("learning the vocabulary")
        processor = task.processor.fit(training, config)
    processor.learn_texts(texts)
    (folder / "processor").mkdir(exist_ok=True)
    processor.save(folder / "processor")
    validation = valid or _Chosen(source, out)
    for name, examples in (("valid", validation), ("train", training)):
        rows = encode_chunks(processor, examples, training=name == "train")
        if weights is not None:
            rows = _weighted(rows, weights[classes[~out]] if name == "train" else None)
        write_store(folder / name, reporter.track(rows, f"encoding ({name})"))
        if not len(ArrayStore(folder / name)):
            raise DataError("Expected at least one example to validate on. The validation data has none.")
    return processor


def _classes(task: Task[Any, Any], examples: Iterable[Any]) -> tuple[npt.NDArray[np.int32], dict[str | None, int]]:
    """The index of each example's class, counted from 1, and the classes; zeros where the task has no classes."""
    known: dict[str | None, int] = {None: 0}
    indices = (known.setdefault(task.class_of(example), len(known)) for example in examples)
    return np.fromiter(indices, np.int32), known


def _weights(
    config: TaskConfig, classes: npt.NDArray[np.int32], names: Mapping[str | None, int]
) -> npt.NDArray[np.float32] | None:
    """How much an example of each class counts, by the number of the class; None where all count the same.

    Raises:
        ConfigError: if there are no classes, or one is named that there is not.
    """
    wanted = config.training.class_weights
    if not classes.any() and (wanted or config.training.sampling == "balanced"):
        raise ConfigError("This task has no classes that could be weighted. Leave class_weights and sampling out.")
    if not wanted:
        return None
    weights = np.ones(len(names), np.float32)
    if wanted == "balanced":
        counts = np.bincount(classes, minlength=len(names))
        weights[1:] = classes.size / np.maximum(counts[1:], 1) / (len(names) - 1)
        return weights
    for name, weight in wanted.items():
        if name not in names:
            known = sorted(name for name in names if name is not None)
            raise ConfigError(
                f"training.class_weights names the class '{name}', which is not in the data. There are: "
                f"{', '.join(known)}.{did_you_mean(name, known)}"
            )
        weights[names[name]] = weight
    return weights


def _weighted(rows: Iterable[Arrays], weights: npt.NDArray[np.float32] | None) -> Iterator[Arrays]:
    """Adds `weight`, a float32 scalar, to each row; 1 where there are none."""
    for number, row in enumerate(rows):
        yield {**row, "weight": np.array(1.0 if weights is None else weights[number], np.float32)}


def encode_chunks(processor: Processor, examples: Iterable[Any], training: bool) -> Iterator[Arrays]:
    """Streams encoded examples."""
    for chunk in chunks(examples, _CHUNK):
        yield from processor.encode(chunk, training)


def encode_text_chunks(processor: Processor, texts: Iterable[str]) -> Iterator[Arrays]:
    """Streams encoded texts without labels."""
    for chunk in chunks(texts, _CHUNK):
        yield from processor.encode_inputs(chunk)


def language_rows(data: PreparedData, unlabelled: Path, columns: Columns, reporter: Reporter) -> Iterator[Arrays]:
    """Streams what a language is learnt from: the training texts, and the unlabelled ones that are no validation text.

    Args:
        data: of the run.
        unlabelled: a file of texts without labels.
        columns: how it is to be read.
        reporter: what shows the progress.
    """
    unseen = {_digest(data.valid[number]["tokens"]) for number in range(len(data.valid))}
    yield from (data.train[number] for number in range(len(data.train)))
    # a line of markup or control characters alone is nothing to learn from, and no reason to stop
    texts = filter(clean, reporter.track(read_texts(unlabelled, columns), "encoding (unlabelled)"))
    for row in encode_text_chunks(data.processor, texts):
        if _digest(row["tokens"]) not in unseen:
            yield row


def _digest(tokens: Array) -> bytes:
    return hashlib.sha256(tokens.tobytes()).digest()


@dataclass(frozen=True)
class _Chosen:
    """The examples of a source that are marked; can be iterated again and again."""

    source: Source
    chosen: npt.NDArray[np.bool_]

    def __iter__(self) -> Iterator[Any]:
        return chosen_examples(self.source, self.chosen)
