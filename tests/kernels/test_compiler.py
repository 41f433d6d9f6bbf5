import logging

from rnn_apps.kernels import compiler


def test_compiled_once_and_kept(monkeypatch, tmp_path, caplog):
    """The first time there is a message; the machine code lies in the folder that was named."""
    monkeypatch.setenv("RNNAPPS_CACHE", str(tmp_path))
    for function in (compiler._cell, compiler._shared, compiler.kept_in):
        function.cache_clear()
    try:
        from rnn_apps.layers import simple_rnn

        steps = simple_rnn.forward_step, simple_rnn.backward_step
        with caplog.at_level(logging.WARNING, logger="rnn_apps"):
            compiler.load("SimpleRNN", steps, {"activate": "linear"})
            compiler.load("SimpleRNN", steps, {"activate": "linear"})
        assert len(caplog.records) == 1
        assert "once" in caplog.text
        compiler._cell.cache_clear()
        again = compiler.load("SimpleRNN", steps, {"activate": "linear"})
        assert sum(again.forward.stats.cache_hits.values()) == 1
        assert len(caplog.records) == 1
        assert [*tmp_path.rglob("*.nbc")]
    finally:
        for function in (compiler._cell, compiler._shared, compiler.kept_in):
            function.cache_clear()


def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("RNNAPPS_CACHE", str(blocked))
    compiler.kept_in.cache_clear()
    try:
        assert tmp_path not in compiler.kept_in(()).parents
        assert compiler.kept_in(()).is_dir()
    finally:
        compiler.kept_in.cache_clear()
