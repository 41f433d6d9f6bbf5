"""Looking into a saved model: gates, gradient through time, what an answer hangs on, attention, training."""

from rnn_apps.inspection.inspect import VIEWS, inspect
from rnn_apps.inspection.results import Inspection, Look

__all__ = ["VIEWS", "Inspection", "Look", "inspect"]
