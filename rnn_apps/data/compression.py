"""Compressed files: those that are read, and what a damaged one raises. Imported when there is one."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

from rnn_apps.errors import DataError

DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What reading a damaged file raises."""


def open_packed(path: Path) -> BinaryIO:
    """Opens a .gz, .bz2, .xz, or a .zip with one file in it, for reading what it holds.

    Raises:
        DataError: for an archive of several files, or one that is damaged.
    """
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zip": _only_member}
    return cast(BinaryIO, openers[path.suffix.lower()](path))


def _only_member(path: Path) -> object:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise DataError(f"{path} is no zip file, or a damaged one ({error}).") from None
    members = [member for member in archive.infolist() if not member.is_dir() and "__MACOSX" not in member.filename]
    if len(members) != 1:
        raise DataError(f"{path}: expected one file in the archive. It has {len(members)}: unpack it first.")
    return archive.open(members[0])
