"""`rnnapps join A B C --output D`: several saved models as one."""

from __future__ import annotations

import time
from pathlib import Path

import click

from rnn_apps.cli import completion
from rnn_apps.cli.columns import FILE
from rnn_apps.joining import join
from rnn_apps.model import Model, load


@click.command("join")
@click.argument("models", nargs=-1, shell_complete=completion.models)
@click.option("--output", required=True, type=FILE, metavar="DIR", help="Where the joined model goes.")
@click.option("--overwrite", is_flag=True, help="Replace a saved model that is there.")
def command(models: tuple[str, ...], output: Path, overwrite: bool) -> None:
    """Join saved MODELS that pick a class into one bundle whose answers are averaged.

    The models must be of one task and have the same classes. The joined one predicts, evaluates and serves like any
    other, and says what it costs.
    """
    members = [load(name) for name in models]
    joined = join(members, output.expanduser().absolute(), overwrite)
    each, together = (_milliseconds(own) for own in (members, [joined]))
    click.echo(f"an answer takes {together:.1f} ms; one model alone takes {each / len(members):.1f} ms", err=True)
    click.echo(output)


def _milliseconds(models: list[Model]) -> float:
    """The time of one answer of each, after one to warm up."""
    total = 0.0
    for model in models:
        given = model.predictor.examples[:1]
        model.predict(given)
        started = time.perf_counter()
        model.predict(given)
        total += time.perf_counter() - started
    return 1000 * total
