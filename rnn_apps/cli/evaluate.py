"""`rnnapps evaluate MODEL`: a saved model against labelled data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from rnn_apps.cli import completion
from rnn_apps.cli.columns import FILE, column_options, take_columns
from rnn_apps.cli.output import print_json
from rnn_apps.data.files import write_whole
from rnn_apps.errors import ConfigError, OutputError
from rnn_apps.inference.deadline import working_until_interrupt
from rnn_apps.model import Model, load
from rnn_apps.progress import Reporter
from rnn_apps.sources import Source, file_source, tfds_source


@click.command("evaluate")
@click.argument("model", shell_complete=completion.models)
@click.option("--data", multiple=True, type=FILE, metavar="PATH", help="Labelled data.")
@click.option("--dataset", metavar="tfds:NAME", help="A TensorFlow dataset instead of files.")
@click.option("--split", help='The part of the dataset ("test" if left out), or of a file that is divided itself.')
@column_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.option("--details", is_flag=True, help="Show each class or type, and the mistakes that were surest.")
@click.option("--report", type=FILE, metavar="FILE.html", help="Write all of it as a page that works offline.")
@click.option("--compare", metavar="MODEL", shell_complete=completion.models, help="Set another model beside it.")
@click.option("--overwrite", is_flag=True, help="Replace a report that is there.")
@working_until_interrupt()
def command(
    model: str,
    data: tuple[Path, ...],
    dataset: str | None,
    split: str | None,
    as_json: bool,
    details: bool,
    report: Path | None,
    compare: str | None,
    overwrite: bool,
    **columns: Any,
) -> None:
    """Measure the saved MODEL (a name or a folder) on labelled data.

    With --compare both models answer the same examples, and a paired bootstrap says whether the difference is more than
    chance.
    """
    if report:
        _check_report(report, overwrite)
    if bool(data) == bool(dataset):
        raise ConfigError("Expected either --data PATH or --dataset tfds:NAME.")
    loaded = load(model)
    other = load(compare) if compare else None
    if other and other.task.name != loaded.task.name:
        raise ConfigError(
            f"Expected a model of the task '{loaded.task.name}' to compare. '{compare}' solves '{other.task.name}'."
        )
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
    if details or report or other:
        _in_detail(loaded, other, source, report, as_json)
        return
    count, metrics = loaded.evaluate(Reporter().track(source, "evaluating"))
    if as_json:
        print_json(_facts(loaded, count, metrics))
        return
    click.echo(f"{loaded.bundle.name} on {source.facts['dataset']} ({count:,} examples)")
    for name, value in metrics.items():
        click.echo(f"  {name:<10} {value:.4f}")


def _facts(model: Model, count: int, metrics: dict[str, float]) -> dict[str, Any]:
    return {"task": model.task.name, "model": model.bundle.name, "examples": count, "metrics": metrics}


def _check_report(path: Path, overwrite: bool) -> None:
    if path.suffix.lower() != ".html":
        raise ConfigError(f"Expected a report that ends in .html. Received: {path}")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists. Choose another name, or give --overwrite to replace it.")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"{path} cannot be written: there is no folder {path.absolute().parent}.")


def _in_detail(model: Model, other: Model | None, source: Source, report: Path | None, as_json: bool) -> None:
    from rnn_apps.evaluation import compare, evaluate_in_detail, report_page

    reporter = Reporter()
    models = [own for own in (model, other) if own]
    evaluations = [evaluate_in_detail(own, reporter.track(source, f"evaluating {own.bundle.name}")) for own in models]
    comparison = compare(evaluations[0], evaluations[1]) if other else None
    if report:
        title = f"{' and '.join(own.model for own in evaluations)} on {source.facts['dataset']}"
        write_whole(report, report_page(title, evaluations, comparison).encode("utf-8", "replace"))
    if as_json:
        found = [
            _facts(own, each.examples, each.metrics) | each.as_dict()
            for own, each in zip(models, evaluations, strict=True)
        ]
        beside = {"compared": asdict(comparison)} if comparison else {}
        print_json({**found[0], **({"other": found[1]} if other else {}), **beside})
        return
    from rnn_apps.cli.pictures import show
    from rnn_apps.cli.terminal import console

    screen = console()
    for own in evaluations:
        screen.print(f"{own.model} on {source.facts['dataset']} ({own.examples:,} examples)", markup=False)
        show(screen, own.tables())
    if comparison:
        show(screen, comparison.views())
    if report:
        click.echo(report)
