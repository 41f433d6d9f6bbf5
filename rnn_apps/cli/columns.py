"""Options of the commands that read data files: which columns hold what, and the encoding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rnn_apps.data.readers.columns import Columns

Function = TypeVar("Function", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)

COLUMN_OPTIONS = (
    click.option(
        "--text-column",
        multiple=True,
        metavar="COLUMN",
        help="Name or number of the column of the text; twice for a text and its translation.",
    ),
    click.option("--label-column", metavar="COLUMN", help="Name or number of the column of the label."),
    click.option("--token-column", metavar="COLUMN", help="Number of the column of the token, of tagged files."),
    click.option("--tag-column", metavar="COLUMN", help="Number of the column of the tag."),
    click.option("--encoding", metavar="NAME", help="Encoding of the files, such as latin-1. Default: Unicode's."),
)
"""How data files are read; `take_columns` makes `Columns` of them."""


def column_options(function: Function) -> Function:
    """Adds the options that say how data files are read."""
    for option in reversed(COLUMN_OPTIONS):
        function = option(function)
    return function


def take_columns(options: dict[str, Any]) -> Columns:
    """Takes what the column options said out of a command's options."""
    return Columns(
        text=options.pop("text_column"),
        label=options.pop("label_column"),
        token=options.pop("token_column"),
        tag=options.pop("tag_column"),
        encoding=options.pop("encoding"),
    )
