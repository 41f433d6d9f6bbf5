import dataclasses
import json

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.training.checkpoint import Progress, Sums, load_checkpoint, save_arrays, save_checkpoint

number = st.floats(allow_nan=False)
progress_strategy = st.builds(
    Progress,
    epoch=st.integers(0, 99),
    batch=st.integers(0, 9999),
    rows=st.lists(st.dictionaries(st.text(max_size=5), number, max_size=3), max_size=3),
    best_epoch=st.integers(-1, 99),
    best_score=number,
    best_loss=number,
    sums=st.builds(Sums, *[number] * len(dataclasses.fields(Sums))),
    callbacks=st.lists(st.dictionaries(st.text(max_size=5), number | st.text() | st.none(), max_size=3), max_size=3),
    finished=st.booleans(),
)


@given(progress_strategy)
def test_progress_comes_back(tmp_path_factory, progress):
    path = tmp_path_factory.mktemp("checkpoint") / "checkpoint.npz"
    save_checkpoint(path, [], progress)
    assert load_checkpoint(path, []) == progress


@pytest.fixture
def variables():
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(3, 4)).astype(np.float32), np.array(7, np.int64), np.array([1, 2], np.uint32)]
    return [keras.Variable(value, dtype=value.dtype.name) for value in values]


def test_variables_come_back_bit_by_bit(tmp_path, variables):
    before = [variable.numpy() for variable in variables]
    save_checkpoint(tmp_path / "c.npz", variables, Progress(epoch=3))
    for variable in variables:
        variable.assign(variable * 0)
    assert load_checkpoint(tmp_path / "c.npz", variables).epoch == 3
    for variable, value in zip(variables, before, strict=True):
        assert variable.numpy().tobytes() == value.tobytes()


def test_without_a_file_training_starts_afresh(tmp_path):
    assert load_checkpoint(tmp_path / "none.npz", []) == Progress()


class Died(BaseException):
    pass


@pytest.mark.parametrize("written", [0, 40])
def test_a_process_that_dies_while_writing_leaves_the_old_file(tmp_path, monkeypatch, written):
    path = tmp_path / "c.npz"
    save_arrays(path, {"a": np.arange(3)})

    def die(file, **arrays):
        file.write(b"x" * written)
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", die)
        with pytest.raises(Died):
            save_arrays(path, {"a": np.arange(9)})
    with np.load(path) as arrays:
        assert arrays["a"].tolist() == [0, 1, 2]
    save_arrays(path, {"a": np.arange(4)})
    with np.load(path) as arrays:
        assert arrays["a"].tolist() == [0, 1, 2, 3]


def test_a_checkpoint_holds_no_pickle(tmp_path, variables):
    save_checkpoint(tmp_path / "c.npz", variables, Progress(rows=[{"loss": 0.5}]))
    with np.load(tmp_path / "c.npz", allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["progress", "v0", "v1", "v2"]
        assert json.loads(arrays["progress"].tobytes())["rows"] == [{"loss": 0.5}]
