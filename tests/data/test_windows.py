import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.data.windows import carried, windows, zero_states


@given(st.integers(1, 4), st.integers(1, 20), st.integers(0, 9))
def test_windows_are_the_batch_one_after_the_other(rows, time, size):
    batch = {"tokens": np.arange(rows * time).reshape(rows, time), "label": np.arange(rows)}
    batch["features"] = np.ones((rows, time, 3))
    parts = list(windows(batch, size))
    for name in ("tokens", "features"):
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts], axis=1), batch[name])
    lengths = [part["tokens"].shape[1] for part in parts]
    assert all(length == (size or time) for length in lengths[:-1])
    assert all(part["label"] is batch["label"] for part in parts)


def test_final_states_go_to_the_inputs_of_the_same_number():
    assert carried({"logits": 0, "final_0": 1, "final_1": 2}) == {"initial_0": 1, "initial_1": 2}
    states = zero_states({"initial_0": 3}, rows=2)
    assert states["initial_0"].shape == (2, 3)
    assert states["initial_0"].dtype == np.float32
    assert states["initial_0"].sum() == pytest.approx(0.0)
