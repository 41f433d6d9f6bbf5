"""How fast translations are found and learnt, beside Keras.

    python benchmarks/translation.py search --data SOURCE --data REFERENCE [--model translation]
    python benchmarks/translation.py training --data SOURCE --data TARGET [--pairs 2000] [--rounds 2]

`search` translates all lines of SOURCE through `rnn_apps.load(MODEL).predict`, and one sentence of 12 words again and
again. Beside it the same search runs the Keras model of the same bundle, called once a step, over the first lines; the
model is called as it is and through `predict_on_batch`, which compiles it.

`training` trains the task with its default network for a few epochs, the same with input feeding, and a plain Keras
encoder-decoder of the same size (keras.layers.GRU, Bidirectional, AdditiveAttention, mask_zero) by `model.fit`: on
batches of shuffled pairs, padded to the longest of the batch, as `tf.data` makes them, and on the batches of like
length that the task trains on. Speed is the median over the epochs after the first of each training, in target tokens a
second, padding not counted.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from common import median, percentile, print_table, seconds_of, write_result

import rnn_apps
from rnn_apps.arrays import Arrays
from rnn_apps.data.batching import pad_batch, plan_batches
from rnn_apps.data.readers.parallel import SentencePair, read_pairs
from rnn_apps.environment import start_tensorflow
from rnn_apps.inference.decoder import Start, Step
from rnn_apps.tasks.translation.config import TranslationConfig, TranslationModelConfig
from rnn_apps.tasks.translation.metrics import TranslationMetrics
from rnn_apps.tasks.translation.processor import TranslationProcessor

WORDS = 12
BEAMS = (1, 5)
PASSES = 3
CALLS = 200
KERAS_LINES = 64
KERAS_CALLS = 5


class KerasDecoder:
    """The decoder that a search calls, with Keras models in the place of the two graphs.

    Args:
        decoder: the decoder with the graphs.
        encoder: the Keras model of one.
        step: the Keras model of the other.
        call: (model, inputs) -> outputs.
    """

    def __init__(self, decoder: Any, encoder: Any, step: Any, call: Callable[[Any, Arrays], Any]) -> None:
        self.start_token, self.end_token, self.forbidden = decoder.start_token, decoder.end_token, decoder.forbidden
        self.encoder, self.model, self.call = encoder, step, call

    def start(self, batch: Arrays) -> Start:
        found = {name: np.asarray(value) for name, value in self.call(self.encoder, batch).items()}
        states = {name: found.pop(name)[:, None] for name in list(found) if name.startswith("state_")}
        return Start({"source": batch["source"], **found}, states, batch["source"] != 0)

    def step(self, tokens: Any, memory: Arrays, states: Arrays) -> Step:
        found = {
            name: np.array(value)
            for name, value in self.call(self.model, {"token": tokens, **memory, **states}).items()
        }
        found["log_probabilities"][..., self.forbidden] = -np.inf
        following = {name: found[f"next_{name}"] for name in states}
        return Step(found["log_probabilities"], found["attention"], following)


def search(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures throughput, latency and quality, and the same with the Keras model."""
    model = rnn_apps.load(arguments.model)
    pairs = list(read_pairs(arguments.data))
    texts = [pair.source for pair in pairs]
    sentence = next(text for text in texts if len(text.split()) == WORDS)
    translator, processor = model.predictor.translator, model.predictor.processor
    results: dict[str, Any] = {"sentences": len(texts), "parameters": model.bundle.manifest["parameters"]}
    for beam in BEAMS:
        seconds = seconds_of(lambda beam=beam: model.predict(texts, beam=beam), PASSES)
        single = seconds_of(lambda beam=beam: model.predict([sentence], beam=beam), CALLS)
        results[f"beam {beam}"] = {
            "sentences_per_second": len(texts) / median(seconds),
            "sentence_p50_ms": percentile(single, 50) * 1e3,
            "sentence_p99_ms": percentile(single, 99) * 1e3,
            **quality(processor, [own.translation for own in model.predict(texts, beam=beam)], pairs),
        }

    start_tensorflow("This benchmark")
    graphs = {graph.name: graph.model for graph in model.task.new_network().graphs(model.keras_model())}
    graph_decoder = translator.decoder
    ways = {
        "model(...)": lambda keras_model, inputs: keras_model(inputs, training=False),
        "model.predict_on_batch(...)": lambda keras_model, inputs: keras_model.predict_on_batch(
            {name: inputs[name] for name in keras_model.input}
        ),
    }
    some = texts[:KERAS_LINES]
    for name, call in ways.items():
        for beam in BEAMS:
            translator.decoder = graph_decoder
            ours = seconds_of(lambda beam=beam: model.predict(some, beam=beam), PASSES)
            translator.decoder = KerasDecoder(graph_decoder, graphs["encoder"], graphs["step"], call)
            theirs = seconds_of(lambda beam=beam: model.predict(some, beam=beam), 1)
            single = seconds_of(lambda beam=beam: model.predict([sentence], beam=beam), KERAS_CALLS)
            results[f"Keras, {name}, beam {beam}"] = {
                "sentences": len(some),
                "sentences_per_second": len(some) / median(theirs),
                "ours_on_the_same": len(some) / median(ours),
                "sentence_p50_ms": percentile(single, 50) * 1e3,
            }
    translator.decoder = graph_decoder
    print_table(
        [("search", "sentences/s", f"{WORDS} words, p50, ms", "BLEU")]
        + [
            (
                name,
                f"{own['sentences_per_second']:,.0f}",
                f"{own['sentence_p50_ms']:.1f}",
                f"{own.get('bleu', 0) or '':.4}",
            )
            for name, own in results.items()
            if isinstance(own, dict)
        ]
    )
    return results


def quality(
    processor: TranslationProcessor, translations: Sequence[str], pairs: Sequence[SentencePair]
) -> dict[str, float]:
    """Returns BLEU and chrF."""
    metrics = TranslationMetrics(processor)
    metrics.translations, metrics.references = list(translations), [pair.target for pair in pairs]
    return metrics.result()


def training(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures target tokens a second of the task and of plain Keras."""
    start_tensorflow("This benchmark")
    settings = {
        "data": {"vocabulary": "separate", "vocabulary_size": arguments.vocabulary},
        "training": {"epochs": arguments.epochs, "patience": arguments.epochs},
    }
    config = TranslationConfig(**settings)
    pairs = list(islice(read_pairs(arguments.data), arguments.pairs))
    seconds: dict[str, list[float]] = {}
    parameters: dict[str, int] = {}

    def note(name: str, epochs: list[float], count: int) -> None:
        seconds.setdefault(name, []).extend(epochs[1:])
        parameters[name] = count

    # in turn, so that all meet the same hours of the machine
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as temporary:
            for name, model in (("rnn_apps", {}), ("rnn_apps, input feeding", {"input_feeding": True})):
                epochs, count, processor = our_training(settings | {"model": model}, pairs, Path(temporary, name))
                note(name, epochs, count)
        rows = processor.encode(pairs, training=True)
        for name, bucketed in (("Keras, shuffled pairs", False), ("Keras, pairs of like length", True)):
            note(name, *keras_training(config, processor, rows, arguments.epochs, bucketed))
    tokens = sum(len(row["target_out"]) for row in rows)
    results = {
        name: {
            "target_tokens_per_second": tokens / median(own),
            "ours_is_faster": median(own) / median(seconds["rnn_apps"]),
            "epoch_seconds": own,
            "parameters": parameters[name],
        }
        for name, own in seconds.items()
    }
    print_table(
        [(f"training, {len(pairs):,} pairs", "target tokens/s", "ours is faster", "parameters")]
        + [
            (name, f"{own['target_tokens_per_second']:,.0f}", f"{own['ours_is_faster']:.2f}", f"{own['parameters']:,}")
            for name, own in results.items()
        ]
    )
    return {"pairs": len(pairs), "target_tokens": tokens, **results}


def our_training(
    settings: dict[str, Any], pairs: Sequence[SentencePair], folder: Path
) -> tuple[list[float], int, TranslationProcessor]:
    """Trains the task; returns the seconds of each epoch, the number of parameters, and what encodes the pairs."""
    folder.mkdir()
    lines = [f"{pair.source}\t{pair.target}\n" for pair in pairs]
    (folder / "train.tsv").write_text("".join(lines), encoding="utf-8")
    (folder / "valid.tsv").write_text("".join(lines[:64]), encoding="utf-8")
    output = folder / "model"
    model = rnn_apps.train(
        "translation", folder / "train.tsv", valid=folder / "valid.tsv", config=settings, output=output
    )
    with (output / "history.csv").open(newline="") as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    return seconds, model.bundle.manifest["parameters"], TranslationProcessor.load(output)


def keras_training(
    config: TranslationConfig, processor: TranslationProcessor, rows: Sequence[Arrays], epochs: int, bucketed: bool
) -> tuple[list[float], int]:
    """Trains a plain Keras model; returns the seconds of each epoch and the number of its parameters."""
    import keras
    import tensorflow as tf

    model = plain_keras(config.model, processor.source.vocabulary_size, processor.target.vocabulary_size)
    model.compile(
        keras.optimizers.AdamW(config.training.learning_rate, clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0),
        jit_compile=False,
    )
    lengths = np.array([max(map(len, row.values())) for row in rows], np.int32)

    def batches() -> Iterator[Any]:
        rng, size = np.random.default_rng(0), config.training.batch_size
        plan = np.split(rng.permutation(len(rows)), range(size, len(rows), size))
        if bucketed:
            plan = plan_batches(lengths, size, config.training.batch_tokens, rng)
        for numbers in plan:
            batch = pad_batch([rows[number] for number in numbers])
            yield {"source": batch["source"], "target_in": batch["target_in"]}, batch["target_out"]

    spec = tf.TensorSpec((None, None), tf.int32)
    dataset = tf.data.Dataset.from_generator(batches, output_signature=({"source": spec, "target_in": spec}, spec))
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        model.fit(dataset.prefetch(4), epochs=1, verbose=0)
        seconds.append(time.perf_counter() - start)
    return seconds, model.count_params()


def plain_keras(config: TranslationModelConfig, source_size: int, target_size: int) -> Any:
    """Returns the encoder-decoder of the task built of Keras' own layers."""
    import keras
    from keras import layers

    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target_in")
    x = layers.Embedding(source_size, config.embedding, mask_zero=True)(source)
    x = layers.Dropout(config.embedding_dropout)(x)
    for _ in range(config.encoder_layers):
        x = layers.Bidirectional(layers.GRU(config.units, return_sequences=True))(x)
        x = layers.Dropout(config.dropout)(x)
    keys = layers.Dense(config.attention_units, use_bias=False)(x)
    gist = layers.GlobalAveragePooling1D()(x)

    def decoder(values: Any) -> Any:
        state = layers.Dense(config.units, activation="tanh")(gist)
        return layers.GRU(config.units, return_sequences=True)(values, initial_state=state)

    y = layers.Embedding(target_size, config.embedding, mask_zero=True)(target)
    y = layers.Dropout(config.embedding_dropout)(y)
    asked = decoder(y)
    query = layers.Dense(config.attention_units, use_bias=False)(asked)
    answer = layers.AdditiveAttention()([query, x, keys])
    said = decoder(layers.Concatenate()([asked, answer]))
    read = layers.Dense(config.embedding, activation="tanh")(layers.Concatenate()([said, answer, y]))
    read = layers.Dropout(config.output_dropout)(read)
    return keras.Model({"source": source, "target_in": target}, layers.Dense(target_size)(read))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("search", "training"))
    parser.add_argument("--data", type=Path, action="append", required=True, help="twice: the source, and the target")
    parser.add_argument("--model", default="translation", help="a saved model of the task translation")
    parser.add_argument("--pairs", type=int, default=2000, help="pairs to train on")
    parser.add_argument("--vocabulary", type=int, default=5000, help="subwords of each language")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of a training; the first is not counted")
    parser.add_argument("--rounds", type=int, default=2, help="trainings of each kind, in turn")
    parser.add_argument("--output", type=Path, help="benchmarks/results/translation-WHAT.json if left out")
    arguments = parser.parse_args()
    results = {"search": search, "training": training}[arguments.what](arguments)
    write_result(arguments.output or Path(f"benchmarks/results/translation-{arguments.what}.json"), results)


if __name__ == "__main__":
    main()
