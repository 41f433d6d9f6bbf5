"""A cluster of two machines: two nodes of Ray on this one, started by hand as docs/scaling.md says.

Everything here runs in processes of its own: a process shows one token to all clusters that it ever meets.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("ray", reason='needs the extra "cluster"')

from cluster.processes import SMALL, assert_same, small_run, wait_until
from conftest import COMMAND

RAY = Path(sys.executable).with_name("ray")


def start(*arguments):
    """Starts a node; it ends with its process."""
    command = [RAY, "start", "--num-cpus=1", "--disable-usage-stats", "--block", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def end(node):
    os.killpg(node.pid, signal.SIGTERM)
    node.wait(60)


@pytest.fixture
def cluster(monkeypatch):
    """(address, node beside the head) of a cluster of two nodes with a core each."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a" * 64)
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        port = own.getsockname()[1]
    address = f"127.0.0.1:{port}"
    head = start("--head", f"--port={port}", "--include-dashboard=false")
    ask = [RAY, "health-check", "--address", address]
    wait_until(lambda: subprocess.run(ask, capture_output=True).returncode == 0, seconds=60)
    node = start(f"--address={address}")
    yield address, node
    for own in (node, head):
        if own.poll() is None:
            end(own)


def settings(**training):
    """What makes the command line train as `small_run` does."""
    config = small_run("sentiment", Path("x")).config.model_dump()
    model = {**config["model"], **SMALL["sentiment"]["model"]}
    values = {
        f"model.{name}": model[name] for name in model if "dropout" in name or name in SMALL["sentiment"]["model"]
    }
    values |= {"data.vocabulary_size": 400, **{f"training.{name}": value for name, value in training.items()}}
    return [option for name, value in values.items() for option in ("--set", f"{name}={json.dumps(value)}")]


def rnnapps(*arguments):
    done = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=200)
    return done.returncode, done.stderr


def test_two_nodes_train_and_answer(cluster, sentiment_model, tmp_path):
    address, _ = cluster
    small_run("sentiment", tmp_path / "one").execute()
    together = ("--workers", 2, "--cluster", address)
    asked = ["train", "sentiment", "--output", tmp_path / "two", *settings(epochs=1), *together]
    assert rnnapps(*asked)[0] == 0
    assert_same(tmp_path / "one", tmp_path / "two")

    (tmp_path / "lake").mkdir()
    for number in range(4):
        (tmp_path / "lake" / f"{number}.txt").write_text("a good film\na bad film\n" * 50)
    asked = ["predict", sentiment_model, "--data", tmp_path / "lake", "--output", tmp_path / "answers", *together]
    assert rnnapps(*asked)[0] == 0
    assert [len(path.read_text().splitlines()) for path in sorted((tmp_path / "answers").glob("[0-9]*"))] == [100] * 4

    status, errors = rnnapps("train", "sentiment", "--output", tmp_path / "new", "--workers", 9, "--cluster", address)
    assert (status, f"9 workers need 9 cores, and the cluster at {address} has 2" in errors) == (2, True)


def test_a_node_that_leaves_is_not_waited_for(cluster, tmp_path):
    address, node = cluster
    small_run("sentiment", tmp_path / "one", epochs=6).execute()
    asked = ["train", "sentiment", "--output", tmp_path / "two", *settings(epochs=6, checkpoint_seconds=0.0)]
    process = subprocess.Popen(
        [COMMAND, *map(str, asked), "--workers", "2", "--elastic", "1", "--cluster", address], stderr=subprocess.PIPE
    )
    checkpoint = tmp_path / ".two.training" / "training" / "checkpoint.npz"
    wait_until(lambda: checkpoint.exists() or process.poll() is not None)
    end(node)
    assert process.poll() is None
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors.decode()
    assert_same(tmp_path / "one", tmp_path / "two")


def test_what_is_no_cluster_is_told_in_time(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        status, errors = rnnapps("train", "digits", "--output", tmp_path / "new", "--workers", 1, "--cluster", address)
        assert (status, "does not answer like Ray" in errors) == (2, True)
        assert time.monotonic() - began < 30
    for wrong in ("somewhere", "ray://127.0.0.1:10001"):
        status, errors = rnnapps("train", "digits", "--output", tmp_path / "new", "--workers", 1, "--cluster", wrong)
        assert (status, "as HOST:PORT" in errors) == (2, True)
