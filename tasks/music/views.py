"""What music looks and sounds like: a piano roll, a sound and a MIDI file."""

from __future__ import annotations

from collections.abc import Sequence

from rnn_apps.tasks.music.midi import midi_bytes
from rnn_apps.tasks.music.picture import png_bytes
from rnn_apps.tasks.music.predictor import Music
from rnn_apps.tasks.music.synthesis import wav_bytes
from rnn_apps.tasks.music.text import pitch_name
from rnn_apps.views import Audio, File, Image, Text, View


def music_views(music: Music) -> Sequence[View]:
    """Returns a picture, a sound and a MIDI file of a whole piece, and what is odd about it; the notes of a part.

    Raises:
        MissingExtraError: without the extra "music".
    """
    names = " ".join(pitch_name(note.pitch) for note in music.notes)
    if not music.complete:
        return [Text(names)]
    piece = music.piece()
    summary = f"{len(music.notes)} notes in {music.seconds:.0f} seconds"
    return [
        Image(png_bytes(piece), f"Piano roll: {summary}"),
        Audio(wav_bytes(piece), f"Piano: {summary}"),
        File("music.mid", midi_bytes(piece), "audio/midi"),
        *([Text(music.remark)] if music.remark else []),
    ]
