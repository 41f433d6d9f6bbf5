import pytest

import rnn_apps

SETTINGS = {
    "model": {"units": 12, "embedding": 8, "roll_features": 12},
    "training": {"epochs": 1, "window": 64, "batch_size": 8},
}


@pytest.fixture(scope="session")
def music_model(trained_once):
    """A small model trained on the built-in sample."""
    return trained_once(
        "small-music", lambda output: rnn_apps.train("music", config=SETTINGS, output=output, progress=False)
    )
