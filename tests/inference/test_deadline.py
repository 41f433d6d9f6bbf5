"""Work ends when nobody wants it: before the next step, and inside of one."""

import os
import signal
import threading

import pytest

from rnn_apps.inference.deadline import (
    Abandoned,
    Deadline,
    current_deadline,
    in_turn,
    working_until,
    working_until_interrupt,
)
from rnn_apps.model import load


def test_without_a_deadline_work_goes_on():
    assert current_deadline() is None
    deadline = Deadline()
    with working_until(deadline):
        assert current_deadline() is deadline
        deadline.check()
    assert current_deadline() is None


@pytest.mark.parametrize(
    ("name", "given"), [("sentiment", "fine"), ("ner", "Anna"), ("translation", "Hello."), ("music", None)]
)
def test_every_task_looks_at_it_before_a_graph_runs(name, given):
    if name == "music":
        pytest.importorskip("symusic")
    predictor = load(name).predictor
    deadline = Deadline()
    deadline.end()
    with working_until(deadline), pytest.raises(Abandoned):
        predictor.predict([given])
    assert len(predictor.predict([given])) == 1  # and works as before afterwards


@pytest.mark.parametrize("name", ["sentiment", "ner", "translation"])
def test_what_comes_before_a_graph_runs_ends_and_gives_way_between_inputs(name):
    turns = []
    deadline = Deadline(lambda: turns.append(len(turns)) or len(turns) < 5 or deadline.end())
    with working_until(deadline), pytest.raises(Abandoned):
        load(name).predictor.predict(["A fine day. "] * 50)
    assert turns == list(range(5))


def test_without_a_deadline_items_go_on():
    assert list(in_turn("abc")) == ["a", "b", "c"]


def test_a_search_ends_within_a_step():
    predictor = load("translation").predictor
    deadline = Deadline()
    with working_until(deadline):
        parts = predictor.stream("I do not know what to say. " * 20)
        for _ in range(3):
            next(parts)
        deadline.end()
        with pytest.raises(Abandoned):
            next(parts)


def test_what_runs_is_terminated_and_what_has_ended_is_not():
    deadline, called = Deadline(), []
    with deadline.terminating(lambda: called.append("before")):
        pass
    with deadline.terminating(lambda: called.append("running")):
        thread = threading.Thread(target=deadline.end)
        thread.start()
        thread.join()
    assert called == ["running"]
    with pytest.raises(Abandoned), deadline.terminating(lambda: called.append("never")):
        raise AssertionError


def test_control_c_ends_what_runs_without_waiting_for_python():
    @working_until_interrupt()
    def work():
        ended = threading.Event()
        with current_deadline().terminating(ended.set):
            os.kill(os.getpid(), signal.SIGINT)
            assert ended.wait(10)
        current_deadline().check()

    python_is_busy = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        signal.signal(signal.SIGINT, python_is_busy)
    assert current_deadline() is None
    assert signal.set_wakeup_fd(-1) == -1


def test_other_signals_end_nothing():
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with working_until_interrupt():
            os.kill(os.getpid(), signal.SIGUSR1)
            current_deadline().check()
    finally:
        signal.signal(signal.SIGUSR1, before)
