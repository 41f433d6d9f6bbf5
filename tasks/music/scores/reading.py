"""Music from files: a folder or archive of MIDI and ABC, the benchmark's .mat piano rolls, chorales as JSON.

Of a collection, what cannot be read is left out, named and counted; alone it is an error.
"""

from __future__ import annotations

import json
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from rnn_apps.data.files import data_format, open_bytes
from rnn_apps.errors import DataError, MissingExtraError
from rnn_apps.progress import tell_once
from rnn_apps.tasks.music.scores.midi import abc_tunes, read_abc, read_midi
from rnn_apps.tasks.music.scores.piece import KEYS, LOWEST_PITCH, SIXTEENTHS, STRUCK, Piece

_MIDI, _ABC = (".mid", ".midi", ".kar", ".rmi", ".smf"), (".abc",)
_TAR, _ZIP = (".tar", ".tar.gz", ".tgz"), (".zip",)
_SHOWN = 5
_GRIDS = {"quarter": 1, "8th": 2, "16th": 4}
"""Frames in a quarter note, by what the names of the JSB Chorales' files say."""


def splits(path: Path) -> tuple[str, ...]:
    """Returns the names of the parts that a file is divided into, those to train on first; none for most files.

    Raises:
        DataError: for a .mat or a .json that cannot be read or has no such parts.
    """
    parts = _read_parts(path)
    return tuple(parts or ())


def read_split(path: Path, split: str) -> Iterator[Piece]:
    """Yields the pieces of one part of a .mat or .json.

    Raises:
        DataError: if there is no such part, or a piece is not what it should be.
    """
    parts = _read_parts(path) or {}
    if split not in parts:
        raise DataError(f"{path} has no part '{split}'. It has: {', '.join(parts) or 'none'}.")
    to_piece = _roll_piece if data_format(path) == "mat" else _chord_piece
    grid = next((grid for word, grid in _GRIDS.items() if word in path.name), 1)
    for number, content in enumerate(parts[split], 1):
        yield to_piece(content, f"{path.name}, {split}, piece {number}", grid)


def read_pieces(path: Path, grid: int = SIXTEENTHS) -> Iterator[Piece]:
    """Yields the pieces of a folder, an archive or a file; of a file with parts, those to train on.

    Args:
        path: where they are.
        grid: frames in a quarter note that MIDI and ABC are put on.

    Raises:
        DataError: if there is none, or a file cannot be read.
    """
    if not path.exists():
        raise DataError(f"There is no file {path}.")
    if parts := splits(path):
        yield from read_split(path, parts[0])
        return
    if path.is_file() and not path.name.lower().endswith(_TAR + _ZIP):
        with open_bytes(path) as file:
            yield from _parsed(file.read(), path.name.removesuffix(".gz"), grid)
        return
    skipped: list[str] = []
    count = 0
    for name, content in _members(path):
        try:
            for piece in _parsed(content, name, grid):
                count += 1
                yield piece
        except DataError as error:
            skipped.append(str(error))
    if skipped:
        lines = skipped[:_SHOWN] + ["..."] * (len(skipped) > _SHOWN)
        tell_once(f"{path}: left out {len(skipped)} that cannot be used:\n  " + "\n  ".join(lines))
    if not count:
        raise DataError(f"Expected MIDI (.mid, .midi) or ABC (.abc) files. {path} has none that can be used.")


def _parsed(content: bytes, name: str, grid: int) -> Iterator[Piece]:
    """The pieces in the content of one file; of several tunes in one, those that can be read."""
    ending = PurePosixPath(name.lower()).suffix
    if ending in _MIDI:
        imported = [read_midi(content, name, grid)]
    elif ending in _ABC:
        imported = [
            read_abc(tune, f"{name}, tune {number}", grid)
            for number, tune in enumerate(abc_tunes(content.decode("utf-8", "replace")), 1)
        ]
    else:
        raise DataError(
            f"Expected a folder or archive of MIDI, or a file that ends in .mid, .midi, .abc, .mat or .json. "
            f"Received: {name}"
        )
    if not imported:
        raise DataError(f"{name} has no tune.")
    for piece, remarks in imported:
        for remark in remarks:
            tell_once(remark)
        yield piece


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, content) of the music files in a folder or an archive, in the order of their names."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() in _MIDI + _ABC and file.is_file():
                yield str(file.relative_to(path)), file.read_bytes()
        return
    try:
        yield from _zipped(path) if zipfile.is_zipfile(path) else _tarred(path)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DataError(f"{path} is a damaged archive: {error}") from None


def _zipped(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for name in _music_names(path, archive.namelist()):
            yield name, archive.read(name)


def _tarred(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for name in _music_names(path, [member.name for member in archive.getmembers() if member.isfile()]):
            content = archive.extractfile(name)
            assert content
            yield name, content.read()


def _music_names(path: Path, names: Iterable[str]) -> list[str]:
    """The names of an archive's music files, sorted; what macOS puts beside each file is none."""
    places = {name: PurePosixPath(name.replace("\\", "/")) for name in sorted(names)}
    for name, place in places.items():
        if place.is_absolute() or ".." in place.parts:
            raise DataError(f"{path} has a file whose path leaves the archive: '{name}'. Nothing of it was used.")
    return [n for n, p in places.items() if p.suffix.lower() in _MIDI + _ABC and "__MACOSX" not in p.parts]


def _read_parts(path: Path) -> dict[str, Any] | None:
    """The parts of a .mat or .json by their names, that to train on first; None for any other file."""
    if path.is_dir() or data_format(path) not in ("mat", "json"):
        return None
    names = [f"{name}data" if data_format(path) == "mat" else name for name in ("train", "valid", "test")]
    with open_bytes(path) as file:
        try:
            content = _loadmat(file) if data_format(path) == "mat" else json.load(file)
            found = {
                name: np.ravel(content[name]) if name.endswith("data") else content[name]
                for name in names
                if name in content
            }
        except (ValueError, TypeError, KeyError, NotImplementedError, OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} cannot be read: {error}") from None
    if names[0] not in found:
        raise DataError(f"{path}: expected {names[0]} and, for validation, {names[1]}. It has not {names[0]}.")
    return found


def _loadmat(file: Any) -> dict[str, Any]:
    try:
        from scipy.io import loadmat
    except ImportError:
        raise MissingExtraError("Reading .mat files", "music") from None
    try:
        return dict(loadmat(file))
    except Exception as error:  # scipy's exceptions for damaged files have no common base
        raise ValueError(error) from None


def _roll_piece(roll: Any, name: str, grid: int) -> Piece:
    """A piano roll (time, 88) of 0 and 1."""
    array = np.asarray(roll)
    if array.ndim != 2 or array.shape[1] != KEYS or array.dtype.kind not in "uifb":
        raise DataError(f"{name}: expected a piano roll (time, {KEYS}). Received: {array.dtype} {array.shape}")
    return Piece(name, (array != 0).astype(np.uint8) * STRUCK, grid, articulated=False)


def _chord_piece(chords: Any, name: str, grid: int) -> Piece:
    """A list of lists of the MIDI pitches that sound; -1 is silence."""
    try:
        sounding = [[int(pitch) for pitch in chord if pitch != -1] for chord in chords]
    except (TypeError, ValueError):
        raise DataError(f"{name}: expected a list of lists of MIDI pitches.") from None
    frames = np.zeros((len(sounding), KEYS), np.uint8)
    for time, pitches in enumerate(sounding):
        for pitch in pitches:
            if not 0 <= pitch - LOWEST_PITCH < KEYS:
                raise DataError(f"{name}, step {time + 1}: the pitch {pitch} is outside the 88 keys of a piano.")
            frames[time, pitch - LOWEST_PITCH] = STRUCK
    return Piece(name, frames, grid, articulated=False)
