import threading
import time
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data import store as store_module
from rnn_apps.data.batching import Plan, Share, load_batches, pad_batch, plan_batches
from rnn_apps.data.store import Store, write_store
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
    write_store(tmp_path / "one", ({"x": np.full(n % 7 + 1, n, np.int32)} for n in range(50)))
    return Store(tmp_path / "one")


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """The same examples in five parts, of which two are open at a time."""
    monkeypatch.setattr(store_module, "OPEN_TOGETHER", 20)
    for part in range(5):
        rows = ({"x": np.full(n % 7 + 1, n, np.int32)} for n in range(10 * part, 10 * part + 10))
        write_store(tmp_path / "many" / f"{part:05}", rows, np.arange(10, dtype=np.int32) % 2 + 1)
    return Store(tmp_path / "many")


def flat(lists):
    return list(chain.from_iterable(lists))


def numbers_of(plan, **options):
    return [batch.arrays["x"][:, 0].tolist() for batch in load_batches(plan.batches(), **options)]


def test_loaded_batches_are_those_of_the_plan(store):
    opened = store.open([0])
    expected = plan_batches(opened.lengths, 8, 100, np.random.default_rng(0))
    plan = Plan(store, 8, 100, seed=(0,))
    assert numbers_of(plan) == [numbers.tolist() for numbers in expected]
    assert len(plan) == len(expected)
    assert plan.longest == [[int(opened.lengths[numbers].max()) for numbers in expected]]


def test_parts_that_fit_together_are_one_store(store, parts, monkeypatch):
    monkeypatch.setattr(store_module, "OPEN_TOGETHER", 50)
    assert numbers_of(Plan(parts, 8, 100, seed=(3,))) == numbers_of(Plan(store, 8, 100, seed=(3,)))


def test_of_many_parts_a_few_are_open_and_every_example_is_seen_once(parts):
    plan = Plan(parts, 4, 100, seed=(0, 1))
    batches = numbers_of(plan)
    assert len(plan.groups) == 3
    assert sorted(flat(batches)) == list(range(50))
    assert all(len({number // 10 for number in batch}) <= 2 for batch in batches)
    assert numbers_of(Plan(parts, 4, 100, seed=(0, 1))) == batches
    assert numbers_of(Plan(parts, 4, 100, seed=(0, 2))) != batches
    assert len(plan) == len(batches)
    for start in range(len(batches)):
        assert [rows.arrays["x"][:, 0].tolist() for rows in load_batches(plan.batches(start))] == batches[start:]


def test_an_example_that_is_changed_has_its_number_in_the_whole_store(parts):
    seen = []
    plan = Plan(parts, 4, 100, seed=(0,))
    batches = numbers_of(plan, change=lambda number, row: seen.append(number) or row)
    assert seen == flat(batches)


def test_balanced_draws_see_the_classes_of_their_own_parts(parts):
    drawn = flat(numbers_of(Plan(parts, 4, 100, seed=(0,), balanced=True)))
    assert len(drawn) == 50
    assert len(set(drawn)) < 50


@given(st.integers(1, 5))
def test_shares_are_the_batch(tmp_path_factory, processes):
    folder = tmp_path_factory.mktemp("shared")
    write_store(folder, ({"x": np.full(n % 7 + 1, n, np.int32), "y": np.array(n)} for n in range(23)))
    plan = Plan(Store(folder), 4, 9, seed=(0,))
    whole = list(load_batches(plan.batches()))
    shares = [list(load_batches(plan.batches(), share=Share(n, processes))) for n in range(processes)]
    for batch, *own in zip(whole, *shares, strict=True):
        for share, number in zip(own, range(processes), strict=True):
            for name, array in batch.arrays.items():
                np.testing.assert_array_equal(share.arrays[name], array[number::processes])
                assert share.arrays[name].dtype == array.dtype
            assert share[1:] == batch[1:]
        assert batch.steps == {"x": np.count_nonzero(batch.arrays["x"]) + (0 in batch.arrays["y"]), "y": batch.examples}


def test_an_error_while_reading_reaches_the_reader(store):
    with pytest.raises(IndexError):
        list(load_batches([(store.open([0]), np.array([10**6]))]))


def test_the_reading_thread_ends_with_its_reader(store):
    before = threading.active_count()
    batches = load_batches(((store.open([0]), np.array([n])) for n in range(50)), ahead=1)
    next(batches)
    batches.close()
    assert threading.active_count() == before


def test_reading_runs_a_bounded_number_of_batches_ahead(store):
    read, opened = [], store.open([0])

    def batches():
        for number in range(50):
            read.append(number)
            yield opened, np.array([number])

    loaded = load_batches(batches(), ahead=3)
    next(loaded)
    time.sleep(0.3)
    assert len(read) <= 1 + 3 + 1
    loaded.close()
