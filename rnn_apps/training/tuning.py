"""A search for settings: Optuna proposes, every trial is an ordinary run, and the best one's model is kept.

Everything lies in a folder beside the output, `NAME.tuning`: the study (SQLite, so a search that was killed goes on),
the encoded data that the trials share, and each trial's run under the digest of its settings, which goes on from its
checkpoint when it comes again. At the end stand there a table and two pictures.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from rnn_apps.bundle import check_output
from rnn_apps.config import TaskConfig, load_config
from rnn_apps.environment import require_training_packages, start_tensorflow
from rnn_apps.errors import ConfigError, MissingExtraError, TrainingError
from rnn_apps.model import Model, load
from rnn_apps.progress import Reporter
from rnn_apps.training.run import Run

_STUDY = "study.db"
_TABLE = "trials.csv"
_WARMUP_TRIALS, _WARMUP_EPOCHS = 4, 1


@dataclass(frozen=True)
class Choice:
    """What a setting may be.

    Attributes:
        name: of the setting, such as "model.units".
        low, high: the bounds of a number, both included; whole numbers where both are whole.
        logarithmic: whether a number is drawn evenly on a logarithmic scale.
        choices: the values, of a setting that is no number.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    logarithmic: bool = False
    choices: tuple[Any, ...] = ()

    def suggest(self, trial: Any) -> Any:
        """Returns the value that a trial is to try."""
        if self.choices:
            return trial.suggest_categorical(self.name, list(self.choices))
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(self.name, self.low, self.high, log=self.logarithmic)
        return trial.suggest_float(self.name, self.low, self.high, log=self.logarithmic)

    def holds(self, value: Any) -> bool:
        """Whether a value lies within it."""
        return value in self.choices if self.choices else self.low <= value <= self.high


def built_in_space(config: TaskConfig) -> list[Choice]:
    """Returns what is searched unless one says otherwise: learning rate, batch, clipping, width and every dropout.

    Args:
        config: the settings to start from.
    """
    rate, batch = config.training.learning_rate, config.training.batch_size
    space = [
        Choice("training.learning_rate", rate / 5, rate * 5, logarithmic=True),
        Choice("training.batch_size", choices=tuple(sorted({max(batch // 2, 1), batch, 2 * batch}))),
        Choice("training.clipping.threshold", 0.25, 4.0, logarithmic=True),
    ]
    for name, value in config.model.model_dump().items():
        if name == "units":
            space.append(Choice("model.units", choices=tuple(sorted({max(value // 2, 1), value, value * 3 // 2}))))
        elif "dropout" in name and isinstance(value, float):
            space.append(Choice(f"model.{name}", 0.0, 0.6))
    return space


def read_space(path: Path) -> list[Choice]:
    """Reads a space from TOML: for each setting `low` and `high` (and `log = true`), or `choices`.

    Raises:
        ConfigError: with the setting for anything that does not fit.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as a space of settings: {error}.") from None
    found = [_choice(path, name, table) for name, table in _settings(tables)]
    if not found:
        raise ConfigError(f"{path} names no setting. Expected tables such as [model.units] with choices = [64, 128].")
    return found


def _settings(tables: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Mapping[str, Any]]]:
    found = []
    for name, value in tables.items():
        if not isinstance(value, Mapping):
            raise ConfigError(f"Expected a table for each setting, such as [model.units]. Received: {prefix}{name}.")
        if {"choices", "low", "high"} & value.keys():
            found.append((prefix + name, value))
        else:
            found += _settings(value, f"{prefix}{name}.")
    return found


def _choice(path: Path, name: str, table: Mapping[str, Any]) -> Choice:
    if unknown := table.keys() - {"low", "high", "log", "choices"}:
        raise ConfigError(
            f"{path}, {name}: expected low, high, log or choices. Received: {', '.join(sorted(unknown))}."
        )
    if "choices" in table:
        if not isinstance(table["choices"], list) or not table["choices"]:
            raise ConfigError(f"{path}, {name}: expected a list of choices. Received: {table['choices']!r}.")
        return Choice(name, choices=tuple(table["choices"]))
    low, high, logarithmic = table.get("low"), table.get("high"), bool(table.get("log", False))
    if (
        not isinstance(low, (int, float))
        or not isinstance(high, (int, float))
        or not low < high
        or (logarithmic and low <= 0)
    ):
        raise ConfigError(f"{path}, {name}: expected low < high, above 0 with log. Received: {low!r} and {high!r}.")
    return Choice(name, low, high, logarithmic)


Search = Callable[["Tuning", Callable[[], None]], None]
"""(tuning, ended) -> nothing, after all trials; `ended` is called behind each."""


class Tuning:
    """A search for settings.

    Args:
        run: what is searched for: its output is where the best model goes, its settings are the first trial.
        space: what may change.
        trials: how many are tried at most, over all times that the search has run.
        minutes: how long is searched at most, likewise; 0 for no limit.
        side_by_side: how many trials are tried at a time.

    Raises:
        ConfigError: if a setting of the space does not exist or cannot have these values.
        MissingExtraError: if Optuna is not installed.
    """

    def __init__(
        self, run: Run, space: Sequence[Choice], trials: int, minutes: float = 0.0, side_by_side: int = 1
    ) -> None:
        try:
            import optuna
        except ImportError as error:
            raise MissingExtraError("A search for settings", "tune") from error
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.optuna = optuna
        self.run, self.space, self.trials, self.seconds = run, list(space), trials, 60 * minutes
        self.side_by_side = side_by_side
        self.folder = run.output.parent / f"{run.output.name}.tuning"
        for choice in self.space:  # says now what a trial would say in an hour
            for value in choice.choices or (choice.low, choice.high):
                self._config({choice.name: value})

    @cached_property
    def study(self) -> Any:
        """Optuna's study of this search, the one that stands in the folder if there is one."""
        storage = f"sqlite:///{self.folder / _STUDY}"
        study = self.optuna.create_study(
            study_name=self.run.fingerprint,
            storage=storage,
            load_if_exists=True,
            direction="maximize" if self.run.task.monitor_mode == "max" else "minimize",
            pruner=self.optuna.pruners.MedianPruner(_WARMUP_TRIALS, _WARMUP_EPOCHS),
        )
        seed = self.run.config.seed + len(study.trials)  # a search that goes on proposes nothing twice
        study.sampler = self.optuna.samplers.TPESampler(seed=seed, multivariate=True)
        return study

    def execute(self, search: Search | None = None) -> Model:
        """Searches, or goes on searching; returns the best model, saved.

        Args:
            search: who tries; this process, one trial after the other, if left out.

        Raises:
            RnnAppsError: whatever is wrong with output, data or settings.
        """
        check_output(self.run.output, self.run.overwrite)
        require_training_packages()
        start_tensorflow("Training")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._prepare_study()
        reporter = self.run.reporter
        reporter.stage("Search", f"{self.trials} trials at most, {len(self.space)} settings")
        with reporter.bar("trials", self.trials, self._count()) as bar:
            (search or _try_one_by_one)(self, lambda: bar.advance(note=self._standing()))
        if not any(trial.value is not None for trial in self._complete()):
            raise TrainingError(f"None of {self._count()} trials has ended well. {self.folder / _TABLE} says more.")
        self._write_table()
        self._draw()
        return self._keep_best()

    def _prepare_study(self) -> None:
        """What was under way when the search was killed comes first, and at the very first the settings as they are."""
        states = self.optuna.trial.TrialState
        for trial in self.study.get_trials(states=(states.RUNNING,)):
            self.study.tell(trial.number, state=states.FAIL)
        trials = self.study.get_trials()
        for trial in trials:
            again = any(trial.params in (later.params, _planned(later)) for later in trials[trial.number + 1 :])
            if trial.state is states.FAIL and "seconds" not in trial.user_attrs and not again:
                self.study.enqueue_trial(trial.params)
        if not self.study.get_trials():
            first = {choice.name: _value(self.run.config, choice.name) for choice in self.space}
            if all(choice.holds(first[choice.name]) for choice in self.space):
                self.study.enqueue_trial(first)

    def is_open(self, under_way: int = 0) -> bool:
        """Whether there is time and number for another trial.

        Args:
            under_way: trials that are tried in this moment.
        """
        return self._count() + under_way < self.trials and not self._time_is_over()

    def ask(self) -> tuple[Any, dict[str, Any]]:
        """Returns the next trial, and the settings that it is to try."""
        trial = self.study.ask()
        return trial, {choice.name: choice.suggest(trial) for choice in self.space}

    def tell(self, trial: Any, settings: Mapping[str, Any], seconds: float, how: str) -> None:
        """Takes the end of a trial down, and throws away what is not the best.

        Args:
            trial: of `ask`.
            settings: of it.
            seconds: that it took.
            how: it ended: "complete", "pruned", or "fail" where it could not be trained.
        """
        run, states = self.run_of(settings), self.optuna.trial.TrialState
        if how != "complete":
            trial.set_user_attr("seconds", seconds)
            self.study.tell(trial, state=states[how.upper()])
            shutil.rmtree(run.output.parent, ignore_errors=True)
            return
        value = _best_value(load(run.output), run)
        kept = {own.user_attrs.get("folder") for own in self._complete()}
        if self._is_best(value):
            trial.set_user_attr("folder", str(run.output))
        elif str(run.output) not in kept:
            shutil.rmtree(run.output, ignore_errors=True)
        trial.set_user_attr("seconds", seconds)
        self.study.tell(trial, value)

    def run_of(self, settings: Mapping[str, Any]) -> Run:
        """Returns the run that tries settings."""
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
        config = self._config(settings)
        shared = json.dumps([config.seed, config.data.model_dump(), config.training.class_weights], default=str)
        data = self.folder / f"data-{hashlib.sha256(shared.encode()).hexdigest()[:16]}"
        output = self.folder / digest / self.run.output.name
        output.parent.mkdir(exist_ok=True)
        quiet = Reporter(enabled=False)
        return replace(self.run, config=config, output=output, overwrite=False, data_folder=data, reporter=quiet)

    def _config(self, settings: Mapping[str, Any]) -> TaskConfig:
        lines = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
        return load_config(type(self.run.config), settings=lines, base=self.run.config.model_dump())

    def _is_best(self, value: float) -> bool:
        others = [trial.value for trial in self._complete()]
        sign = 1 if self.run.task.monitor_mode == "max" else -1
        return all(sign * value > sign * other for other in others)

    def _complete(self) -> list[Any]:
        return list(self.study.get_trials(states=(self.optuna.trial.TrialState.COMPLETE,)))

    def _count(self) -> int:
        states = self.optuna.trial.TrialState
        return len(self.study.get_trials(states=(states.COMPLETE, states.PRUNED))) + self._failures()

    def _failures(self) -> int:
        """Trials whose training could not go on; those that a kill has ended come again."""
        failed = self.study.get_trials(states=(self.optuna.trial.TrialState.FAIL,))
        return sum("seconds" in trial.user_attrs for trial in failed)

    def _time_is_over(self) -> bool:
        spent = sum(trial.user_attrs.get("seconds", 0.0) for trial in self.study.get_trials())
        return bool(self.seconds) and spent >= self.seconds * self.side_by_side

    def _standing(self) -> str:
        complete = self._complete()
        return f"best {self.run.task.monitor} {self.study.best_value:.4f}" if complete else ""

    def _keep_best(self) -> Model:
        best = max(
            (trial for trial in self._complete() if "folder" in trial.user_attrs), key=lambda trial: trial.number
        )
        folder = Path(best.user_attrs["folder"])
        if self.run.output.exists():
            shutil.rmtree(self.run.output)
        shutil.copytree(folder, self.run.output)
        for path in self.folder.iterdir():
            if path.is_dir() and path != folder.parent:  # a search that goes on may find no better one
                shutil.rmtree(path, ignore_errors=True)
        self.run.reporter.note(
            f"best of {self._count()} trials: {self.run.task.monitor} {self.study.best_value:.4f} with "
            + ", ".join(f"{name}={_short(value)}" for name, value in self.study.best_params.items())
        )
        return load(self.run.output)

    def _write_table(self) -> None:
        names = [choice.name for choice in self.space]
        with (self.folder / _TABLE).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["trial", "state", self.run.task.monitor, "seconds", *names])
            for trial in self.study.get_trials():
                seconds = round(trial.user_attrs.get("seconds", 0.0), 1)
                value = "" if trial.value is None else trial.value
                own = [trial.params.get(name, "") for name in names]
                writer.writerow([trial.number + 1, trial.state.name.lower(), value, seconds, *own])

    def _draw(self) -> None:
        """Draws the best value against the trials, and what mattered, where enough trials say so."""
        from rnn_apps.plots import draw_importance, draw_search

        complete = self._complete()
        values = [(trial.number + 1, float(trial.value)) for trial in complete]
        draw_search(self.folder / "history.png", values, self.run.task.monitor, self.run.task.monitor_mode)
        if len(complete) >= 2 * _WARMUP_TRIALS and len({value for _, value in values}) > 1:
            importance = self.optuna.importance.get_param_importances(self.study)
            draw_importance(self.folder / "importance.png", importance)


def told_of(trained: Run, told: Callable[[float, int], None]) -> Run:
    """Returns a run that tells of the monitor and the number of every epoch; what `told` raises ends it."""
    import keras

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            told(float((logs or {})[f"val_{trained.task.monitor}"]), epoch)

    return replace(trained, callbacks=[*trained.callbacks, Watch()])


def _try_one_by_one(tuning: Tuning, ended: Callable[[], None]) -> None:
    while tuning.is_open():
        trial, settings = tuning.ask()
        began, how = time.monotonic(), "complete"

        def told(value: float, epoch: int, trial: Any = trial) -> None:
            trial.report(value, epoch)
            if trial.should_prune():
                raise tuning.optuna.TrialPruned

        run = told_of(tuning.run_of(settings), told)
        try:
            _ = run.finished() or run.execute()
        except tuning.optuna.TrialPruned:
            how = "pruned"
        except TrainingError:
            how = "fail"
        tuning.tell(trial, settings, time.monotonic() - began, how)
        ended()


def _best_value(model: Model, run: Run) -> float:
    """The best value of the monitor in the history of a run."""
    with (model.bundle.folder / "history.csv").open(encoding="utf-8") as file:
        values = [float(row[f"val_{run.task.monitor}"]) for row in csv.DictReader(file)]
    return max(values) if run.task.monitor_mode == "max" else min(values)


def _value(config: TaskConfig, name: str) -> Any:
    value: Any = config
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _planned(trial: Any) -> Any:
    """The settings that a trial which waits is to have."""
    return trial.system_attrs.get("fixed_params")


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
