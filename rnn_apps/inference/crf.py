"""The linear-chain conditional random field, decoded: best paths, marginals, probabilities of spans. NumPy only.

A path y of tags through a sentence of length n with emissions e has the score

    s(y) = a[K, y1] + e1[y1] + Σ (a[y(t-1), yt] + et[yt]) + a[yn, K]      P(y) = exp s(y) / Z,  Z = Σ exp s(y')

(Lafferty, McCallum and Pereira, 2001). K is the number of tags; in the transitions a, (K + 1, K + 1), the number K
stands for the outside of the sentence. A transition of `ILLEGAL` or less has probability zero.

Everything works on a padded batch: emissions (batch, time, K), lengths (batch,); what stands behind a row's length has
no influence. Sums run in float64 over scaled probabilities (Rabiner, 1989, section V.A).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnn_apps.arrays import Floats, Ints
from rnn_apps.inference.deadline import in_turn

ILLEGAL = -1e4
"""The score of an illegal transition. Saved models hold it, and it stays exact beside scores in float32, which
`rnn_apps.arrays.MASKED` would swallow."""

# what is less likely than this at one step, in nats below the best, counts as this unlikely
_FAR = 500.0


def viterbi(emissions: Floats, transitions: Floats, lengths: Ints) -> tuple[Ints, Floats]:
    """Returns the best path of each row.

    Args:
        emissions: (batch, time, K).
        transitions: (K + 1, K + 1).
        lengths: (batch,).

    Returns:
        paths (batch, time), 0 behind the end, and their scores (batch,); an empty row has the score 0.
    """
    batch, time, tags = emissions.shape
    if not time:
        return np.zeros((batch, 0), np.int64), np.zeros(batch)
    steps, into = _with_ends(emissions, transitions, lengths)
    ragged = bool((lengths < time).any())
    stay = np.arange(tags)
    back = np.empty((time, batch, tags), np.int64)
    best = steps[0]
    for t in in_turn(range(1, time)):
        reached = best[:, None] + into  # (batch, K after, K before)
        chosen, following = reached.argmax(axis=2), reached.max(axis=2) + steps[t]
        if ragged:
            done = (lengths <= t)[:, None]
            following, chosen = np.where(done, best, following), np.where(done, stay, chosen)
        best, back[t] = following, chosen
    rows = np.arange(batch)
    paths = np.empty((batch, time), np.int64)
    place = best.argmax(axis=1)
    scores = np.where(lengths > 0, best[rows, place], 0.0)
    for t in range(time - 1, 0, -1):
        paths[:, t] = place
        place = back[t, rows, place]
    paths[:, 0] = place
    paths[np.arange(time) >= lengths[:, None]] = 0
    return paths, scores


def best_paths(emissions: Floats, transitions: Floats, lengths: Ints, count: int) -> tuple[Ints, Floats]:
    """Returns the `count` best paths of each row, best first (the list Viterbi algorithm, Seshadri and Sundberg, 1994).

    Returns:
        paths (batch, count, time), 0 behind the end, and scores (batch, count), -inf where a row has fewer paths.
    """
    batch, time, tags = emissions.shape
    if not time:
        return np.zeros((batch, count, 0), np.int64), np.tile([0.0] + [-np.inf] * (count - 1), (batch, 1))
    steps, into = _with_ends(emissions, transitions, lengths)
    # (batch, count, K): the n-th best score of a path that ends in each tag
    best = np.full((batch, count, tags), -np.inf)
    best[:, 0] = steps[0]
    back = np.zeros((time, batch, count, tags), np.int64)
    back[0] = np.arange(count * tags).reshape(count, tags)
    stay = back[0].copy()
    ragged = bool((lengths < time).any())
    for t in in_turn(range(1, time)):
        # (batch, K after, count * K before)
        reached = (best[:, None] + into[:, :, None]).reshape(batch, tags, count * tags)
        chosen = np.argsort(-reached, axis=2, kind="stable")[:, :, :count]
        following = np.take_along_axis(reached, chosen, axis=2).swapaxes(1, 2) + steps[t][:, None]
        chosen = chosen.swapaxes(1, 2)
        if ragged:
            done = (lengths <= t)[:, None, None]
            following, chosen = np.where(done, best, following), np.where(done, stay, chosen)
        best, back[t] = following, chosen
    flat = best.reshape(batch, count * tags)
    last = np.argsort(-flat, axis=1, kind="stable")[:, :count]
    scores = np.take_along_axis(flat, last, axis=1)
    paths = np.zeros((batch, count, time), np.int64)
    place = last
    for t in range(time - 1, -1, -1):
        paths[:, :, t] = place % tags
        place = np.take_along_axis(back[t].reshape(batch, count * tags), place, axis=1)
    paths *= np.arange(time) < lengths[:, None, None]
    empty = lengths == 0
    scores[empty] = [0.0] + [-np.inf] * (count - 1)
    return paths, scores


def path_scores(emissions: Floats, transitions: Floats, paths: Ints, lengths: Ints) -> Floats:
    """Returns the score of one path a row, (batch,), for paths (batch, time)."""
    batch, time, tags = emissions.shape
    if not time:
        return np.zeros(batch)
    real = np.arange(time) < lengths[:, None]
    own = np.take_along_axis(emissions, paths[:, :, None], axis=2)[:, :, 0]
    total = np.where(real, own, 0.0).sum(axis=1, dtype=np.float64)
    total += np.where(real[:, 1:], transitions[paths[:, :-1], paths[:, 1:]], 0.0).sum(axis=1, dtype=np.float64)
    last = np.take_along_axis(paths, np.maximum(lengths - 1, 0)[:, None], axis=1)[:, 0]
    return np.where(lengths > 0, total + transitions[tags, paths[:, 0]] + transitions[last, tags], 0.0)


@dataclass(frozen=True)
class ForwardBackward:
    """What the forward-backward algorithm leaves: everything that marginals are made of.

    Attributes:
        log_partition: log Z of each row, (batch,); 0 for an empty row.
        forward: α, each step scaled to the sum 1, (time, batch, K).
        backward: β, scaled so that α β is the marginal, (time, batch, K).
        steps: exponentials of the emissions over the scale of each step, (time, batch, K).
        moves: exponentials of the transitions between tags, (K, K).
        lengths: (batch,).
    """

    log_partition: Floats
    forward: Floats
    backward: Floats
    steps: Floats
    moves: Floats
    lengths: Ints

    def marginals(self) -> Floats:
        """Returns P(tag at step | sentence), (batch, time, K); 0 behind the end."""
        product = (self.forward * self.backward).swapaxes(0, 1)
        real = np.arange(product.shape[1]) < self.lengths[:, None]
        return np.asarray(product * real[:, :, None])

    def move_marginals(self) -> Floats:
        """Returns the expected number of each transition, (batch, K + 1, K + 1), those from and to the outside too."""
        time, batch, tags = self.forward.shape
        expected = np.zeros((batch, tags + 1, tags + 1))
        if not time:
            return expected
        ahead = self.steps[1:] * self.backward[1:]
        ahead *= (np.arange(1, time)[:, None] < self.lengths)[:, :, None]
        expected[:, :tags, :tags] = np.einsum("tbi,tbj->bij", self.forward[:-1], ahead, optimize=True) * self.moves
        some = (self.lengths > 0)[:, None]
        expected[:, tags, :tags] = self.forward[0] * self.backward[0] * some
        last = np.maximum(self.lengths - 1, 0)
        expected[:, :tags, tags] = self.forward[last, np.arange(batch)] * some
        return expected

    def span_probabilities(self, paths: Ints, rows: Ints, starts: Ints, ends: Ints, continuations: Ints) -> Floats:
        """Returns the probability of whole spans: of all paths that have exactly these tags at exactly these steps.

        That is the marginal of the span, not that of its sentence's path: outside the span every path counts.

        Args:
            paths: paths (batch, time) in which the spans stand.
            rows: the row of each span, (spans,).
            starts: its first step, (spans,).
            ends: the step behind its last one, (spans,).
            continuations: for each tag at the end of a span the tag that would make it longer, or -1, (K,); see
                `rnn_apps.data.text.tags.continuations`.

        Returns:
            (spans,).
        """
        if not len(rows):
            return np.zeros(0)
        last = ends - 1
        # P(tags of the span) = α(first) Π (a e / scale) β(last), the product as a difference of running sums of logs
        own = np.take_along_axis(self.steps, paths.T[:, :, None], axis=2)[:, :, 0]
        inner = np.log(np.maximum(own[1:] * self.moves[paths.T[:-1], paths.T[1:]], 1e-300))
        running = np.concatenate([np.zeros((1, len(paths))), np.cumsum(inner, axis=0)])
        inside = np.exp(running[last, rows] - running[starts, rows])
        tag = paths[rows, last]
        closing = self.backward[last, rows, tag]
        longer = continuations[tag]
        within = (longer >= 0) & (ends < self.lengths[rows])
        after = np.where(within, ends, 0)
        ongoing = self.moves[tag, longer] * self.steps[after, rows, longer] * self.backward[after, rows, longer]
        closing = closing - np.where(within, ongoing, 0.0)
        return np.asarray(np.clip(self.forward[starts, rows, paths[rows, starts]] * inside * closing, 0.0, 1.0))


def forward_backward(emissions: Floats, transitions: Floats, lengths: Ints) -> ForwardBackward:
    """Runs the forward and the backward pass over a batch; see the arguments of `viterbi`."""
    batch, time, tags = emissions.shape
    if not time:
        nothing = np.zeros((0, batch, tags))
        return ForwardBackward(np.zeros(batch), nothing, nothing, nothing, np.zeros((tags, tags)), lengths)
    scores, into = _with_ends(emissions, transitions, lengths)
    highest = np.maximum(scores.max(axis=2, keepdims=True), ILLEGAL)  # finite, also where nothing is legal
    steps = np.exp(np.maximum(scores - highest, -_FAR))
    steps *= scores > -np.inf
    a = into[0].T
    shift = max(float(a.max()), ILLEGAL)
    moves = np.exp(a - shift)
    forward, scale = np.empty_like(steps), np.empty((time, batch, 1))
    alpha = steps[0]
    for t in in_turn(range(time)):
        if t:
            alpha = (alpha @ moves) * steps[t]
        scale[t] = np.maximum(alpha.sum(axis=1, keepdims=True), 1e-300)
        alpha = np.divide(alpha, scale[t], out=forward[t])
    steps /= scale
    backward = np.ones_like(steps)
    ragged = bool((lengths < time).any())
    transposed = np.ascontiguousarray(moves.T)
    beta = backward[-1]
    for t in in_turn(range(time - 2, -1, -1)):
        beta = (steps[t + 1] * beta) @ transposed
        if ragged:
            beta = np.where((lengths <= t + 1)[:, None], 1.0, beta)
        backward[t] = beta
    real = np.arange(time)[:, None] < lengths
    logs = np.where(real, np.log(scale[:, :, 0]) + highest[:, :, 0], 0.0).sum(axis=0)
    return ForwardBackward(
        logs + np.maximum(lengths - 1, 0) * shift, forward, backward, steps, moves, np.asarray(lengths)
    )


def _with_ends(emissions: Floats, transitions: Floats, lengths: Ints) -> tuple[Floats, Floats]:
    """Takes the transitions from and to the outside into the first and the last emission of each row.

    Returns:
        scores (time, batch, K) and transitions into each tag, (1, K after, K before), illegal ones -inf.
    """
    tags = emissions.shape[2]
    scores = np.array(emissions.swapaxes(0, 1), np.float64, order="C")
    scores[0] += transitions[tags, :tags]
    rows = np.flatnonzero(lengths > 0)
    scores[lengths[rows] - 1, rows] += transitions[:tags, tags]
    scores[scores <= ILLEGAL / 2] = -np.inf
    into = np.where(transitions > ILLEGAL / 2, transitions, -np.inf)[:tags, :tags].T
    return scores, np.ascontiguousarray(into, np.float64)[None]
