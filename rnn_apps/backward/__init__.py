"""What needs a saved model's backward pass, and the extra `train`: gradient through time, integrated gradients."""

from rnn_apps.backward.integrated import integrated_gradients
from rnn_apps.backward.through_time import gradient_through_time

__all__ = ["gradient_through_time", "integrated_gradients"]
