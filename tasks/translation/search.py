"""Searches translations with the two graphs of a saved model, many sentences at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.data.batching import pad_batch, plan_batches
from rnn_apps.data.text.pieces import END, PADDING, START, UNKNOWN
from rnn_apps.errors import ConfigError
from rnn_apps.inference.barred import Barred
from rnn_apps.inference.decoder import Decoder, GraphDecoder
from rnn_apps.inference.options import Options, option
from rnn_apps.inference.repeats import WithoutRepeats
from rnn_apps.inference.search import BeamSearch, Hypothesis, Penalties, SamplingSearch, Search
from rnn_apps.inference.urging import Urged
from rnn_apps.views import NumberOption

USUAL_BEAM, MAX_BEAM = 5, 100
MAX_CLIENT_TERMS = 1000

# hypotheses, and hypotheses times source tokens, that one step takes together
_HYPOTHESES = 320
_POSITIONS = 32768
_URGED = 6.0  # nats


class TranslationOptions(Options):
    """How translations are searched, or drawn where there is a temperature."""

    beam: int | None = option(
        None,
        f"Follow so many hypotheses at once; 1 is greedy, {USUAL_BEAM} if left out.",
        NumberOption("Beam", USUAL_BEAM, 1, 20, 1),
        ge=1,
        le=MAX_BEAM,
    )
    nbest: int | None = option(
        None,
        "So many alternatives; the beam is as wide at least.",
        NumberOption("Alternatives", 1, 1, 10, 1),
        ge=1,
        le=MAX_BEAM,
    )
    length_penalty: float = option(1.0, "How much longer translations are favoured.", ge=0)
    coverage_penalty: float = option(0.0, "What it costs to leave a part of the source without attention.", ge=0)
    temperature: float | None = option(None, "Draw translations with this temperature, search none.", gt=0)
    top_k: int = option(0, "Draw only among the K likeliest; 0 for all.", ge=0)
    top_p: float = option(1.0, "Draw only among the likeliest that together have this share.", gt=0, le=1)
    seed: int = option(0, "What is drawn follows from this number.", ge=0)
    no_repeat_ngram: int = option(
        3, "No so many subwords in a row come twice, unless the source repeats itself; 0 lets them.", ge=0
    )
    glossary: Any = option(None, "Terms and what they are called, a tab between them, a line each.")

    def __post_init__(self) -> None:
        if self.temperature is not None and self.beam is not None:
            raise ConfigError("A temperature draws translations, a beam searches the best. Expected one of them.")
        if self.temperature is None and (self.top_k or self.top_p < 1.0):
            raise ConfigError("top_k and top_p change what is drawn. Expected a temperature beside, such as 1.")
        if self.no_repeat_ngram == 1:
            raise ConfigError(
                "Expected no_repeat_ngram to be 0 or at least 2: words come again in any text. Received: 1."
            )

    @property
    def penalties(self) -> Penalties:
        """What counts beside the probability; see `rnn_apps.inference.search.Penalties`."""
        return Penalties(self.length_penalty, self.coverage_penalty)

    @property
    def width(self) -> int:
        """Hypotheses of a sentence."""
        return max(self.beam or USUAL_BEAM, self.count) if self.temperature is None else self.count

    @property
    def count(self) -> int:
        """Translations of a sentence."""
        return self.nbest or 1


class TranslationClientOptions(TranslationOptions):
    """The same for a client of the server, whose glossary is a mapping and never a path."""

    glossary: dict[str, str] | None = option(None, "What terms are called, by the term.", max_length=MAX_CLIENT_TERMS)


class Translator:
    """Finds translations.

    Args:
        folder: where the graphs are.
        brackets: tokens of the source that are brackets, and of the target: where a source has none, nor has its
            translation.
        threads: threads inside one run of a graph; 0 takes one per core.
    """

    def __init__(
        self, folder: Path, brackets: tuple[Sequence[int], Sequence[int]] = ((), ()), threads: int = 0
    ) -> None:
        self.brackets = brackets
        self.decoder = GraphDecoder(folder, START, END, (PADDING, START), threads)

    def run(self, arrays: Mapping[str, Array]) -> Arrays:
        """Translates a batch with the default options.

        Args:
            arrays: `source`, int32 (batch, S).

        Returns:
            `tokens`, int32 (batch, T) with zeros behind the end, `aligned`, the source position that each of them looks
            at most, and `score`, float32 (batch,).
        """
        best = [found[0] for found in self.search(arrays["source"], TranslationOptions()).run()]
        rows = [{"tokens": own.tokens, "aligned": aligned(own)} for own in best]
        return pad_batch(rows) | {"score": np.array([own.score for own in best], np.float32)}

    def translate(self, sources: Sequence[Array], options: TranslationOptions) -> list[list[Hypothesis]]:
        """Returns the best hypotheses for each source, int32 (S,) with its end sign, in their order."""
        found: list[list[Hypothesis]] = [[]] * len(sources)
        rng = np.random.default_rng(options.seed)
        for numbers in self._batches(sources, options.width):
            batch = pad_batch([{"source": sources[number]} for number in numbers])
            for number, own in zip(numbers, self.search(batch["source"], options, rng).run(), strict=True):
                found[number] = own
        return found

    def urged(self, source: Array, options: TranslationOptions, owed: int) -> list[Hypothesis]:
        """Returns the hypotheses for one source, int32 (S,), that come of urging the model to copy.

        Args:
            source: with its end sign.
            options: how to search.
            owed: unknown tokens that the translation is to have.
        """
        decoder = Urged(self.decoder_for(source[None], options), UNKNOWN, np.array([owed]), _URGED)
        limit = 2 * len(source) + 10
        search = BeamSearch(decoder, {"source": source[None]}, [limit], options.width, options.width, options.penalties)
        return [decoder.judged(found, 0, options.penalties) for found in search.run()[0]]

    def search(self, source: Array, options: TranslationOptions, rng: np.random.Generator | None = None) -> Search:
        """Returns the search for a batch, int32 (batch, S), before its first step.

        A translation has at most twice as many tokens as its source, and ten more.

        Args:
            source: the batch.
            options: how to search.
            rng: where chance comes from, if not from the seed of the options.
        """
        limits = 2 * np.count_nonzero(source, axis=1) + 10
        batch = {"source": source}
        decoder = self.decoder_for(source, options)
        if options.temperature is None:
            return BeamSearch(decoder, batch, limits, options.width, options.count, options.penalties)
        return SamplingSearch(
            decoder,
            batch,
            limits,
            options.count,
            rng or np.random.default_rng(options.seed),
            options.temperature,
            options.top_k,
            options.top_p,
            options.penalties,
        )

    def decoder_for(self, source: Array, options: TranslationOptions) -> Decoder:
        """Returns what is searched for a batch, int32 (batch, S): without repeats, unless a source has some."""
        decoder: Decoder = self.decoder
        there, here = self.brackets
        if there and here:
            decoder = Barred(decoder, here, np.array([not np.isin(row, there).any() for row in source]))
        if not options.no_repeat_ngram:
            return decoder
        free = np.array([_repeats(row[row != PADDING]) for row in source])
        return WithoutRepeats(decoder, options.no_repeat_ngram, free, (UNKNOWN,))

    def _batches(self, sources: Sequence[Array], width: int) -> Iterator[list[int]]:
        lengths = np.array([len(source) for source in sources], np.int32)
        for numbers in plan_batches(lengths, max(_HYPOTHESES // width, 1), max(_POSITIONS // width, 1)):
            yield numbers.tolist()


def _repeats(tokens: Array) -> bool:
    """Whether two tokens in a row come twice."""
    pairs = list(zip(tokens.tolist(), tokens[1:].tolist(), strict=False))
    return len(set(pairs)) < len(pairs)


def growing_batches(count: int, width: int) -> Iterator[range]:
    """Yields the numbers of so many sentences in their order: one, two, four …, as many as are searched at once."""
    start, size = 0, 1
    while start < count:
        yield range(start, min(start + size, count))
        start, size = start + size, min(2 * size, max(_HYPOTHESES // width, 1))


def aligned(hypothesis: Hypothesis) -> Array:
    """Returns the source position that each token looks at most, int32 (T,); the end sign of the source is none."""
    attention = hypothesis.attention[:-1, : max(hypothesis.attention.shape[1] - 1, 1)]
    return attention.argmax(axis=1).astype(np.int32)
