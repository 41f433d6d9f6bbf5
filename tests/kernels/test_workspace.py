from rnn_apps.kernels import workspace


def test_memory_is_used_again_but_not_while_somebody_reads_it():
    pool = workspace.Pool()
    first = pool.empty(200, 200)
    assert first.ctypes.data % workspace.ALIGNMENT == 0
    view = first[3:5]
    address = first.ctypes.data
    del first
    other = pool.empty(200, 200)
    assert other.ctypes.data != address
    del view
    assert pool.empty(200, 200).ctypes.data == address
    assert len(pool.blocks) == 2


def test_idle_memory_does_not_pile_up():
    """Batches of ever other sizes: what is free and does not fit is given up for what is new."""
    pool = workspace.Pool()
    for rows in range(100, 1000, 50):
        pool.empty(rows, 1000)
    assert len(pool.blocks) <= 2
