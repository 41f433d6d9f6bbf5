import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnn_apps.errors import ConfigError
from rnn_apps.inference.decoder import Start, Step
from rnn_apps.inference.probabilities import log_softmax
from rnn_apps.inference.search import BeamSearch, Hypothesis, Penalties, SamplingSearch, best_columns, best_combinations

seeds = st.integers(0, 10_000)
sources = st.lists(st.integers(0, 300), min_size=1, max_size=6)
penalties_strategy = st.builds(Penalties, st.sampled_from([0.0, 0.6, 1.0, 2.0]), st.sampled_from([0.0, 0.4]))
SIZE = 997  # different memories of what was said


class ToyDecoder:
    """A decoder small enough to be searched exhaustively: its answers depend on the source and on all tokens so far.

    Tables of random probabilities and attention; the state is a number made of the source and the tokens so far.
    """

    start_token, end_token = 1, 0

    def __init__(self, seed, vocabulary=4, positions=3, spread=2.0):
        rng = np.random.default_rng(seed)
        self.vocabulary, self.positions = vocabulary, positions
        self.log_probabilities = log_softmax(rng.normal(0, spread, (SIZE, vocabulary)))
        self.attention = rng.dirichlet(np.ones(positions), SIZE)
        self.steps = 0

    def start(self, batch):
        source = batch["source"]
        return Start(
            {"source": source}, {"state": source[:, None] * 31 % SIZE}, np.ones((len(source), self.positions), bool)
        )

    def step(self, tokens, memory, states):
        self.steps += 1
        assert tokens.dtype == np.int32
        assert len(memory["source"]) == len(tokens)
        following = (states["state"] * 7 + tokens * 101 + memory["source"][:, None] + 13) % SIZE
        return Step(self.log_probabilities[following], self.attention[following], {"state": following})

    def score(self, source, tokens, penalties):
        """Returns the hypothesis of these tokens, scored step by step."""
        memory, states, _ = self.start({"source": np.array([source])})
        total, attention = 0.0, []
        for token, wanted in zip([self.start_token, *tokens], [*tokens, self.end_token], strict=True):
            answer = self.step(np.array([[token]], np.int32), memory, states)
            states = answer.states
            total += float(answer.log_probabilities[0, 0, wanted])
            attention.append(answer.attention[0, 0])
        score = penalties.score(total, len(tokens) + 1, np.sum(attention, axis=0))
        return Hypothesis(np.array(tokens, np.int32), score, total, np.stack(attention))

    def all_hypotheses(self, source, limit, penalties):
        """Returns every sequence of at most `limit` tokens, best first."""
        words = [token for token in range(self.vocabulary) if token != self.end_token]
        sequences = [tokens for length in range(limit + 1) for tokens in product(words, repeat=length)]
        return sorted((self.score(source, tokens, penalties) for tokens in sequences), key=lambda found: -found.score)


def batch_of(numbers):
    return {"source": np.array(numbers)}


def assert_same(found, expected):
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours.tokens, theirs.tokens)
        np.testing.assert_allclose(ours.score, theirs.score, rtol=1e-12)
        np.testing.assert_allclose(ours.log_probability, theirs.log_probability, rtol=1e-12)
        np.testing.assert_allclose(ours.attention, theirs.attention)


def plain_beam_search(decoder, source, limit, beam, nbest, penalties):
    """Beam search of one sentence in the plainest form: no arrays, and no stop before the beam is empty."""
    live, ended = [((), 0.0)], []
    while live:
        candidates = []
        for tokens, log_probability in live:
            choices = range(decoder.vocabulary) if len(tokens) < limit else [decoder.end_token]
            candidates += [
                ((*tokens, token), log_probability + following(decoder, source, tokens)[token]) for token in choices
            ]
        candidates.sort(key=lambda candidate: -candidate[1])
        kept = candidates[: beam - len(ended)]
        ended += [tokens[:-1] for tokens, _ in kept if tokens[-1] == decoder.end_token]
        live = [candidate for candidate in kept if candidate[0][-1] != decoder.end_token]
    return sorted((decoder.score(source, tokens, penalties) for tokens in ended), key=lambda found: -found.score)[
        :nbest
    ]


def following(decoder, source, tokens):
    memory, states, _ = decoder.start(batch_of([source]))
    for token in (decoder.start_token, *tokens):
        answer = decoder.step(np.array([[token]], np.int32), memory, states)
        states = answer.states
    return answer.log_probabilities[0, 0]


@settings(max_examples=40)
@given(seeds, sources, st.integers(0, 3), penalties_strategy, st.integers(1, 5))
def test_a_beam_as_wide_as_all_sequences_finds_the_best_of_all(seed, numbers, limit, penalties, nbest):
    decoder = ToyDecoder(seed)
    found = BeamSearch(decoder, batch_of(numbers), [limit] * len(numbers), 50, nbest, penalties).run()
    for source, own in zip(numbers, found, strict=True):
        assert_same(own, decoder.all_hypotheses(source, limit, penalties)[:nbest])


@settings(max_examples=40)
@given(seeds, sources, st.integers(0, 10), st.integers(1, 4), penalties_strategy, st.data())
def test_it_stops_early_only_where_nothing_better_can_come(seed, numbers, limit, beam, penalties, data):
    nbest = data.draw(st.integers(1, beam))
    decoder = ToyDecoder(seed, spread=data.draw(st.sampled_from([1.0, 3.0, 9.0])))
    found = BeamSearch(decoder, batch_of(numbers), [limit] * len(numbers), beam, nbest, penalties).run()
    for source, own in zip(numbers, found, strict=True):
        assert_same(own, plain_beam_search(decoder, source, limit, beam, nbest, penalties))


@given(seeds, sources, st.integers(0, 12), penalties_strategy)
def test_a_beam_of_one_is_greedy_search(seed, numbers, limit, penalties):
    decoder = ToyDecoder(seed)
    found = BeamSearch(decoder, batch_of(numbers), [limit] * len(numbers), 1, 1, penalties).run()
    for source, (own,) in zip(numbers, found, strict=True):
        tokens = []
        while len(tokens) < limit and (best := int(following(decoder, source, tokens).argmax())) != decoder.end_token:
            tokens.append(best)
        assert_same([own], [decoder.score(source, tokens, penalties)])


@given(seeds, sources, st.integers(1, 5), penalties_strategy, st.data())
def test_a_batch_of_sentences_gives_what_each_gives_alone(seed, numbers, beam, penalties, data):
    limits = data.draw(st.lists(st.integers(0, 9), min_size=len(numbers), max_size=len(numbers)))
    decoder = ToyDecoder(seed)
    together = BeamSearch(decoder, batch_of(numbers), limits, beam, beam, penalties).run()
    for source, limit, own in zip(numbers, limits, together, strict=True):
        alone = BeamSearch(decoder, batch_of([source]), [limit], beam, beam, penalties).run()
        assert_same(own, alone[0])


@given(seeds, sources, st.integers(1, 5), penalties_strategy)
def test_what_is_said_of_a_hypothesis_is_true(seed, numbers, beam, penalties):
    decoder = ToyDecoder(seed)
    for source, found in zip(
        numbers, BeamSearch(decoder, batch_of(numbers), [6] * len(numbers), beam, beam, penalties).run(), strict=True
    ):
        assert_same(found, [decoder.score(source, own.tokens.tolist(), penalties) for own in found])
        assert [own.score for own in found] == sorted((own.score for own in found), reverse=True)
        assert len({tuple(own.tokens) for own in found}) == len(found) == beam


class Countdown(ToyDecoder):
    """Likely ends at once; if not, surely says the token 2 eight times before it ends."""

    def step(self, tokens, memory, states):
        said = states["state"] + 1
        sure = np.log([1e-3, 1e-4, 1 - 1.2e-3, 1e-4])
        ending = np.log([1 - 1.2e-3, 1e-4, 1e-3, 1e-4])
        first = np.log([0.6, 1e-4, 0.3998, 1e-4])
        rows = [[first if n == 1 else sure if n <= 8 else ending for n in row] for row in said]
        return Step(np.array(rows), np.full((*said.shape, self.positions), 0.3), {"state": said})


@pytest.mark.parametrize(("penalty", "length"), [(0.0, 0), (1.0, 8)])
def test_a_long_hypothesis_may_overtake_one_that_ended(penalty, length):
    (found,) = BeamSearch(Countdown(0), batch_of([0]), [10], 2, 1, Penalties(penalty)).run()
    assert len(found[0].tokens) == length


def test_it_ends_as_soon_as_nothing_can_win():
    decoder = ToyDecoder(1, spread=0.0)
    ends = np.log([0.9, *[0.1 / 3] * 3])
    decoder.log_probabilities[:] = ends
    BeamSearch(decoder, batch_of([5]), [1000], 4).run()
    assert decoder.steps < 20


def test_the_coverage_penalty_prefers_what_looks_at_everything():
    decoder = ToyDecoder(3)
    plain, covering = (
        BeamSearch(decoder, batch_of(range(40)), [5] * 40, 60, 1, Penalties(0.0, weight)).run()
        for weight in (0.0, 50.0)
    )

    def least(found):
        return sum(float(np.minimum(own.attention.sum(axis=0), 1.0).sum()) for (own,) in found)

    assert least(covering) > least(plain) + 10


def test_the_length_penalty_prefers_longer_sequences():
    decoder = ToyDecoder(4)
    short, long = (
        BeamSearch(decoder, batch_of(range(40)), [6] * 40, 60, 1, Penalties(weight)).run() for weight in (0.0, 2.0)
    )
    assert sum(len(own.tokens) for (own,) in long) > sum(len(own.tokens) for (own,) in short) + 20


@given(seeds, sources, st.integers(1, 4), st.integers(0, 6))
def test_what_is_drawn_is_scored_as_it_is_likely(seed, numbers, count, limit):
    decoder, penalties = ToyDecoder(seed), Penalties()
    search = SamplingSearch(decoder, batch_of(numbers), [limit] * len(numbers), count, np.random.default_rng(seed))
    for source, found in zip(numbers, search.run(), strict=True):
        assert len(found) == count
        assert_same(found, [decoder.score(source, own.tokens.tolist(), penalties) for own in found])


def test_sequences_are_drawn_as_often_as_they_are_likely():
    decoder, count = ToyDecoder(6), 20_000
    (found,) = SamplingSearch(decoder, batch_of([7]), [3], count, np.random.default_rng(0)).run()
    drawn = {}
    for own in found:
        drawn[tuple(own.tokens)] = drawn.get(tuple(own.tokens), 0) + 1
    for expected in decoder.all_hypotheses(7, 2, Penalties()):
        likely = math.exp(expected.log_probability)
        error = 5 * math.sqrt(likely * (1 - likely) / count) + 1e-3
        assert abs(drawn.get(tuple(expected.tokens), 0) / count - likely) < error


@given(seeds, sources, st.integers(0, 6))
def test_drawing_from_the_likeliest_token_alone_is_greedy_search(seed, numbers, limit):
    decoder = ToyDecoder(seed)
    limits = [limit] * len(numbers)
    drawn = SamplingSearch(decoder, batch_of(numbers), limits, 2, np.random.default_rng(seed), top_k=1).run()
    for own, greedy in zip(drawn, BeamSearch(decoder, batch_of(numbers), limits, 1).run(), strict=True):
        assert_same(own, greedy * 2)


@given(seeds, st.integers(0, 300), st.integers(1, 4))
def test_the_leading_hypothesis_grows_to_the_result(seed, source, beam):
    search = BeamSearch(ToyDecoder(seed), batch_of([source]), [8], beam)
    lengths = [len(search.leading(0)) for _ in search.steps()]
    assert lengths[:-1] == list(range(1, len(lengths)))
    np.testing.assert_array_equal(search.leading(0), search.run()[0][0].tokens)


def test_no_sentence_gives_no_hypothesis():
    assert BeamSearch(ToyDecoder(0), batch_of(np.zeros(0, int)), [], 3).run() == []


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 12)), elements=st.integers(-3, 3)),
    st.integers(1, 90),
    st.data(),
)
def test_the_best_columns_are_those_of_a_full_sort(values, repeats, data):
    values = np.tile(values, repeats) + np.arange(values.shape[1] * repeats, dtype=np.float32) % 7
    values[:, ::5] = -np.inf
    count = data.draw(st.integers(1, values.shape[1]))
    found, columns = best_columns(values, count)
    expected = np.argsort(-values, axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(columns, expected)
    np.testing.assert_array_equal(found, np.take_along_axis(values, expected, axis=1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beam": 0}, "Expected beam to be a whole number of at least 1. Received: 0."),
        ({"beam": 2.5}, "Expected beam to be a whole number of at least 1. Received: 2.5."),
        ({"beam": True}, "Expected beam to be a whole number of at least 1. Received: True."),
        ({"beam": 3, "nbest": 0}, "Expected nbest to be a whole number of at least 1. Received: 0."),
        ({"beam": 3, "nbest": 4}, "Expected nbest to be at most the beam, 3. Received: 4."),
    ],
)
def test_a_beam_that_cannot_be_used_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        BeamSearch(ToyDecoder(0), batch_of([1]), [3], **arguments)


def test_nothing_can_be_drawn_no_times():
    with pytest.raises(ConfigError, match=r"Expected count to be a whole number of at least 1. Received: 0."):
        SamplingSearch(ToyDecoder(0), batch_of([1]), [3], 0, np.random.default_rng(0))


@pytest.mark.parametrize("name", ["length", "coverage"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "1", True])
def test_a_penalty_that_is_none_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"Expected the {name} penalty to be a number of at least 0."):
        Penalties(**{name: value})


@given(st.lists(st.lists(st.integers(-9, 9), min_size=1, max_size=3), max_size=4), st.integers(1, 5))
def test_the_best_combinations_are_those_of_all(parts, count):
    found = best_combinations(parts, float, count)
    assert [sum(own) for own in found] == sorted(map(sum, product(*parts)), reverse=True)[:count]
    assert all(one in part for chosen in found for one, part in zip(chosen, parts, strict=True))


def test_each_alternative_is_looked_at_once_in_a_long_text():
    asked = []
    found = best_combinations([[n, n - 1, n - 2] for n in range(200)], lambda n: asked.append(n) or float(n), 3)
    assert (len(found), len(found[0]), len(asked)) == (3, 200, 600)
