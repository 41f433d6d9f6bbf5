"""How translations are measured: BLEU and chrF of what a search finds, and in training the likelihood of the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnn_apps.arrays import Array
from rnn_apps.errors import MissingExtraError
from rnn_apps.inference.metrics import Judgement, Metrics, PairedTest
from rnn_apps.inference.probabilities import log_softmax
from rnn_apps.tasks.translation.confidence import DOUBTFUL, GOOD, NO_CALIBRATION, Confidence
from rnn_apps.tasks.translation.processor import TranslationProcessor, to_text


class TranslationMetrics(Metrics):
    """BLEU and chrF by sacrebleu, or `nll` and `accuracy` of the right target's tokens.

    Which of them depends on the outputs: those of a search, or logits with the right target so far given.

    Args:
        processor: turns tokens into text.
        calibration: how sure a score makes.
    """

    headline = "chrF, mean over sentences"

    def __init__(self, processor: TranslationProcessor, calibration: Mapping[str, float] = NO_CALIBRATION) -> None:
        self.processor = processor
        self.confidence = Confidence.of(calibration)
        self.translations: list[str] = []
        self.references: list[str] = []
        self._scores: list[float] = []
        self._nats = self._hits = 0.0
        self._tokens = 0

    def update(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> None:
        """Takes a batch.

        Args:
            outputs: `tokens` and `aligned`, (batch, time) each, and `score`, (batch,), of a search; or `logits`, (real
                tokens, vocabulary).
            batch: `source_text` and `reference`, or `target_out`; see `TranslationProcessor.encode`.
        """
        if "logits" in outputs:
            self._update_likelihood(outputs["logits"], batch["target_out"])
            return
        for row, tokens in enumerate(outputs["tokens"]):
            given = to_text(batch["source_text"][row])
            self.translations.append(self.processor.decode(tokens, outputs["aligned"][row], given))
            self.references.append(to_text(batch["reference"][row]))
        self._scores += np.asarray(outputs["score"], float).tolist()

    def _update_likelihood(self, logits: Array, targets: Array) -> None:
        for right in targets:  # sentence by sentence to save memory
            right = right[right != 0]
            scores, logits = np.split(logits, [len(right)])
            self._nats -= float(log_softmax(scores)[np.arange(len(right)), right].sum())
            self._hits += float((scores.argmax(axis=1) == right).sum())
            self._tokens += len(right)

    def judge(self, outputs: Mapping[str, Array], batch: Mapping[str, Array]) -> list[Judgement]:
        """Returns each translation beside its reference; its quality is chrF, its certainty the score of the search."""
        chrf = _sacrebleu().metrics.CHRF()
        judged = []
        for row, tokens in enumerate(outputs["tokens"]):
            said = self.processor.decode(tokens, outputs["aligned"][row], to_text(batch["source_text"][row]))
            right = to_text(batch["reference"][row])
            quality = float(chrf.sentence_score(said, [right]).score) / 100
            judged.append(Judgement(said, right, quality, float(np.exp(outputs["score"][row])), (quality, 1.0)))
        return judged

    def calibrate(self) -> dict[str, float]:
        """Fits how likely a translation is good to the score of the search."""
        if not self._scores:
            return {}
        self.confidence = Confidence.fit(np.array(self._scores), self._good())
        return self.confidence.as_calibration()

    def confidences(self) -> tuple[Array, Array] | None:
        """Returns how likely each translation is good, and whether it is."""
        if not self._scores or self.confidence is None:
            return None
        return self.confidence.of_scores(np.array(self._scores)), self._good()

    def doubts(self) -> list[str]:
        """Returns that the translations are bad on average, by the model's own account, if they are."""
        if not self._scores or self.confidence is None:
            return []
        mean = float(self.confidence.of_scores(np.array(self._scores)).mean())
        if mean >= DOUBTFUL:
            return []
        languages = self.processor.source_language, self.processor.target_language
        order = "from '{}' to '{}'".format(*languages) if all(languages) else "the first language into the second"
        return [
            f"warning: most of the translations are probably bad (confidence {mean:.0%} on average). The model "
            f"translates {order}: are the two sides of the data the right way round?"
        ]

    def _good(self) -> Array:
        chrf = _sacrebleu().metrics.CHRF()
        pairs = zip(self.translations, self.references, strict=True)
        return np.array([chrf.sentence_score(said, [right]).score >= 100 * GOOD for said, right in pairs])

    def paired_tests(self, first: Sequence[Judgement], second: Sequence[Judgement]) -> list[PairedTest]:
        """Returns sacrebleu's paired bootstrap of chrF and BLEU (Koehn, 2004)."""
        _sacrebleu()
        from sacrebleu.metrics import BLEU, CHRF
        from sacrebleu.significance import PairedTest as Bootstrap

        bleu = BLEU(tokenize=self.processor.bleu_tokenize, lowercase=self.processor.lowercase, force=True)
        metrics = {"chrF": CHRF(), "BLEU": bleu}
        said = [(name, [own.said for own in judgements]) for name, judgements in (("first", first), ("second", second))]
        _, results = Bootstrap(said, metrics, [[own.right for own in first]], test_type="bs")()
        found = {name: values for name, values in results.items() if name != "System"}
        return [
            PairedTest(name, (one.score, other.score), 1.0 if one.score == other.score else other.p_value)
            for name, (one, other) in sorted(found.items(), key=lambda item: item[0] == "BLEU")
        ]

    def result(self) -> dict[str, float]:
        """Returns `bleu` and `chrf`, from 0 to 100, or `nll` in nats a token and `accuracy`."""
        if self._tokens:
            return {"nll": self._nats / self._tokens, "accuracy": self._hits / self._tokens}
        sacrebleu = _sacrebleu()
        lowercase = self.processor.lowercase
        bleu = sacrebleu.corpus_bleu(
            self.translations,
            [self.references],
            tokenize=self.processor.bleu_tokenize,
            lowercase=lowercase,
            force=True,
        )
        chrf = sacrebleu.corpus_chrf(self.translations, [self.references])
        return {"bleu": float(bleu.score), "chrf": float(chrf.score)}


def _sacrebleu() -> Any:
    try:
        import sacrebleu
    except ImportError as error:
        raise MissingExtraError("Measuring translations", "train") from error
    return sacrebleu
