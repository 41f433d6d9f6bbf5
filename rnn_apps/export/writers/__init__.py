"""Writers of layers as ONNX; importing this package registers them."""

from rnn_apps.export.writers import attention, basic, recurrent, tagging

__all__ = ["attention", "basic", "recurrent", "tagging"]
