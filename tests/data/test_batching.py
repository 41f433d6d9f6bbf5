import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.batching import load_batches, pad_batch, plan_batches
from rnn_apps.data.store import ArrayStore, write_store
from rnn_apps.inference.predictor import batches_by_length

lengths_strategy = st.lists(st.integers(0, 300), max_size=200).map(lambda numbers: np.array(numbers, np.int32))
plan_arguments = (lengths_strategy, st.integers(1, 64), st.integers(1, 2000), st.none() | st.integers(0, 99))


def generator(seed):
    return None if seed is None else np.random.default_rng(seed)


@given(*plan_arguments)
def test_every_example_is_in_exactly_one_batch(lengths, batch_size, batch_tokens, seed):
    plan = plan_batches(lengths, batch_size, batch_tokens, generator(seed))
    assert sorted(number for batch in plan for number in batch) == list(range(len(lengths)))


@given(*plan_arguments)
def test_batches_keep_both_budgets(lengths, batch_size, batch_tokens, seed):
    for batch in plan_batches(lengths, batch_size, batch_tokens, generator(seed)):
        assert 1 <= len(batch) <= batch_size
        assert len(batch) == 1 or len(batch) * max(lengths[batch].max(), 1) <= batch_tokens


@given(*plan_arguments)
def test_a_plan_follows_from_its_seed(lengths, batch_size, batch_tokens, seed):
    first, second = (plan_batches(lengths, batch_size, batch_tokens, generator(seed)) for _ in range(2))
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in second]


def test_another_seed_gives_another_order():
    lengths = np.arange(1, 100, dtype=np.int32)
    orders = [np.concatenate(plan_batches(lengths, 8, 1000, np.random.default_rng(seed))).tolist() for seed in (0, 1)]
    assert orders[0] != orders[1]


def test_examples_of_like_length_share_a_batch():
    lengths = np.random.default_rng(0).integers(1, 400, 20_000).astype(np.int32)
    plan = plan_batches(lengths, 64, 10**9, np.random.default_rng(1))
    padded = sum(len(batch) * lengths[batch].max() for batch in plan)
    assert lengths.sum() / padded > 0.9


def test_without_a_seed_the_longest_comes_first():
    plan = plan_batches(np.array([1, 5, 3, 5], np.int32), 2, 100)
    assert [batch.tolist() for batch in plan] == [[1, 3], [2, 0]]


shapes = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=8)


@given(shapes)
def test_a_padded_batch_holds_every_array_and_zeros_behind(sizes):
    rows = [
        {"x": np.arange(1, 1 + t * d, dtype=np.float32).reshape(t, d), "y": np.array(n, np.int32)}
        for n, (t, d) in enumerate(sizes)
    ]
    batch = pad_batch(rows)
    assert batch["x"].shape == (len(rows), max(t for t, _ in sizes), max(d for _, d in sizes))
    assert batch["x"].dtype == np.float32
    assert batch["y"].tolist() == list(range(len(rows)))
    for padded, row in zip(batch["x"], rows, strict=True):
        t, d = row["x"].shape
        np.testing.assert_array_equal(padded[:t, :d], row["x"])
        assert np.count_nonzero(padded) == row["x"].size


@given(st.lists(st.integers(0, 40), max_size=150))
def test_batches_for_prediction_give_every_row_its_place_again(lengths):
    rows = [{"tokens": np.full(length, number + 1, np.int32)} for number, length in enumerate(lengths)]
    found = {}
    for numbers, batch in batches_by_length(rows):
        for number, tokens in zip(numbers, batch["tokens"], strict=True):
            assert number not in found
            found[int(number)] = tokens
    assert len(found) == len(rows)
    for number, length in enumerate(lengths):
        assert found[number].tolist() == [number + 1] * length + [0] * (len(found[number]) - length)


@pytest.fixture
def store(tmp_path):
    write_store(tmp_path, ({"x": np.full(n % 7 + 1, n, np.int32)} for n in range(50)))
    return ArrayStore(tmp_path)


def test_loaded_batches_are_those_of_the_plan(store):
    plan = plan_batches(store.lengths, 8, 100, np.random.default_rng(0))
    batches = list(load_batches(store, plan))
    assert [batch["x"][:, 0].tolist() for batch in batches] == [numbers.tolist() for numbers in plan]


def test_an_error_while_reading_reaches_the_reader(store):
    with pytest.raises(IndexError):
        list(load_batches(store, [np.array([0]), np.array([10**6])]))


def test_the_reading_thread_ends_with_its_reader(store):
    before = threading.active_count()
    batches = load_batches(store, [np.array([n]) for n in range(50)], ahead=1)
    next(batches)
    batches.close()
    assert threading.active_count() == before


def test_reading_runs_a_bounded_number_of_batches_ahead(store):
    class Counting:
        read = 0

        def __getitem__(self, number):
            self.read += 1
            return store[number]

    counting = Counting()
    batches = load_batches(counting, [np.array([n]) for n in range(50)], ahead=3)
    next(batches)
    time.sleep(0.3)
    assert counting.read <= 1 + 3 + 1
    batches.close()
