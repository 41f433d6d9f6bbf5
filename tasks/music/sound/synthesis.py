"""A piece as sound: FluidSynth where it and a SoundFont are installed, a piano of sines otherwise.

A string of a piano that is struck sounds its fundamental and its overtones, the higher the weaker and the sooner gone;
each fades fast at first and slowly then (two polarisations of the string's movement), and is damped when the key is let
go. Stiffness makes the overtones a little sharp: f_k = k f sqrt(1 + B k^2). The amplitude grows with the square of the
velocity (General MIDI 2, volume response).
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rnn_apps.tasks.music.scores.midi import midi_bytes
from rnn_apps.tasks.music.scores.piece import Piece

RATE = 44_100  # samples a second

_OVERTONES = 12
_STIFFNESS = 2e-4
_ATTACK, _RELEASE = 0.004, 0.25  # seconds
_RING = 0.5  # seconds of silence behind the last note
_PEAK = 0.8  # of what a sample can hold
_BLOCK = 2**20  # samples
_SOUNDFONT_FOLDERS = (
    "/usr/share/sounds/sf2",
    "/usr/share/sounds/sf3",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",
    "~/.local/share/soundfonts",
)

Samples = npt.NDArray[np.float32]


def wav_bytes(piece: Piece) -> bytes:
    """Returns a piece as a WAV file, 16 bits, 44.1 kHz: FluidSynth's where it can be had, `synthesise`'s otherwise."""
    soundfont = find_soundfont()
    rendered = _fluidsynth(piece, soundfont) if soundfont else None
    return rendered if rendered is not None else _as_wav(synthesise(piece))


def find_soundfont() -> Path | None:
    """Returns the SoundFont that FluidSynth would play with; None where one of the two is not installed."""
    if shutil.which("fluidsynth") is None:
        return None
    found = [
        path
        for folder in _SOUNDFONT_FOLDERS
        for path in sorted(Path(folder).expanduser().glob("*.sf[23]"))
        if path.is_file()
    ]
    # what the system calls its default comes first
    return min(found, key=lambda path: "default" not in path.name.lower(), default=None)


def synthesise(piece: Piece) -> Samples:
    """Returns a piece as samples between -1 and 1, (samples,), played on the built-in piano."""
    notes = piece.notes()
    frame = piece.seconds_per_frame
    sound = np.zeros(round((len(piece.frames) * frame + _RELEASE + _RING) * RATE), np.float32)
    longest: dict[int, int] = {}
    for note in notes:
        longest[note.pitch] = max(longest.get(note.pitch, 0), note.end - note.start)
    tones = {pitch: _tone(pitch, frames * frame + _RELEASE) for pitch, frames in longest.items()}
    release = np.linspace(1.0, 0.0, round(_RELEASE * RATE), dtype=np.float32) ** 3
    for note in notes:
        start, held = round(note.start * frame * RATE), round((note.end - note.start) * frame * RATE)
        tone = tones[note.pitch][: held + len(release)] * np.float32((note.velocity / 127) ** 2)
        sound[start : start + min(held, len(tone))] += tone[:held]
        faded = tone[held:] * release[: len(tone) - held]
        sound[start + held : start + held + len(faded)] += faded
    peak = max(float(sound.max(initial=0.0)), -float(sound.min(initial=0.0)))
    if peak:
        sound *= np.float32(_PEAK / peak)
    return sound


def _tone(pitch: int, seconds: float) -> Samples:
    """Returns one string that is struck and never damped, (samples,)."""
    frequency = 440.0 * 2.0 ** ((pitch - 69) / 12)
    time = np.arange(round(seconds * RATE), dtype=np.float32) / np.float32(RATE)
    tone = np.zeros_like(time)
    for k in range(1, _OVERTONES + 1):
        partial = k * frequency * np.sqrt(1 + _STIFFNESS * k * k)
        if partial > 0.45 * RATE:
            break
        # high strings fade sooner than low ones, overtones sooner than the fundamental
        decay = np.float32(1.2 * (frequency / 220.0) ** 0.5 * k**0.7)
        envelope = 0.75 * np.exp(-decay * time) + 0.25 * np.exp(-0.2 * decay * time)
        phase = (time.astype(np.float64) * partial) % 1.0
        tone += envelope * np.sin(2 * np.pi * phase.astype(np.float32)) / np.float32(k**1.4)
    attack = min(round(_ATTACK * RATE), len(tone))
    tone[:attack] *= np.linspace(0.0, 1.0, attack, dtype=np.float32)
    return tone


def _as_wav(samples: Samples) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        for start in range(0, len(samples), _BLOCK):
            wav.writeframes(np.rint(samples[start : start + _BLOCK] * 32767).astype("<i2").tobytes())
    return file.getvalue()


def _fluidsynth(piece: Piece, soundfont: Path) -> bytes | None:
    """Returns what FluidSynth makes of a piece; None where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder, "piece.mid"), Path(folder, "piece.wav")
        midi.write_bytes(midi_bytes(piece))
        command = ["fluidsynth", "-ni", "-q", "-r", str(RATE), "-F", str(wav), str(soundfont), str(midi)]
        done = subprocess.run(command, capture_output=True, check=False)
        return wav.read_bytes() if done.returncode == 0 and wav.is_file() else None
