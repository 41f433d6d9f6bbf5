"""The many-to-one model as an estimator of scikit-learn: in pipelines, searches and cross-validation (extra "train").

from rnn_apps.sklearn import TextClassifier

cross_val_score(TextClassifier(config={"training": {"epochs": 3}}), texts, labels)
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnn_apps.config import load_config
from rnn_apps.data.examples import LabelledText
from rnn_apps.errors import ConfigError, DataError, MissingExtraError
from rnn_apps.model import Model, load
from rnn_apps.progress import Reporter
from rnn_apps.sources import Source
from rnn_apps.task import find_task
from rnn_apps.training.run import Run

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted
except ImportError:
    raise MissingExtraError("rnn_apps.sklearn", "train") from None

Labels = npt.NDArray[Any]


class TextClassifier(ClassifierMixin, BaseEstimator):
    """Classifies texts with a recurrent network.

    Args:
        config: settings that differ from the defaults, as a nested mapping; those of the task `sentiment`.
        random_state: the seed that everything follows from.
        verbose: whether to show on stderr what goes on.

    Attributes:
        classes_: the labels, sorted, of the type that they were given in.
        model_: the trained model, with all that a saved model can do.
        n_iter_: epochs that were run.
    """

    def __init__(self, config: Mapping[str, Any] | None = None, random_state: int = 0, verbose: bool = False) -> None:
        self.config = config
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> TextClassifier:  # noqa: N803
        """Trains.

        Args:
            X: texts, (samples,).
            y: their labels, (samples,); at least two different ones. A tenth of the texts is held out to stop in time.

        Raises:
            DataError: for an input that is no text, or has nothing in it, or for labels that do not fit.
            ConfigError: for settings that cannot be used.
        """
        texts = _texts(X)
        labels = np.asarray(y)
        if labels.shape != (len(texts),):
            raise DataError(
                f"Expected a label for each of the {len(texts):,} texts. Received the shape {labels.shape}."
            )
        check_classification_targets(labels)
        self.classes_ = np.unique(labels)
        names = [str(label) for label in self.classes_.tolist()]
        if doubled := [name for name, count in Counter(names).items() if count > 1]:
            raise DataError(f"Expected labels that are written differently. '{doubled[0]}' stands for two of them.")
        numbers = np.searchsorted(self.classes_, labels)
        examples = [
            LabelledText(names[number], text, f"text {n}")
            for n, (number, text) in enumerate(zip(numbers, texts, strict=True), 1)
        ]
        # the model lives as long as the estimator, and moves with it when that is copied or saved
        self._folder = tempfile.TemporaryDirectory(prefix="rnnapps-")
        task = find_task("sentiment")
        values = {**(self.config or {}), "seed": self.random_state}
        config = load_config(task.Config, values=values)
        if type(task.adapted(config.model_dump())) is not type(task):
            raise ConfigError("A TextClassifier picks one class for each text. Leave data.target out.")
        run = Run(
            task,
            config,
            _source(examples),
            output=Path(self._folder.name, "model"),
            reporter=Reporter(self.verbose),
        )
        self.model_ = run.execute()
        self.n_iter_ = len((self.model_.bundle.folder / "history.csv").read_text(encoding="utf-8").splitlines()) - 1
        return self

    def predict(self, X: Any) -> Labels:  # noqa: N803
        """Returns the likeliest class of each text, (samples,)."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803
        """Returns the probability of each class for each text, (samples, classes), in the order of `classes_`."""
        check_is_fitted(self, "model_")
        names = [str(label) for label in self.classes_.tolist()]
        found = self.model_.predict(_texts(X))
        rows = [[own.probabilities[name] for name in names] for own in found]
        return np.array(rows, np.float64).reshape(len(found), len(names))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, True, False
        tags.non_deterministic = False
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            model: Model = state.pop("model_")
            del state["_folder"]
            folder = model.bundle.folder
            state["files"] = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("files", None)
        super().__setstate__(state)
        if files is not None:
            self._folder = tempfile.TemporaryDirectory(prefix="rnnapps-")
            folder = Path(self._folder.name, "model")
            folder.mkdir()
            for name, content in files.items():
                (folder / name).write_bytes(content)
            self.model_ = load(folder)


def _texts(given: Any) -> list[str]:
    """The inputs as a list; a column of a table is taken as what it is.

    Raises:
        DataError: for one text alone, for what has more columns than one, or is no text.
    """
    if isinstance(given, (str, bytes)):
        raise DataError("Expected several texts in a list. Received one text.")
    array = np.asarray(given, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"Expected a list of texts. Received an array of the shape {array.shape}.")
    for number, text in enumerate(array, 1):
        if not isinstance(text, str):
            raise DataError(f"Expected texts. Input {number} is of the type {type(text).__name__}.")
    texts: list[str] = array.tolist()
    return texts


def _source(examples: list[LabelledText]) -> Source:
    def stream() -> Iterator[LabelledText]:
        return iter(examples)

    digest = hashlib.sha256("\n".join(f"{own.label}\t{own.text}" for own in examples).encode("utf-8", "replace"))
    facts = {"dataset": f"{len(examples):,} texts given in Python", "licence": "not stated"}
    return Source("memory", [stream], facts, digest.hexdigest())
