"""One training by two workers: the losses of one process, whoever is killed, and a bundle like any other."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("ray", reason='needs the extra "cluster"')

from cluster.processes import SMALL, assert_same, small_run, wait_until, workers_of_ray

from rnn_apps.cluster.engine import Workers
from rnn_apps.cluster.training import train_together
from rnn_apps.errors import ConfigError, DataError, TrainingError

WORDS = ("good", "fine", "warm", "dull", "flat", "long", "poor")


@pytest.mark.parametrize("name", SMALL)
def test_two_workers_have_the_losses_of_one_process(name, tmp_path):
    small_run(name, tmp_path / "one").execute()
    run = small_run(name, tmp_path / "two")
    model = train_together(run, Workers(2))
    assert_same(tmp_path / "one", tmp_path / "two")
    assert model.bundle.manifest["fingerprint"] == run.fingerprint
    assert not run.work.exists()
    given = list(model.predictor.examples)[:1]
    if name != "music":
        assert len(model.predict(given)) == 1


@pytest.mark.parametrize("which", [0, -1], ids=["first", "last"])
def test_a_killed_worker_costs_time_and_nothing_else(which, tmp_path):
    small_run("sentiment", tmp_path / "one", epochs=3).execute()
    run = small_run("sentiment", tmp_path / "two", epochs=3, checkpoint_seconds=0.0)
    checkpoint = run.work / "training" / "checkpoint.npz"
    killed = []

    def kill_one():
        while not checkpoint.exists():
            time.sleep(0.05)
        time.sleep(0.5)
        killed.extend(workers_of_ray("TrainWorker"))
        os.kill(killed[which], signal.SIGKILL)

    thread = threading.Thread(target=kill_one, daemon=True)
    thread.start()
    train_together(run, Workers(2))
    thread.join(1)
    assert len(killed) == 2
    assert_same(tmp_path / "one", tmp_path / "two")


def write_lake(folder, parts=5, rows=60):
    folder.mkdir()
    for part in range(parts):
        lines = [
            json.dumps({"text": f"a {WORDS[row % 7]} film, {WORDS[(row + part) % 5]} and {row}", "label": row % 7 < 3})
            for row in range(rows)
        ]
        (folder / f"part-{part}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def assert_same_data(one, other):
    """What was learnt of the training examples is equal, byte by byte."""
    for name in ("processor.json", "tokenizer.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_workers_prepare_many_files_as_one_process_does(tmp_path):
    lake = write_lake(tmp_path / "lake")
    small_run("sentiment", tmp_path / "one", data=[lake]).execute()
    train_together(small_run("sentiment", tmp_path / "two", data=[lake]), Workers(2))
    assert_same(tmp_path / "one", tmp_path / "two")
    assert_same_data(tmp_path / "one", tmp_path / "two")
    (lake / "part-2.jsonl").write_text('{"text": "no label"}\n')
    with pytest.raises(DataError, match=r"part-2\.jsonl"):
        train_together(small_run("sentiment", tmp_path / "three", data=[lake]), Workers(2))


def test_workers_read_from_a_bucket(tmp_path, monkeypatch):
    s3fs, server = pytest.importorskip("s3fs"), pytest.importorskip("moto.server")
    bucket = server.ThreadedMotoServer(port=0, verbose=False)
    bucket.start()
    try:
        host, port = bucket.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        files = s3fs.S3FileSystem(skip_instance_cache=True)
        files.mkdir("bucket")
        lake = write_lake(tmp_path / "lake", parts=3)
        files.put(str(lake), "bucket/lake", recursive=True)
        small_run("sentiment", tmp_path / "one", data=[lake]).execute()
        train_together(small_run("sentiment", tmp_path / "two", data=[Path("s3://bucket/lake/*.jsonl")]), Workers(2))
        assert_same(tmp_path / "one", tmp_path / "two")
        assert_same_data(tmp_path / "one", tmp_path / "two")
        with pytest.raises(DataError, match=r"There is no file s3://bucket/nothing"):
            small_run("sentiment", tmp_path / "three", data=[Path("s3://bucket/nothing/*.jsonl")])
    finally:
        bucket.stop()


def test_a_command_that_is_killed_goes_on(reviews, tmp_path):
    from conftest import COMMAND

    from rnn_apps.tasks.sentiment.config import SentimentConfig

    still = [f"--set=model.{name}=0.0" for name in SentimentConfig().model.model_dump() if "dropout" in name]
    small = [f"--set={name}" for name in ("model.units=8", "model.layers=1", "model.embedding=8")]
    often = ["--set=training.epochs=3", "--set=training.checkpoint_seconds=0.0", "--set=data.vocabulary_size=400"]
    asked = [COMMAND, "train", "sentiment", "--data", reviews, *still, *small, *often, "--output"]
    subprocess.run([*asked, tmp_path / "one"], check=True, capture_output=True, timeout=200)
    command = [*asked, tmp_path / "two", "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    checkpoint = tmp_path / ".two.training" / "training" / "checkpoint.npz"
    wait_until(lambda: checkpoint.exists() or process.poll() is not None)
    process.kill()
    process.communicate()
    assert not (tmp_path / "two").exists()
    wait_until(lambda: not workers_of_ray("TrainWorker"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert_same(tmp_path / "one", tmp_path / "two")


def test_a_loss_that_is_no_number_ends_it_at_once(tmp_path):
    run = small_run("sentiment", tmp_path / "new", learning_rate=1e30, warmup=0.0, clipping={"kind": "none"})
    with pytest.raises(TrainingError, match=r"at step \d+ \(epoch 1\)"):
        train_together(run, Workers(2))
    assert not run.work.exists()


def test_what_cannot_be_divided_is_refused(tmp_path):
    run = small_run("digits", tmp_path / "new")
    run.unlabelled = tmp_path / "texts.txt"
    with pytest.raises(ConfigError, match="learnt by one process"):
        train_together(run, Workers(2))
    logged = small_run("digits", tmp_path / "new")
    logged.callbacks = [object()]
    with pytest.raises(ConfigError, match="keep no logs"):
        train_together(logged, Workers(2))
    with pytest.raises(ConfigError, match="64 workers need 64 cores"):
        train_together(small_run("digits", tmp_path / "new"), Workers(64))
    assert not (tmp_path / "new").exists()
