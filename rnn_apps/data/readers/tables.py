"""Tables of classified texts: .tsv, .csv and .jsonl, gzipped or not."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rnn_apps.data.files import data_format, read_lines
from rnn_apps.data.text.cleaning import LONE_SURROGATE
from rnn_apps.errors import DataError

csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One classified text; `where` says where it came from, for messages."""

    label: str
    text: str
    where: str = ""


def read_labelled_texts(path: Path) -> Iterator[LabelledText]:
    """Streams classified texts from a .tsv (`label<TAB>text[<TAB>...]`), a .csv or a .jsonl with `label` and `text`.

    Raises:
        DataError: with file and line for a line that does not fit, and for a file that ends in something else.
    """
    readers = {"tsv": _read_tsv, "csv": _read_csv, "jsonl": _read_jsonl}
    reader = readers.get(data_format(path))
    if reader is None:
        raise DataError(f"Expected a file that ends in .tsv, .csv or .jsonl (.gz may follow). Received: {path}")
    for example in reader(path):
        if not example.label:
            raise DataError(f"{example.where}: the label is empty.")
        if LONE_SURROGATE.search(example.label):
            raise DataError(f"{example.where}: the label {example.label!r} has half a character (a lone surrogate).")
        if not example.text.strip():
            raise DataError(f"{example.where}: the text is empty. Delete the line.")
        yield example


def read_texts(path: Path) -> Iterator[str]:
    """Streams texts without labels: the text column of a file as above, or each line of any other but empty ones."""
    if data_format(path) in ("tsv", "csv", "jsonl"):
        yield from (example.text for example in read_labelled_texts(path))
    else:
        yield from (line for _, line in read_lines(path) if line.strip())


def _read_tsv(path: Path) -> Iterator[LabelledText]:
    for number, line in read_lines(path):
        label, tab, rest = line.partition("\t")
        text = rest.partition("\t")[0]
        if not tab:
            raise DataError(f"{path}, line {number}: expected label<TAB>text. There is no tab in {_short(line)}")
        if number == 1 and (label, text) == ("label", "text"):
            continue
        yield LabelledText(label.strip(), text, f"{path}, line {number}")


def _read_csv(path: Path) -> Iterator[LabelledText]:
    rows = csv.DictReader(line + "\n" for _, line in read_lines(path))
    try:
        _require_columns(path, rows.fieldnames)
        for row in rows:
            where = f"{path}, line {rows.line_num}"
            if row["text"] is None or row["label"] is None:
                raise DataError(f"{where}: expected {len(rows.fieldnames or [])} columns, as the first line has.")
            yield LabelledText(row["label"].strip(), row["text"], where)
    except csv.Error as error:
        raise DataError(f"{path}, line {max(rows.line_num, 1)}: {error}") from None


def _require_columns(path: Path, columns: object) -> None:
    found = list(columns) if isinstance(columns, (list, tuple)) else []
    if not {"label", "text"} <= set(found):
        raise DataError(f"{path}, line 1: expected a header with label and text. Received: {', '.join(found)}")


def _read_jsonl(path: Path) -> Iterator[LabelledText]:
    for number, line in read_lines(path):
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: expected one JSON object a line: {error}") from None
        if not isinstance(row, dict) or "label" not in row or not isinstance(row.get("text"), str):
            raise DataError(f'{where}: expected {{"label": ..., "text": "..."}}. Received: {_short(line)}')
        yield LabelledText(str(row["label"]), row["text"], where)


def _short(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:57] + "...")
