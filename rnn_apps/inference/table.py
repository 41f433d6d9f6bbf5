"""Whole tables answered: every row with its columns and the answer behind them, in constant memory.

Answers are appended to a file beside the output, a row a line; a process that is killed leaves it, and the same command
goes on from it. At the end it becomes the output, which is whole or not there.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from rnn_apps.data.files import data_format, fingerprint, read_lines, writing_whole
from rnn_apps.data.lock import locked
from rnn_apps.data.parts import chunks
from rnn_apps.data.readers.columns import TEXT_NAMES, Columns, Role, shortened
from rnn_apps.data.readers.tables import FORMATS, MISSING, Selection, open_table, select
from rnn_apps.errors import ConfigError, DataError, MissingExtraError, OutputError
from rnn_apps.inference.predictor import Prediction, Predictor, answer_each

WRITTEN = ("csv", "tsv", "jsonl", "parquet")
_CHUNK = 512

Row = dict[str, Any]


@dataclass
class AnswerTable:
    """Answers the rows of a table.

    Args:
        predictor: what answers.
        data: the table (.csv, .tsv, .jsonl, .json, .parquet), or any other text file with an input a line.
        output: the file to write, by its ending a .csv, .tsv, .jsonl or .parquet.
        columns: which column is the input, and the encoding.
        options: those of the predictor.
        identity: of the model, so that only answers of the same one are gone on with.
        overwrite: replace an output that is there.

    Attributes:
        failures: messages for rows that could not be answered, the first ones, by their place in the file.
        failed: how many there are.

    Raises:
        ConfigError: if the input's column cannot be told.
        DataError: for a table that cannot be read.
        OutputError: if the output is there, or is of another kind.
    """

    predictor: Predictor
    data: Path
    output: Path
    columns: Columns
    options: Mapping[str, Any]
    identity: str
    overwrite: bool = False
    failures: list[str] = field(default_factory=list)
    failed: int = 0

    def __post_init__(self) -> None:
        if data_format(self.output) not in WRITTEN or self.output.suffix.lower()[1:] not in WRITTEN:
            raise OutputError(f"Expected an --output that ends in {', '.join(WRITTEN)}. Received: {self.output}")
        if self.output.is_dir() or (self.output.exists() and not self.overwrite):
            raise OutputError(f"{self.output} exists. Choose another --output, or replace it with --overwrite.")
        if self.output.exists() and self.data.exists() and self.output.samefile(self.data):
            raise OutputError(f"{self.output} is the data itself. Choose another --output.")
        if data_format(self.output) == "parquet":
            _arrow()
        self._part = self.output.with_name(f".{self.output.name}.part")
        self._selection = self._select()

    @property
    def reading(self) -> str:
        """How the table is read, in one line."""
        if self._selection is None:
            return f"{self.data.name}: an input a line"
        heading = "" if self._selection.heading or self._selection.table.has_fields else "no heading, "
        return f"{self.data.name}: {heading}input in {self._selection.names[0]}"

    def count(self) -> int:
        """Returns the number of rows."""
        return sum(1 for _ in self._rows())

    def run(self) -> Iterator[int]:
        """Answers; yields the number of rows that are done, those of an earlier call first, and writes the output.

        Raises:
            OutputError: if another process works on the same output.
        """
        with locked(self.output):
            done = self._resume()
            yield done
            with self._part.open("ab") as part:
                for chunk in chunks(islice(self._rows(), done, None), _CHUNK):
                    part.write("".join(json.dumps(row) + "\n" for row in self._answered(chunk)).encode())
                    part.flush()
                    done += len(chunk)
                    yield done
            with writing_whole(self.output) as file:
                _WRITERS[data_format(self.output)](file, self._done_rows)
            self._part.unlink()

    def _select(self) -> Selection | None:
        """Finds the input's column; None where every line is an input."""
        if data_format(self.data) not in FORMATS:
            fingerprint(self.data)
            return None
        table = open_table(self.data, self.columns)
        role = Role("text", "--text-column", self.columns.text[0] if self.columns.text else None, TEXT_NAMES)
        selection = select(table, [role])
        if selection is None and len(table.first) == 1:
            return Selection(table, (0,), False, ("its only column",))
        if selection is None:
            raise ConfigError(
                f"{self.data}: which column is the input? Say it with --text-column. It has: {shortened(table.first)}"
            )
        return selection

    def _rows(self) -> Iterator[tuple[str, Any, Row]]:
        """Streams (place, input, row)."""
        if self._selection is None:
            for number, line in read_lines(self.data, self.columns.encoding):
                if line.strip():
                    yield f"{self.data}, line {number}", line, {"text": line}
            return
        table, (index,) = self._selection.table, self._selection.indices
        named = self._selection.heading or table.has_fields
        names = list(table.first) if named else [f"column {n + 1}" for n in range(len(table.first))]
        whole = Selection(table, tuple(range(len(names))), self._selection.heading, tuple(names))
        for number, cells in whole.rows():
            row = {name: cell for name, cell in zip(names, cells, strict=True) if cell is not MISSING}
            yield table.where(number), cells[index], row

    def _answered(self, chunk: Sequence[tuple[str, Any, Row]]) -> Iterator[Row]:
        answers = answer_each(self._predict, [given for _, given, _ in chunk])
        for (place, _, row), answer in zip(chunk, answers, strict=True):
            if isinstance(answer, DataError):
                self.failed += 1
                if len(self.failures) < 5:
                    self.failures.append(f"{place}: {answer}")
                yield row
            else:
                found = answer.model_dump()
                yield row | {free_name(name, row): value for name, value in found.items()}

    def _predict(self, given: Sequence[Any]) -> Sequence[Prediction]:
        inputs = [self.predictor.parse(value) if isinstance(value, str) else value for value in given]
        return self.predictor.predict(inputs, **self.options)

    def _resume(self) -> int:
        """Returns how many rows an earlier call has answered, and cuts off what it was writing when it was killed."""
        said = [self.identity, fingerprint(self.data), repr(self.columns), repr(sorted(self.options.items()))]
        head = hashlib.sha256("\n".join(said).encode()).hexdigest().encode() + b"\n"
        whole, count = len(head), 0
        with self._part.open("a+b") as part:
            part.seek(0)
            if part.readline() == head:
                for line in part:
                    if not line.endswith(b"\n"):
                        break
                    whole, count = whole + len(line), count + 1
                part.truncate(whole)
            else:
                part.truncate(0)
                part.write(head)
        return count

    def _done_rows(self) -> Iterator[Row]:
        with self._part.open("rb") as part:
            next(part)
            yield from map(json.loads, part)


def free_name(name: str, row: Row) -> str:
    """A name for an answer that no column of the table has."""
    while name in row:
        name = f"predicted_{name}"
    return name


class _Rows:
    """The answered rows, and the names and types of their columns; a cell that is no plain value becomes JSON."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        self.types: dict[str, set[type]] = {}
        for row in rows():
            for name, value in row.items():
                self.types.setdefault(name, set()).update(() if value is None else (type(value),))

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows():
            yield {name: self._plain(name, row.get(name)) for name in self.types}

    def _plain(self, name: str, value: Any) -> Any:
        mixed = not self._is_plain(name)
        return json.dumps(value, ensure_ascii=False) if value is not None and mixed else value

    def _is_plain(self, name: str) -> bool:
        return self.types[name] in ({str}, {bool}, {int}, {float}, {int, float}, set())


def _write_separated(file: BinaryIO, rows: Any, delimiter: str) -> None:
    found = _Rows(rows)
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, list(found.types), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(found)
    text.detach()


def _write_jsonl(file: BinaryIO, rows: Any) -> None:
    for row in rows():
        file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def _write_parquet(file: BinaryIO, rows: Any) -> None:
    arrow, parquet = _arrow()
    found = _Rows(rows)
    kinds = {bool: arrow.bool_(), int: arrow.int64(), float: arrow.float64()}
    schema = arrow.schema(
        [
            (name, kinds.get(float if types == {int, float} else next(iter(types), str), arrow.string()))
            if len(types) == 1 or types == {int, float}
            else (name, arrow.string())
            for name, types in found.types.items()
        ]
    )
    with parquet.ParquetWriter(file, schema) as writer:
        for chunk in chunks(found, _CHUNK):
            writer.write_table(arrow.Table.from_pylist(chunk, schema))


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("Writing .parquet", "train") from None
    return pyarrow, pyarrow.parquet


_WRITERS: dict[str, Any] = {
    "csv": lambda file, rows: _write_separated(file, rows, ","),
    "tsv": lambda file, rows: _write_separated(file, rows, "\t"),
    "jsonl": _write_jsonl,
    "parquet": _write_parquet,
}
