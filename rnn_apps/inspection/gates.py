"""Gates, cell states and hidden states of a model's recurrent layers on one input, in the notation of the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnn_apps.arrays import Array, Arrays
from rnn_apps.errors import ConfigError
from rnn_apps.inference.cases import Axis
from rnn_apps.inference.session import BACKWARD_BODY
from rnn_apps.inspection.graphs import OPERATORS, ObservedGraph, Operation

SIGNS = {
    "update": "Γu",
    "relevance": "Γr",
    "forget": "Γf",
    "output": "Γo",
    "candidate": "c̃<t>",
    "cell": "c<t>",
    "hidden": "a<t>",
}
"""The sign of each gate and state, in the order in which they are shown."""

NAMES = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN", "Scan": "recurrent cell"}

LEGEND = "σ is the logistic function, g the layer's activation (tanh, unless it was given another)."

EQUATIONS = {
    "lstm": (
        "Γu = σ(Wu x<t> + Uu a<t-1> + bu)",
        "Γf = σ(Wf x<t> + Uf a<t-1> + bf)",
        "Γo = σ(Wo x<t> + Uo a<t-1> + bo)",
        "c̃<t> = g(Wc x<t> + Uc a<t-1> + bc)",
        "c<t> = Γu * c̃<t> + Γf * c<t-1>",
        "a<t> = Γo * g(c<t>)",
    ),
    "gru": (
        "Γu = 1 - σ(Wz x<t> + Uz a<t-1> + bz)",
        "Γr = σ(Wr x<t> + Ur a<t-1> + br)",
        "c̃<t> = g(Wc x<t> + Γr * (Uc a<t-1>) + bc)",
        "a<t> = c<t> = Γu * c̃<t> + (1 - Γu) * c<t-1>",
    ),
    "simple_rnn": ("a<t> = g(Wax x<t> + Waa a<t-1> + ba)",),
}

_FASTEST, _SLOWEST = 1e-6, 1 - 1e-6


@dataclass(frozen=True)
class LayerGates:
    """What one direction of one recurrent layer did, step by step.

    Attributes:
        name: the layer, such as "layer 1, backward".
        cell: "lstm", "gru" or "simple_rnn".
        axis: the sequence that it read.
        backward: whether it read from the end.
        values: (steps, units) each, by the names in `SIGNS`, in the order of time: the gates of this cell, "candidate",
            "cell" (an LSTM's c<t>) and "hidden" (a<t>).
    """

    name: str
    cell: str
    axis: Axis
    backward: bool
    values: Mapping[str, Array]

    @property
    def units(self) -> int:
        """The number of units."""
        return int(self.values["hidden"].shape[1])

    @property
    def equations(self) -> tuple[str, ...]:
        """The cell's equations, in words that have the signs of the gates."""
        lines = EQUATIONS.get(self.cell, ())
        if self.cell == "lstm" and "relevance" in self.values:
            relevance = "Γr = σ(Wr x<t> + Ur a<t-1> + br)"
            return (*lines[:3], relevance, "c̃<t> = g(Wc x<t> + Uc (Γr * a<t-1>) + bc)", *lines[4:])
        return lines

    @cached_property
    def kept(self) -> Array | None:
        """Which share of each unit's memory a step keeps, (steps, units): Γf, or 1 - Γu; None where nothing says so."""
        if "forget" in self.values:
            return self.values["forget"]
        return 1 - self.values["update"] if "update" in self.values else None

    @cached_property
    def time_constants(self) -> Array | None:
        """Steps until each unit's memory has fallen to 1/e, (units,), were nothing written: -1 / mean log kept share.

        None for a cell without a gate that says what is kept.
        """
        if self.kept is None:
            return None
        logs = np.log(np.clip(self.kept, _FASTEST, _SLOWEST), dtype=np.float64).mean(axis=0)
        return np.asarray(-1.0 / logs)

    def orders(self) -> dict[str, list[int]]:
        """Returns orders of the units by name: as they are, and by what they do."""
        hidden = self.values["hidden"]
        times = np.arange(len(hidden)) - (len(hidden) - 1) / 2
        centred = hidden - hidden.mean(axis=0)
        found: dict[str, Array] = {"as they stand": np.arange(self.units)}
        if self.time_constants is not None:
            found["how long they remember"] = -self.time_constants
        found["how much they move"] = -centred.std(axis=0)
        found["how they follow time"] = -(times @ centred)
        if len(hidden) > 1:
            directions = np.linalg.svd(centred, full_matrices=False)[2]
            found["what they have in common"] = np.arctan2(directions[min(1, len(directions) - 1)], directions[0])
        return {name: np.argsort(keys, kind="stable").tolist() for name, keys in found.items()}


def layer_gates(graphs: Mapping[str, ObservedGraph], axes: Sequence[Axis]) -> list[LayerGates]:
    """Returns the gates of all recurrent layers that have run over one input, those of the first graph first.

    Args:
        graphs: by name; each has run over one row, once over the whole sequence or once a step.
        axes: the sequences of the input, with the graphs that read them.

    Raises:
        ConfigError: if no recurrent layer has run.
    """
    found = []
    for name, graph in graphs.items():
        axis = next((axis for axis in axes if axis.graph == name), axes[0])
        prefix = "" if len(graphs) == 1 else f"{name}, "
        for number, operation in enumerate(graph.operations):
            passes = [own[number] for own in graph.passes]
            for direction, values in _directions(operation, passes):
                backward = direction == "backward"
                both = operation.attributes.get("direction") == b"bidirectional" or backward
                title = f"{prefix}layer {number + 1}" + (f", {direction}" if both else "")
                shown = {sign: values[sign] for sign in SIGNS if sign in values}
                found.append(LayerGates(title, _cell(operation, values), axis, backward, shown))
    if not found:
        raise ConfigError("This model has no recurrent layer, and so neither gates nor a way through time.")
    return found


def _cell(operation: Operation, values: Arrays) -> str:
    if operation.kind in OPERATORS:
        return OPERATORS[operation.kind]
    return "lstm" if "cell" in values else "gru" if "relevance" in values else "simple_rnn"


def _directions(operation: Operation, passes: Sequence[Arrays]) -> list[tuple[str, Arrays]]:
    if operation.kind == "Scan":
        return [_of_scan(operation, passes)]
    direction = operation.attributes.get("direction", b"forward").decode()
    names = {"bidirectional": ["forward", "backward"], "reverse": ["backward"]}.get(direction, ["forward"])
    return [(name, _of_operator(operation, passes, place, name == "backward")) for place, name in enumerate(names)]


def _of_scan(operation: Operation, passes: Sequence[Arrays]) -> tuple[str, Arrays]:
    backward = operation.attributes["body"].name.startswith(BACKWARD_BODY)
    values = {name: np.concatenate([own[name][:, 0] for own in passes]) for name in operation.tensors}
    if backward:
        values = {name: value[::-1] for name, value in values.items()}
    values["hidden"] = values.pop("y")
    if "kept" in values:
        values["update"] = 1 - values.pop("kept")
    return ("backward" if backward else "forward"), values


def _of_operator(operation: Operation, passes: Sequence[Arrays], place: int, backward: bool) -> Arrays:
    """Gates from what an operator has read and said; see the equations of ONNX's operators."""
    W, R = passes[0]["W"][place], passes[0]["R"][place]  # noqa: N806
    units = R.shape[1]
    bias = passes[0]["B"][place] if "B" in passes[0] else np.zeros(2 * len(R), np.float32)
    b, c = bias[: len(R)], bias[len(R) :]
    functions = operation.attributes.get("activations")
    count = {"LSTM": 3, "GRU": 2, "RNN": 1}[operation.kind]
    own = [name.decode() for name in functions[place * count : (place + 1) * count]] if functions else []
    x = np.concatenate([each["x"][:, 0] for each in passes])
    hidden = np.concatenate([each["y"][:, place, 0] for each in passes])
    first = passes[0]["h"][place, 0] if "h" in passes[0] else np.zeros(units, np.float32)
    before = np.vstack([hidden[1:], first]) if backward else np.vstack([first, hidden[:-1]])
    if operation.kind == "RNN":
        return {"hidden": hidden}
    inward, recurrent = x @ W.T + b, before @ R.T + c

    def block(number: int) -> Array:
        part = slice(number * units, (number + 1) * units)
        return np.asarray(inward[:, part] + recurrent[:, part])

    gate, squash = (own or ["Sigmoid", "Tanh"])[:2]
    if operation.kind == "GRU":
        relevance = _ACTIVATIONS[gate](block(1))
        last = slice(2 * units, None)
        if operation.attributes.get("linear_before_reset", 0):
            candidate = inward[:, last] + relevance * recurrent[:, last]
        else:
            candidate = inward[:, last] + (relevance * before) @ R[last].T + c[last]
        return {
            "update": 1 - _ACTIVATIONS[gate](block(0)),
            "relevance": relevance,
            "candidate": _ACTIVATIONS[squash](candidate),
            "hidden": hidden,
        }
    update, output, forget = (_ACTIVATIONS[gate](block(number)) for number in (0, 1, 2))
    candidate = _ACTIVATIONS[squash](block(3))
    cell = np.zeros_like(candidate)
    state = passes[0]["c"][place, 0] if "c" in passes[0] else np.zeros(units, np.float32)
    for step in range(len(cell))[:: -1 if backward else 1]:
        state = update[step] * candidate[step] + forget[step] * state
        cell[step] = state
    return {
        "update": update,
        "forget": forget,
        "output": output,
        "candidate": candidate,
        "cell": cell,
        "hidden": hidden,
    }


def _sigmoid(z: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))


_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "Sigmoid": _sigmoid,
    "Tanh": lambda z: np.asarray(np.tanh(z)),
    "Relu": lambda z: np.asarray(np.maximum(z, 0)),
    "Softplus": lambda z: np.asarray(np.logaddexp(z, 0)),
    "Softsign": lambda z: np.asarray(z / (1 + np.abs(z))),
    "Affine": lambda z: z,
}
