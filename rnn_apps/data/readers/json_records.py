"""Values of JSON: one a line (`.jsonl`), or a list of them (`.json`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rnn_apps.data.files import data_format, read_lines
from rnn_apps.data.readers.columns import shortened
from rnn_apps.errors import DataError


def read_json(path: Path, encoding: str | None = None) -> Iterator[tuple[int, Any]]:
    """Streams (number, value) pairs: of a `.json` the number of the value, else that of its line.

    A `.json` is read as a whole: a list of the values, a single one, or one a line in spite of its name.

    Raises:
        DataError: with its place for what is no JSON.
    """
    lines = ((number, line) for number, line in read_lines(path, encoding) if line.strip())
    if data_format(path) == "json":
        yield from enumerate(_all(path, list(lines)), 1)
    else:
        yield from _each(path, lines)


def _all(path: Path, lines: list[tuple[int, str]]) -> Iterable[Any]:
    try:
        content = json.loads("\n".join(line for _, line in lines))
    except (ValueError, RecursionError) as error:
        if len(lines) > 1 and lines[0][1].rstrip().endswith("}"):
            return (value for _, value in _each(path, lines))
        raise DataError(f"{path}: expected a list of JSON objects: {error}") from None
    if isinstance(content, list):
        return content
    if isinstance(content, dict) and content and all(isinstance(value, (list, dict)) for value in content.values()):
        raise DataError(
            f"{path}: expected a list of JSON objects, an object an example. Received one object of lists or objects: "
            f"{shortened(list(content))}. pandas writes the list with to_json(path, orient='records')."
        )
    return [content]


def _each(path: Path, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Any]]:
    for number, line in lines:
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}, line {number}: expected one JSON object a line: {error}") from None
