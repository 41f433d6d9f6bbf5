import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_apps.kernels import packing


@given(data=st.data())
@settings(max_examples=20)
def test_packing(data):
    """Each step that counts is packed exactly once, in the order of its row."""
    batch, time = data.draw(st.integers(0, 12)), data.draw(st.integers(0, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    backwards = data.draw(st.booleans())
    mask = rng.random((batch, time)) < 0.6
    parts = packing.split(mask.sum(1), data.draw(st.integers(1, 3)))
    seen = []
    for part in parts:
        index = np.empty(part.count, np.int64)
        packing.index_steps(mask, part.rows, part.alive, backwards, index)
        assert part.alive.sum() == part.count
        starts = np.concatenate([[0], np.cumsum(part.alive)])
        for q, row in enumerate(part.rows):
            steps = [index[starts[s] + q] for s in range(len(part.alive)) if q < part.alive[s]]
            expected = [row * time + t for t in range(time) if mask[row, t]]
            assert steps == (expected[::-1] if backwards else expected)
        seen += list(index)
    assert sorted(seen) == list(np.flatnonzero(mask))
    assert [part.start for part in parts] == [sum(p.count for p in parts[:n]) for n in range(len(parts))]
