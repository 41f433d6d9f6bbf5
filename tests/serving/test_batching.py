import asyncio
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.errors import DataError
from rnn_apps.inference.deadline import current_deadline
from rnn_apps.serving.batching import Batcher
from rnn_apps.serving.http import RequestError
from rnn_apps.serving.settings import Limits


class Recorder:
    """Doubles numbers; notes each batch and the thread it ran in."""

    def __init__(self, seconds=0.0):
        self.batches, self.threads, self.seconds = [], set(), seconds

    def __call__(self, inputs, options):
        self.batches.append((list(inputs), dict(options)))
        self.threads.add(threading.get_ident())
        time.sleep(self.seconds)
        if "bad" in inputs:
            raise DataError(f"input {list(inputs).index('bad') + 1} is bad")
        if "fault" in inputs:
            raise ZeroDivisionError
        return [2 * number for number in inputs]

    @property
    def sizes(self):
        return [len(inputs) for inputs, _ in self.batches]


def batcher(predict, **limits):
    return Batcher("doubler", predict, Limits(**limits))


async def ask(batcher, *requests, options=None):
    """Sends all requests at once; gives answers and errors in their order."""
    work = [batcher.answer(inputs, options or {}) for inputs in requests]
    return await asyncio.gather(*work, return_exceptions=True)


@given(st.lists(st.lists(st.integers(), min_size=1, max_size=9), max_size=20), st.integers(1, 8))
def test_each_request_gets_its_own_answers_in_order_and_no_batch_is_too_large(requests, max_batch):
    recorder = Recorder()
    answers = asyncio.run(ask(batcher(recorder, max_batch=max_batch), *requests))
    assert answers == [[2 * number for number in inputs] for inputs in requests]
    assert max(recorder.sizes, default=0) <= max_batch
    assert sum(recorder.sizes) == sum(map(len, requests))
    assert len(recorder.threads) <= 1


def test_what_comes_while_a_batch_runs_runs_together():
    recorder = Recorder(seconds=0.02)
    asyncio.run(ask(batcher(recorder), *[[n] for n in range(8)]))
    assert recorder.sizes == [1, 7]


def test_half_of_many_runs_while_the_rest_is_read_and_answered():
    recorder = Recorder(seconds=0.02)
    asyncio.run(ask(batcher(recorder), *[[n] for n in range(20)]))
    assert recorder.sizes[:2] == [1, 10]
    assert sum(recorder.sizes) == 20


def test_a_request_larger_than_half_of_what_there_is_runs():
    recorder = Recorder()
    answers = asyncio.run(ask(batcher(recorder), list(range(40)), [1]))
    assert [len(own) for own in answers] == [40, 1]


def test_a_lone_request_does_not_wait():
    async def lone():
        waiting = batcher(Recorder(), max_delay_ms=400)
        await ask(waiting, [1], [2], [3])
        for _ in range(3):  # the first may wait for the crowd of before, which does not come again
            begin = time.perf_counter()
            await ask(waiting, [1])
        return time.perf_counter() - begin

    assert asyncio.run(lone()) < 0.4


def test_right_after_a_batch_the_next_waits_for_as_many_but_not_long():
    async def again():
        recorder = Recorder(seconds=0.02)
        waiting = batcher(recorder, max_delay_ms=500)
        await ask(waiting, [1], [2, 3, 4])  # runs 1, then 3
        first = asyncio.ensure_future(waiting.answer([5], {}))
        await asyncio.sleep(0.05)
        await ask(waiting, [6, 7])
        await first
        begin = time.perf_counter()
        await ask(waiting, [8])
        return recorder.sizes, time.perf_counter() - begin

    sizes, seconds = asyncio.run(again())
    assert sizes == [1, 3, 3, 1]
    assert 0.4 < seconds < 5


def test_other_options_make_another_batch():
    async def both():
        recorder = Recorder(seconds=0.01)
        two = batcher(recorder)
        await asyncio.gather(*(two.answer([n], {"n": n % 2}) for n in range(6)))
        return recorder.batches

    assert asyncio.run(both()) == [([0], {"n": 0}), ([1, 3, 5], {"n": 1}), ([2, 4], {"n": 0})]


@pytest.mark.parametrize("bad", [0, 1, 6, 12])
def test_a_bad_input_spoils_no_other_request(bad):
    requests = [[n] for n in range(13)]
    requests[bad] = ["bad"]
    answers = asyncio.run(ask(batcher(Recorder(seconds=0.005)), *requests))
    assert [str(answer) for answer in answers if not isinstance(answer, list)] == ["input 1 is bad"]
    assert [answer for answer in answers if isinstance(answer, list)] == [[2 * n] for n in range(13) if n != bad]


def test_a_fault_goes_to_the_request_that_met_it():
    answers = asyncio.run(ask(batcher(Recorder(seconds=0.005)), [1], [2], ["fault"], [3]))
    assert answers[:2] + answers[3:] == [[2], [4], [6]]
    assert isinstance(answers[2], ZeroDivisionError)


def test_in_a_long_request_the_place_of_a_bad_input_is_told():
    (error,) = asyncio.run(ask(batcher(Recorder(), max_batch=4), [1, 2, 3, 4, 5, "bad"]))
    assert str(error) == "Of the inputs 5 to 6: input 2 is bad"


def test_a_long_request_lets_others_have_their_turn():
    recorder = Recorder(seconds=0.01)
    asyncio.run(ask(batcher(recorder, max_batch=2), [0] * 8, [1]))
    assert [1] in [inputs for inputs, _ in recorder.batches[:3]]


def test_a_full_queue_refuses_and_then_answers_again():
    async def crowd():
        small = batcher(Recorder(seconds=0.01), max_queue=3)
        answers = await ask(small, *[[n] for n in range(5)])
        return answers, small.pending, await small.answer([7], {}), await small.answer([1] * 9, {})

    answers, pending, after, alone = asyncio.run(crowd())
    assert answers[:3] == [[0], [2], [4]]
    for refusal in answers[3:]:
        assert isinstance(refusal, RequestError)
        assert (refusal.status, refusal.headers) == (503, {"Retry-After": "1"})
        assert "'doubler' has 3 inputs" in str(refusal)
    assert (pending, after, alone) == (0, [14], [2] * 9)


def test_a_request_of_many_batches_takes_the_place_of_one():
    async def crowd():
        waiting = batcher(Recorder(seconds=0.01), max_queue=4, max_batch=2)
        return await ask(waiting, [0] * 20, [1], [2])

    assert asyncio.run(crowd()) == [[0] * 20, [2], [4]]


def test_a_request_that_is_given_up_does_not_run():
    async def hang_up():
        recorder = Recorder(seconds=0.3)
        dropping = batcher(recorder)
        tasks = [asyncio.ensure_future(dropping.answer([n], {})) for n in range(4)]
        await asyncio.sleep(0.01)
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return recorder.batches, dropping.pending

    batches, pending = asyncio.run(hang_up())
    assert [inputs for inputs, _ in batches] == [[0], [1, 3]]
    assert pending == 0


def test_other_work_has_its_turn_between_batches():
    async def mixed():
        recorder = Recorder(seconds=0.01)
        shared = batcher(recorder)
        thread, *_ = await asyncio.gather(shared.call(threading.get_ident), *(shared.answer([n], {}) for n in range(3)))
        return {thread} == recorder.threads

    assert asyncio.run(mixed())


class Endless:
    """Works until it may not any more, as a long search does between its steps."""

    def __init__(self):
        self.begun, self.ended, self.answered = threading.Event(), threading.Event(), []

    def __call__(self, inputs, options):
        if inputs == ["plain"]:
            self.answered.append("plain")
            return ["plain"]
        self.begun.set()
        try:
            while True:
                current_deadline().check()
                time.sleep(0.001)
        finally:
            self.ended.set()


def test_work_ends_when_its_request_does_and_the_next_has_its_turn():
    endless = Endless()
    served = batcher(endless)

    async def run():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await served.answer(["long"], {"beam": 100})
        assert await served.answer(["plain"], {}) == ["plain"]

    asyncio.run(run())
    assert endless.begun.is_set()
    assert endless.ended.is_set()


def test_work_that_somebody_still_waits_for_goes_on():
    recorder = Recorder(seconds=0.1)
    served = batcher(recorder)

    async def run():
        first = asyncio.ensure_future(served.answer([0], {}))
        await asyncio.sleep(0.01)
        impatient, patient = (asyncio.ensure_future(served.answer([n], {})) for n in (1, 2))
        await asyncio.sleep(0.12)  # both are in the second batch now
        impatient.cancel()
        assert (await first, await patient) == ([0], [4])

    asyncio.run(run())
    assert recorder.sizes == [1, 2]


def test_closing_ends_what_runs():
    endless = Endless()
    served = batcher(endless)

    async def run():
        waiting = asyncio.ensure_future(served.answer(["long"], {}))
        while not endless.begun.is_set():
            await asyncio.sleep(0.001)
        served.close()
        await asyncio.to_thread(endless.ended.wait, 10)
        waiting.cancel()

    asyncio.run(run())
    assert endless.ended.is_set()


class Stepwise:
    """Takes "expensive" step by step, each a run of a graph, until it is told to stop; answers all else at once."""

    def __init__(self):
        self.order, self.stop, self.begun = [], threading.Event(), threading.Event()

    def __call__(self, inputs, options):
        if "expensive" in inputs:
            self.begun.set()
            while not self.stop.is_set():
                current_deadline().check()
                current_deadline().give_way()
                time.sleep(0.001)
        self.order += inputs
        return inputs

    @staticmethod
    def cost(inputs, options):
        return 1000.0 * inputs.count("expensive")


def test_cheap_requests_overtake_an_expensive_one_in_the_same_thread():
    stepwise = Stepwise()
    served = Batcher("stepwise", stepwise, Limits(), cost=stepwise.cost)

    async def run():
        expensive = asyncio.ensure_future(served.answer(["expensive"], {}))
        await asyncio.to_thread(stepwise.begun.wait, 10)
        cheap = await asyncio.gather(*(served.answer([f"cheap {n}"], {"a": n % 2}) for n in range(9)))
        assert cheap == [[f"cheap {n}"] for n in range(9)]
        assert not expensive.done()
        late = asyncio.ensure_future(served.answer(["expensive", "late"], {}))
        await asyncio.sleep(0)
        stepwise.stop.set()
        assert await expensive == ["expensive"]
        assert await late == ["expensive", "late"]
        assert await served.answer(["after"], {}) == ["after"]

    asyncio.run(run())
    assert stepwise.order[-3:] == ["expensive", "late", "after"]


def test_what_takes_longer_than_a_request_may_is_refused_before_it_starts():
    stepwise = Stepwise()
    served = Batcher("stepwise", stepwise, Limits(timeout=1.5), cost=stepwise.cost)
    with pytest.raises(RequestError, match=r"about 2 seconds, and a request has 1\.5") as error:
        asyncio.run(served.answer(["expensive"] * 2, {}))
    assert error.value.status == 413
    assert stepwise.order == []


def test_the_next_batch_does_not_wait_for_a_busy_event_loop():
    recorder = Recorder(seconds=0.01)

    async def busy():
        three = batcher(recorder, max_batch=1)
        requests = [asyncio.ensure_future(three.answer([number], {})) for number in range(3)]
        await asyncio.sleep(0)  # they are let in
        begin = time.perf_counter()
        while len(recorder.batches) < 3 and time.perf_counter() - begin < 5:
            time.sleep(0.001)  # as a thousand requests to refuse hold the loop
        ran = len(recorder.batches)
        return ran, await asyncio.gather(*requests)

    assert asyncio.run(busy()) == (3, [[0], [2], [4]])
