"""Tables as rows: .csv and .tsv in any dialect, .jsonl, .json and .parquet, compressed or not, streamed.

How a file is read is decided once, from its first lines and, for its quotes, from the whole of it:

    delimiter    of `,` `;` tab and `|`, the one that gives every row of a sample as many cells, more than one
    quotes       those of CSV where the whole file obeys their rules; a .tsv that does not has none
    heading      the first row, where it names the columns that are wanted; the same row again is no data
"""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from rnn_apps.data.files import data_format, fingerprint, open_bytes, read_lines
from rnn_apps.data.readers.columns import Columns, Role, find_columns, number_of, shortened
from rnn_apps.data.readers.json_records import read_json
from rnn_apps.errors import DataError, MissingExtraError

FORMATS = ("tsv", "csv", "jsonl", "json", "parquet")
SAMPLE = 200
"""Rows that the first look at a file takes."""

_DELIMITERS = {"tsv": "\t,;|", "csv": ",;\t|"}  # the first is that of the ending
_NAMES = {",": "','", ";": "';'", "\t": "tabs", "|": "'|'"}
_LONGEST_CELL = 16 * 2**20

csv.field_size_limit(_LONGEST_CELL)


@dataclass(frozen=True)
class Dialect:
    """How the lines of a table are cut into cells.

    Attributes:
        delimiter: between two cells.
        quoted: whether a cell may stand in quotes.
        escape: what stands before a quote inside of quotes; "" where quotes are doubled.
    """

    delimiter: str
    quoted: bool
    escape: str = ""

    def reader(self, lines: Iterable[str]) -> Any:
        """Returns a reader of the `csv` module, which refuses what breaks the rules of quotes."""
        rules: dict[str, Any] = {"doublequote": False, "escapechar": self.escape} if self.escape else {}
        return csv.reader(lines, delimiter=self.delimiter, strict=True, **rules)


class Table(ABC):
    """A table that can be streamed again and again.

    Attributes:
        path: the file.
        unit: what its rows are counted in, for messages: "line" or "row".
        has_fields: whether its columns have names by nature; in others the first row may name them.
    """

    unit = "line"
    has_fields = False

    def __init__(self, path: Path, columns: Columns) -> None:
        self.path, self.columns = path, columns

    @property
    @abstractmethod
    def first(self) -> Sequence[str]:
        """The cells of the first row, or the names of the fields: what may be a heading."""

    @abstractmethod
    def rows(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """Streams (line, cells) pairs; a field that a row lacks is `MISSING`.

        Raises:
            DataError: with the line, for a row that is no row.
        """

    def where(self, number: int) -> str:
        """Returns where a row stands, for messages."""
        return f"{self.path}, {self.unit} {number}"


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()


def open_table(path: Path, columns: Columns) -> Table:
    """Opens a table by the ending of its name.

    Raises:
        DataError: for another ending, or a file that is not what its name says.
    """
    kind = data_format(path)
    if kind not in FORMATS:
        raise DataError(
            f"Expected a file that ends in .tsv, .csv, .jsonl, .json or .parquet (.gz, .bz2, .xz or .zip may follow). "
            f"Received: {path}"
        )
    if kind in ("jsonl", "json"):
        return _Json(path, columns)
    return _Parquet(path, columns) if kind == "parquet" else _Delimited(path, columns)


@dataclass(frozen=True)
class Selection:
    """The wanted columns of a table.

    Attributes:
        table: the table.
        indices: of the columns, in the order of the roles.
        heading: whether the first row names the columns.
        names: of the columns, for messages: "'review'", "column 2".
    """

    table: Table
    indices: tuple[int, ...]
    heading: bool
    names: tuple[str, ...]

    def rows(self) -> Iterator[tuple[int, list[Any]]]:
        """Streams (line, cells of the wanted columns); headings, wherever they stand, and empty rows are left out."""
        for number, cells in self.table.rows():
            if not self._is_heading(cells):
                yield number, [cells[index] for index in self.indices]

    def headings(self) -> int:
        """Returns how often the heading stands in the file."""
        return sum(self._is_heading(cells) for _, cells in self.table.rows()) if self._in_rows else 0

    @cached_property
    def _in_rows(self) -> bool:
        """Whether the heading stands among the rows."""
        return self.heading and not self.table.has_fields

    def _is_heading(self, cells: Sequence[Any]) -> bool:
        first = self.table.first
        return self._in_rows and cells[0].strip() == first[0] and [cell.strip() for cell in cells] == first


def select(table: Table, roles: Sequence[Role]) -> Selection | None:
    """Finds the wanted columns of a table by their names or numbers; None where neither says which they are.

    Where all are said by number, the first row is a heading only if it has their usual names.

    Raises:
        ConfigError: for a column that was named and is not there.
        DataError: where two columns could be meant, or a field is not there.
    """
    first = table.first
    numbers = [role.given for role in roles if role.given and role.given.isdecimal() and role.given not in first]
    if len(numbers) == len(roles):
        indices = [number_of(table.path, number, len(first), roles[n].option) for n, number in enumerate(numbers)]
        heading = any(name.casefold() in role.usual for name in first for role in roles)
        return Selection(table, tuple(indices), heading, tuple(f"column {index + 1}" for index in indices))
    if numbers and find_columns(table.path, first, [role for role in roles if role.given not in numbers]) is None:
        return None
    found = find_columns(table.path, first, roles)
    if found is None:
        return None
    return Selection(table, tuple(found), True, tuple(f"'{first[index]}'" for index in found))


class _Delimited(Table):
    @cached_property
    def dialect(self) -> Dialect:
        """How its lines are cut."""
        return _dialect(self.path, self.columns.encoding, fingerprint(self.path))

    @cached_property
    def first(self) -> Sequence[str]:
        row = next(self.rows(), None)
        if row is None:
            raise DataError(f"{self.path} has no row.")
        return [cell.strip() for cell in row[1]]

    def rows(self) -> Iterator[tuple[int, Sequence[Any]]]:
        expected, begun = 0, 0
        for number, cells in _records(self.path, self.columns.encoding, self.dialect):
            if not any(cell.strip() for cell in cells):
                continue
            begun, expected = begun or number, expected or len(cells)
            if len(cells) != expected:
                raise DataError(
                    f"{self.where(number)}: expected {expected} cells between {_NAMES[self.dialect.delimiter]}, as "
                    f"line {begun} has. Received {len(cells)}: {shortened(cells)}"
                )
            yield number, cells


def _records(path: Path, encoding: str | None, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Streams (line on which it begins, cells) of each record."""
    lines = read_lines(path, encoding)
    if not dialect.quoted:
        yield from ((number, line.split(dialect.delimiter)) for number, line in lines)
        return
    reader = dialect.reader(line + "\n" for _, line in lines)
    number = 1
    try:
        for cells in reader:
            yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        explained = {
            "unexpected end of data": "a quote is opened and never closed",
            f"field larger than field limit ({_LONGEST_CELL})": "a quote is opened and not closed for 16 MiB",
        }
        said = explained.get(str(error), f"{error}. Inside of quotes, a quote is doubled")
        raise DataError(f"{path}, line {number}: {said}.") from None


@lru_cache
def _dialect(path: Path, encoding: str | None, stamp: str) -> Dialect:
    """Finds how a file is cut; `stamp` changes when the file does."""
    sample = [line for _, line in islice(read_lines(path, encoding), 4 * SAMPLE) if line.strip()]
    kind = data_format(path)
    delimiter = _delimiter(sample, _DELIMITERS[kind])
    quoted, escaped = _quotes(path, encoding)
    if not quoted:
        return Dialect(delimiter, quoted=False)
    failure: DataError | None = None
    for dialect in [Dialect(delimiter, True), *([Dialect(delimiter, True, "\\")] if escaped else [])]:
        try:
            counts = {len(cells) for _, cells in _records(path, encoding, dialect) if cells}
        except DataError as error:
            failure = failure or error
        else:
            if kind == "csv" or (len(counts) == 1 and _needs_quotes(path, encoding, delimiter)):
                return dialect
    if kind == "csv" and failure is not None:
        raise failure
    return Dialect(delimiter, quoted=False)


def _quotes(path: Path, encoding: str | None) -> tuple[bool, bool]:
    """Whether there are quotes in a file, and any behind a backslash."""
    quoted = escaped = False
    for _, line in read_lines(path, encoding):
        quoted = quoted or '"' in line
        escaped = escaped or '\\"' in line
    return quoted, escaped


def _needs_quotes(path: Path, encoding: str | None, delimiter: str) -> bool:
    """Whether the quotes of a .tsv are those of a table: programs quote all cells, or those that have to be.

    What has to be holds a quote, which is doubled, a delimiter, or the end of a line.
    """
    lines = [line for _, line in islice(read_lines(path, encoding), 50 * SAMPLE) if line.strip()]
    everything = all(cell[:1] == cell[-1:] == '"' for line in lines for cell in line.split(delimiter))
    return everything or any('""' in line or line.count('"') % 2 for line in lines) or not _cut_alike(lines, delimiter)


def _cut_alike(lines: Sequence[str], delimiter: str) -> bool:
    counts = [line.count(delimiter) for line in lines]
    return bool(counts) and min(counts) == max(counts) > 0


def _delimiter(sample: Sequence[str], candidates: str) -> str:
    """Returns the delimiter that cuts all rows of a sample alike; that of the ending where several or none do."""
    alike = [delimiter for delimiter in candidates if _cuts_alike(sample, delimiter)]
    return alike[0] if alike else candidates[0]


def _cuts_alike(sample: Sequence[str], delimiter: str) -> bool:
    for dialect in (Dialect(delimiter, True), Dialect(delimiter, True, "\\")):
        counts: list[int] = []
        try:
            counts.extend(len(cells) for cells in dialect.reader(line + "\n" for line in sample))
        except csv.Error as error:
            if "unexpected end" not in str(error):  # the sample may end inside of quotes
                counts = []
        if counts and min(counts) == max(counts) > 1:
            return True
    return _cut_alike(sample, delimiter)


class _Json(Table):
    has_fields = True

    def __init__(self, path: Path, columns: Columns) -> None:
        super().__init__(path, columns)
        self.unit = "row" if data_format(path) == "json" else "line"

    @cached_property
    def first(self) -> Sequence[str]:
        names: dict[str, None] = {}
        for _, row in self._objects():  # all of them: a field may come late
            names |= dict.fromkeys(row)
        if not names:
            raise DataError(f"{self.path} has no row.")
        return list(names)

    def rows(self) -> Iterator[tuple[int, Sequence[Any]]]:
        names = self.first
        for number, row in self._objects():
            yield number, [row.get(name, MISSING) for name in names]

    def _objects(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        for number, row in read_json(self.path, self.columns.encoding):
            if isinstance(row, str):
                row = {"text": row}
            if not isinstance(row, dict):
                raise DataError(f'{self.where(number)}: expected a JSON object such as {{"label": ..., "text": ...}}.')
            yield number, row


class _Parquet(Table):
    unit, has_fields = "row", True

    @cached_property
    def first(self) -> Sequence[str]:
        with _parquet(self.path) as file:
            return [str(name) for name in file.schema_arrow.names]

    def rows(self) -> Iterator[tuple[int, Sequence[Any]]]:
        number = 0
        with _parquet(self.path) as file:
            for batch in file.iter_batches(batch_size=1024):
                for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield number, cells


class _parquet:  # noqa: N801 (used as a function)
    """Opens a Parquet file; a compressed one is unpacked onto the disk, since it is not read from front to back."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Any:
        try:
            import pyarrow as arrow
            import pyarrow.parquet as parquet
        except ImportError:
            raise MissingExtraError("Reading .parquet", "train") from None
        self._file: Any = open_bytes(self._path)
        if self._path.suffix.lower() != ".parquet":
            import shutil
            import tempfile

            packed, self._file = self._file, tempfile.TemporaryFile()
            shutil.copyfileobj(packed, self._file)
        try:
            return parquet.ParquetFile(self._file)
        except (arrow.ArrowInvalid, OSError) as error:
            self._file.close()
            raise DataError(f"{self._path} cannot be read as Parquet: {error}") from None

    def __exit__(self, *_: object) -> None:
        self._file.close()
