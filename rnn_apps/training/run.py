"""From examples to a saved model: prepare the data, train, save.

All that a run has done so far lies in a folder beside its output, `.NAME.training`; repeating the run goes on from
there, and a finished run removes it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from rnn_apps.bundle import LOCAL_MODELS, Bundle, check_output, explained_failures, read_bundle, write_bundle
from rnn_apps.config import CellName, TaskConfig, load_config
from rnn_apps.data.batching import WHOLE, Share
from rnn_apps.data.files import fingerprint
from rnn_apps.data.lock import locked
from rnn_apps.data.readers.columns import AS_SEEN, Columns
from rnn_apps.data.readers.labelled import read_texts
from rnn_apps.data.shards import local_copies
from rnn_apps.environment import require_training_packages, start_tensorflow
from rnn_apps.errors import ConfigError, DataError, NotFoundError, RnnAppsError, TrainingError
from rnn_apps.evaluation import evaluate_in_detail
from rnn_apps.kernels import ahead
from rnn_apps.model import Model, load
from rnn_apps.progress import Reporter
from rnn_apps.sources import Source, file_source, parts_of, paths_of, sample_source, tfds_source
from rnn_apps.task import Network, Task, find_task
from rnn_apps.training.card import errors_of, manifest, training_facts
from rnn_apps.training.checkpoint import Row
from rnn_apps.training.prepare import Preparation, PreparedData, Spread, language_rows, one_by_one
from rnn_apps.training.start import Start, check_settings, first_config, start_facts
from rnn_apps.training.unfinished import interrupted_run, open_work

if TYPE_CHECKING:
    from rnn_apps.training.pretraining import Pretrained

_JUDGED = 5_000
"""Validation examples, one by one, for what the card says of errors."""


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
        columns: how the unlabelled file is to be read, as far as it was said.
        about: what the data is and how it is licensed, for the model card.
        command: the command that started the run, for the model card.
        callbacks: Keras callbacks.
        strategy: a `tf.distribute.Strategy`.
        start: the saved model that is gone on from.
        data_folder: where encoded data lies that several runs share; each has its own if left out.
        reporter: what shows the progress.
        spread: who prepares the data, where it has several parts.
    """

    task: Task[Any, Any]
    config: TaskConfig
    source: Source
    valid: Source | None = None
    unlabelled: Path | None = None
    output: Path = Path()
    overwrite: bool = False
    columns: Columns = AS_SEEN
    about: str = ""
    command: str = ""
    callbacks: Sequence[Any] = ()
    strategy: Any = None
    start: Start | None = None
    data_folder: Path | None = None
    reporter: Reporter = field(default_factory=Reporter)
    spread: Spread = one_by_one
    _opened: bool = field(default=False, init=False)

    @property
    def work(self) -> Path:
        """The folder that holds the unfinished run."""
        return self.output.parent / f".{self.output.name}.training"

    @property
    def files(self) -> list[Path]:
        """The files of this machine that its examples are read from."""
        return [path for source in filter(None, (self.source, self.valid)) for path in source.files]

    @cached_property
    def fingerprint(self) -> str:
        """A digest of everything that decides the result."""
        parts = [self.task.name, self.config.model_dump_json(), self.source.identity]
        parts += [self.valid.identity if self.valid else "", fingerprint(self.unlabelled) if self.unlabelled else ""]
        parts += [self.start.identity] if self.start else []
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @cached_property
    def network(self) -> Network[Any, Any]:
        """What is trained; asked for after TensorFlow has started."""
        return self.task.new_network()

    def finished(self) -> Model | None:
        """Returns the saved model if a run with the same settings and data has ended here before."""
        try:
            bundle = read_bundle(self.output)
        except NotFoundError:
            return None
        if bundle.manifest.get("fingerprint") != self.fingerprint:
            return None
        if interrupted_run(self.work) == self.fingerprint:  # killed after the model was saved
            with locked(self.output):
                shutil.rmtree(self.work, ignore_errors=True)
        return Model(bundle)

    def execute(self) -> Model:
        """Trains, or goes on training, and saves.

        Raises:
            RnnAppsError: whatever is wrong with output, data or settings, before anything is written to the output.
        """
        check_output(self.output, self.overwrite)
        require_training_packages()
        check_settings(self.start, self.task, self.config, self.unlabelled is not None)
        with explained_failures(self.output), locked(self.output):
            try:
                return self._execute()
            except (ConfigError, DataError, TrainingError):  # the same command would fail again
                shutil.rmtree(self.work, ignore_errors=True)
                raise

    def prepare(self) -> PreparedData:
        """Opens the folder of the unfinished run, and encodes its data into it or finds it there.

        Raises:
            RnnAppsError: whatever is wrong with data or settings.
        """
        if self._opened:
            return self.prepared()
        open_work(self.work, self.output, self.fingerprint, self.command, self.overwrite)
        self._opened = True
        self.reporter.stage("Data", self.source.facts["dataset"])
        self._tell_how_the_data_is_read()
        try:
            data = self.prepared()
        except BaseException as error:  # half of a file is of no use to anybody; of many files those that are done are
            if isinstance(error, RnnAppsError) or len(self.source.parts) == 1:
                shutil.rmtree(self.work, ignore_errors=True)
            raise
        self.reporter.note(f"{len(data.train):,} examples to train on, {len(data.valid):,} to validate on")
        return data

    def take_part(self, share: Share) -> None:
        """Trains with others that do the same in this moment, each with its share of every batch."""
        assert not self.unlabelled
        self._train(self.prepared(), None, share)

    def _execute(self) -> Model:
        together = self._opened  # by many workers, who have ended
        cell = getattr(self.config.model, "cell", None)
        if cell in get_args(CellName):
            ahead.begin(Path(__file__).parents[1] / "layers" / f"{cell}.py")
        data = self.prepare()
        start_tensorflow("Training")
        pretrained = self._pretrain(data) if self.unlabelled else None
        if not together:
            self.reporter.stage("Training", f"{self.config.training.epochs} epochs at most")
        trainer, rows = self._train(data, pretrained)
        model = trainer.model
        if self.config.training.keep:
            from rnn_apps.training.transfer import keep

            keep(self._new_model(data), model, self.config.training.keep)

        self.reporter.stage("Saving", str(self.output))
        training = training_facts(self.task, rows, data.seconds, pretrained, self.command)
        parameters = int(model.count_params())
        facts = manifest(self.task, self.config, self.fingerprint, parameters, self._data_facts(data), training)

        def write(folder: Path) -> None:
            from rnn_apps.training.save import save_history_and_card, save_model

            facts.update(
                save_model(
                    folder, model, self.task, self.network, self.config, data.processor, data.valid, self.reporter
                )
            )
            saved = Model(Bundle(folder, facts))
            trained, validated = self._examples(data)
            count = min(_JUDGED, len(data.valid))
            evaluation = evaluate_in_detail(
                saved, self.reporter.track(islice(validated, count), "looking for errors", count)
            )
            facts["errors"] = errors_of(evaluation, evaluation.examples == len(data.valid))
            facts["report"] = self.task.report(saved.bundle, trained, validated)
            if self.start:
                facts["start"] = start_facts(self.start, self.task, saved, self.columns, self.reporter)
            trainer.recording.save(folder, trainer.step.norms.layers)
            save_history_and_card(folder, self.task, facts, rows, self.output.name)

        bundle = write_bundle(self.output, facts, write, self.overwrite)
        shutil.rmtree(self.work)
        return Model(bundle)

    def prepared(self) -> PreparedData:
        """Encodes the data into its folder, or finds it there."""
        texts = read_texts(self.unlabelled, self.columns) if self.unlabelled else ()
        processor = self.start.processor if self.start else None
        folder = self.data_folder or self.work
        folder.mkdir(exist_ok=True)
        return Preparation(
            self.task, self.config, self.source, self.valid, folder, self.reporter, texts, processor, self.spread
        ).run()

    def _tell_how_the_data_is_read(self) -> None:
        for source in filter(None, (self.source, self.valid)):
            for line in source.survey().lines():
                self.reporter.note(line)

    def _pretrain(self, data: PreparedData) -> Pretrained:
        from rnn_apps.training.pretraining import pretrain

        assert self.unlabelled
        return pretrain(
            lambda: self.network.language_layers(self._new_model(data)),
            language_rows(data, self.unlabelled, self.columns, self.reporter),
            data.valid.rows(),
            self.config.pretraining,
            self.config.seed,
            self.work / "pretraining",
            self.reporter,
        )

    def _new_model(self, data: PreparedData) -> Any:
        """Returns the model as it is before anything is learnt here: what it goes on from is in it."""
        from rnn_apps.training.transfer import carry_over, freeze

        model = self.network.build(self.config, data.processor)
        if self.start:
            carry_over(self.start, self.network, model, data.processor)
            freeze(model, self.config.training.freeze)
        return model

    def _train(self, data: PreparedData, pretrained: Pretrained | None, share: Share = WHOLE) -> tuple[Any, list[Row]]:
        from rnn_apps.training.trainer import Problem, Trainer

        def build_model() -> Any:
            model = self._new_model(data)
            if pretrained:
                weights = [weight for layer in self.network.language_layers(model) for weight in layer.weights]
                for weight, value in zip(weights, pretrained.weights, strict=True):
                    weight.assign(value)
            return model

        problem = Problem(
            build_model=build_model,
            loss=self.network.loss,
            metrics=lambda: self.task.metrics(data.processor, {}),
            monitor=self.task.monitor,
            monitor_mode=self.task.monitor_mode,
            augment=data.processor.augment,
        )
        trainer = Trainer(
            problem,
            data.train,
            data.valid,
            self.config.training,
            self.config.seed,
            self.work / "training",
            strategy=self.strategy,
            callbacks=self.callbacks,
            reporter=self.reporter,
            share=share,
        )
        rows = trainer.fit()
        return trainer, rows

    def _data_facts(self, data: PreparedData) -> dict[str, Any]:
        """What the model card says of the data."""
        return {
            **self.source.facts,
            "unlabelled": self.unlabelled.name if self.unlabelled else "",
            "about": self.about,
            "training_examples": len(data.train),
            "validation": self.valid.facts["dataset"] if self.valid else "a held-out part of the same data",
            "validation_examples": len(data.valid),
            "validation_seen": data.seen,
        }

    def _examples(self, data: PreparedData) -> tuple[Iterable[Any], Iterable[Any]]:
        """The examples that were trained on, and those that were validated on."""
        return (self.source, self.valid) if self.valid else data.chosen


def train(
    task: str,
    data: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    *,
    dataset: str | None = None,
    valid: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    unlabelled: str | os.PathLike[str] | None = None,
    config: Mapping[str, Any] | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    columns: Columns = AS_SEEN,
    callbacks: Sequence[Any] = (),
    strategy: Any = None,
    start: str | os.PathLike[str] | None = None,
    old_data: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Model:
    """Trains a model and saves it; without `data` or `dataset`, on the task's built-in sample.

    Args:
        task: name of the task.
        data: a data file (several where the task reads files that belong together).
        dataset: a TensorFlow dataset, `tfds:NAME`.
        valid: validation data; a part of the data is held out if left out.
        unlabelled: a file of texts without labels to learn the language from first.
        config: settings that differ from the defaults, as a nested mapping.
        output: folder of the saved model; `saved_models/TASK-SOURCE` if left out.
        overwrite: replace what is in `output`.
        columns: which columns of the files hold text and label (or token and tag), and their encoding; as seen in the
            files where left out.
        callbacks: Keras callbacks.
        strategy: a `tf.distribute.Strategy` for several devices.
        start: a saved model to go on from, a name or a folder.
        old_data: what that model was validated on, to measure what is forgotten.
        progress: show on stderr what goes on.

    Returns:
        the saved model, ready to predict. An interrupted run of the same settings is resumed.

    Raises:
        RnnAppsError: for anything that is wrong with the arguments, the data or the output.
    """
    found = find_task(task)
    first = load(start) if start is not None else None
    run = new_run(
        found,
        load_config(found.Config, values=config, base=first_config(first, found) if first else None),
        data=paths_of(data),
        dataset=dataset,
        valid=paths_of(valid),
        unlabelled=Path(unlabelled) if unlabelled is not None else None,
        output=Path(output) if output is not None else None,
        overwrite=overwrite,
        columns=columns,
        callbacks=callbacks,
        strategy=strategy,
        start=Start(first, Path(old_data) if old_data is not None else None) if first else None,
        reporter=Reporter(progress),
    )
    return run.execute()


def new_run(
    task: Task[Any, Any],
    config: TaskConfig,
    *,
    data: Sequence[Path] = (),
    dataset: str | None = None,
    valid: Sequence[Path] = (),
    output: Path | None = None,
    columns: Columns = AS_SEEN,
    **others: Any,
) -> Run:
    """Finds the sources and the output of a run; see `Run` for the other arguments.

    Raises:
        ConfigError: if both `data` and `dataset` are given.
        DataError: if a source cannot be opened.
    """
    if data and dataset:
        raise ConfigError("Expected --data or --dataset. Received both.")
    with local_copies(parts_of(task, data)[0] if data else ()) as first:
        config = task.settled(config, first, columns)
    task = task.adapted(config.model_dump())
    if data:
        source = file_source(task, data, columns=columns)
    else:
        source = tfds_source(task, dataset) if dataset else sample_source(task)
    given = file_source(task, valid, columns=columns) if valid else source.validation
    output = output or LOCAL_MODELS / f"{task.name}-{source.name}"
    return Run(task, config, source, given, output=output.expanduser().absolute(), columns=columns, **others)
