"""`rnnapps train TASK`: a new saved model, never in the place of an old one."""

from __future__ import annotations

from typing import Any

import click

from rnn_apps.cli import completion
from rnn_apps.cli.options import run_from_options, training_options


@click.command("train")
@click.argument("task", shell_complete=completion.tasks)
@training_options
def command(task: str, **options: Any) -> None:
    """Train a model for TASK and save it.

    Refuses an output that exists, unless --overwrite is given; an interrupted run goes on.
    """
    model = run_from_options(task, **options).execute()
    click.echo(model.bundle.folder)
