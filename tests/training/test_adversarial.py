import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.layers import GRU, Embedding
from rnn_apps.layers.observation import changed_inputs
from rnn_apps.training.adversarial import Watched, mean_gradients
from training.small import loss, timeless

TOKENS = np.array([[3, 5, 2, 0, 0], [4, 1, 6, 7, 2]], np.int32)
LABELS = np.array([0, 2], np.int32)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = Embedding(8, 4, embeddings_initializer="random_normal", mask_zero=True)(tokens)
    x = GRU(6)(x)
    return keras.Model({"tokens": tokens}, {"logits": keras.layers.Dense(3)(x)})


def passed(model, change):
    with changed_inputs(model, change):
        return loss(model({"tokens": TOKENS}, training=True), {"label": LABELS})[0]


def move(model, epsilon):
    """Returns (loss before, loss after, vectors, moves)."""
    with tf.GradientTape() as tape:
        watched = Watched(tape)
        before = passed(model, watched)
    change = watched.moved(tape.gradient(before, watched.vectors), epsilon)
    moves = []

    def noted(layer, vectors, mask):
        moves.append(change(layer, vectors, mask) - vectors)
        return vectors + moves[0]

    after = passed(model, noted)
    return float(before), float(after), watched.vectors[0].numpy(), moves[0].numpy()


def test_vectors_move_by_their_share_of_the_length_of_the_row_and_padding_stays(model):
    _, _, vectors, moves = move(model, 0.05)
    real = (TOKENS != 0)[..., None]
    length = np.sqrt(np.square(vectors * real).sum(axis=(1, 2)))
    np.testing.assert_allclose(np.sqrt(np.square(moves).sum(axis=(1, 2))), 0.05 * length, rtol=1e-5)
    assert not moves[~real.repeat(4, axis=2)].any()


def test_no_other_move_of_that_length_costs_as_much(model):
    before, after, _, moves = move(model, 0.01)
    assert after > before
    rng = np.random.default_rng(0)
    length = np.sqrt(np.square(moves).sum(axis=(1, 2), keepdims=True))
    for _ in range(20):
        other = rng.normal(size=moves.shape).astype(np.float32) * (TOKENS != 0)[..., None]
        other *= length / np.sqrt(np.square(other).sum(axis=(1, 2), keepdims=True))
        assert float(passed(model, lambda layer, vectors, mask, other=other: vectors + other)) < after


def test_afterwards_the_model_looks_up_what_it_did(model):
    before = model({"tokens": TOKENS})["logits"].numpy()
    move(model, 0.5)
    np.testing.assert_array_equal(model({"tokens": TOKENS})["logits"].numpy(), before)


def test_the_mean_of_gradients_keeps_rows_and_takes_one_that_is_alone():
    rows = tf.IndexedSlices(tf.ones((1, 2)), tf.constant([3]), tf.constant([5, 2]))
    other = tf.IndexedSlices(3 * tf.ones((2, 2)), tf.constant([3, 1]), tf.constant([5, 2]))
    both, dense, alone, none = mean_gradients(
        [rows, tf.constant([2.0]), None, None], [other, tf.constant([4.0]), tf.constant([1.0]), None]
    )
    assert isinstance(both, tf.IndexedSlices)
    np.testing.assert_allclose(tf.convert_to_tensor(both), [[0, 0], [1.5, 1.5], [0, 0], [2, 2], [0, 0]])
    assert (float(dense[0]), float(alone[0]), none) == (3.0, 1.0, None)


def test_a_run_learns_other_weights_and_the_same_ones_again(trainer, undisturbed):
    rows = trainer("one", adversarial=0.1).fit()
    assert timeless(rows) == timeless(trainer("other", adversarial=0.1).fit())
    assert timeless(rows) != timeless(undisturbed[0])
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]
