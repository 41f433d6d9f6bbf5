import pytest

import rnn_apps

SETTINGS = {
    "model": {"units": 12, "embedding": 8, "roll_features": 12},
    "training": {"epochs": 2, "window": 64, "batch_size": 8},
}


@pytest.fixture(scope="session")
def music_model(tmp_path_factory):
    """A small model trained on the built-in sample."""
    output = tmp_path_factory.mktemp("music") / "small"
    return rnn_apps.train("music", config=SETTINGS, output=output, progress=False)
