"""The contract of a predictor: inputs in, typed predictions out, in the order they came."""

from __future__ import annotations

import json
import shlex
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.bundle import Bundle
from rnn_apps.data.batching import pad_batch, plan_batches
from rnn_apps.errors import ConfigError, DataError
from rnn_apps.inference import options as predictor_options
from rnn_apps.inference.cases import Case, Graphs, left_out
from rnn_apps.inference.options import check_options
from rnn_apps.inference.records import Record

if TYPE_CHECKING:  # no answer needs what describes it
    from rnn_apps.views import InputView, View

BATCH_SIZE = 64
BATCH_TOKENS = 4096  # as fast as more, and a run of the graph is over soon


Answer = TypeVar("Answer")

_SHOWN = 20  # predictions of a list in a notebook
_PLAIN_COST, _COST_OF_A_LETTER = 0.5, 0.01  # milliseconds


class Prediction(Record):
    """An answer; `model_dump()` gives what `--json` prints and the server sends."""


class WarnedPrediction(Prediction):
    """An answer with `warnings`, why it may not be trusted; `model_dump()` has them only if there are any."""

    def model_dump(self) -> dict[str, Any]:
        """Returns what `--json` prints and the server sends."""
        found = super().model_dump()
        if not found.get("warnings"):
            found.pop("warnings", None)
        return found


class Generated(Prediction):
    """What a task that generates answers, whole or in parts.

    Attributes:
        seconds: how long it lasts; of a part, how far the whole has come.
        complete: whether it is the whole.
        remark: what is odd about the whole, such as why it ended early, in words; "" if nothing is.
    """

    seconds: float
    complete: bool = True
    remark: str = ""


def answer_each(
    predict: Callable[[Sequence[Any]], Sequence[Answer]], inputs: Sequence[Any]
) -> list[Answer | DataError]:
    """Returns the answer to each input, or what is wrong with it; one that cannot be used is found by halves."""
    try:
        return list(predict(inputs))
    except DataError as error:
        if len(inputs) == 1:
            return [DataError(str(error).removeprefix("input 1: "))]
        middle = len(inputs) // 2
        return answer_each(predict, inputs[:middle]) + answer_each(predict, inputs[middle:])


def as_inputs(given: Any) -> list[Any]:
    """Returns what was given as a list of inputs; one text alone is one input.

    Raises:
        DataError: for what has no order or no obvious meaning: a mapping, a set, a table, bytes.
    """
    if isinstance(given, str):
        return [given]
    if hasattr(given, "columns"):
        column = next(iter(given.columns), "text")
        raise DataError(f"Expected a list of inputs. Received a table: give one column, such as table['{column}'].")
    if isinstance(given, (Mapping, Set, bytes, bytearray)) or not isinstance(given, Iterable):
        raise DataError(f"Expected a list of inputs. Received: {type(given).__name__}.")
    return [item.item() if isinstance(item, np.str_) else item for item in given]


class Predictor(ABC):
    """Answers inputs with a saved model, and says what inputs and answers look like at every door.

    A task's predictor overrides `answer`, says in `Options` what else can be chosen, and describes its input and its
    answers; Python, the command line, the server and the demo page all go through the same methods.

    Args:
        bundle: a verified bundle of the task.

    Attributes:
        Options: what can be chosen beside the input.
        ClientOptions: the same for a client of the server, where narrower bounds keep a request from costing too much.
        input_options: names of options that are inputs themselves, given as an input is given at each door.
    """

    Options: ClassVar[type[predictor_options.Options]] = predictor_options.Options
    ClientOptions: ClassVar[type[predictor_options.Options] | None] = None
    input_options: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def __init__(self, bundle: Bundle) -> None:
        """Loads the graphs and the processor."""

    # What it answers

    def predict(self, inputs: Iterable[Any], **options: Any) -> Sequence[Prediction]:
        """Returns one prediction for each input, in their order.

        Args:
            inputs: what the task takes, such as texts, in a list, an array, a pandas Series or a generator; one text
                alone is one input.
            options: see `Options`.

        Raises:
            DataError: for an input that cannot be used, with its number.
            ConfigError: for an option that does not exist or cannot be used.
        """
        return self.answer(as_inputs(inputs), check_options(self.Options, options))

    def stream(self, given: Any, **options: Any) -> Iterator[Prediction]:
        """Yields the prediction for one input in parts, as they come, and last the whole of it.

        Args:
            given: what the task takes: a text, say.
            options: see `Options`.

        Raises:
            DataError: for an input that cannot be used.
            ConfigError: for an option that does not exist or cannot be used.
        """
        return self.parts(given, check_options(self.Options, options))

    @abstractmethod
    def answer(self, inputs: Sequence[Any], options: Any) -> Sequence[Prediction]:
        """Returns one prediction for each input, in their order; the options are an instance of `Options`.

        Raises:
            DataError: for an input that cannot be used, with its number.
        """

    def parts(self, given: Any, options: Any) -> Iterator[Prediction]:
        """Yields the prediction for one input in parts; all at once, unless overridden."""
        yield self.answer([given], options)[0]

    # What it takes

    @property
    @abstractmethod
    def examples(self) -> Sequence[Any]:
        """A few inputs worth trying, for the end of a run and the demo; none where the model takes others."""

    @property
    def example_argument(self) -> str:
        """An input as one would type it behind `rnnapps predict MODEL`."""
        return shlex.quote(str(self.examples[0]))

    def parse(self, text: str) -> Any:
        """Turns what a user typed or piped into an input; text stays text."""
        return text

    def from_json(self, value: Any) -> Any:
        """Turns a JSON value that a client of the server sent into an input.

        Whoever sends it is not at this machine: a task whose inputs can be paths does not take them here.

        Raises:
            DataError: for a value that is no input.
        """
        return value

    def client_options(self, values: dict[str, Any]) -> dict[str, Any]:
        """Turns options that a client of the server sent as JSON into those of `predict` and `stream`.

        Raises:
            ConfigError: for one that cannot be used, or that asks for too much work.
            DataError: for one that is an input and cannot be used.
        """
        check_options(self.ClientOptions or self.Options, values)
        return {name: self.from_json(value) if name in self.input_options else value for name, value in values.items()}

    def cost(self, value: Any, options: Any) -> float:
        """Returns about how many milliseconds of one core the answer to a client of the server takes.

        What is expensive gives way to other requests, and what takes longer than a request may is refused.

        Args:
            value: the input as JSON, see `from_json`.
            options: an instance of `ClientOptions`, or of `Options` where there are none.
        """
        return _PLAIN_COST + _COST_OF_A_LETTER * _letters(value)

    # What can be looked into

    def cases(self, given: Any) -> Sequence[Case]:
        """Returns an input with its answer as what can be looked into: one case, or one for each sentence, say.

        Raises:
            DataError: for an input that cannot be used.
            ConfigError: if the task does not say what it is.
        """
        raise ConfigError(
            "This task does not say what of it can be looked into: its predictor has no `cases` (docs/extending.md)."
        )

    def run_case(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        """Runs the model over a batch of the arrays of a case; returns the outputs that its scores name.

        Args:
            arrays: of a case, or several like it.
            graphs: opens a graph by its name.
        """
        return graphs("model").run(arrays)

    def without(self, case: Case, ranges: Sequence[range]) -> Arrays:
        """Returns a batch with a row for each range of steps of the first axis, in which those are not seen."""
        length = case.axes[0].length
        names = [name for name, value in case.arrays.items() if value.ndim > 1 and value.shape[1] == length]
        return left_out(case.arrays, names, ranges)

    def decoding(self, case: Case, graphs: Graphs) -> Sequence[View]:
        """Returns how the answer was found, such as attention, a search, tags; nothing where it is only a class."""
        return []

    # What a person sees

    def input_view(self) -> InputView:
        """Returns what a person gives on the demo page: a text, unless the task says otherwise."""
        from rnn_apps.views import InputView

        return InputView()

    def views(self, given: Any, prediction: Any) -> Sequence[View]:
        """Returns what one prediction, or a part of it while it streams, looks like: its JSON, unless the task says
        otherwise.
        """
        from rnn_apps.views import Text

        return [Text(json.dumps(prediction.model_dump(), indent=2, ensure_ascii=False))]

    def terminal_views(self, given: Any, prediction: Any) -> Sequence[View]:
        """Returns what it looks like in a terminal, where that has a form of its own."""
        return self.views(given, prediction)


class Predictions(list[Any]):
    """A list of predictions that a notebook shows as the demo page does.

    Args:
        predictor: which knows what they look like.
        inputs: what was answered.
        predictions: one for each input.
    """

    def __init__(self, predictor: Predictor, inputs: Sequence[Any], predictions: Iterable[Prediction]) -> None:
        super().__init__(predictions)
        self._predictor, self._inputs = predictor, inputs

    def _repr_html_(self) -> str:
        from rnn_apps.html import notebook_page

        pairs = list(zip(self._inputs, self, strict=False))[:_SHOWN]
        shown = [(given if isinstance(given, str) else "", self._predictor.views(given, own)) for given, own in pairs]
        more = len(self) - len(pairs)
        return notebook_page([*shown, (f"and {more:,} more", ())] if more else shown)

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)  # elsewhere it is a list like any other


def batches_by_length(rows: Sequence[Arrays]) -> Iterator[tuple[Array, Arrays]]:
    """Puts encoded inputs of like length together.

    Yields:
        (numbers of the rows in this batch, the padded batch), so that results find their place again.
    """
    if len(rows) == 1:
        yield np.zeros(1, np.int64), pad_batch(rows)
        return
    lengths = np.array([max((array.shape[0] for array in row.values() if array.ndim), default=1) for row in rows])
    for numbers in plan_batches(lengths.astype(np.int32), BATCH_SIZE, BATCH_TOKENS):
        yield numbers, pad_batch([rows[number] for number in numbers])


def _letters(value: Any) -> int:
    """Letters of a text, or of the texts in a list."""
    if isinstance(value, str):
        return len(value)
    return sum(map(len, filter(lambda item: isinstance(item, str), value))) if isinstance(value, list) else 0
