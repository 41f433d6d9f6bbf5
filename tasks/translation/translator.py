"""Searches translations with the two graphs of a saved model, many sentences at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.data.batching import pad_batch, plan_batches
from rnn_apps.data.text.pieces import END, PADDING, START
from rnn_apps.errors import ConfigError, check_count
from rnn_apps.inference.decoder import GraphDecoder
from rnn_apps.inference.sampling import check_sampling
from rnn_apps.inference.search import BeamSearch, Hypothesis, Penalties, SamplingSearch, Search, check_beam

MAX_BEAM = 100

# hypotheses, and hypotheses times source tokens, that one step takes together
_HYPOTHESES = 320
_POSITIONS = 32768


@dataclass(frozen=True)
class SearchSettings:
    """How translations are searched.

    Attributes:
        beam: hypotheses that are followed at once; 1 is greedy search.
        nbest: translations to find for each sentence.
        length_penalty: see `rnn_apps.inference.search.Penalties`.
        coverage_penalty: likewise.
        temperature: draws translations instead, with this temperature; None searches the best.
        top_k: see `rnn_apps.inference.sampling.sample`.
        top_p: likewise.
        seed: what chance follows from.

    Raises:
        ConfigError: for a setting out of its range, or one that has no effect beside the others.
    """

    beam: int = 5
    nbest: int = 1
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0
    temperature: float | None = None
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_beam(self.beam, self.nbest)
        if self.beam > MAX_BEAM:
            raise ConfigError(f"Expected beam to be at most {MAX_BEAM}. Received: {self.beam}.")
        check_sampling(1.0 if self.temperature is None else self.temperature, self.top_k, self.top_p)
        if self.temperature is None and (self.top_k or self.top_p < 1.0):
            raise ConfigError("top_k and top_p change what is drawn. Expected a temperature beside, such as 1.")
        check_count("seed", self.seed, least=0)
        _ = self.penalties

    @property
    def penalties(self) -> Penalties:
        """What counts beside the probability."""
        return Penalties(self.length_penalty, self.coverage_penalty)

    @property
    def width(self) -> int:
        """Hypotheses of a sentence."""
        return self.beam if self.temperature is None else self.nbest


class Translator:
    """Finds translations.

    Args:
        folder: where the graphs are.
        threads: threads inside one run of a graph; 0 takes one per core.
    """

    def __init__(self, folder: Path, threads: int = 0) -> None:
        self.decoder = GraphDecoder(folder, START, END, (PADDING, START), threads)

    def run(self, arrays: Mapping[str, Array]) -> Arrays:
        """Translates a batch with the default settings.

        Args:
            arrays: `source`, int32 (batch, S).

        Returns:
            `tokens`, int32 (batch, T) with zeros behind the end, `aligned`, the source position that each of them looks
            at most, and `score`, float32 (batch,).
        """
        best = [found[0] for found in self.search(arrays["source"], SearchSettings()).run()]
        rows = [{"tokens": own.tokens, "aligned": aligned(own)} for own in best]
        return pad_batch(rows) | {"score": np.array([own.score for own in best], np.float32)}

    def translate(self, sources: Sequence[Array], settings: SearchSettings) -> list[list[Hypothesis]]:
        """Returns the best hypotheses for each source, int32 (S,) with its end sign, in their order."""
        found: list[list[Hypothesis]] = [[]] * len(sources)
        rng = np.random.default_rng(settings.seed)
        for numbers in self._batches(sources, settings.width):
            batch = pad_batch([{"source": sources[number]} for number in numbers])
            for number, own in zip(numbers, self.search(batch["source"], settings, rng).run(), strict=True):
                found[number] = own
        return found

    def search(self, source: Array, settings: SearchSettings, rng: np.random.Generator | None = None) -> Search:
        """Returns the search for a batch, int32 (batch, S), before its first step.

        A translation has at most twice as many tokens as its source, and ten more.

        Args:
            source: the batch.
            settings: how to search.
            rng: where chance comes from, if not from the seed of the settings.
        """
        limits = 2 * np.count_nonzero(source, axis=1) + 10
        batch = {"source": source}
        if settings.temperature is None:
            return BeamSearch(self.decoder, batch, limits, settings.beam, settings.nbest, settings.penalties)
        return SamplingSearch(
            self.decoder,
            batch,
            limits,
            settings.nbest,
            rng or np.random.default_rng(settings.seed),
            settings.temperature,
            settings.top_k,
            settings.top_p,
            settings.penalties,
        )

    def _batches(self, sources: Sequence[Array], width: int) -> Iterator[list[int]]:
        lengths = np.array([len(source) for source in sources], np.int32)
        for numbers in plan_batches(lengths, max(_HYPOTHESES // width, 1), max(_POSITIONS // width, 1)):
            yield numbers.tolist()


def aligned(hypothesis: Hypothesis) -> Array:
    """Returns the source position that each token looks at most, int32 (T,); the end sign of the source is none."""
    attention = hypothesis.attention[:-1, : max(hypothesis.attention.shape[1] - 1, 1)]
    return attention.argmax(axis=1).astype(np.int32)
