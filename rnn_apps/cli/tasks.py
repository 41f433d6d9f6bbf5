"""`rnnapps tasks`: what can be trained."""

from __future__ import annotations

import click

from rnn_apps.cli.output import print_json
from rnn_apps.task import find_task, task_names


@click.command("tasks")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list on stdout.")
def command(as_json: bool) -> None:
    """List the installed tasks."""
    tasks = [
        {"name": task.name, "shape": task.shape.value, "summary": task.summary} for task in map(find_task, task_names())
    ]
    if as_json:
        print_json(tasks)
        return
    for task in tasks:
        click.echo(f"{task['name']:<12} {task['shape']:<24} {task['summary']}")
