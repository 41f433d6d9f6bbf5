"""Two runs with one output: the second is told who holds it, and a dead one holds nothing."""

import os
import subprocess
import sys
import textwrap

import pytest

from rnn_apps.data.lock import locked
from rnn_apps.errors import OutputError

HOLD = """
    import sys, time
    from pathlib import Path
    from rnn_apps.data.lock import locked

    with locked(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLD), tmp_path / "out"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_run_is_told_who_holds_the_output(holder, tmp_path):
    said = rf"Another run works on .*out \(process {holder.pid} on .*--output"
    with pytest.raises(OutputError, match=said), locked(tmp_path / "out"):
        raise AssertionError
    with locked(tmp_path / "another"):
        pass


def test_a_process_that_was_killed_holds_nothing(holder, tmp_path):
    holder.kill()
    holder.wait()
    with locked(tmp_path / "out"):
        assert str(os.getpid()) in (tmp_path / ".out.lock").read_text()


def test_nothing_is_left_behind(tmp_path):
    for _ in range(2):
        with locked(tmp_path / "deep" / "out"):
            pass
    assert list((tmp_path / "deep").iterdir()) == []


def test_training_takes_the_lock(holder, tmp_path, rnnapps):
    result = rnnapps("train", "digits", "--output", tmp_path / "out")
    assert result.status == 2
    assert f"process {holder.pid}" in result.stderr
