import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.readers.columns import Columns
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.sources import chosen_examples, file_source, held_out, sample_source, tfds_source
from rnn_apps.task import find_task
from rnn_apps.training.run import new_run


@pytest.fixture
def task():
    return find_task("sentiment")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "train.v2.tsv"
    path.write_text("good\tfine\nbad\tdull\n")
    return path


def test_a_source_can_be_read_again_and_again(task, path):
    source = file_source(task, [path])
    for _ in range(2):
        assert [example.text for example in source] == ["fine", "dull"]
    sample = sample_source(task)
    assert list(sample) == list(sample)


def test_a_file_gives_the_source_its_name(task, path):
    assert file_source(task, [path]).name == "train"
    assert file_source(task, [path]).facts["dataset"] == "train.v2.tsv"


def test_the_identity_changes_with_the_file_and_only_then(task, path):
    before = file_source(task, [path]).identity
    assert file_source(task, [path]).identity == before
    os.utime(path, ns=(1, 1))
    assert file_source(task, [path]).identity != before
    changed = file_source(task, [path]).identity
    path.write_text("good\tfine\nbad\tdull and longer\n")
    os.utime(path, ns=(1, 1))
    assert file_source(task, [path]).identity not in (before, changed)


def test_a_missing_file_is_told_at_once(task, tmp_path):
    with pytest.raises(DataError, match=r"There is no file .*none\.tsv"):
        file_source(task, [tmp_path / "none.tsv"])


def test_one_file_is_expected(task, path):
    with pytest.raises(DataError, match=r"Expected one data file\. Received 2"):
        list(file_source(task, [path, path]))


@pytest.mark.parametrize("name", ["imdb", "tfds", "http://x"])
def test_a_dataset_without_the_prefix_is_told(task, name):
    with pytest.raises(DataError, match="Expected a dataset of the form tfds:NAME"):
        tfds_source(task, name)


def test_files_and_a_dataset_exclude_each_other(task, path):
    with pytest.raises(ConfigError, match="Received both"):
        new_run(task, task.Config(), data=[path], dataset="tfds:imdb_reviews")


@given(st.integers(2, 500), st.floats(0.001, 0.999), st.integers(0, 99))
def test_some_are_held_out_never_all_and_always_the_same(count, fraction, seed):
    chosen = held_out(count, fraction, seed)
    assert chosen.shape == (count,)
    assert 1 <= chosen.sum() < count
    assert abs(chosen.sum() - count * fraction) <= 1
    np.testing.assert_array_equal(chosen, held_out(count, fraction, seed))


def test_another_seed_holds_out_others():
    assert (held_out(100, 0.5, 0) != held_out(100, 0.5, 1)).any()


@given(st.lists(st.booleans(), max_size=30))
def test_every_example_is_chosen_on_one_side(marks):
    chosen = np.array(marks, np.bool_)
    inside, outside = (list(chosen_examples(range(len(marks)), side)) for side in (chosen, ~chosen))
    assert sorted(inside + outside) == list(range(len(marks)))
    assert not set(inside) & set(outside)


def test_a_source_that_changed_its_length_is_not_cut_silently():
    with pytest.raises(ValueError, match="zip"):
        list(chosen_examples(range(5), np.zeros(4, np.bool_)))


@given(st.lists(st.integers(1, 4), min_size=2, max_size=30), st.floats(0.01, 0.99), st.integers(0, 9))
def test_of_each_class_some_example_is_trained_on_where_that_can_be(classes, fraction, seed):
    classes = np.array(classes, np.int32)
    chosen = held_out(len(classes), fraction, seed, classes)
    assert chosen.any()
    assert not chosen.all()
    lacking = set(classes.tolist()) - set(classes[~chosen].tolist())
    every_class_once = len(set(classes.tolist())) == len(classes)
    assert lacking == set() or (every_class_once and len(lacking) == 1)


def test_what_a_file_says_of_itself_and_what_was_said_of_it(task, path, tmp_path):
    assert "2 rows" in file_source(task, [path]).survey().reading
    turned = file_source(task, [path], columns=Columns(("1",), "2"))
    assert [example.label for example in turned] == ["fine", "dull"]
    assert turned.identity != file_source(task, [path]).identity
    with pytest.raises(ConfigError, match="The task 'sentiment' has no use for --tag-column"):
        file_source(task, [path], columns=Columns(tag="3"))


def test_a_class_whose_only_example_could_be_held_out_is_trained_on(rnnapps, tmp_path):
    rows = [("good", "a fine film")] * 15 + [("bad", "a dull film")] * 15 + [("odd", "an odd film")]
    for seed in range(3):
        (tmp_path / "rows.tsv").write_text("".join(f"{label}\t{text} {n}\n" for n, (label, text) in enumerate(rows)))
        settings = ("--set", "training.epochs=1", "--set", "model.units=4", "--set", "model.layers=1")
        sizes = (
            "--set",
            "model.embedding=4",
            "--set",
            "data.vocabulary_size=300",
            "--set",
            "data.validation_fraction=0.5",
        )
        result = rnnapps(
            "train", "sentiment", "--data", "rows.tsv", "--output", f"out{seed}", "--seed", seed, *settings, *sizes
        )
        assert result.status == 0, result.stderr
        assert "1 of 3 labels occur once ('odd')" in result.stderr
