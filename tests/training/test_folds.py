"""Cross-validation: every example is measured on once, and never by a model that has seen it."""

import json

import numpy as np
import pytest

from rnn_apps.sources import held_out


def test_the_folds_hold_every_example_once():
    parts = [held_out(23, 0.1, 7, fold=(number, 5)) for number in range(1, 6)]
    np.testing.assert_array_equal(np.sum(parts, axis=0), 1)
    assert {part.sum() for part in parts} == {4, 5}
    assert (held_out(23, 0.1, 8, fold=(1, 5)) != parts[0]).any()


def test_a_model_for_each_fold_and_their_spread(rnnapps, reviews, sentiment_settings, tmp_path):
    arguments = "train", "sentiment", "--data", reviews, *sentiment_settings, "--output", "mine", "--folds", "3"
    result = rnnapps(*arguments)
    assert result.status == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["fold", "fold", "fold", "mean"]
    facts = [json.loads((tmp_path / "mine-folds" / f"fold-{n}" / "bundle.json").read_text()) for n in (1, 2, 3)]
    assert [own["data"]["validation_examples"] for own in facts] == [80, 80, 80]
    found = [own["metrics"]["accuracy"] for own in facts]
    assert f"accuracy {np.mean(found):.4f} ± {np.std(found, ddof=1):.4f}" in lines[3]
    again = rnnapps(*arguments)  # nothing is trained again
    assert again.stdout == result.stdout
    assert "epoch" not in again.stderr


def test_folds_that_cannot_be_are_refused(fails, reviews):
    arguments = "train", "sentiment", "--data", reviews, "--output", "mine"
    assert "Leave --valid out" in fails(*arguments, "--valid", reviews, "--folds", "3")
    assert "--folds" in fails(*arguments, "--folds", "1")


@pytest.mark.parametrize("count", [2, 3])
def test_a_class_of_one_example_is_trained_on(count):
    classes = np.array([1, 1, 1, 2], np.int32)
    for number in range(1, count + 1):
        out = held_out(4, 0.1, 0, classes, (number, count))
        assert set(classes[~out]) == {1, 2}
