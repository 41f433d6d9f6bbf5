"""`rnnapps predict MODEL [TEXT ...]`: answers, for a person or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from rnn_apps.bundle import explained_failures
from rnn_apps.cli import completion
from rnn_apps.cli.columns import FILE
from rnn_apps.cli.model_options import ModelCommand, chosen_options
from rnn_apps.cli.output import print_json
from rnn_apps.data.files import check_encoding, decode_lines
from rnn_apps.data.readers.columns import Columns
from rnn_apps.errors import ConfigError, OutputError
from rnn_apps.inference.deadline import working_until_interrupt
from rnn_apps.inference.predictor import Prediction
from rnn_apps.model import Model, load
from rnn_apps.plots import check_picture, draw_heatmaps
from rnn_apps.progress import Reporter
from rnn_apps.views import Heatmap


@click.command("predict", cls=ModelCommand)
@click.argument("model", shell_complete=completion.models)
@click.argument("inputs", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--attention",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw where the model looked: .png, .svg, .pdf.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list on stdout.")
@click.option("--data", type=FILE, metavar="PATH", help="Answer every row of a table, or line of a text file.")
@click.option("--output", type=FILE, metavar="FILE", help="The table with its answers: .csv, .tsv, .jsonl, .parquet.")
@click.option("--text-column", metavar="COLUMN", help="Name or number of the column of the input.")
@click.option("--encoding", metavar="NAME", help="Encoding of the table or of stdin, such as latin-1.")
@click.option("--overwrite", is_flag=True, help="Replace an output that is there.")
@working_until_interrupt()
def command(
    model: str,
    inputs: tuple[str, ...],
    attention: Path | None,
    as_json: bool,
    data: Path | None,
    output: Path | None,
    text_column: str | None,
    encoding: str | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Answer each TEXT with the saved MODEL (a name or a folder); "-" reads one input a line from stdin.

    With --data and --output a whole table is answered: its columns are kept, the answers come behind them. What was
    killed goes on with the same command.

    What else can be chosen depends on the model: rnnapps predict MODEL --help
    """
    if data or output:
        if not data or not output or inputs or attention or as_json:
            raise ConfigError("A table is answered with --data PATH and --output FILE, and no other input or output.")
        columns = Columns(text=(text_column,) if text_column else (), encoding=encoding)
        _answer_table(load(model), data, output, columns, overwrite, options)
        return
    piped = inputs == ("-",)
    if text_column or (overwrite and not attention) or (encoding and not piped):
        raise ConfigError(
            "--text-column, --encoding and --overwrite are for a table: --data PATH --output FILE. "
            "(--overwrite also goes with --attention FILE, and --encoding with -.)"
        )
    texts = list(_lines(encoding) if piped else inputs)
    if not texts:
        raise ConfigError('Expected at least one input, or "-" to read one a line from standard input.')
    if attention:
        check_picture(attention)
        if attention.exists() and not overwrite:
            raise OutputError(f"{attention} exists. Choose another name, or give --overwrite to replace it.")
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


def _lines(encoding: str | None) -> Iterator[str]:
    check_encoding(encoding)
    return (line for _, line in decode_lines(sys.stdin.buffer, "standard input", encoding))


def _answer_table(
    model: Model, data: Path, output: Path, columns: Columns, overwrite: bool, options: dict[str, Any]
) -> None:
    from rnn_apps.inference.table import AnswerTable

    identity = str(model.bundle.manifest["sha256"])
    table = AnswerTable(
        model.predictor, data, output, columns, chosen_options(model, options), identity, overwrite=overwrite
    )
    reporter = Reporter()
    reporter.note(table.reading)
    before = 0
    with explained_failures(output), reporter.bar("answering", table.count()) as bar:
        for done in table.run():
            bar.advance(done - before)
            before = done
    if table.failed:
        reporter.note(f"warning: {table.failed:,} rows were not answered:")
        for failure in table.failures:
            reporter.note(f"  {failure}")
    click.echo(output)


def _draw_attention(model: Model, given: Sequence[Any], predictions: Sequence[Prediction], path: Path) -> None:
    views = [view for pair in zip(given, predictions, strict=True) for view in model.predictor.views(*pair)]
    heatmaps = [view for view in views if isinstance(view, Heatmap)]
    if not heatmaps:
        raise ConfigError(f"There is no attention to draw in what the task '{model.task.name}' has answered.")
    for remark in draw_heatmaps(path, heatmaps):
        click.echo(remark, err=True)
