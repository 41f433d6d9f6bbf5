"""`rnnapps tune TASK`: a search for settings that ends with the best model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rnn_apps.cli import completion
from rnn_apps.cli.columns import FILE
from rnn_apps.cli.options import run_from_options, training_options
from rnn_apps.cli.workers import worker_options
from rnn_apps.cluster.engine import require_ray, team


@click.command("tune")
@click.argument("task", shell_complete=completion.tasks)
@training_options
@click.option("--trials", type=click.IntRange(1), default=30, show_default=True, help="So many trials at most.")
@click.option(
    "--minutes", type=click.FloatRange(0), default=0.0, help="So long at most, trials begun are ended; 0: no limit."
)
@click.option("--space", type=FILE, metavar="FILE.toml", help="What may change; a space for every task is built in.")
@worker_options("Try settings side by side")
def command(
    task: str,
    trials: int,
    minutes: float,
    space: Path | None,
    workers: int | None,
    cluster: str | None,
    cores_per_worker: int,
    **options: Any,
) -> None:
    """Search for settings of TASK, and save the best model.

    Every trial is an ordinary run; the first has the settings as they are. One that gets nowhere is ended early, and a
    search that was killed goes on when the command is repeated. Beside the model, in NAME.tuning, lie a table of the
    trials and pictures of what mattered. With --workers so many are tried at a time.
    """
    from rnn_apps.training.tuning import Tuning, built_in_space, read_space

    run = run_from_options(task, **options)
    chosen = read_space(space) if space else built_in_space(run.config)
    search = None
    if together := team(workers, cluster, cores_per_worker):
        require_ray()
        from rnn_apps.cluster.tuning import side_by_side

        search = side_by_side(together)
    model = Tuning(run, chosen, trials, minutes, workers or 1).execute(search)
    click.echo(model.bundle.folder)
