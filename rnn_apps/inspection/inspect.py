"""Looking into a saved model on inputs of one's own: which views there are, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from pkgutil import resolve_name
from typing import Any

from rnn_apps.environment import start_tensorflow
from rnn_apps.errors import ConfigError, did_you_mean
from rnn_apps.inference.cases import Case, Graphs
from rnn_apps.inference.predictor import as_inputs
from rnn_apps.inference.session import Session
from rnn_apps.inspection.contributions import Contributions, leave_one_out
from rnn_apps.inspection.gates import LayerGates, layer_gates
from rnn_apps.inspection.gradient import LayerGradient
from rnn_apps.inspection.graphs import ObservedGraph
from rnn_apps.inspection.records import read_records
from rnn_apps.inspection.results import Inspection, Look
from rnn_apps.model import Model
from rnn_apps.views import View

VIEWS = {
    "gates": "gates, states and memory of each recurrent layer, step by step",
    "gradient": "how far the gradient of the loss reaches back through time (needs the extra train)",
    "why": "what each step contributes: left out, and by integrated gradients (needs the extra train)",
    "leave-one-out": "the first half of why, which needs no TensorFlow",
    "attention": "how the answer was found: attention and beam search, tags of a CRF, distributions of notes",
    "training": "what the training has recorded of itself",
}
"""Every view in a line."""

QUICK = ("gates", "leave-one-out", "attention", "training")
"""The views that need no TensorFlow."""


def inspect(model: Model, inputs: Any, views: Iterable[str] | None = None, most_steps: int | None = None) -> Inspection:
    """Looks into a model while it answers inputs.

    Args:
        model: a saved model.
        inputs: what its task takes, in a list; one text alone is one input.
        views: names in `VIEWS`, or "all"; those that need no TensorFlow if left out. One that the model cannot have is
            an error if it is asked for by name.
        most_steps: of all inputs together, where more would take too long; any number if left out.

    Returns:
        typed results with NumPy arrays.

    Raises:
        ConfigError: for a view that does not exist, or that this model cannot have, or for too many steps.
        DataError: for an input that cannot be used.
        MissingExtraError: if what a view needs is not installed.
    """
    names, asked = _chosen(views)
    predictor = model.predictor
    remarks: list[str] = []
    looks = []
    looker = _Looker(model, asked)
    given = as_inputs(inputs)
    cases = [case for own in given for case in predictor.cases(own)]
    steps = sum(axis.length for case in cases for axis in case.axes)
    if most_steps is not None and steps > most_steps:
        raise ConfigError(
            f"Expected an input of at most {most_steps:,} steps to look into here. This one has {steps:,}. The command "
            f"line takes longer ones: rnnapps inspect {model.bundle.name}"
        )
    for case in cases:
        parts: dict[str, Any] = {}
        for name in names:
            try:
                parts |= looker.look(case, name)
            except ConfigError as error:
                if asked:
                    raise
                remarks.append(f"{name}: {error}")
        looks.append(Look(case, **parts))
    records = read_records(model.bundle.folder) if "training" in names else None
    if "training" in names and records is None and asked:
        raise ConfigError(
            f"There is nothing to look at: the training of '{model.bundle.name}' has recorded nothing. An older "
            "version has saved it."
        )
    return Inspection(
        model.bundle.name, str(model.bundle.manifest["task"]), tuple(looks), records, tuple(dict.fromkeys(remarks))
    )


def _chosen(views: Iterable[str] | None) -> tuple[list[str], bool]:
    """The names of the views that were asked for, and whether by name."""
    if views is None:
        return list(QUICK), False
    names = [views] if isinstance(views, str) else list(views)
    for name in names:
        if name != "all" and name not in VIEWS:
            raise ConfigError(
                f"There is no view '{name}'.{did_you_mean(name, VIEWS)} There are: {', '.join(VIEWS)}, all."
            )
    if "all" in names:
        if find_spec("tensorflow") is None:
            return list(QUICK), False
        return [name for name in VIEWS if name != "leave-one-out"], False
    return [name for name in dict.fromkeys(names) if name != "leave-one-out" or "why" not in names], True


class _Looker:
    """Looks at one case after the other; graphs are opened once.

    Args:
        model: what is looked into.
        asked: whether the views were asked for by name, so that one that cannot be had is an error.
    """

    def __init__(self, model: Model, asked: bool) -> None:
        self.model, self.asked = model, asked
        folder = model.bundle.folder
        self.graph: Graphs = cache(lambda name: Session(folder / f"{name}.onnx"))
        self.observed = cache(lambda name: ObservedGraph(folder / f"{name}.onnx"))

    def look(self, case: Case, view: str) -> dict[str, Any]:
        """Returns the part of a `Look` that a view makes; nothing where the model has nothing of the kind."""
        match view:
            case "gates":
                return {"gates": tuple(self._gates(case))}
            case "gradient":
                return {"gradient": tuple(self._gradient(case))}
            case "why" | "leave-one-out":
                return {"contributions": tuple(self._contributions(case, view == "why"))}
            case "attention":
                return {"decoding": tuple(self._decoding(case))}
        return {}

    def _gates(self, case: Case) -> Sequence[LayerGates]:
        opened: dict[str, ObservedGraph] = {}

        def observed(name: str) -> ObservedGraph:
            if name not in opened:
                opened[name] = self.observed(name)
                opened[name].passes.clear()
            return opened[name]

        self.model.predictor.run_case(case.arrays, observed)
        return layer_gates(opened, case.axes)

    def _gradient(self, case: Case) -> Sequence[LayerGradient]:
        keras_model = self._keras_model("The gradient through time")
        gradient = resolve_name("rnn_apps.backward:gradient_through_time")
        found: Sequence[LayerGradient] = gradient(keras_model, self.model.task.new_network(), case)
        if not found:
            raise ConfigError("This model has no recurrent layer, and so no way through time.")
        return found

    def _contributions(self, case: Case, with_gradients: bool) -> Sequence[Contributions]:
        if not case.scores:
            return []
        found = [leave_one_out(self.model.predictor, case, self.graph)]
        if with_gradients:
            keras_model = self._keras_model("Integrated gradients")
            found.append(resolve_name("rnn_apps.backward:integrated_gradients")(keras_model, case))
        return found

    def _decoding(self, case: Case) -> Sequence[View]:
        found = self.model.predictor.decoding(case, self.graph)
        if not found and self.asked:
            task = self.model.bundle.manifest["task"]
            raise ConfigError(f"A model of the task '{task}' has no attention, no search and no CRF to look at.")
        return found

    def _keras_model(self, what: str) -> Any:
        start_tensorflow(what)
        return self.model.loaded_keras_model
