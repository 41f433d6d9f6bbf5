"""`rnnapps train TASK`: a new saved model, never in the place of an old one; or one for each fold of the data."""

from __future__ import annotations

from typing import Any

import click

from rnn_apps.cli import completion
from rnn_apps.cli.options import run_from_options, training_options
from rnn_apps.cli.workers import worker_options
from rnn_apps.cluster.engine import team
from rnn_apps.errors import ConfigError
from rnn_apps.training.folds import cross_validate, folder_of, spread
from rnn_apps.training.run import Run


@click.command("train")
@click.argument("task", shell_complete=completion.tasks)
@training_options
@click.option(
    "--folds", type=click.IntRange(2), metavar="K", help="Cross-validate: K models, each measured on its part."
)
@worker_options("Train one model")
@click.option("--gpus-per-worker", type=click.IntRange(0), default=0, metavar="G", help="With --workers. Default: 0.")
@click.option(
    "--elastic", type=click.IntRange(1), metavar="MIN", help="With --workers: go on with MIN of them or more."
)
def command(
    task: str,
    folds: int | None,
    workers: int | None,
    cluster: str | None,
    cores_per_worker: int,
    gpus_per_worker: int,
    elastic: int | None,
    **options: Any,
) -> None:
    """Train a model for TASK and save it.

    Refuses an output that exists, unless --overwrite is given; an interrupted run goes on.

    With --folds the data is divided into K parts, and a model is trained without each: their metrics are given with
    mean and spread, and the models lie in NAME-folds, from where they can be joined.

    With --workers the batches are shared by several processes; the result is that of one, but for what dropout draws.
    --data may be a folder of files, a pattern such as 'lake/*.parquet', or an address such as s3://bucket/lake.
    """
    together = team(workers, cluster, cores_per_worker, gpus_per_worker, elastic)
    if together and folds:
        raise ConfigError("The folds of a cross-validation are trained one by one. Leave --folds or --workers out.")
    run = run_from_options(task, **options)
    if together:
        from rnn_apps.cluster.training import train_together

        model = train_together(run, together)
        click.echo(model.bundle.folder)
        return
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
