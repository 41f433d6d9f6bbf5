"""Many files answered by two workers: the same answers as one by one, and whoever is killed, none twice."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("ray", reason='needs the extra "cluster"')

from cluster.processes import wait_until, workers_of_ray

from rnn_apps.cluster.engine import Workers, check_workers, engine
from rnn_apps.cluster.prediction import answer_shards, answers_of
from rnn_apps.data.readers.columns import AS_SEEN
from rnn_apps.errors import ConfigError, DataError, OutputError
from rnn_apps.inference.table import AnswerTable
from rnn_apps.model import load

WORDS = ("good", "bad", "fine", "dull", "film", "food", "not", "very")


def write_shards(folder, count, rows):
    folder.mkdir()
    for shard in range(count):
        lines = [
            json.dumps({"id": number, "text": f"{WORDS[number % 8]} {WORDS[(number + shard) % 7]} film {number}"})
            for number in range(rows)
        ]
        (folder / f"part-{shard}.jsonl").write_text("\n".join(lines) + "\n")
    return sorted(folder.iterdir())


def answered_alone(model, shard, output):
    for _ in AnswerTable(model.predictor, shard, output, AS_SEEN, {}, "alone").run():
        pass
    return output.read_bytes()


def test_two_workers_answer_as_one_process_does(sentiment_model, tmp_path):
    model = load(sentiment_model)
    shards = write_shards(tmp_path / "lake", 3, 40)
    (tmp_path / "lake" / "part-1.jsonl").write_text('{"text": "fine"}\n{"text": ""}\n{"text": "dull"}\n')
    found = list(answer_shards(model, shards, tmp_path / "answers", AS_SEEN, {}, Workers(2)))
    assert sorted(Path(own.shard).name for own in found) == [shard.name for shard in shards]
    assert {Path(own.shard).name: (own.rows, own.failed) for own in found}["part-1.jsonl"] == (3, 1)
    for shard in shards:
        alone = answered_alone(model, shard, tmp_path / f"alone-{shard.name}")
        assert (tmp_path / "answers" / shard.name).read_bytes() == alone
    again = list(answer_shards(model, shards, tmp_path / "answers", AS_SEEN, {}, Workers(2)))
    assert sorted(again) == sorted(found)  # from the ledger: no Ray is started
    with pytest.raises(OutputError, match="exists, and not with these answers"):
        next(answer_shards(model, shards, tmp_path / "answers", AS_SEEN, {"x": 1}, Workers(2)))
    with pytest.raises(OutputError, match="holds other things than answers"):
        next(answer_shards(model, shards, tmp_path / "lake", AS_SEEN, {}, Workers(2), overwrite=True))


def rows_done(folder):
    return sum(path.read_bytes().count(b"\n") for path in folder.glob(".part-*.part")) if folder.exists() else 0


@pytest.mark.parametrize("killed", ["worker", "command"])
def test_whoever_is_killed_nothing_is_answered_twice_or_left_out(killed, sentiment_model, tmp_path):
    from conftest import COMMAND

    shards = write_shards(tmp_path / "lake", 2, 8_000)
    answers = tmp_path / "answers"
    arguments = [COMMAND, "predict", sentiment_model, "--data", tmp_path / "lake", "--output", answers, "--workers", 2]
    command = list(map(str, arguments))
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: rows_done(answers) > 1000 or process.poll() is not None)
    assert process.poll() is None, process.stderr.read()
    os.kill(workers_of_ray("MapWorker")[0] if killed == "worker" else process.pid, signal.SIGKILL)
    _, errors = process.communicate(timeout=200)
    if killed == "command":
        assert process.returncode == -signal.SIGKILL
        wait_until(lambda: not workers_of_ray("MapWorker"))
        done = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
    else:
        assert process.returncode == 0, errors
    model = load(sentiment_model)
    for shard in shards:
        assert (answers / shard.name).read_bytes() == answered_alone(model, shard, tmp_path / f"alone-{shard.name}")


def test_what_cannot_be_is_refused_before_work_begins(sentiment_model, rnnapps, tmp_path):
    write_shards(tmp_path / "lake", 1, 3)

    def fails(*arguments):
        done = rnnapps("predict", sentiment_model, *arguments)
        assert (done.status, done.stdout) == (2, "")
        assert not (tmp_path / "new" / "part-0.jsonl").exists()
        return done.stderr

    asked = ("--data", "lake", "--output", "new", "--workers")
    assert "64 workers need 64 cores, and this machine has" in fails(*asked, 64)
    assert "No cluster answers at 127.0.0.1:9" in fails(*asked, 2, "--cluster", "127.0.0.1:9")
    assert "as HOST:PORT" in fails(*asked, 2, "--cluster", "somewhere")
    assert "There is no file nothing/*.parquet" in fails(
        "--data", "nothing/*.parquet", "--output", "new", "--workers", 2
    )
    assert "--workers is for files" in fails("fine", "--workers", 2)
    assert "Say how many with --workers N" in fails("--data", "lake", "--output", "new", "--cluster", "127.0.0.1:9")


def test_workers_are_like_this_process_and_see_its_files(tmp_path, monkeypatch):
    with engine(Workers(1)) as ray:
        check_workers(ray, Workers(1), [tmp_path])
        with pytest.raises(DataError, match=r"nowhere is not seen by the worker on"):
            check_workers(ray, Workers(1), [tmp_path / "nowhere"])
        real = __import__("rnn_apps.cluster.engine", fromlist=["version"]).version
        monkeypatch.setattr("rnn_apps.cluster.engine.version", lambda name: "0.0" if name == "numpy" else real(name))
        with pytest.raises(ConfigError, match=r"has numpy .*, and 0\.0 is here\. Install the same"):
            check_workers(ray, Workers(1), [])
    assert not ray.is_initialized()


@pytest.mark.parametrize(
    ("shard", "answers"),
    [("a.parquet", "a.parquet"), ("a.csv.gz", "a.csv"), ("a.txt", "a.txt.jsonl"), ("a.b.jsonl", "a.b.jsonl")],
)
def test_answers_have_the_name_of_their_shard(shard, answers):
    assert answers_of(Path(shard)) == answers


def test_two_files_of_one_name_are_refused(sentiment_model, tmp_path):
    with pytest.raises(ConfigError, match=r"answered in one 'a\.jsonl'"):
        next(
            answer_shards(
                load(sentiment_model),
                [tmp_path / "x" / "a.jsonl", tmp_path / "y" / "a.jsonl"],
                tmp_path / "new",
                AS_SEEN,
                {},
                Workers(1),
            )
        )
