"""The key of music, and whether it comes to rest there."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rnn_apps.errors import ConfigError
from rnn_apps.tasks.music.scores.piece import LOWEST_PITCH, SILENT, Frames, Piece

PitchClasses = npt.NDArray[np.int64]
"""For how many frames each pitch class sounds, C first, (12,)."""

# how well a pitch class fits into C major and C minor, by listeners' ratings: Krumhansl and Kessler (1982)
_MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_TONICS = (0, 9)  # of a major key and of its relative minor
_TRIADS = ({0, 4, 7}, {0, 3, 7})
_MAJOR, _MINOR, _HARMONIC_MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 8, 11)
_NAME = re.compile(r"([A-Ga-g])([#b]?)\s*(|major|minor)", re.ASCII)
_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


class Tonality(NamedTuple):
    """A major or minor key.

    Attributes:
        tonic: its pitch class; 0 is C.
        minor: whether it is minor.
    """

    tonic: int
    minor: bool

    @classmethod
    def named(cls, name: str) -> Tonality:
        """Returns the key that is called so, "f#" or "Bb major", say; a small letter is minor too.

        Raises:
            ConfigError: if it is no key.
        """
        match = _NAME.fullmatch(name.strip())
        if not match:
            raise ConfigError(f"Expected a key such as C, f# or 'B minor' (a small letter: minor). Received: '{name}'")
        letter, sign, mode = match.groups()
        tonic = (_LETTERS[letter.lower()] + {"#": 1, "b": -1, "": 0}[sign]) % 12
        return cls(tonic, mode == "minor" or (not mode and letter.islower()))

    @property
    def signature(self) -> list[int]:
        """The pitch classes that its key signature leaves; those of a minor key are its relative major's."""
        return self._from_tonic(_MINOR if self.minor else _MAJOR)

    @property
    def scale(self) -> list[int]:
        """The pitch classes of its scale, from the tonic; in minor the harmonic one."""
        return self._from_tonic(_HARMONIC_MINOR if self.minor else _MAJOR)

    @property
    def triad(self) -> list[int]:
        """The pitch classes of the chord on the tonic."""
        return self.scale[:5:2]

    def _from_tonic(self, steps: tuple[int, ...]) -> list[int]:
        return [(self.tonic + step) % 12 for step in steps]


def pitch_classes(frames: Frames) -> PitchClasses:
    """Counts the pitch classes of frames, uint8 (time, 88)."""
    sounding = (frames != SILENT).sum(axis=0)
    return np.bincount((np.arange(len(sounding)) + LOWEST_PITCH) % 12, sounding, 12).astype(np.int64)


def tonality_of(classes: PitchClasses) -> Tonality:
    """Returns the key whose profile best fits how long each pitch class sounds (Krumhansl and Schmuckler)."""
    # in the minor key three semitones below a major one all notes are shared
    profiles = np.stack([_MAJOR_PROFILE, np.roll(_MINOR_PROFILE, -3)])
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    scores = [profiles @ np.roll(classes, -major) for major in range(12)]
    major, minor = divmod(int(np.argmax(scores)), 2)
    return Tonality((major + _TONICS[minor]) % 12, bool(minor))


def major_tonic(classes: PitchClasses) -> int:
    """Returns the pitch class of the tonic of `tonality_of`, in minor that of the relative major."""
    tonic, minor = tonality_of(classes)
    return (tonic - _TONICS[minor]) % 12


def rests_on_tonic(frames: Frames, classes: PitchClasses) -> bool:
    """Returns whether the last chord is the triad on the tonic, of the major key or its relative minor, root lowest.

    The third may be major or minor, and the fifth may be missing.

    Args:
        frames: the last ones of a piece.
        classes: of the whole.
    """
    sounding = frames != SILENT
    heard = np.flatnonzero(sounding.any(axis=1))
    if not len(heard):
        return False
    pitches = np.flatnonzero(sounding[heard[-1]]) + LOWEST_PITCH
    above = set(((pitches - pitches[0]) % 12).tolist())
    root = (int(pitches[0]) - major_tonic(classes)) % 12
    return root in _TONICS and len(above) > 1 and any(above <= triad for triad in _TRIADS)


def ends_on_tonic(piece: Piece) -> bool:
    """Returns whether a piece does."""
    return rests_on_tonic(piece.frames, pitch_classes(piece.frames))
