import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnn_apps.errors import ConfigError
from rnn_apps.inference.probabilities import softmax
from rnn_apps.inference.sampling import sample

logits_strategy = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
    elements=st.floats(-1e4, 1e4, width=32),
)
settings_strategy = st.fixed_dictionaries(
    {"temperature": st.floats(1e-6, 1e3), "top_k": st.integers(0, 15), "top_p": st.floats(1e-6, 1.0)}
)
seeds = st.integers(0, 2**32 - 1)


@given(logits_strategy, settings_strategy, seeds)
def test_every_row_gets_one_of_its_tokens(logits, settings, seed):
    drawn = sample(logits, np.random.default_rng(seed), **settings)
    assert drawn.dtype == np.int32
    assert drawn.shape == (len(logits),)
    assert ((drawn >= 0) & (drawn < logits.shape[1])).all()


@given(logits_strategy, settings_strategy, seeds)
def test_the_same_seed_draws_the_same(logits, settings, seed):
    first, second = (sample(logits, np.random.default_rng(seed), **settings) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@given(logits_strategy, settings_strategy, seeds)
def test_rows_are_drawn_one_by_one_as_together(logits, settings, seed):
    rng = np.random.default_rng(seed)
    apart = [sample(row[None], rng, **settings)[0] for row in logits]
    np.testing.assert_array_equal(sample(logits, np.random.default_rng(seed), **settings), apart)


@given(logits_strategy, st.floats(1e-6, 1e3), seeds)
def test_top_1_is_the_likeliest(logits, temperature, seed):
    drawn = sample(logits, np.random.default_rng(seed), temperature, top_k=1)
    np.testing.assert_array_equal(drawn, logits.argmax(axis=1))


@given(logits_strategy, st.integers(1, 12), seeds)
def test_top_k_draws_from_the_k_likeliest(logits, k, seed):
    drawn = sample(logits, np.random.default_rng(seed), temperature=1e3, top_k=k)
    likelier = (logits > logits[np.arange(len(logits)), drawn][:, None]).sum(axis=1)
    assert (likelier < k).all()


@given(logits_strategy, st.floats(0.01, 1.0), seeds)
def test_top_p_draws_no_token_whose_likelier_ones_reach_p(logits, p, seed):
    drawn = sample(logits, np.random.default_rng(seed), top_p=p)
    probabilities = softmax(logits)
    own = probabilities[np.arange(len(logits)), drawn][:, None]
    assert (np.where(probabilities > own, probabilities, 0.0).sum(axis=1) < p + 1e-9).all()


@given(logits_strategy, settings_strategy, seeds)
def test_a_forbidden_token_is_never_drawn(logits, settings, seed):
    logits[:, 1:][:, ::2] = -np.inf
    drawn = sample(logits, np.random.default_rng(seed), **settings)
    assert np.isfinite(logits[np.arange(len(logits)), drawn]).all()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0.4, 0.3, 0.2, 0.1]),
        ({"temperature": 0.5}, [16 / 30, 9 / 30, 4 / 30, 1 / 30]),
        ({"top_k": 2}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_p": 0.6}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_p": 0.75}, [4 / 9, 3 / 9, 2 / 9, 0]),
        ({"top_k": 3, "top_p": 0.5}, [4 / 7, 3 / 7, 0, 0]),
    ],
)
def test_tokens_come_as_often_as_they_are_likely(settings, expected):
    count = 40_000
    logits = np.tile(np.log([0.4, 0.3, 0.2, 0.1]).astype(np.float32), (count, 1))
    frequencies = np.bincount(sample(logits, np.random.default_rng(7), **settings), minlength=4) / count
    np.testing.assert_allclose(frequencies, expected, atol=0.01)
    assert (frequencies > 0).tolist() == (np.array(expected) > 0).tolist()


def test_no_row_gives_no_token():
    assert sample(np.zeros((0, 5), np.float32), np.random.default_rng(0)).shape == (0,)


@pytest.mark.parametrize(
    "setting",
    [
        {"temperature": 0.0},
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"temperature": "hot"},
        {"top_k": -1},
        {"top_k": 2.5},
        {"top_k": True},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"top_p": float("nan")},
    ],
)
def test_a_setting_out_of_its_range_is_refused(setting):
    (name, value), *_ = setting.items()
    with pytest.raises(ConfigError, match=f"Expected {name} to be .* Received: {value!r}"):
        sample(np.zeros((1, 3), np.float32), np.random.default_rng(0), **setting)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_no_logits_are_refused(bad):
    logits = np.zeros((2, 3), np.float32)
    logits[1, 2] = bad
    with pytest.raises(ValueError, match="Row 1 has"):
        sample(logits, np.random.default_rng(0))


def test_a_row_that_forbids_everything_is_refused():
    with pytest.raises(ValueError, match="Row 0 has -inf"):
        sample(np.full((1, 3), -np.inf, np.float32), np.random.default_rng(0))


@pytest.mark.parametrize("shape", [(3,), (2, 0), (1, 2, 3)])
def test_logits_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"Expected logits \(rows, V\)"):
        sample(np.zeros(shape, np.float32), np.random.default_rng(0))
