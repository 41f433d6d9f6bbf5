"""The task learns its sample and answers."""

import rnn_apps


def test_it_learns_its_sample_and_answers(tmp_path):
    model = rnn_apps.train("$name", output=tmp_path / "model", progress=False)
    assert model.bundle.manifest["metrics"]["accuracy"] > 0.9
    assert [prediction.label for prediction in model.predict(["(())", "())("])] == ["balanced", "unbalanced"]
