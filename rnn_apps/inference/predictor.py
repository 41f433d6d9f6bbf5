"""What every predictor does: inputs in, typed predictions out, in the order they came."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from rnn_apps.arrays import Array, Arrays
from rnn_apps.data.batching import pad_batch, plan_batches

BATCH_SIZE = 64
BATCH_TOKENS = 16384


class Prediction(BaseModel):
    """An answer; `model_dump()` gives what `--json` prints and the server sends."""

    model_config = ConfigDict(frozen=True)


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


class Predictor(ABC):
    """Answers inputs with a saved model.

    Attributes:
        options: names of the options that `predict` takes.
    """

    options: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def predict(self, inputs: Sequence[Any], **options: Any) -> Sequence[Prediction]:
        """Returns one prediction for each input, in their order.

        Raises:
            DataError: for an input that cannot be used, with its number.
        """

    def stream(self, given: Any, **options: Any) -> Iterator[Prediction]:
        """Yields the prediction for one input in parts, as they come, and last the whole of it.

        Raises:
            DataError: for an input that cannot be used.
        """
        yield self.predict([given], **options)[0]


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
