import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnn_apps.data.store import Store, read_rows, write_store

DTYPES = [np.int32, np.float32, np.uint8, np.bool_, np.int64]


def opened(folder):
    store = Store(folder)
    return store.open(range(len(store.folders)))


@st.composite
def rows_of_arrays(draw):
    fields = {name: (draw(st.sampled_from(DTYPES)), draw(st.integers(0, 3))) for name in ("a", "b")}
    row = st.fixed_dictionaries(
        {
            name: hnp.arrays(
                dtype, hnp.array_shapes(min_dims=ndim, max_dims=ndim, min_side=0, max_side=4) if ndim else ()
            )
            for name, (dtype, ndim) in fields.items()
        }
    )
    return draw(st.lists(row, max_size=12))


@given(rows=rows_of_arrays())
def test_arrays_of_any_shape_come_back(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("store")
    write_store(folder, rows)
    store = opened(folder)
    assert len(store) == len(rows)
    for row, found in zip(rows, read_rows(store, range(len(rows))), strict=True):
        assert row.keys() == found.keys()
        for name in row:
            assert found[name].dtype == row[name].dtype
            assert found[name].shape == row[name].shape
            assert found[name].tobytes() == row[name].tobytes()
    store.close()


def test_the_length_is_the_longest_first_dimension(tmp_path):
    write_store(
        tmp_path,
        [
            {"a": np.zeros((3, 9)), "b": np.zeros(5), "label": np.array(1)},
            {"a": np.zeros((0, 1)), "b": np.zeros(0), "label": np.array(1)},
        ],
    )
    assert opened(tmp_path).lengths.tolist() == [5, 1]


def test_scalars_have_length_one(tmp_path):
    write_store(tmp_path, [{"label": np.array(3, np.int32)}] * 4)
    assert opened(tmp_path).lengths.tolist() == [1, 1, 1, 1]


def test_an_array_that_is_not_contiguous_comes_back(tmp_path):
    array = np.arange(12).reshape(3, 4).T[::2]
    write_store(tmp_path, [{"a": array}])
    np.testing.assert_array_equal(opened(tmp_path)[0]["a"], array)


def test_a_new_store_replaces_an_old_one(tmp_path):
    write_store(tmp_path, [{"a": np.arange(9)}] * 5)
    write_store(tmp_path, [{"a": np.arange(2)}])
    store = opened(tmp_path)
    assert len(store) == 1
    assert store[0]["a"].tolist() == [0, 1]


def test_a_store_that_was_not_finished_cannot_be_opened(tmp_path):
    def broken():
        yield {"a": np.arange(3)}
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_store(tmp_path, broken())
    with pytest.raises(FileNotFoundError):
        opened(tmp_path)


def test_writing_streams(tmp_path):
    sizes = []

    def rows():
        for _ in range(200):
            yield {"a": np.zeros(2000, np.float64)}
            sizes.append((tmp_path / "00000" / "a.bin").stat().st_size)

    write_store(tmp_path, rows())
    assert sizes[100] > sizes[1]
    assert json.loads((tmp_path / "00000" / "index.json").read_text())["count"] == 200
