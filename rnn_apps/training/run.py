"""From examples to a saved model: prepare the data, train, export, measure, save.

All that a run has done so far lies in a folder beside its output, `.NAME.training`; repeating the run goes on from
there, and a finished run removes it.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import resource
import shutil
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnn_apps.backend import require_training_packages, start_tensorflow
from rnn_apps.bundle import LOCAL_MODELS, check_output, explained_failures, read_bundle, write_bundle
from rnn_apps.config import TaskConfig, load_config
from rnn_apps.data.batching import load_batches, pad_batch, plan_batches
from rnn_apps.data.files import read_texts
from rnn_apps.data.sources import Source, chosen_examples, file_source, held_out, sample_source, tfds_source
from rnn_apps.data.store import ArrayStore, read_rows, write_store
from rnn_apps.errors import ConfigError, DataError, NotFoundError, OutputError, TrainingError
from rnn_apps.model import Model
from rnn_apps.progress import Reporter
from rnn_apps.task import Array, Arrays, Processor, Task, find_task
from rnn_apps.training.card import write_card
from rnn_apps.training.checkpoint import Row, save_arrays
from rnn_apps.training.history import draw_learning_curves, write_history

_CHUNK = 1000
_PROBE_ROWS = 8
_MARKER = "run.json"
_DATA_SECONDS = "data_seconds"  # written last, so its presence says that the data is whole
_PRETRAINED = "pretrained.npz"
_PRETRAINING_ROW = "pretraining.json"
_PACKAGES = ("rnn-apps", "tensorflow", "keras", "numpy", "onnx", "onnxruntime", "tokenizers")


@dataclass
class Run:
    """One training run: everything that decides its result, and where the result goes.

    Attributes:
        task: what is trained.
        config: its settings.
        source: where the training examples come from.
        valid: where the validation examples come from; held out of the source if left out.
        unlabelled: a file of texts without labels to learn from first.
        output: the folder of the saved model.
        overwrite: replace a saved model, and an interrupted run, that stand there.
        about: what the data is and how it is licensed, for the model card.
        command: the command that started the run, for the model card.
        callbacks: Keras callbacks.
        strategy: a `tf.distribute.Strategy`.
        reporter: what shows the progress.
    """

    task: Task
    config: TaskConfig
    source: Source
    valid: Source | None = None
    unlabelled: Path | None = None
    output: Path = Path()
    overwrite: bool = False
    about: str = ""
    command: str = ""
    callbacks: Sequence[Any] = ()
    strategy: Any = None
    reporter: Reporter = field(default_factory=Reporter)

    @property
    def work(self) -> Path:
        """The folder that holds the unfinished run."""
        return self.output.parent / f".{self.output.name}.training"

    @cached_property
    def fingerprint(self) -> str:
        """A digest of everything that decides the result."""
        parts = [self.task.name, self.config.model_dump_json(), self.source.identity]
        parts += [self.valid.identity if self.valid else "", _identity(self.unlabelled)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def finished(self) -> Model | None:
        """Returns the saved model if a run with the same settings and data has ended here before."""
        try:
            bundle = read_bundle(self.output)
        except NotFoundError:
            return None
        if bundle.facts.get("fingerprint") != self.fingerprint:
            return None
        if self._interrupted() == self.fingerprint:  # killed after the model was saved
            shutil.rmtree(self.work, ignore_errors=True)
        return Model(bundle)

    def execute(self) -> Model:
        """Trains, or goes on training, and saves.

        Raises:
            RnnAppsError: whatever is wrong with output, data or settings, before anything is written to the output.
        """
        check_output(self.output, self.overwrite)
        require_training_packages()
        with explained_failures(self.output):
            try:
                return self._execute()
            except (ConfigError, DataError, TrainingError):  # the same command would fail again
                shutil.rmtree(self.work, ignore_errors=True)
                raise

    def _execute(self) -> Model:
        self._open_work()
        self.reporter.stage("Data", self.source.facts["dataset"])
        processor = self._prepare_data()
        train, valid = ArrayStore(self.work / "train"), ArrayStore(self.work / "valid")
        self.reporter.note(f"{len(train):,} examples to train on, {len(valid):,} to validate on")

        start_tensorflow("Training")
        pretrained = self._pretrain(processor, train, valid) if self.unlabelled else []
        self.reporter.stage("Training", f"{self.config.training.epochs} epochs at most")
        model, rows = self._train(processor, train, valid, pretrained)

        self.reporter.stage("Saving", str(self.output))
        facts = self._facts(model, rows, train, valid)
        bundle = write_bundle(
            self.output, facts, lambda folder: self._write(folder, model, processor, valid, rows, facts), self.overwrite
        )
        shutil.rmtree(self.work)
        return Model(bundle)

    def _open_work(self) -> None:
        if not self.overwrite and (interrupted := self._interrupted()):
            if interrupted == self.fingerprint:
                return
            raise OutputError(
                f"An interrupted run with other settings or data waits for {self.output}. Repeat its command to go on "
                "with it, or discard it with --overwrite."
            )
        facts = json.dumps({"fingerprint": self.fingerprint, "command": self.command})
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        _write_whole(self.work / _MARKER, facts)

    def _interrupted(self) -> str | None:
        """Returns the fingerprint of the interrupted run that waits here, if there is one."""
        marker = self.work / _MARKER
        return str(json.loads(marker.read_text())["fingerprint"]) if marker.exists() else None

    # Data

    def _prepare_data(self) -> Processor:
        folder = self.work / "processor"
        stores = {name: self.work / name for name in ("train", "valid")}
        if (self.work / _DATA_SECONDS).exists():
            return self.task.processor_class.load(folder)
        started = time.monotonic()
        try:
            processor = self._encode_data(folder, stores)
        except BaseException:  # half of the data is of no use to anybody
            shutil.rmtree(self.work, ignore_errors=True)
            raise
        _write_whole(self.work / _DATA_SECONDS, str(time.monotonic() - started))
        return processor

    def _encode_data(self, folder: Path, stores: Mapping[str, Path]) -> Processor:
        count = sum(1 for _ in self.reporter.track(self.source, "reading"))
        if count < 2:
            raise DataError(f"Expected at least two examples. {self.source.facts['dataset']} has {count}.")
        if self.valid:
            out = np.zeros(count, np.bool_)
        else:
            out = held_out(count, self.config.data.validation_fraction, self.config.seed)
        training = _Chosen(self.source, ~out)
        self.reporter.note("learning the vocabulary")
        processor = self.task.fit_processor(training, self.config)
        folder.mkdir(exist_ok=True)
        processor.save(folder)
        validation = self.valid or _Chosen(self.source, out)
        for name, examples in (("valid", validation), ("train", training)):
            rows = _encode(processor, examples, training=name == "train")
            write_store(stores[name], self.reporter.track(rows, f"encoding ({name})"))
            if not len(ArrayStore(stores[name])):
                raise DataError("Expected at least one example to validate on. The validation data has none.")
        return processor

    # Training

    def _pretrain(self, processor: Processor, train: ArrayStore, valid: ArrayStore) -> list[Array]:
        """Returns the weights of the layers that learnt the language, and leaves them beside the checkpoints."""
        from rnn_apps.training.pretraining import pretrain

        assert self.unlabelled
        done = self.work / _PRETRAINED
        if not done.exists():
            self.reporter.stage("Pretraining", f"{self.unlabelled.name} and the training texts")
            weights, row = pretrain(
                lambda: self.task.language_layers(self.task.build_model(self.config, processor)),
                self._language(processor, train, valid),
                (valid[number]["tokens"] for number in range(len(valid))),
                self.config.pretraining,
                self.config.seed,
                self.work / "pretraining",
                self.reporter,
            )
            (self.work / _PRETRAINING_ROW).write_text(json.dumps(row))
            save_arrays(done, {f"w{number}": weight for number, weight in enumerate(weights)})
        with np.load(done) as arrays:
            return [arrays[f"w{number}"] for number in range(len(arrays.files))]

    def _language(self, processor: Processor, train: ArrayStore, valid: ArrayStore) -> Iterator[Array]:
        """Streams the tokens of the training texts and of the unlabelled ones that are no validation text."""
        assert self.unlabelled
        unseen = {_digest(valid[number]["tokens"]) for number in range(len(valid))}
        yield from (train[number]["tokens"] for number in range(len(train)))
        texts = self.reporter.track(read_texts(self.unlabelled), "encoding (unlabelled)")
        while chunk := list(islice(texts, _CHUNK)):
            rows = processor.encode_inputs(chunk)
            yield from (row["tokens"] for row in rows if _digest(row["tokens"]) not in unseen)

    def _train(
        self, processor: Processor, train: ArrayStore, valid: ArrayStore, pretrained: Sequence[Array]
    ) -> tuple[Any, list[Row]]:
        from rnn_apps.training.loop import Trainer

        def build_model() -> Any:
            model = self.task.build_model(self.config, processor)
            if pretrained:
                weights = [weight for layer in self.task.language_layers(model) for weight in layer.weights]
                for weight, value in zip(weights, pretrained, strict=True):
                    weight.assign(value)
            return model

        trainer = Trainer(
            build_model=build_model,
            loss=self.task.loss,
            train=train,
            valid=valid,
            metrics=lambda: self.task.metrics(processor, {}),
            monitor=self.task.monitor,
            monitor_mode=self.task.monitor_mode,
            config=self.config.training,
            seed=self.config.seed,
            folder=self.work / "training",
            strategy=self.strategy,
            callbacks=self.callbacks,
            reporter=self.reporter,
        )
        rows = trainer.fit()
        return trainer.model, rows

    # Saving

    def _write(
        self, folder: Path, model: Any, processor: Processor, valid: ArrayStore, rows: list[Row], facts: dict[str, Any]
    ) -> None:
        from rnn_apps.export.keras_graph import save_onnx
        from rnn_apps.inference.session import Session

        processor.save(folder)
        half = self.config.half_precision
        if half:
            for weight in model.weights:
                weight.assign(np.asarray(weight).astype(np.float16).astype(np.float32))
        model.save(folder / "model.keras")
        _compress(folder / "model.keras")
        probe = pad_batch(read_rows(valid, _probe_rows(valid)))
        difference = save_onnx(model, folder / "model.onnx", probe, half)
        self.reporter.note(f"the ONNX form agrees with the Keras model to {difference:.1g}")
        session = Session(folder / "model.onnx")
        metrics = self.task.metrics(processor, {})
        plan = plan_batches(valid.lengths, self.config.training.batch_size, self.config.training.batch_tokens)
        for batch in self.reporter.track(load_batches(valid, plan), "measuring", len(plan)):
            metrics.update(session.run(batch), batch)
        facts["calibration"] = metrics.calibrate()
        facts["metrics"] = metrics.result()
        write_history(folder / "history.csv", rows)
        best = int(facts["training"]["best_epoch"])
        draw_learning_curves(folder / "learning_curves.png", rows, self.task.monitor, best)
        (folder / "README.md").write_text(write_card(self.output.name, self.task, facts), encoding="utf-8")

    def _facts(self, model: Any, rows: list[Row], train: ArrayStore, valid: ArrayStore) -> dict[str, Any]:
        score = f"val_{self.task.monitor}"
        best = (max if self.task.monitor_mode == "max" else min)(rows, key=lambda row: row[score])
        seconds = float((self.work / _DATA_SECONDS).read_text())
        seconds += sum(row["seconds"] + row["validation_seconds"] for row in rows)
        pretraining = json.loads((self.work / _PRETRAINING_ROW).read_text()) if self.unlabelled else {}
        seconds += pretraining.get("seconds", 0.0)
        return {
            "task": self.task.name,
            "package": type(self.task).__module__.partition(".")[0].replace("_", "-"),
            "fingerprint": self.fingerprint,
            "created": time.strftime("%Y-%m-%d"),
            "seed": self.config.seed,
            "config": self.config.model_dump(mode="json"),
            "half_precision": self.config.half_precision,
            "parameters": int(model.count_params()),
            "data": {
                **self.source.facts,
                "unlabelled": self.unlabelled.name if self.unlabelled else "",
                "about": self.about,
                "training_examples": len(train),
                "validation": self.valid.facts["dataset"] if self.valid else "a held-out part of the same data",
                "validation_examples": len(valid),
            },
            "training": {
                "seconds": seconds,
                "pretraining": pretraining,
                "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "machine": f"{os.cpu_count()} CPU cores ({platform.machine()})",
                "epochs": len(rows),
                "best_epoch": int(best["epoch"]),
                "command": self.command,
            },
            "versions": {package: version(package) for package in _PACKAGES},
        }


def train(
    task: str,
    data: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    *,
    dataset: str | None = None,
    valid: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    config: Mapping[str, Any] | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    callbacks: Sequence[Any] = (),
    strategy: Any = None,
    progress: bool = True,
) -> Model:
    """Trains a model and saves it; without `data` or `dataset`, on the task's built-in sample.

    Args:
        task: name of the task.
        data: a data file (several where the task reads files that belong together).
        dataset: a TensorFlow dataset, `tfds:NAME`.
        valid: validation data; a part of the data is held out if left out.
        config: settings that differ from the defaults, as a nested mapping.
        output: folder of the saved model; `saved_models/TASK-SOURCE` if left out.
        overwrite: replace what is in `output`.
        callbacks: Keras callbacks.
        strategy: a `tf.distribute.Strategy` for several devices.
        progress: show on stderr what goes on.

    Returns:
        the saved model, ready to predict. An interrupted run of the same settings is resumed.

    Raises:
        RnnAppsError: for anything that is wrong with the arguments, the data or the output.
    """
    found = find_task(task)
    run = new_run(
        found,
        load_config(found.Config, values=config),
        data=_paths(data),
        dataset=dataset,
        valid=_paths(valid),
        output=Path(output) if output is not None else None,
        overwrite=overwrite,
        callbacks=callbacks,
        strategy=strategy,
        reporter=Reporter(progress),
    )
    return run.execute()


def new_run(
    task: Task,
    config: TaskConfig,
    *,
    data: Sequence[Path] = (),
    dataset: str | None = None,
    valid: Sequence[Path] = (),
    output: Path | None = None,
    **others: Any,
) -> Run:
    """Finds the sources and the output of a run; see `Run` for the other arguments.

    Raises:
        ConfigError: if both `data` and `dataset` are given.
        DataError: if a source cannot be opened.
    """
    if data and dataset:
        raise ConfigError("Expected --data or --dataset. Received both.")
    if data:
        source = file_source(task, data)
    else:
        source = tfds_source(task, dataset) if dataset else sample_source(task)
    given = file_source(task, valid) if valid else source.validation
    output = output or LOCAL_MODELS / f"{task.name}-{source.name}"
    return Run(task, config, source, given, output=output.expanduser().absolute(), **others)


@dataclass(frozen=True)
class _Chosen:
    """The examples of a source that are marked; can be iterated again and again."""

    source: Source
    chosen: npt.NDArray[np.bool_]

    def __iter__(self) -> Iterator[Any]:
        return chosen_examples(self.source, self.chosen)


def _encode(processor: Processor, examples: Iterable[Any], training: bool) -> Iterator[Arrays]:
    iterator = iter(examples)
    while chunk := list(islice(iterator, _CHUNK)):
        yield from processor.encode(chunk, training)


def _probe_rows(store: ArrayStore) -> npt.NDArray[np.int64]:
    """Numbers of a few examples, from the shortest to the one of median length: a padded batch that is quick to run."""
    order = np.argsort(store.lengths, kind="stable")
    return order[np.linspace(0, (len(order) - 1) // 2, min(_PROBE_ROWS, len(order))).astype(int)]


def _compress(path: Path) -> None:
    """Packs a `.keras` archive again with compression, which Keras leaves out; rounded weights shrink by half."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _digest(tokens: Array) -> bytes:
    return hashlib.sha256(tokens.tobytes()).digest()


def _write_whole(path: Path, text: str) -> None:
    """Writes `text` so that a process that dies meanwhile leaves the whole file or none."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)


def _identity(path: Path | None) -> str:
    if path is None:
        return ""
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    status = path.stat()
    return f"{path.name}|{status.st_size}|{status.st_mtime_ns}"


def _paths(value: Any) -> list[Path]:
    if value is None:
        return []
    return [Path(value)] if isinstance(value, (str, os.PathLike)) else [Path(part) for part in value]
