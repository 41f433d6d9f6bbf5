"""A saved model as a folder of files: written whole or not at all, verified when read.

bundle.json          format, task, settings, data, metrics, versions, SHA-256 of every file
model.keras          the Keras model, for further work
*.onnx               the graphs that answer, and weights.bin, where several share their weights
processor.json ...   what turns inputs into arrays
history.csv, learning_curves.png, README.md (the model card)
training.npz         what the training recorded of itself
"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rnn_apps.errors import (
    BundleError,
    ConfigError,
    HashError,
    MissingFileError,
    NotFoundError,
    OutputError,
    VersionError,
    did_you_mean,
)

FORMAT = 1
MANIFEST = "bundle.json"
KERAS_MODEL = "model.keras"
SHARED_WEIGHTS = "weights.bin"
LOCAL_MODELS = Path("saved_models")

_FACTS = ("task", "package", "config", "calibration", "metrics", "parameters", "versions", "sha256")


@dataclass(frozen=True)
class Bundle:
    """A verified saved model.

    Attributes:
        folder: where its files are.
        manifest: the content of `bundle.json`.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The folder's name, which is the model's."""
        return self.folder.name

    @property
    def calibration(self) -> dict[str, float]:
        """What the task fitted on the validation part to make probabilities honest."""
        return dict(self.manifest["calibration"])


def read_bundle(folder: Path) -> Bundle:
    """Reads and verifies the bundle in `folder`.

    Raises:
        NotFoundError: if there is no bundle.
        VersionError: if its format is newer than this version of RNN Apps knows.
        MissingFileError: if one of its files is gone.
        HashError: if one of its files is not as it was written.
        BundleError: if `bundle.json` cannot be read.
    """
    manifest = folder / MANIFEST
    try:
        facts = json.loads(manifest.read_bytes())
        format_version, files = int(facts["format"]), dict(facts["files"])
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"There is no saved model in {folder}: it has no {MANIFEST}.") from None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise BundleError(f"{manifest} cannot be read ({error}). Restore it or train the model again.") from None
    if format_version > FORMAT:
        writer = facts.get("versions", {}).get("rnn-apps", "a newer version")
        raise VersionError(
            f"{folder} has bundle format {format_version}, written by rnn-apps {writer}; this version reads up to "
            f"{FORMAT}. Run: pip install --upgrade rnn-apps"
        )
    if lacking := [fact for fact in _FACTS if fact not in facts]:
        raise BundleError(
            f"{manifest} cannot be read (it lacks {', '.join(lacking)}). Restore it or train the model again."
        )
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise MissingFileError(f"{folder} lacks its file {name}. Restore it or train the model again.")
        if (found := _sha256(path)) != expected:
            raise HashError(
                f"{path} was changed since the model was saved: expected SHA-256 {expected[:12]}..., "
                f"found {found[:12]}.... Restore it or train the model again."
            )
    if facts["sha256"] != facts_digest(facts):
        raise HashError(f"{manifest} was changed since the model was saved. Restore it or train the model again.")
    return Bundle(folder, facts)


def facts_digest(facts: Mapping[str, Any]) -> str:
    """Returns the SHA-256 of everything in `bundle.json` but the digest itself."""
    rest = {name: value for name, value in facts.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def write_bundle(
    folder: Path, facts: Mapping[str, Any], write_files: Callable[[Path], None], overwrite: bool = False
) -> Bundle:
    """Writes a bundle into a temporary sibling of `folder`, then renames it: a crash leaves the old one or none.

    Args:
        folder: where the bundle goes.
        facts: everything for `bundle.json` but the format and the hashes.
        write_files: writes the other files into the folder that it is given.
        overwrite: replace a bundle that is there.

    Raises:
        OutputError: if the folder exists and may not be replaced, or cannot be written.
    """
    check_output(folder, overwrite)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    with explained_failures(folder):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(folder, "tmp")
            temporary.mkdir()
            write_files(temporary)
            files = sorted(path for path in temporary.rglob("*") if path.is_file())
            hashes = {path.relative_to(temporary).as_posix(): _sha256(path) for path in files}
            manifest = {"format": FORMAT, **facts, "files": hashes}
            manifest["sha256"] = facts_digest(manifest)
            text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
            (temporary / MANIFEST).write_text(text, encoding="utf-8")
            _move_into_place(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return read_bundle(folder)


@contextmanager
def explained_failures(folder: Path) -> Iterator[None]:
    """Turns any `OSError` in the block, such as a full disk, into an `OutputError` about `folder`."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(error):
            raise OutputError(
                f"The disk is full: {folder} was not written. Make room and repeat the command; training is not lost."
            ) from error
        raise OutputError(f"{folder} cannot be written: {error}.") from error


def check_output(folder: Path, overwrite: bool) -> None:
    """Makes sure, before long work, that a bundle can be written to `folder`.

    Raises:
        OutputError: saying what is in the way.
    """
    if folder.is_file() or folder.is_symlink():
        raise OutputError(f"Expected a folder for the model. {folder} is a file.")
    if folder.exists() and not overwrite:
        raise OutputError(f"{folder} exists. Choose another --output, or replace it with --overwrite.")
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise OutputError(f"{folder} exists and is no saved model; it is not replaced. Choose another --output.")
    parent = next(parent for parent in folder.absolute().parents if parent.exists())
    if not parent.is_dir():
        raise OutputError(f"The model cannot be written to {folder}: {parent} is a file.")
    probe = parent / f".rnnapps-{os.getpid()}"
    try:
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise OutputError(f"The model cannot be written to {folder}: {parent}: {error.strerror}.") from None


def model_folders() -> dict[str, Path]:
    """Returns the folders of all saved models by name: those in ./saved_models, then those that ship."""
    found: dict[str, Path] = {}
    for place in _model_places():
        for manifest in sorted(place.glob(f"*/{MANIFEST}")):
            found.setdefault(manifest.parent.name, manifest.parent)
    return found


def find_folder(name: str | os.PathLike[str]) -> Path | None:
    """Returns the folder of the saved model of this name or path; None where there is none.

    Raises:
        ConfigError: if it is neither a name nor a path.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise ConfigError(f"Expected the name of a saved model or its folder. Received: {type(name).__name__}.")
    path = Path(name).expanduser()
    # unlike Path.exists, this takes a name that is too long for a file
    if os.path.exists(path / MANIFEST):
        return path.resolve()
    return model_folders().get(str(name))


def task_of(folder: Path) -> str:
    """Returns the name of the task that a saved model says it solves, before anything of it is verified.

    Raises:
        BundleError: if `bundle.json` cannot be read.
    """
    try:
        return str(json.loads((folder / MANIFEST).read_bytes())["task"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise BundleError(
            f"{folder / MANIFEST} cannot be read ({error}). Restore it or train the model again."
        ) from None


def find_bundle(name: str | os.PathLike[str]) -> Bundle:
    """Reads the saved model of this name, or the one in the folder of this path.

    Raises:
        NotFoundError: if there is neither; the message names the saved models there are.
        ConfigError: if the argument is neither a name nor a path.
        BundleError: if it cannot be trusted (see `read_bundle`).
    """
    folder = find_folder(name)
    if folder is not None or os.path.isdir(name):
        return read_bundle(folder or Path(name))
    known = model_folders()
    listed = f"There are: {', '.join(known)}." if known else "There is none yet; train one with: rnnapps run TASK"
    raise NotFoundError(f"There is no saved model '{name}'.{did_you_mean(str(name), known)} {listed}")


def _model_places() -> Iterator[Path]:
    yield LOCAL_MODELS.resolve()
    spec = find_spec("rnn_apps.saved_models")
    yield from map(Path, (spec.submodule_search_locations or ()) if spec else ())


def _move_into_place(temporary: Path, folder: Path) -> None:
    replaced = temporary.with_suffix(".old")
    if folder.exists():
        folder.rename(replaced)
    temporary.rename(folder)
    _remove_leftovers(folder, "old")


def _remove_leftovers(folder: Path, ending: str) -> None:
    """Removes what this process, or one that was killed, has put beside `folder`."""
    for path in folder.parent.glob(f".{glob.escape(folder.name)}.[0-9]*.{ending}"):
        shutil.rmtree(path, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
