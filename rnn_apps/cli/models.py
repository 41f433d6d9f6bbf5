"""`rnnapps models`: what has been trained."""

from __future__ import annotations

import click

from rnn_apps.bundle import model_folders, read_bundle
from rnn_apps.errors import BundleError


@click.command("models")
def command() -> None:
    """List the saved models: those in ./saved_models, then those that ship."""
    folders = model_folders()
    if not folders:
        click.echo("There is no saved model yet. Train one with: rnnapps run TASK")
    for name, folder in folders.items():
        try:
            facts = read_bundle(folder).manifest
        except BundleError as error:
            click.echo(f"{name:<24} broken: {error}")
            continue
        metrics = "  ".join(f"{metric} {value:.4f}" for metric, value in facts["metrics"].items())
        click.echo(f"{name:<24} {facts['task']:<12} {facts['parameters']:>10,} parameters  {metrics}")
