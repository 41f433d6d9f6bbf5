"""Keras models as ONNX graphs.

save_onnx(model, path, probe)       a model as a graph that is proven equal to it
@writes(MyLayer)                    how a layer of one's own is written
"""

from rnn_apps.export.graph import Graph
from rnn_apps.export.keras_model import SharedWeights, save_onnx, to_onnx
from rnn_apps.export.registry import Value, same_rows, writes

__all__ = ["Graph", "SharedWeights", "Value", "same_rows", "save_onnx", "to_onnx", "writes"]
