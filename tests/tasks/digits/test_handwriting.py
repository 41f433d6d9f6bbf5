import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.config import load_config
from rnn_apps.task import find_task
from rnn_apps.tasks.digits.handwriting import other_hand
from rnn_apps.tasks.digits.sample import EXAMPLES

SEEDS = st.integers(0, 2**32 - 1)


@given(st.sampled_from(EXAMPLES), st.floats(0.0, 1.0), SEEDS)
def test_another_hand_fills_the_same_room(image, distortion, seed):
    other = other_hand(image / 16, distortion, np.random.default_rng(seed))
    assert other.shape == image.shape
    assert other.min() >= 0.0
    assert 0.5 < other.max() <= 1.0
    filled = other > 0
    assert filled.any(axis=1).all() or filled.any(axis=0).all()


@given(st.sampled_from(EXAMPLES), SEEDS)
def test_without_distortion_only_the_pen_is_another(image, seed):
    other = other_hand(image / 16, 0.0, np.random.default_rng(seed))
    assert np.corrcoef(other.ravel(), image.ravel())[0, 1] > 0.6


@given(SEEDS)
def test_a_margin_stays(seed):
    image = np.pad(EXAMPLES[0] / 16, 4)
    assert not other_hand(image, 1.0, np.random.default_rng(seed))[:4].any()


def test_an_empty_image_stays_empty():
    assert not other_hand(np.zeros((8, 8)), 1.0, np.random.default_rng(0)).any()


def test_training_images_are_distorted_only_where_that_is_asked_for():
    task = find_task("digits")
    row = {"image": EXAMPLES[0] / np.float32(16), "label": np.int32(0)}
    for distortion in (0.0, 1.0):
        config = load_config(task.Config, settings=[f"data.distortion={distortion}"])
        processor = task.processor.fit(task.sample()[:100], config)
        rows = [processor.augment(row, np.random.default_rng(seed)) for seed in range(30)]
        changed = sum(not np.array_equal(own["image"], row["image"]) for own in rows)
        assert changed == 0 if distortion == 0 else 10 < changed < 30
        assert {own["image"].dtype for own in rows} == {np.dtype(np.float32)}
