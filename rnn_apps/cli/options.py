"""Options of the commands that train."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rnn_apps.cli.columns import COLUMN_OPTIONS, FILE, take_columns
from rnn_apps.config import load_config
from rnn_apps.environment import start_tensorflow
from rnn_apps.errors import ConfigError, MissingExtraError
from rnn_apps.model import load
from rnn_apps.progress import Reporter
from rnn_apps.task import find_task
from rnn_apps.training.run import Run, new_run
from rnn_apps.training.start import Start, first_config

Function = TypeVar("Function", bound=Callable[..., Any])

_TRAINING_OPTIONS = (
    click.option(
        "--data",
        multiple=True,
        type=FILE,
        metavar="PATH",
        help="Training data; give it twice where two files belong together. Default: the built-in sample.",
    ),
    click.option(
        "--valid",
        multiple=True,
        type=FILE,
        metavar="PATH",
        help="Validation data. Default: a part of the training data is held out.",
    ),
    click.option("--dataset", metavar="tfds:NAME", help="Train on a TensorFlow dataset instead of files."),
    click.option("--unlabelled", type=FILE, metavar="PATH", help="Texts without labels to learn from first."),
    click.option(
        "--vectors", type=FILE, metavar="PATH", help="Pretrained word vectors, GloVe's or word2vec's text format."
    ),
    click.option("--from", "start", metavar="MODEL", help="Go on from a saved model: a name or a folder."),
    click.option(
        "--freeze",
        multiple=True,
        type=click.Choice(["embedding", "encoder"]),
        help="With --from: layers that stay as they are; can be repeated.",
    ),
    click.option(
        "--old-data",
        type=FILE,
        metavar="PATH",
        help="With --from: what the old model was validated on, to measure what is forgotten.",
    ),
    *COLUMN_OPTIONS,
    click.option("--output", type=FILE, metavar="DIR", help="Where the model goes. Default: saved_models/TASK-SOURCE."),
    click.option("--config", "config_file", type=FILE, metavar="FILE.toml", help="Settings as TOML."),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="One setting, such as model.units=256 or training.clipping.kind=adaptive; can be repeated.",
    ),
    click.option("--seed", type=click.IntRange(0), help="What everything random follows from. Default: 0."),
    click.option("--overwrite", is_flag=True, help="Replace the saved model, or the interrupted run, that is there."),
    click.option("--about", default="", metavar="TEXT", help="What the data is and its licence, for the model card."),
    click.option(
        "--tensorboard",
        is_flag=False,
        flag_value="logs",
        metavar="[DIR]",
        help="Write TensorBoard logs to DIR/MODEL; logs if DIR is left out.",
    ),
    click.option("--mlflow", metavar="URI", help="Track the run with MLflow, at this address or in this folder."),
)


def training_options(function: Function) -> Function:
    """Adds the options that say what to train on, how, and where the model goes."""
    for option in reversed(_TRAINING_OPTIONS):
        function = option(function)
    return function


def run_from_options(
    task_name: str,
    *,
    data: tuple[Path, ...],
    valid: tuple[Path, ...],
    dataset: str | None,
    unlabelled: Path | None,
    vectors: Path | None,
    start: str | None,
    freeze: tuple[str, ...],
    old_data: Path | None,
    output: Path | None,
    config_file: Path | None,
    settings: tuple[str, ...],
    seed: int | None,
    overwrite: bool,
    about: str,
    tensorboard: str | None,
    mlflow: str | None,
    **columns: Any,
) -> Run:
    """Returns the run that the options describe."""
    task = find_task(task_name)
    if vectors is not None:
        settings = (*settings, f"data.vectors={json.dumps(str(vectors))}")
    if seed is not None:
        settings = (*settings, f"seed={seed}")
    if freeze:
        settings = (*settings, f"training.freeze={json.dumps(freeze)}")
    if old_data and not start:
        raise ConfigError("--old-data measures what a model forgets that is gone on from. Say which with --from.")
    first = load(start) if start else None
    run = new_run(
        task,
        load_config(task.Config, config_file, settings, base=first_config(first, task) if first else None),
        data=data,
        dataset=dataset,
        valid=valid,
        unlabelled=unlabelled,
        output=output,
        overwrite=overwrite,
        columns=take_columns(columns),
        about=about,
        start=Start(first, old_data) if first else None,
        command=shlex.join(["rnnapps", *sys.argv[1:]]),
        reporter=Reporter(),
    )
    if tensorboard:
        run.callbacks = [*run.callbacks, _tensorboard(Path(tensorboard) / run.output.name)]
    if mlflow:
        run.callbacks = [*run.callbacks, _mlflow(mlflow, run)]
    return run


def _tensorboard(folder: Path) -> Any:
    start_tensorflow("--tensorboard")
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        raise MissingExtraError("--tensorboard", "tensorboard") from None
    import keras

    return keras.callbacks.TensorBoard(log_dir=str(folder), write_graph=False)


def _mlflow(address: str, run: Run) -> Any:
    try:
        import mlflow  # noqa: F401
    except ImportError:
        raise MissingExtraError("--mlflow", "mlflow") from None
    start_tensorflow("--mlflow")
    from rnn_apps.training.tracking import MlflowCallback

    return MlflowCallback(address, run.task.name, run.output.name, run.config.model_dump(mode="json"))
