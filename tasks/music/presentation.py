"""What music looks and sounds like: a piano roll, a sound, a MIDI file, a score; characters in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnn_apps.tasks.music.prediction import Music
from rnn_apps.tasks.music.scores.midi import midi_bytes
from rnn_apps.tasks.music.scores.notation import musicxml_bytes
from rnn_apps.tasks.music.scores.piece import pitch_name
from rnn_apps.tasks.music.sound.picture import png_bytes
from rnn_apps.tasks.music.sound.synthesis import wav_bytes
from rnn_apps.views import Audio, File, Image, Lines, Text, View

WIDTH = 96


def music_views(music: Music) -> Sequence[View]:
    """Returns picture, sound, MIDI file and score of a whole piece, and what is odd about it; the notes of a part.

    Raises:
        MissingExtraError: without the extra "music".
    """
    names = " ".join(pitch_name(note.pitch) for note in music.notes)
    if not music.complete:
        return [Text(names)]
    piece = music.piece()
    score = musicxml_bytes(piece)
    summary = f"{len(music.notes)} notes in {music.seconds:.0f} seconds"
    return [
        Image(png_bytes(piece), f"Piano roll: {summary}"),
        Audio(wav_bytes(piece), f"Piano: {summary}"),
        File("music.mid", midi_bytes(piece), "audio/midi"),
        *([File("music.musicxml", score, "application/vnd.recordare.musicxml+xml")] if score else []),
        *([Text(music.remark)] if music.remark else []),
        *([_surprise(music)] if music.nats else []),
    ]


def _surprise(music: Music) -> View:
    """How unlikely each quarter note of a judged piece is."""
    grid = music.frames_per_quarter
    quarters = np.add.reduceat(np.array(music.nats), np.arange(0, len(music.nats), grid))
    steps = [str(number) for number in range(1, len(quarters) + 1)]
    return Lines({"surprise": quarters}, steps, "Negative log-likelihood of each quarter note, in nats")


def text_roll(music: Music) -> str:
    """Returns the beginning of a piece in characters: a line for each pitch, time to the right, bar lines below."""
    if not music.notes:
        return f"(silence)\n{music.remark}".strip()
    step = min(note.duration for note in music.notes)
    lines: dict[int, list[str]] = {}
    for note in music.notes:
        line = lines.setdefault(note.pitch, [" "] * WIDTH)
        start, end = round(note.start / step), round((note.start + note.duration) / step)
        line[start:end] = ["■", *"━" * (end - start - 1)][: max(WIDTH - start, 0)]
    shown = {pitch: "".join(line).rstrip() for pitch, line in sorted(lines.items(), reverse=True)}
    rows = [f"  {pitch_name(pitch):>3} {line}" for pitch, line in shown.items() if line]
    bar = round(music.metre[0] * 4 / music.metre[1] / step)
    ruler = "".join("|" if column % max(bar, 1) == 0 else " " for column in range(WIDTH))
    summary = f"  {len(music.notes)} notes in {music.seconds:.0f} s, at {music.tempo:.0f} quarter notes a minute"
    return "\n".join([*rows, f"      {ruler.rstrip()}", summary, *filter(None, [music.remark])])
