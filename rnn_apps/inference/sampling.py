"""Draws the next token from its logits: temperature, top-k and nucleus (top-p) sampling. NumPy only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rnn_apps.arrays import Floats
from rnn_apps.errors import check_count, check_number
from rnn_apps.inference.probabilities import softmax


def sample(
    logits: Floats, rng: np.random.Generator, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
) -> npt.NDArray[np.int32]:
    """Draws one token for each row from softmax(logits / temperature).

    Temperature comes first, then top-k, then top-p of what top-k has left. Each row takes one number from `rng`, so the
    same generator and the same rows give the same tokens. Source of top-p: Holtzman et al. (2020), "The curious case of
    neural text degeneration".

    Args:
        logits: (rows, V); log-probabilities do as well. -inf forbids a token.
        rng: where chance comes from.
        temperature: above 0; below 1 the likely tokens become likelier, above 1 less so.
        top_k: only as many of the likeliest tokens are drawn from; 0 for all.
        top_p: only the likeliest tokens are drawn from: the fewest that together have at least this probability.

    Returns:
        int32 (rows,).

    Raises:
        ConfigError: if `temperature`, `top_k` or `top_p` is out of its range.
        ValueError: if `logits` are not (rows, V), hold NaN or +inf, or forbid every token of a row.
    """
    probabilities, chosen = _narrowed(logits, temperature, top_k, top_p)
    drawn = _draw(probabilities, rng)
    if chosen is not None:
        drawn = np.take_along_axis(chosen, drawn[:, None], axis=1)[:, 0]
    return drawn.astype(np.int32)


def distribution(logits: Floats, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Floats:
    """Returns what `sample` draws from with the same arguments: probabilities, (rows, V)."""
    probabilities, chosen = _narrowed(logits, temperature, top_k, top_p)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    if chosen is None:
        return probabilities
    result: Floats = np.zeros(logits.shape)
    np.put_along_axis(result, chosen, probabilities, axis=1)
    return result


def _narrowed(
    logits: Floats, temperature: float, top_k: int, top_p: float
) -> tuple[Floats, npt.NDArray[np.int64] | None]:
    """Shares of what may be drawn, and, where they are not those of all columns, of which."""
    check_sampling(temperature, top_k, top_p)
    _check_logits(logits)
    size = logits.shape[1]
    scaled = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    # the best token stays at 0, so a low temperature overflows to -inf, which it means, and never to NaN
    with np.errstate(over="ignore"):
        scaled /= temperature
    chosen = None
    if 0 < top_k < size or top_p < 1.0:
        chosen = np.argsort(-scaled, axis=1, kind="stable")[:, : top_k or size]
        scaled = np.take_along_axis(scaled, chosen, axis=1)
    probabilities = softmax(scaled)
    if top_p < 1.0:
        before = np.cumsum(probabilities, axis=1) - probabilities
        probabilities[:, 1:] *= before[:, 1:] < top_p
    return probabilities, chosen


def check_sampling(temperature: float, top_k: int, top_p: float) -> None:
    """Makes sure, before long work, that `sample` can use its settings.

    Raises:
        ConfigError: saying which one is out of its range.
    """
    check_number("temperature", temperature, "a number above 0", lambda value: value > 0)
    check_count("top_k", top_k, least=0)
    check_number("top_p", top_p, "a number above 0 and at most 1", lambda value: 0 < value <= 1)


def _check_logits(logits: Floats) -> None:
    if logits.ndim != 2 or not logits.shape[1]:
        raise ValueError(f"Expected logits (rows, V) with V of at least 1. Received the shape {logits.shape}.")
    best = logits.max(axis=1)
    if not np.isfinite(best).all():
        row = int(np.flatnonzero(~np.isfinite(best))[0])
        raise ValueError(f"Expected each row of logits to have a finite greatest. Row {row} has {best[row]}.")


def _draw(probabilities: Floats, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draws a column for each row by inverting the cumulative distribution."""
    cumulative = np.cumsum(probabilities, axis=1)
    total = cumulative[:, -1]
    # rounding must not reach the total: no column lies behind it
    drawn = np.minimum(rng.random(len(total)) * total, np.nextafter(total, 0.0))
    return np.asarray((cumulative <= drawn[:, None]).sum(axis=1))
