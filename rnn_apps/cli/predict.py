"""`rnnapps predict MODEL [TEXT ...]`: answers, for a person or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click

from rnn_apps.errors import ConfigError, DataError
from rnn_apps.model import load


@click.command("predict")
@click.argument("model")
@click.argument("inputs", nargs=-1, metavar="[TEXT]...")
@click.option("--nbest", type=click.IntRange(1), metavar="N", help="So many alternatives, where the task has them.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list on stdout.")
def command(model: str, inputs: tuple[str, ...], nbest: int | None, as_json: bool) -> None:
    """Answer each TEXT with the saved MODEL (a name or a folder); "-" reads one input a line from stdin."""
    texts = list(_lines()) if inputs == ("-",) else list(inputs)
    if not texts:
        raise ConfigError('Expected at least one input, or "-" to read one a line from standard input.')
    loaded = load(model)
    given = [loaded.task.parse_input(text) for text in texts]
    predictions = loaded.predict(given, **({"nbest": nbest} if nbest else {}))
    if as_json:
        click.echo(json.dumps([prediction.model_dump() for prediction in predictions], ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for text, prediction in zip(given, predictions, strict=True):
        console.print(loaded.task.show(text, prediction))


def _lines() -> Iterator[str]:
    for number, raw in enumerate(sys.stdin.buffer, 1):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"standard input, line {number}: expected UTF-8, found the byte 0x{raw[error.start]:02x} "
                f"at position {error.start + 1}."
            ) from None
        yield line.rstrip("\r\n")
