"""How fast named entities are found: batches and single sentences, and what share of that the CRF takes.

    python benchmarks/ner.py --data FILE.conll[.gz] [--model ner] [--output benchmarks/results/ner.json]

Sentences go through `rnn_apps.load(MODEL).predict` as lists of tokens, and as texts to be cut into tokens. The single
sentence has 25 tokens. The CRF's part is the time in `EntityDecoder.decode`: best path, marginals, spans and their
probabilities. F1 is measured by seqeval in strict mode on the answers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import median, percentile, print_table, seconds_of, write_result
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

import rnn_apps
from rnn_apps.data.batching import pad_batch
from rnn_apps.data.readers.tagged import read_tagged

TOKENS = 25
CALLS = 1000


def throughput(call: Callable[[], Any], tokens: int) -> float:
    """Returns the median of tokens a second over some passes, after one that does not count."""
    return tokens / median(seconds_of(call))


def latency(call: Callable[[], Any]) -> dict[str, float]:
    """Returns percentiles over many calls, in milliseconds."""
    seconds = []
    for _ in range(CALLS + CALLS // 10):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    seconds = seconds[CALLS // 10 :]
    return {"p50_ms": percentile(seconds, 50) * 1e3, "p99_ms": percentile(seconds, 99) * 1e3}


def sentence_of(tokens: Sequence[Sequence[str]]) -> list[str]:
    """Returns the first sentence of 25 tokens, or the start of the first longer one."""
    fitting = [sentence for sentence in tokens if len(sentence) == TOKENS]
    return list((fitting or [sentence for sentence in tokens if len(sentence) > TOKENS])[0][:TOKENS])


def decoding_share(model: rnn_apps.Model, tokens: Sequence[Sequence[str]]) -> float:
    """Returns the share of a batch prediction's time that is spent in the CRF."""
    decoder = model.predictor.decoder
    decode, spent = decoder.decode, 0.0

    def timed(*arguments: Any) -> Any:
        nonlocal spent
        start = time.perf_counter()
        result = decode(*arguments)
        spent += time.perf_counter() - start
        return result

    decoder.decode = timed
    start = time.perf_counter()
    model.predict(tokens)
    total = time.perf_counter() - start
    decoder.decode = decode
    return spent / total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a CoNLL column file")
    parser.add_argument("--model", default="ner", help="a saved model of the task ner")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/ner.json"))
    arguments = parser.parse_args()

    model = rnn_apps.load(arguments.model)
    sentences = list(read_tagged(arguments.data))
    tokens = [list(sentence.tokens) for sentence in sentences]
    blank = "" if model.predictor.processor.single_characters else " "
    texts = [blank.join(sentence) for sentence in tokens]
    count = sum(map(len, tokens))
    batch = {
        "tokens": throughput(lambda: model.predict(tokens), count),
        "texts": throughput(lambda: model.predict(texts), count),
    }
    share = decoding_share(model, tokens)

    sentence = sentence_of(tokens)
    predictor = model.predictor
    arrays = pad_batch([predictor.processor.encode_tokens(sentence)])
    outputs = predictor.session.run(arrays)
    decoder_inputs = outputs["emissions"], outputs["transitions"][0], np.array([TOKENS])
    single = {
        "prediction": latency(lambda: model.predict([blank.join(sentence)])),
        "network": latency(lambda: predictor.session.run(arrays)),
        "CRF": latency(lambda: predictor.decoder.decode(*decoder_inputs)),
    }
    f1 = f1_score(
        [list(sentence.tags) for sentence in sentences],
        [prediction.tags for prediction in model.predict(tokens)],
        mode="strict",
        scheme=IOB2,
    )

    print_table(
        [(f"{len(sentences):,} sentences", "value")]
        + [(f"tokens/s from {name}", f"{value:,.0f}") for name, value in batch.items()]
        + [("share of the CRF", f"{share:.1%}"), ("F1 (seqeval, strict)", f"{f1:.4f}")]
    )
    print()
    print_table(
        [(f"one sentence of {TOKENS} tokens", "p50, ms", "p99, ms")]
        + [(name, f"{found['p50_ms']:.2f}", f"{found['p99_ms']:.2f}") for name, found in single.items()]
    )
    write_result(
        arguments.output,
        {"tokens": count, "tokens_per_second": batch, "crf_share_of_a_batch": share, "sentence": single, "f1": f1},
    )


if __name__ == "__main__":
    main()
