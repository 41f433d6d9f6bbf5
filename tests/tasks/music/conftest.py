import numpy as np
import pytest

import rnn_apps
from rnn_apps.tasks.music.report import report
from rnn_apps.tasks.music.scores.midi import midi_bytes
from rnn_apps.tasks.music.scores.piece import Note, Piece, frames_of

SETTINGS = {
    "model": {"units": 12, "embedding": 8, "roll_features": 12},
    "training": {"epochs": 1, "window": 64, "batch_size": 8},
}


@pytest.fixture(scope="session")
def music_model(trained_once):
    """A small model trained on the built-in sample; its card looks at few endings, which take most of its time."""

    def train(output):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(report, "ENDINGS", report.PIECES + 2)
            rnn_apps.train("music", config=SETTINGS, output=output, progress=False)

    return trained_once("small-music", train)


def accented(seed, strong=7, weak=3):
    """A melody of 32 quarter notes, the first of each bar louder than the others."""
    pitches = 67 + np.clip(np.random.default_rng(seed).integers(-2, 3, 32).cumsum(), -12, 12)
    notes = [
        Note(int(pitch), 4 * beat, 4 * beat + 4, weak if beat % 4 else strong) for beat, pitch in enumerate(pitches)
    ]
    return Piece(f"melody {seed}", frames_of(notes, 4 * len(notes)))


@pytest.fixture(scope="session")
def loud_music_model(trained_once, tmp_path_factory):
    """A small model that was trained on MIDI files with accents."""
    folder = tmp_path_factory.mktemp("accents")
    for seed in range(24):
        (folder / f"{seed}.mid").write_bytes(midi_bytes(accented(seed)))
    settings = {
        "model": {**SETTINGS["model"], "units": 48},
        "training": {**SETTINGS["training"], "epochs": 10, "batch_size": 4, "learning_rate": 0.01},
    }
    return trained_once(
        "accented-music",
        lambda output: rnn_apps.train("music", data=folder, config=settings, output=output, progress=False),
    )
