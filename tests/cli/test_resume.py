"""A run that is stopped at any moment and repeated ends like one that nothing happened to."""

import csv
import json
import signal
import zipfile

import h5py
import numpy as np

TIMES = ("seconds", "validation_seconds", "examples_per_second", "tokens_per_second", "waiting_share")

# The command line with something put in its way, at one moment after the other; its arguments stand behind the moments.
# Each time is a process of its own; the one that begins them has imported TensorFlow for all and done nothing with it.
DISTURBED = """
import itertools, json, os, signal, sys
import keras, tensorflow
from rnn_apps.cli.main import main
from rnn_apps.training import prepare, run

moments, sys.argv = json.loads(sys.argv[1]), [sys.argv[0], *sys.argv[2:]]
for number, moment in enumerate(moments):
    if not os.fork():
        for stream, ending in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{number}.{ending}", os.O_CREAT | os.O_WRONLY), stream)
        break
    print(os.waitstatus_to_exitcode(os.wait()[1]), os.path.exists("mine"), flush=True)
else:
    sys.exit()

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

if moment == "data":
    write_store = prepare.write_store
    def write_and_die(folder, rows, classes=None):
        write_store(folder, itertools.chain(itertools.islice(rows, 20), iter(kill, 0)))
    prepare.write_store = write_and_die
elif moment == "saved":
    write_bundle = run.write_bundle
    def write_and_die(*arguments):
        write_bundle(*arguments)
        kill()
    run.write_bundle = write_and_die
elif moment:
    from rnn_apps.environment import start_tensorflow
    start_tensorflow("The test")
    from rnn_apps.training import trainer
    save_checkpoint, place = trainer.save_checkpoint, eval(moment)
    def save_or_stop(path, variables, progress):
        if (progress.epoch, progress.batch) != place[:2]:
            return save_checkpoint(path, variables, progress)
        if place[2] == signal.SIGINT:
            save_checkpoint(path, variables, progress)
        os.kill(os.getpid(), place[2])
    trainer.save_checkpoint = save_or_stop
try:
    main()
except SystemExit as end:  # the rest of an interpreter's end is not for a process that was forked
    sys.stdout.flush()
    os._exit(end.code or 0)
"""


def weights_of(folder, tmp_path):
    with zipfile.ZipFile(folder / "model.keras") as archive:
        archive.extract("model.weights.h5", tmp_path)
    found = {}
    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def history_of(folder):
    with (folder / "history.csv").open(newline="") as file:
        return [{name: value for name, value in row.items() if name not in TIMES} for row in csv.DictReader(file)]


def test_a_run_stopped_at_every_stage_ends_like_an_undisturbed_one(
    run_python, rnnapps, sentiment_model, sentiment_settings, reviews, tmp_path, files_below
):
    arguments = ["run", "sentiment", "--data", reviews, "--output", tmp_path / "mine", *sentiment_settings]
    random_step = int(np.random.default_rng(len(files_below(tmp_path))).integers(4, 7))
    moments = {
        "data": -signal.SIGKILL,
        "(0, 2, signal.SIGINT)": 1,  # Ctrl-C within an epoch
        f"(0, {random_step}, signal.SIGKILL)": -signal.SIGKILL,
        "(1, 0, signal.SIGKILL)": -signal.SIGKILL,  # between two epochs, after the best weights are written
        "saved": -signal.SIGKILL,
    }
    result = run_python(DISTURBED, json.dumps(list(moments)), *arguments, cwd=tmp_path)
    printed, told = (
        [(tmp_path / f"{n}.{ending}").read_text() for n in range(len(moments))] for ending in ("out", "err")
    )
    assert result.stdout.splitlines() == [f"{status} {moment == 'saved'}" for moment, status in moments.items()], told
    for status, out, line in zip(moments.values(), printed, told, strict=True):
        if status == 1:
            assert "Stopped at epoch 1, step 3. The same command goes on from there" in line
            assert out == ""
    assert "resumed at epoch 1" in told[-1]
    assert files_below(tmp_path)[0].startswith((".mine.training", ".mine.lock"))
    shown = rnnapps(*arguments)
    assert shown.status == 0
    assert shown.stderr.startswith("Already trained")
    assert not any(name.startswith(".") for name in files_below(tmp_path))

    expected, found = (weights_of(folder, tmp_path) for folder in (sentiment_model, tmp_path / "mine"))
    assert expected.keys() == found.keys()
    assert len(expected) >= 8
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
    assert history_of(tmp_path / "mine") == history_of(sentiment_model)


def test_control_c_while_the_data_is_prepared_leaves_nothing(rnnapps, reviews, monkeypatch, files_below, tmp_path):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("rnn_apps.training.prepare.write_store", interrupt)
    result = rnnapps("run", "sentiment", "--data", reviews)
    assert (result.status, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == "Aborted."
    assert files_below(tmp_path) in ([], ["saved_models"])
