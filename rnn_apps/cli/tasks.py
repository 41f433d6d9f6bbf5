"""`rnnapps tasks`: what can be trained."""

from __future__ import annotations

import click

from rnn_apps.task import find_task, task_names


@click.command("tasks")
def command() -> None:
    """List the installed tasks."""
    for name in task_names():
        task = find_task(name)
        click.echo(f"{name:<12} {task.shape.value:<24} {task.summary}")
