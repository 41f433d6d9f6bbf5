"""`rnnapps predict MODEL [TEXT ...]`: answers, for a person or as JSON.

What an answer in JSON does not need is imported where it is used: whoever calls this in a loop waits for it each time.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from rnn_apps.bundle import explained_failures
from rnn_apps.cli import completion
from rnn_apps.cli.columns import FILE
from rnn_apps.cli.model_options import ModelCommand, chosen_options
from rnn_apps.cli.output import print_json
from rnn_apps.cli.workers import worker_options
from rnn_apps.data.files import check_encoding, decode_lines
from rnn_apps.data.readers.columns import Columns
from rnn_apps.errors import ConfigError, DataError, OutputError
from rnn_apps.inference.deadline import working_until_interrupt
from rnn_apps.inference.predictor import Prediction, answer_each
from rnn_apps.model import Model, load

_TOLD = 5
_FILE_NAME = re.compile(
    r"[^\s:]+\.(csv|tsv|txt|jsonl?|parquet|conll\w*|xlsx?|docx?|pdf|html?|md)(\.(gz|bz2|xz|zip))?", re.IGNORECASE
)


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
@worker_options("Answer many files, 'lake/*.parquet',")
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
    workers: int | None,
    cluster: str | None,
    cores_per_worker: int,
    text_column: str | None,
    encoding: str | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Answer each TEXT with the saved MODEL (a name or a folder); "-" reads one input a line from stdin.

    A line that cannot be answered, such as an empty one, is told and stops no other.

    With --data and --output a whole table is answered: its columns are kept, the answers come behind them. What was
    killed goes on with the same command. With --workers the files of a folder or a pattern are answered side by side,
    and --output is a folder.

    What else can be chosen depends on the model: rnnapps predict MODEL --help
    """
    if data or output:
        if not data or not output or inputs or attention or as_json:
            raise ConfigError("A table is answered with --data PATH and --output FILE, and no other input or output.")
        columns = Columns(text=(text_column,) if text_column else (), encoding=encoding)
        if workers or cluster or cores_per_worker != 1:
            from rnn_apps.cluster.engine import team

            asked = team(workers, cluster, cores_per_worker)
            _answer_shards(load(model), data, output, columns, overwrite, options, asked)
            return
        _answer_table(load(model), data, output, columns, overwrite, options)
        return
    if workers or cluster or cores_per_worker != 1:
        raise ConfigError("--workers is for files: --data 'lake/*.parquet' --output FOLDER.")
    piped = inputs == ("-",)
    if text_column or (overwrite and not attention) or (encoding and not piped):
        raise ConfigError(
            "--text-column, --encoding and --overwrite are for a table: --data PATH --output FILE. "
            "(--overwrite also goes with --attention FILE, and --encoding with -.)"
        )
    texts = list(_lines(encoding)) if piped else [*enumerate(inputs, 1)]
    if not texts:
        raise ConfigError('Expected at least one input, or "-" to read one a line from standard input.')
    if attention:
        from rnn_apps.plots import check_picture

        check_picture(attention)
        if attention.exists() and not overwrite:
            raise OutputError(f"{attention} exists. Choose another name, or give --overwrite to replace it.")
    loaded = load(model)
    chosen = chosen_options(loaded, options)

    def answer(texts: Sequence[str]) -> list[tuple[Any, Prediction]]:
        given = list(map(loaded.predictor.parse, texts))
        return list(zip(given, loaded.predict(given, **chosen), strict=True))

    answers: Sequence[tuple[Any, Prediction] | DataError]
    if piped:
        answers = answer_each(answer, [text for _, text in texts])
        _tell_failures(texts, answers)
    else:
        _check_no_file(loaded, model, inputs)
        answers = answer(inputs)
    answered = [own for own in answers if not isinstance(own, DataError)]
    if attention:
        _draw_attention(loaded, answered, attention)
    if as_json:
        print_json([{"error": str(own)} if isinstance(own, DataError) else own[1].model_dump() for own in answers])
        return
    from rnn_apps.cli.terminal import console, draw

    screen = console()
    for given, prediction in answered:
        screen.print(*draw(given, loaded.predictor.terminal_views(given, prediction)), sep="\n")


def _lines(encoding: str | None) -> Iterator[tuple[int, str]]:
    """Streams (number, line)."""
    check_encoding(encoding)
    return decode_lines(sys.stdin.buffer, "standard input", encoding)


def _tell_failures(lines: Sequence[tuple[int, str]], answers: Sequence[Any]) -> None:
    """Says which lines are not answered.

    Raises:
        DataError: if none is.
    """
    failures = [(n, own) for (n, _), own in zip(lines, answers, strict=True) if isinstance(own, DataError)]
    told = [f"standard input, line {number}: {failure}" for number, failure in failures[:_TOLD]]
    if failures and len(failures) == len(lines):
        raise DataError(told[0])
    if failures:
        click.echo(f"warning: {len(failures):,} of {len(lines):,} lines were not answered:", err=True)
        click.echo("".join(f"  {line}\n" for line in told), nl=False, err=True)


def _check_no_file(model: Model, typed: str, texts: Sequence[str]) -> None:
    """Makes sure that nobody takes the answer to the name of a file for that to its content.

    Raises:
        ConfigError: for the name of a file, where the model answers texts.
    """
    for text in texts:
        there = os.path.isfile(text)
        if not (there or _FILE_NAME.fullmatch(text)) or model.predictor.parse(text) is not text:
            continue
        name, saved = shlex.quote(text), shlex.quote(typed)
        if there:
            raise ConfigError(
                f"{name} is a file. Its rows are answered with: rnnapps predict {saved} --data {name} --output "
                f"answers.csv. The name itself is, with: echo {name} | rnnapps predict {saved} -"
            )
        click.echo(f"warning: there is no file {name}; what is answered is its name.", err=True)


def _answer_table(
    model: Model, data: Path, output: Path, columns: Columns, overwrite: bool, options: dict[str, Any]
) -> None:
    from rnn_apps.data.shards import expand, local_copies
    from rnn_apps.inference.table import AnswerTable
    from rnn_apps.progress import Reporter

    identity, chosen = str(model.bundle.manifest["sha256"]), chosen_options(model, options)
    files = expand(data)
    if len(files) > 1 or files[0].parent == data:
        raise ConfigError(f"{data} stands for several files. They are answered by workers: add --workers 1, or more.")
    reporter = Reporter()
    with local_copies(files) as (own,):
        table = AnswerTable(model.predictor, own, output, columns, chosen, identity, overwrite=overwrite)
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


def _answer_shards(
    model: Model, data: Path, output: Path, columns: Columns, overwrite: bool, options: dict[str, Any], team: Any
) -> None:
    from rnn_apps.cluster.prediction import answer_shards
    from rnn_apps.data.shards import expand
    from rnn_apps.progress import Reporter

    shards = expand(data)
    reporter = Reporter()
    rows = failed = 0
    failures: list[str] = []
    started = time.monotonic()
    with explained_failures(output), reporter.bar("answering (files)", len(shards)) as bar:
        for done in answer_shards(model, shards, output, columns, chosen_options(model, options), team, overwrite):
            rows, failed = rows + done.rows, failed + done.failed
            failures += done.failures
            bar.advance(note=f"{rows:,} rows, {rows / (time.monotonic() - started):,.0f} a second")
    if failed:
        reporter.note(f"warning: {failed:,} of {rows:,} rows were not answered:")
        for failure in failures[:_TOLD]:
            reporter.note(f"  {failure}")
    click.echo(output)


def _draw_attention(model: Model, answered: Sequence[tuple[Any, Prediction]], path: Path) -> None:
    from rnn_apps.plots import draw_heatmaps
    from rnn_apps.views import Heatmap

    views = [view for pair in answered for view in model.predictor.views(*pair)]
    heatmaps = [view for view in views if isinstance(view, Heatmap)]
    if not heatmaps:
        raise ConfigError(f"There is no attention to draw in what the task '{model.task.name}' has answered.")
    for remark in draw_heatmaps(path, heatmaps):
        click.echo(remark, err=True)
