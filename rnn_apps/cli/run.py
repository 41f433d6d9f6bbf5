"""`rnnapps run TASK`: from data to a saved model that answers."""

from __future__ import annotations

import json
import os
import shlex
import sys
from itertools import islice
from typing import Any

import click
from rich.markup import escape

from rnn_apps.cli import completion
from rnn_apps.cli.options import run_from_options, training_options
from rnn_apps.cli.serve import check_serving
from rnn_apps.cli.terminal import console, draw
from rnn_apps.errors import OutputError
from rnn_apps.model import Model
from rnn_apps.task import Shape
from rnn_apps.training.run import Run

_SHOWN, _LOOKED_AT = 3, 100
_SHORT = 200  # letters of a text, or tokens of a sentence


@click.command("run")
@click.argument("task", shell_complete=completion.tasks)
@training_options
@click.option("--serve", is_flag=True, help="Then serve the model over HTTP.")
def command(task: str, serve: bool, **options: Any) -> None:
    """Train a model for TASK, evaluate it, save it, and show what it says.

    An interrupted run goes on when the command is repeated; a finished one is loaded and shown.
    """
    if serve:
        check_serving()
    run = run_from_options(task, **options)
    model = (None if run.overwrite else _finished(run)) or run.execute()
    show_model(model, run)
    if serve:
        _serve(model)


def _finished(run: Run) -> Model | None:
    model = run.finished()
    if model is None and run.output.is_dir():
        raise OutputError(
            f"{run.output} exists, and not from these settings and data. Choose another --output, or train anew with "
            "--overwrite."
        )
    if model is not None:
        run.reporter.stage("Already trained", f"{run.output} (--overwrite trains anew)")
    return model


def _serve(model: Model) -> None:
    """Goes on as `rnnapps serve`, which leaves TensorFlow and all that training has filled behind."""
    sys.stdout.flush()
    start = "from rnn_apps.cli.main import main; main()"
    os.execv(sys.executable, [sys.executable, "-c", start, "serve", str(model.bundle.folder)])


def _shown_inputs(model: Model, run: Run) -> tuple[list[Any], str]:
    """Returns a few inputs to answer, of one's own data where there is any, and where they are from."""
    source = run.valid or run.source
    if source.name != "sample":
        inputs = [model.task.input_of(example) for example in islice(source, _LOOKED_AT)]
        own = [given for given in inputs if given is not None]
        if own:
            own.sort(key=lambda given: len(given) > _SHORT)
            return own[:_SHOWN], f"  for examples of {source.facts['dataset']}"
    return list(model.predictor.examples), ""


def _typed(given: Any) -> str:
    """An input as one would type it: a text, or numbers or tokens in JSON."""
    text = given if isinstance(given, str) else json.dumps(getattr(given, "tolist", lambda: given)())
    return f"-- {shlex.quote(text)}" if text.startswith("-") else shlex.quote(text)


def show_model(model: Model, run: Run) -> None:
    """Prints the metrics of a model, its answers to the task's example inputs, and what to try next."""
    screen = console()
    facts = model.bundle.manifest
    screen.print(f"\n[bold]Evaluation[/bold]  on {facts['data']['validation_examples']:,} examples not trained on")
    for name, value in facts["metrics"].items():
        screen.print(f"  {name:<10} {value:.4f}")
    if run.source.name == "sample":
        screen.print("  [dim](the built-in sample: little data, to try the program on)[/dim]")
    examples, heading = _shown_inputs(model, run)
    if examples:
        screen.print(f"\n[bold]Predictions[/bold]{escape(heading)}")
    for given, prediction in zip(examples, model.predict(examples), strict=True):
        screen.print(*draw(given, model.predictor.terminal_views(given, prediction)), sep="\n")
    name = model.bundle.name
    screen.print(f"\n[bold]Saved[/bold]  {escape(str(model.bundle.folder))}\n\n[bold]Try next[/bold]")
    if model.task.shape is Shape.ONE_TO_MANY:
        screen.print(f"  rnnapps generate {name} --seed 1", markup=False)
    elif examples:
        argument = _typed(examples[0]) if heading else model.predictor.example_argument
        screen.print(f"  rnnapps predict {name} {argument}", markup=False, soft_wrap=True)
    screen.print(f"  rnnapps run {model.task.name} --data FILE", markup=False)
    screen.print(f"  rnnapps evaluate {name} --data FILE", markup=False)
