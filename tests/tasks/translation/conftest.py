"""A small model that is trained once, by the command line, for all tests of this folder."""

import pytest

SMALL = (
    *("--set", "model.units=64", "--set", "model.embedding=64", "--set", "model.attention_units=64"),
    *("--set", "model.embedding_dropout=0", "--set", "model.dropout=0.1", "--set", "model.output_dropout=0"),
    *("--set", "training.batch_size=32", "--set", "training.learning_rate=0.015", "--set", "training.epochs=5"),
    *("--set", "data.source_language=en", "--set", "data.target_language=fr"),
)


@pytest.fixture(scope="session")
def translation_run(trained_once, inside):
    """(folder of the model, what was shown) of `rnnapps run translation` on the built-in sample."""

    def train(output):
        result = inside("run", "translation", *SMALL, "--output", output)
        assert result.status == 0, result.stderr
        output.with_suffix(".txt").write_text(result.stdout, encoding="utf-8")

    folder = trained_once("small-translation", train).bundle.folder
    return folder, folder.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def translation_model(translation_run):
    """Folder of a small model from English to French."""
    return translation_run[0]
