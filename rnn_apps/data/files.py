"""Files as bytes and lines, compressed or not, in any encoding; files written whole or not."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from rnn_apps.errors import ConfigError, DataError

PACKED = (".gz", ".bz2", ".xz", ".zip")
"""Endings of compressed files."""

# longer ones first: UTF-32's mark begins with that of UTF-16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ("utf-16", "utf-32")
_PICTURE = "a picture, which only a model of the task digits answers: rnnapps predict digits PICTURE"
_PAGE = "a page of HTML. Was it downloaded from a page that asks one to sign in?"
# how files begin that are no texts, whatever their names say
_FOREIGN = (
    (b"PK\x03\x04", "a zip file, as Excel, Word and LibreOffice write them: save a table as .csv, a text as .txt."),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file: save a table as .csv, a text as .txt."),
    (b"PAR1", "a Parquet file: name it .parquet."),
    (b"\x1f\x8b", "compressed by gzip: name it .gz."),
    (b"BZh", "compressed by bzip2: name it .bz2."),
    (b"\xfd7zXZ\x00", "compressed by xz: name it .xz."),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard: decompress it first (zstd -d)."),
    (b"%PDF", "a PDF file: take the text out first."),
    (b"\x89PNG", _PICTURE),
    (b"\xff\xd8\xff", _PICTURE),
    (b"SQLite format 3", "a SQLite database: write the table as .csv."),
    (b"\x80\x04\x95", "a pickle, which could run a program: write the data as .jsonl."),
    (b"\x80\x05\x95", "a pickle, which could run a program: write the data as .jsonl."),
    (b"<!doctype html", _PAGE),
    (b"<html", _PAGE),
    (b"<?xml", "XML: write its texts as .jsonl, a JSON object a line."),
    (b"{\\rtf", "an RTF file: save it as plain text."),
)
_HEAD, _BLOCK = 4096, 2**16


def open_bytes(path: Path) -> BinaryIO:
    """Opens a file for reading, decompressed where the name ends in .gz, .bz2, .xz, or .zip with one file in it.

    Raises:
        DataError: if there is no such file, or it is a folder, empty or unreadable.
    """
    try:
        if path.is_dir():
            raise DataError(f"Expected a file. {path} is a folder.")
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty.")
        return _unpacked(path) if path.suffix.lower() in PACKED else path.open("rb")
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def _unpacked(path: Path) -> BinaryIO:
    from rnn_apps.data.compression import open_packed  # here, since most files are not compressed

    return open_packed(path)


def _damage() -> tuple[type[Exception], ...]:
    """What reading a damaged file raises."""
    from rnn_apps.data.compression import DAMAGE

    return DAMAGE


def read_lines(path: Path, encoding: str | None = None) -> Iterator[tuple[int, str]]:
    r"""Streams (line number, line) pairs of a text file; see `decode_lines`.

    Raises:
        ConfigError: if there is no such encoding.
        DataError: for a file that cannot be opened or is no text, a damaged stream, or bytes of another encoding.
    """
    check_encoding(encoding)
    with open_bytes(path) as file:
        yield from decode_lines(file, str(path), encoding)


def decode_lines(file: BinaryIO, name: str, encoding: str | None = None) -> Iterator[tuple[int, str]]:
    r"""Streams (line number, line) pairs, without the line ends: `\n`, `\r\n`, or `\r` in a file that has no `\n`.

    A byte-order mark, or several where files were put one behind the other, is no part of a line.

    Args:
        file: bytes, at their beginning.
        name: what to call it in messages.
        encoding: how it is encoded; without, as its byte-order mark says, or UTF-8.

    Raises:
        DataError: for what is no text, a damaged stream, or bytes of another encoding.
    """
    number, found = 0, encoding or "utf-8"
    try:
        head = file.read(_HEAD)
        found = _encoding_of(head, name, encoding)
        for number, line in enumerate(_decoded(head, file, found), 1):
            yield number, line.removesuffix("\n").removesuffix("\r").lstrip("\ufeff")
    except UnicodeDecodeError as error:
        byte = f"the byte 0x{error.object[error.start]:02x}"
        # a wide encoding is decoded in blocks, which know no place in a line
        place = "" if found.startswith(_WIDE) else f" at position {error.start + 1}"
        expected = "UTF-8" if found.startswith("utf-8") else found
        advice = "Say which encoding it is, such as --encoding latin-1, cp1252 or gb18030."
        raise DataError(f"{name}, line {number + 1}: expected {expected}, found {byte}{place}. {advice}") from None
    except _damage() as error:
        raise DataError(f"{name}, after line {number}: it is damaged ({error}).") from None


def check_encoding(encoding: str | None) -> None:
    """Makes sure that there is an encoding of a name.

    Raises:
        ConfigError: if there is none.
    """
    if encoding is not None:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ConfigError(
                f"Expected an encoding such as utf-8, latin-1, cp1252 or gb18030. Received: '{encoding}'"
            ) from None


def _encoding_of(head: bytes, name: str, encoding: str | None) -> str:
    """Returns how a text is encoded, by its beginning."""
    for mark, marked in _MARKS:
        if head.startswith(mark):
            return marked
    for start, what in _FOREIGN:
        if head[: len(start)].lower() == start.lower():
            raise DataError(f"{name}: expected a text file. This is {what}")
    if encoding is not None:
        return encoding
    # a text in UTF-16 without a mark has a zero in every second byte of its Latin letters, blanks and line ends
    zeros = [head[n::2].count(0) for n in (0, 1)]
    if max(zeros) > len(head) / 10 and max(zeros) > 20 * min(zeros):
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    return "utf-8"


def _decoded(head: bytes, file: BinaryIO, encoding: str) -> Iterator[str]:
    whole = io.BufferedReader(_Rejoined(head, file), _BLOCK)
    mac = b"\r" in head and b"\n" not in head  # an old Mac's line ends
    if mac or encoding.startswith(_WIDE):
        yield from io.TextIOWrapper(whole, encoding, newline=None if mac else "\n")
        return
    for raw in whole:  # line by line, so that a message can say which byte of which line is wrong
        yield raw.decode(encoding)
        encoding = "utf-8" if encoding == "utf-8-sig" else encoding


class _Rejoined(io.RawIOBase):
    """A stream with the beginning that was read of it; standard input cannot be wound back."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Reads the beginning first."""
        if self._head:
            taken = self._head[: len(buffer)]
            self._head = self._head[len(taken) :]
        else:
            taken = self._rest.read(len(buffer))
        buffer[: len(taken)] = taken
        return len(taken)


def only(paths: Sequence[Path]) -> Path:
    """Returns the one file that a task reads.

    Raises:
        DataError: if there are several.
    """
    if len(paths) != 1:
        raise DataError(
            f"Expected one data file. Received {len(paths)}: {', '.join(map(str, paths))}. Several of one kind are "
            "given as their folder, or as a pattern such as 'data/*.tsv'."
        )
    return paths[0]


def data_format(path: Path) -> str:
    """Returns the file's ending without that of its compression: "tsv", "csv", "jsonl", ..."""
    name = Path(path.name)
    if name.suffix.lower() in PACKED:
        name = name.with_suffix("")
    return name.suffix.removeprefix(".").lower()


@contextmanager
def writing_whole(path: Path) -> Iterator[BinaryIO]:
    """Opens a file to write: a process that dies meanwhile leaves the old one, the whole new one, or none."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file as `writing_whole` does."""
    with writing_whole(path) as file:
        file.write(content)


def fingerprint(path: Path) -> str:
    """Returns what changes when a file does: its name, its size, and when it was written.

    Raises:
        DataError: if there is no such file.
    """
    if not path.exists():
        raise DataError(f"There is no file {path}.")
    status = path.stat()
    return f"{path.name}|{status.st_size}|{status.st_mtime_ns}"
