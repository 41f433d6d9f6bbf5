"""`rnnapps models`: what has been trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rnn_apps.bundle import model_folders, read_bundle
from rnn_apps.cli.output import print_json
from rnn_apps.errors import BundleError


@click.command("models")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list on stdout.")
def command(as_json: bool) -> None:
    """List the saved models: those in ./saved_models, then those that ship."""
    models = [_described(name, folder) for name, folder in model_folders().items()]
    if as_json:
        print_json(models)
        return
    if not models:
        click.echo("There is no saved model yet. Train one with: rnnapps run TASK")
    for model in models:
        if "error" in model:
            click.echo(f"{model['name']:<24} broken: {model['error']}")
            continue
        metrics = "  ".join(f"{metric} {value:.4f}" for metric, value in model["metrics"].items())
        click.echo(f"{model['name']:<24} {model['task']:<12} {model['parameters']:>10,} parameters  {metrics}")


def _described(name: str, folder: Path) -> dict[str, Any]:
    """Name, folder, task, size and quality of a saved model; of a broken one, what is wrong with it."""
    try:
        facts = read_bundle(folder).manifest
    except BundleError as error:
        return {"name": name, "folder": str(folder), "error": str(error)}
    return {"name": name, "folder": str(folder), **{key: facts[key] for key in ("task", "parameters", "metrics")}}
