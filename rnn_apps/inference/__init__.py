"""Prediction with ONNX Runtime, without TensorFlow."""
