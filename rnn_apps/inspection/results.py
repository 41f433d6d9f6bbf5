"""What was seen of a model: typed results, with NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass

from rnn_apps.html import notebook_page
from rnn_apps.inference.cases import Case
from rnn_apps.inspection.contributions import Contributions
from rnn_apps.inspection.gates import LayerGates
from rnn_apps.inspection.gradient import LayerGradient
from rnn_apps.inspection.presentation import contribution_views, gate_views, gradient_views, training_views
from rnn_apps.inspection.records import TrainingRecords
from rnn_apps.views import Text, View


@dataclass(frozen=True)
class Look:
    """What was seen of one input, or of one sentence of it.

    Attributes:
        case: the input and its answer.
        gates: of each direction of each recurrent layer; empty where the view was not asked for, as below.
        gradient: likewise.
        contributions: to the answer, by each method.
        decoding: how the answer was found, as views.
    """

    case: Case
    gates: tuple[LayerGates, ...] = ()
    gradient: tuple[LayerGradient, ...] = ()
    contributions: tuple[Contributions, ...] = ()
    decoding: tuple[View, ...] = ()

    def views(self) -> list[View]:
        """Returns all of it as a terminal, a notebook and a picture can draw it."""
        found = [view for layer in self.gates for view in gate_views(layer)]
        if self.gradient:
            found += gradient_views(self.gradient)
        for contributions in self.contributions:
            found += contribution_views(contributions)
        return [*found, *self.decoding]


@dataclass(frozen=True)
class Inspection:
    """What was seen of a model.

    Attributes:
        model: its name.
        task: the name of its task.
        looks: one for each input, or for each sentence of it.
        training: what its training has recorded; None where that was not asked for, or it has recorded nothing.
        remarks: what was not looked at, and why.
    """

    model: str
    task: str
    looks: tuple[Look, ...]
    training: TrainingRecords | None
    remarks: tuple[str, ...]

    def views(self) -> list[View]:
        """Returns all of it, one input after the other."""
        found: list[View] = []
        for look in self.looks:
            found += [Text(f"{look.case.title}  →  {look.case.answer}"), *look.views()]
        return found + (training_views(self.training) if self.training else [])

    def _repr_html_(self) -> str:
        return notebook_page([("", self.views())])
