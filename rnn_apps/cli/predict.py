"""`rnnapps predict MODEL [TEXT ...]`: answers, for a person or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from rnn_apps.cli.model_options import ModelCommand, chosen_options
from rnn_apps.cli.output import print_json
from rnn_apps.data.files import decode_lines
from rnn_apps.errors import ConfigError
from rnn_apps.inference.predictor import Prediction
from rnn_apps.model import Model, load
from rnn_apps.plots import check_picture, draw_heatmaps
from rnn_apps.views import Heatmap


@click.command("predict", cls=ModelCommand)
@click.argument("model")
@click.argument("inputs", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--attention",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw where the model looked: .png, .svg, .pdf.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list on stdout.")
def command(model: str, inputs: tuple[str, ...], attention: Path | None, as_json: bool, **options: Any) -> None:
    """Answer each TEXT with the saved MODEL (a name or a folder); "-" reads one input a line from stdin.

    What else can be chosen depends on the model: rnnapps predict MODEL --help
    """
    texts = [line for _, line in decode_lines(sys.stdin.buffer, "standard input")] if inputs == ("-",) else list(inputs)
    if not texts:
        raise ConfigError('Expected at least one input, or "-" to read one a line from standard input.')
    if attention:
        check_picture(attention)
    loaded = load(model)
    given = [loaded.predictor.parse(text) for text in texts]
    predictions = loaded.predict(given, **chosen_options(loaded, options))
    if attention:
        _draw_attention(loaded, given, predictions, attention)
    if as_json:
        print_json([prediction.model_dump() for prediction in predictions])
        return
    from rnn_apps.cli.terminal import console, draw

    screen = console()
    for text, prediction in zip(given, predictions, strict=True):
        screen.print(*draw(text, loaded.predictor.terminal_views(text, prediction)), sep="\n")


def _draw_attention(model: Model, given: Sequence[Any], predictions: Sequence[Prediction], path: Path) -> None:
    views = [view for pair in zip(given, predictions, strict=True) for view in model.predictor.views(*pair)]
    heatmaps = [view for view in views if isinstance(view, Heatmap)]
    if not heatmaps:
        raise ConfigError(f"There is no attention to draw in what the task '{model.task.name}' has answered.")
    for remark in draw_heatmaps(path, heatmaps):
        click.echo(remark, err=True)
