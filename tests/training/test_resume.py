"""A run that is killed or stopped goes on to the end of an undisturbed one."""

import signal
import threading

import numpy as np
import pytest

from rnn_apps.errors import TrainingInterrupted
from rnn_apps.training.checkpoint import Progress, load_checkpoint
from rnn_apps.training.trainer import BEST_WEIGHTS, CHECKPOINT
from training.small import (
    EPOCHS,
    STEPS,
    At,
    Killed,
    assert_same,
    kill,
    press_control_c,
    press_control_c_twice,
    timeless,
    values,
)


def test_a_run_killed_again_and_again_ends_like_an_undisturbed_one(trainer, undisturbed):
    for place in ((0, 0), (0, 3), (1, 4), (2, 0), (2, 2)):
        with pytest.raises(Killed):
            trainer(callbacks=[At(*place, kill)]).fit()
    last = trainer()
    assert timeless(last.fit()) == timeless(undisturbed[0])
    assert_same(values(last.variables), undisturbed[1])


def test_a_run_killed_while_it_writes_ends_like_an_undisturbed_one(trainer, undisturbed, monkeypatch):
    savez, calls = np.savez, []

    def die_half_way(file, **arrays):
        calls.append(file)
        if len(calls) in (3, 9, 16):  # a checkpoint in an epoch, the best weights, a checkpoint after an epoch
            file.write(b"PK\x03\x04 half")
            file.flush()
            raise Killed
        savez(file, **arrays)

    monkeypatch.setattr(np, "savez", die_half_way)
    for _ in range(3):
        with pytest.raises(Killed):
            trainer().fit()
    last = trainer()
    assert timeless(last.fit()) == timeless(undisturbed[0])
    assert_same(values(last.variables), undisturbed[1])


def test_control_c_finishes_the_step_and_the_run_goes_on_later(trainer, undisturbed):
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted, match=r"Stopped at epoch 2, step 3\. The same command goes on from there"):
        trainer(callbacks=[At(1, 2, press_control_c)], checkpoint_seconds=1e9).fit()
    assert signal.getsignal(signal.SIGINT) is handler
    last = trainer(checkpoint_seconds=1e9)
    assert timeless(last.fit()) == timeless(undisturbed[0])
    assert_same(values(last.variables), undisturbed[1])


def test_control_c_in_the_last_step_of_the_last_epoch_loses_nothing(trainer, undisturbed):
    with pytest.raises(TrainingInterrupted):
        trainer(callbacks=[At(EPOCHS - 1, STEPS - 1, press_control_c)]).fit()
    last = trainer()
    assert timeless(last.fit()) == timeless(undisturbed[0])
    assert_same(values(last.variables), undisturbed[1])


@pytest.fixture
def interruptible():
    """Control-C works, whatever the process was started with."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_second_control_c_stops_at_once(trainer, interruptible):
    with pytest.raises(KeyboardInterrupt):
        trainer(callbacks=[At(0, 1, press_control_c_twice)]).fit()


def test_a_finished_run_is_not_run_again(trainer, undisturbed):
    trainer().fit()
    never = At(0, 0, kill)
    again = trainer(callbacks=[never])
    assert timeless(again.fit()) == timeless(undisturbed[0])
    assert_same(values(again.variables), undisturbed[1])


def test_training_runs_in_a_thread_too(trainer):
    found = []
    thread = threading.Thread(target=lambda: found.append(trainer(epochs=1).fit()))
    thread.start()
    thread.join()
    assert len(found[0]) == 1


def test_a_checkpoint_holds_the_state_of_dropout(trainer):
    with pytest.raises(Killed):
        trainer(callbacks=[At(0, 3, kill)]).fit()
    run = trainer()
    fresh = values(run.variables)
    progress = load_checkpoint(run.folder / CHECKPOINT, run.variables)
    assert (progress.epoch, progress.batch) == (0, 3)
    seeds = [n for n, variable in enumerate(run.variables) if "seed" in variable.path]
    assert len(seeds) >= 3
    for number in seeds:
        assert (run.variables[number].numpy() != fresh[number]).any()


def test_nothing_but_the_two_files_is_left(trainer, files_below):
    run = trainer(epochs=1)
    run.fit()
    assert files_below(run.folder) == sorted([BEST_WEIGHTS, CHECKPOINT])
    assert load_checkpoint(run.folder / CHECKPOINT, run.variables) != Progress()
