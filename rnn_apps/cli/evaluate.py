"""`rnnapps evaluate MODEL`: a saved model against labelled data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rnn_apps.cli import completion
from rnn_apps.cli.columns import FILE, column_options, take_columns
from rnn_apps.cli.output import print_json
from rnn_apps.errors import ConfigError
from rnn_apps.inference.deadline import working_until_interrupt
from rnn_apps.model import load
from rnn_apps.progress import Reporter
from rnn_apps.sources import file_source, tfds_source


@click.command("evaluate")
@click.argument("model", shell_complete=completion.models)
@click.option("--data", multiple=True, type=FILE, metavar="PATH", help="Labelled data.")
@click.option("--dataset", metavar="tfds:NAME", help="A TensorFlow dataset instead of files.")
@click.option("--split", help='The part of the dataset ("test" if left out), or of a file that is divided itself.')
@column_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@working_until_interrupt()
def command(
    model: str, data: tuple[Path, ...], dataset: str | None, split: str | None, as_json: bool, **columns: Any
) -> None:
    """Measure the saved MODEL (a name or a folder) on labelled data."""
    if bool(data) == bool(dataset):
        raise ConfigError("Expected either --data PATH or --dataset tfds:NAME.")
    loaded = load(model)
    if dataset:
        source = tfds_source(loaded.task, dataset, split or "test")
    else:
        source = file_source(loaded.task, data, split, take_columns(columns))
        if source.validation is not None:
            raise ConfigError(
                f"{data[0]} is divided. Say which part with --split: {', '.join(loaded.task.splits(data))}"
            )
    for line in source.survey().lines():
        click.echo(line, err=True)
    count, metrics = loaded.evaluate(Reporter().track(source, "evaluating"))
    if as_json:
        facts = {"task": loaded.task.name, "model": loaded.bundle.name, "examples": count, "metrics": metrics}
        print_json(facts)
        return
    click.echo(f"{loaded.bundle.name} on {source.facts['dataset']} ({count:,} examples)")
    for name, value in metrics.items():
        click.echo(f"  {name:<10} {value:.4f}")
