import logging
import subprocess
import sys
from pathlib import Path

import pytest

from rnn_apps.kernels import ahead, compiler


def forget():
    """As if this process had compiled nothing."""
    for function in (compiler._cell, compiler._shared, compiler.kept_in):
        function.cache_clear()


def test_compiled_once_and_kept(monkeypatch, tmp_path, caplog):
    """The first time there is a message; the machine code lies in the folder that was named.

    Another process that was to compile it has failed.
    """
    monkeypatch.setenv("RNNAPPS_CACHE", str(tmp_path))
    forget()
    try:
        from rnn_apps.layers import simple_rnn

        steps = simple_rnn.forward_step, simple_rnn.backward_step
        compiler.expect(subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"]))
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
        forget()


def test_compiled_ahead_by_another_process(monkeypatch, tmp_path, caplog):
    """While it compiles nobody else does; what it leaves is found; and of what is there nothing is compiled again."""
    monkeypatch.setenv("RNNAPPS_CACHE", str(tmp_path))
    forget()
    try:
        from rnn_apps.layers import simple_rnn

        file = Path(simple_rnn.__file__)
        with caplog.at_level(logging.WARNING, logger="rnn_apps"):
            ahead.begin(file)
            (process,) = compiler._underway
            kernels = compiler.load(
                "SimpleRNN", (simple_rnn.forward_step, simple_rnn.backward_step), {"activate": "tanh"}
            )
        assert process.returncode == 0
        assert sum(kernels.forward.stats.cache_hits.values()) == 1
        assert sum(kernels.backward.stats.cache_hits.values()) == 1
        assert [record.message.split(",")[0] for record in caplog.records] == [
            "Compiling the SimpleRNN layer for this processor"
        ]
        ahead.begin(file)
        assert not compiler._underway
    finally:
        forget()


def test_a_process_that_compiles_too_long_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(compiler, "_LONGEST_WAIT", 0.1)
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    compiler._wait_for(process)
    assert process.returncode


@pytest.mark.parametrize("name", ["lstm", "gru", "simple_rnn"])
def test_what_is_compiled_of_a_cell_is_found_without_keras(name, run_python):
    from rnn_apps.layers import CELLS

    layer = CELLS[name](3)
    module = sys.modules[type(layer).__module__]
    cell = ahead.cell_in(Path(module.__file__))
    assert cell.name == type(layer).__name__
    assert cell.slots == {slot: function.__name__ for slot, function in layer.compiled().activations.items()}
    for found, step in zip(cell.steps, (module.forward_step, module.backward_step), strict=True):
        assert found.__code__ == step.__code__
    code = (
        "import sys; from pathlib import Path; from rnn_apps.kernels import ahead; ahead.cell_in(Path(sys.argv[1])); "
        "print('keras' in sys.modules)"
    )
    assert run_python(code, module.__file__).stdout.strip() == "False"


def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("RNNAPPS_CACHE", str(blocked))
    compiler.kept_in.cache_clear()
    try:
        assert tmp_path not in compiler.kept_in(()).parents
        assert compiler.kept_in(()).is_dir()
        ahead.begin(Path(compiler.__file__).parents[1] / "layers" / "gru.py")
        assert not compiler._underway, "nobody would find what another process compiles"
    finally:
        compiler.kept_in.cache_clear()


def test_without_numba_a_line_says_so_once(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "numba", None)
    compiler.available.cache_clear()
    try:
        assert [compiler.available() for _ in range(3)] == [False] * 3
        assert "Layers run step by step" in caplog.text
        assert len(caplog.records) == 1
    finally:
        compiler.available.cache_clear()


def test_without_numba_a_model_is_trained_all_the_same(tmp_path):
    program = (
        "import sys; sys.modules['numba'] = None; sys.argv[0] = 'rnnapps'; from rnn_apps.cli.main import main; main()"
    )
    settings = ("model.cell=gru", "model.units=4", "training.epochs=1", "training.batch_size=512")
    arguments = [word for setting in settings for word in ("--set", setting)]
    result = subprocess.run(
        [sys.executable, "-c", program, "train", "digits", *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("Layers run step by step, which is slower") == 1
    assert "Traceback" not in result.stderr
