"""A saved model in the hand: predict, evaluate, or take its Keras model for further work."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from pkgutil import resolve_name
from typing import Any

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.bundle import KERAS_MODEL, Bundle, find_bundle, read_bundle
from rnn_apps.data.parts import chunks
from rnn_apps.data.processor import Processor
from rnn_apps.data.text.wording import parts_of_texts
from rnn_apps.environment import start_tensorflow
from rnn_apps.errors import DataError, NotFoundError
from rnn_apps.inference.joined import JoinedPredictor
from rnn_apps.inference.metrics import Metrics
from rnn_apps.inference.predictor import Prediction, Predictions, Predictor, as_inputs, batches_by_length
from rnn_apps.task import Task, find_task

MEMBERS = "members"
"""Where a joined model has the models that it is made of."""

_CHUNK = 2048
_LOOKED_AT = 200


class Model:
    """A saved model that answers.

    Args:
        bundle: a verified bundle; `load` finds one by its name.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def __repr__(self) -> str:
        """What the model is, in a line: task, size, measured quality and folder."""
        facts = self.bundle.manifest
        metrics = "".join(f", {name} {value:.4f}" for name, value in facts["metrics"].items())
        size = f"{facts['parameters']:,} parameters"
        return f"<Model '{self.bundle.name}': {facts['task']}, {size}{metrics}, {self.bundle.folder}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the model card in short."""
        from rnn_apps.html import notebook_table

        facts = self.bundle.manifest
        data = facts.get("data", {})
        shown = {
            "task": f"{facts['task']}: {self.task.summary}",
            "trained on": f"{data.get('dataset', 'unknown')} ({data.get('training_examples', 0):,} examples)",
            "quality": ", ".join(f"{name} {value:.4f}" for name, value in facts["metrics"].items()),
            "parameters": f"{facts['parameters']:,}",
            "licence of the data": data.get("licence", "unknown"),
            "options": ", ".join(self.predictor.Options.names()) or "none",
            "folder": str(self.bundle.folder),
        }
        return notebook_table(self.bundle.name, shown)

    @cached_property
    def task(self) -> Task[Any, Any]:
        """The task that the model solves.

        Raises:
            NotFoundError: if no installed package has this task.
        """
        name = str(self.bundle.manifest["task"])
        try:
            return find_task(name).adapted(self.bundle.manifest["config"])
        except NotFoundError as error:
            raise NotFoundError(
                f"The model {self.bundle.folder} was made by the task '{name}', which is not installed. "
                f"Run: pip install {self.bundle.manifest['package']}. {error}"
            ) from None

    @cached_property
    def predictor(self) -> Predictor:
        """The task's predictor with this model's graphs and processor."""
        if self.members:
            return JoinedPredictor([member.predictor for member in self.members])  # type: ignore[misc]
        return self.task.predictor_class(self.bundle)

    @cached_property
    def members(self) -> list[Model]:
        """The models that this one is made of; none of one that was trained."""
        folders = range(len(self.bundle.manifest.get(MEMBERS, ())))
        return [Model(read_bundle(self.bundle.folder / MEMBERS / str(number))) for number in folders]

    def predict(self, inputs: Iterable[Any], **options: Any) -> Predictions:
        """Returns one prediction for each input, in their order; a notebook shows them as the demo page does.

        Args:
            inputs: what the task takes, such as texts, in a list, an array, a pandas Series or a generator; one text
                alone is one input.
            options: the task's own options.

        Raises:
            DataError: for an input that cannot be used, with its number.
            ConfigError: for an option that the task does not have, or that cannot be used.
        """
        given = as_inputs(inputs)
        return Predictions(self.predictor, given, self.predictor.predict(given, **options))

    def predict_frame(self, frame: Any, text: str | None = None, **options: Any) -> Any:
        """Returns a `pandas.DataFrame` with the answers behind its columns.

        A row that cannot be answered, such as one without a text, has empty cells there, and a warning says so.

        Args:
            frame: a table with a column of inputs.
            text: the name of that column; not needed where there is only one.
            options: the task's own options.

        Raises:
            DataError: if `frame` is no table, has no such column, or none of its rows can be answered.
            ConfigError: for an option that the task does not have, or that cannot be used.
        """
        from rnn_apps.inference.frame import answer_frame

        return answer_frame(self.predictor, frame, text, options)

    def stream(self, given: Any, **options: Any) -> Iterator[Prediction]:
        """Yields the prediction for one input in parts, as they come, and last the whole of it.

        Args:
            given: what the task takes: a text, say.
            options: the task's own options.

        Raises:
            DataError: for an input that cannot be used.
            ConfigError: for an option that the task does not have, or that cannot be used.
        """
        return self.predictor.stream(given, **options)

    def inspect(self, inputs: Any, views: Iterable[str] | None = None) -> Any:
        """Looks into the model while it answers inputs; returns an `rnn_apps.inspection.Inspection`.

        Args:
            inputs: what the task takes, in a list; one text alone is one input.
            views: names of views such as "gates", or "all"; those that need no TensorFlow if left out.

        Raises:
            ConfigError: for a view that does not exist, or that this model cannot have.
            DataError: for an input that cannot be used.
            MissingExtraError: if what a view needs is not installed.
        """
        return resolve_name("rnn_apps.inspection:inspect")(self, inputs, views)

    def evaluate(self, examples: Iterable[Any]) -> tuple[int, dict[str, float]]:
        """Measures the model on labelled examples, streamed.

        Returns:
            (number of examples, metrics by name).

        Raises:
            DataError: if there is no example, or one has a label that the model does not know.
        """
        processor, metrics = self.measure()
        count = 0
        for _, _, outputs, batch in run_examples(self, processor, examples):
            metrics.update(outputs, batch)
            count += len(next(iter(batch.values())))
        if not count:
            raise DataError("Expected at least one example to evaluate on. There is none.")
        _tell(metrics.doubts())
        return count, metrics.result()

    def doubts(self, processor: Processor, examples: Sequence[Any]) -> list[str]:
        """Returns in a line that most of the inputs of examples are none that the model can answer, if so it is.

        Raises:
            DataError: if they are no examples of its task.
        """
        try:
            inputs = [self.task.input_of(example) for example in examples]
        except (AttributeError, TypeError):
            raise DataError(
                f"Expected examples of the task '{self.task.name}', as model.task.read([path]) gives them. "
                f"Received: {type(examples[0]).__name__}."
            ) from None
        parts: list[Any] = [own for own in inputs if own is not None]
        about = "inputs"
        if all(isinstance(own, (str, list)) for own in parts):
            texts = [own if isinstance(own, str) else " ".join(map(str, own)) for own in parts]
            parts, about = list(parts_of_texts(texts)), "parts of some 40 words"
        found = [warnings[0] for warnings in map(processor.warnings, parts) if warnings]
        if 2 * len(found) <= len(parts):
            return []
        ((most, _),) = Counter(found).most_common(1)
        return [
            f"warning: most of the first inputs are none for {self.bundle.name}; of {len(found):,} in {len(parts):,} "
            f"{about} it says: {most}"
        ]

    def measure(self) -> tuple[Processor, Metrics]:
        """Returns what encodes labelled examples for this model, and what measures its outputs."""
        first = self.members[0].bundle if self.members else self.bundle
        processor = self.task.processor.load(first.folder)
        # answers of a joined model are calibrated already
        return processor, self.task.metrics(processor, {} if self.members else first.calibration)

    def require_keras_model(self) -> None:
        """Makes sure that the bundle holds its Keras model.

        Raises:
            NotFoundError: if it is an export, which holds only what prediction needs.
        """
        if not (self.bundle.folder / KERAS_MODEL).exists():
            if self.members:
                raise NotFoundError(
                    f"{self.bundle.folder} is joined: it has no Keras model of its own. Take one of the models that it "
                    "was made of."
                )
            original = self.bundle.manifest.get("exported", {}).get("from", "its original")
            raise NotFoundError(
                f"{self.bundle.folder} is an export: it holds what prediction needs, and no Keras model. Take the "
                f"model that it was made from ('{original}')."
            )

    def keras_model(self) -> Any:
        """Returns the `keras.Model`, loaded in Keras' safe mode (needs the extra "train").

        Raises:
            NotFoundError: if the bundle is an export without it.
        """
        self.require_keras_model()
        start_tensorflow("The Keras model")
        import keras

        self.task.new_network()  # registers the layers
        return keras.saving.load_model(self.bundle.folder / KERAS_MODEL, compile=False, safe_mode=True)

    @cached_property
    def loaded_keras_model(self) -> Any:
        """The same, loaded once: for looking into it, and not for changing it."""
        return self.keras_model()


def load(name: str | os.PathLike[str]) -> Model:
    """Loads a saved model by its name (looked up in ./saved_models, then among those that ship) or its folder.

    Raises:
        NotFoundError: if there is none of this name.
        BundleError: if it cannot be trusted.
    """
    return Model(find_bundle(name))


def run_examples(
    model: Model, processor: Processor, examples: Iterable[Any]
) -> Iterator[tuple[Sequence[Any], Array, Arrays, Arrays]]:
    """Runs a model over labelled examples, streamed, those of like length together.

    Yields:
        (some of the examples, the numbers of those that a batch has, outputs, batch).
    """
    examples = _with_doubts(model, processor, examples)
    if model.members:
        yield from _run_joined(model, processor, examples)
        return
    runner = model.task.runner(model.bundle.folder)
    for chunk in chunks(examples, _CHUNK):
        for numbers, batch in batches_by_length(processor.encode(chunk)):
            yield chunk, numbers, runner.run(batch), batch


def _with_doubts(model: Model, processor: Processor, examples: Iterable[Any]) -> Iterator[Any]:
    """Passes examples on, and says on the way if they are none that the model can answer."""
    beginning = list(islice(own := iter(examples), _LOOKED_AT))
    _tell(model.doubts(processor, beginning))
    yield from chain(beginning, own)


def _tell(doubts: Iterable[str]) -> None:
    from rnn_apps.progress import tell_once

    for line in doubts:
        tell_once(line)


def _run_joined(
    model: Model, processor: Processor, examples: Iterable[Any]
) -> Iterator[tuple[Sequence[Any], Array, Arrays, Arrays]]:
    """The same for a joined model, whose members may encode an example each in its own way: by their answers."""
    for chunk in chunks(examples, _CHUNK):
        labels = np.stack([row["label"] for row in processor.encode(chunk)])
        predictions = model.predict([model.task.input_of(example) for example in chunk])
        names = model.members[0].predictor.class_names  # type: ignore[attr-defined]
        shares = np.array([[own.probabilities[name] for name in names] for own in predictions], np.float32)
        logits = np.log(np.maximum(shares, np.finfo(np.float32).tiny))
        yield chunk, np.arange(len(chunk)), {"logits": logits}, {"label": labels}
