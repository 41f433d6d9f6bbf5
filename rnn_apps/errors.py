"""Every error that RNN Apps raises on purpose.

    RnnAppsError
    ├── ConfigError            a setting or an argument that cannot be used (also a ValueError)
    ├── DataError              an input file or dataset that cannot be used (also a ValueError)
    ├── OutputError            a place that cannot be written (also an OSError)
    ├── MissingExtraError      a part of the package whose dependencies are not installed (also an ImportError)
    ├── NotFoundError          a task or model of that name does not exist (also a LookupError)
    ├── BundleError            a saved model that cannot be trusted or read
    │   ├── MissingFileError   a file of the bundle is not there
    │   ├── HashError          a file of the bundle was changed
    │   └── VersionError       the bundle was written by a newer RNN Apps
    ├── ExportError            a Keras model that cannot be written as ONNX
    ├── TrainingError          training cannot go on
    └── TrainingInterrupted    training was stopped from the keyboard, and can be resumed

A message says what was expected, what came, where, and what to do. The command line prints it in one line
and ends with the error's `exit_status`: 2 for what the user can mend, 1 for an interruption. Any other exception that
escapes is a fault of the program, shows its traceback and ends with status 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral, Real
from typing import Any


class RnnAppsError(Exception):
    """Base of all errors of this package."""

    exit_status = 2


class ConfigError(RnnAppsError, ValueError):
    """A setting or an argument cannot be used."""


class DataError(RnnAppsError, ValueError):
    """An input file, a dataset or an input text cannot be used."""


class OutputError(RnnAppsError, OSError):
    """A result cannot be written where it should go."""


class NotFoundError(RnnAppsError, LookupError):
    """No task or saved model of this name exists."""


class BundleError(RnnAppsError):
    """A saved model cannot be read."""


class MissingFileError(BundleError):
    """A file that the bundle lists is not there."""


class HashError(BundleError):
    """A file of the bundle does not have the SHA-256 that was recorded for it."""


class VersionError(BundleError):
    """The bundle has a newer format than this version reads."""


class ExportError(RnnAppsError):
    """A Keras model cannot be written as ONNX, or its ONNX form gives other answers."""


class TrainingError(RnnAppsError):
    """Training cannot go on."""


class TrainingInterrupted(RnnAppsError):
    """Training was stopped from the keyboard; its checkpoint is written."""

    exit_status = 1


class MissingExtraError(RnnAppsError, ImportError):
    """Something needs packages that an optional extra of this package installs.

    Args:
        what: what the user wanted to do, as the start of a sentence ("Training").
        extra: the extra that installs what is missing ("train").
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs packages that are not installed. Run: pip install "rnn-apps[{extra}]"')
        self.extra = extra


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Returns `" Did you mean 'x'?"` for the closest known name, or an empty string where none is close.

    Case does not count, and the beginning of one name alone is close, too: "pos" for "positive".
    """
    import difflib  # slow to load, and seldom needed

    names = {name.casefold(): name for name in known}
    wrong = wrong.casefold()
    close = difflib.get_close_matches(wrong, list(names), n=1, cutoff=0.6)
    if not close and len(wrong) > 2:
        close = [name for name in names if name.startswith(wrong) or (len(name) > 2 and wrong.startswith(name))]
    return f" Did you mean '{names[close[0]]}'?" if len(close) == 1 else ""


def unknown_class(kind: str, name: str, known: Sequence[str]) -> str:
    """Returns what is said of a class in the data that a model has not learnt.

    Args:
        kind: what a class is called there: "label".
        name: of the class.
        known: the names of the model's classes.
    """
    meant = did_you_mean(name, known)
    cure = f"{meant} Write it so in the data." if meant else " Leave such examples out, or train on some."
    return f"the {kind} '{name}' was not in the training data. The model knows: {', '.join(known)}.{cure}"


def check_count(name: str, value: Any, least: int = 1) -> int:
    """Returns an argument that must be a whole number of at least `least`.

    Raises:
        ConfigError: if it is none.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ConfigError(f"Expected {name} to be a whole number of at least {least}. Received: {value!r}.")
    return int(value)


def check_number(name: str, value: Any, expected: str, fits: Callable[[float], bool]) -> float:
    """Returns an argument that must be a finite number.

    Args:
        name: the argument.
        value: what came.
        expected: which numbers are taken, in words, such as "a number above 0".
        fits: whether one is taken.

    Raises:
        ConfigError: if it is none of them.
    """
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value) or not fits(float(value)):
        raise ConfigError(f"Expected {name} to be {expected}. Received: {value!r}.")
    return float(value)


def check_rate(name: str, value: Any) -> float:
    """Returns an argument that must be a probability below 1.

    Raises:
        ConfigError: if it is none.
    """
    return check_number(name, value, "a number from 0 to below 1", lambda rate: 0 <= rate < 1)
