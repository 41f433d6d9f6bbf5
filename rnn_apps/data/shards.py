"""Data in many files, and files that are elsewhere: `lake/*.parquet`, a folder, `s3://bucket/lake/*.jsonl.gz`.

What has an address is read through fsspec, a file at a time: it is copied to this machine, read like any other, and
thrown away. As a `Path` an address has one slash where it was written with two; `address` gives it back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rnn_apps.data.files import fingerprint
from rnn_apps.errors import ConfigError, DataError, MissingExtraError

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)")  # a drive of Windows has one letter
_SIGNS = "*?["


def address(path: Path) -> str | None:
    """Returns the address that a path was written as, such as s3://bucket/file; None for a path of this machine."""
    found = _ADDRESS.fullmatch(path.as_posix())
    return f"{found[1]}://{found[2]}" if found else None


def absolute(path: Path) -> Path:
    """Returns a path as it is seen from everywhere on this machine; an address is."""
    return path if address(path) else path.expanduser().resolve()


def name_of(path: Path) -> str:
    """Returns a short name for what a path or a pattern stands for: of a pattern, that of its folder."""
    return (path.parent if any(sign in path.name for sign in _SIGNS) else path).name.split(".")[0] or "data"


def expand(path: Path) -> list[Path]:
    """Returns the files of a path with `*` or `?` in it, or of a folder, in alphabetical order.

    Raises:
        ConfigError: if what an address needs is not installed.
        DataError: if there is no file.
    """
    found = _far(path) if address(path) else _near(path.expanduser())
    if not found:
        where = "in the folder " if path.is_dir() else ""
        raise DataError(f"There is no file {where}{address(path) or path}.")
    return found


def shards(paths: Sequence[Path]) -> list[tuple[Path, ...]]:
    """Returns the files of paths that belong together, such as the sources and the targets of translations.

    Raises:
        DataError: if there is no file, or there are not as many of each.
    """
    found = [expand(path) for path in paths]
    if len(set(map(len, found))) > 1:
        told = ", ".join(f"{address(path) or path} has {len(own)}" for path, own in zip(paths, found, strict=True))
        raise DataError(f"Expected as many files of each, which go pair by pair. {told}.")
    return list(zip(*found, strict=True))


def stamp(path: Path) -> str:
    """Returns what changes when a file does, wherever it is.

    Raises:
        DataError: if there is no such file.
    """
    if not (own := address(path)):
        return fingerprint(path)
    facts = _ask(own, lambda files, place: files.info(place))
    known = [facts.get(name) for name in ("ETag", "etag", "LastModified", "mtime", "created", "updated")]
    return f"{path.name}|{facts.get('size')}|{known}"


@contextmanager
def local_copies(paths: Sequence[Path]) -> Iterator[tuple[Path, ...]]:
    """Gives paths that can be opened, for the block: those of this machine as they are, and copies of the others.

    Raises:
        DataError: if one cannot be fetched.
    """
    if not any(map(address, paths)):
        yield tuple(paths)
        return
    with TemporaryDirectory(prefix="rnnapps-") as folder:
        yield tuple(_fetched(path, Path(folder)) for path in paths)


def _near(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith((".", "_")))
    if path.exists() or not any(sign in str(path) for sign in _SIGNS):
        return [path]
    anchor = Path(path.anchor) if path.is_absolute() else Path()
    return sorted(anchor.glob(str(path.relative_to(path.anchor) if path.anchor else path)))


def _far(path: Path) -> list[Path]:
    def look(files: Any, place: str) -> list[str]:
        if any(sign in place for sign in _SIGNS):
            found = files.glob(place)
        elif files.isdir(place):
            found = [own["name"] for own in files.ls(place, detail=True) if own["type"] == "file"]
        else:
            found = [place] if files.exists(place) else []
        return [files.unstrip_protocol(own) for own in sorted(found)]

    own = address(path)
    assert own
    found = map(Path, _ask(own, look))
    return [one for one in found if not one.name.startswith((".", "_"))]


def _fetched(path: Path, folder: Path) -> Path:
    """Copies a file into a folder, under its whole name, so that messages say which it was."""
    own = address(path)
    if not own:
        return path
    target = folder / own.replace("://", "/")
    target.parent.mkdir(parents=True, exist_ok=True)
    _ask(own, lambda files, place: files.get_file(place, str(target)))
    return target


def _ask(own: str, question: Callable[[Any, str], Any]) -> Any:
    """Asks the file system of an address; what goes wrong there is of any kind."""
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise MissingExtraError(f"Reading {own}", "cluster") from None
    try:
        return question(*url_to_fs(own))
    except (ImportError, ValueError) as error:  # the package for this kind of address is not there, or there is none
        raise ConfigError(f"{own} cannot be read: {error}") from None
    except FileNotFoundError:
        raise DataError(f"There is no file {own}.") from None
    except Exception as error:
        raise DataError(f"{own} cannot be read: {type(error).__name__}: {error}") from None
