"""A small model that is trained once for all tests of this folder."""

import pytest

SETTINGS = {
    "model": {
        "units": 32,
        "embedding": 32,
        "attention_units": 32,
        "embedding_dropout": 0.0,
        "dropout": 0.0,
        "output_dropout": 0.0,
    },
    "training": {"epochs": 6, "batch_size": 16, "learning_rate": 0.02},
    "data": {"vocabulary_size": 400, "source_language": "en", "target_language": "fr"},
}


@pytest.fixture(scope="session")
def translation_model(tmp_path_factory, trained_once):
    """Folder of a small model from English to French."""
    import rnn_apps
    from rnn_apps.tasks.translation import sample

    def train(output):
        data = tmp_path_factory.mktemp("translation") / "pairs.tsv"
        pairs = sample.pairs()[:1200]
        data.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs), encoding="utf-8")
        rnn_apps.train("translation", data, config=SETTINGS, output=output, progress=False)

    return trained_once("small-translation", train).bundle.folder
