"""Text files read line by line, gzipped or not, with the line number in every complaint; files written whole or not."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from rnn_apps.errors import DataError


def open_bytes(path: Path) -> BinaryIO:
    """Opens a file for reading, through gzip where the name ends in `.gz`.

    Raises:
        DataError: if there is no such file, or it is a folder, empty or unreadable.
    """
    try:
        if path.is_dir():
            raise DataError(f"Expected a file. {path} is a folder.")
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty.")
        return cast(BinaryIO, gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Streams (line number, line) pairs; lines end at `\n` alone, and the line end is dropped.

    Raises:
        DataError: for a file that cannot be opened, a damaged gzip stream, or bytes that are not UTF-8.
    """
    with open_bytes(path) as file:
        number = 0
        try:
            for number, raw in enumerate(file, 1):
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                yield number, line.removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}, line {number}: expected UTF-8, found the byte 0x{error.object[error.start]:02x} "
                f"at position {error.start + 1}. Convert it first, for example: iconv -f latin1 -t utf-8"
            ) from None
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"{path}, after line {number}: the gzip stream is damaged ({error}).") from None


def data_format(path: Path) -> str:
    """Returns the file's ending without `.gz`: "tsv", "csv", "jsonl", ..."""
    return Path(path.name.removesuffix(".gz")).suffix.removeprefix(".").lower()


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
