"""`rnnapps generate MODEL`: lets a model compose, and writes what comes as files beside each other."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import click

from rnn_apps.bundle import explained_failures
from rnn_apps.cli import completion
from rnn_apps.cli.columns import FILE
from rnn_apps.cli.model_options import ModelCommand, chosen_options
from rnn_apps.cli.output import print_json
from rnn_apps.data.files import write_whole
from rnn_apps.errors import ConfigError, OutputError
from rnn_apps.inference.deadline import working_until_interrupt
from rnn_apps.inference.predictor import Generated
from rnn_apps.model import Model, load
from rnn_apps.progress import Reporter
from rnn_apps.task import Shape, find_task, task_names
from rnn_apps.views import Audio, File, Image, View

_ENDINGS = (".mid", ".png", ".wav")  # of what may be there from before, as far as is known before anything is made


@click.command("generate", cls=ModelCommand)
@click.argument("model", shell_complete=completion.models)
@click.option("--pieces", type=click.IntRange(1), default=1, metavar="N", help="So many, each with the next seed.")
@click.option("--primer", type=FILE, metavar="FILE", help="A piece to continue.")
@click.option("--output", type=FILE, metavar="FILE", help="Where the files go, each with its own ending.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list on stdout.")
@working_until_interrupt()
def command(
    model: str,
    pieces: int,
    primer: Path | None,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Let the saved MODEL (a name or a folder) compose: from nothing, or from a piece that is given.

    What can be chosen depends on the model: rnnapps generate MODEL --help
    """
    loaded = load(model)
    _check_task(loaded)
    place = output or Path(loaded.bundle.name)
    _check_place(place)
    numbers = [f"-{number + 1}" for number in range(pieces)] if pieces > 1 else [""]
    inputs = [path.resolve() for path in (primer, *options.values()) if isinstance(path, Path)]
    for number in numbers:
        _check_free(_paths(place, number, _ENDINGS), inputs, overwrite)
    chosen = chosen_options(loaded, options)
    given = loaded.predictor.parse(str(primer)) if primer else None
    seed = chosen.pop("seed", 0)

    reporter = Reporter()
    answers = []
    for n, number in enumerate(numbers):
        whole = _follow(loaded, given, chosen | {"seed": seed + n}, reporter)
        files = _write(loaded.predictor.views(given, whole), place, number, inputs, overwrite)
        if whole.remark:
            reporter.note(f"{files[0]}: {whole.remark}" if files else whole.remark)
        answers.append({"seed": seed + n, "files": [str(path) for path in files], **whole.model_dump()})
        if not as_json:
            click.echo("\n".join(map(str, files)))
    if as_json:
        print_json(answers)


def _check_task(loaded: Model) -> None:
    if loaded.task.shape is not Shape.ONE_TO_MANY:
        names = [name for name in task_names() if find_task(name).shape is Shape.ONE_TO_MANY]
        raise ConfigError(
            f"The task '{loaded.task.name}' of the model {loaded.bundle.name} generates nothing. "
            f"Tasks that do: {', '.join(names) or 'none is installed'}."
        )


def _check_place(place: Path) -> None:
    """Makes sure, before long work, that files can be written to a place."""
    if place.is_dir():
        raise OutputError(f"Expected a file for --output. {place} is a folder.")
    with explained_failures(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=place.parent).close()


def _follow(loaded: Model, given: Any, options: dict[str, Any], reporter: Reporter) -> Generated:
    """Shows how far the model is; returns the whole."""
    seconds = options.get("seconds", math.nan)
    whole = None
    with reporter.bar("composing", round(seconds) if math.isfinite(seconds) else None) as bar:
        for part in loaded.stream(given, **options):
            assert isinstance(part, Generated)
            bar.advance(int(part.seconds) - (int(whole.seconds) if whole else 0))
            whole = part
    assert whole
    return whole


def _paths(place: Path, number: str, endings: Iterable[str]) -> list[Path]:
    """Where files with these endings go; of a place with one of them it is left out."""
    endings = list(endings)
    name = place.stem if place.suffix in endings else place.name
    return [place.with_name(f"{name}{number}{ending}") for ending in endings]


def _check_free(paths: Iterable[Path], inputs: Collection[Path], overwrite: bool) -> None:
    """Makes sure that nothing is lost by writing files."""
    for path in paths:
        if path.resolve() in inputs:
            raise OutputError(f"{path} is what was given; it is not replaced. Choose another --output.")
        if path.exists() and not overwrite:
            raise OutputError(f"{path} exists. Choose another --output, or give --overwrite to replace it.")


def _write(views: Iterable[View], place: Path, number: str, inputs: Collection[Path], overwrite: bool) -> list[Path]:
    """Writes the views that are files beside each other; returns their paths."""
    contents: dict[str, bytes] = {}
    for view in views:
        match view:
            case File():
                contents[Path(view.name).suffix] = view.content
            case Audio():
                contents[".wav"] = view.wav
            case Image():
                contents[".png"] = view.png
    endings = sorted(contents)
    paths = dict(zip(_paths(place, number, endings), map(contents.__getitem__, endings), strict=True))
    _check_free(paths, inputs, overwrite)
    for path, content in paths.items():
        with explained_failures(path):
            write_whole(path, content)
    return list(paths)
