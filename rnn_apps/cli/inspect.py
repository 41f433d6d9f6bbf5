"""`rnnapps inspect`: look into a saved model while it answers."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from rnn_apps.data.files import decode_lines
from rnn_apps.errors import ConfigError, OutputError
from rnn_apps.inspection import VIEWS, Inspection, inspect
from rnn_apps.model import load

_KINDS = (".html", ".png", ".json")


@click.command()
@click.argument("model")
@click.argument("inputs", nargs=-1, metavar="[TEXT]...")
@click.option("--view", "views", multiple=True, metavar="VIEW", help=f"What to look at: {', '.join(VIEWS)}, or all.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Write a page (.html), a picture (.png) or data (.json)."
)
@click.option(
    "--tensorboard", type=click.Path(path_type=Path), help="Write what the training recorded for TensorBoard."
)
@click.option("--overwrite", is_flag=True, help="Replace an output that is there.")
def command(
    model: str,
    inputs: tuple[str, ...],
    views: tuple[str, ...],
    output: Path | None,
    tensorboard: Path | None,
    overwrite: bool,
) -> None:
    """Look into the saved MODEL (a name or a folder) while it answers each TEXT; "-" reads one a line from stdin.

    Gates and memory, the gradient's way through time, what an answer hangs on, attention and search, and what the
    training recorded. Without --view what needs no TensorFlow is shown; a page has all that the model can have.

    Without --output it is drawn here. A page works offline, and has everything inside.
    """
    if output:
        _check_output(output, overwrite)
    loaded = load(model)
    texts = inputs
    if inputs == ("-",):
        texts = tuple(line for _, line in decode_lines(sys.stdin.buffer, "standard input", None))
    only_training = set(views) == {"training"} or (tensorboard is not None and not texts and not output)
    if not texts and not only_training:
        raise ConfigError('Expected at least one input to look into, or "-" to read one a line from standard input.')
    chosen = list(views) or (
        ["all"] if output and output.suffix == ".html" else ["training"] if only_training else None
    )
    given = [] if only_training else [loaded.predictor.parse(text) for text in texts]
    found = inspect(loaded, given, chosen)
    for remark in found.remarks:
        click.echo(f"not shown: {remark}", err=True)
    if tensorboard:
        _write_tensorboard(found, tensorboard)
    if output:
        _write(found, output)
        click.echo(output)
    elif not tensorboard:
        from rnn_apps.cli.pictures import show
        from rnn_apps.cli.terminal import console

        show(console(), found.views())


def _check_output(path: Path, overwrite: bool) -> None:
    if path.suffix.lower() not in _KINDS:
        raise ConfigError(f"Expected an output that ends in {', '.join(_KINDS)}. Received: {path}")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists. Choose another name, or give --overwrite to replace it.")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"{path} cannot be written: there is no folder {path.absolute().parent}.")
    if path.suffix.lower() == ".png":
        from rnn_apps.plots import check_picture

        check_picture(path)


def _write(found: Inspection, path: Path) -> None:
    kind = path.suffix.lower()
    if kind == ".png":
        from rnn_apps.plots import draw_views

        for remark in draw_views(path, found.views()):
            click.echo(remark, err=True)
        return
    from rnn_apps.data.files import write_whole
    from rnn_apps.inspection.page import as_json, inspection_page

    text = inspection_page(found) if kind == ".html" else as_json(found)
    try:
        write_whole(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}.") from error


def _write_tensorboard(found: Inspection, folder: Path) -> None:
    from rnn_apps.environment import start_tensorflow

    if not found.training:
        raise ConfigError(
            f"There is nothing to write for TensorBoard: the training of '{found.model}' recorded nothing."
        )
    tensorflow = start_tensorflow("Writing for TensorBoard")
    records = found.training
    writer = tensorflow.summary.create_file_writer(str(folder))
    with writer.as_default():
        for row, step in enumerate(records.steps.tolist()):
            tensorflow.summary.scalar("loss", records.loss[row], step)
            tensorflow.summary.scalar("clipped", records.clipped[row], step)
            for place, layer in enumerate(records.layers):
                for kind, values in (
                    ("gradient norm before clipping", records.before),
                    ("gradient norm after clipping", records.after),
                    ("update to weights", records.update_ratio),
                ):
                    tensorflow.summary.scalar(f"{kind}/{layer}", values[row, place], step)
        for row, step in enumerate(records.epochs.tolist()):
            for place, gate in enumerate(records.gates):
                tensorflow.summary.scalar(f"saturated gates/{gate}", records.saturated[row, place], step)
            for place, layer in enumerate(records.states):
                tensorflow.summary.scalar(f"dead units/{layer}", records.dead[row, place], step)
    writer.close()
    click.echo(folder)
