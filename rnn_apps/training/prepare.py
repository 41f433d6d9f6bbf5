"""Preparing the data of a run: hold some out, fit the processor, encode everything once, onto the disk.

It goes part by part, each a file of many: the classes of a part are counted and some of its examples held out; the
processor is fitted on all the others; then each part is encoded. Parts do not hang on each other, so several processes
can do them, and what is done stays done.
"""

from __future__ import annotations

import hashlib
import json
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Array, Arrays
from rnn_apps.config import TaskConfig
from rnn_apps.data import doubles
from rnn_apps.data.files import write_whole, writing_whole
from rnn_apps.data.parts import Parts, Result, chunks
from rnn_apps.data.processor import Processor
from rnn_apps.data.readers.columns import Columns
from rnn_apps.data.readers.labelled import read_texts
from rnn_apps.data.store import Store, write_store
from rnn_apps.data.text.cleaning import clean
from rnn_apps.errors import ConfigError, DataError, did_you_mean
from rnn_apps.progress import Reporter
from rnn_apps.sources import Source, chosen_examples, held_out
from rnn_apps.task import Task

Spread = Callable[[Callable[[int], Any], int], Iterable[Any]]
"""(function, count) -> what the function returns for 0, 1, ... count - 1, in this order, whoever calls it.

Where it returns an iterator, that may come as a list.
"""

_CHUNK = 1000
_SECONDS = "data_seconds"  # written last, so its presence says that the data is whole
_AIDS = "aids.json"  # what encoding needs, and no bundle has
_SEEN = "seen.json"  # how many of the validation examples are trained on, too
_WORTH_TELLING = 0.01


def one_by_one(function: Callable[[int], Any], count: int) -> Iterable[Any]:
    """Calls a function in this process."""
    return map(function, range(count))


@dataclass(frozen=True)
class PreparedData:
    """Encoded examples, and what encoded them.

    Attributes:
        processor: fitted on the training examples.
        train: training examples.
        valid: validation examples.
        chosen: the examples of the source that are trained on, and those that were held out to validate on.
        seen: how many validation examples have an input that is trained on, too.
        seconds: time that the preparation took.
    """

    processor: Processor
    train: Store
    valid: Store
    chosen: tuple[Iterable[Any], Iterable[Any]]
    seen: int
    seconds: float


@dataclass(frozen=True)
class Preparation:
    """How the data of a run is prepared.

    Attributes:
        task: what reads and encodes the examples.
        config: its settings.
        source: training examples.
        valid: validation examples; without them a part of the source is held out by the seed.
        folder: where the encoded examples and the processor go.
        reporter: what shows the progress.
        texts: without labels, for a processor that learns more words from them.
        start: the processor of a saved model that is gone on from.
        spread: who does the parts, where they are several.
        names: of the classes, and their numbers from 1, once they are known.
        weights: how much an example of each class counts, by its number; None where all count the same.
    """

    task: Task[Any, Any]
    config: TaskConfig
    source: Source
    valid: Source | None
    folder: Path
    reporter: Reporter
    texts: Iterable[str] = ()
    start: Processor | None = None
    spread: Spread = one_by_one
    names: Mapping[str | None, int] = field(default_factory=dict)
    weights: npt.NDArray[np.float32] | None = None

    def run(self) -> PreparedData:
        """Encodes the examples, or opens what an earlier call has left there.

        Raises:
            DataError: for anything wrong with the examples.
        """
        done = self.folder / _SECONDS
        if not done.exists():
            started = time.monotonic()
            self._encode_all()
            write_whole(done, str(time.monotonic() - started).encode())
        return PreparedData(
            self.task.processor.load(self.folder / "processor"),
            Store(self.folder / "train"),
            Store(self.folder / "valid"),
            (_Chosen(self, False), _Chosen(self, True)),
            int((self.folder / _SEEN).read_text()),
            float(done.read_text()),
        )

    def _encode_all(self) -> None:
        count = len(self.source.parts)
        found = [dict(map(tuple, pairs)) for pairs in self._each("look_at", count, "reading")]
        names: dict[str | None, int] = {None: 0}
        for name in (name for own in found for name in own):
            names.setdefault(name, len(names))
        counts = np.array([sum(own.get(name, 0) for own in found) for name in names])
        for name in [name for name in names if name is not None and not counts[names[name]]]:
            counts[names[name]] = sum(
                self._take_back(part, list(own).index(name)) for part, own in enumerate(found) if name in own
            )
        total = sum(len(np.load(self._marks(part))["held_out"]) for part in range(count))
        if total < 2 or not counts.sum():
            raise DataError(f"Expected at least two examples. {self.source.facts['dataset']} has {total}.")
        weights = _weights(self.config, counts, names)
        if weights is not None:
            told = ", ".join(f"{name} {weights[number]:.3g}" for name, number in names.items() if name is not None)
            self.reporter.note(f"weights of the classes: {told}")
        self._fit()
        informed = replace(self, names=names, weights=weights)
        for _ in informed._each("encode", count, "encoding (train)" if self.valid else "encoding"):
            pass
        if self.valid:
            for _ in informed._each("encode_valid", len(self.valid.parts), "encoding (valid)"):
                pass
        if not len(Store(self.folder / "valid")):
            raise DataError(
                "Expected at least one example to validate on. The validation data has none; say with --valid which."
            )
        self._look_for_doubles()

    def _look_for_doubles(self) -> None:
        """Tells of inputs that are validated on and trained on, too, and of those that have different classes."""
        marks = [self._marks(part) for part in range(len(self.source.parts))]
        if self.valid:
            valid = np.concatenate([np.load(self._digests(part)) for part in range(len(self.valid.parts))])
        else:
            valid = np.concatenate([own["digests"][own["held_out"]] for own in map(np.load, marks)])
        seen = doubles.seen(valid, (own["digests"][~own["held_out"]] for own in map(np.load, marks)))
        write_whole(self.folder / _SEEN, str(seen).encode())
        if seen > _WORTH_TELLING * len(valid):
            self.reporter.note(
                f"warning: {seen:,} of {len(valid):,} validation examples ({seen / len(valid):.0%}) have an input that "
                "is trained on, too: what is measured on them is memory. Leave them out of one side."
            )
        count, first = 0, ""
        for part, own in enumerate(map(np.load, marks)):
            found, places = doubles.contradictions(own["digests"], own["classes"])
            count += found
            if places and not first:
                first = " and ".join(self._told(part, place) for place in places)
        if count:
            self.reporter.note(
                f"warning: {count:,} {'input stands' if count == 1 else 'inputs stand'} in the data more than once and "
                f"with different classes, such as {first}: no model can learn both. Keep one of them."
            )

    def _told(self, part: int, place: int) -> str:
        """Where an example of a part comes from, and its class."""
        example = next(islice(self.source.parts[part](), place, None))
        return f"{getattr(example, 'where', '') or f'example {place + 1:,}'} ('{self.task.class_of(example)}')"

    def _fit(self) -> None:
        training = _Chosen(self, False)
        if self.start:
            processor, news = self.start.extended(training, self.config)
            self.reporter.note(f"new beside what the model knows: {news or 'nothing'}")
        else:
            self.reporter.note("learning the vocabulary")
            processor = self.task.processor.fit(training, self.config)
        processor.learn_texts(self.texts)
        (self.folder / "processor").mkdir(exist_ok=True)
        processor.save(self.folder / "processor")
        if (aids := processor.aids()) is not None:
            write_whole(self.folder / _AIDS, json.dumps(aids).encode())

    def _each(self, step: str, count: int, title: str) -> Iterable[Any]:
        """Does a step for each part, with a bar: of its examples where there is one part, else of the parts."""
        if count == 1:
            return [self._once(step, 0)]
        quiet = replace(self, reporter=Reporter(False), texts=(), start=None, spread=one_by_one)
        return self.reporter.track(self.spread(partial(quiet._once, step), count), title, count)

    def _once(self, step: str, part: int) -> Any:
        """Does a step for a part, or returns what it has returned before."""
        done = self.folder / "parts" / f"{step}-{part:05}.json"
        if not done.exists():
            done.parent.mkdir(exist_ok=True)
            write_whole(done, json.dumps(getattr(self, f"_{step}")(part)).encode())
        return json.loads(done.read_text())

    def _look_at(self, part: int) -> list[tuple[str | None, int]]:
        """Holds some examples of a part out; returns its classes, and how many examples of each are trained on."""
        known: dict[str | None, int] = {None: 0}
        indices, digests = array("i"), array("Q")
        for example in self.reporter.track(self.source.parts[part](), "reading"):
            indices.append(known.setdefault(self.task.class_of(example), len(known)))
            digests.append(doubles.digest(self.task.input_of(example)))
        classes = np.array(indices, np.int32)
        out = np.zeros(len(classes), np.bool_)
        if not self.valid and (len(classes) > 1 or len(self.source.parts) > 1):
            data = self.config.data
            fold = (data.fold, data.folds) if data.folds else None
            if len(self.source.parts) > 1:
                out = held_out(len(classes), data.validation_fraction, self.config.seed, None, fold, part)
            else:
                own = classes if classes.any() else None
                out = held_out(len(classes), data.validation_fraction, self.config.seed, own, fold)
        self._mark(part, held_out=out, classes=classes, digests=np.array(digests, np.uint64))
        counts = np.bincount(classes[~out], minlength=len(known))
        return list(zip(known, counts.tolist(), strict=True))

    def _take_back(self, part: int, number: int) -> int:
        """Trains on the examples of a class of this part, which no part had left; returns how many there are."""
        marks = np.load(self._marks(part))
        own = marks["classes"] == number
        self._mark(part, **{**marks, "held_out": marks["held_out"] & ~own})
        return int(own.sum())

    def _mark(self, part: int, **marks: npt.NDArray[Any]) -> None:
        with writing_whole(self._marks(part)) as file:
            np.savez(file, **marks)  # type: ignore[arg-type]

    def _encode(self, part: int) -> None:
        """Encodes a part of the source."""
        marks, processor = np.load(self._marks(part)), self.task.processor.load(self.folder / "processor")
        if (aids := self.folder / _AIDS).exists():
            processor.take_aids(json.loads(aids.read_bytes()))
        local = [name for name, _ in self._once("look_at", part)]
        classes = np.array([self.names[name] for name in local], np.int32)[marks["classes"]]
        for name, chosen in (("valid", marks["held_out"]), ("train", ~marks["held_out"])):
            if name == "valid" and self.valid:
                continue
            examples = chosen_examples(self.source.parts[part](), chosen)
            own = classes[chosen] if name == "train" else None
            rows = self._rows(processor, examples, name, own)
            write_store(self.folder / name / f"{part:05}", rows, own)

    def _encode_valid(self, part: int) -> None:
        """Encodes a part of the validation data."""
        assert self.valid
        processor = self.task.processor.load(self.folder / "processor")
        digests = array("Q")

        def examples() -> Iterator[Any]:
            assert self.valid
            for example in self.valid.parts[part]():
                digests.append(doubles.digest(self.task.input_of(example)))
                yield example

        write_store(self.folder / "valid" / f"{part:05}", self._rows(processor, examples(), "valid", None))
        with writing_whole(self._digests(part)) as file:
            np.save(file, np.array(digests, np.uint64))

    def _rows(
        self, processor: Processor, examples: Iterable[Any], name: str, classes: npt.NDArray[np.int32] | None
    ) -> Iterator[Arrays]:
        rows = encode_chunks(processor, examples, training=name == "train")
        if self.weights is not None:
            rows = _weighted(rows, None if classes is None else self.weights[classes])
        return self.reporter.track(rows, f"encoding ({name})")

    def _marks(self, part: int) -> Path:
        """Where the class of each example of a part is, whether it is held out, and the digest of its input."""
        return self.folder / "parts" / f"marks-{part:05}.npz"

    def _digests(self, part: int) -> Path:
        """Where the digests of a part of the validation data are."""
        return self.folder / "parts" / f"digests-{part:05}.npy"


class _Chosen(Parts):
    """The examples of a source that are held out, or those that are not; can be iterated again and again."""

    def __init__(self, preparation: Preparation, held_out: bool) -> None:
        self.preparation, self.held_out = preparation, held_out
        self.count = len(preparation.source.parts)

    def each(self, function: Callable[[Iterable[Any]], Result]) -> Iterable[Result]:
        """Calls a function with the examples of each part, by whoever does the parts."""
        own = self.preparation
        quiet = _Chosen(replace(own, reporter=Reporter(False), texts=(), start=None, spread=one_by_one), self.held_out)
        spread = own.spread if self.count > 1 else one_by_one
        return spread(lambda part: function(quiet._part(part)), self.count)

    def _part(self, part: int) -> Iterator[Any]:
        marks = np.load(self.preparation._marks(part))["held_out"]
        return chosen_examples(self.preparation.source.parts[part](), marks == self.held_out)


def _weights(
    config: TaskConfig, counts: npt.NDArray[np.int64], names: Mapping[str | None, int]
) -> npt.NDArray[np.float32] | None:
    """How much an example of each class counts, by the number of the class; None where all count the same.

    Args:
        config: the settings.
        counts: of the training examples of each class, by its number.
        names: of the classes, and their numbers from 1.

    Raises:
        ConfigError: if there are no classes, or one is named that there is not.
    """
    wanted = config.training.class_weights
    if not counts[1:].any() and (wanted or config.training.sampling == "balanced"):
        raise ConfigError("This task has no classes that could be weighted. Leave class_weights and sampling out.")
    if not wanted:
        return None
    weights = np.ones(len(names), np.float32)
    if wanted == "balanced":
        weights[1:] = counts.sum() / np.maximum(counts[1:], 1) / (len(names) - 1)
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
    unseen = {_digest(row["tokens"]) for row in data.valid.rows()}
    yield from data.train.rows()
    # a line of markup or control characters alone is nothing to learn from, and no reason to stop
    texts = filter(clean, reporter.track(read_texts(unlabelled, columns), "encoding (unlabelled)"))
    for row in encode_text_chunks(data.processor, texts):
        if _digest(row["tokens"]) not in unseen:
            yield row


def _digest(tokens: Array) -> bytes:
    return hashlib.sha256(tokens.tobytes()).digest()
