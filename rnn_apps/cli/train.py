"""`rnnapps train TASK`: a new saved model, never in the place of an old one; or one for each fold of the data."""

from __future__ import annotations

from typing import Any

import click

from rnn_apps.cli import completion
from rnn_apps.cli.options import run_from_options, training_options
from rnn_apps.training.folds import cross_validate, folder_of, spread
from rnn_apps.training.run import Run


@click.command("train")
@click.argument("task", shell_complete=completion.tasks)
@training_options
@click.option(
    "--folds", type=click.IntRange(2), metavar="K", help="Cross-validate: K models, each measured on its part."
)
def command(task: str, folds: int | None, **options: Any) -> None:
    """Train a model for TASK and save it.

    Refuses an output that exists, unless --overwrite is given; an interrupted run goes on.

    With --folds the data is divided into K parts, and a model is trained without each: their metrics are given with
    mean and spread, and the models lie in NAME-folds, from where they can be joined.
    """
    run = run_from_options(task, **options)
    if folds:
        _cross_validate(run, folds)
        return
    click.echo(run.execute().bundle.folder)


def _cross_validate(run: Run, folds: int) -> None:
    models = cross_validate(run, folds)
    for number, model in enumerate(models, 1):
        told = "  ".join(f"{name} {value:.4f}" for name, value in model.bundle.manifest["metrics"].items())
        click.echo(f"fold {number}  {told}")
    click.echo("mean    " + "  ".join(f"{name} {mean:.4f} ± {own:.4f}" for name, (mean, own) in spread(models).items()))
    click.echo(folder_of(run))
